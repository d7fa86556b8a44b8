#include "login/desk.hpp"

#include <cmath>
#include <utility>

#include "base/log.hpp"
#include "directory/names.hpp"
#include "login/guard_verdict.hpp"
#include "login/prepare.hpp"
#include "net/awaiting.hpp"
#include "sasl/cram_md5.hpp"
#include "sasl/prepare.hpp"

namespace postern::login {

namespace rules = catalogue::rules;

desk::desk(services s, config::settings const& settings, judges j, visitor who, boost::asio::any_io_executor executor)
    : services_(std::move(s)),
      settings_(settings),
      judges_(std::move(j)),
      who_(std::move(who)),
      executor_(std::move(executor))
{
}

/// What the guard knows a claimed name by: one for all spellings of an account's name.
std::string desk::guarded(std::string_view name) const
{
    return guard::account_key(services_.accounts.whole_name(name));
}

net::awaitable<answer> desk::verify_password(std::string authcid, std::string authzid, secret password)
{
    began_ = steady_clock::now();
    // As text: old clients' names may be Latin-1.
    auto const claimed = sasl::shown_name(authcid);
    if (auto refused = put_off(claimed)) co_return std::move(*refused);
    secret_print_ = services_.guard.fingerprint(guarded(claimed), password.reveal());
    auto& accounts = services_.accounts;
    auto found = co_await net::await_handler<result<directory::login>>(
        executor_, [&accounts, &authcid, &authzid, &password](directory::login_handler handler) {
            accounts.verify_password(authcid, authzid, std::move(password), std::move(handler));
        });
    co_return judge(found, "password");
}

net::awaitable<answer> desk::verify_token(std::string identity, secret token, bool google_format)
{
    began_ = steady_clock::now();
    claimed_.clear();
    using state = directory::token_judgement::state;
    directory::token_judgement judged{state::refused, {}, "no token"};
    // Nobody guesses tokens, so they are looked at while the guard refuses passwords: what others
    // try does not keep the owner out. An expired one, sent again and again, is a forgotten device.
    // But whoever the guard refuses makes no work for the issuer either.
    auto const tokens = judges_.tokens;
    if (tokens != nullptr && tokens->is_asked_about(token))
        if (auto refused = put_off(identity)) co_return std::move(*refused);
    secret_print_ = services_.guard.fingerprint(guarded(identity), token.reveal());
    if (tokens != nullptr && !token.empty()) {
        auto found = co_await net::await_handler<result<directory::token_judgement>>(
            executor_, [&tokens, &token](directory::token_verifier::handler handler) {
                tokens->verify(std::move(token), std::move(handler));
            });
        if (!found) co_return judge(std::move(found).error(), "token");
        judged = std::move(*found);
    }
    result<directory::login> login{directory::login{directory::login_state::bad_credentials, nullptr, judged.why}};
    if (judged.what == state::good) {
        co_await prepare(services_.accounts, executor_, judged.account, directory::freshness::remembered);
        login = services_.accounts.admit(judged.account, identity, judged.why);
    }
    // No account is as good as no token, and the client is told no more than that.
    auto a = judge(login, "token");
    if (a.what == answer::kind::bad_credentials)
        a.told = tokens != nullptr ? tokens->refusal(judged, google_format) : "{}";
    co_return a;
}

net::awaitable<answer> desk::authorize(std::string authcid, std::string authzid, std::string stored_key, bool outside)
{
    co_await prepare(services_.accounts, executor_, authcid, directory::freshness::remembered);
    if (!outside) co_return judge(services_.accounts.authorize(authcid, authzid, stored_key), "password");
    // A name of another exchange was not proven by this one.
    claimed_.clear();
    if (std::exchange(ticket_, nullptr) != nullptr)
        co_return judge(services_.accounts.admit(authcid, authzid, cause_), "ticket");
    secret_print_ = 0;
    co_return judge(services_.accounts.admit(authcid, authzid, "certificate"), "certificate");
}

net::awaitable<std::variant<sasl::scram_keys, answer>> desk::scram(std::string authcid, postern::hash h)
{
    std::variant<sasl::scram_keys, answer> given{answer{answer::kind::unavailable}};
    began_ = {};
    secret_print_ = 0;
    if (auto refused = put_off(authcid)) {
        given = std::move(*refused);
        co_return given;
    }
    // A password that was changed a moment ago counts: who proves that it is known can't be asked again.
    auto const prepared = co_await prepare(services_.accounts, executor_, authcid, directory::freshness::now);
    auto keys = services_.accounts.scram(authcid, h, prepared);
    if (keys) {
        given = std::move(*keys);
    } else {
        fail(keys.error());
    }
    co_return given;
}

net::awaitable<std::variant<sasl::cram_keys, answer>> desk::cram(std::string authcid)
{
    std::variant<sasl::cram_keys, answer> given{answer{answer::kind::unavailable}};
    began_ = steady_clock::now();
    secret_print_ = 0;
    if (auto refused = put_off(authcid)) {
        given = std::move(*refused);
        co_return given;
    }
    auto const prepared = co_await prepare(services_.accounts, executor_, authcid, directory::freshness::now);
    auto const stored = services_.accounts.cram_md5(authcid, prepared);
    if (stored) {
        given = sasl::cram_keys{.state = sasl::make_cram_secret(stored->password.reveal()),
                                .stored_key = stored->stored_key,
                                .real = stored->real,
                                .note = stored->note,
                                .unsure = stored->unsure};
    } else {
        fail(stored.error());
    }
    co_return given;
}

net::awaitable<std::variant<sasl::context_answer, answer>> desk::step_context(sasl::context_step asked)
{
    std::variant<sasl::context_answer, answer> given{answer{answer::kind::unavailable}};
    began_ = steady_clock::now();
    claimed_.clear();
    credential_ = "ticket";
    label_.clear();
    auto const kerberos = judges_.kerberos;
    if (kerberos == nullptr) co_return given;
    auto found = co_await net::await_handler<result<directory::kerberos_answer>>(
        executor_, [&kerberos, &asked, this](directory::kerberos::handler handler) {
            kerberos->step(ticket_, std::move(asked), std::move(handler), who_.ticket_service);
        });
    if (!found) {
        fail(found.error());
        co_return given;
    }
    // The owner of the ticket stays the cause, whatever the steps after it say.
    if (!found->cause.empty()) cause_ = found->cause;
    // Nobody guesses tickets, so they are looked at while the guard refuses passwords. The same
    // trouble again and again is one program with a ticket that is not taken.
    ticket_trouble_ = found->what.note;
    if (ticket_trouble_.empty()) ticket_trouble_ = "ticket";
    given = std::move(found->what);
    co_return given;
}

void desk::forget_cause() noexcept
{
    cause_.clear();
    meaning_.clear();
    look_closer_ = nullptr;
}

void desk::fail(directory::login_cause why)
{
    cause_ = to_string(why);
    meaning_ = meaning_of(why);
}

void desk::fail(error const& why)
{
    bool const busy = why.code == status{4, 7, 0};
    fail(busy ? directory::login_cause::too_many_logins : directory::login_cause::backend_down);
    meaning_ += " (" + why.logged + ')';
}

void desk::take_refusal(std::string_view detail, std::string_view claimed)
{
    using directory::login_cause;
    if (detail == sasl::unsure_proof) {
        if (cause_.empty()) fail(login_cause::backend_down);
        return;
    }
    if (!cause_.empty()) return;
    if (detail == "wrong password") fail(login_cause::wrong_password);
    if (detail == "no such account") fail(login_cause::unknown_user);
    if (detail.starts_with("the account has no") || detail.starts_with("the back end has no"))
        fail(login_cause::mechanism_impossible);
    if (!cause_.empty()) look_closer_ = services_.accounts.explain_failure(claimed);
}

answer desk::judge(result<directory::login> const& found, std::string_view credential)
{
    using kind = answer::kind;
    credential_ = credential;
    label_.clear();
    if (!found) {
        fail(found.error());
        return answer{kind::unavailable};
    }
    forget_cause();
    cause_ = found->cause;
    if (found->why != directory::login_cause::none && found->state != directory::login_state::accepted) {
        fail(found->why);
        // What back ends said.
        if (found->why == directory::login_cause::refused_outside || found->state == directory::login_state::unsure)
            meaning_ += " (" + found->cause + ')';
    }
    look_closer_ = found->look_closer;
    if (found->app) {
        credential_ = "app-password-" + std::to_string(found->app->id);
        label_ = found->app->label;
    }
    if (who_.at_web) return judge_at_web(*found);
    switch (found->state) {
        case directory::login_state::accepted: return accept(*found);
        case directory::login_state::bad_credentials: break;
        case directory::login_state::unsure: return answer{kind::unsure};
        case directory::login_state::disabled: return answer{kind::disabled};
        case directory::login_state::smtp_auth_off:
            if (!who_.sends) {
                if (!found->app && credential == "password" &&
                    !services_.accounts.basic_passwords_of(*found->who).now.allowed) {
                    fail(directory::login_cause::app_password_needed);
                    return answer{kind::app_password_needed};
                }
                forget_cause();
                cause_ = found->cause;
                return accept(*found);
            }
            return answer{kind::smtp_auth_off};
        case directory::login_state::app_password_needed: return answer{kind::app_password_needed};
    }
    return answer{kind::bad_credentials};
}

/// Where people sign in to make themselves an app password, it does not matter that their own is not taken of
/// their mail programs. But what a device has is the device's only.
answer desk::judge_at_web(directory::login const& found)
{
    using kind = answer::kind;
    switch (found.state) {
        case directory::login_state::accepted:
        case directory::login_state::smtp_auth_off:
        case directory::login_state::app_password_needed:
            if (found.app) {
                fail(directory::login_cause::app_password_at_web);
                return answer{kind::bad_credentials};
            }
            forget_cause();
            cause_ = found.cause;
            return accept(found);
        case directory::login_state::unsure: return answer{kind::unsure};
        case directory::login_state::disabled:
            if (found.app) break;
            return answer{kind::disabled};
        case directory::login_state::bad_credentials: break;
    }
    return answer{kind::bad_credentials};
}

answer desk::accept(directory::login const& found)
{
    if (found.app && !found.app->limits.allow_client(who_.address)) {
        fail(directory::login_cause::app_password_network);
        answer a{answer::kind::put_off};
        a.put_off_by = catalogue::make_verdict(
            rules::app_password_network, {{"client", who_.address.to_string()}, {"app_password", found.app->label}});
        return a;
    }
    if (found.app && !who_.holds_limits &&
        !(found.app->limits.senders.empty() && found.app->limits.recipients.empty())) {
        cause_ = "app_password_limited";
        meaning_ =
            "An app password that is right, but limited to senders or recipients, which only Postern itself can "
            "hold it to; this log-in is for another program.";
        return answer{answer::kind::bad_credentials};
    }
    answer a{answer::kind::accepted};
    a.who = found.who;
    a.app = found.app;
    if (a.app) services_.accounts.note_use(*a.app, who_.address);
    auto const now = steady_clock::now();
    services_.guard.on_success(settings_.guard, who_.address, guarded(a.who->address), now);
    // What is held against the name that the owner logs in with must not keep the owner out either.
    if (!claimed_.empty() && claimed_ != guarded(a.who->address))
        services_.guard.on_success(settings_.guard, who_.address, claimed_, now);
    if (who_.sends) services_.on_login(settings_, a.who->address, who_.address);
    return a;
}

std::optional<answer> desk::put_off(std::string_view authcid)
{
    claimed_ = guarded(authcid);
    auto const refusal = services_.guard.at_login(settings_.guard, who_.address, claimed_, steady_clock::now());
    if (!refusal.refused()) return std::nullopt;
    answer a{answer::kind::put_off};
    a.put_off_by = guard_verdict(rules::guard_login_refused, refusal);
    return a;
}

steady_time desk::on_unsure(std::string_view claimed)
{
    auto const now = steady_clock::now();
    auto const from = std::exchange(began_, {});
    auto const counted = services_.guard.on_failure(settings_.guard, who_.address, guarded(claimed),
                                                    std::exchange(secret_print_, 0), now, guard::proof::unsure);
    log_counted(counted, claimed);
    return (from == steady_time{} ? now : from) + settings_.auth.failure_delay + counted.wait;
}

steady_time desk::on_failure(std::string_view claimed, std::string_view hello, std::string_view mechanism)
{
    auto const now = steady_clock::now();
    auto const from = std::exchange(began_, {});
    if (auto const look = std::exchange(look_closer_, nullptr)) {
        look([session = who_.session, client = who_.client, account = std::string{claimed}, before = cause_](
                 directory::login_cause found, std::string const& detail) {
            if (to_string(found) == before || to_string(found).empty()) return;
            log::event(log::level::info, "login_cause",
                       {{"session", session},
                        {"account", account},
                        {"client", client},
                        {"cause", to_string(found)},
                        {"meaning", meaning_of(found)},
                        {"detail", detail}});
        });
    }
    if (auto const trouble = std::exchange(ticket_trouble_, {}); !trouble.empty())
        secret_print_ = services_.guard.fingerprint(guarded(claimed), trouble);
    auto const counted = services_.guard.on_failure(settings_.guard, who_.address, guarded(claimed),
                                                    std::exchange(secret_print_, 0), now);
    log_counted(counted, claimed);
    if (counted.forgotten_device) {
        forgotten_device d{std::string{claimed}, who_.address, std::string{hello}, std::string{mechanism},
                           counted.repeats};
        services_.on_forgotten(settings_, std::move(d));
    }
    return (from == steady_time{} ? now : from) + settings_.auth.failure_delay + counted.wait;
}

void desk::log_counted(guard::failure const& counted, std::string_view claimed) const
{
    if (counted.wait.count() != 0) {
        log::event(log::level::info, "guard_slows",
                   {{"session", who_.session},
                    {"client", who_.client},
                    {"account", claimed},
                    {"milliseconds", counted.wait.count()},
                    {"same_secret_again", counted.repeats},
                    {"points", std::lround(counted.points)}});
    }
    for (auto const& r : counted.refusals) {
        log::event(log::level::warning, "guard_refuses",
                   {{"session", who_.session},
                    {"rule", r.why == guard::reason::account ? rules::guard_login_refused.name
                                                             : rules::guard_network_refused.name},
                    {"client", who_.client},
                    {"refused", to_string(r.why)},
                    {"held_against", r.what},
                    {"points", std::lround(r.points)},
                    {"accounts_tried", r.accounts},
                    {"seconds", r.time.count()}});
    }
}

}  // namespace postern::login
