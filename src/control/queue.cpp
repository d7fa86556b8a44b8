// queue list, show, retry, hold, release, remove, expire
#include <boost/json/array.hpp>

#include "base/log.hpp"
#include "base/text.hpp"
#include "control/queue_filter.hpp"
#include "delivery/expire.hpp"
#include "delivery/service.hpp"
#include "signing/key_store.hpp"
#include "signing/signer.hpp"
#include "spool/spool.hpp"

namespace postern::control {
namespace json = boost::json;
namespace {

basic_result<spool::summary, failure> find(context& c, std::string const& id)
{
    spool::filter only;
    only.queue_id = id;
    auto found = c.queue->list(only);
    if (!found) return to_failure(found.error());
    if (found->empty()) {
        return failure{failure::kind::problem,
                       "no message " + id +
                           " is on its way: it is delivered, returned or removed, or never was here; "
                           "`postern why " +
                           id + "` tells",
                       {},
                       std::string{not_there_rule}};
    }
    return std::move(found->front());
}

std::optional<failure> nothing_against_it(spool::summary const&) { return std::nullopt; }

std::optional<failure> held_ones_stay(spool::summary const& m)
{
    if (!m.what.held) return std::nullopt;
    auto const& id = m.what.queue_id;
    return failure{
        failure::kind::problem, id + " is held, so it is not tried; `postern queue release " + id + "` lets it go", {}};
}

std::optional<failure> only_held_ones(spool::summary const& m)
{
    if (m.what.held) return std::nullopt;
    return failure{failure::kind::problem,
                   m.what.queue_id + " is not held, so there is nothing to release; " + "`postern queue retry " +
                       m.what.queue_id + "` tries it at once",
                   {}};
}

template <class Change>
outcome change(context& c, arguments& a, std::string_view event, Change apply,
               std::optional<failure> (*objection)(spool::summary const&) = nothing_against_it)
{
    auto const id = read_id(a);
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto message = find(c, id);
    if (!message) return std::move(message.error());
    if (auto against = objection(*message)) return std::move(*against);
    result<> changed = apply(id);
    if (!changed) return to_failure(changed.error());
    log::event(log::level::info, event, {{"queue_id", id}, {"session", message->what.session}, {"by", c.caller.by()}});
    json::object o;
    o["queue_id"] = id;
    return json::value(std::move(o));
}

/// The header section of the content, at most so much of it as is useful to look at.
std::string header_of(spool::content const& body)
{
    auto start = body.read(0, 32768);
    if (!start) return {};
    auto const end = start->find("\r\n\r\n");
    auto const header = std::string_view{*start}.substr(0, end == std::string::npos ? start->size() : end + 2);
    std::string shown;
    for (std::size_t at = 0; at < header.size();) {
        auto const stop = std::min(header.find("\r\n", at), header.size());
        auto const line = header.substr(at, stop - at);
        // A folded line begins with a tab, which printable() would show as \x09.
        bool const folded = line.starts_with('\t');
        if (folded) shown += "    ";
        shown += printable(line.substr(folded ? 1 : 0), 1000);
        shown += '\n';
        at = stop + 2;
    }
    return shown;
}

// So many messages a call: neither the store nor whoever asks waits long. The answer says where the
// next call begins.
constexpr std::size_t at_once = 500;

bool names_one(arguments& a) { return a.has("queue_id"); }

/// A filter that says which messages; to mean all of them has to be said, too.
spool::filter read_selection(arguments& a)
{
    auto f = read_filter(a);
    bool const all = a.optional_flag("all").value_or(false);
    if (!all && f.queue_id.empty() && !f.selects())
        a.wrong("which messages? Give an id, something to choose them by, or --all");
    if (all && (f.selects() || !f.queue_id.empty())) a.wrong("some messages or --all, not both");
    return f;
}

outcome change_many(context& c, arguments& a, std::string_view event, spool::wish w)
{
    auto f = read_selection(a);
    if (auto wrong = a.problem()) return std::move(*wrong);
    if (f.state == spool::condition::unreadable && w != spool::wish::remove && w != spool::wish::retry)
        return failure{failure::kind::usage, "unreadable messages can be retried or removed, nothing else", {}};
    f.limit = at_once;
    bool const starts = w == spool::wish::retry || w == spool::wish::release;
    // First: what is due at once must not meet a host that is still left alone.
    if (starts && c.delivery) c.delivery->wake();
    auto const done = c.queue->apply(w, f);
    if (!done) return to_failure(done.error());
    if (starts && done->messages != 0 && c.delivery) c.delivery->wake();
    if (done->messages != 0) log::event(log::level::info, event, {{"messages", done->messages}, {"by", c.caller.by()}});
    json::object o;
    if (!f.selects()) o["all"] = true;
    o["messages"] = done->messages;
    o["after"] = done->after;
    o["finished"] = done->finished;
    return json::value(std::move(o));
}

}  // namespace

outcome queue_list(context& c, arguments a)
{
    auto const f = read_filter(a);
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto all = c.queue->list(f);
    if (!all) return to_failure(all.error());
    auto const down = find_down(c);
    json::array list;
    for (auto const& one : *all) list.emplace_back(describe(one, down));
    return json::value(std::move(list));
}

outcome queue_show(context& c, arguments a)
{
    auto const id = read_id(a);
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto message = find(c, id);
    if (!message) return std::move(message.error());
    auto o = describe(*message, find_down(c));
    if (auto content = c.queue->find(id); content && content->body) o["header"] = header_of(*content->body);
    return json::value(std::move(o));
}

outcome queue_retry(context& c, arguments a)
{
    if (!names_one(a)) return change_many(c, a, "queue_retry", spool::wish::retry);
    auto done = change(
        c, a, "queue_retry",
        [&](std::string const& id) {
            // First: what is due at once must not meet a host that is still left alone.
            if (c.delivery) c.delivery->wake();
            return c.queue->retry_now(id);
        },
        held_ones_stay);
    if (done && c.delivery) c.delivery->wake();
    return done;
}

outcome queue_hold(context& c, arguments a)
{
    if (!names_one(a)) return change_many(c, a, "queue_hold", spool::wish::hold);
    return change(c, a, "queue_hold", [&](std::string const& id) { return c.queue->hold(id, true); });
}

outcome queue_release(context& c, arguments a)
{
    if (!names_one(a)) return change_many(c, a, "queue_release", spool::wish::release);
    auto done = change(
        c, a, "queue_release", [&](std::string const& id) { return c.queue->hold(id, false); }, only_held_ones);
    if (done && c.delivery) c.delivery->wake();
    return done;
}

outcome queue_remove(context& c, arguments a)
{
    if (!names_one(a)) return change_many(c, a, "queue_remove", spool::wish::remove);
    return change(c, a, "queue_remove", [&](std::string const& id) { return c.queue->remove(id); });
}

outcome queue_expire(context& c, arguments a)
{
    auto f = read_selection(a);
    if (auto wrong = a.problem()) return std::move(*wrong);
    f.limit = at_once;
    if (!f.queue_id.empty())
        if (auto there = find(c, f.queue_id); !there) return std::move(there.error());
    // Reports are signed without a server, too.
    std::optional<signing::signer> own;
    std::optional<signing::key_store> keys;
    if (!c.signer) keys.emplace(*c.settings, &own.emplace(1));
    auto const done = delivery::expire(*c.queue, f, *c.settings, c.signer ? c.signer : &*own);
    if (!done) return to_failure(done.error());
    log::event(log::level::info, "queue_expire",
               {{"queue_id", f.queue_id},
                {"messages", done->messages},
                {"recipients", done->recipients},
                {"by", c.caller.by()}});
    if (!f.queue_id.empty() && done->busy != 0) {
        return failure{failure::kind::problem,
                       f.queue_id + " is being delivered at the moment; try again when that has ended",
                       {}};
    }
    if (c.delivery) c.delivery->wake();
    json::object o;
    if (!f.queue_id.empty()) o["queue_id"] = f.queue_id;
    o["messages"] = done->messages;
    o["recipients"] = done->recipients;
    o["busy"] = done->busy;
    o["after"] = done->after;
    o["finished"] = done->finished;
    return json::value(std::move(o));
}

}  // namespace postern::control
