// The last word: a value that Postern's own parser refuses is told, not written. What an
// option takes is known to its declaration only.
#include <algorithm>

#include "config/settings.hpp"
#include "moving/planner.hpp"

namespace postern::moving {
namespace {

// What is wrong with it; empty when nothing is.
std::string refused(draft const& piece)
{
    std::vector<config::problem> problems;
    if (config::parse(to_toml(piece, ""), "", problems)) return {};
    return problems.empty() ? "can't be used" : problems.front().text;
}

// A certificate and its key stand or fall together.
bool is_pair(std::string_view key) { return key == "tls.certificate" || key == "tls.private_key"; }

}  // namespace

void drop_what_is_refused(planner& p)
{
    auto const tell = [&](std::string const& name, std::string const& value, std::string const& from,
                          std::string const& why) {
        p.out.tell(weight::act, {}, name, blanked(name, value),
                   "Was left out, since Postern can't take it: " + why + (from.empty() ? "" : " (" + from + ')'));
    };
    draft pair;
    for (auto const& e : p.out.entries)
        if (is_pair(e.key)) pair.entries.push_back(e);
    bool const pair_refused = !refused(pair).empty();
    std::erase_if(p.out.entries, [&](entry const& e) {
        draft one;
        one.entries.push_back(e);
        auto const why = is_pair(e.key) ? (pair_refused ? refused(pair) : std::string{}) : refused(one);
        if (!why.empty()) tell(e.key, e.toml, e.from, why);
        return !why.empty();
    });
    // Routes name smart hosts, so those are looked at first, and stand beside each route.
    std::vector<row> hosts;
    auto const is_host = [](row const& r) { return r.list == "smart_host"; };
    std::stable_partition(p.out.rows.begin(), p.out.rows.end(), is_host);
    std::erase_if(p.out.rows, [&](row const& r) {
        draft one;
        if (r.list == "route") one.rows = hosts;
        one.rows.push_back(r);
        auto const why = refused(one);
        if (!why.empty()) tell("[[" + r.list + "]]", {}, r.from, why);
        if (why.empty() && is_host(r)) hosts.push_back(r);
        return !why.empty();
    });
}

}  // namespace postern::moving
