// Starts `postern web` as a process of its own and keeps it running. `serve` forks the keeper while it may still choose
// its user and before it has threads; the keeper becomes web.user and holds nothing but the listening sockets of the
// pages. It ends with `serve`, however that ends, and the pages with it.
#pragma once

#include <utility>

#include <sys/types.h>

#include "config/settings.hpp"

namespace postern::cli {

class web_keeper {
public:
    web_keeper() = default;
    web_keeper(pid_t keeper, int tie) : keeper_(keeper), tie_(tie) {}
    web_keeper(web_keeper&& other) noexcept
        : keeper_(std::exchange(other.keeper_, -1)), tie_(std::exchange(other.tie_, -1))
    {
    }
    web_keeper& operator=(web_keeper&& other) noexcept;
    ~web_keeper() { stop(); }

    /// Tells it to end; does not wait.
    void let_go() noexcept;
    /// Waits until it has ended, for some seconds at most.
    void stop() noexcept;

private:
    pid_t keeper_ = -1;
    int tie_ = -1;  // while this end of the pipe is open, it goes on
};

/// Binds the addresses of [web] and forks the keeper. Mail does not depend on it: what goes wrong is in the log, and
/// there are no pages then.
web_keeper start_web(config::settings const& s);

}  // namespace postern::cli
