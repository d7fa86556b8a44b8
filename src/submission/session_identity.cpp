// Who a session is, and what it may do: finds the facts, asks the directory and policy.
#include "submission/session_driver.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"
#include "login/prepare.hpp"
#include "mail/address_list.hpp"
#include "submission/facts.hpp"

namespace postern::submission {

using catalogue::make_verdict;
namespace rules = catalogue::rules;

namespace {

constexpr std::size_t most_from_addresses = 50;
constexpr std::string_view by_password = "password";

catalogue::verdict malformed(std::string_view problem)
{
    return make_verdict(rules::malformed_header, {{"problem", std::string{problem}}});
}

}  // namespace

// -- what back ends have to be asked before ---------------------------------------------------

net::awaitable<void> session_driver::prepare_login(std::string const& name)
{
    keep_input();
    co_await login::prepare(services_.accounts, peer_->executor(), name, directory::freshness::remembered);
}

net::awaitable<void> session_driver::prepare_address(mail::mailbox const& address)
{
    keep_input();
    co_await login::prepare_address(services_.accounts, peer_->executor(), address);
}

net::awaitable<void> session_driver::prepare_certificate()
{
    if (!listener_.configured.client_certificates || !services_.accounts.asks_others()) co_return;
    auto const shown = peer_->certificate();
    auto const names = names_of_certificate(shown);
    for (auto const& name : names) co_await prepare_login(name);
}

// -- log-ins ----------------------------------------------------------------------------------

net::awaitable<smtp::action> session_driver::verify_password(smtp::verify_password& asked)
{
    // The line that held the password goes from where it was read to.
    keep_input();
    peer_->wipe_input();
    auto const judged =
        co_await desk_->verify_password(std::move(asked.authcid), std::move(asked.authzid), std::move(asked.password));
    co_return on_login(judged);
}

net::awaitable<smtp::action> session_driver::verify_token(smtp::verify_token& asked)
{
    keep_input();
    peer_->wipe_input();
    bool const google_format = session_->mechanism() == "XOAUTH2";
    auto const judged = co_await desk_->verify_token(std::move(asked.identity), std::move(asked.token), google_format);
    co_return on_login(judged);
}

net::awaitable<smtp::action> session_driver::step_context(smtp::context_step& asked)
{
    keep_input();
    auto const answer = co_await desk_->step_context(std::move(asked));
    if (auto const* known = std::get_if<sasl::context_answer>(&answer)) co_return session_->on_context(*known);
    co_return on_no_keys(std::get<login::answer>(answer));
}

net::awaitable<smtp::action> session_driver::authorize(smtp::authorize const& asked)
{
    keep_input();
    auto const judged = co_await desk_->authorize(asked.authcid, asked.authzid, asked.stored_key, asked.outside);
    co_return on_login(judged);
}

smtp::action session_driver::on_login(login::answer const& judged)
{
    using kind = login::answer::kind;
    who_.credential = desk_->credential();
    who_.label = desk_->label();
    switch (judged.what) {
        case kind::accepted: {
            account_ = judged.who;
            app_ = judged.app;
            login_name_ = account_->login_name.empty() ? account_->address : account_->login_name;
            auto next = session_->on_login(smtp::login_result::accepted, account_->address);
            log_login(who_, *session_, desk_->cause());
            desk_->forget_cause();
            return next;
        }
        case kind::bad_credentials: return session_->on_login(smtp::login_result::bad_credentials, {}, judged.told);
        case kind::disabled: return session_->on_login(smtp::login_result::disabled, {});
        case kind::smtp_auth_off: return session_->on_login(smtp::login_result::smtp_auth_off, {});
        case kind::app_password_needed: return session_->on_login(smtp::login_result::app_password_needed, {});
        case kind::put_off: return session_->on_login_put_off(*judged.put_off_by);
        case kind::unsure: return session_->on_login(smtp::login_result::unsure, {});
        case kind::unavailable: break;
    }
    return session_->on_login(smtp::login_result::unavailable, {});
}

smtp::action session_driver::on_no_keys(login::answer const& judged)
{
    if (judged.put_off_by) return session_->on_login_put_off(*judged.put_off_by);
    return session_->on_scram_unavailable();
}

net::awaitable<smtp::action> session_driver::fetch_scram(smtp::fetch_scram const& asked)
{
    keep_input();
    auto const found = co_await desk_->scram(asked.authcid, asked.hash);
    if (auto const* keys = std::get_if<sasl::scram_keys>(&found)) co_return session_->on_scram(*keys);
    co_return on_no_keys(std::get<login::answer>(found));
}

net::awaitable<smtp::action> session_driver::fetch_cram(smtp::fetch_cram const& asked)
{
    keep_input();
    auto const found = co_await desk_->cram(asked.authcid);
    if (auto const* keys = std::get_if<sasl::cram_keys>(&found)) co_return session_->on_cram(*keys);
    co_return on_no_keys(std::get<login::answer>(found));
}

/// Whom the client's certificate is for: by its key, or by the addresses in it where an
/// authority of ours vouches for them. Only accounts that there are.
std::vector<std::string> session_driver::names_of_certificate(net::peer_certificate const& shown) const
{
    std::vector<std::string> names;
    if (!shown.there) return names;
    for (auto const& bound : runtime_->settings.auth.certificates)
        if (bound.key == shown.key_sha256) names.push_back(bound.account);
    if (shown.trusted) names.insert(names.end(), shown.addresses.begin(), shown.addresses.end());
    return names;
}

void session_driver::find_accounts_of_certificate(smtp::tls_facts& facts) const
{
    auto const shown = peer_->certificate();
    if (!shown.there) return;
    auto const names = names_of_certificate(shown);
    auto& accounts = facts.certificate_accounts;
    std::string silent;
    for (auto const& name : names) {
        auto const found = services_.accounts.find_account(name);
        if (!found) {
            facts.certificate_unsure = true;
            silent = found.error().logged;
            continue;
        }
        if (!*found) continue;
        auto const& address = (*found)->address;
        if (std::find(accounts.begin(), accounts.end(), address) == accounts.end()) accounts.push_back(address);
    }
    log::event(log::level::debug, "client_certificate",
               {{"session", who_.id},
                {"key", shown.key_sha256},
                {"subject", shown.subject},
                {"trusted", shown.trusted},
                {"detail", silent.empty() ? shown.problem : silent},
                {"accounts", static_cast<std::int64_t>(accounts.size())}});
}

// -- who may do what --------------------------------------------------------------------------

policy::facts session_driver::facts(policy::stage at) const
{
    auto const& s = runtime_->settings;
    policy::facts f;
    f.stage = at;
    f.listener = listener_.session.role;
    f.listener_port = listener_.port;
    f.login_port = runtime_->login_port;
    f.client = peer_->remote().address;
    f.tls = peer_->tls() != nullptr;
    f.account = session_->login();
    f.local_program = listener_.for_programs;
    f.in_relay_networks = contains(s.relay.networks, f.client);
    f.local_without_auth = s.relay.local_without_auth;
    f.reverse_path = session_->transaction().reverse_path;
    f.check_header_from = s.submission.check_header_from;
    if (app_) {
        f.app_password = std::to_string(app_->id) + " (" + app_->label + ')';
        f.app_password_sender = f.reverse_path.null || app_->limits.allow_sender(f.reverse_path.address);
    }
    return f;
}

/// Asked again for every message: a switch takes effect at once, also in open sessions.
std::optional<catalogue::verdict> session_driver::login_ended()
{
    auto const found = services_.accounts.find_account(login_name_);
    if (!found) return lookup_failed(found.error());
    account_ = *found;
    bool const there = account_ && account_->enabled && account_->address == session_->login();
    if (!there) return make_verdict(rules::auth_account_disabled);
    if (!account_->smtp_auth) return make_verdict(rules::auth_smtp_off);
    if (!app_ && who_.credential == by_password && !services_.accounts.basic_passwords_of(*account_).now.allowed)
        return make_verdict(rules::auth_app_password_needed);
    if (!app_) return std::nullopt;
    auto const& all = account_->app_passwords;
    auto const same = std::find_if(all.begin(), all.end(), [&](auto const& p) { return p->id == app_->id; });
    if (same == all.end() || !(*same)->works(wall_clock::now()))
        return make_verdict(rules::app_password_ended, {{"app_password", app_->label}});
    app_ = *same;
    return std::nullopt;
}

net::awaitable<smtp::action> session_driver::check_sender()
{
    if (!session_->login().empty()) {
        co_await prepare_login(login_name_);
        if (auto const ended = login_ended()) co_return session_->on_sender(*ended);
    }
    auto f = facts(policy::stage::sender);
    if (!f.account.empty() && !f.reverse_path.null) {
        if (account_->claim_to(f.reverse_path.address) == directory::account::claim::sub_address)
            co_await prepare_address(f.reverse_path.address);
        auto const owned = services_.accounts.may_send_as(*account_, f.reverse_path.address);
        if (!owned) co_return session_->on_sender(lookup_failed(owned.error()));
        f.sender_owned = *owned;
    }
    auto v = policy::decide(f);
    if (v.accepted())
        if (auto over = over_limit_at_mail()) v = std::move(*over);
    co_return session_->on_sender(v);
}

net::awaitable<smtp::action> session_driver::check_recipient(smtp::check_recipient const& asked)
{
    auto f = facts(policy::stage::recipient);
    f.forward_path = asked.to.forward_path;
    if (services_.accounts.asks_others()) {
        auto const local = services_.accounts.is_local(f.forward_path.domain);
        if (local && *local) co_await prepare_address(f.forward_path);
    }
    auto const kind = find_recipient_kind(services_.accounts, &services_.forwards, f.forward_path);
    if (!kind) co_return session_->on_recipient(lookup_failed(kind.error()));
    f.recipient = *kind;
    if (app_) f.app_password_recipient = app_->limits.allow_recipient(f.forward_path);
    auto v = policy::decide(f);
    if (v.accepted() && services_.forwards.is_return_address(f.forward_path))
        v = judge_return_address(services_.forwards, f.reverse_path, f.forward_path, wall_clock::now());
    if (v.accepted())
        if (auto refused = refused_by_route(f)) v = std::move(*refused);
    if (v.accepted())
        if (auto over = over_limit_at_rcpt(f.forward_path)) v = std::move(*over);
    co_return session_->on_recipient(v);
}

// A recipient with a route to "hold" makes the whole message wait.
std::optional<catalogue::verdict> session_driver::refused_by_route(policy::facts const& f)
{
    auto const& s = runtime_->settings;
    auto const route = s.routes.empty() ? std::nullopt : find_route(s, f);
    if (!route || s.routes[*route].to != "refuse") return std::nullopt;
    auto v = policy::refusal(s.routes[*route], f.forward_path);
    auto facts = policy::evidence_of(f);
    facts.push_back({"route", policy::describe(s.routes, *route)});
    v.facts = std::move(facts);
    return v;
}

bool session_driver::held_by_route() const
{
    auto const& routes = runtime_->settings.routes;
    if (routes.empty()) return false;
    auto const& env = session_->transaction();
    return std::any_of(env.recipients.begin(), env.recipients.end(), [&](mail::recipient const& r) {
        auto const& to = r.forward_path;
        auto const local = to.domain.empty() ? result<bool>{true} : services_.accounts.is_local(to.domain);
        // What can't be told now must not slip through.
        return !local || policy::is_held(routes, {env.reverse_path, session_->login(), to, *local});
    });
}

catalogue::verdict session_driver::judge_from(std::vector<mail::header_field> const& fields, std::string_view name)
{
    // A second one would be checked by nobody and shown by some programs.
    auto const found = mail::find_all(fields, name);
    if (found.empty()) return {};
    if (found.size() > 1) return malformed("the field " + std::string{name} + " stands twice");
    mail::list_error why{};
    auto const addresses = mail::parse_address_list(found.front().value, most_from_addresses, why);
    if (!addresses)
        return malformed(name == "From" ? "the From field names no clear address"
                                        : "the Sender field names no clear address");
    for (auto const& address : *addresses) {
        bool const asks = services_.accounts.asks_others() && account_ &&
                          account_->claim_to(address) == directory::account::claim::sub_address;
        if (asks) {
            put_off_.push_back(address);
            continue;
        }
        auto v = judge_address(address);
        if (!v.accepted()) return v;
    }
    return {};
}

catalogue::verdict session_driver::judge_address(mail::mailbox const& address)
{
    auto f = facts(policy::stage::header_from);
    f.header_address = address.to_string();
    if (account_) {
        auto const owned = services_.accounts.may_send_as(*account_, address);
        if (!owned) return lookup_failed(owned.error());
        f.sender_owned = *owned;
    }
    if (app_) f.app_password_sender = app_->limits.allow_sender(address);
    return policy::decide(f);
}

/// When the content has ended: nobody waits for a back end while octets come in.
net::awaitable<catalogue::verdict> session_driver::judge_put_off()
{
    auto const addresses = std::move(put_off_);
    put_off_.clear();
    for (auto const& address : addresses) {
        co_await prepare_address(address);
        auto v = judge_address(address);
        if (!v.accepted()) co_return v;
    }
    co_return verdict{};
}

// RFC 6409 section 6.1: the header's From and Sender, for clients that logged in.
catalogue::verdict session_driver::judge_header(std::vector<mail::header_field> const& fields)
{
    auto v = judge_from(fields, "From");
    if (!v.accepted()) return v;
    return judge_from(fields, "Sender");
}

}  // namespace postern::submission
