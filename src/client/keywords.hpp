// What a server says of itself in its reply to EHLO, for people: all of it, in its own words.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "smtp/client_session.hpp"

namespace postern::client {

/// What EHLO or HELO brought.
struct announcement {
    bool extended = false;  // EHLO was taken, not HELO
    std::string greeting;   // the first line
    smtp::extensions known;
    std::vector<std::string> lines;  // all the others as they came, printable
    bool auth_equals = false;        // an `AUTH=` line, as before RFC 2554 ...
    bool auth_proper = false;        // ... and an `AUTH` line
    std::vector<std::string> unknown_keywords;
};

/// From the text of the reply.
announcement read_announcement(std::string_view text, bool extended);

}  // namespace postern::client
