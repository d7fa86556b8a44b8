// What the places said, as one list. Pure.
#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "catalogue/rules.hpp"
#include "discovery/lookalike.hpp"
#include "discovery/sources.hpp"

namespace postern::discovery {

namespace {

namespace rules = catalogue::rules;

bool is_same(setting const& a, setting const& b) { return a.host == b.host && a.port == b.port && a.how == b.how; }

bool is_said(source from, reports const& said)
{
    return std::any_of(said.begin(), said.end(),
                       [&](report const& r) { return r.about.from == from && !r.settings.empty(); });
}

// A copy over http tells nothing where the one over https is there.
bool is_needless(report const& r, reports const& said)
{
    if (r.about.from != source::autoconfig || !r.about.where.starts_with("http://")) return false;
    return std::any_of(said.begin(), said.end(), [](report const& other) {
        return other.about.from == source::autoconfig && !other.settings.empty() &&
               other.about.where.starts_with("https://");
    });
}

std::string to_words(setting const& s)
{
    return s.host + ':' + std::to_string(s.port) + ' ' + std::string{providers::to_words(s.how)};
}

// The first two sources without a common setting, in words; empty: all agree.
std::string disagreement(std::vector<setting> const& all)
{
    std::set<source> sources;
    for (auto const& s : all)
        if (s.from != source::guess) sources.insert(s.from);
    auto const first_of = [&](source from) {
        return std::find_if(all.begin(), all.end(), [&](setting const& s) { return s.from == from; });
    };
    for (auto a = sources.begin(); a != sources.end(); ++a) {
        for (auto b = std::next(a); b != sources.end(); ++b) {
            bool const common = std::any_of(all.begin(), all.end(), [&](setting const& x) {
                return x.from == *a && std::any_of(all.begin(), all.end(),
                                                   [&](setting const& y) { return y.from == *b && is_same(x, y); });
            });
            if (!common)
                return std::string{to_words(*a)} + ": " + to_words(*first_of(*a)) + "; " + std::string{to_words(*b)} +
                       ": " + to_words(*first_of(*b));
        }
    }
    return {};
}

// But for the place where it was seen.
bool says_the_same(problem const& a, problem const& b)
{
    return a.why == b.why &&
           std::equal(a.facts.begin(), a.facts.end(), b.facts.begin(), b.facts.end(), [](auto const& x, auto const& y) {
               return x.key == y.key && (x.key == "url" || x.value == y.value);
           });
}

bool is_about(problem const& p, catalogue::rule const& why) { return p.why == &why; }

}  // namespace

void merge(findings& into, reports const& said)
{
    std::vector<setting> all;
    for (auto const& r : said) {
        into.inquiries.push_back(r.about);
        if (is_needless(r, said)) continue;
        if (into.provider == nullptr) into.provider = r.provider;
        if (into.display_name.empty()) into.display_name = r.display_name;
        for (auto const& s : r.settings) {
            if (s.host.empty() || s.port == 0) continue;
            all.push_back(s);
        }
        for (auto const& p : r.problems) {
            bool const known = std::any_of(into.problems.begin(), into.problems.end(),
                                           [&](problem const& other) { return says_the_same(other, p); });
            if (!known) into.problems.push_back(p);
        }
    }
    std::stable_sort(all.begin(), all.end(), [](setting const& a, setting const& b) { return a.from < b.from; });
    std::stable_sort(into.inquiries.begin(), into.inquiries.end(),
                     [](inquiry const& a, inquiry const& b) { return a.from < b.from; });
    bool const published =
        std::any_of(all.begin(), all.end(), [](setting const& s) { return s.from != source::guess; });
    if (auto const what = disagreement(all); !what.empty())
        into.problems.push_back({&rules::settings_disagree, {{"domain", into.domain}, {"said", what}}, source::guess});
    for (auto& s : all) {
        // A guess is for where nothing is known.
        if (published && s.from == source::guess) continue;
        if (std::none_of(into.settings.begin(), into.settings.end(), [&](setting const& t) { return is_same(s, t); }))
            into.settings.push_back(std::move(s));
    }
    auto const near = find_lookalike(into.domain);
    bool const exists = std::none_of(into.problems.begin(), into.problems.end(),
                                     [](auto const& p) { return is_about(p, rules::route_no_such_domain); });
    if (!published && exists && !near.empty()) {
        auto const name = into.address.substr(0, into.address.rfind('@') + 1);
        into.problems.push_back({&rules::address_slip,
                                 {{"address", into.address}, {"suggestion", name + std::string{near}}},
                                 source::guess});
    }
    bool const without_smtp = std::any_of(into.problems.begin(), into.problems.end(),
                                          [](auto const& p) { return is_about(p, rules::provider_without_smtp); });
    if (into.settings.empty() && exists && !without_smtp)
        into.problems.push_back({&rules::settings_not_found, {{"domain", into.domain}}, source::guess});
    // Exchange is asked in vain by everybody; that matters only where nothing else was found.
    if (published && !is_said(source::autodiscover, said))
        std::erase_if(into.problems, [](auto const& p) { return is_about(p, rules::settings_behind_login); });
}

}  // namespace postern::discovery
