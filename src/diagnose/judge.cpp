#include "diagnose/judge.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "diagnose/judgement.hpp"
#include "diagnose/step_lines.hpp"

namespace postern::diagnose {

namespace {

std::string domain_of(given const& p)
{
    auto const at = p.address.rfind('@');
    return at == std::string::npos ? std::string{} : p.address.substr(at + 1);
}

/// The same row twice, of two addresses or ports, is told once: the worse one.
void drop_repetitions(std::vector<finding>& all)
{
    std::vector<finding> kept;
    for (auto& f : all) {
        auto const same = std::find_if(kept.begin(), kept.end(), [&](finding const& k) { return k.rule == f.rule; });
        if (same == kept.end()) {
            kept.push_back(std::move(f));
        } else if (f.how_bad > same->how_bad) {
            *same = std::move(f);
        }
    }
    all = std::move(kept);
}

bool comes_first(finding const& a, finding const& b) noexcept
{
    if (a.how_bad != b.how_bad) return a.how_bad > b.how_bad;
    if (a.at != b.at) return a.at < b.at;
    return a.sure > b.sure;
}

outcome outcome_of(finding const* worst, bool looked) noexcept
{
    if (worst != nullptr && worst->how_bad == severity::failure) return outcome::failure;
    if (worst != nullptr && worst->how_bad == severity::warning) return outcome::warning;
    return looked ? outcome::ok : outcome::skipped;
}

}  // namespace

finding& judgement::add(catalogue::rule const& rule, severity how_bad, step at, std::string evidence, values more)
{
    finding f;
    f.rule = &rule;
    f.how_bad = how_bad;
    f.at = at;
    f.who = rule.who;
    f.evidence = printable(evidence, 1000);
    f.values = std::move(more);
    // Later ones stand back: what is given comes first.
    f.values.push_back({"server", o.person.host});
    f.values.push_back({"domain", domain_of(o.person)});
    f.values.push_back({"address", o.person.address});
    if (o.person.port) f.values.push_back({"port", std::to_string(*o.person.port)});
    findings.push_back(std::move(f));
    return findings.back();
}

bool judgement::has(catalogue::rule const& rule) const noexcept
{
    return std::any_of(findings.begin(), findings.end(), [&](finding const& f) { return f.rule == &rule; });
}

bool judgement::has_failure_up_to(step s) const noexcept
{
    return std::any_of(findings.begin(), findings.end(),
                       [&](finding const& f) { return f.how_bad == severity::failure && f.at <= s; });
}

diagnosis judge(observations const& o)
{
    judgement j{o};
    // Before the others: what both ends know comes first among equals.
    j.judge_both_ends();
    j.judge_address();
    j.judge_settings();
    j.judge_names();
    j.judge_doors();
    j.judge_talks();
    j.judge_login();
    j.judge_envelopes();
    j.judge_arrival();
    j.judge_headers();
    drop_repetitions(j.findings);
    std::stable_sort(j.findings.begin(), j.findings.end(), comes_first);
    diagnosis d;
    d.findings = std::move(j.findings);
    d.steps = lines_of(o);
    for (auto& s : d.steps) {
        s.how = outcome_of(d.worst_of(s.what), s.how != outcome::skipped);
        d.how = s.how == outcome::failure                                ? outcome::failure
                : s.how == outcome::warning && d.how != outcome::failure ? outcome::warning
                                                                         : d.how;
    }
    return d;
}

finding const* diagnosis::worst_of(step s) const noexcept
{
    auto const found = std::find_if(findings.begin(), findings.end(), [&](finding const& f) { return f.at == s; });
    return found == findings.end() ? nullptr : &*found;
}

std::string finding::headline() const { return catalogue::fill(rule->reply, values); }
std::string finding::explanation() const { return catalogue::fill(rule->what, values); }
std::string finding::remedy() const
{
    auto text = catalogue::fill(rule->user, values);
    if (!more.empty()) (text += ' ') += more;
    return text;
}

std::string finding::operator_remedy() const { return catalogue::fill(rule->operator_remedy, values); }

std::optional<door_state> state_of_port(std::vector<door_seen> const& doors, std::uint16_t port, std::optional<bool> v4)
{
    std::optional<door_state> best;
    for (auto const& d : doors) {
        if (d.at.port != port || (v4 && d.at.address.is_v4() != *v4)) continue;
        // A family that this machine does not have says nothing.
        if (!best || d.state < *best) best = d.state;
    }
    return best;
}

std::string said(step_result const& r) { return r.to_string(); }

std::string in_words(milliseconds m)
{
    auto const n = m.count();
    if (n < 1000) return std::to_string(n) + " ms";
    return std::to_string(n / 1000) + "." + std::to_string(n % 1000 / 100) + " s";
}

bool contains(std::string_view text, std::string_view part) noexcept
{
    auto const found = std::search(text.begin(), text.end(), part.begin(), part.end(),
                                   [](char a, char b) { return lower(a) == lower(b); });
    return found != text.end();
}

std::string_view name_of(step s) noexcept
{
    constexpr std::array<std::string_view, all_steps.size()> names{
        "address", "settings", "dns",  "connect", "greeting", "tls",    "ehlo",
        "auth",    "mail",     "rcpt", "data",    "arrival",  "headers"};
    return names[static_cast<std::size_t>(s)];
}

std::string_view name_of(severity s) noexcept
{
    return s == severity::failure ? "failure" : s == severity::warning ? "warning" : "note";
}

std::string_view name_of(confidence c) noexcept
{
    return c == confidence::high ? "high" : c == confidence::medium ? "medium" : "low";
}

std::string_view name_of(outcome o) noexcept
{
    constexpr std::array<std::string_view, 4> names{"ok", "warning", "failure", "skipped"};
    return names[static_cast<std::size_t>(o)];
}

std::string_view name_of(catalogue::actor a) noexcept
{
    constexpr std::array<std::string_view, 7> names{
        "", "nobody", "you", "your network", "the provider", "the administrator", "the recipient's side"};
    return names[static_cast<std::size_t>(a)];
}

}  // namespace postern::diagnose
