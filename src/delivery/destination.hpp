// One place that mail goes to, with what waits for it and the connections that work on it.
// Data only; the dispatcher moves it.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/steady_timer.hpp>

#include "delivery/outcome.hpp"
#include "delivery/pace.hpp"
#include "delivery/smart_host.hpp"
#include "delivery/target.hpp"
#include "delivery/waiting_line.hpp"

namespace postern::delivery {

struct address_place;
struct destination;

/// A connection that waits for more work.
struct sleeper {
    boost::asio::steady_timer alarm;
    std::string at;  // the line that it has a place of
    destination const* of = nullptr;
    bool woken = false;
};

struct destination {
    explicit destination(boost::asio::any_io_executor const& executor) : growth(executor), turn(executor) {}

    std::string key;     // "mx:example.net", "smtp:relay.example:25"
    std::string domain;  // for the words: the domain, or the host's name
    bool by_mx = false;
    target to;  // unless by_mx
    bool final_delivery = false;
    bool needs_tls = false;
    bool require_tls = false;               // for mail with REQUIRETLS (RFC 8689)
    bool tls_optional = false;              // for mail with "TLS-Required: No"
    std::shared_ptr<smart_host const> via;  // what the settings say of it; null: nothing
    std::shared_ptr<identity const> as;     // of via: as whom we come

    waiting_line waiting;
    unsigned connections = 0;  // with those that are not up yet
    unsigned established = 0;  // those that are
    unsigned window = 1;       // connections that may be had at the moment; each success adds one
    std::vector<sleeper*> idle;
    bool starved = false;                  // in the line for a connection of the total
    std::optional<std::string> in_line;    // the line that it waits in for a connection to a server
    std::size_t recipients_in_line = 0;    // of those that count there
    std::shared_ptr<address_place> place;  // had from that line, for the next connection

    /// Sees whether one more connection is called for while mail waits.
    boost::asio::steady_timer growth;
    bool growth_armed = false;
    /// Wakes it when the rate allows the next message.
    boost::asio::steady_timer turn;
    bool turn_armed = false;
    double seconds_per_message = 1;  // moving average, of one connection

    bool proven = false;    // has taken a message, or is one that the settings name
    unsigned suspects = 0;  // of the connections: those that began while nothing was known to its credit
    unsigned failures = 0;  // in a row, without a message in between
    steady_time down_until{};
    steady_time probe_at{};       // when a message will be there to try whether it works again
    bool was_down = false;        // mail may wait in the spool for it to work again
    bool more_waits = false;      // it works again, and the spool has more
    bool hurrying = false;        // the spool was asked for it
    std::int64_t hurried_to = 0;  // up to this place of the spool it was made due since then
    outcome last_failure;
    wall_time failed_at{};
    std::map<ip_address, steady_time> bad_addresses;  // tried last until then

    /// It took a message, and may have one more connection, up to `most`.
    void took_message(unsigned most)
    {
        window = std::min(window + 1, most);
        proven = true;
    }
    /// It works again after it was given up for a while.
    void came_back()
    {
        more_waits = true;
        hurried_to = 0;
    }
    /// It said that this is too much for it: half as many connections, at most once for each of them.
    void pushed_back()
    {
        if (++pushes < std::max(1u, connections / 2)) return;
        window = std::max(1u, std::min(window, connections) / 2);
        pushes = 0;
        more_waits = false;  // nor is it the time for mail that can wait
    }
    unsigned pushes = 0;  // since the window was made smaller
    pace rate;
    steady_time promised{};      // the turn of the last message that was sent back to the spool for it
    bool paused = false;         // until down_until: it works, but does not take ours
    unsigned account_fails = 0;  // in a row
};

}  // namespace postern::delivery
