// Finds out what can be seen of a mail account from here: everything at once that does not need
// anything else, within a time that is given. It judges nothing but what has to be known to go
// on: which port to log in at, and whether a password may go there.
//
// At most two passwords are turned down in a run, since providers lock accounts. None goes out in
// the clear, or to a server whose certificate is not its own, unless the person says so.
#pragma once

#include <functional>
#include <memory>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "diagnose/findings.hpp"
#include "diagnose/observations.hpp"
#include "dns/resolver.hpp"
#include "net/tls.hpp"

namespace postern::diagnose {

/// What the examiner works with.
struct tools {
    boost::asio::any_io_executor executor;
    std::shared_ptr<dns::resolver> resolver;
    std::shared_ptr<net::tls_context> tls;
    bool asks_system = true;  // the machine's own way to look names up may be asked, too
    std::string authorities;  // the PEM file that it trusts; empty: the system's
    /// A step is over, as far as it goes; what was seen so far.
    std::function<void(step, observations const&)> finished;
    /// Whether a test mail may be sent from the one address to the other. The time that this takes is the
    /// person's, and does not count.
    std::function<boost::asio::awaitable<bool>(std::string from, std::string to)> may_send;
    /// What a server of one's own knows of a message that it has not yet delivered; empty: nothing.
    std::function<std::string(std::string const& queue_id)> server_record;
    /// What a server of one's own saw of the check's sessions (`postern check-code`); empty: it is asked by HELP.
    std::function<std::optional<std::vector<witness::sighting>>()> read_record;
};

boost::asio::awaitable<observations> examine(tools with, given person, credentials who);

}  // namespace postern::diagnose
