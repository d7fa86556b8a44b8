#include "base/ids.hpp"

#include <array>

#include "base/crypto.hpp"

namespace postern {
namespace {

constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr std::size_t random_characters = 12;

// One request to the generator serves many names: it costs more than the rest.
std::string make(std::string out)
{
    thread_local std::array<unsigned char, 8 * 64> pool;
    thread_local std::size_t used = pool.size();
    if (used == pool.size()) {
        random_octets(std::span{pool});
        used = 0;
    }
    std::uint64_t bits = 0;
    for (int i = 0; i < 8; ++i) {
        bits = bits << 8 | pool[used];
        pool[used++] = 0;
    }
    for (std::size_t i = 0; i < random_characters; ++i, bits >>= 5) out += alphabet[bits & 31];
    return out;
}

}  // namespace

std::string make_session_id() { return make({}); }
std::string make_queue_id() { return make("Q"); }

bool looks_like_id(std::string_view text) noexcept
{
    if (auto const dot = text.find('.'); dot != std::string_view::npos) {
        auto const number = text.substr(dot + 1);
        if (number.empty() || number.size() > 6 || number.find_first_not_of("0123456789") != std::string_view::npos)
            return false;
        text = text.substr(0, dot);
    }
    if (text.size() == random_characters + 1 && (text[0] == 'Q' || text[0] == 'q')) text.remove_prefix(1);
    if (text.size() != random_characters) return false;
    for (char c : text) {
        char const upper = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        if (alphabet.find(upper) == std::string_view::npos) return false;
    }
    return true;
}

}  // namespace postern
