// Before a session begins: is there room, who is it really (PROXY protocol), and does TLS
// come first?
#include "submission/session_driver.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/counters.hpp"
#include "net/proxy_protocol.hpp"
#include "submission/logins.hpp"

namespace postern::submission {

using catalogue::make_verdict;
namespace rules = catalogue::rules;
namespace asio = boost::asio;

namespace {

constexpr char tls_handshake_record = 0x16;
constexpr auto proxy_deadline = std::chrono::seconds{5};

}  // namespace

// Counts the connection, and learns who it really is where a proxy stands before us.
net::awaitable<bool> session_driver::admit()
{
    auto const& limits = runtime_->settings.limits;
    counters::totals.connections.add();
    // Only of a Unix socket there is something to ask.
    auto const user = listener_.for_programs ? peer_->local_user() : std::nullopt;
    who_.client = user ? "user " + std::to_string(*user) : peer_->remote().to_string();
    // What has no address counts as this machine's.
    if (user) peer_->set_endpoints({ip_address::v4(0x7f00'0001), 0}, peer_->local());
    in_total_ = true;
    if (!services_.connections.enter_total(limits.connections)) {
        co_await turn_away(make_verdict(rules::too_many_connections));
        co_return false;
    }
    if (contains(listener_.configured.proxy_networks, peer_->remote().address)) {
        bool const proxied = co_await take_proxy_header();
        if (!proxied) co_return false;
        who_.client = peer_->remote().to_string();
    }
    if (auto const refused = guard_refuses_connection()) {
        co_await turn_away(*refused);
        co_return false;
    }
    // All programs of the machine would count as one client.
    if (listener_.for_programs) co_return true;
    counted_ = peer_->remote().address;
    in_address_ = true;
    if (!services_.connections.enter_address(counted_, limits.connections_per_address)) {
        auto const why = make_verdict(rules::too_many_connections_from_client, {{"client", counted_.to_string()}});
        co_await turn_away(why);
        co_return false;
    }
    co_return true;
}

smtp::action session_driver::greet()
{
    if (peer_->tls() == nullptr) return session_->on_connect(nullptr);
    auto const facts = tls_facts();
    return session_->on_connect(&facts);
}

net::awaitable<bool> session_driver::take_proxy_header()
{
    auto const until = steady_clock::now() + proxy_deadline;
    std::size_t seen = 0;
    for (;;) {
        // A header that comes in pieces: what was seen already would be shown again at once.
        if (seen != 0) {
            asio::steady_timer pause{peer_->executor(), std::chrono::milliseconds{20}};
            net::error_code ignored;
            co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        }
        auto const left = until - steady_clock::now();
        net::net_result<std::string> octets{asio::error::timed_out};
        if (left > left.zero()) octets = co_await peer_->peek(net::proxy_header_limit, left);
        net::proxy_header header;
        auto const state = octets ? net::parse_proxy_header(*octets, header) : net::proxy_state::invalid;
        if (state == net::proxy_state::invalid) {
            co_await turn_away(make_verdict(rules::proxy_required));
            co_return false;
        }
        if (state == net::proxy_state::complete) {
            auto const skipped = co_await peer_->skip(header.size, proxy_deadline);
            if (!skipped) co_return false;
            if (!header.local) peer_->set_endpoints(header.source, header.destination);
            co_return true;
        }
        seen = octets->size();
    }
}

// TLS from the start where the port wants it or, on a STARTTLS port, the client begins it.
net::awaitable<bool> session_driver::begin()
{
    auto const& times = runtime_->settings.timeouts;
    bool const implicit = listener_.configured.tls == config::tls_mode::implicit;
    bool const may_begin = listener_.session.starttls && listener_.session.role == config::role::submission;
    bool shake = false;
    if (implicit || may_begin) {
        steady_clock::duration const patience = implicit ? steady_clock::duration{times.tls_hint} : times.tls_peek;
        auto const first = co_await peer_->peek(1, patience);
        if (!first && first.error() != asio::error::timed_out) co_return false;
        shake = first && (*first)[0] == tls_handshake_record;
        if (implicit && !shake) {
            std::string const port = runtime_->starttls_port != 0 ? std::to_string(runtime_->starttls_port) : "587";
            auto const why = make_verdict(rules::wants_tls_from_start, {{"port", port}});
            co_await turn_away(why);
            co_return false;
        }
    }
    if (shake) {
        auto const shaken = co_await peer_->handshake_as_server(listener_.tls, times.handshake);
        if (!shaken) {
            log_incident(who_, rules::tls_handshake_failed,
                         peer_->problem().empty() ? shaken.error().message() : peer_->problem());
            co_return false;
        }
        co_await prepare_certificate();
    }
    auto const& auth = runtime_->settings.auth;
    smtp::connection_facts connection;
    connection.session_id = who_.id;
    connection.client = peer_->remote();
    connection.auth_without_tls = !auth.require_tls || contains(auth.plaintext_networks, peer_->remote().address);
    connection.accounts = runtime_->judges.with(services_.accounts.means());
    session_ = std::make_unique<smtp::server_session>(listener_.session, std::move(connection));
    open_desk();
    co_return true;
}

void session_driver::open_desk()
{
    desk_.emplace(services_for_logins(services_.accounts, services_.guard, services_.conduct, services_.devices),
                  runtime_->settings, runtime_->judges, login::visitor{who_.id, who_.client, peer_->remote().address},
                  peer_->executor());
}

// One line that says why, and good bye: no session was begun.
net::awaitable<void> session_driver::turn_away(verdict why)
{
    log_incident(who_, *why.why, why.text);
    auto const line = catalogue::to_reply(why, who_.id);
    [[maybe_unused]] auto const ignored = co_await peer_->write(line, std::chrono::seconds{2});
    peer_->close();
}

}  // namespace postern::submission
