#include "diagnose/examiner.hpp"

#include <algorithm>
#include <set>

#include "diagnose/examination.hpp"

namespace postern::diagnose {
namespace {

// So many addresses of a family are connected to; the first of each is talked to.
constexpr std::size_t most_addresses = 2;
constexpr std::size_t most_ports = 8;
// A better port may still be on its way when one works.
constexpr std::chrono::milliseconds grace{400};
// For what is looked at beside the way that works.
constexpr std::chrono::seconds patience{9};

std::set<std::uint16_t> ports_of(observations const& o)
{
    std::set<std::uint16_t> ports{mail_ports.begin(), mail_ports.end()};
    if (o.person.port) ports.insert(*o.person.port);
    for (auto const& s : o.settings.found)
        if (s.host == o.person.host && ports.size() < most_ports) ports.insert(s.port);
    return ports;
}

awaitable<void> knock_at_web(examination_ptr x, endpoint at)
{
    auto c = std::make_shared<client::conversation>(x->with.executor);
    auto const r = co_await c->connect(at, x->left(connect_limit));
    x->seen.web_asked = true;
    x->seen.web_open = x->seen.web_open || r.ok();
    c->close();
}

/// The best conversation so far; nothing while none is worth anything.
std::optional<std::size_t> best_of(examination const& x)
{
    std::optional<std::size_t> best;
    unsigned worth = 0;
    for (std::size_t i = 0; i < x.seen.talks.size(); ++i) {
        auto const w = worth_of(x.seen.person, x.seen.talks[i]);
        if (w > worth) {
            worth = w;
            best = i;
        }
    }
    return best;
}

bool has_asked(given const& person) noexcept { return person.port || person.way; }

awaitable<void> visit_own(examination_ptr x, endpoint at, bool speaks)
{
    co_await visit(x, at, speaks);
    --x->own_visits;
}

/// Waits for the conversation to go on with; for ports that don't answer only where they were asked for.
awaitable<void> choose(examination_ptr x)
{
    auto since = std::make_shared<std::optional<steady_time>>();
    auto const enough = [x, since] {
        auto const best = best_of(*x);
        if (!best) return false;
        auto const& t = x->seen.talks[*best];
        // The person's own, or the port that comes first.
        if (has_asked(x->seen.person)) return is_own(x->seen.person, t.at.port, t.way) || x->own_visits == 0;
        if (t.trusted() && t.at.port == 465) return true;
        if (!*since) *since = steady_clock::now();
        return steady_clock::now() - **since > grace;
    };
    co_await x->visits.wait(enough, milliseconds{50});
    x->seen.chosen = best_of(*x);
}

/// The test mail. Without a question only where it was said before.
awaitable<bool> is_wanted(examination_ptr x)
{
    if (x->seen.person.sends) co_return true;
    if (!x->with.may_send) co_return false;
    auto const asked = steady_clock::now();
    bool const wanted = co_await x->with.may_send(x->seen.mine.from, x->seen.mine.to);
    x->thought += steady_clock::now() - asked;
    x->ends += steady_clock::now() - asked;
    co_return wanted;
}

awaitable<void> go_on(examination_ptr x)
{
    auto const t = x->seen.talks[*x->seen.chosen];
    x->tell(step::ehlo);
    if (t.handshake) x->sideways.add(shake_hands_again(x, t));
    x->sideways.add(write_as_stranger(x, t));
    x->sideways.add(look_up_certificate_names(x, t));
    auto c = co_await log_in(x);
    x->tell(step::auth);
    if (x->seen.is_in()) {
        x->sideways.add(try_other_mechanisms(x, t, x->seen.logins[*x->seen.logged_in].mechanism));
    }
    bool const as_nobody = x->seen.not_tried == withheld::no_credentials && x->seen.person.writes();
    if (x->seen.is_in() || as_nobody) co_await write_envelope(x, c);
    auto const& e = x->seen.mine;
    if (e.rcpt && e.rcpt->ok()) {
        bool const wanted = co_await is_wanted(x);
        if (wanted) co_await send_test_mail(x, c);
    }
    co_await x->part(c, true);
    if (x->seen.sent) co_await look_for_arrival(x);
}

/// The rest, which may go on alone when it takes too long: the person's own way is known by then.
awaitable<void> end_of(examination_ptr x, gathering& all)
{
    auto const until = x->begun + x->thought + (x->seen.chosen ? patience : std::chrono::hours{1});
    auto const from = steady_clock::now();
    co_await all.wait(
        [until, from] {
            auto const now = steady_clock::now();
            return now > until && now - from > grace;
        },
        milliseconds{100});
}

}  // namespace

void start_visits(examination_ptr const& x)
{
    std::vector<ip_address> const* const families[] = {&x->seen.names.v6, &x->seen.names.v4};
    for (auto const* addresses : families) {
        for (std::size_t i = 0; i < addresses->size() && i < most_addresses; ++i) {
            for (auto const port : ports_of(x->seen)) {
                endpoint const at{(*addresses)[i], port};
                bool const own = has_asked(x->seen.person) && is_own(x->seen.person, port);
                if (own) ++x->own_visits;
                x->visits.add(own ? visit_own(x, at, i == 0) : visit(x, at, i == 0));
            }
        }
    }
}

boost::asio::awaitable<observations> examine(tools with, given person, credentials who)
{
    auto x = std::make_shared<examination>(std::move(with), std::move(person), std::move(who));
    x->seen.cloud = name_of_cloud();
    if (!x->seen.person.control.empty()) x->sideways.add(visit_control(x));
    if (x->seen.person.address.empty()) {
        co_await look_up_names(x);
    } else {
        co_await find_settings(x);
    }
    x->tell(step::dns);
    start_visits(x);
    auto const& about = x->seen.person.address.empty() ? x->seen.person.from : x->seen.person.address;
    if (auto const at = about.rfind('@'); x->seen.person.port == 25 && at != std::string::npos)
        x->sideways.add(knock_at_exchangers(x, about.substr(at + 1)));
    auto const& n = x->seen.names;
    if (!n.v4.empty() || !n.v6.empty()) {
        endpoint const web{n.v4.empty() ? n.v6.front() : n.v4.front(), 443};
        x->sideways.add(knock_at_web(x, web));
        endpoint const page{web.address, 80};
        if (x->seen.person.asks_portal) x->sideways.add(look_for_portal(x, page));
    }
    co_await choose(x);
    if (x->seen.chosen) {
        co_await go_on(x);
    } else {
        auto const failed = std::find_if(x->seen.talks.begin(), x->seen.talks.end(), [](auto const& t) {
            return t.handshake && t.handshake->how == client::ending::tls_refused;
        });
        if (failed != x->seen.talks.end()) {
            auto const of = *failed;
            co_await shake_hands_again(x, of);
        }
    }
    co_await end_of(x, x->visits);
    co_await end_of(x, x->sideways);
    co_await read_record(x);
    for (auto& line : x->lines)
        if (line) line->close();
    x->seen.out_of_time = steady_clock::now() >= x->ends;
    x->seen.took = x->elapsed();
    co_return x->seen;
}

}  // namespace postern::diagnose
