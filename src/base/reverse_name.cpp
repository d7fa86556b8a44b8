#include "base/reverse_name.hpp"

#include <string_view>

namespace postern {

std::string reverse_name(ip_address const& a)
{
    auto const& octets = a.octets();
    std::string name;
    if (a.is_v4()) {
        for (std::size_t i = octets.size(); i > octets.size() - 4; --i) name += std::to_string(octets[i - 1]) + '.';
        return name + "in-addr.arpa";
    }
    constexpr std::string_view digits = "0123456789abcdef";
    for (std::size_t i = octets.size(); i > 0; --i) {
        unsigned const value = octets[i - 1];
        name += digits[value & 0xfu];
        name += '.';
        name += digits[value >> 4u];
        name += '.';
    }
    return name + "ip6.arpa";
}

}  // namespace postern
