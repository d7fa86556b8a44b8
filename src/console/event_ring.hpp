// The last events of the log, in memory: what the account page and the console follow while it happens. Bounded by
// number and by octets; the oldest go first. Each event has a number, which grows by one with each, and begins so high
// at the start that whoever followed the process before this one goes on with later numbers.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/log_listener.hpp"

namespace postern::console {

struct event {
    std::uint64_t number = 0;
    std::string name;
    std::string account;    // as the log has it, in lower case; empty: it is about none
    std::string mail_from;  // whose address a sender gave who had not logged in; anybody can do that
    std::string json;       // the object, as in the history
};
using event_pointer = std::shared_ptr<event const>;

/// Which events somebody wants. Empty lists: any.
struct event_filter {
    std::vector<std::string> names;
    std::vector<std::string> accounts;  // lower case
    bool by_mail_from = false;          // those without an account, too, where that is the address of one of them
};

class event_ring final : public log::listener {
public:
    explicit event_ring(wall_time now, std::size_t most = 8192, std::size_t octets = 8u << 20);

    bool wants(std::string_view name) const noexcept override;
    void on_event(std::string_view name, log::field const* fields, std::size_t count,
                  std::string_view json) noexcept override;

    struct news {
        std::vector<event_pointer> events;  // oldest first
        std::uint64_t seen = 0;             // up to here all has been looked through: ask for what is behind it
        bool gap = false;                   // what came behind the number asked for is not all there any more
    };
    /// What came behind `since`; at most `limit`.
    news after(std::uint64_t since, event_filter const& wanted, std::size_t limit) const;
    /// The latest, newest first.
    std::vector<event_pointer> latest(event_filter const& wanted, std::size_t limit) const;
    /// The number of the last event so far.
    std::uint64_t last() const;

private:
    static bool fits(event const& e, event_filter const& wanted);

    std::size_t const most_, octets_;
    mutable std::mutex lock_;
    std::deque<event_pointer> events_;
    std::size_t held_ = 0;  // octets
    std::uint64_t next_;
};

/// The one that the running server's log tells; made once, and there to the end of the process.
event_ring& events_of_this_process();

}  // namespace postern::console
