#include "net/socket_address.hpp"

#include <algorithm>

#include <netinet/in.h>

namespace postern::net {

sockaddr_storage to_sockaddr(endpoint const& e, socklen_t& size)
{
    sockaddr_storage out{};
    auto const& octets = e.address.octets();
    if (e.address.is_v4()) {
        auto& four = reinterpret_cast<sockaddr_in&>(out);
        four.sin_family = AF_INET;
        four.sin_port = htons(e.port);
        std::copy(octets.begin() + 12, octets.end(), reinterpret_cast<std::uint8_t*>(&four.sin_addr));
        size = sizeof four;
    } else {
        auto& six = reinterpret_cast<sockaddr_in6&>(out);
        six.sin6_family = AF_INET6;
        six.sin6_port = htons(e.port);
        std::copy(octets.begin(), octets.end(), std::begin(six.sin6_addr.s6_addr));
        size = sizeof six;
    }
    return out;
}

endpoint from_sockaddr(sockaddr_storage const& a)
{
    if (a.ss_family == AF_INET) {
        auto const& four = reinterpret_cast<sockaddr_in const&>(a);
        return {ip_address::v4(ntohl(four.sin_addr.s_addr)), ntohs(four.sin_port)};
    }
    if (a.ss_family == AF_INET6) {
        auto const& six = reinterpret_cast<sockaddr_in6 const&>(a);
        std::array<std::uint8_t, 16> octets{};
        std::copy(std::begin(six.sin6_addr.s6_addr), std::end(six.sin6_addr.s6_addr), octets.begin());
        return {ip_address::v6(octets), ntohs(six.sin6_port)};
    }
    return {};
}

}  // namespace postern::net
