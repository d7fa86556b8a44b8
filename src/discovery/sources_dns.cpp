// The places that are names: SRV records, mail exchangers, usual names; and the list of known providers.
#include <algorithm>
#include <chrono>
#include <utility>

#include "base/clock.hpp"
#include "catalogue/rules.hpp"
#include "discovery/lookalike.hpp"
#include "discovery/sources.hpp"
#include "discovery/sources_web.hpp"
#include "domains/organization.hpp"

namespace postern::discovery {

namespace {

namespace rules = catalogue::rules;
using providers::security;

void take_provider(report& r, subject const& s, providers::provider const& p)
{
    r.provider = &p;
    if (!p.sends() || p.secret == "smtp-token")
        r.problems.push_back({&rules::provider_without_smtp, {{"provider", std::string{p.name}}}, r.about.from});
    // A name with a gap stands for what differs from customer to customer.
    if (!p.sends() || p.smtp_host.find('<') != std::string_view::npos) return;
    for (auto const& e : p.endpoints) {
        setting one;
        one.host = p.smtp_host;
        one.port = e.port;
        one.how = e.how;
        one.user = p.user;
        if (p.user == providers::user_form::address) one.user_name = s.address;
        if (p.user == providers::user_form::local_part) one.user_name = s.local_part;
        if (p.user == providers::user_form::literal) one.user_name = p.user_word;
        one.auth.assign(p.auth.begin(), p.auth.end());
        one.from = r.about.from;
        one.where = r.about.where;
        one.trust = trust::proven;
        r.settings.push_back(std::move(one));
    }
    if (!r.settings.empty()) r.about.what = outcome::found;
}

bool is_clear_no(dns::finding f) noexcept { return f == dns::finding::no_such_name || f == dns::finding::no_data; }

setting make(report const& r, subject const& s, std::string host, std::uint16_t port, security how, trust how_sure)
{
    setting one;
    one.host = std::move(host);
    one.port = port;
    one.how = how;
    one.user_name = s.address;
    one.from = r.about.from;
    one.where = r.about.where;
    one.trust = how_sure;
    return one;
}

// What the domain's own records say about whether it takes mail at all.
void judge_domain(report& r, subject const& s, dns::mx_answer const& mx, dns::address_answer const& own)
{
    auto add = [&](catalogue::rule const& why) {
        std::vector<catalogue::evidence> facts{{"domain", s.domain}, {"server", s.domain}};
        auto const near = find_lookalike(s.domain);
        if (!near.empty()) facts.push_back({"suggestion", s.local_part + '@' + std::string{near}});
        r.problems.push_back({&why, std::move(facts), r.about.from});
    };
    bool const null_mx = mx.records.size() == 1 && mx.records.front().host.empty();
    if (mx.what == dns::finding::no_such_name) return add(rules::route_no_such_domain);
    if (null_mx || (mx.what == dns::finding::no_data && is_clear_no(own.what))) return add(rules::domain_takes_no_mail);
    if (mx.what == dns::finding::temporary || mx.what == dns::finding::bogus) add(rules::server_lookup_failed);
}

// Where the operator of a mail exchanger may have autoconfig: the name without its first label, or its first two.
std::vector<std::string> domains_of(std::string_view host)
{
    std::vector<std::string> out;
    for (int i = 0; i < 2; ++i) {
        auto const dot = host.find('.');
        if (dot == std::string_view::npos) break;
        host.remove_prefix(dot + 1);
        // "co.uk" belongs to nobody in particular.
        if (domains::is_public_suffix(std::string{host})) break;
        out.emplace_back(host);
    }
    return out;
}

}  // namespace

void set_user(setting& to, subject const& s, std::string_view form)
{
    auto const is = [&](std::string_view word) { return form == word; };
    if (is("%EMAILADDRESS%") || is(s.address)) {
        to.user = providers::user_form::address;
        to.user_name = s.address;
    } else if (is("%EMAILLOCALPART%") || is(s.local_part)) {
        to.user = providers::user_form::local_part;
        to.user_name = s.local_part;
    } else if (form.empty()) {
        to.user = providers::user_form::address;
    } else {
        to.user = providers::user_form::literal;
        std::string name{form};
        for (auto const& [word, value] : {std::pair{std::string_view{"%EMAILADDRESS%"}, &s.address},
                                          std::pair{std::string_view{"%EMAILLOCALPART%"}, &s.local_part},
                                          std::pair{std::string_view{"%EMAILDOMAIN%"}, &s.domain}}) {
            auto const at = name.find(word);
            if (at != std::string::npos) name.replace(at, word.size(), *value);
        }
        to.user_name = std::move(name);
    }
}

report ask_provider_list(subject const& s)
{
    report r;
    r.about.from = source::provider_list;
    r.about.where = s.domain;
    if (auto const* const p = providers::find_by_domain(s.domain)) take_provider(r, s, *p);
    return r;
}

awaitable<reports> ask_srv(subject_ptr s, bool implicit_tls)
{
    report r;
    r.about.from = source::srv;
    r.about.where = (implicit_tls ? "_submissions._tcp." : "_submission._tcp.") + s->domain;
    auto const since = steady_clock::now();
    auto found = co_await s->names->srv(r.about.where);
    note_time(r, since);
    r.about.detail = found.problem;
    std::stable_sort(found.records.begin(), found.records.end(),
                     [](auto const& a, auto const& b) { return a.priority < b.priority; });
    for (auto const& record : found.records) {
        if (record.host.empty()) {
            r.about.detail = "the domain says that there is no such service";
            r.problems.push_back({&rules::service_switched_off,
                                  {{"domain", s->domain},
                                   {"service", implicit_tls ? "sending with SSL/TLS (submissions)"
                                                            : "sending with STARTTLS (submission)"}},
                                  source::srv});
            continue;
        }
        if (record.port == 0) continue;
        // RFC 6186 section 6: a server of another domain, named by an unsigned DNS, could be anybody's.
        auto const how_sure = found.secure || s->is_own(record.host) ? trust::proven : trust::forgeable;
        auto const how = implicit_tls ? security::implicit_tls : security::starttls;
        r.settings.push_back(make(r, *s, record.host, record.port, how, how_sure));
        r.about.what = outcome::found;
    }
    if (!r.settings.empty() && r.settings.front().trust == trust::forgeable)
        r.problems.push_back({&rules::settings_forgeable,
                              {{"domain", s->domain}, {"server", r.settings.front().host}, {"url", r.about.where}},
                              source::srv});
    co_return only(std::move(r));
}

awaitable<reports> ask_exchangers(subject_ptr s)
{
    report r;
    r.about.from = source::mx_provider;
    r.about.where = "MX of " + s->domain;
    auto const since = steady_clock::now();
    auto mx = co_await s->names->mx(s->domain);
    dns::address_answer own;
    if (!s->over && mx.what == dns::finding::no_data) own = co_await s->names->addresses(s->domain);
    note_time(r, since);
    r.about.detail = mx.problem;
    judge_domain(r, *s, mx, own);
    auto const host = mx.records.empty() ? std::string{} : mx.records.front().host;
    if (!host.empty()) {
        r.about.where += " (" + host + ')';
        if (auto const* const p = providers::find_by_mx(host)) {
            take_provider(r, *s, *p);
            if (providers::find_by_domain(s->domain) == nullptr)
                r.problems.push_back({&rules::settings_by_mx,
                                      {{"domain", s->domain}, {"provider", std::string{p->name}}, {"server", host}},
                                      source::mx_provider});
        }
    }
    reports out;
    bool const known = r.provider != nullptr;
    out.push_back(std::move(r));
    if (host.empty() || known) co_return out;
    for (auto const& domain : domains_of(host)) {
        if (s->over || domain == s->domain) break;
        auto url = autoconfig_url(*s, domain, true);
        auto const how_sure = mx.secure || domain.ends_with('.' + s->domain) ? trust::proven : trust::forgeable;
        auto came = co_await ask_autoconfig_at(s, source::mx_autoconfig, std::move(url), true, how_sure);
        bool const found = !came.settings.empty();
        out.push_back(std::move(came));
        if (found) break;
    }
    co_return out;
}

awaitable<reports> ask_guesses(subject_ptr s)
{
    reports out;
    for (std::string const prefix : {"smtp.", "mail.", ""}) {
        report r;
        r.about.from = source::guess;
        r.about.where = prefix + s->domain;
        auto const since = steady_clock::now();
        auto const found = co_await s->names->addresses(r.about.where);
        note_time(r, since);
        r.about.detail = found.problem;
        if (found.what == dns::finding::found) {
            r.about.what = outcome::found;
            r.settings.push_back(make(r, *s, r.about.where, 465, security::implicit_tls, trust::guessed));
            r.settings.push_back(make(r, *s, r.about.where, 587, security::starttls, trust::guessed));
        }
        bool const enough = !r.settings.empty();
        out.push_back(std::move(r));
        // The domain's own name is its web site's most often: only where nothing better is there.
        if (s->over || (enough && prefix == "mail.") || (prefix == "mail." && out.front().about.what == outcome::found))
            break;
    }
    co_return out;
}

}  // namespace postern::discovery
