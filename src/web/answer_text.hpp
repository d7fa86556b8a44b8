// An answer as octets: status line and fields, with those that every answer of ours has.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "http/message.hpp"

namespace postern::web {

struct answer_form {
    bool secure = true;      // over TLS
    bool closes = false;     // the connection, after this answer
    bool says_open = false;  // to HTTP/1.0, which takes it for closed otherwise
    bool in_chunks = false;  // its length is not known yet
};

/// Everything before the body, with the empty line. Security fields that the answer sets itself stay as it wants them.
std::string print_head(http::response const& r, answer_form form, wall_time now);

/// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7).
std::string to_http_date(wall_time t);

/// Whether an answer of this status has a body, and says how long it is (RFC 9110 section 8.6).
bool may_have_body(unsigned status) noexcept;

}  // namespace postern::web
