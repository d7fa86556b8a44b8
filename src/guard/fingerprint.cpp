#include "guard/fingerprint.hpp"

#include <bit>

#include "base/crypto.hpp"
#include "base/secret.hpp"

namespace postern::guard {
namespace {

constexpr std::size_t key_size = 32;

std::uint64_t load(char const* octets, std::size_t count) noexcept
{
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < count; ++i) value |= std::uint64_t{static_cast<unsigned char>(octets[i])} << (8 * i);
    return value;
}

class sip {
public:
    explicit sip(std::array<std::uint64_t, 2> const& key) noexcept
        : v_{key[0] ^ 0x736f6d6570736575U, key[1] ^ 0x646f72616e646f6dU, key[0] ^ 0x6c7967656e657261U,
             key[1] ^ 0x7465646279746573U}
    {
    }
    void add(std::uint64_t word) noexcept
    {
        v_[3] ^= word;
        round();
        round();
        v_[0] ^= word;
    }
    std::uint64_t finish() noexcept
    {
        v_[2] ^= 0xff;
        for (int i = 0; i < 4; ++i) round();
        return v_[0] ^ v_[1] ^ v_[2] ^ v_[3];
    }

private:
    void round() noexcept
    {
        auto& [a, b, c, d] = v_;
        a += b;
        b = std::rotl(b, 13) ^ a;
        a = std::rotl(a, 32);
        c += d;
        d = std::rotl(d, 16) ^ c;
        a += d;
        d = std::rotl(d, 21) ^ a;
        c += b;
        b = std::rotl(b, 17) ^ c;
        c = std::rotl(c, 32);
    }
    std::array<std::uint64_t, 4> v_;
};

constexpr std::uint64_t not_zero(std::uint64_t value) noexcept { return value != 0 ? value : 1; }

}  // namespace

fingerprinter::fingerprinter() : fingerprinter(random_octets(key_size)) {}

fingerprinter::fingerprinter(std::string key) : key_(std::move(key))
{
    auto const derived = hmac(hash::sha256, key_, "tables");
    sip_ = {load(derived.data(), 8), load(derived.data() + 8, 8)};
}

std::uint64_t fingerprinter::of_secret(std::string_view account, std::string_view secret) const
{
    std::string text;
    text.reserve(account.size() + secret.size() + 1);
    text += account;
    text += '\0';
    text += secret;
    auto const mac = hmac(hash::sha256, key_, text);
    wipe(text.data(), text.size());
    return not_zero(load(mac.data(), 8));
}

std::uint64_t fingerprinter::of(std::string_view text) const noexcept
{
    sip s{sip_};
    std::size_t at = 0;
    for (; at + 8 <= text.size(); at += 8) s.add(load(text.data() + at, 8));
    s.add(load(text.data() + at, text.size() - at) | std::uint64_t{text.size() & 0xff} << 56);
    return not_zero(s.finish());
}

std::uint64_t fingerprinter::of(std::uint64_t a, std::uint64_t b) const noexcept
{
    sip s{sip_};
    s.add(a);
    s.add(b);
    s.add(std::uint64_t{16} << 56);
    return not_zero(s.finish());
}

}  // namespace postern::guard
