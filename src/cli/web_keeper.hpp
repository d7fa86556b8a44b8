// Starts `postern web` as a process of its own and keeps it running. `serve` forks the keeper while it may still choose
// its user and before it has threads; the keeper becomes web.user and holds nothing but the listening sockets of the
// pages. It ends with `serve`, however that ends, and the pages with it. Where the keeper itself is killed, the process that
// serves the pages takes its place: `serve` may not become web.user any more.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include <sys/types.h>

#include "cli/web_sockets.hpp"
#include "config/settings.hpp"

namespace postern::cli {

class web_keeper {
public:
    web_keeper() = default;
    web_keeper(pid_t keeper, int tie) : keeper_(keeper), tie_(tie) {}
    web_keeper(web_keeper&& other) noexcept
        : keeper_(std::exchange(other.keeper_, -1)), tie_(std::exchange(other.tie_, -1)), let_go_(other.let_go_)
    {
    }
    web_keeper& operator=(web_keeper&& other) noexcept;
    ~web_keeper() { stop(); }

    /// In error (POLLERR) when nobody is left who would serve pages or start who does; -1: there is no keeper.
    int tie() const noexcept { return tie_; }

    /// Tells it to end; does not wait.
    void let_go() noexcept;
    /// Waits until it and the pages have ended, for some seconds at most.
    void stop() noexcept;

private:
    pid_t keeper_ = -1;
    int tie_ = -1;  // while this end of the pipe is open, and nothing was written, it goes on
    bool let_go_ = false;
};

/// What `postern web` is told by its keeper: it need not be able to read the configuration.
struct web_arguments {
    std::string socket;  // of the mail process
    std::string log_format = "text", log_level = "info";
    std::uint16_t https_port = 0;
    std::string certificate, private_key;
    int tie = -1;  // the pipe's other end
};

/// What the keeper's end is told to `postern web` by.
extern int const keeper_is_gone;

/// For `postern web`, when its keeper is gone: is the keeper from now on. Comes back when `serve` has ended. There must be no
/// thread any more but the log's.
void keep_web(web_arguments const& a, web_sockets const& sockets);

/// Binds the addresses of [web] and forks the keeper. Mail does not depend on it: what goes wrong is in the log, and
/// there are no pages then.
web_keeper start_web(config::settings const& s);

}  // namespace postern::cli
