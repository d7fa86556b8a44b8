// Time as a test wants it, for everything in the process that asks the system for it: the clocks stand still
// until the test moves them, and Asio's timers (it sleeps on a timerfd) go off when the test's time has come.
// So a day of the real code, sockets included, passes as quickly as the code runs.
//
// Include it in one file of a test program. Not for builds with sanitizers, which have the same functions.
#pragma once

#include <sched.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <map>

#include <boost/asio/io_context.hpp>

namespace postern::testing {

class simulated_time {
public:
    using nanoseconds = std::chrono::nanoseconds;

    simulated_time() : timers_(new std::map<int, std::int64_t>)
    {
        // Far from the machine's own clocks, so that a mixture of both shows.
        now_ = std::int64_t{1'000'000} * 1'000'000'000;
        running_ = this;
    }
    ~simulated_time()
    {
        running_ = nullptr;
        delete timers_;
    }
    simulated_time(simulated_time const&) = delete;
    simulated_time& operator=(simulated_time const&) = delete;

    /// Does what can be done without waiting. The kernel may take a moment to carry octets from one end of a
    /// connection to the other, so it is asked more than once.
    static void settle(boost::asio::io_context& context)
    {
        context.restart();
        for (int quiet = 0; quiet < 3; ++quiet) {
            if (context.poll() != 0) quiet = -1;
            ::sched_yield();
        }
    }
    /// Moves to the next timer, but not beyond `latest`; false when there was none before that.
    bool advance(std::chrono::steady_clock::time_point latest)
    {
        std::int64_t const most = latest.time_since_epoch().count();
        auto next = timers_->end();
        for (auto at = timers_->begin(); at != timers_->end(); ++at)
            if (next == timers_->end() || at->second < next->second) next = at;
        if (next == timers_->end() || next->second > most) {
            now_ = std::max<std::int64_t>(now_, most);
            return false;
        }
        now_ = std::max<std::int64_t>(now_, next->second);
        itimerspec const at_once{{0, 0}, {0, 1}};
        int const fd = next->first;
        timers_->erase(next);
        ::syscall(SYS_timerfd_settime, fd, TFD_TIMER_ABSTIME, &at_once, nullptr);
        return true;
    }

    // -- for the system calls below --
    static simulated_time* running() noexcept { return running_; }
    void tell(clockid_t which, timespec* t) const noexcept
    {
        // 2026-11-22 06:46:40 UTC is the beginning of the wall clock.
        constexpr std::int64_t wall = 1'795'330'000 - 1'000'000;
        std::int64_t const now = now_;
        t->tv_sec = now / 1'000'000'000 + (which == CLOCK_REALTIME ? wall : 0);
        t->tv_nsec = now % 1'000'000'000;
    }
    int set_timer(int fd, int flags, itimerspec const* wanted)
    {
        std::int64_t const span = wanted->it_value.tv_sec * 1'000'000'000 + wanted->it_value.tv_nsec;
        itimerspec const never{{0, 0}, {0, 0}};
        if ((flags & TFD_TIMER_ABSTIME) != 0 && span != 0) {
            timers_->erase(fd);
            return static_cast<int>(::syscall(SYS_timerfd_settime, fd, flags, wanted, nullptr));
        }
        if (span == 0) {
            timers_->erase(fd);
        } else {
            (*timers_)[fd] = now_ + span;
        }
        return static_cast<int>(::syscall(SYS_timerfd_settime, fd, 0, &never, nullptr));
    }

private:
    static inline std::atomic<simulated_time*> running_ = nullptr;
    std::atomic<std::int64_t> now_;
    std::map<int, std::int64_t>* timers_;
};

}  // namespace postern::testing

extern "C" {
int clock_gettime(clockid_t which, timespec* t) noexcept
{
    auto const* const simulated = postern::testing::simulated_time::running();
    if (simulated == nullptr || (which != CLOCK_MONOTONIC && which != CLOCK_REALTIME))
        return static_cast<int>(::syscall(SYS_clock_gettime, which, t));
    simulated->tell(which, t);
    return 0;
}

int timerfd_settime(int fd, int flags, itimerspec const* wanted, itimerspec* before) noexcept
{
    auto* const simulated = postern::testing::simulated_time::running();
    if (simulated == nullptr) return static_cast<int>(::syscall(SYS_timerfd_settime, fd, flags, wanted, before));
    return simulated->set_timer(fd, flags, wanted);
}
}
