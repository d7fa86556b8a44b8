// The messages that wait for one destination, in the order in which they are sent: higher
// priorities first (RFC 6710), and within a priority one message of each sender in turn, so that a
// mailing of thousands delays others' mail to the same place by one message, not by all of it. No
// priority waits for ever: every so many turns belong to who has waited longest. Memory: of
// senders, only those of messages that wait.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "delivery/outcome.hpp"

namespace postern::delivery {

class waiting_line {
public:
    bool empty() const noexcept { return size_ == 0; }
    std::size_t size() const noexcept { return size_; }
    /// Behind what its sender has in the line.
    void add(job j);
    /// It had its turn and comes first again.
    void put_back(job j);
    /// The next one; the line is not empty.
    job take();
    /// Since when the next one waits.
    steady_time next_since() const;
    /// All of it, in no special order.
    std::vector<job> take_all();
    /// Asked of each; those for which it is true go.
    void remove_if(std::function<bool(job const&)> const& unwanted);
    /// From now on the recipients beyond `long_line` are counted there. It outlives the line.
    void count_beyond(std::size_t& sum) noexcept
    {
        if (beyond_ == nullptr) sum += beyond();
        beyond_ = &sum;
    }

    static constexpr std::size_t long_line = 200;

private:
    struct sender {
        std::string name;
        std::deque<job> jobs;
    };
    struct level {
        std::list<sender> turns;  // who is next stands first
        std::unordered_map<std::string, std::list<sender>::iterator> by_name;
    };
    std::size_t next_level() const;
    std::size_t beyond() const noexcept { return recipients_ > long_line ? recipients_ - long_line : 0; }
    job take_next();
    void came(job const& j);
    void went(std::size_t jobs, std::size_t recipients);

    static constexpr std::size_t levels = 19;  // priorities 9 to -9
    std::array<std::optional<level>, levels> levels_;
    std::deque<job> returned_;
    std::size_t size_ = 0, recipients_ = 0;
    std::size_t* beyond_ = nullptr;
    unsigned turns_ = 0;  // since the one that belonged to who has waited longest
};

}  // namespace postern::delivery
