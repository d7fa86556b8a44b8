// The one place that uses OpenSSL's low-level SHA-512: the block function itself, since
// one hash of this scheme is five thousand blocks, and the ceremony around each would
// cost as much again.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "directory/sha512_crypt.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <vector>

#include <openssl/sha.h>

#include "base/crypto.hpp"
#include "base/secret.hpp"
#include "directory/sha512_constants.hpp"
#include "directory/sha512_lanes.hpp"

namespace postern::directory::sha512 {
namespace {

constexpr std::size_t digest_octets = 64;
constexpr std::size_t block_octets = 128;

std::uint64_t swapped(std::uint64_t x) noexcept
{
    if constexpr (std::endian::native == std::endian::little) return __builtin_bswap64(x);
    return x;
}

/// `pattern` over and over, `size` octets of it.
std::string repeated(std::string_view pattern, std::size_t size)
{
    std::string out;
    out.reserve(size);
    while (out.size() < size) out += pattern.substr(0, size - out.size());
    return out;
}

/// One hash under way. A round hashes the last digest, the password and the salt in an
/// order that depends on the round's number in eight ways; the eight messages are laid
/// out once, padding and all, and each round only puts the last digest in its place.
struct lane {
    struct message {
        std::size_t at = 0;      // in `octets`
        std::size_t digest = 0;  // where the last digest belongs
        std::uint32_t blocks = 0;
    };
    std::array<message, 8> kinds;
    std::vector<unsigned char> octets;
    std::array<unsigned char, digest_octets> last{};
    std::uint32_t rounds = 0;

    lane() = default;
    lane(lane const&) = delete;
    lane(lane&&) = default;
    lane& operator=(lane const&) = delete;
    ~lane() { wipe(octets.data(), octets.size()); }

