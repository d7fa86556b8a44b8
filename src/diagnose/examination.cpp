#include "diagnose/examination.hpp"

#include <algorithm>
#include <utility>

namespace postern::diagnose {

examination::examination(tools t, given p, credentials w)
    : with(std::move(t)), who(std::move(w)), ends(begun + p.limit), visits(with.executor), sideways(with.executor)
{
    seen.person = std::move(p);
    seen.now = wall_clock::now();
}

steady_clock::duration examination::left(steady_clock::duration wanted) const
{
    steady_clock::duration const rest = ends - steady_clock::now();
    return std::clamp<steady_clock::duration>(rest, milliseconds{1}, wanted);
}

conversation_ptr examination::speak(std::string title)
{
    client::transcript log{begun};
    auto const place = std::make_shared<dialogue>();
    place->title = std::move(title);
    seen.dialogues.push_back(place);
    log.watch([place](client::transcript_line const& line) {
        if (place->lines.size() < client::transcript::most_lines)
            place->lines.push_back(line);
        else
            ++place->left_out;
    });
    return std::make_shared<client::conversation>(with.executor, std::move(log));
}

awaitable<void> examination::part(conversation_ptr c, bool politely)
{
    if (politely) co_await c->quit(left(milliseconds{500}));
    c->close();
}

client::tls_terms examination::terms() const
{
    client::tls_terms t;
    t.context = with.tls;
    t.name = seen.person.host;
    return t;
}

std::string examination::user() const { return seen.person.user.empty() ? seen.person.address : seen.person.user; }

void examination::tell(step s)
{
    if (with.finished) with.finished(s, seen);
}

milliseconds examination::elapsed() const
{
    return std::chrono::duration_cast<milliseconds>(steady_clock::now() - begun - thought);
}

std::string own_name(client::conversation const& c)
{
    auto const here = c.local();
    if (!here) return "[127.0.0.1]";
    return (here->address.is_v4() ? "[" : "[IPv6:") + here->address.to_string() + "]";
}

unsigned worth_of(given const& person, talk_seen const& t) noexcept
{
    if (!t.up()) return 0;
    unsigned worth = 1;
    if ((person.port || person.way) && is_own(person, t.at.port, t.way)) worth += 1000;
    if (t.encrypted()) worth += 100;
    if (t.trusted()) worth += 200;
    if (!t.announced().known.mechanisms.empty()) worth += 50;
    switch (t.at.port) {
        case 465: worth += 8; break;
        case 587: worth += 6; break;
        case 2525: worth += 4; break;
        case 25: worth += 2; break;
        default: break;
    }
    return worth + (t.at.address.is_v4() ? 0 : 1);
}

}  // namespace postern::diagnose
