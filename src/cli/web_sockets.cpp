#include "cli/web_sockets.hpp"

#include <charconv>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

namespace postern::cli {

result<web_sockets> bind_web_sockets(config::settings const& s)
{
    web_sockets out;
    if (!s.web.address.empty()) {
        auto bound = net::bind_sockets(s.web.address, false, web_sockets_each);
        if (!bound) return std::move(bound.error());
        out.https = std::move(*bound);
    }
    if (!s.web.http_address.empty()) {
        auto bound = net::bind_sockets(s.web.http_address, false, web_sockets_each);
        if (!bound) return std::move(bound.error());
        out.http = std::move(*bound);
    }
    return out;
}

web_sockets inherited_web_sockets()
{
    web_sockets out;
    char** names = nullptr;
    int const count = ::sd_listen_fds_with_names(1, &names);
    for (int i = 0; i < count; ++i) {
        int const fd = SD_LISTEN_FDS_START + i;
        net::socket_handle socket{fd};
        bool const is_http = std::strcmp(names[i], "http") == 0;
        std::free(names[i]);
        if (::sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) <= 0) continue;
        if (::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK) != 0) continue;
        (is_http ? out.http : out.https).push_back(std::move(socket));
    }
    std::free(names);
    return out;
}

std::uint16_t https_port_of(config::settings const& s)
{
    constexpr std::uint16_t usual = 443;
    auto place = s.web.public_url.empty() ? s.web.address : s.web.public_url;
    if (auto const scheme = place.find("://"); scheme != std::string::npos) place.erase(0, scheme + 3);
    place = place.substr(0, place.find('/'));
    auto const colon = place.rfind(':');
    if (colon == std::string::npos || place.ends_with(']')) return usual;
    std::uint16_t port = usual;
    std::from_chars(place.data() + colon + 1, place.data() + place.size(), port);
    return port;
}

}  // namespace postern::cli
