// Tasks of many customers, who get their turns one after the other: whoever brings many, or slow ones, waits
// for himself. Neither a lock nor a clock; the caller has both.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <utility>

namespace postern::checks {

template <class Key, class Task>
class fair_line {
public:
    struct bounds {
        std::size_t waiting, waiting_of_one;
        std::size_t running_of_one;
    };
    explicit fair_line(bounds b) : bounds_(b) {}

    /// Whether there was room for it; else `task` stays as it is.
    bool add(Key const& of, Task& task)
    {
        if (waiting_ == bounds_.waiting) return false;
        auto const at = customers_.try_emplace(of).first;
        auto& tasks = at->second.tasks;
        if (tasks.size() == bounds_.waiting_of_one) return false;
        if (tasks.empty()) turns_.push_back(of);
        tasks.push_back(std::move(task));
        ++waiting_;
        return true;
    }

    bool empty() const noexcept { return waiting_ == 0; }
    /// Whether take() has something.
    bool can_take(bool whatever_runs = false) const { return find(whatever_runs) != turns_.end(); }
    /// The next one's, whose owner has to be told with done().
    std::optional<std::pair<Key, Task>> take(bool whatever_runs = false)
    {
        auto const turn = find(whatever_runs);
        if (turn == turns_.end()) return std::nullopt;
        Key const of = *turn;
        turns_.erase(turn);
        auto& c = customers_.at(of);
        std::pair<Key, Task> taken{of, std::move(c.tasks.front())};
        c.tasks.pop_front();
        ++c.running;
        --waiting_;
        if (!c.tasks.empty()) turns_.push_back(of);
        return taken;
    }
    void done(Key const& of)
    {
        auto const at = customers_.find(of);
        if (--at->second.running == 0 && at->second.tasks.empty()) customers_.erase(at);
    }

private:
    struct customer {
        std::deque<Task> tasks;
        std::size_t running = 0;
    };
    using turns = std::deque<Key>;

    typename turns::const_iterator find(bool whatever_runs) const
    {
        auto at = turns_.begin();
        while (at != turns_.end() && !whatever_runs && customers_.at(*at).running >= bounds_.running_of_one) ++at;
        return at;
    }

    bounds bounds_;
    std::map<Key, customer> customers_;  // who has something here
    turns turns_;                        // who has something that waits, in order
    std::size_t waiting_ = 0;
};

}  // namespace postern::checks
