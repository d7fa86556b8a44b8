// A report about TLS to one domain on one day (RFC 8460): its JSON, and the mail that carries it.
// Makes them only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "escort/sessions.hpp"
#include "mail/address.hpp"
#include "spool/spool.hpp"

namespace postern::escort {

struct report_facts {
    std::string hostname;      // ours: who submits
    std::string organization;  // in words
    std::string contact;
    std::string from;    // address
    std::string domain;  // whose servers it is about
    std::int64_t day = 0;

    /// The same for the same domain and day, so that a report that goes twice is known for it.
    std::string id() const;
    /// RFC 8460 section 5.1
    std::string file_name() const;
};

/// RFC 8460 section 4.4
std::string make_report(report_facts const& f, std::vector<session_row> const& rows);

/// The mail (RFC 8460 section 5.3), which asks to get there rather than to be kept from anybody, and
/// of which nobody is told if it does not.
std::pair<spool::message, std::string> make_report_mail(report_facts const& f, std::string_view zipped,
                                                        mail::mailbox const& to, wall_time now);

}  // namespace postern::escort
