// Mails of our own to people: to the owner of an account, to the operator. Written by "postmaster"
// of a domain of ours, without a reverse-path, so that nothing answers, and signed where the domain
// has a DKIM key.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/clock.hpp"
#include "mail/address.hpp"
#include "signing/signer.hpp"
#include "spool/spool.hpp"

namespace postern::submission {

struct notice {
    mail::mailbox to;
    std::string domain;   // whose postmaster writes; empty: the recipient's
    std::string subject;  // ASCII, one line
    std::string text;     // lines that end in \n, UTF-8
};

/// The message and its content, as the spool wants them.
std::pair<spool::message, std::string> write_notice(notice const& n, std::string const& hostname, wall_time now);
/// Signs it and puts it into the queue; waits for nothing. What fails is logged. Gives the queue id.
std::string send_notice(spool::spool& queue, signing::signer& signer, notice const& n, std::string const& hostname,
                        wall_time now);

}  // namespace postern::submission
