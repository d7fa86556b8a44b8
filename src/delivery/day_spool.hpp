// The spool of a simulated day: in memory, on one thread, and quick with many thousand messages. It keeps the
// fate of each recipient for the test to look at.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "spool/spool.hpp"
#include "support/fake_spool.hpp"

namespace postern::delivery::testing {

class day_spool final : public spool::spool {
public:
    using message = postern::spool::message;
    using queued_message = postern::spool::queued_message;
    using state = postern::spool::recipient_state;

    struct event {
        wall_time at;
        state what = state::queued;
    };
    struct entry {
        message what;
        std::shared_ptr<postern::spool::content const> body;
        bool out = false;
        std::int64_t place = 0;      // in the order of arrival
        std::vector<event> history;  // of its one recipient
    };
    struct report {
        wall_time at;
        std::string about, to, text;
    };

    explicit day_spool(std::function<wall_time()> now) : now_(std::move(now)) {}

    std::map<std::string, entry> all;  // settled ones, too
    std::vector<report> reports;
    postern::spool::arrival_handler arrival;

    void arrive(message m, std::shared_ptr<postern::spool::content const> body)
    {
        auto& e = all[m.queue_id];
        e.what = std::move(m);
        e.body = std::move(body);
        e.out = true;
        e.place = static_cast<std::int64_t>(all.size());
        if (arrival) arrival({hand_out(e)});
    }

    void on_arrival(postern::spool::arrival_handler handler) override { arrival = std::move(handler); }
    result<std::vector<queued_message>> take_due(wall_time now, std::size_t limit) override
    {
        std::vector<queued_message> found;
        while (found.size() < limit && !due_.empty() && due_.begin()->first <= now) {
            entry& e = all[due_.begin()->second];
            due_.erase(due_.begin());
            e.out = true;
            found.push_back(hand_out(e));
        }
        return found;
    }
    result<std::optional<wall_time>> next_due() override
    {
        if (due_.empty()) return std::optional<wall_time>{};
        return std::optional{due_.begin()->first};
    }
    void settle(postern::spool::settlement what, std::optional<std::pair<message, std::string>> bounce,
                postern::spool::accept_handler handler) override
    {
        entry& e = all.at(what.queue_id);
        e.out = false;
        for (auto const& u : what.recipients) {
            auto& r = e.what.recipients.at(u.number);
            r.state = u.state;
            r.next_attempt = u.next_attempt;
            r.next_hop = what.next_hop;
            ++r.attempts;
            e.history.push_back({now_(), u.state});
        }
        if (e.what.recipients[0].state == state::queued) due_.emplace(e.what.recipients[0].next_attempt, what.queue_id);
        if (bounce)
            reports.push_back(
                {now_(), what.queue_id, bounce->first.recipients[0].to.forward_path.to_string(), bounce->second});
        if (handler) handler(done{});
    }
    void hurry(std::string next_hop, std::int64_t after, std::size_t limit,
               std::function<void(postern::spool::portion)> handler) override
    {
        auto const place_of = [this](std::string const& queue_id) { return all.at(queue_id).place; };
        std::vector<std::pair<wall_time, std::string>> found;
        for (auto const& d : due_) {
            if (d.first > now_() && place_of(d.second) > after && all[d.second].what.recipients[0].next_hop == next_hop)
                found.push_back(d);
        }
        std::sort(found.begin(), found.end(),
                  [&](auto const& a, auto const& b) { return place_of(a.second) < place_of(b.second); });
        if (found.size() > limit) found.resize(limit);
        for (auto const& d : found) {
            due_.erase(d);
            all[d.second].what.recipients[0].next_attempt = now_();
            due_.emplace(now_(), d.second);
        }
        if (!found.empty() && arrival) arrival({});
        handler({found.size(), found.empty() ? after : place_of(found.back().second), found.size() < limit});
    }
    void replace(postern::spool::settlement, std::vector<postern::spool::successor>,
                 postern::spool::accept_handler handler) override
    {
        handler(none());
    }

    // What a delivery never asks for.
    result<> room_for(std::uint64_t) override { return done{}; }
    std::unique_ptr<postern::spool::content_writer> new_content() override { return nullptr; }
    void accept(message, std::unique_ptr<postern::spool::content_writer>, postern::spool::accept_handler) override {}
    result<std::vector<postern::spool::summary>> list(postern::spool::filter const&) override { return none(); }
    result<queued_message> find(std::string_view) override { return none(); }
    result<> hold(std::string_view, bool) override { return none(); }
    result<> retry_now(std::string_view) override { return none(); }
    result<> remove(std::string_view) override { return none(); }
    result<std::uint64_t> count() override { return none(); }
    result<postern::spool::portion> apply(postern::spool::wish, postern::spool::filter const&) override
    {
        return none();
    }
    result<std::optional<queued_message>> take(std::string_view) override { return none(); }
    result<std::vector<postern::spool::destination_load>> destinations(std::size_t) override { return none(); }
    result<postern::spool::totals> look_over() override { return none(); }
    postern::spool::activity observe() override { return {}; }

private:
    static error none() { return {{5, 0, 0}, "", "not in this spool"}; }
    static queued_message hand_out(entry const& e) { return {std::make_shared<message const>(e.what), e.body}; }

    std::function<wall_time()> now_;
    std::set<std::pair<wall_time, std::string>> due_;
};

}  // namespace postern::delivery::testing
