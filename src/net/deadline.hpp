// One timer for all the waits of a connection. Arming it is a store: the timer stays
// asleep until the earliest moment it was ever told, and then looks whether a wait
// has really run out. So a busy session, whose waits are short, costs no timer work.
#pragma once

#include <functional>
#include <memory>

#include <boost/asio/steady_timer.hpp>

#include "base/clock.hpp"

namespace postern::net {

class deadline {
public:
    /// `expired` is called on the executor when a wait has run out; it is disarmed then.
    deadline(boost::asio::any_io_executor executor, std::function<void()> expired);
    ~deadline();
    deadline(deadline const&) = delete;
    deadline& operator=(deadline const&) = delete;

    void arm(steady_clock::duration limit);
    void disarm() noexcept;

private:
    struct state;
    static void sleep(std::shared_ptr<state> const& s);
    std::shared_ptr<state> state_;
};

}  // namespace postern::net
