#include "diagnose/both_ends.hpp"

#include <algorithm>

#include <boost/json/array.hpp>

#include "diagnose/examination.hpp"
#include "terminal/width.hpp"
#include "witness/mark.hpp"

namespace postern::diagnose {
namespace {

namespace json = boost::json;

witness::sighting const* arrived_of(both_ends_seen const& b, unsigned number)
{
    if (!b.arrived) return nullptr;
    auto const found = std::ranges::find(*b.arrived, number, &witness::sighting::number);
    return found == b.arrived->end() ? nullptr : &*found;
}

/// Of this connection; null when the check has had too many.
witness::departure* departure_of(both_ends_seen& b, client::conversation const& c)
{
    auto const own = c.local();
    auto const known = std::ranges::find_if(b.left, [&](auto const& d) { return d.own && own && *d.own == *own; });
    if (known != b.left.end()) return &*known;
    auto const at = c.remote();
    if (b.left.size() >= witness::most_sessions || !own || !at) return nullptr;
    witness::departure d;
    d.number = static_cast<unsigned>(b.left.size()) + 1;
    d.at = *at;
    d.own = own;
    d.connected = true;
    b.left.push_back(std::move(d));
    return &b.left.back();
}

void note(witness::departure& d, client::conversation const& c)
{
    auto const& announced = c.announced();
    d.spoke = true;
    d.greeted = announced.greeting.substr(0, announced.greeting.find(' '));
    witness::hello h;
    h.said = true;
    h.extended = announced.extended;
    h.starttls = announced.known.starttls;
    h.mechanisms = announced.known.mechanisms;
    auto const* const tls = c.tls();
    if (tls == nullptr) {
        d.clear = std::move(h);
        return;
    }
    h.starttls = false;
    d.secured = std::move(h);
    d.implicit = !d.clear.said;
    d.tls_version = tls->version;
    d.cipher = tls->cipher;
    if (!c.observations().chain.empty()) d.certificate = c.observations().chain.front().sha256;
}

/// Where nobody spoke, the attempts themselves are what left.
void add_silent(observations& o)
{
    if (!o.both.left.empty()) return;
    for (auto const& door : o.doors) {
        if (o.person.port && door.at.port != *o.person.port) continue;
        witness::departure d;
        d.number = static_cast<unsigned>(o.both.left.size()) + 1;
        d.at = door.at;
        d.connected = door.state == door_state::open;
        o.both.left.push_back(std::move(d));
        if (o.both.left.size() == witness::most_sessions) return;
    }
}

}  // namespace

std::optional<std::vector<witness::sighting>> record_in(int code, std::string_view text)
{
    constexpr int help = 214;
    if (code != help) return std::nullopt;
    // Each line a piece; the last one says that it is the end.
    auto const end = text.rfind('\n');
    if (end == std::string_view::npos) return std::nullopt;
    std::string joined;
    for (char const c : text.substr(0, end))
        if (c != '\n' && c != '\r') joined += c;
    return witness::parse_record(joined);
}

awaitable<step_result> say_hello(examination_ptr x, conversation_ptr c)
{
    auto const& code = x->seen.person.check_code;
    auto* marked = code.empty() ? nullptr : departure_of(x->seen.both, *c);
    if (marked == nullptr) {
        auto plain = co_await c->hello(own_name(*c), x->left(reply_limit));
        co_return plain;
    }
    witness::mark const m{marked->number, code};
    auto const name = to_string(m);
    marked->hello_name = name;
    auto said = co_await c->hello(name, x->left(reply_limit));
    // The list may have grown, and moved, meanwhile.
    marked = departure_of(x->seen.both, *c);
    if (said.how != client::ending::reply || marked == nullptr) co_return said;
    note(*marked, *c);
    if (said.ok()) {
        auto const again = co_await c->command("NOOP " + name, x->left(reply_limit));
        if (again.how != client::ending::reply) co_return again;
    }
    co_return said;
}

awaitable<void> read_record(examination_ptr x)
{
    auto& both = x->seen.both;
    auto const& code = x->seen.person.check_code;
    if (code.empty()) co_return;
    both.looked = true;
    add_silent(x->seen);
    if (x->with.read_record) {
        both.arrived = x->with.read_record();
        if (!both.arrived) both.problem = "the server's record of this check can't be read at its control socket";
        co_return;
    }
    auto const talks = x->seen.talks;
    for (auto const& of : talks) {
        if (!of.up() || !of.trusted()) continue;
        auto c = co_await speak_again(x, of, of.at.to_string() + ", the record of this check");
        if (!c) continue;
        auto const asked = "HELP " + to_string(witness::mark{0, code});
        auto const told = co_await c->command(asked, x->left(reply_limit));
        co_await x->part(c, true);
        both.arrived = record_in(told.said.code, told.said.text);
        if (both.arrived) co_return;
        both.problem = "the server does not know the code " + code + ": it has expired, or another server answers here";
        co_return;
    }
    both.problem =
        "there is no connection on which the server's record of this check could be read safely; its operator "
        "sees it with `postern why " +
        code + '`';
}

json::object to_json(both_ends_seen const& b)
{
    json::array sessions;
    for (auto const& d : b.left) {
        auto const* const there = arrived_of(b, d.number);
        json::array rows;
        for (auto const& r : witness::side_by_side(d, there))
            rows.push_back({{"what", r.what}, {"here", r.here}, {"there", r.there}, {"differs", r.differs}});
        sessions.push_back({{"number", d.number}, {"arrived", there != nullptr}, {"rows", std::move(rows)}});
    }
    return {{"known", b.arrived.has_value()}, {"problem", b.problem}, {"sessions", std::move(sessions)}};
}

std::string differences_of(both_ends_seen const& b, unsigned number)
{
    std::string all;
    for (auto const& d : b.left) {
        if (d.number != number) continue;
        for (auto const& r : witness::side_by_side(d, arrived_of(b, number))) {
            if (!r.differs) continue;
            if (!all.empty()) all += "; ";
            all += r.what + ": " + r.here + " here, " + r.there + " there";
        }
    }
    return all;
}

std::vector<std::string> both_columns(both_ends_seen const& b, std::string const& server,
                                      terminal::painter const& paint, std::size_t width)
{
    constexpr std::size_t label = 22;
    std::vector<std::string> out;
    if (!b.looked) return out;
    out.emplace_back();
    if (!b.arrived) {
        for (auto const& line : terminal::wrap("Both ends: " + b.problem, width))
            out.push_back(paint(terminal::colour::quiet, line));
        return out;
    }
    auto const differs = [&](witness::departure const& d) {
        auto const rows = witness::side_by_side(d, arrived_of(b, d.number));
        return arrived_of(b, d.number) == nullptr || std::ranges::any_of(rows, &witness::row::differs);
    };
    auto chosen = std::ranges::find_if(b.left, differs);
    if (chosen == b.left.end()) chosen = b.left.begin();
    if (chosen == b.left.end()) return out;
    auto const column = std::max<std::size_t>(12, (width - label) / 2);
    auto const line = [&](std::string const& what, std::string const& here, std::string const& there) {
        return terminal::padded(what, label) + terminal::padded(terminal::cut(here, column - 1), column) +
               terminal::cut(there, column);
    };
    auto const title = "Both ends, session " + std::to_string(chosen->number) + " of " + std::to_string(b.left.size());
    out.push_back(paint(terminal::colour::strong, title));
    out.push_back(line("", "left here", "reached " + server));
    for (auto const& r : witness::side_by_side(*chosen, arrived_of(b, chosen->number)))
        out.push_back(
            paint(r.differs ? terminal::colour::warning : terminal::colour::quiet, line(r.what, r.here, r.there)));
    return out;
}

}  // namespace postern::diagnose
