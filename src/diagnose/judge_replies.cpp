// What a refusal means: first what is known of the provider's own words, then the code.
#include "base/text.hpp"
#include "diagnose/judgement.hpp"

namespace postern::diagnose {
namespace {

struct meaning {
    catalogue::rule const* rule;
    confidence sure = confidence::high;
};

bool any_of(std::string_view text, std::initializer_list<std::string_view> words)
{
    for (auto const w : words)
        if (contains(text, w)) return true;
    return false;
}

constexpr std::initializer_list<std::string_view> busy_words{"busy", "overload", "load", "maintenance", "try again later",
                                                             "temporarily unavailable", "too many connections from all"};
constexpr std::initializer_list<std::string_view> list_words{"spamhaus", "blocklist", "blacklist", "block list", "black list",
                                                             "dnsbl", "rbl", "barracudacentral", "spamcop", "listed"};
constexpr std::initializer_list<std::string_view> dynamic_words{"dynamic", "residential", "dial-up", "dialup", "dul",
                                                                "end-user", "port 587"};

meaning of_greeting(smtp::reply const& r, std::uint16_t port)
{
    auto const& t = r.text;
    if (any_of(t, dynamic_words) && port == 25 && !r.temporary()) return {&rules::port_25_not_for_customers};
    if (any_of(t, list_words) && !r.temporary()) return {&rules::listed_on_block_list, confidence::medium};
    if (r.temporary() && (r.status == status{4, 3, 2} || r.status == status{4, 4, 5} || any_of(t, busy_words)))
        return {&rules::server_busy};
    return {&rules::greeting_refused};
}

meaning of_login(smtp::reply const& r)
{
    switch (r.code) {
        case 421: return {&rules::too_many_auth_failures};
        case 500:
        case 501: return {&rules::auth_bad_base64, confidence::medium};
        case 502:
        case 503: return {&rules::auth_too_early};
        case 504: return {&rules::auth_unknown_mechanism};
        case 525: return {&rules::auth_account_disabled};
        case 530:
        case 538: return {&rules::tls_required};
        case 534: return {&rules::provider_wants_app_password, confidence::medium};
        case 535:
            if (r.status == status{5, 7, 1}) return {&rules::login_refused_by_policy, confidence::medium};
            if (r.status == status{5, 7, 13}) return {&rules::auth_account_disabled};
            return {&rules::auth_failed};
        default: break;
    }
    if (r.temporary()) return {&rules::auth_unavailable};
    return {&rules::login_refused_by_policy, confidence::medium};
}

meaning of_envelope(smtp::reply const& r, step at)
{
    auto const& t = r.text;
    if (r.code == 530) return {&rules::auth_required};
    if (any_of(t, {"relay", "rcpthosts"}) && !r.positive()) return {&rules::relay_needs_login};
    if (any_of(t, {"greylist", "graylist"})) return {&rules::greylisted};
    if (r.code == 555 || (r.code == 501 && r.status == status{5, 5, 4})) return {&rules::unknown_parameter};
    if (r.status.subject == 3 && r.status.detail == 4) return {&rules::message_too_big};
    if (r.code == 552 || r.status == status{5, 2, 3}) return {&rules::message_too_big, confidence::medium};
    if (r.status.subject == 1 && r.status.detail == 8) return {&rules::sender_domain_unknown};
    if (r.status.subject == 7 && r.status.detail == 25) return {&rules::reverse_name_missing};
    if (r.status.subject == 7 && r.status.detail == 26) return {&rules::dmarc_fails};
    if (r.status.subject == 5 && r.status.detail == 3) return {&rules::provider_limit};
    if (any_of(t, list_words) && r.permanent()) return {&rules::listed_on_block_list, confidence::medium};
    if (at == step::mail) {
        if (r.code == 501 || (r.status.subject == 1 && r.status.detail == 7))
            return {&rules::bad_sender_address, confidence::medium};
        if (any_of(t, {"domain not found", "does not exist", "dns"})) return {&rules::sender_domain_unknown};
        if (any_of(t, {"not owned", "not allowed", "not permitted", "sender"}) && r.permanent())
            return {&rules::sender_not_owned, confidence::medium};
    }
    if (at == step::rcpt) {
        if (r.status.subject == 1 && r.permanent()) return {&rules::unknown_recipient};
        if (any_of(t, {"user unknown", "no such user", "unknown user", "mailbox unavailable"}))
            return {&rules::unknown_recipient};
    }
    if (any_of(t, {"limit", "quota", "too many", "rate", "throttl"})) return {&rules::provider_limit, confidence::medium};
    if (at == step::data) {
        if (any_of(t, {"bare", "missing", "malformed"}) || r.status == status{5, 6, 0})
            return {&rules::bare_newline_in_message, confidence::medium};
    }
    if (r.permanent() && r.status.subject == 7) return {&rules::content_refused, confidence::medium};
    if (r.code == 421) return {&rules::server_busy, confidence::medium};
    return {r.temporary() ? &rules::remote_deferred : &rules::remote_refused, confidence::low};
}

}  // namespace

void judgement::judge_refusal(step at, step_result const& r, std::string_view command)
{
    if (r.how != client::ending::reply) {
        judge_missing_reply(*this, at, r, command, severity::failure);
        return;
    }
    auto const* const t = o.talk();
    auto const port = t != nullptr ? t->at.port : o.person.port.value_or(0);
    meaning m{};
    if (at == step::greeting || at == step::ehlo) {
        m = of_greeting(r.said, port);
    } else if (at == step::auth) {
        m = of_login(r.said);
    } else {
        m = of_envelope(r.said, at);
    }
    std::string const evidence = std::string{command} + ": " + said(r);
    add(*m.rule, severity::failure, at, evidence,
        {{"said", said(r)},
         {"port", std::to_string(port)},
         {"sender", o.mine.from},
         {"recipient", o.mine.to},
         {"provider", o.settings.provider_name.empty() ? "The provider" : o.settings.provider_name}})
        .sure = m.sure;
}

}  // namespace postern::diagnose
