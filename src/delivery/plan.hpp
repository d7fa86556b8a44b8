// What of the configuration delivery goes by, and what only tests change.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>

#include "base/clock.hpp"
#include "base/ip.hpp"
#include "catalogue/catalogue.hpp"
#include "config/settings.hpp"
#include "delivery/target.hpp"
#include "delivery/ways.hpp"
#include "dns/resolver.hpp"
#include "escort/office.hpp"
#include "forwarding/book.hpp"
#include "net/tls.hpp"
#include "signing/signer.hpp"

namespace postern::delivery {

/// Replaced as a whole at a reload.
struct plan {
    std::string hostname;
    std::vector<endpoint> doors;  // where we listen ourselves
    target local;
    std::optional<target> smart_host;
    bool smart_host_needs_tls = false;
    std::vector<config::route> routes;
    std::vector<way> ways;  // of each route
    smart_hosts hosts;
    std::shared_ptr<delivery::smart_host const> usual_host;  // what [[smart_host]] says of smart_host; null: nothing
    std::filesystem::path data_dir;
    std::vector<network> relay_networks;
    std::vector<std::chrono::seconds> retry;
    std::chrono::seconds give_up_after{};
    std::chrono::seconds delay_notice_after{};  // 0: no notices
    unsigned connections_per_host = 1;
    unsigned concurrency = 1;
    char recipient_delimiter = '+';
    std::vector<config::tls_rule> tls_rules;
    bool dane = true;
    bool mta_sts = true;
};

result<plan> make_plan(config::settings const& s);

/// RFC 5321 section 4.5.3.2, and what it leaves open.
struct time_limits {
    std::chrono::milliseconds connect{std::chrono::seconds{30}};
    std::chrono::milliseconds connect_next{std::chrono::seconds{8}};  // the same while there are others to try
    std::chrono::milliseconds handshake{std::chrono::seconds{60}};
    std::chrono::milliseconds command{std::chrono::minutes{5}};   // greeting, EHLO, MAIL, RCPT
    std::chrono::milliseconds data{std::chrono::minutes{2}};      // the 354
    std::chrono::milliseconds block{std::chrono::minutes{3}};     // a piece of the content
    std::chrono::milliseconds content{std::chrono::minutes{10}};  // the reply to all of it
    std::chrono::milliseconds quit{std::chrono::seconds{5}};
    std::chrono::milliseconds idle{std::chrono::seconds{5}};  // a connection kept for the next message
    // All together, so that nobody holds a connection by answering each time at the last moment.
    std::chrono::milliseconds finding{std::chrono::minutes{10}};      // a host that is ready, of all that there are
    std::chrono::milliseconds transaction{std::chrono::minutes{30}};  // a message; more by its size
    std::chrono::milliseconds in_line{std::chrono::minutes{10}};      // for an address that has no place free
};

/// The world around; tests put their own in its place.
struct surroundings {
    time_limits limits;
    std::uint16_t mx_port = 25;
    std::uint16_t submissions_port = 465;      // a smart host there speaks TLS from the start
    bool loopback_is_us = true;                // a mail exchanger on this machine is a loop
    std::chrono::milliseconds grow_after{10};  // how long mail waits before one more connection is made
    std::chrono::milliseconds down_first{std::chrono::seconds{15}};  // a dead host is left alone, each time longer
    std::chrono::milliseconds down_most{std::chrono::minutes{5}};
    std::chrono::milliseconds probe_most{std::chrono::hours{1}};  // then it is tried whether it works again
    std::chrono::milliseconds housekeeping{std::chrono::minutes{1}};
    // A smart host that takes no login, or no more mail of ours, is left alone, each time longer.
    std::chrono::milliseconds account_first{std::chrono::minutes{1}};
    std::chrono::milliseconds account_most{std::chrono::hours{1}};
    std::size_t most_under_way = 100'000;  // recipients; the rest waits in the spool
    std::size_t most_in_line = 2000;       // of them, for one server that has no connection free
    std::size_t most_from_spool = 1000;    // messages in one destination's line; what has just come may be more
    unsigned mailbox_threads = 4;
    std::function<wall_time()> now = wall_clock::now;
    std::function<unsigned()> random_seed = [] { return std::random_device{}(); };
    std::function<result<std::unique_ptr<dns::resolver>>(boost::asio::any_io_executor)> make_resolver;
    std::shared_ptr<net::tls_context> tls;
    // Domains' policies, and the count of how TLS went; null: neither.
    escort::office* security = nullptr;
    // Signs our own reports; null: nobody does.
    signing::signer* signer = nullptr;
    // Whose mail goes on to others; null: nobody's.
    forwarding::book* forwards = nullptr;
    // Told how many recipients of an account's message were refused for good.
    std::function<void(std::string const& account, std::uint32_t count)> on_bounces;
    // Told when a smart host takes no login or no more mail of ours, once until it is well again.
    std::function<void(std::string const& smart_host, std::string const& user, std::string const& reply,
                       catalogue::rule const& why)>
        on_account_trouble;
};

}  // namespace postern::delivery
