// Several coroutines at once, and one that waits for what it needs of them. All on one thread.
// Whoever still runs when the waiting is over goes on; what it uses has to be its own.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/clock.hpp"

namespace postern::diagnose {

class gathering {
public:
    explicit gathering(boost::asio::any_io_executor executor) : state_(std::make_shared<state>(executor)) {}

    /// Starts it. An exception in it is as good as its end.
    void add(boost::asio::awaitable<void> task);
    /// Until `enough` says so, which is asked at each task's end and after `again`; or all have ended.
    boost::asio::awaitable<void> wait(std::function<bool()> enough, steady_clock::duration again);
    /// Until all have ended.
    boost::asio::awaitable<void> wait();
    std::size_t running() const noexcept { return state_->running; }

private:
    struct state {
        explicit state(boost::asio::any_io_executor e) : executor(e), ended(e) {}
        boost::asio::any_io_executor executor;
        boost::asio::steady_timer ended;  // cancelled at each end
        std::size_t running = 0;
    };
    static boost::asio::awaitable<void> wait_for(std::shared_ptr<state> s, std::function<bool()> enough,
                                                 steady_clock::duration again);
    std::shared_ptr<state> state_;
};

}  // namespace postern::diagnose
