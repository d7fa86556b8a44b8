// From the server's name to its addresses, and what else helps when there are none.
#include <algorithm>
#include <array>

#include "base/ids.hpp"
#include "base/text.hpp"
#include "client/look_up.hpp"
#include "diagnose/examination.hpp"

namespace postern::diagnose {
namespace {

/// "smtp.example.com": "example.com"; what has no such prefix stays.
std::string bare(std::string const& host)
{
    constexpr std::array prefixes{"smtp.", "mail.", "mx.",   "imap.", "pop.",     "pop3.",  "out.",
                                  "www.",  "smpt.", "stmp.", "mx1.",  "webmail.", "smtps.", "send."};
    for (std::string_view const p : prefixes)
        if (host.starts_with(p) && host.find('.', p.size()) != std::string::npos) return host.substr(p.size());
    return host;
}

awaitable<void> ask_for_neighbour(examination_ptr x, std::string name)
{
    auto const answer = co_await x->with.resolver->addresses(name);
    if (answer.what == dns::finding::found) x->seen.names.neighbours.push_back({name, true});
}

awaitable<void> ask_whether_others_time_out(examination_ptr x)
{
    auto const answer = co_await x->with.resolver->addresses("example.com");
    x->seen.names.others_time_out = answer.what == dns::finding::temporary;
}

awaitable<void> ask_the_system(examination_ptr x)
{
    auto const found = co_await client::look_up(x->with.executor, x->seen.person.host, x->left(name_limit));
    auto& n = x->seen.names;
    if (found.addresses.empty()) co_return;
    n.system_knows = true;
    for (auto const& a : found.addresses) (a.is_v4() ? n.v4 : n.v6).push_back(a);
}

awaitable<void> look_for_causes(examination_ptr x)
{
    auto const host = to_lower(x->seen.person.host);
    gathering all{x->with.executor};
    if (x->with.asks_system) all.add(ask_the_system(x));
    if (x->seen.names.what == dns::finding::temporary) all.add(ask_whether_others_time_out(x));
    if (x->seen.names.what == dns::finding::no_such_name || x->seen.names.what == dns::finding::no_data) {
        auto const domain = bare(host);
        for (std::string const& name : {"smtp." + domain, "mail." + domain, "mx." + domain, domain})
            if (name != host && name.find('.') != std::string::npos) all.add(ask_for_neighbour(x, name));
    }
    co_await all.wait();
}

/// A name that nobody has, to see whether all names are answered with the same address.
awaitable<void> ask_for_nonsense(examination_ptr x)
{
    auto const name = "postern-" + to_lower(make_session_id()) + ".example.com";
    auto const answer = co_await x->with.resolver->addresses(name);
    auto& n = x->seen.names;
    n.any_name_answers = std::any_of(answer.v4.begin(), answer.v4.end(), [&](auto const& a) {
        return std::find(n.v4.begin(), n.v4.end(), a) != n.v4.end();
    });
}

}  // namespace

awaitable<void> look_up_names(examination_ptr x)
{
    auto& n = x->seen.names;
    auto const begun = steady_clock::now();
    n.looked = true;
    if (auto const literal = ip_address::parse(x->seen.person.host)) {
        (literal->is_v4() ? n.v4 : n.v6).push_back(*literal);
        co_return;
    }
    auto answer = co_await x->with.resolver->addresses(to_lower(x->seen.person.host));
    n.what = answer.what;
    n.v4 = std::move(answer.v4);
    n.v6 = std::move(answer.v6);
    n.canonical = std::move(answer.canonical);
    n.problem = printable(answer.problem);
    n.timed_out = answer.what == dns::finding::temporary && answer.problem.starts_with("no answer in time");
    if (n.what != dns::finding::found) co_await look_for_causes(x);
    if (std::any_of(n.v4.begin(), n.v4.end(), [](auto const& a) { return a.is_private() || a == ip_address{}; }))
        x->sideways.add(ask_for_nonsense(x));
    n.took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - begun);
}

}  // namespace postern::diagnose
