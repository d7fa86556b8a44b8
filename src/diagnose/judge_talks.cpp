// Who answers, and what he says, up to EHLO.
#include <algorithm>

#include "base/text.hpp"
#include "diagnose/judgement.hpp"

namespace postern::diagnose {
namespace {

using client::ending;
using client::service;

// Some programs give up after as long; the rest of us have begun to wonder.
constexpr std::chrono::seconds late{5}, too_late{20};

std::string place(talk_seen const& t) { return t.at.to_string() + " (" + std::string{name_of(t.way)} + ")"; }

/// Stars in the greeting, or EHLO's keywords made unreadable: what a firewall leaves of them.
bool is_masked(std::string_view greeting) { return greeting.find("****") != std::string_view::npos; }
bool has_masked_keyword(client::announcement const& a)
{
    return std::any_of(a.lines.begin(), a.lines.end(),
                       [](std::string const& l) { return l.starts_with("XXXX") || l.starts_with("xxxx"); });
}

severity softer(severity s) noexcept { return s == severity::failure ? severity::warning : severity::note; }

/// Whether the greeting begins with the name of one of the provider's servers.
bool names_host_of(providers::provider const& whose, std::string_view greeting)
{
    auto const name = to_lower(greeting.substr(0, greeting.find_first_of(" \r\n")));
    return providers::find_by_host(name) == &whose || providers::find_by_mx(name) == &whose;
}

bool waits_for_tls(observations const& o, talk_seen const& t)
{
    return std::any_of(o.talks.begin(), o.talks.end(), [&](talk_seen const& other) {
        return other.at == t.at && other.way == tls_way::implicit && other.speaks_tls();
    });
}

bool speaks_clear(observations const& o, talk_seen const& t)
{
    return std::any_of(o.talks.begin(), o.talks.end(), [&](talk_seen const& other) {
        return other.at == t.at && other.way != tls_way::implicit && other.greeting.ok();
    });
}

}  // namespace

void judge_missing_reply(judgement& j, step at, step_result const& r, std::string_view command, severity bad)
{
    std::string const verb{command};
    switch (r.how) {
        case ending::timed_out:
            j.add(
                rules::answer_missing, bad, at,
                "after " + verb + " nothing came within " + in_words(std::chrono::duration_cast<milliseconds>(r.took)),
                {{"command", verb}, {"time", in_words(std::chrono::duration_cast<milliseconds>(r.took))}});
            break;
        case ending::malformed:
            j.add(rules::reply_malformed, bad, at, "after " + verb + ": " + r.problem + ": " + r.first,
                  {{"command", verb}});
            break;
        case ending::closed:
        case ending::tls_refused:
            j.add(rules::broke_off, bad, at, "after " + verb + ": " + r.problem, {{"command", verb}});
            break;
        case ending::done:
        case ending::reply:
        case ending::unconnected:
        case ending::not_possible: break;
    }
}

void judgement::judge_greeting(talk_seen const& t, severity bad)
{
    auto const& g = t.greeting;
    auto const port = std::to_string(t.at.port);
    auto const took = std::chrono::duration_cast<milliseconds>(g.took);
    values const named{{"port", port}, {"said", said(g)}, {"time", in_words(took)}};
    // Where STARTTLS is usual; this port has nothing of the kind.
    values const instead{{"port", "587"}};
    if (t.silent && waits_for_tls(o, t)) {
        // Who asked for something else hears what to change; who did not was served the other way.
        if (o.person.way && *o.person.way != tls_way::implicit && is_own(o.person, t.at.port))
            add(rules::wants_tls_from_start, bad, step::greeting,
                place(t) + ": silence, and an answer to a TLS handshake", instead);
        return;
    }
    switch (g.how) {
        case ending::reply: break;
        case ending::malformed:
            if (g.problem.find("too long") != std::string::npos || g.problem.find("too many") != std::string::npos) {
                add(rules::greeting_endless, bad, step::greeting, place(t) + ": " + g.problem + ": " + g.first, named);
            } else if (g.service == service::tls) {
                add(rules::wants_tls_from_start, bad, step::greeting, place(t) + " begins with a TLS record", instead);
            } else if (g.service == service::binary || g.service == service::text || g.service == service::unknown ||
                       g.service == service::smtp) {
                add(rules::not_smtp, bad, step::greeting, place(t) + ": " + g.first, named);
            } else {
                values const who{{"port", port}, {"service", std::string{client::describe(g.service)}}};
                add(rules::other_service, bad, step::greeting, place(t) + ": " + g.first, who);
            }
            return;
        case ending::timed_out:
            add(rules::greeting_missing, bad, step::greeting,
                place(t) + ": nothing within " + in_words(took) +
                    (g.first.empty() ? "" : " but the beginning of a line: " + g.first),
                named);
            return;
        case ending::closed:
        case ending::tls_refused:
            if (t.certificates.wants_certificate && t.encrypted()) return;  // the handshake's affair
            add(rules::closed_at_once, bad, step::greeting, place(t) + ": " + g.problem, named);
            return;
        case ending::done:
        case ending::unconnected:
        case ending::not_possible: return;
    }
    auto const& text = g.said.text;
    if (!g.ok()) {
        // Inside TLS, to a client that had no certificate to show: the handshake's affair.
        if (t.encrypted() && t.certificates.wants_certificate) return;
        judge_refusal(step::greeting, g, "the greeting", bad);
        return;
    }
    if (g.service == service::ftp || client::guess_service(g.said.to_string()) == service::ftp) {
        add(rules::other_service, bad, step::greeting, place(t) + ": " + said(g),
            {{"port", port}, {"service", "an FTP server"}});
        return;
    }
    if (auto const* const whose = providers::find_by_host(o.person.host);
        whose != nullptr && t.encrypted() && !t.certificates.name_fits && !names_host_of(*whose, text)) {
        add(rules::web_host_redirects, bad, step::greeting, place(t) + ": " + said(g),
            {{"named", text.substr(0, text.find_first_of(" \r\n"))}});
        return;
    }
    if (is_masked(text)) add(rules::smtp_inspected, bad, step::greeting, place(t) + ": " + said(g), named);
    if (took > late) {
        add(rules::greeting_late, took > too_late ? bad : softer(bad), step::greeting,
            place(t) + ": the greeting came after " + in_words(took), named);
    }
}

void judgement::judge_hello(talk_seen const& t, severity bad)
{
    auto const judge_one = [&](step_result const& r, client::announcement const& a) {
        if (r.ok()) {
            if (has_masked_keyword(a))
                add(rules::smtp_inspected, bad, step::ehlo, place(t) + ": " + a.lines.front());
            else if (!a.extended)
                add(rules::ehlo_unknown, bad, step::ehlo, place(t) + ": EHLO was refused, HELO taken");
            return;
        }
        if (r.how == ending::reply) {
            if (r.said.code >= 500 && r.said.code <= 504)
                add(rules::ehlo_unknown, bad, step::ehlo, place(t) + ": " + said(r));
            else
                judge_refusal(step::ehlo, r, "EHLO", bad);
        } else if (r.how == ending::closed) {
            add(rules::closed_after_ehlo, bad, step::ehlo, place(t) + ": " + r.problem, {{"name", "[127.0.0.1]"}});
        } else {
            judge_missing_reply(*this, step::ehlo, r, "EHLO", bad);
        }
    };
    if (t.hello_before) judge_one(*t.hello_before, t.announced_before);
    if (!t.hello_within || (t.certificates.wants_certificate && !t.up())) return;
    // A connection that breaks as soon as it is encrypted.
    if (t.hello_within->how == ending::closed && t.way == tls_way::starttls) {
        judge_missing_reply(*this, step::tls, *t.hello_within, "EHLO, the first command inside TLS,", bad);
        return;
    }
    judge_one(*t.hello_within, t.announced_within);
}

/// Which log-ins are offered, and whether the person's program can use them.
void judgement::judge_offer(talk_seen const& t)
{
    auto const& a = t.announced();
    auto const& offered = a.known.mechanisms;
    bool const wants = o.person.has_password || o.person.has_token;
    auto const bad = wants ? severity::failure : severity::warning;
    auto const port = std::to_string(t.at.port);
    std::string list;
    for (auto const& m : offered) list += (list.empty() ? "" : " ") + m;
    values const named{{"port", port}, {"mechanisms", list}};
    auto const all_of = [&](std::initializer_list<std::string_view> names) {
        return !offered.empty() && std::all_of(offered.begin(), offered.end(), [&](auto const& m) {
            return std::find(names.begin(), names.end(), m) != names.end();
        });
    };
    if (a.auth_equals && !a.auth_proper) {
        add(rules::auth_old_syntax, offered.empty() ? bad : severity::warning, step::ehlo, place(t) + ": AUTH=" + list,
            named);
    } else if (offered.empty()) {
        bool const after_tls = std::any_of(o.talks.begin(), o.talks.end(), [&](talk_seen const& other) {
            return other.encrypted() && !other.announced().known.mechanisms.empty();
        });
        auto const evidence = place(t) + ": no AUTH among what EHLO announces";
        // Who wants no encryption where it is offered hears of that first, whether or not there was time to look.
        bool const unseen =
            t.way == tls_way::clear && a.known.starttls && t.at.port != 25 &&
            std::none_of(o.talks.begin(), o.talks.end(), [](auto const& other) { return other.encrypted(); });
        if (!t.encrypted() && (after_tls || unseen))
            add(rules::auth_after_tls_only, severity::failure, step::ehlo,
                evidence + (after_tls ? ", but there is inside TLS" : ", but STARTTLS"), named);
        else if (!t.encrypted() && a.known.starttls && t.handshake)
            return;  // the failed handshake is the cause
        else if (t.at.port == 25)
            add(rules::auth_missing_on_25, bad, step::ehlo, evidence, named);
        else
            add(rules::auth_missing, bad, step::ehlo, evidence, named);
    } else if (all_of({"XOAUTH2", "OAUTHBEARER"})) {
        auto const how = o.person.has_password && !o.person.has_token ? severity::failure : severity::note;
        add(rules::auth_tokens_only, how, step::ehlo, place(t) + ": AUTH " + list, named);
    } else if (all_of({"NTLM", "GSSAPI", "GSS-SPNEGO", "NEGOTIATE", "KERBEROS_V4"})) {
        add(rules::auth_windows_only, bad, step::ehlo, place(t) + ": AUTH " + list, named);
    } else if (all_of({"LOGIN"})) {
        add(rules::auth_login_only, severity::note, step::ehlo, place(t) + ": AUTH LOGIN", named);
    }
}

void judgement::judge_talk(talk_seen const& t, bool counts)
{
    auto const bad = counts ? severity::failure : severity::warning;
    if (t.way == tls_way::implicit) {
        // What is said in there can only be heard after the handshake.
        judge_handshake(t, bad);
        if (!t.encrypted()) return;
        judge_greeting(t, bad);
        judge_hello(t, bad);
        return;
    }
    judge_greeting(t, bad);
    if (t.hello_before) judge_hello(t, bad);
    if (t.up() || t.handshake) judge_handshake(t, bad);
}

void judgement::judge_talks()
{
    auto const* const chosen = o.talk();
    bool const own_works = chosen != nullptr && is_own(o.person, chosen->at.port, chosen->way);
    for (auto const& t : o.talks) {
        if (!is_own(o.person, t.at.port)) continue;
        // What was tried beside the way that was asked for only explains.
        if (o.person.way && t.way != *o.person.way) continue;
        bool const is_chosen = &t == chosen;
        bool const same_port_works = !is_chosen && std::any_of(o.talks.begin(), o.talks.end(), [&](auto const& other) {
            return other.at == t.at && &other != &t && other.up();
        });
        if (same_port_works && !o.person.way) {
            // Found out by itself how the port is encrypted. Programs that go by its number won't.
            if (t.way == tls_way::implicit && t.at.port == 465)
                add(rules::tls_on_plain_port, o.person.port == 465 ? severity::failure : severity::warning, step::tls,
                    place(t) + ": " + (t.handshake ? t.handshake->problem : ""), {{"port", "465"}});
            continue;
        }
        bool const counts = is_chosen || !own_works;
        // Other servers' port is not a mail program's affair, as long as there is a better one.
        if (!is_chosen && own_works && t.at.port == 25 && !o.person.port) continue;
        judge_talk(t, counts);
    }
    if (own_works || (chosen != nullptr && !o.person.way && !o.person.port)) judge_offer(*chosen);
    if (chosen != nullptr && !own_works && o.person.way && speaks_clear(o, *chosen)) judge_offer(*chosen);
}

void judgement::judge_handshake(talk_seen const& t, severity bad)
{
    auto const port = std::to_string(t.at.port);
    auto const without_name = std::find_if(o.handshakes.begin(), o.handshakes.end(),
                                           [](auto const& s) { return s.version.empty() && s.worked; });
    if (!t.handshake) {
        if (has_masked_keyword(t.announced_before) || is_masked(t.greeting.said.text)) return;  // told at its step
        // Nothing was offered. Who wants no encryption is told elsewhere what that is worth.
        bool const offered = t.announced_before.known.starttls;
        if (t.way == tls_way::clear || offered || !t.announced_before.extended) return;
        bool const in_control = std::any_of(o.control.talks.begin(), o.control.talks.end(), [&](auto const& c) {
            return c.at.port == t.at.port && c.announced_before.extended && !c.announced_before.known.starttls;
        });
        if (in_control) {
            // That it has STARTTLS is known where it showed so elsewhere.
            bool const has_it = std::any_of(o.control.talks.begin(), o.control.talks.end(), [](auto const& c) {
                return c.encrypted() || c.announced_before.known.starttls;
            });
            add(rules::starttls_stripped, bad, step::tls,
                place(t) + ": no STARTTLS, and none at the control host" +
                    (has_it ? ", which has it at another port" : ", which should have it"),
                {{"port", port}})
                .sure = has_it ? confidence::high : confidence::medium;
        } else {
            bool const matters = o.person.way || o.person.has_password || o.person.has_token || t.at.port != 25;
            add(rules::starttls_missing, matters ? bad : severity::warning, step::tls,
                place(t) + ": no STARTTLS among what EHLO announces", {{"port", port}});
        }
        return;
    }
    auto const& h = *t.handshake;
    if (t.encrypted()) {
        if (t.certificates.wants_certificate && !t.up()) {
            add(rules::client_certificate_demanded, bad, step::tls, place(t) + ": " + said(t.greeting),
                {{"port", port}});
            return;
        }
        judge_certificate(t, bad);
        return;
    }
    switch (h.how) {
        case ending::reply: {
            judge_refusal(step::tls, h, "STARTTLS", bad);
            return;
        }
        case ending::malformed:
            if (t.way == tls_way::implicit && (speaks_clear(o, t) || h.service == service::smtp)) {
                add(rules::tls_on_plain_port, bad, step::tls, place(t) + ": " + h.problem, {{"port", port}});
            } else if (h.service != service::unknown && h.service != service::binary && h.service != service::text &&
                       h.service != service::smtp) {
                add(rules::other_service, bad, step::tls, place(t) + ": " + h.problem,
                    {{"port", port}, {"service", std::string{client::describe(h.service)}}});
            } else if (h.problem.find("between the reply") != std::string::npos) {
                add(rules::conversation_changed, bad, step::tls, place(t) + ": " + h.problem, {{"problem", h.problem}});
            } else {
                add(rules::tls_handshake_failed, bad, step::tls, place(t) + ": " + h.problem, {{"problem", h.problem}});
            }
            return;
        case ending::timed_out:
            if (t.way == tls_way::starttls && h.said.code == 220) {
                add(rules::tls_breaks_on_data, bad, step::tls, place(t) + ": 220, and then silence in the handshake")
                    .sure = confidence::medium;
            } else if (speaks_clear(o, t)) {
                add(rules::tls_on_plain_port, bad, step::tls, place(t) + ": " + h.problem, {{"port", port}});
            } else {
                judge_missing_reply(*this, step::tls, h, t.way == tls_way::starttls ? "STARTTLS" : "the TLS handshake",
                                    bad);
            }
            return;
        default: break;
    }
    auto const evidence = place(t) + ": " + h.problem;
    if (without_name != o.handshakes.end()) {
        add(rules::certificate_depends_on_name, bad, step::tls, evidence + "; without its name it works",
            {{"problem", "it answers only programs that don't say its name"}});
        return;
    }
    bool const old_only =
        std::any_of(o.handshakes.begin(), o.handshakes.end(),
                    [](auto const& s) { return s.worked && s.version < "1.2" && !s.version.empty(); }) &&
        std::none_of(o.handshakes.begin(), o.handshakes.end(),
                     [](auto const& s) { return s.worked && s.version >= "1.2"; });
    if (old_only || h.alert == "protocol_version" || contains(h.problem, "unsupported protocol")) {
        std::string versions;
        for (auto const& s : o.handshakes)
            if (s.worked && !s.version.empty()) versions += (versions.empty() ? "TLS " : ", ") + s.version;
        add(rules::tls_too_old, bad, step::tls, evidence + (versions.empty() ? "" : "; it speaks " + versions),
            {{"version", versions.empty() ? "SSL 3" : versions}});
    } else if (t.certificates.wants_certificate || h.alert.find("certificate") != std::string::npos) {
        add(rules::client_certificate_demanded, bad, step::tls, evidence, {{"port", port}});
    } else if (contains(h.problem, "too weak") || contains(h.problem, "too small")) {
        add(rules::certificate_weak, bad, step::tls, evidence, {{"problem", h.problem}});
    } else if (speaks_clear(o, t) && t.way == tls_way::implicit) {
        add(rules::tls_on_plain_port, bad, step::tls, evidence, {{"port", port}});
    } else if (h.how == ending::closed && t.way == tls_way::starttls && h.said.code == 0) {
        judge_missing_reply(*this, step::tls, h, "STARTTLS", bad);
    } else {
        add(rules::tls_handshake_failed, bad, step::tls, evidence, {{"problem", h.problem}});
    }
}

}  // namespace postern::diagnose
