#include "delivery/connection.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "catalogue/verdict.hpp"
#include "delivery/exchange.hpp"
#include "delivery/link_outcome.hpp"
#include "delivery/log_in.hpp"

namespace postern::delivery {

namespace {

namespace rules = catalogue::rules;
using net::awaitable;

std::string describe(net::tls_state const* tls)
{
    if (tls == nullptr) return {};
    std::string text = tls->version;
    if (!tls->peer_verified) text += " not verified: " + printable(tls->peer_problem, 100);
    return text;
}

awaitable<bool> shake_hands(std::shared_ptr<link> l, std::shared_ptr<net::tls_context> tls, time_limits limits)
{
    net::server_identity server{l->to.demand.server_name.empty() ? l->to.name : l->to.demand.server_name};
    server.names = l->to.demand.names;
    server.pins = l->to.demand.pins;
    server.minimum = l->to.demand.minimum;
    auto const shaken = co_await l->stream->handshake_as_client(tls, std::move(server), limits.handshake);
    l->how.tls = describe(l->stream->tls());
    if (auto const* const state = l->stream->tls()) {
        l->how.cipher = state->cipher;
        if (!state->peer_authority.empty()) {
            l->how.verified = "dane " + state->peer_authority;
        } else if (state->peer_verified) {
            l->how.verified = "certificate";
        }
    }
    if (!shaken) {
        std::string why = l->stream->problem();
        if (why.empty()) why = describe(*l, shaken.error());
        l->how.tls.clear();
        l->session.on_lost("TLS handshake failed: " + why);
        co_return false;
    }
    co_return true;
}

bool is_verified(link const& l) { return l.stream->tls() != nullptr && l.stream->tls()->peer_verified; }

// A certificate that proves nothing is as good as none where TLS is demanded.
bool is_trusted_enough(link const& l) { return !l.to.demand.authenticate || is_verified(l); }

link_failure untrusted(link const& l)
{
    auto const& state = *l.stream->tls();
    return {
        own_finding(told_of(l), l.to.domain, l.to.to_string() + ": its certificate is not good: " + state.peer_problem),
        false,
        true,
        result_of(state),
        {}};
}

}  // namespace

std::string hop::to_string() const
{
    if (!socket.empty()) return "unix:" + socket;
    if (name == at.address.to_string()) return at.to_string();
    return name + '[' + at.address.to_string() + "]:" + std::to_string(at.port);
}

link::link(boost::asio::any_io_executor const& executor, hop h, smtp::client_settings s)
    : to(std::move(h)), session(std::move(s)), total(executor, [this] {
          overdue = true;
          if (stream) stream->interrupt();
      })
{
}

link::~link()
{
    if (registered) registered->erase(stream.get());
}

awaitable<link_result> open_link(boost::asio::any_io_executor executor, hop to, std::string hostname,
                                 std::shared_ptr<net::tls_context> tls, time_limits limits,
                                 std::shared_ptr<open_streams> streams, steady_time until)
{
    smtp::client_settings settings;
    settings.hostname = std::move(hostname);
    settings.speaks = to.speaks;
    settings.stays_here = to.stays_here;
    settings.logs_in = to.as && to.as->logs_in();
    settings.logs_in_clear = to.as && to.as->plaintext;
    settings.tls = to.tls_from_start ? smtp::tls_wish::never : to.tls;
    auto l = std::make_shared<link>(executor, to, std::move(settings));
    l->how.next_hop = to.to_string();
    // Where mailboxes are is nobody's business.
    if (!to.final_delivery) l->how.remote_host = to.name;
    l->how.final_delivery = to.final_delivery;
    l->how.policy = to.demand.policy;

    auto const left = until - steady_clock::now();
    auto const most = to.others_left ? std::min(limits.connect, limits.connect_next) : limits.connect;
    auto const patience = std::clamp<steady_clock::duration>(left, std::chrono::milliseconds{1}, most);
    net::net_result<std::unique_ptr<net::stream>> connected;
    if (to.socket.empty()) {
        connected = co_await net::connect(executor, to.at, patience);
    } else {
        connected = co_await net::connect_unix(executor, to.socket, patience);
    }
    if (!connected) {
        auto const& why = to.final_delivery ? rules::mailbox_unreachable : rules::route_unreachable;
        link_failure failure{
            own_finding(why, to.domain, to.to_string() + ": " + describe(*l, connected.error())), false, false, {}, {}};
        co_return failure;
    }
    l->stream = std::move(*connected);
    streams->insert(l->stream.get());
    l->registered = std::move(streams);
    l->total.arm(until - steady_clock::now());

    if (to.tls_from_start) {
        bool const shaken = co_await shake_hands(l, tls, limits);
        if (shaken) {
            if (!is_trusted_enough(*l)) co_return untrusted(*l);
            l->session.begin_in_tls(is_verified(*l));
        }
    }
    bool tls_failed = false;
    for (;;) {
        auto const act = l->session.next();
        if (std::holds_alternative<smtp::ready>(act)) {
            l->total.disarm();
            if (l->to.as && l->to.as->logs_in()) login_ended(*l);
            co_return l;
        }
        if (std::holds_alternative<smtp::hang_up_now>(act)) {
            auto const& s = l->session;
            bool const lacks = s.failed() == smtp::failure::no_tls && !s.failure_reply().temporary();
            link_failure failure{session_failure(*l), tls_failed, lacks, {}, {}};
            failure.about_login =
                s.failed() == smtp::failure::login_refused || s.failed() == smtp::failure::login_impossible;
            failure.passing = s.failed() == smtp::failure::login_refused && s.failure_reply().temporary();
            if (failure.about_login) login_ended(*l);
            if (tls_failed) {
                failure.tls_result = "validation-failure";
            } else if (s.failed() == smtp::failure::no_tls) {
                failure.tls_result = "starttls-not-supported";
            }
            co_return failure;
        }
        if (auto const* const wait = std::get_if<smtp::read_reply>(&act)) {
            co_await exchange(l, wait->waiting_for, limits);
        } else if (std::holds_alternative<smtp::choose_login>(act)) {
            co_await choose_login(l);
        } else if (std::holds_alternative<smtp::answer_challenge>(act)) {
            co_await answer_challenge(l);
        } else {
            bool const shaken = co_await shake_hands(l, tls, limits);
            tls_failed = !shaken;
            if (shaken && !is_trusted_enough(*l)) co_return untrusted(*l);
            if (shaken) l->session.on_tls(is_verified(*l));
        }
    }
}

}  // namespace postern::delivery
