#include "cli/machine.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

#include <arpa/inet.h>
#include <sys/resource.h>

namespace postern::cli {
namespace {

template <class T>
std::optional<T> parse_hex(std::string_view text)
{
    T value{};
    auto const [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (wrong != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// /proc/net/route: interface, destination, gateway, ...; the gateway is the word of the network, printed as the host reads it.
void add_ipv4_gateways(std::vector<ip_address>& found)
{
    std::ifstream routes{"/proc/net/route"};
    std::string line;
    std::getline(routes, line);  // the heading
    while (std::getline(routes, line)) {
        std::istringstream fields{line};
        std::string interface, destination, gateway;
        fields >> interface >> destination >> gateway;
        auto const word = parse_hex<std::uint32_t>(gateway);
        if (destination != "00000000" || !word || *word == 0) continue;
        found.push_back(ip_address::v4(ntohl(*word)));
    }
}

/// /proc/net/ipv6_route: destination, its prefix, source, its prefix, next hop, ...
void add_ipv6_gateways(std::vector<ip_address>& found)
{
    std::ifstream routes{"/proc/net/ipv6_route"};
    std::string line;
    while (std::getline(routes, line)) {
        std::istringstream fields{line};
        std::string destination, prefix, source, source_prefix, hop;
        fields >> destination >> prefix >> source >> source_prefix >> hop;
        if (prefix != "00" || hop.size() != 32 || hop == std::string(32, '0')) continue;
        std::array<std::uint8_t, 16> octets{};
        bool fine = true;
        for (std::size_t i = 0; i < octets.size(); ++i) {
            auto const octet = parse_hex<std::uint8_t>(std::string_view{hop}.substr(2 * i, 2));
            fine = fine && octet.has_value();
            octets[i] = octet.value_or(0);
        }
        if (fine) found.push_back(ip_address::v6(octets));
    }
}

}  // namespace

std::vector<ip_address> default_gateways()
{
    std::vector<ip_address> found;
    add_ipv4_gateways(found);
    add_ipv6_gateways(found);
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return found;
}

std::uint64_t raise_descriptor_limit()
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
    if (limit.rlim_cur != limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &limit);
        ::getrlimit(RLIMIT_NOFILE, &limit);
    }
    return limit.rlim_cur;
}

}  // namespace postern::cli
