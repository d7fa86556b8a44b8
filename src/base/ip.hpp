// IP addresses and networks as values: no sockets, no look-ups.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern {

/// An IPv4 or IPv6 address. IPv4-mapped IPv6 addresses (::ffff:a.b.c.d) become IPv4,
/// so that one rule means one client.
class ip_address {
public:
    ip_address() = default;  // 0.0.0.0
    static ip_address v4(std::uint32_t host_order) noexcept;
    static ip_address v6(std::array<std::uint8_t, 16> const& octets) noexcept;
    /// Dotted quad or RFC 4291 text, without brackets, port or zone.
    static std::optional<ip_address> parse(std::string_view text);

    bool is_v4() const noexcept { return v4_; }
    bool is_loopback() const noexcept;
    /// RFC 1918, RFC 4193, link-local and loopback.
    bool is_private() const noexcept;
    /// IPv4 in the last four octets.
    std::array<std::uint8_t, 16> const& octets() const noexcept { return octets_; }
    std::string to_string() const;
    friend bool operator==(ip_address const&, ip_address const&) = default;
    friend auto operator<=>(ip_address const&, ip_address const&) = default;

private:
    std::array<std::uint8_t, 16> octets_{};
    bool v4_ = true;
};

/// The address that all of one customer's are counted under: for IPv6 the /64, which is what one
/// customer has at least.
ip_address customer_of(ip_address const& a) noexcept;

struct endpoint {
    ip_address address;
    std::uint16_t port = 0;
    /// "192.0.2.1:25", "[2001:db8::1]:25".
    std::string to_string() const;
    /// host:port with the host an address; IPv6 in brackets.
    static std::optional<endpoint> parse(std::string_view text);
    friend bool operator==(endpoint const&, endpoint const&) = default;
};

/// A prefix of addresses. The bits behind the prefix must be zero.
class network {
public:
    /// "192.0.2.0/24", "2001:db8::/32", or one address.
    static std::optional<network> parse(std::string_view text);
    bool contains(ip_address const& a) const noexcept;
    ip_address const& base() const noexcept { return base_; }
    /// Counted in the address's own family: 0 to 32, or 0 to 128.
    unsigned prefix() const noexcept { return prefix_; }
    std::string to_string() const;
    friend bool operator==(network const&, network const&) = default;

private:
    ip_address base_;
    unsigned prefix_ = 32;
};

bool contains(std::vector<network> const& networks, ip_address const& a) noexcept;

}  // namespace postern
