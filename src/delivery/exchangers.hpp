// Which hosts take a domain's mail, in which order (RFC 5321 section 5.1).
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "catalogue/catalogue.hpp"
#include "dns/resolver.hpp"

namespace postern::delivery {

struct exchangers {
    std::vector<std::string> hosts;            // best first; at most `most_hosts`
    std::vector<std::uint16_t> preferences;    // of each
    catalogue::rule const* problem = nullptr;  // set: there is nobody, and why
    std::string detail;                        // for the log
};

inline constexpr std::size_t most_hosts = 10;
inline constexpr std::size_t most_addresses = 10;  // tried of all hosts in one attempt

/// From the answer for a domain's MX. Equal preferences are shuffled; where we are an
/// exchanger ourselves, only better ones are left; no MX at all means the domain itself.
exchangers choose_exchangers(std::string const& domain, dns::mx_answer answer, std::string_view own_name,
                             std::mt19937& random);

/// The order in which a host's addresses are tried: families in turn, each shuffled.
std::vector<ip_address> order_addresses(dns::address_answer answer, std::mt19937& random);

/// Whether a connection there would come back to this machine: loopback, unspecified, or one
/// of our own addresses.
bool leads_back(ip_address const& a, std::vector<ip_address> const& own);
/// Whether a connection there would come in by one of our own doors.
bool is_own_door(endpoint const& to, std::vector<endpoint> const& doors, std::vector<ip_address> const& own);
/// Addresses of this machine's interfaces.
std::vector<ip_address> own_addresses();

}  // namespace postern::delivery
