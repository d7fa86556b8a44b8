// What the client session writes and reads line by line: EHLO's announcement, MAIL and
// RCPT with the parameters that the other side knows.
#pragma once

#include <string>
#include <string_view>

#include "smtp/client_session.hpp"

namespace postern::smtp {

/// From the text of the reply to EHLO or LHLO, its first line being the greeting. What is
/// unknown or malformed is as good as not announced.
extensions parse_extensions(std::string_view text);

/// What BY says: what is to be given back has a second at least, since it is not sent after its time.
std::int64_t seconds_left(mail::deliver_by const& by, wall_time now);

/// Whether a server that announced this can take it. `safe`: REQUIRETLS is met (RFC 8689 section 3).
obstacle find_obstacle(outgoing const& m, extensions const& e, bool safe);

/// "MAIL FROM:<a@b> SIZE=...\r\n"
void append_mail_command(std::string& out, outgoing const& m, extensions const& e);
/// "RCPT TO:<a@b> NOTIFY=...\r\n"
void append_rcpt_command(std::string& out, mail::recipient const& to, extensions const& e);

}  // namespace postern::smtp
