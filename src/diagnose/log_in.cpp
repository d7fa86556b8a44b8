// Log-ins: with which mechanism, as whom, and how often. A password goes only where it may.
#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "diagnose/examination.hpp"
#include "sasl/mechanism.hpp"
#include "sasl/prepare.hpp"

namespace postern::diagnose {
namespace {

// PLAIN first: what fails with it fails for one reason only. Over TLS none of them tells anybody
// in between anything.
constexpr std::array for_passwords{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-1", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256-PLUS"};
constexpr std::array for_tokens{"OAUTHBEARER", "XOAUTH2"};

bool offers(std::vector<std::string> const& offered, std::string_view name)
{
    return std::any_of(offered.begin(), offered.end(), [&](auto const& m) { return equal_ignoring_case(m, name); });
}

bool is_of_token(std::string_view mechanism) { return mechanism == "XOAUTH2" || mechanism == "OAUTHBEARER"; }

/// Of those offered, in our order.
std::vector<std::string> mechanisms_for(examination const& x, std::vector<std::string> const& offered)
{
    std::vector<std::string> names;
    if (!x.seen.person.mechanism.empty()) return {x.seen.person.mechanism};
    if (!x.who.token.empty())
        for (auto const* m : for_tokens)
            if (offers(offered, m)) names.emplace_back(m);
    if (!x.who.password.empty())
        for (auto const* m : for_passwords)
            if (offers(offered, m)) names.emplace_back(m);
    return names;
}

/// Kerberos is asked for: the credentials are this machine's user's.
bool by_ticket(examination const& x) { return x.seen.person.mechanism == sasl::gssapi; }

withheld reason_to_withhold(examination const& x, talk_seen const& t, std::vector<std::string> const& mechanisms)
{
    if (!x.who.any() && !by_ticket(x)) return withheld::no_credentials;
    if (!t.encrypted() && !x.seen.person.password_in_clear) return withheld::in_clear;
    if (t.encrypted() && !t.trusted() && !x.seen.person.bad_certificates) return withheld::bad_certificate;
    if (!x.seen.settings.vouched) return withheld::unproven_server;
    return mechanisms.empty() ? withheld::no_mechanism : withheld::nothing;
}

/// Of this very connection: a password goes out next.
bool may_carry_password(examination const& x, client::conversation const& c)
{
    if (c.tls() == nullptr) return x.seen.person.password_in_clear;
    return is_trusted(c.observations()) || x.seen.person.bad_certificates;
}

bool counts_as_wrong(client::login_result const& r)
{
    return r.how == client::login_result::what::refused && (r.proof_sent || !is_about_mechanism(r.last));
}

/// A refusal that may mean that the name is another one.
bool may_be_user_name(step_result const& r)
{
    return r.how == client::ending::reply && r.said.code == 535 &&
           (r.said.status.empty() || r.said.status == status{5, 7, 8} || r.said.status == status{5, 7, 0});
}

/// "anna@example.com" for "anna", and the other way round; empty: there is none.
std::string other_form(given const& person, std::string const& user)
{
    if (auto const at = user.find('@'); at != std::string::npos) return user.substr(0, at);
    for (auto const* address : {&person.address, &person.from})
        if (address->starts_with(user + "@")) return *address;
    auto const& domain_of = !person.address.empty() ? person.address : person.from;
    if (auto const at = domain_of.find('@'); at != std::string::npos) return user + domain_of.substr(at);
    return {};
}

/// The password in Latin-1, as old programs send it; nothing where that is not possible, or no other.
std::optional<secret> in_latin_1(std::string_view password)
{
    if (!is_utf8(password)) return std::nullopt;
    for (auto& one : sasl::password_candidates(password))
        if (one.as == sasl::password_candidate::form::latin1) return std::move(one.octets);
    return std::nullopt;
}

awaitable<bool> try_once(examination_ptr x, conversation_ptr c, std::string user, std::string mechanism,
                         std::optional<secret> other_password = std::nullopt)
{
    if (!may_carry_password(*x, *c)) co_return false;
    sasl::client_credentials as;
    as.authcid = user;
    if (is_of_token(mechanism)) {
        as.token = x->who.token;
    } else {
        as.password = other_password ? *other_password : x->who.password;
    }
    as.host = x->seen.person.host;
    if (auto const at = c->remote()) as.port = at->port;
    auto result = co_await c->authenticate(mechanism, std::move(as), x->left(login_limit));
    bool const accepted = result.accepted();
    if (counts_as_wrong(result)) ++x->wrong_passwords;
    if (accepted && !x->seen.logged_in) x->seen.logged_in = x->seen.logins.size();
    x->seen.logins.push_back({std::move(user), std::move(mechanism), std::move(result), other_password.has_value()});
    co_return accepted;
}

}  // namespace

awaitable<conversation_ptr> log_in(examination_ptr x)
{
    auto const t = x->seen.talks[*x->seen.chosen];
    auto c = x->lines[*x->seen.chosen];
    auto const mechanisms = mechanisms_for(*x, t.announced().known.mechanisms);
    x->seen.not_tried = reason_to_withhold(*x, t, mechanisms);
    if (x->seen.not_tried != withheld::nothing) co_return c;
    auto const user = x->user();
    // A mechanism that is offered and then not known is no wrong password: the next one.
    for (auto const& m : mechanisms) {
        bool const in = co_await try_once(x, c, user, m);
        if (in) co_return c;
        if (x->seen.logins.empty() || x->wrong_passwords >= most_wrong_passwords) break;
        auto const last = x->seen.logins.back().result;
        if (last.how == client::login_result::what::unusable) continue;
        if (last.how != client::login_result::what::refused || !is_about_mechanism(last.last)) break;
    }
    if (x->seen.logins.empty() || by_ticket(*x)) co_return c;
    auto const first = x->seen.logins.back();
    if (!may_be_user_name(first.result.last) || x->wrong_passwords >= most_wrong_passwords) co_return c;
    // One more try: the password as old programs send it, or the other form of the user name. Where a
    // provider is known, so is that form.
    auto old_encoding = is_of_token(first.mechanism) ? std::nullopt : in_latin_1(x->who.password.reveal());
    auto const other = old_encoding ? user : other_form(x->seen.person, user);
    if (other.empty() || (!old_encoding && !x->seen.settings.provider.empty())) co_return c;
    auto again = co_await speak_again(x, t, t.at.to_string() + ", a second try");
    if (!again) co_return c;
    bool const in = co_await try_once(x, again, other, first.mechanism, std::move(old_encoding));
    if (in) {
        c->close();
        co_return again;
    }
    again->close();
    co_return c;
}

awaitable<void> try_other_mechanisms(examination_ptr x, talk_seen of, std::string worked)
{
    if (!x->seen.person.mechanism.empty() || x->who.password.empty()) co_return;
    auto const user = x->seen.logins[*x->seen.logged_in].user;
    for (auto const& m : mechanisms_for(*x, of.announced().known.mechanisms)) {
        if (m == worked || is_of_token(m) || x->wrong_passwords >= most_wrong_passwords) continue;
        auto c = co_await speak_again(x, of, of.at.to_string() + ", " + m);
        if (!c) co_return;
        bool const in = co_await try_once(x, c, user, m);
        co_await x->part(c, in);
    }
}

}  // namespace postern::diagnose
