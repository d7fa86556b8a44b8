// A name to addresses as this machine's programs see it: getaddrinfo, with /etc/hosts and whatever
// else is set up here, and not Postern's own resolver.
#pragma once

#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "base/clock.hpp"
#include "base/ip.hpp"
#include "net/stream.hpp"

namespace postern::client {

struct looked_up {
    std::vector<ip_address> addresses;  // in the order in which they should be tried; at most 16
    int failure = 0;                    // EAI_...; 0: none
    bool timed_out = false;
    std::string problem{};  // words
    steady_clock::duration took{};
};

/// The first `most` of both families in turn, each in its order: a broken IPv6 with many addresses must not
/// hide the IPv4 that works (RFC 8305 section 4).
std::vector<ip_address> in_turn(std::vector<ip_address> const& all, std::size_t most);

/// Waits on a thread of its own. An address stands for itself.
net::awaitable<looked_up> look_up(boost::asio::any_io_executor executor, std::string name,
                                  steady_clock::duration limit);

}  // namespace postern::client
