// Ports: is there anybody, who, and how is it encrypted?
#include <cerrno>

#include <boost/asio/error.hpp>

#include "base/text.hpp"
#include "diagnose/examination.hpp"

namespace postern::diagnose {
namespace {

constexpr std::chrono::milliseconds absence_takes{900};

milliseconds in_milliseconds(steady_clock::duration d) { return std::chrono::duration_cast<milliseconds>(d); }

door_state state_of(step_result const& r)
{
    if (r.ok()) return door_state::open;
    if (r.how == client::ending::timed_out) return door_state::filtered;
    switch (r.error.value()) {
        case ECONNREFUSED: return door_state::refused;
        case ETIMEDOUT: return door_state::filtered;
        case EACCES:
        case EPERM: return door_state::prohibited;
        // A router that forbids it says so at once. That nobody has the address is found out by asking for it,
        // a second three times, and ends in the same error.
        case EHOSTUNREACH: return r.took < absence_takes ? door_state::prohibited : door_state::absent;
        case ENETUNREACH:
        case EADDRNOTAVAIL:
        case EAFNOSUPPORT: return door_state::unreachable;
        default: return door_state::failed;
    }
}

/// From EHLO on, in the clear; with STARTTLS where it is offered and wanted.
awaitable<void> go_on_in_clear(examination_ptr x, conversation_ptr c, std::shared_ptr<talk_seen> t)
{
    t->hello_before = co_await say_hello(x, c);
    if (!t->hello_before->ok()) co_return;
    t->announced_before = c->announced();
    if (t->way != tls_way::starttls || !t->announced_before.known.starttls) co_return;
    auto terms = x->terms();
    t->handshake = co_await c->start_tls(std::move(terms), x->left(tls_limit));
    t->certificates = c->observations();
    if (!t->handshake->ok() || c->tls() == nullptr) co_return;
    t->tls = *c->tls();
    t->hello_within = co_await say_hello(x, c);
    t->announced_within = c->announced();
}

/// What the server says first. A web server says nothing until it is asked; at ports that are not for mail it is.
awaitable<step_result> hear(examination_ptr x, conversation_ptr c, std::uint16_t port)
{
    if (std::find(mail_ports.begin(), mail_ports.end(), port) != mail_ports.end())
        co_return co_await c->greeting(x->left(greeting_limit));
    auto const begun = steady_clock::now();
    auto r = co_await c->greeting(x->left(silence * 2));
    if (r.how != client::ending::timed_out) co_return r;
    r = co_await c->command("EHLO " + own_name(*c), x->left(greeting_limit));
    r.took = steady_clock::now() - begun;
    // A greeting after all, and behind it the reply to the question, which is asked again.
    if (r.ok()) (void)co_await c->next_reply(x->left(reply_limit));
    co_return r;
}

awaitable<void> talk_in_tls(examination_ptr x, conversation_ptr c, std::shared_ptr<talk_seen> t)
{
    t->way = tls_way::implicit;
    auto terms = x->terms();
    t->handshake = co_await c->handshake(std::move(terms), x->left(tls_limit));
    t->certificates = c->observations();
    if (!t->handshake->ok() || c->tls() == nullptr) co_return;
    t->tls = *c->tls();
    t->greeting = co_await hear(x, c, t->at.port);
    if (!t->greeting.ok()) co_return;
    t->hello_within = co_await say_hello(x, c);
    t->announced_within = c->announced();
}

void keep(examination_ptr const& x, std::shared_ptr<talk_seen> const& t, conversation_ptr c)
{
    x->seen.talks.push_back(*t);
    x->lines.push_back(t->up() ? std::move(c) : nullptr);
}

std::string title_of(endpoint const& at, tls_way way) { return at.to_string() + ", " + std::string{name_of(way)}; }

/// Who does not speak first may wait for TLS, or be another service that answers anything.
struct second_look {
    bool waits_for_tls = false;
    std::optional<step_result> somebody_else{};
};

awaitable<void> look_with_tls(examination_ptr x, endpoint at, std::shared_ptr<second_look> seen,
                              conversation_ptr silent_one)
{
    auto t = std::make_shared<talk_seen>();
    t->at = at;
    auto c = x->speak(title_of(at, tls_way::implicit));
    auto const there = co_await c->connect(at, x->left(connect_limit));
    if (!there.ok()) co_return;
    co_await talk_in_tls(x, c, t);
    seen->waits_for_tls = t->speaks_tls();
    if (t->speaks_tls()) {
        keep(x, t, c);
    } else {
        c->close();
        auto const& h = *t->handshake;
        if (h.how == client::ending::malformed && h.service != client::service::smtp) seen->somebody_else = h;
    }
    if (seen->waits_for_tls || seen->somebody_else) silent_one->close();
}

awaitable<void> talk_in_clear(examination_ptr x, conversation_ptr c, endpoint at, tls_way way)
{
    auto t = std::make_shared<talk_seen>();
    t->at = at;
    t->way = way;
    t->greeting = co_await c->greeting(x->left(silence));
    if (t->greeting.how == client::ending::timed_out && x->left(silence) > milliseconds{1}) {
        gathering other{x->with.executor};
        auto const second = std::make_shared<second_look>();
        other.add(look_with_tls(x, at, second, c));
        auto again = co_await c->greeting(x->left(greeting_limit - silence));
        again.took += silence;
        t->greeting = std::move(again);
        co_await other.wait();
        if (second->somebody_else && !t->greeting.ok()) t->greeting = *second->somebody_else;
        t->silent = second->waits_for_tls || t->greeting.how == client::ending::timed_out;
    }
    if (t->greeting.ok()) co_await go_on_in_clear(x, c, t);
    bool const offers_tls = t->announced_before.known.starttls;
    if (!t->up()) c->close();
    keep(x, t, c);
    // The person's program would go on without: what would it have with?
    if (t->way == tls_way::clear && offers_tls) {
        auto with = x->speak(title_of(at, tls_way::starttls));
        auto const there = co_await with->connect(at, x->left(connect_limit));
        if (there.ok()) co_await talk_in_clear(x, with, at, tls_way::starttls);
    }
}

bool begins_in_tls(given const& person, std::uint16_t port)
{
    if (person.way && (!person.port || *person.port == port) && is_own(person, port, *person.way))
        return *person.way == tls_way::implicit;
    return port == 465;
}

tls_way way_in_clear(given const& person, std::uint16_t port)
{
    return person.way == tls_way::clear && is_own(person, port, tls_way::clear) ? tls_way::clear : tls_way::starttls;
}

}  // namespace

awaitable<void> visit(examination_ptr x, endpoint at, bool speaks)
{
    bool const tls_first = begins_in_tls(x->seen.person, at.port);
    auto const way = tls_first ? tls_way::implicit : way_in_clear(x->seen.person, at.port);
    auto c = x->speak(title_of(at, way));
    auto const there = co_await c->connect(at, x->left(connect_limit));
    x->seen.doors.push_back({at, state_of(there), there.error.value(), in_milliseconds(there.took)});
    if (!there.ok() || !speaks) {
        c->close();
        co_return;
    }
    if (!tls_first) {
        co_await talk_in_clear(x, c, at, way);
        co_return;
    }
    auto t = std::make_shared<talk_seen>();
    t->at = at;
    co_await talk_in_tls(x, c, t);
    keep(x, t, c);
    if (!t->encrypted()) c->close();
    if (t->speaks_tls()) co_return;
    // No TLS there: who is it?
    auto clear = x->speak(title_of(at, tls_way::starttls));
    auto const again = co_await clear->connect(at, x->left(connect_limit));
    if (again.ok()) co_await talk_in_clear(x, clear, at, tls_way::starttls);
}

awaitable<conversation_ptr> speak_again(examination_ptr x, talk_seen of, std::string title)
{
    auto c = x->speak(std::move(title));
    auto r = co_await c->connect(of.at, x->left(connect_limit));
    if (r.ok() && of.way == tls_way::implicit) {
        auto terms = x->terms();
        r = co_await c->handshake(std::move(terms), x->left(tls_limit));
    }
    if (r.ok()) r = co_await c->greeting(x->left(greeting_limit));
    if (r.ok()) r = co_await say_hello(x, c);
    if (r.ok() && of.way == tls_way::starttls && of.encrypted()) {
        auto terms = x->terms();
        r = co_await c->start_tls(std::move(terms), x->left(tls_limit));
        if (r.ok()) r = co_await say_hello(x, c);
    }
    // Whoever answers this connection may be another than the one before.
    bool const as_safe = (c->tls() != nullptr || !of.encrypted()) && (is_trusted(c->observations()) || !of.trusted());
    if (r.ok() && as_safe) co_return c;
    if (r.ok()) c->log().note("less protected than the connection before: nothing secret is said here");
    c->close();
    co_return nullptr;
}

namespace {

awaitable<void> shake_hands(examination_ptr x, talk_seen of, std::string version)
{
    handshake_seen seen;
    seen.version = version;
    auto c = x->speak(of.at.to_string() + (version.empty() ? ", without its name" : ", TLS " + version));
    auto r = co_await c->connect(of.at, x->left(connect_limit));
    if (r.ok() && of.way == tls_way::starttls) {
        r = co_await c->greeting(x->left(greeting_limit));
        if (r.ok()) r = co_await say_hello(x, c);
    }
    if (r.ok()) {
        auto terms = x->terms();
        terms.names_itself = !version.empty();
        terms.minimum = version;
        terms.maximum = version;
        if (of.way == tls_way::starttls) {
            r = co_await c->start_tls(std::move(terms), x->left(tls_limit));
        } else {
            r = co_await c->handshake(std::move(terms), x->left(tls_limit));
        }
        auto const& found = c->observations();
        seen.worked = r.ok();
        seen.trusted = found.trusted;
        seen.name_fits = found.name_fits;
        if (!found.chain.empty()) seen.names = found.chain.front().subject;
        seen.ended = std::move(r);
        x->seen.handshakes.push_back(std::move(seen));
    }
    c->close();
}

}  // namespace

awaitable<void> shake_hands_again(examination_ptr x, talk_seen of)
{
    gathering all{x->with.executor};
    for (auto const* version : {"1.0", "1.1", "1.2", "1.3"}) all.add(shake_hands(x, of, version));
    if (!ip_address::parse(x->seen.person.host)) all.add(shake_hands(x, of, ""));
    co_await all.wait();
}

awaitable<void> knock_at_exchangers(examination_ptr x, std::string domain)
{
    constexpr std::size_t most = 2;
    constexpr std::uint16_t relay = 25;
    auto const mx = co_await x->with.resolver->mx(domain);
    std::size_t asked = 0;
    for (auto const& record : mx.records) {
        if (record.host.empty() || equal_ignoring_case(record.host, x->seen.person.host) || asked == most) continue;
        auto const found = co_await x->with.resolver->addresses(record.host);
        if (found.v4.empty()) continue;
        ++asked;
        endpoint const at{found.v4.front(), relay};
        auto c = std::make_shared<client::conversation>(x->with.executor);
        auto const r = co_await c->connect(at, x->left(connect_limit));
        x->seen.exchangers.push_back({at, state_of(r), r.error.value(), in_milliseconds(r.took)});
        c->close();
        // One that answers says enough.
        if (r.ok()) co_return;
    }
}

awaitable<void> visit_control(examination_ptr x)
{
    // The same questions to another host: an examination of its own, of which only the ports count.
    tools with = x->with;
    with.finished = nullptr;
    given other = x->seen.person;
    other.host = other.control;
    other.check_code.clear();
    auto y = std::make_shared<examination>(std::move(with), std::move(other), credentials{});
    y->ends = x->ends;
    co_await look_up_names(y);
    start_visits(y);
    co_await y->visits.wait();
    for (auto& line : y->lines)
        if (line) line->close();
    auto& seen = x->seen.control;
    seen.host = y->seen.person.host;
    // One that has no address says nothing of our network.
    seen.looked = !y->seen.doors.empty();
    if (!seen.looked) seen.problem = "the control host " + seen.host + " has no address: " + y->seen.names.problem;
    seen.doors = std::move(y->seen.doors);
    seen.talks = std::move(y->seen.talks);
    for (auto& d : y->seen.dialogues) x->seen.dialogues.push_back(std::move(d));
}

}  // namespace postern::diagnose
