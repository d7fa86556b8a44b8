#include "spool/reader.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "base/text.hpp"
#include "spool/failures.hpp"
#include "spool/record.hpp"
#include "spool/schema.hpp"

namespace postern::spool {
namespace {

// Column numbers of row_columns.
enum column { id, queue_id, accepted_at, size, envelope, file, next_attempt, held, reverse_path, reason };

// Bounds of a turn, and of what looking for it costs where a great many have mail that is not due.
constexpr unsigned senders_at_once = 128, messages_in_turn = 4;

constexpr std::int64_t last_state = static_cast<std::int64_t>(recipient_state::removed);

// What a damaged envelope says is for people, and may be anything.
void make_presentable(message& m, std::string_view reverse_path)
{
    constexpr std::size_t most = 320;
    auto const at = reverse_path.rfind('@');
    m.env = {};
    m.env.reverse_path.null = reverse_path.empty();
    m.env.reverse_path.address.local_part = printable(reverse_path.substr(0, at), most);
    if (at != std::string_view::npos) m.env.reverse_path.address.domain = printable(reverse_path.substr(at + 1), most);
    for (std::string* text : {&m.session, &m.account, &m.client}) *text = printable(*text, most);
    for (stored_recipient& r : m.recipients)
        for (std::string* text : {&r.to.forward_path.local_part, &r.to.forward_path.domain})
            *text = printable(*text, most);
}

// After `retry_now` the message is due before any of its recipients says so: then all are.
void apply_schedule(stored_message& m, wall_time scheduled_at)
{
    auto const waiting = [](stored_recipient const& r) { return r.state == recipient_state::queued; };
    std::optional<wall_time> earliest;
    for (stored_recipient const& r : m.what.recipients)
        if (waiting(r) && (!earliest || r.next_attempt < *earliest)) earliest = r.next_attempt;
    if (!earliest || scheduled_at >= *earliest) return;
    for (stored_recipient& r : m.what.recipients)
        if (waiting(r)) r.next_attempt = scheduled_at;
}

}  // namespace

stored_message decode_row(store::statement const& row)
{
    stored_message m;
    m.id = row.integer(column::id);
    m.what.queue_id = row.text(column::queue_id);
    m.what.accepted_at = from_microseconds(row.integer(column::accepted_at));
    m.what.size = static_cast<std::uint64_t>(row.integer(column::size));
    m.file = row.text(column::file);
    m.scheduled = !row.is_null(column::next_attempt);
    m.what.held = row.integer(column::held) != 0;
    if (!decode(row.blob(column::envelope), m.what, m.content_checksum)) {
        make_presentable(m.what, row.text(column::reverse_path));
        m.damage = "its envelope is not as it was written";
    }
    return m;
}

result<std::shared_ptr<reader>> reader::open(std::filesystem::path const& file)
{
    std::shared_ptr<reader> r{new reader};
    r->file_ = file;
    if (auto opened = r->reopen(); !opened) return opened.error();
    return r;
}

void reader::close()
{
    std::scoped_lock lock{mutex_};
    usable_ = false;
    for (store::statement* s : {&due_, &next_sender_, &due_of_sender_, &load_, &fates_, &find_, &list_, &damaged_})
        *s = store::statement{};
    db_.close();
}

result<> reader::reopen()
{
    std::scoped_lock lock{mutex_};
    close();
    auto opened = open_for_reading(file_);
    if (!opened) return opened.error();
    db_ = std::move(*opened);
    return prepare();
}

result<> reader::prepare()
{
    std::string const from =
        "SELECT " + std::string{row_columns} + " FROM message AS m LEFT JOIN schedule AS s ON s.message = m.id ";
    std::pair<store::statement*, std::string> const wanted[] = {
        {&due_,
         "SELECT message, next_attempt FROM schedule WHERE held = 0 AND next_attempt <= ?1 ORDER BY next_attempt"},
        {&next_sender_,
         "SELECT ifnull(account, reverse_path) FROM schedule INDEXED BY schedule_sender"
         " WHERE held = 0 AND ifnull(account, reverse_path) > ?1 ORDER BY ifnull(account, reverse_path) LIMIT 1"},
        {&due_of_sender_,
         "SELECT message, next_attempt FROM schedule INDEXED BY schedule_sender"
         " WHERE held = 0 AND ifnull(account, reverse_path) = ?1 AND next_attempt <= ?2 ORDER BY next_attempt"},
        {&load_, from + "WHERE m.id = ?1"},
        {&fates_,
         "SELECT number, state, attempts, next_attempt, last_reply, next_hop FROM recipient WHERE message = ?1"},
        {&find_, "SELECT message FROM schedule WHERE queue_id = ?1"},
        {&list_, from + "WHERE m.id > ?1 ORDER BY m.id LIMIT ?2"},
        {&damaged_,
         "SELECT id, queue_id, accepted_at, size, envelope, file, NULL, 0, reverse_path, reason FROM damaged"
         " WHERE (?1 = '' OR queue_id = ?1) AND id > ?3 ORDER BY id LIMIT ?2"},
    };
    for (auto const& [place, sql] : wanted) {
        auto prepared = db_.prepare(sql);
        if (!prepared) return prepared.error();
        *place = std::move(*prepared);
    }
    usable_ = true;
    return done{};
}

error reader::failure(std::string_view doing) const
{
    if (!usable_)
        return error{status{4, 3, 0}, "The message could not be stored", "the database is being opened again"};
    return db_.failure(doing);
}

result<std::vector<reader::due_message>> reader::due(std::optional<wall_time> until, std::size_t limit,
                                                     std::function<bool(std::int64_t)> const& skip)
{
    std::scoped_lock lock{mutex_};
    if (!usable_) return failure("reading the schedule");
    store::reset_after const end{due_};
    std::vector<due_message> found;
    due_.bind(1, until ? to_microseconds(*until) : INT64_MAX);
    while (found.size() < limit) {
        store::step_result const now = due_.step();
        if (now == store::step_result::finished) break;
        if (now == store::step_result::failed) return failure("reading the schedule");
        due_message const m{due_.integer(0), from_microseconds(due_.integer(1))};
        if (!skip(m.id)) found.push_back(m);
    }
    return found;
}

result<bool> reader::next_sender()
{
    // Reports have none; they come first.
    if (!sender_) {
        sender_.emplace();
        return true;
    }
    store::reset_after const end{next_sender_};
    next_sender_.bind_text(1, *sender_);
    store::step_result const now = next_sender_.step();
    if (now == store::step_result::failed) return failure("reading the schedule");
    if (now == store::step_result::finished) {
        sender_.reset();
        return false;
    }
    // The parameter is borrowed.
    std::string next{next_sender_.text(0)};
    next_sender_.reset();
    sender_ = std::move(next);
    return true;
}

result<std::vector<reader::due_message>> reader::due_in_turn(wall_time until, std::size_t limit,
                                                             std::function<bool(std::int64_t)> const& skip)
{
    std::scoped_lock lock{mutex_};
    if (!usable_) return failure("reading the schedule");
    std::vector<due_message> found;
    std::unordered_set<std::int64_t> taken;
    bool around = false;
    for (unsigned senders = 0; senders < senders_at_once && found.size() < limit / 2; ++senders) {
        auto const next = next_sender();
        if (!next) return next.error();
        if (!*next && std::exchange(around, true)) break;
        if (!*next) continue;
        store::reset_after const end{due_of_sender_};
        due_of_sender_.bind_text(1, *sender_).bind(2, to_microseconds(until));
        for (unsigned of_one = 0; of_one < messages_in_turn && found.size() < limit / 2;) {
            store::step_result const now = due_of_sender_.step();
            if (now == store::step_result::finished) break;
            if (now == store::step_result::failed) return failure("reading the schedule");
            due_message const m{due_of_sender_.integer(0), from_microseconds(due_of_sender_.integer(1))};
            if (skip(m.id) || !taken.insert(m.id).second) continue;
            found.push_back(m);
            ++of_one;
        }
    }
    auto const earliest =
        due(until, limit - found.size(), [&](std::int64_t id) { return taken.contains(id) || skip(id); });
    if (!earliest) return earliest.error();
    found.insert(found.end(), earliest->begin(), earliest->end());
    return found;
}

result<> reader::load_fates(stored_message& m)
{
    store::reset_after const end{fates_};
    fates_.bind(1, m.id);
    for (;;) {
        store::step_result const now = fates_.step();
        if (now == store::step_result::finished) return done{};
        if (now == store::step_result::failed) return failure("reading recipients");
        std::int64_t const number = fates_.integer(0), state = fates_.integer(1);
        if (number < 0 || static_cast<std::uint64_t>(number) >= m.what.recipients.size() || state < 0 ||
            state > last_state) {
            m.damage = "the state of its recipients is not as it was written";
            return done{};
        }
        stored_recipient& r = m.what.recipients[static_cast<std::size_t>(number)];
        r.state = static_cast<recipient_state>(state);
        r.attempts = static_cast<std::uint32_t>(std::clamp<std::int64_t>(fates_.integer(2), 0, UINT32_MAX));
        r.next_attempt = from_microseconds(fates_.integer(3));
        r.last_reply = fates_.text(4);
        r.next_hop = fates_.text(5);
    }
}

result<std::optional<stored_message>> reader::load(std::int64_t which)
{
    std::scoped_lock lock{mutex_};
    if (!usable_) return failure("reading a message");
    store::reset_after const end{load_};
    load_.bind(1, which);
    store::step_result const now = load_.step();
    if (now == store::step_result::finished) return std::optional<stored_message>{};
    if (now == store::step_result::failed) return failure("reading a message");
    stored_message m = decode_row(load_);
    if (!m.scheduled || !m.damage.empty()) return std::optional{std::move(m)};
    if (auto known = load_fates(m); !known) return known.error();
    apply_schedule(m, from_microseconds(load_.integer(column::next_attempt)));
    return std::optional{std::move(m)};
}

result<std::optional<std::int64_t>> reader::scheduled_id(std::string_view which)
{
    std::scoped_lock lock{mutex_};
    if (!usable_) return failure("looking for a message");
    store::reset_after const end{find_};
    find_.bind_text(1, which);
    switch (find_.step()) {
        case store::step_result::row: return std::optional{find_.integer(0)};
        case store::step_result::finished: return std::optional<std::int64_t>{};
        case store::step_result::failed: break;
    }
    return failure("looking for a message");
}

result<std::vector<stored_message>> reader::list(std::int64_t after, std::size_t limit)
{
    std::scoped_lock lock{mutex_};
    if (!usable_) return failure("listing messages");
    store::reset_after const end{list_};
    list_.bind(1, after).bind(2, static_cast<std::int64_t>(std::min<std::size_t>(limit, INT32_MAX)));
    std::vector<stored_message> found;
    for (;;) {
        store::step_result const now = list_.step();
        if (now == store::step_result::finished) return found;
        if (now == store::step_result::failed) return failure("listing messages");
        stored_message m = decode_row(list_);
        if (m.scheduled && m.damage.empty()) {
            if (auto known = load_fates(m); !known) return known.error();
            apply_schedule(m, from_microseconds(list_.integer(column::next_attempt)));
        }
        found.push_back(std::move(m));
    }
}

result<std::vector<stored_message>> reader::damaged(std::string_view queue_id, std::size_t limit, std::int64_t after)
{
    std::scoped_lock lock{mutex_};
    if (!usable_) return failure("listing messages");
    store::reset_after const end{damaged_};
    damaged_.bind_text(1, queue_id)
        .bind(2, static_cast<std::int64_t>(std::min<std::size_t>(limit, INT32_MAX)))
        .bind(3, after);
    std::vector<stored_message> found;
    for (;;) {
        store::step_result const now = damaged_.step();
        if (now == store::step_result::finished) return found;
        if (now == store::step_result::failed) return failure("listing messages");
        stored_message m = decode_row(damaged_);
        if (auto known = load_fates(m); !known) return known.error();
        m.damage = damaged_.text(column::reason);
        found.push_back(std::move(m));
    }
}

result<std::string> reader::read_content(std::int64_t which, std::uint64_t offset, std::size_t limit)
{
    std::scoped_lock lock{mutex_};
    if (!usable_) return failure("reading content");
    return db_.read_blob("message", "content", which, offset, limit);
}

}  // namespace postern::spool