    unsigned char* digest_place(unsigned kind) { return octets.data() + kinds[kind].at + kinds[kind].digest; }
};

unsigned kind_of_round(std::uint32_t i) noexcept
{
    return (i % 2 != 0 ? 1u : 0u) | (i % 3 != 0 ? 2u : 0u) | (i % 7 != 0 ? 4u : 0u);
}

/// Steps 1 to 20 of the specification: the first digest, and the sequences P and S.
lane prepare(std::string_view password, std::string_view salt, std::uint32_t rounds)
{
    lane l;
    l.rounds = rounds;
    std::string text;
    auto forget = [&text] {
        wipe(text.data(), text.size());
        text.clear();
    };
    // Room for all of it, so that nothing secret is left behind by growing.
    text.reserve(std::max(password.size() * password.size(), salt.size() * 271) + 4096);

    text.append(password).append(salt).append(password);
    std::string const b = digest(hash::sha512, text);
    forget();

    text.append(password).append(salt).append(repeated(b, password.size()));
    for (std::size_t n = password.size(); n != 0; n >>= 1) text.append((n & 1) != 0 ? std::string_view{b} : password);
    std::string const a = digest(hash::sha512, text);
    forget();

    for (std::size_t i = 0; i < password.size(); ++i) text.append(password);
    std::string p = repeated(digest(hash::sha512, text), password.size());
    forget();

    for (std::size_t i = 0; i < 16u + static_cast<unsigned char>(a[0]); ++i) text.append(salt);
    std::string const s = repeated(digest(hash::sha512, text), salt.size());
    forget();

    std::memcpy(l.last.data(), a.data(), digest_octets);
    l.octets.reserve(8 * (digest_octets + s.size() + 2 * p.size() + 2 * block_octets));
    std::string const blank(digest_octets, '\0');
    for (unsigned kind = 0; kind < 8; ++kind) {
        bool const odd = (kind & 1) != 0;
        text.append(odd ? std::string_view{p} : std::string_view{blank});
        if ((kind & 2) != 0) text.append(s);
        if ((kind & 4) != 0) text.append(p);
        text.append(odd ? std::string_view{blank} : std::string_view{p});
        lane::message& m = l.kinds[kind];
        m.at = l.octets.size();
        m.digest = odd ? text.size() - digest_octets : 0;
        m.blocks = static_cast<std::uint32_t>((text.size() + 17 + block_octets - 1) / block_octets);
        // FIPS 180-4 section 5.1.2: a one bit, zeros, and the length in bits.
        std::uint64_t const bits = 8 * text.size();
        l.octets.insert(l.octets.end(), text.begin(), text.end());
        l.octets.push_back(0x80);
        l.octets.resize(m.at + m.blocks * block_octets, 0);
        for (unsigned i = 0; i < 8; ++i) *(l.octets.end() - 1 - i) = static_cast<unsigned char>(bits >> (8 * i));
        forget();
    }
    wipe(p.data(), p.size());
    return l;
}

/// Step 21: the rounds, of all lanes together.
void run(std::span<lane> lanes, function hash, unsigned width)
{
    messages m{};
    std::uint32_t longest = 0;
    for (auto& l : lanes) {
        std::memcpy(l.digest_place(kind_of_round(0)), l.last.data(), digest_octets);
        longest = std::max(longest, l.rounds);
    }
    for (std::uint32_t i = 0; i < longest; ++i) {
        unsigned const kind = kind_of_round(i);
        unsigned const next = kind_of_round(i + 1);
        for (unsigned n = 0; n < width; ++n) {
            // Lanes too many do the work of the first, into the same place.
            lane& l = lanes[n < lanes.size() ? n : 0];
            m.data[n] = l.octets.data() + l.kinds[kind].at;
            m.blocks[n] = l.kinds[kind].blocks;
            m.digest[n] = i + 1 == l.rounds ? l.last.data() : l.digest_place(next);
        }
        hash(m);
    }
}

/// Step 22: the digest in crypt(3)'s own order and alphabet.
std::string encode(std::array<unsigned char, digest_octets> const& d)
{
    constexpr std::string_view alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    std::string out;
    out.reserve(86);
    auto put = [&](unsigned value, unsigned characters) {
        for (; characters > 0; --characters) {
            out += alphabet[value & 63];
            value >>= 6;
        }
    };
    unsigned a = 0;
    unsigned b = 21;
    unsigned c = 42;
    for (unsigned i = 0; i < 21; ++i) {
        put((unsigned{d[a]} << 16) | (unsigned{d[b]} << 8) | unsigned{d[c]}, 4);
        unsigned const first = a;
        a = b + 1;
        b = c + 1;
        c = first + 1;
    }
    put(d[63], 2);
    return out;
}

engine const one_at_a_time{1, 1, hash_one};

}  // namespace

void hash_one(messages const& m)
{
    SHA512_CTX context;
    for (unsigned i = 0; i < 8; ++i) context.h[i] = initial[i];
    for (std::uint32_t block = 0; block < m.blocks[0]; ++block)
        SHA512_Transform(&context, m.data[0] + block * block_octets);
    for (unsigned i = 0; i < 8; ++i) {
        std::uint64_t const word = swapped(context.h[i]);
        std::memcpy(m.digest[0] + 8 * i, &word, 8);
    }
}

engine const& best_engine() noexcept
{
    static engine const best = [] {
        if (function f = avx512_engine()) return engine{8, 3, f};
        if (function f = avx2_engine()) return engine{4, 3, f};
        return one_at_a_time;
    }();
    return best;
}

void crypt_all(std::span<crypt_job> jobs, engine const& e)
{
    while (!jobs.empty()) {
        bool const together = jobs.size() >= e.worthy;
        std::size_t const count = together ? std::min<std::size_t>(jobs.size(), e.lanes) : 1;
        std::vector<lane> lanes;
        lanes.reserve(count);
        for (auto const& j : jobs.first(count)) lanes.push_back(prepare(j.password, j.salt, j.rounds));
        if (together)
            run(lanes, e.hash, e.lanes);
        else
            run(lanes, hash_one, 1);
        for (std::size_t i = 0; i < count; ++i) jobs[i].hash = encode(lanes[i].last);
        jobs = jobs.subspan(count);
    }
}

void crypt_all(std::span<crypt_job> jobs) { crypt_all(jobs, best_engine()); }

}  // namespace postern::directory::sha512
