// A spool in memory, for those who only need what it promises.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "spool/spool.hpp"

namespace postern::testing {

class memory_content final : public spool::content {
public:
    memory_content(std::string octets, bool readable_only) : octets_(std::move(octets)), piecemeal_(readable_only) {}
    std::uint64_t size() const noexcept override { return octets_.size(); }
    std::optional<std::string_view> in_memory() const noexcept override
    {
        if (piecemeal_) return std::nullopt;
        return octets_;
    }
    int file() const noexcept override { return -1; }
    result<std::string> read(std::uint64_t offset, std::size_t limit) const override
    {
        if (offset >= octets_.size()) return std::string{};
        return octets_.substr(static_cast<std::size_t>(offset), limit);
    }

private:
    std::string octets_;
    bool piecemeal_;  // read() is the only way
};

class memory_writer final : public spool::content_writer {
public:
    result<> append(std::string_view more) override
    {
        octets += more;
        return done{};
    }
    result<> replace_front(std::string_view by) override
    {
        octets.replace(0, by.size(), by);
        return done{};
    }
    std::uint64_t size() const noexcept override { return octets.size(); }
    result<std::string> read(std::uint64_t offset, std::size_t limit) override
    {
        if (offset >= octets.size()) return std::string{};
        return octets.substr(static_cast<std::size_t>(offset), limit);
    }

    std::string octets;
};

class fake_spool final : public spool::spool {
public:
    using message = postern::spool::message;
    using queued_message = postern::spool::queued_message;
    using settlement = postern::spool::settlement;
    using state = postern::spool::recipient_state;

    struct entry {
        message what;
        std::shared_ptr<postern::spool::content const> body;
        std::vector<bool> out;  // handed out, by recipient
        bool is_report = false;
    };

    // -- what tests do --

    /// Puts a message in, as if it had been accepted, and hands it out.
    void arrive(message m, std::shared_ptr<postern::spool::content const> body)
    {
        postern::spool::arrival_handler handler;
        std::vector<queued_message> all;
        {
            std::lock_guard const lock{mutex_};
            all.push_back(insert(std::move(m), std::move(body), false, true));
            handler = arrival_;
        }
        if (handler) handler(std::move(all));
    }
    /// Puts it in as if it had been there at the start.
    void keep(message m, std::shared_ptr<postern::spool::content const> body)
    {
        std::lock_guard const lock{mutex_};
        insert(std::move(m), std::move(body), false, false);
    }

    /// Waits until the recipient has been settled so many times; gives the update.
    postern::spool::recipient_update settled(std::string const& queue_id, std::uint32_t number = 0,
                                             std::size_t times = 1)
    {
        std::unique_lock lock{mutex_};
        auto const key = std::pair{queue_id, number};
        if (!changed_.wait_for(lock, std::chrono::seconds{20}, [&] { return updates_[key].size() >= times; })) {
            postern::spool::recipient_update none;
            none.last_reply = "never settled";
            return none;
        }
        return updates_[key][times - 1];
    }
    std::size_t times_settled(std::string const& queue_id, std::uint32_t number = 0)
    {
        std::lock_guard const lock{mutex_};
        return updates_[{queue_id, number}].size();
    }
    /// Reports that were made so far: their message and content.
    std::vector<std::pair<message, std::string>> reports()
    {
        std::lock_guard const lock{mutex_};
        return reports_;
    }
    /// Messages that took the place of others, so far.
    std::vector<std::pair<message, std::string>> successors()
    {
        std::lock_guard const lock{mutex_};
        return successors_;
    }
    void fail_settlements(unsigned count)
    {
        std::lock_guard const lock{mutex_};
        failing_ = count;
    }

    // -- spool --

