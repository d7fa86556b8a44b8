#include "directory/argon2.hpp"

#include <array>

#include <argon2.h>
#include <sys/mman.h>

#include "base/base64.hpp"
#include "base/numbers.hpp"

namespace postern::directory::argon2 {
namespace {

/// One mapping per thread, grown when a hash needs more. libargon2 wipes it after use.
class arena {
public:
    arena() = default;
    arena(arena const&) = delete;
    arena& operator=(arena const&) = delete;
    ~arena() { release(); }

    std::uint8_t* take(std::size_t size) noexcept
    {
        if (size <= size_) return octets_;
        release();
        void* found = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (found == MAP_FAILED) return nullptr;
        // Argon2 jumps all over its memory: with small pages most time goes to finding them.
        madvise(found, size, MADV_HUGEPAGE);
        madvise(found, size, MADV_DONTDUMP);
        octets_ = static_cast<std::uint8_t*>(found);
        size_ = size;
        return octets_;
    }
    void release() noexcept
    {
        if (octets_ != nullptr) munmap(octets_, size_);
        octets_ = nullptr;
        size_ = 0;
    }

private:
    std::uint8_t* octets_ = nullptr;
    std::size_t size_ = 0;
};

thread_local arena memory;

int allocate(std::uint8_t** out, std::size_t size)
{
    *out = memory.take(size);
    return *out == nullptr ? ARGON2_MEMORY_ALLOCATION_ERROR : ARGON2_OK;
}

void keep(std::uint8_t*, std::size_t) {}

/// Base 64 without padding, as PHC strings have it.
std::optional<std::string> decode(std::string_view text)
{
    std::string padded{text};
    while (padded.size() % 4 != 0) padded += '=';
    return base64_decode(padded);
}

std::string encode(std::string_view octets)
{
    std::string text = base64_encode(octets);
    while (!text.empty() && text.back() == '=') text.pop_back();
    return text;
}

/// The number behind `key` at the front of `text`, which then starts behind `end`.
std::optional<std::uint32_t> take_number(std::string_view& text, std::string_view key, char end, std::uint32_t limit)
{
    if (!text.starts_with(key)) return std::nullopt;
    text.remove_prefix(key.size());
    auto const stop = text.find(end);
    if (stop == std::string_view::npos) return std::nullopt;
    auto const n = parse_number<std::uint32_t>(text.substr(0, stop), limit);
    text.remove_prefix(stop + 1);
    return n;
}

}  // namespace

std::optional<parsed> parse(std::string_view text)
{
    parsed p;
    if (text.starts_with("$argon2id$")) {
        text.remove_prefix(10);
    } else if (text.starts_with("$argon2i$")) {
        p.cost.id = false;
        text.remove_prefix(9);
    } else {
        return std::nullopt;
    }
    auto const version = take_number(text, "v=", '$', 19);
    auto const memory_cost = take_number(text, "m=", ',', 256 * 1024);
    auto const passes = take_number(text, "t=", ',', 64);
    auto const lanes = take_number(text, "p=", '$', 16);
    if (version != 19u || !memory_cost || !passes || !lanes || *passes == 0 || *lanes == 0 || *memory_cost < 8 * *lanes)
        return std::nullopt;
    p.cost.memory = *memory_cost;
    p.cost.passes = *passes;
    p.cost.lanes = *lanes;
    auto const stop = text.find('$');
    if (stop == std::string_view::npos) return std::nullopt;
    auto salt = decode(text.substr(0, stop));
    auto hash = decode(text.substr(stop + 1));
    if (!salt || salt->size() < 8 || salt->size() > 64 || !hash || hash->size() < 12 || hash->size() > 64)
        return std::nullopt;
    p.salt = std::move(*salt);
    p.hash = std::move(*hash);
    return p;
}

std::string to_string(parsed const& p)
{
    return std::string{p.cost.id ? "$argon2id" : "$argon2i"} + "$v=19$m=" + std::to_string(p.cost.memory) +
           ",t=" + std::to_string(p.cost.passes) + ",p=" + std::to_string(p.cost.lanes) + "$" + encode(p.salt) + "$" +
           encode(p.hash);
}

std::optional<std::string> compute(parameters const& p, std::string_view password, std::string_view salt,
                                   std::size_t size)
{
    std::string out(size, '\0');
    std::string salt_copy{salt};
    // The interface takes pointers to what it may wipe; without ARGON2_FLAG_CLEAR_... it only reads.
    auto* password_octets = reinterpret_cast<std::uint8_t*>(const_cast<char*>(password.data()));
    argon2_context c{};
    c.out = reinterpret_cast<std::uint8_t*>(out.data());
    c.outlen = static_cast<std::uint32_t>(out.size());
    c.pwd = password_octets;
    c.pwdlen = static_cast<std::uint32_t>(password.size());
    c.salt = reinterpret_cast<std::uint8_t*>(salt_copy.data());
    c.saltlen = static_cast<std::uint32_t>(salt_copy.size());
    c.t_cost = p.passes;
    c.m_cost = p.memory;
    c.lanes = p.lanes;
    c.threads = 1;
    c.version = ARGON2_VERSION_13;
    c.allocate_cbk = allocate;
    c.free_cbk = keep;
    c.flags = ARGON2_DEFAULT_FLAGS;
    if (argon2_ctx(&c, p.id ? Argon2_id : Argon2_i) != ARGON2_OK) return std::nullopt;
    return out;
}

void release_memory() noexcept { memory.release(); }

}  // namespace postern::directory::argon2
