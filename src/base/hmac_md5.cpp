#include "base/hmac_md5.hpp"

#include <array>
#include <bit>
#include <cassert>
#include <cstdint>

#include "base/secret.hpp"

namespace postern {
namespace {

constexpr std::size_t block_size = 64;
using state = std::array<std::uint32_t, 4>;
using block = std::array<unsigned char, block_size>;

constexpr state initial = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};

// RFC 1321 section 3.4: 2^32 times |sin(i)|.
constexpr std::array<std::uint32_t, 64> sines = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};
constexpr int rotations[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

std::uint32_t load(unsigned char const* octets) noexcept
{
    return static_cast<std::uint32_t>(octets[0]) | static_cast<std::uint32_t>(octets[1]) << 8 |
           static_cast<std::uint32_t>(octets[2]) << 16 | static_cast<std::uint32_t>(octets[3]) << 24;
}

void take_block(state& s, unsigned char const* octets) noexcept
{
    std::array<std::uint32_t, 16> words;
    for (std::size_t i = 0; i < words.size(); ++i) words[i] = load(octets + 4 * i);
    auto [a, b, c, d] = s;
    for (std::size_t i = 0; i < 64; ++i) {
        std::uint32_t mixed = 0;
        std::size_t word = 0;
        switch (i / 16) {
            case 0: mixed = (b & c) | (~b & d), word = i; break;
            case 1: mixed = (d & b) | (~d & c), word = (5 * i + 1) % 16; break;
            case 2: mixed = b ^ c ^ d, word = (3 * i + 5) % 16; break;
            default: mixed = c ^ (b | ~d), word = (7 * i) % 16; break;
        }
        std::uint32_t const turned = std::rotl(a + mixed + sines[i] + words[word], rotations[i / 16][i % 4]);
        a = d;
        d = c;
        c = b;
        b += turned;
    }
    s[0] += a;
    s[1] += b;
    s[2] += c;
    s[3] += d;
    wipe(words.data(), sizeof words);
}

/// Goes on from a state that has seen `before` octets, whole blocks, to the end.
state finish(state s, std::string_view text, std::uint64_t before)
{
    auto const* at = reinterpret_cast<unsigned char const*>(text.data());
    std::size_t left = text.size();
    for (; left >= block_size; at += block_size, left -= block_size) take_block(s, at);
    std::array<unsigned char, 2 * block_size> last{};
    for (std::size_t i = 0; i < left; ++i) last[i] = at[i];
    last[left] = 0x80;
    std::size_t const size = left + 9 <= block_size ? block_size : 2 * block_size;
    std::uint64_t const bits = (before + text.size()) * 8;
    for (std::size_t i = 0; i < 8; ++i) last[size - 8 + i] = static_cast<unsigned char>(bits >> (8 * i));
    for (std::size_t i = 0; i < size; i += block_size) take_block(s, last.data() + i);
    wipe(last.data(), last.size());
    return s;
}

void append(std::string& out, state const& s)
{
    for (std::uint32_t const word : s)
        for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(word >> shift & 0xff);
}

state read(std::string_view octets)
{
    auto const* const at = reinterpret_cast<unsigned char const*>(octets.data());
    return {load(at), load(at + 4), load(at + 8), load(at + 12)};
}

state padded(block const& key, unsigned char pad)
{
    block mixed;
    for (std::size_t i = 0; i < mixed.size(); ++i) mixed[i] = key[i] ^ pad;
    state s = initial;
    take_block(s, mixed.data());
    wipe(mixed.data(), mixed.size());
    return s;
}

}  // namespace

std::string hmac_md5_key(std::string_view key)
{
    block start{};
    if (key.size() > block_size) {
        std::string hashed;
        append(hashed, finish(initial, key, 0));
        hashed.copy(reinterpret_cast<char*>(start.data()), start.size());
        wipe(hashed.data(), hashed.size());
    } else {
        key.copy(reinterpret_cast<char*>(start.data()), start.size());
    }
    std::string out;
    out.reserve(hmac_md5_key_size);
    append(out, padded(start, 0x5c));
    append(out, padded(start, 0x36));
    wipe(start.data(), start.size());
    return out;
}

std::string hmac_md5(std::string_view key_state, std::string_view text)
{
    assert(key_state.size() == hmac_md5_key_size);
    std::string inner;
    append(inner, finish(read(key_state.substr(16)), text, block_size));
    std::string out;
    append(out, finish(read(key_state), inner, block_size));
    return out;
}

}  // namespace postern
