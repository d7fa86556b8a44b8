#include "spool/browser.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "base/text.hpp"
#include "spool/schema.hpp"

namespace postern::spool {
namespace {

// A statement whose parameters are put together with its text.
struct question {
    std::string sql;
    std::vector<std::variant<std::int64_t, std::string>> values;

    std::string place(std::int64_t v)
    {
        values.emplace_back(v);
        return "?" + std::to_string(values.size());
    }
    std::string place(std::string v)
    {
        values.emplace_back(std::move(v));
        return "?" + std::to_string(values.size());
    }
    void bind(store::statement& s) const
    {
        int number = 0;
        for (auto const& v : values) {
            ++number;
            if (auto const* const n = std::get_if<std::int64_t>(&v)) {
                s.bind(number, *n);
            } else {
                s.bind_text(number, std::get<std::string>(v));
            }
        }
    }
};

// The key of a destination begins with how it is reached, and people leave that out.
std::string next_hop_condition(question& q, std::string const& next_hop)
{
    std::string keys;
    for (auto const* kind : {"", "mx:", "smtp:", "lmtp:"}) {
        keys += keys.empty() ? "" : ", ";
        keys += q.place(kind + next_hop);
    }
    return "r.next_hop IN (" + keys + ")";
}

constexpr char const* tried =
    "EXISTS (SELECT 1 FROM recipient AS t WHERE t.message = s.message AND t.state = 0 AND t.next_hop > '')";

question make_question(filter const& f, std::size_t limit, bool with_files)
{
    question q;
    std::string const file = with_files ? "(SELECT m.file FROM message AS m WHERE m.id = s.message)" : "NULL";
    q.sql = "SELECT s.message, s.queue_id, " + file + " FROM ";
    if (!f.domain.empty()) {
        q.sql += "recipient AS r CROSS JOIN schedule AS s ON s.message = r.message WHERE r.state = 0 AND r.domain = " +
                 q.place(to_lower(f.domain));
        if (!f.next_hop.empty()) q.sql += " AND " + next_hop_condition(q, f.next_hop);
        q.sql += " AND r.message > " + q.place(f.after);
    } else if (f.state == condition::waiting && f.next_hop.empty()) {
        // Few mostly, and found by the index.
        q.sql +=
            "recipient AS r CROSS JOIN schedule AS s ON s.message = r.message"
            " WHERE r.state = 0 AND r.next_hop = '' AND r.message > " +
            q.place(f.after);
    } else if (!f.next_hop.empty()) {
        q.sql += "recipient AS r CROSS JOIN schedule AS s ON s.message = r.message WHERE r.state = 0 AND " +
                 next_hop_condition(q, f.next_hop) + " AND r.message > " + q.place(f.after);
    } else {
        q.sql += "schedule AS s WHERE s.message > " + q.place(f.after);
    }
    if (!f.queue_id.empty()) q.sql += " AND s.queue_id = " + q.place(f.queue_id);
    if (f.sender) q.sql += " AND s.reverse_path = " + q.place(*f.sender) + " COLLATE NOCASE";
    if (!f.account.empty()) q.sql += " AND s.account = " + q.place(f.account) + " COLLATE NOCASE";
    if (f.accepted_before) q.sql += " AND s.accepted_at < " + q.place(to_microseconds(*f.accepted_before));
    if (f.accepted_after) q.sql += " AND s.accepted_at > " + q.place(to_microseconds(*f.accepted_after));
    switch (f.state) {
        case condition::held: q.sql += " AND s.held <> 0"; break;
        case condition::deferred: q.sql += std::string{" AND s.held = 0 AND "} + tried; break;
        case condition::waiting: q.sql += std::string{" AND s.held = 0 AND NOT "} + tried; break;
        case condition::any:
        case condition::active:
        case condition::unreadable: break;
    }
    bool const by_recipient = f.by_recipient() || f.state == condition::waiting;
    q.sql += by_recipient ? " GROUP BY r.message ORDER BY r.message" : " ORDER BY s.message";
    q.sql += " LIMIT " + q.place(static_cast<std::int64_t>(std::min<std::size_t>(limit, INT32_MAX)));
    return q;
}

}  // namespace

bool matches(filter const& f, stored_recipient const& r)
{
    if (r.state != recipient_state::queued) return false;
    if (!f.domain.empty() && !equal_ignoring_case(r.to.forward_path.domain, f.domain)) return false;
    if (f.next_hop.empty() || r.next_hop == f.next_hop) return true;
    auto const colon = r.next_hop.find(':');
    return colon != std::string::npos && std::string_view{r.next_hop}.substr(colon + 1) == f.next_hop;
}

result<> browser::open()
{
    if (db_) return done{};
    auto opened = open_for_reading(file_);
    if (!opened) return opened.error();
    db_ = std::move(*opened);
    return done{};
}

error browser::failed(std::string_view doing)
{
    error why = db_.failure(doing);
    db_.close();
    return why;
}

result<std::vector<found_message>> browser::select(filter const& f, std::size_t limit, bool with_files)
{
    std::scoped_lock lock{mutex_};
    if (auto opened = open(); !opened) return opened.error();
    auto const q = make_question(f, limit, with_files);
    auto statement = db_.prepare(q.sql);
    if (!statement) return statement.error();
    q.bind(*statement);
    std::vector<found_message> found;
    for (;;) {
        auto const now = statement->step();
        if (now == store::step_result::finished) return found;
        if (now == store::step_result::failed) {
            *statement = store::statement{};
            return failed("looking through the queue");
        }
        found.push_back({statement->integer(0), std::string{statement->text(1)}, std::string{statement->text(2)}});
    }
}

result<std::vector<destination_load>> browser::destinations(std::size_t limit)
{
    std::scoped_lock lock{mutex_};
    if (auto opened = open(); !opened) return opened.error();
    // One walk over an index; the oldest is the one that came first.
    auto statement = db_.prepare(
        "WITH load AS (SELECT next_hop, NULL AS domain, count(*) AS recipients, min(message) AS oldest"
        " FROM recipient INDEXED BY recipient_next_hop WHERE state = 0 AND next_hop > '' GROUP BY next_hop"
        " UNION ALL SELECT '', domain, count(*), min(message) FROM recipient"
        " WHERE state = 0 AND next_hop = '' GROUP BY domain ORDER BY recipients DESC LIMIT ?1)"
        " SELECT l.next_hop, r.domain, l.recipients, s.accepted_at, r.last_reply FROM load AS l"
        " JOIN schedule AS s ON s.message = l.oldest JOIN recipient AS r ON r.message = l.oldest AND r.state = 0"
        " AND r.next_hop = l.next_hop AND (l.domain IS NULL OR r.domain = l.domain)"
        " GROUP BY l.next_hop, l.domain ORDER BY l.recipients DESC, l.next_hop, r.domain");
    if (!statement) return statement.error();
    statement->bind(1, static_cast<std::int64_t>(std::min<std::size_t>(limit, INT32_MAX)));
    std::vector<destination_load> found;
    for (;;) {
        auto const now = statement->step();
        if (now == store::step_result::finished) return found;
        if (now == store::step_result::failed) {
            *statement = store::statement{};
            return failed("counting what waits");
        }
        destination_load& d = found.emplace_back();
        d.next_hop = statement->text(0);
        d.domain = statement->text(1);
        d.recipients = static_cast<std::uint64_t>(statement->integer(2));
        d.oldest = from_microseconds(statement->integer(3));
        d.last_reply = statement->text(4);
    }
}

result<totals> browser::look_over()
{
    std::scoped_lock lock{mutex_};
    if (auto opened = open(); !opened) return opened.error();
    auto statement = db_.prepare(
        "SELECT (SELECT count(*) FROM schedule), (SELECT count(*) FROM schedule WHERE held <> 0),"
        " (SELECT count(*) FROM damaged), (SELECT count(*) FROM recipient WHERE state = 0),"
        " (SELECT accepted_at FROM schedule ORDER BY message LIMIT 1),"
        " (SELECT next_attempt FROM schedule WHERE held = 0 ORDER BY next_attempt LIMIT 1),"
        // Few, and found by the index; those that were tried are the rest.
        " (SELECT count(DISTINCT r.message) FROM recipient AS r CROSS JOIN schedule AS s ON s.message = r.message"
        "  WHERE r.state = 0 AND r.next_hop = '' AND s.held = 0)");
    if (!statement) return statement.error();
    if (statement->step() != store::step_result::row) {
        *statement = store::statement{};
        return failed("counting what waits");
    }
    auto const number = [&](int column) { return static_cast<std::uint64_t>(statement->integer(column)); };
    totals t;
    t.messages = number(0);
    t.held = number(1);
    t.unreadable = number(2);
    t.recipients = number(3);
    if (!statement->is_null(4)) t.oldest = from_microseconds(statement->integer(4));
    if (!statement->is_null(5)) t.next_attempt = from_microseconds(statement->integer(5));
    t.waiting = number(6);
    t.deferred = t.messages - t.held - t.waiting;
    return t;
}

}  // namespace postern::spool
