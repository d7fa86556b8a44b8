// Mails of our own to people: to the owner of an account, to the operator. Written by
// "postmaster" of the recipient's domain, without a reverse-path, so that nothing answers.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "mail/address.hpp"
#include "spool/spool.hpp"

namespace postern::submission {

struct notice {
    mail::mailbox to;
    std::string subject;  // ASCII, one line
    std::string text;     // lines that end in \n, UTF-8
};

/// The message and its content, as the spool wants them.
std::pair<spool::message, std::string> write_notice(notice const& n, std::string const& hostname, wall_time now);
/// Puts it into the queue; waits for nothing. What fails is logged. Gives the queue id.
std::string send_notice(spool::spool& queue, notice const& n, std::string const& hostname, wall_time now);

}  // namespace postern::submission
