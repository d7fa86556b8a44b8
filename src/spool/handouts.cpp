#include "spool/handouts.hpp"

#include <utility>

namespace postern::spool {

handout make_handout(std::int64_t id, bool scheduled, std::string file, std::shared_ptr<message const> what,
                     wall_time now)
{
    handout h;
    h.id = id;
    h.scheduled = scheduled;
    h.file = std::move(file);
    h.fates.reserve(what->recipients.size());
    for (stored_recipient const& r : what->recipients) {
        bool const due = r.state == recipient_state::queued && r.next_attempt <= now;
        h.fates.push_back({r.state, due, to_microseconds(r.next_attempt)});
    }
    h.what = std::move(what);
    return h;
}

std::string sender_of(message const& m) { return m.account.empty() ? m.env.reverse_path.to_string() : m.account; }

void handouts::add(std::string queue_id, handout h)
{
    std::scoped_lock lock{mutex_};
    auto const id = h.id;
    auto file = h.file;
    auto of = h.what;
    ++senders_[sender_of(*of)];
    auto const at = entries_.find(queue_id);
    if (at != entries_.end()) erase_now(at);
    if (h.scheduled && claimed_.insert(id).second) ++changes_;
    entries_.emplace(std::move(queue_id), entry{id, std::move(file), std::move(of), std::move(h)});
}

handout* handouts::find(std::string_view queue_id)
{
    std::scoped_lock lock{mutex_};
    auto const at = entries_.find(queue_id);
    return at == entries_.end() || at->second.gone ? nullptr : &at->second.what;
}

std::optional<std::int64_t> handouts::id_of(std::string_view queue_id)
{
    std::scoped_lock lock{mutex_};
    auto const at = entries_.find(queue_id);
    if (at == entries_.end() || at->second.gone) return std::nullopt;
    return at->second.id;
}

void handouts::erase(std::string_view queue_id)
{
    std::scoped_lock lock{mutex_};
    auto const at = entries_.find(queue_id);
    if (at == entries_.end() || at->second.gone) return;
    // What was never in the schedule can't be in a snapshot of it.
    if (!reading_ || !claimed_.contains(at->second.id)) return erase_now(at);
    at->second.gone = true;
    waiting_.push_back(at->first);
}

void handouts::erase_now(map::iterator at)
{
    if (claimed_.erase(at->second.id) > 0) ++changes_;
    auto const sender = senders_.find(sender_of(*at->second.of));
    if (--sender->second == 0) senders_.erase(sender);
    entries_.erase(at);
}

std::size_t handouts::size()
{
    std::scoped_lock lock{mutex_};
    return entries_.size();
}

std::size_t handouts::size_of(std::string const& sender)
{
    std::scoped_lock lock{mutex_};
    auto const at = senders_.find(sender);
    return at == senders_.end() ? 0 : at->second;
}

std::vector<handouts::first_attempt> handouts::first_attempts()
{
    std::scoped_lock lock{mutex_};
    std::vector<first_attempt> found;
    for (auto const& [queue_id, e] : entries_)
        if (!e.gone && !claimed_.contains(e.id)) found.push_back({e.id, e.file, e.of});
    return found;
}

void handouts::claim(std::int64_t id)
{
    std::scoped_lock lock{mutex_};
    if (claimed_.insert(id).second) ++changes_;
}

void handouts::unclaim(std::int64_t id)
{
    std::scoped_lock lock{mutex_};
    if (claimed_.erase(id) > 0) ++changes_;
}

bool handouts::is_claimed(std::int64_t id)
{
    std::scoped_lock lock{mutex_};
    return claimed_.contains(id);
}

void handouts::begin_reading()
{
    std::scoped_lock lock{mutex_};
    reading_ = true;
}

void handouts::end_reading()
{
    std::scoped_lock lock{mutex_};
    reading_ = false;
    for (std::string const& queue_id : waiting_)
        if (auto const at = entries_.find(queue_id); at != entries_.end() && at->second.gone) erase_now(at);
    waiting_.clear();
}

}  // namespace postern::spool