    result<> room_for(std::uint64_t) override { return done{}; }
    std::unique_ptr<postern::spool::content_writer> new_content() override { return std::make_unique<memory_writer>(); }
    void accept(message, std::unique_ptr<postern::spool::content_writer>, postern::spool::accept_handler) override {}
    void on_arrival(postern::spool::arrival_handler handler) override
    {
        std::lock_guard const lock{mutex_};
        arrival_ = std::move(handler);
    }
    result<std::vector<queued_message>> take_due(wall_time now, std::size_t limit) override
    {
        std::lock_guard const lock{mutex_};
        std::vector<queued_message> due;
        for (auto& [id, e] : entries_) {
            if (due.size() == limit) break;
            if (!is_in(e) || earliest(e) > now) continue;
            for (std::size_t i = 0; i < e.out.size(); ++i) {
                auto const& r = e.what.recipients[i];
                e.out[i] = r.state == state::queued && r.next_attempt <= now;
            }
            due.push_back({std::make_shared<message const>(e.what), e.body});
        }
        return due;
    }
    result<std::optional<wall_time>> next_due() override
    {
        std::lock_guard const lock{mutex_};
        std::optional<wall_time> next;
        for (auto& [id, e] : entries_) {
            if (is_in(e) && (!next || earliest(e) < *next)) next = earliest(e);
        }
        return next;
    }
    void settle(settlement what, std::optional<std::pair<message, std::string>> bounce,
                postern::spool::accept_handler handler) override
    {
        postern::spool::arrival_handler arrival;
        {
            std::lock_guard const lock{mutex_};
            if (!write(what)) return handler(error{{4, 3, 1}, "", "no room"});
            if (bounce) {
                reports_.push_back(*bounce);
                insert(bounce->first, std::make_shared<memory_content>(bounce->second, false), true, false);
                arrival = arrival_;
            }
        }
        if (handler) handler(done{});
        changed_.notify_all();
        if (arrival) arrival({});
    }
    void replace(settlement what, std::vector<postern::spool::successor> by,
                 postern::spool::accept_handler handler) override
    {
        postern::spool::arrival_handler arrival;
        {
            std::lock_guard const lock{mutex_};
            if (!write(what)) return handler(error{{4, 3, 1}, "", "no room"});
            for (auto& each : by) {
                auto const& octets = dynamic_cast<memory_writer&>(*each.body).octets;
                successors_.emplace_back(each.what, octets);
                for (auto const& r : each.what.env.recipients) {
                    auto& stored = each.what.recipients.emplace_back();
                    stored.to = r;
                    stored.next_attempt = each.what.accepted_at;
                }
                each.what.env.recipients.clear();
                insert(each.what, std::make_shared<memory_content>(octets, false), false, false);
            }
            arrival = arrival_;
        }
        handler(done{});
        changed_.notify_all();
        if (arrival) arrival({});
    }
    result<std::vector<postern::spool::summary>> list(postern::spool::filter const&) override
    {
        std::lock_guard const lock{mutex_};
        std::vector<postern::spool::summary> all;
        for (auto const& [id, e] : entries_) all.push_back({e.what, {}});
        return all;
    }
    result<queued_message> find(std::string_view queue_id) override
    {
        std::lock_guard const lock{mutex_};
        auto const e = entries_.find(std::string{queue_id});
        if (e == entries_.end()) return error{{5, 0, 0}, "", "no such message"};
        return queued_message{std::make_shared<message const>(e->second.what), e->second.body};
    }
    result<> hold(std::string_view, bool) override { return done{}; }
    result<> retry_now(std::string_view) override { return done{}; }
    result<> remove(std::string_view) override { return done{}; }
    result<std::uint64_t> count() override
    {
        std::lock_guard const lock{mutex_};
        return entries_.size();
    }
    result<postern::spool::portion> apply(postern::spool::wish, postern::spool::filter const&) override
    {
        return error{{5, 0, 0}, "", "this spool does nothing to many messages"};
    }
    result<std::optional<queued_message>> take(std::string_view queue_id) override
    {
        std::lock_guard const lock{mutex_};
        auto const e = entries_.find(std::string{queue_id});
        if (e == entries_.end()) return error{{5, 0, 0}, "", "no such message"};
        if (!is_in(e->second)) return std::optional<queued_message>{};
        e->second.out.assign(e->second.out.size(), true);
        return std::optional{queued_message{std::make_shared<message const>(e->second.what), e->second.body}};
    }
    void hurry(std::string next_hop, std::int64_t, std::size_t limit,
               std::function<void(postern::spool::portion)> handler) override
    {
        std::size_t found = 0;
        postern::spool::arrival_handler arrival;
        {
            std::lock_guard const lock{mutex_};
            arrival = arrival_;
            hurried_.push_back(next_hop);
            for (auto& [id, e] : entries_) {
                auto const waits = [&](auto const& r) {
                    return r.state == state::queued && r.next_hop == next_hop && r.next_attempt > wall_time{};
                };
                if (found == limit) break;
                if (!is_in(e) || std::none_of(e.what.recipients.begin(), e.what.recipients.end(), waits)) continue;
                for (auto& r : e.what.recipients)
                    if (waits(r)) r.next_attempt = wall_time{};
                ++found;
            }
        }
        if (found != 0 && arrival) arrival({});
        handler({found, 0, found < limit});
    }
    /// Destinations that were said to work again.
    std::vector<std::string> hurried()
    {
        std::lock_guard const lock{mutex_};
        return hurried_;
    }
    result<std::vector<postern::spool::destination_load>> destinations(std::size_t) override
    {
        return std::vector<postern::spool::destination_load>{};
    }
    result<postern::spool::totals> look_over() override { return postern::spool::totals{}; }
    postern::spool::activity observe() override { return {}; }

private:
    /// False: the disk does not take it.
    bool write(settlement const& what)
    {
        if (failing_ > 0) {
            --failing_;
            return false;
        }
        auto const found = entries_.find(what.queue_id);
        for (auto const& u : what.recipients) {
            updates_[{what.queue_id, u.number}].push_back(u);
            if (found == entries_.end()) continue;
            auto& r = found->second.what.recipients.at(u.number);
            r.state = u.state;
            r.next_attempt = u.next_attempt;
            r.last_reply = u.last_reply;
            r.next_hop = what.next_hop;
            ++r.attempts;
            found->second.out.at(u.number) = false;
        }
        if (found == entries_.end()) return true;
        auto const& all = found->second.what.recipients;
        if (std::none_of(all.begin(), all.end(), [](auto const& r) { return r.state == state::queued; }))
            entries_.erase(found);
        return true;
    }
    queued_message insert(message m, std::shared_ptr<postern::spool::content const> body, bool report, bool out)
    {
        for (std::uint32_t i = 0; i < m.recipients.size(); ++i) m.recipients[i].number = i;
        entry e{m, std::move(body), std::vector<bool>(m.recipients.size(), out), report};
        auto const at = entries_.insert_or_assign(m.queue_id, std::move(e)).first;
        return {std::make_shared<message const>(at->second.what), at->second.body};
    }
    static bool is_in(entry const& e) { return std::find(e.out.begin(), e.out.end(), true) == e.out.end(); }
    static wall_time earliest(entry const& e)
    {
        wall_time first = wall_time::max();
        for (auto const& r : e.what.recipients) {
            if (r.state == state::queued) first = std::min(first, r.next_attempt);
        }
        return first;
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    postern::spool::arrival_handler arrival_;
    std::map<std::string, entry> entries_;
    std::map<std::pair<std::string, std::uint32_t>, std::vector<postern::spool::recipient_update>> updates_;
    std::vector<std::pair<message, std::string>> reports_, successors_;
    std::vector<std::string> hurried_;
    unsigned failing_ = 0;
};

}  // namespace postern::testing
