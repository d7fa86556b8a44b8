// The driver of the client session: one connection to one host, which carries message after
// message. Makes no decisions of its own: what is said is the session's, what is sent next
// and what becomes of the outcomes is the feeder's.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "delivery/outcome.hpp"
#include "delivery/plan.hpp"
#include "delivery/smart_host.hpp"
#include "delivery/tls_policy.hpp"
#include "mail/conversion.hpp"
#include "net/deadline.hpp"
#include "net/stream.hpp"
#include "smtp/client_session.hpp"

namespace postern::delivery {

struct address_place;
struct login_help;

/// Streams that are open, so that a stop can end what hangs.
using open_streams = std::set<net::stream*>;

/// Where to connect, and how.
struct hop {
    std::string name;    // of the host: for TLS, the log and the reports
    std::string domain;  // whose mail it is, for the words
    endpoint at;
    std::string socket;  // Unix socket; else empty
    smtp::dialect speaks = smtp::dialect::smtp;
    smtp::tls_wish tls = smtp::tls_wish::if_offered;
    bool tls_from_start = false;  // port 465
    tls_demand demand;            // what TLS has to fulfil
    bool final_delivery = false;
    bool require_tls = false;              // for mail with REQUIRETLS: good for nothing without
    bool stays_here = false;               // nothing leaves this machine on the way: REQUIRETLS is met
    bool others_left = false;              // when it does not answer
    bool smart_host = false;               // takes mail for everywhere
    std::shared_ptr<identity const> as{};  // as whom we come; null: nobody in particular
    login_help* helpers = nullptr;         // where there is a login
    std::uint32_t most_messages = 0;       // over one connection; 0: no limit of ours

    /// "mx.example.net[192.0.2.1]:25"
    std::string to_string() const;
};

/// A connection with its session up.
struct link {
    link(boost::asio::any_io_executor const& executor, hop h, smtp::client_settings s);
    ~link();
    link(link const&) = delete;
    link& operator=(link const&) = delete;

    hop to;
    std::unique_ptr<net::stream> stream;
    std::shared_ptr<open_streams> registered;
    smtp::client_session session;
    attempt how;
    std::uint64_t served = 0;  // messages that got their replies

    /// For all of what is done at the moment: each answer alone may come just in time, for hours.
    net::deadline total;
    bool overdue = false;
    bool no_token = false;                 // why there is no login
    std::shared_ptr<address_place> place;  // of those that its server has
};

/// Why there is no link: what to tell of the messages that wait for it.
struct link_failure {
    outcome why;
    bool tls_handshake = false;       // worth another try without TLS
    bool lacks_tls = false;           // does not offer what is demanded, or nothing to be trusted
    std::string tls_result;           // what reports call the failure (RFC 8460 section 4.3); empty: not about TLS
    std::optional<std::string> full;  // the line of a server that has as many connections as it may have
    bool about_login = false;         // it works, but does not know us
    bool passing = false;             // and says that this is for now
};
using link_result = basic_result<std::shared_ptr<link>, link_failure>;

/// Connects, and gets the session ready; all of it before `until`.
net::awaitable<link_result> open_link(boost::asio::any_io_executor executor, hop to, std::string hostname,
                                      std::shared_ptr<net::tls_context> tls, time_limits limits,
                                      std::shared_ptr<open_streams> streams, steady_time until);

/// Who gives a connection its work and takes the results.
class feeder {
public:
    virtual ~feeder() = default;
    /// The next message for this connection, if there is one now.
    virtual std::optional<job> next() = 0;
    /// Waits a while for work; false: end the connection.
    virtual net::awaitable<bool> wait() = 0;
    /// Whether the connection should end, with or without work left.
    virtual bool should_end(link const& l) = 0;
    virtual void done(job j, std::vector<outcome> outcomes, attempt const& how, steady_clock::duration took) = 0;
    /// The connection broke off before this one was sent: another may try at once.
    virtual void give_back(job j) = 0;
    /// The server does not take its content as it is.
    virtual void convert(job j, mail::content_need need) = 0;
};

/// Sends messages until there is no more work or the session ends. Gives what ended it, when it
/// was not us.
net::awaitable<std::optional<outcome>> use_link(std::shared_ptr<link> l, feeder& f, time_limits limits);

}  // namespace postern::delivery
