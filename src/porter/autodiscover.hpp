// Microsoft's Autodiscover, MS-OXDSCLI: what Outlook asks, and what it is answered. Only what IMAP, POP3 and SMTP need; we
// are no Exchange and don't pretend to be one.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "porter/facts.hpp"

namespace postern::porter {

inline constexpr std::size_t longest_autodiscover_request = 16u << 10;

struct autodiscover_question {
    enum class kind { settings, other_schema, invalid } what = kind::invalid;
    std::string address;  // as it was written, at most 320 octets
};
/// Bounded; takes no DTD, and knows no entities but XML's own five.
autodiscover_question read_autodiscover(std::string_view body);

/// "POX": one block for each protocol, the first place of each, since Outlook takes no other.
std::string autodiscover(services const& s, std::string_view address);

/// MS-OXDSCLI section 2.2.4.1.1.3: these are answered with HTTP status 200.
enum class autodiscover_error { unknown_address = 500, invalid_request = 600, other_schema = 601 };
std::string autodiscover(autodiscover_error what, wall_time now);

/// Version 2, JSON, can't name IMAP and SMTP; it leads to the first one.
/// `site`: "https://autodiscover.example.com".
std::string autodiscover_pointer(std::string_view site);
std::string autodiscover_json_error(std::string_view code, std::string_view text);

}  // namespace postern::porter
