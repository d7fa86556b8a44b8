#include "auth/client_connection.hpp"

#include <algorithm>
#include <array>

#include <unistd.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/crypto.hpp"
#include "base/hex.hpp"
#include "base/ids.hpp"
#include "base/log.hpp"
#include "login/guard_verdict.hpp"

namespace postern::auth {

using catalogue::make_verdict;
namespace rules = catalogue::rules;
namespace asio = boost::asio;

namespace {

constexpr std::size_t most_requests = 256;
constexpr std::size_t much_output = 64 << 10;
// Postfix gives an answer up after ten seconds and tells its client to try again.
constexpr std::chrono::seconds patience{8};

/// What of the configured mechanisms can succeed: some account has what it takes, and our own
/// TLS is not needed. What needs the client's TLS is up to it.
std::vector<std::string> mechanisms_for(config::auth_socket const& c, state const& in_force, directory::directory& d)
{
    sasl::circumstances here{
        .accounts = in_force.judges.with(d.means()), .tls = true, .bindings = false, .certificate = false};
    auto names = c.mechanisms.empty() ? in_force.settings.auth.mechanisms : c.mechanisms;
    std::erase_if(names, [&](std::string const& name) { return !sasl::can_succeed(name, here); });
    return names;
}

dovecot::server_options options_for(services const& s, door const& at, std::uint32_t number, std::string cookie)
{
    auto const in_force = s.in_force();
    auto const& settings = in_force->settings;
    return {.process = static_cast<std::uint32_t>(::getpid()),
            .connection = number,
            .cookie = std::move(cookie),
            .mechanisms = mechanisms_for(at.configured, *in_force, s.logins.accounts),
            .host = settings.hostname,
            .require_tls = settings.auth.require_tls,
            .plaintext_networks = settings.auth.plaintext_networks,
            .most_requests = most_requests};
}

/// Without an address, it is somebody on this machine.
ip_address address_of(dovecot::request_facts const& f) { return f.remote.value_or(ip_address::v4(0x7f00'0001)); }

std::string client_of(dovecot::request_facts const& f)
{
    if (!f.remote) return "local";
    return f.remote_port == 0 ? f.remote->to_string() : endpoint{*f.remote, f.remote_port}.to_string();
}

/// Whose ticket a mail program has (RFC 5034, RFC 9051), by Dovecot's word for it.
std::string ticket_service_of(dovecot::request_facts const& f)
{
    if (f.service == "imap" || f.service == "sieve") return f.service;
    return f.service == "pop3" ? "pop" : "";
}

bool sends_mail(dovecot::request_facts const& f) { return f.service == "smtp" || f.service == "submission"; }

}  // namespace

client_connection::attempt::attempt(services const& s, std::shared_ptr<state const> rt, dovecot::request_facts const& f,
                                    std::string id, asio::any_io_executor executor)
    : in_force(std::move(rt)),
      session(std::move(id)),
      client(client_of(f)),
      address(address_of(f)),
      desk(s.logins, in_force->settings, in_force->judges,
           login::visitor{session, client, address, sends_mail(f), false, ticket_service_of(f)}, std::move(executor))
{
}

client_connection::client_connection(services s, door const& at, std::uint32_t number, dovecot::login_register& logins,
                                     std::unique_ptr<net::stream> peer)
    : services_(std::move(s)),
      listener_(at.name),
      logins_(logins),
      peer_(std::move(peer)),
      cookie_(to_hex(random_octets(16))),
      session_(options_for(services_, at, number, cookie_)),
      written_(peer_->executor(), steady_time::max())
{
}

net::awaitable<void> client_connection::run(std::shared_ptr<connection>)
{
    session_.on_connect();
    co_await flush();
    while (!closed_ && session_.broken().empty()) {
        auto in = std::string_view{input_}.substr(taken_);
        auto const before = in.size();
        dovecot::event e = session_.on_input(in);
        auto const size = before - in.size();
        wipe(input_.data() + taken_, size);
        taken_ += size;
        if (!std::holds_alternative<dovecot::nothing>(e)) {
            ++busy_;
            asio::co_spawn(peer_->executor(), serve(shared_from_this(), std::move(e)), [](std::exception_ptr failed) {
                if (!failed) return;
                try {
                    std::rethrow_exception(failed);
                } catch (std::exception const& problem) {
                    log::event(log::level::error, "session_failed", {{"problem", problem.what()}});
                }
            });
            continue;
        }
        if (!session_.broken().empty()) break;
        co_await flush();
        // Who asks and does not read must not make us pile up answers.
        while (has_too_much() && !closed_) {
            net::error_code ignored;
            co_await written_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        }
        if (closed_) break;
        auto const failed = co_await fill();
        if (failed) break;
    }
    if (!session_.broken().empty() && !closed_)
        log::event(log::level::warning, "auth_socket_misused",
                   {{"listener", listener_}, {"problem", session_.broken()}, {"pid", session_.client_process()}});
    cut();
}

bool client_connection::has_too_much() const
{
    return session_.output().size() > much_output || session_.requests() > most_requests;
}

net::awaitable<net::error_code> client_connection::fill()
{
    std::chrono::seconds const limit =
        session_.greeted() ? services_.in_force()->settings.timeouts.session : handshake_deadline;
    auto const read = co_await peer_->read(limit);
    if (!read) co_return read.error();
    // Grows without leaving what it held in freed memory.
    auto const rest = std::string_view{input_}.substr(taken_);
    std::string fresh;
    fresh.reserve(rest.size() + read->size());
    fresh.append(rest).append(*read);
    peer_->wipe_input();
    wipe(input_.data(), input_.size());
    input_ = std::move(fresh);
    taken_ = 0;
    co_return net::error_code{};
}

// Whoever writes goes on until nothing is left, so that lines never mix.
net::awaitable<void> client_connection::flush()
{
    if (writing_) co_return;
    writing_ = true;
    while (!session_.output().empty() && !closed_) {
        std::string out;
        out.swap(session_.output());
        auto const sent = co_await peer_->write(out, write_deadline);
        if (!sent) cut();
    }
    writing_ = false;
    written_.cancel();
}

net::awaitable<void> client_connection::serve(std::shared_ptr<client_connection>, dovecot::event e)
{
    while (auto* const asked = std::get_if<dovecot::question>(&e)) {
        auto a = attempt_of(asked->ticket);
        dovecot::question q = std::move(*asked);
        dovecot::event next = co_await answer(std::move(a), std::move(q));
        e = std::move(next);
    }
    if (auto* const failed = std::get_if<dovecot::failure>(&e)) {
        auto a = attempt_of(failed->ticket);
        dovecot::failure f = std::move(*failed);
        co_await refuse(std::move(a), std::move(f));
    }
    --busy_;
    co_await flush();
    written_.cancel();
    if (!session_.broken().empty() || (draining_ && busy_ == 0)) cut();
}

std::shared_ptr<client_connection::attempt> client_connection::attempt_of(std::uint64_t ticket)
{
    auto& a = attempts_[ticket];
    if (!a)
        a = std::make_shared<attempt>(services_, services_.in_force(), session_.find(ticket)->facts, make_session_id(),
                                      peer_->executor());
    auto const kept = a;
    if (attempts_.size() > 2 * most_requests)
        std::erase_if(attempts_, [this](auto const& entry) { return session_.find(entry.first) == nullptr; });
    return kept;
}

net::awaitable<dovecot::event> client_connection::answer(std::shared_ptr<attempt> a, dovecot::question q)
{
    auto const denied =
        services_.logins.guard.at_connect(a->in_force->settings.guard, a->address, false, steady_clock::now());
    if (denied.refused()) {
        a->put_off = login::guard_verdict(rules::guard_network_denied, denied);
        co_return session_.refuse(q.ticket, *a->put_off->why);
    }
    if (auto* const v = std::get_if<sasl::verify_password>(&q.what)) {
        auto const judged =
            co_await a->desk.verify_password(std::move(v->authcid), std::move(v->authzid), std::move(v->password));
        co_return on_judged(*a, q.ticket, judged);
    }
    if (auto* const v = std::get_if<sasl::verify_token>(&q.what)) {
        bool const google_format = session_.find(q.ticket)->mechanism == "XOAUTH2";
        auto const judged = co_await a->desk.verify_token(std::move(v->identity), std::move(v->token), google_format);
        co_return on_judged(*a, q.ticket, judged);
    }
    if (auto* const v = std::get_if<sasl::fetch_scram>(&q.what)) {
        auto const found = co_await a->desk.scram(v->authcid, v->hash);
        if (auto const* keys = std::get_if<sasl::scram_keys>(&found)) co_return session_.on_scram(q.ticket, *keys);
        co_return on_no_keys(*a, q.ticket, std::get<login::answer>(found));
    }
    if (auto* const v = std::get_if<sasl::fetch_cram>(&q.what)) {
        auto const found = co_await a->desk.cram(v->authcid);
        if (auto const* keys = std::get_if<sasl::cram_keys>(&found)) co_return session_.on_cram(q.ticket, *keys);
        co_return on_no_keys(*a, q.ticket, std::get<login::answer>(found));
    }
    if (auto* const v = std::get_if<sasl::context_step>(&q.what)) {
        auto const found = co_await a->desk.step_context(std::move(*v));
        if (auto const* said = std::get_if<sasl::context_answer>(&found))
            co_return session_.on_context(q.ticket, *said);
        co_return on_no_keys(*a, q.ticket, std::get<login::answer>(found));
    }
    auto const& v = std::get<sasl::accepted>(q.what);
    auto const judged = co_await a->desk.authorize(v.authcid, v.authzid, v.stored_key, v.outside);
    co_return on_judged(*a, q.ticket, judged);
}

dovecot::event client_connection::on_no_keys(attempt& a, std::uint64_t ticket, login::answer const& judged)
{
    if (!judged.put_off_by) return session_.refuse(ticket, rules::auth_unavailable);
    a.put_off = judged.put_off_by;
    return session_.refuse(ticket, *a.put_off->why);
}

dovecot::event client_connection::on_judged(attempt& a, std::uint64_t ticket, login::answer const& judged)
{
    using kind = login::answer::kind;
    auto const* const r = session_.find(ticket);
    switch (judged.what) {
        case kind::accepted:
            log_login(a, *r, judged.who->address);
            if (!r->facts.no_login && !r->abandoned)
                logins_.add({session_.client_process(), r->id, cookie_, judged.who->address}, steady_clock::now());
            session_.succeed(ticket, judged.who->address);
            attempts_.erase(ticket);
            return dovecot::nothing{};
        case kind::bad_credentials:
            if (!judged.told.empty()) return session_.on_token_refused(ticket, judged.told);
            return session_.refuse(ticket, rules::auth_failed);
        case kind::disabled: return session_.refuse(ticket, rules::auth_account_disabled);
        case kind::smtp_auth_off: return session_.refuse(ticket, rules::auth_smtp_off);
        case kind::app_password_needed: return session_.refuse(ticket, rules::auth_app_password_needed);
        case kind::unsure: return session_.refuse(ticket, rules::auth_unavailable, sasl::unsure_proof);
        case kind::put_off:
        case kind::unavailable: break;
    }
    return on_no_keys(a, ticket, judged);
}

net::awaitable<void> client_connection::refuse(std::shared_ptr<attempt> a, dovecot::failure f)
{
    auto const* const r = session_.find(f.ticket);
    auto const v = a->put_off ? *a->put_off : make_verdict(*f.why);
    auto const id = a->session + ".1";
    bool const unsure = f.detail == sasl::unsure_proof;
    bool const failed = catalogue::is_failed_proof(*f.why);
    if (failed || unsure) a->desk.take_refusal(f.detail, r->claimed);
    log_refusal(*a, *r, v, id, f.detail);
    if (failed || unsure) {
        auto const due = unsure ? a->desk.on_unsure(r->claimed) : a->desk.on_failure(r->claimed, {}, r->mechanism);
        asio::steady_timer pause{peer_->executor(), std::min(due, steady_clock::now() + patience)};
        net::error_code ignored;
        co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }
    session_.fail(f.ticket, v, id);
    attempts_.erase(f.ticket);
}

void client_connection::sweep()
{
    session_.sweep();
    std::erase_if(attempts_, [this](auto const& entry) { return session_.find(entry.first) == nullptr; });
}

void client_connection::drain()
{
    draining_ = true;
    if (busy_ == 0) cut();
}

void client_connection::cut()
{
    closed_ = true;
    written_.cancel();
    peer_->close();
}

void client_connection::log_login(attempt const& a, dovecot::server_session::request const& r,
                                  std::string const& account) const
{
    log::event(log::level::info, "login",
               {{"session", a.session},
                {"account", account},
                {"mechanism", r.mechanism},
                {"credential", a.desk.credential()},
                {"label", a.desk.label()},
                {"client", a.client},
                {"listener", listener_},
                {"service", r.facts.service},
                {"tls", r.facts.tls},
                {"cause", a.desk.cause()}});
}

void client_connection::log_refusal(attempt const& a, dovecot::server_session::request const& r,
                                    catalogue::verdict const& v, std::string_view id, std::string_view detail) const
{
    auto const& rule = *v.why;
    auto const status = to_string(rule.status);
    std::vector<log::field> fields{
        {"session", id},
        {"rule", rule.name},
        {"code", rule.code},
        {"status", status},
        {"command", "AUTH"},
        {"account", r.claimed},
        {"mechanism", r.mechanism},
        {"client", a.client},
        {"listener", listener_},
        {"service", r.facts.service},
        {"tls", r.facts.tls},
        {"cause", a.desk.cause()},
        {"meaning", a.desk.meaning()},
    };
    if (!detail.empty()) fields.emplace_back("detail", detail);
    for (auto const& fact : v.facts)
        if (std::ranges::none_of(fields, [&](log::field const& f) { return f.key == fact.key; }))
            fields.emplace_back(fact.key, fact.value);
    log::event(log::level::info, "refused", fields.data(), fields.size());
}

}  // namespace postern::auth
