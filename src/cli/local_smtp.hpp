// One message over the Unix socket that the running server has for programs of this machine.
// Blocking, and for one message: the speed of many is delivery's affair.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "control/local_socket.hpp"
#include "mail/envelope.hpp"
#include "smtp/client_session.hpp"

namespace postern::cli {

/// Connects. Errors say what to do.
result<control::descriptor> connect_to_server(std::string const& path);

/// Hands the message over, in several transactions where it has more recipients than one may
/// have. Gives the fate of each recipient. Errors: the server did not answer, or takes no such
/// message at all; some recipients may have been taken before, then `taken` says how many.
result<std::vector<smtp::recipient_result>> submit(control::descriptor const& to, std::string const& hostname,
                                                   mail::envelope const& env, std::string_view content,
                                                   bool utf8_header, std::size_t& taken);

}  // namespace postern::cli
