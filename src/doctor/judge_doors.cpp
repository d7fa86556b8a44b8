// Whether each listener can be reached, and whether one of them carries strangers' mail.
#include <algorithm>
#include <map>
#include <set>

#include "doctor/judge.hpp"
#include "doctor/judge_parts.hpp"
#include "doctor/words.hpp"

namespace postern::doctor {
namespace rules = catalogue::rules;
namespace {

constexpr std::size_t most_tricks_told = 5;

reach_facts const* from_inside(facts const& f, std::string const& listener)
{
    auto const found = std::ranges::find_if(
        f.reached, [&](reach_facts const& t) { return t.listener == listener && !t.from_outside; });
    return found == f.reached.end() ? nullptr : &*found;
}

finding unreachable(reach_facts const& t, severity how_bad, std::string problem)
{
    return {area::ports, how_bad, &rules::own_port_unreachable, {{"listener", t.listener}, {"problem", problem}}, {}};
}

void judge_listener(facts const& f, listener_facts const& l, report& r)
{
    auto const* const inside = from_inside(f, l.address);
    if (inside && !f.server.running) {
        // Without our server nobody should be there.
        if (inside->answered || !inside->greeting.empty())
            r.add(unreachable(*inside, severity::failure,
                              "another program has the port, and answers `" + inside->greeting +
                                  "`: stop it, or our server can't start (`ss -ltnp` names it)"));
        return;
    }
    if (inside && !inside->answered) {
        r.add(unreachable(*inside, severity::failure,
                          inside->greeting.empty() ? inside->at.to_string() + " " + inside->problem
                                                   : "another program answers there: `" + inside->greeting + "`"));
        return;
    }
    if (inside) r.good(area::ports, l.address + " answers");
    for (auto const& t : f.reached) {
        if (t.listener != l.address || !t.from_outside) continue;
        auto const at = t.at.to_string();
        if (t.answered) {
            r.good(area::ports, l.address + " answers at " + at);
        } else if (t.local_address) {
            r.add(unreachable(t, severity::failure,
                              at + " " + t.problem +
                                  ", though the server answers elsewhere: a firewall on this machine (`nft list "
                                  "ruleset`), or the listener has another address"));
        } else {
            r.add(unreachable(t, severity::hint,
                              at + " " + t.problem +
                                  " from here. That address is not of this machine, so it may be that a router "
                                  "forwards from outside only: look from elsewhere with `postern check " +
                                  f.settings.hostname + "`"));
        }
    }
}

}  // namespace

void judge_reach(facts const& f, report& r)
{
    bool submission = false;
    for (auto const& l : f.listeners) {
        if (l.role != "submission" && l.role != "mx") continue;
        submission = submission || l.role == "submission";
        judge_listener(f, l, r);
    }
    if (!submission)
        r.add({area::ports,
               severity::warning,
               &rules::own_no_submission_port,
               {},
               {"[[listener]]", "address = \"[::]:465\"", "role = \"submission\"", "tls = \"implicit\""}});
}

void judge_relay(facts const& f, report& r)
{
    std::set<std::string> open;
    std::map<std::string, std::map<std::string, std::size_t>> tried;  // by listener and client
    std::size_t told = 0;
    for (auto const& t : f.relay) {
        if (!t.client.empty() && t.refused()) ++tried[t.listener][t.client];
        if (!t.accepted) continue;
        open.insert(t.listener);
        if (++told > most_tricks_told) continue;
        r.add({area::relay,
               severity::failure,
               &rules::own_open_relay,
               {{"listener", t.listener}, {"recipient", t.to + " from " + t.from + " (" + t.trick + ")"}},
               {}});
    }
    for (auto const& [listener, clients] : tried) {
        if (open.contains(listener) || f.relay_unfinished.contains(listener)) continue;
        std::vector<std::string> counts;
        for (auto const& [client, n] : clients)
            counts.push_back(std::to_string(n) + (n == 1 ? " way" : " ways") + " tried from " + client);
        r.good(area::relay, listener + " carries no stranger's mail: " + joined(counts));
    }
}

}  // namespace postern::doctor
