#include "base/ip.hpp"

#include <algorithm>

#include <arpa/inet.h>

#include "base/numbers.hpp"

namespace postern {

ip_address ip_address::v4(std::uint32_t host_order) noexcept
{
    ip_address a;
    for (std::size_t i = 0; i < 4; ++i) a.octets_[15 - i] = static_cast<std::uint8_t>(host_order >> (8 * i));
    return a;
}

ip_address ip_address::v6(std::array<std::uint8_t, 16> const& octets) noexcept
{
    ip_address a;
    a.octets_ = octets;
    bool const mapped = std::all_of(octets.begin(), octets.begin() + 10, [](auto o) { return o == 0; }) &&
                        octets[10] == 0xff && octets[11] == 0xff;
    a.v4_ = mapped;
    if (mapped) a.octets_[10] = a.octets_[11] = 0;
    return a;
}

std::optional<ip_address> ip_address::parse(std::string_view text)
{
    // inet_pton() would stop at a NUL.
    if (text.empty() || text.size() > 45 || text.find('\0') != std::string_view::npos) return std::nullopt;
    std::string const z(text);
    std::array<std::uint8_t, 16> octets{};
    if (in_addr four{}; inet_pton(AF_INET, z.c_str(), &four) == 1) return v4(ntohl(four.s_addr));
    if (inet_pton(AF_INET6, z.c_str(), octets.data()) == 1) return v6(octets);
    return std::nullopt;
}

bool ip_address::is_loopback() const noexcept
{
    if (v4_) return octets_[12] == 127;
    return std::all_of(octets_.begin(), octets_.end() - 1, [](auto o) { return o == 0; }) && octets_[15] == 1;
}

bool ip_address::is_private() const noexcept
{
    if (is_loopback()) return true;
    if (v4_) {
        auto const a = octets_[12];
        auto const b = octets_[13];
        return a == 10 || (a == 172 && b >= 16 && b < 32) || (a == 192 && b == 168) || (a == 169 && b == 254);
    }
    return (octets_[0] & 0xfe) == 0xfc || (octets_[0] == 0xfe && (octets_[1] & 0xc0) == 0x80);
}

std::string ip_address::to_string() const
{
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (v4_)
        inet_ntop(AF_INET, octets_.data() + 12, text.data(), text.size());
    else
        inet_ntop(AF_INET6, octets_.data(), text.data(), text.size());
    return text.data();
}

ip_address customer_of(ip_address const& a) noexcept
{
    if (a.is_v4()) return a;
    auto octets = a.octets();
    std::fill(octets.begin() + 8, octets.end(), std::uint8_t{0});
    return ip_address::v6(octets);
}

std::string endpoint::to_string() const
{
    auto const host = address.to_string();
    return (address.is_v4() ? host : '[' + host + ']') + ':' + std::to_string(port);
}

std::optional<endpoint> endpoint::parse(std::string_view text)
{
    auto const colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    auto host = text.substr(0, colon);
    bool const bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) host = host.substr(1, host.size() - 2);
    auto const address = ip_address::parse(host);
    auto const port = parse_number<std::uint16_t>(text.substr(colon + 1));
    if (!address || !port || (host.find(':') != std::string_view::npos) != bracketed) return std::nullopt;
    return endpoint{*address, *port};
}

std::optional<network> network::parse(std::string_view text)
{
    network n;
    auto const slash = text.find('/');
    auto const address = ip_address::parse(text.substr(0, slash));
    if (!address) return std::nullopt;
    n.base_ = *address;
    unsigned const most = address->is_v4() ? 32 : 128;
    n.prefix_ = most;
    if (slash != std::string_view::npos) {
        auto const prefix = parse_number<unsigned>(text.substr(slash + 1), most);
        if (!prefix) return std::nullopt;
        n.prefix_ = *prefix;
    }
    for (unsigned bit = n.prefix_ + (128 - most); bit < 128; ++bit)
        if ((n.base_.octets()[bit / 8] >> (7 - bit % 8) & 1) != 0) return std::nullopt;
    return n;
}

bool network::contains(ip_address const& a) const noexcept
{
    if (a.is_v4() != base_.is_v4()) return false;
    unsigned const first = a.is_v4() ? 96 : 0;
    unsigned const end = first + prefix_;
    for (unsigned i = first / 8; i < 16 && i * 8 < end; ++i) {
        unsigned const bits = std::min(8u, end - i * 8);
        auto const mask = static_cast<std::uint8_t>(0xff00u >> bits);
        if ((a.octets()[i] & mask) != (base_.octets()[i] & mask)) return false;
    }
    return true;
}

std::string network::to_string() const { return base_.to_string() + '/' + std::to_string(prefix_); }

bool contains(std::vector<network> const& networks, ip_address const& a) noexcept
{
    return std::any_of(networks.begin(), networks.end(), [&](auto const& n) { return n.contains(a); });
}

}  // namespace postern
