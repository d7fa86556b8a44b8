// queue list, show, retry, hold, release, remove
#include <boost/json/array.hpp>

#include "base/ids.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "control/commands.hpp"

namespace postern::control {
namespace json = boost::json;
namespace {

std::string_view name_of(spool::recipient_state s)
{
    switch (s) {
        case spool::recipient_state::queued: return "queued";
        case spool::recipient_state::delivered: return "delivered";
        case spool::recipient_state::bounced: return "bounced";
        case spool::recipient_state::expired: return "expired";
        case spool::recipient_state::removed: break;
    }
    return "removed";
}

json::object describe(spool::summary const& s)
{
    spool::message const& m = s.what;
    json::array recipients;
    for (auto const& r : m.recipients) {
        json::object one;
        one["forward_path"] = r.to.forward_path.to_string();
        bool const waits = r.state == spool::recipient_state::queued;
        if (waits && !s.unreadable.empty()) {
            one["state"] = "unreadable";
        } else {
            one["state"] = name_of(r.state);
        }
        one["attempts"] = r.attempts;
        if (waits && s.unreadable.empty()) {
            one["next_attempt"] = to_rfc3339(r.next_attempt);
        } else {
            one["next_attempt"] = nullptr;
        }
        one["last_reply"] = printable(r.last_reply);
        recipients.emplace_back(std::move(one));
    }
    json::object o;
    o["queue_id"] = m.queue_id;
    o["reverse_path"] = m.env.reverse_path.to_string();
    o["size"] = m.size;
    o["accepted_at"] = to_rfc3339(m.accepted_at);
    o["held"] = m.held;
    o["session"] = m.session;
    o["account"] = m.account;
    o["client"] = m.client;
    if (s.unreadable.empty()) {
        o["unreadable"] = nullptr;
    } else {
        o["unreadable"] = printable(s.unreadable);
    }
    o["recipients"] = std::move(recipients);
    return o;
}

/// Upper case, as ids are stored. People copy them from mails and logs.
std::string read_id(arguments& a)
{
    auto id = to_upper(a.text("queue_id", 64));
    if (!id.empty() && !looks_like_id(id))
        a.wrong("`" + printable(id, 64) + "` is not the id of a message; `postern queue list` shows them");
    return id;
}

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
                       {}};
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
    log::event(log::level::info, event, {{"queue_id", id}, {"session", message->what.session}, {"by", "operator"}});
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

}  // namespace

outcome queue_list(context& c, arguments a)
{
    spool::filter f;
    if (auto limit = a.optional_number("limit", 100'000)) f.limit = static_cast<std::size_t>(*limit);
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto all = c.queue->list(f);
    if (!all) return to_failure(all.error());
    json::array list;
    for (auto const& one : *all) list.emplace_back(describe(one));
    return json::value(std::move(list));
}

outcome queue_show(context& c, arguments a)
{
    auto const id = read_id(a);
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto message = find(c, id);
    if (!message) return std::move(message.error());
    auto o = describe(*message);
    if (auto content = c.queue->find(id); content && content->body) o["header"] = header_of(*content->body);
    return json::value(std::move(o));
}

outcome queue_retry(context& c, arguments a)
{
    if (a.optional_flag("all").value_or(false)) {
        if (auto wrong = a.problem()) return std::move(*wrong);
        if (auto changed = c.queue->retry_now(""); !changed) return to_failure(changed.error());
        if (c.delivery) c.delivery->wake();
        log::event(log::level::info, "queue_retry", {{"all", true}, {"by", "operator"}});
        json::object o;
        o["all"] = true;
        return json::value(std::move(o));
    }
    auto done = change(
        c, a, "queue_retry", [&](std::string const& id) { return c.queue->retry_now(id); }, held_ones_stay);
    if (done && c.delivery) c.delivery->wake();
    return done;
}

outcome queue_hold(context& c, arguments a)
{
    return change(c, a, "queue_hold", [&](std::string const& id) { return c.queue->hold(id, true); });
}

outcome queue_release(context& c, arguments a)
{
    auto done = change(
        c, a, "queue_release", [&](std::string const& id) { return c.queue->hold(id, false); }, only_held_ones);
    if (done && c.delivery) c.delivery->wake();
    return done;
}

outcome queue_remove(context& c, arguments a)
{
    return change(c, a, "queue_remove", [&](std::string const& id) { return c.queue->remove(id); });
}

}  // namespace postern::control
