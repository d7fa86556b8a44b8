#include "base/hex.hpp"

namespace postern {

std::string to_hex(std::string_view octets)
{
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    out.reserve(2 * octets.size());
    for (char const c : octets) {
        auto const octet = static_cast<unsigned char>(c);
        out += digits[octet >> 4];
        out += digits[octet & 15];
    }
    return out;
}

}  // namespace postern
