// From the person's address to a server, if none was named.
#include <algorithm>

#include "base/text.hpp"
#include "diagnose/examination.hpp"
#include "discovery/discovery.hpp"

namespace postern::diagnose {
namespace {

// So many different servers are looked at.
constexpr std::size_t most_hosts = 3;

tls_way way_of(providers::security s) noexcept
{
    switch (s) {
        case providers::security::implicit_tls: return tls_way::implicit;
        case providers::security::none: return tls_way::clear;
        case providers::security::starttls:
        case providers::security::starttls_optional: break;
    }
    return tls_way::starttls;
}

std::string value_of(std::vector<catalogue::evidence> const& facts, std::string_view key)
{
    auto const found = std::find_if(facts.begin(), facts.end(), [&](auto const& f) { return f.key == key; });
    return found == facts.end() ? std::string{} : found->value;
}

void take_address(address_seen& seen, discovery::findings const& f)
{
    seen.looked = true;
    for (auto const& p : f.problems) {
        if (p.why == &catalogue::rules::address_malformed)
            seen.slip = address_slip::malformed;
        else if (p.why == &catalogue::rules::address_slip)
            seen.slip = address_slip::typing;
        else
            continue;
        seen.problem = value_of(p.facts, "problem");
        seen.corrected = value_of(p.facts, "suggestion");
    }
}

void take_settings(settings_seen& seen, discovery::findings const& f)
{
    if (f.provider != nullptr) {
        seen.provider = f.provider->id;
        seen.provider_name = f.provider->name;
    }
    for (auto const& s : f.settings) {
        auto source = std::string{discovery::to_words(s.from)};
        if (!s.where.empty()) source += " (" + printable(s.where, 200) + ")";
        seen.found.push_back({s.host, s.port, way_of(s.how), s.user_name, std::move(source)});
    }
    for (auto const& i : f.inquiries) {
        if (i.what == discovery::outcome::not_asked) continue;
        auto note = std::string{discovery::to_words(i.from)} + ", " + printable(i.where, 200) + ": ";
        note += i.what == discovery::outcome::found     ? "found"
                : i.what == discovery::outcome::nothing ? "nothing"
                                                        : printable(i.detail, 200);
        seen.notes.push_back(std::move(note));
    }
    for (auto const& p : f.problems) {
        if (p.why == &catalogue::rules::address_malformed || p.why == &catalogue::rules::address_slip) continue;
        settings_fault fault;
        fault.rule = p.why->name;
        for (auto const& fact : p.facts) {
            fault.facts.emplace_back(fact.key, fact.value);
            fault.evidence += (fault.evidence.empty() ? "" : ", ") + fact.key + " " + fact.value;
        }
        fault.hinders = f.settings.empty() || p.why == &catalogue::rules::provider_without_smtp;
        seen.faults.push_back(std::move(fault));
    }
}

}  // namespace

awaitable<void> find_settings(examination_ptr x)
{
    auto& p = x->seen.person;
    auto const looked_at = discovery::examine_address(p.address);
    take_address(x->seen.address, looked_at);
    x->tell(step::address);
    if (x->seen.address.slip == address_slip::malformed) co_return;
    if (!looked_at.address.empty()) p.address = looked_at.address;
    if (!p.host.empty()) {
        co_await look_up_names(x);
        co_return;
    }
    auto const begun = steady_clock::now();
    discovery::options how;
    how.authorities = x->with.authorities;
    how.limit = std::chrono::duration_cast<milliseconds>(x->left(how.limit));
    auto const found = co_await discovery::find_settings(p.address, *x->with.resolver, how);
    auto& s = x->seen.settings;
    s.looked = true;
    s.took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begun);
    take_settings(s, found);
    x->tell(step::settings);
    // The first that exists.
    std::vector<std::string> tried;
    for (auto const& one : s.found) {
        if (std::find(tried.begin(), tried.end(), one.host) != tried.end()) continue;
        if (tried.size() == most_hosts) break;
        tried.push_back(one.host);
        p.host = one.host;
        x->seen.names = {};
        co_await look_up_names(x);
        if (x->seen.names.v4.empty() && x->seen.names.v6.empty()) continue;
        if (p.user.empty()) p.user = one.user;
        co_return;
    }
}

}  // namespace postern::diagnose
