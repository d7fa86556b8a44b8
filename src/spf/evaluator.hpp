// What a domain says about a client that sends in its name (RFC 7208): check_host(), over names that the
// caller looks up. No clock, no sockets: a caller that has no time left answers that nobody answered.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/ip.hpp"
#include "mail/authentication.hpp"

namespace postern::spf {

enum class answered : std::uint8_t {
    found,
    nothing,  // no such name, or no such record
    failed,   // nobody answered
};
template <class T>
struct answer {
    answered what = answered::failed;
    std::vector<T> records{};
};

/// The DNS, as far as SPF asks it. Names have been looked over: labels of up to 63 octets, 253 in all.
class names {
public:
    virtual ~names() = default;
    virtual answer<std::string> texts(std::string const& name) = 0;
    virtual answer<std::string> exchangers(std::string const& name) = 0;
    /// Of the one kind or of the other.
    virtual answer<ip_address> addresses(std::string const& name, bool v6) = 0;
    /// PTR records.
    virtual answer<std::string> names_of(ip_address const& address) = 0;
};

struct identity {
    ip_address client;
    std::string local_part;  // empty: postmaster (section 4.3)
    std::string domain;
    std::string helo;
};

/// none, neutral, pass, fail, softfail, temperror or permerror.
mail::auth_result evaluate(names& dns, identity const& who);

}  // namespace postern::spf
