#include "cli/web_keeper.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "cli/log_options.hpp"
#include "cli/privileges.hpp"
#include "cli/web_sockets.hpp"
#include "control/web_door.hpp"

namespace postern::cli {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr milliseconds first_rest = 500ms, longest_rest = 30s;
constexpr auto long_life = 60s;           // whoever lived so long begins anew with the rests
constexpr auto patience_with_pages = 5s;  // for answers that are on their way
constexpr auto patience_with_keeper = 8s;
constexpr int niceness = 10;  // mail goes before pages
constexpr int first_passed_on = 3;

// What the libraries of the process look for; a supervisor may have put secrets among the rest.
constexpr std::string_view passed_on[] = {
    "PATH",         "LANG",         "LC_",          "TZ",           "TMPDIR",       "SSL_CERT", "LD_LIBRARY_PATH",
    "OPENSSL_CONF", "ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"};

std::string reason(int number) { return std::strerror(number); }

/// What the child of the keeper is started with. All of it is made before the fork: between fork and exec nothing may
/// take memory.
class start_words {
public:
    start_words(config::settings const& s, web_sockets const& sockets)
        : arguments_{"postern",      "web",
                     "--socket",     control::web_socket_path(s).string(),
                     "--log-format", s.log.format,
                     "--log-level",  s.log.level,
                     "--https-port", std::to_string(https_port_of(s))}
    {
        if (!s.web.certificate.empty()) {
            arguments_.insert(arguments_.end(), {"--certificate", s.web.certificate.string()});
            arguments_.insert(arguments_.end(), {"--private-key", s.web.private_key.string()});
        }
        std::string names;
        for (std::size_t i = 0; i < sockets.https.size(); ++i) names += "https:";
        for (std::size_t i = 0; i < sockets.http.size(); ++i) names += "http:";
        names.pop_back();
        for (char** e = environ; *e != nullptr; ++e) {
            std::string_view const entry{*e};
            if (std::ranges::any_of(passed_on, [&](std::string_view name) { return entry.starts_with(name); }))
                environment_.emplace_back(entry);
        }
        environment_.push_back("LISTEN_FDS=" + std::to_string(sockets.https.size() + sockets.http.size()));
        environment_.push_back("LISTEN_FDNAMES=" + names);
        environment_.emplace_back("LISTEN_PID=0000000000");
        for (auto& a : arguments_) argument_pointers_.push_back(a.data());
        for (auto& e : environment_) environment_pointers_.push_back(e.data());
        argument_pointers_.push_back(nullptr);
        environment_pointers_.push_back(nullptr);
    }

    /// In the child.
    void name_process(pid_t self) noexcept
    {
        auto& entry = environment_.back();
        std::snprintf(entry.data() + std::strlen("LISTEN_PID="), 11, "%d", static_cast<int>(self));
    }
    char* const* arguments() const noexcept { return argument_pointers_.data(); }
    char* const* environment() const noexcept { return environment_pointers_.data(); }

private:
    std::vector<std::string> arguments_, environment_;
    std::vector<char*> argument_pointers_, environment_pointers_;
};

class keeper {
public:
    keeper(start_words words, int tie, int program, std::vector<int> sockets)
        : words_(std::move(words)), tie_(tie), program_(program), sockets_(std::move(sockets))
    {
    }

    void run()
    {
        auto rest = first_rest;
        for (;;) {
            auto const born = steady_clock::now();
            auto const child = start_child();
            auto const ended = child > 0 ? wait_for_end(child) : std::optional<int>{-1};
            if (!ended) return;
            rest = steady_clock::now() - born > long_life ? first_rest : rest;
            log_end(*ended, rest);
            if (told_to_end(rest)) return;
            rest = std::min<milliseconds>(2 * rest, longest_rest);
        }
    }

    bool watch_signals()
    {
        sigset_t wanted;
        sigemptyset(&wanted);
        for (int const s : {SIGTERM, SIGCHLD}) sigaddset(&wanted, s);
        // Ctrl-C is for `serve`, which tells us. SIGHUP is too: there is nothing to read again.
        std::signal(SIGINT, SIG_IGN);
        std::signal(SIGHUP, SIG_IGN);
        ::pthread_sigmask(SIG_SETMASK, &wanted, nullptr);
        signals_ = ::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
        return signals_ >= 0;
    }

private:
    pid_t start_child()
    {
        pid_t const child = ::fork();
        if (child != 0) return child;
        // Only what may be called here: another thread of the keeper may hold any lock.
        ::prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
        ::setpriority(PRIO_PROCESS, 0, niceness);
        // In their order, above all of them first: one may be in another's place.
        for (auto& s : sockets_) s = ::fcntl(s, F_DUPFD_CLOEXEC, first_passed_on + static_cast<int>(sockets_.size()));
        int const program = ::fcntl(program_, F_DUPFD_CLOEXEC, first_passed_on + static_cast<int>(sockets_.size()));
        for (std::size_t i = 0; i < sockets_.size(); ++i)
            ::dup2(sockets_[i], first_passed_on + static_cast<int>(i));  // this one stays open
        words_.name_process(::getpid());
        ::fexecve(program, words_.arguments(), words_.environment());
        ::_exit(127);
    }

    /// Its status; nothing: we were told to end, and it has.
    std::optional<int> wait_for_end(pid_t child)
    {
        for (;;) {
            int status = 0;
            if (::waitpid(child, &status, WNOHANG) == child) return status;
            if (!told_to_end(-1ms)) continue;
            ::kill(child, SIGTERM);
            auto const until = steady_clock::now() + patience_with_pages;
            while (::waitpid(child, &status, WNOHANG) == 0) {
                // It is there as long as nobody has waited for it, so its number is nobody else's.
                if (steady_clock::now() >= until) ::kill(child, SIGKILL);
                std::this_thread::sleep_for(10ms);
            }
            return std::nullopt;
        }
    }

    /// Waits so long, or (-1) for a child's end.
    bool told_to_end(milliseconds time)
    {
        auto const until = steady_clock::now() + time;
        for (;;) {
            auto const left = std::chrono::duration_cast<milliseconds>(until - steady_clock::now());
            if (time >= 0ms && left <= 0ms) return false;
            std::array<pollfd, 2> wait{{{tie_, POLLIN, 0}, {signals_, POLLIN, 0}}};
            if (::poll(wait.data(), wait.size(), time < 0ms ? -1 : static_cast<int>(left.count()) + 1) < 0) continue;
            if (wait[0].revents != 0) return true;
            bool child = false;
            for (signalfd_siginfo info{}; ::read(signals_, &info, sizeof info) == sizeof info;) {
                if (info.ssi_signo == SIGTERM) return true;
                child = child || info.ssi_signo == SIGCHLD;
            }
            if (child && time < 0ms) return false;
        }
    }

    static void log_end(int status, milliseconds rest)
    {
        std::string how = "could not be started";
        if (WIFSIGNALED(status)) how = std::string{"signal "} + ::strsignal(WTERMSIG(status));
        if (status >= 0 && WIFEXITED(status)) how = "status " + std::to_string(WEXITSTATUS(status));
        log::event(log::level::error, "web_ended", {{"how", how}, {"again_in_ms", rest.count()}});
    }

    start_words words_;
    int tie_, program_;
    std::vector<int> sockets_;
    int signals_ = -1;
};

/// Closes what the keeper has no need of: the ports of the mail server, for one. `kept` in ascending order.
void close_others(std::vector<int> kept)
{
    std::sort(kept.begin(), kept.end());
    unsigned from = 3;
    for (int const fd : kept) {
        auto const at = static_cast<unsigned>(fd);
        if (at > from) ::close_range(from, at - 1, 0);
        from = at + 1;
    }
    ::close_range(from, ~0U, 0);
}

[[noreturn]] void be_keeper(config::settings const& s, std::string const& user, web_sockets const& sockets, int tie,
                            int program, pid_t parent)
{
    std::vector<int> fds;
    for (auto const& socket : sockets.https) fds.push_back(socket.get());
    for (auto const& socket : sockets.http) fds.push_back(socket.get());
    auto kept = fds;
    kept.insert(kept.end(), {tie, program});
    close_others(std::move(kept));

    auto const become = drop_privileges(user);
    ::prctl(PR_SET_NAME, "postern-keeper", 0, 0, 0);
    // After becoming somebody else, which takes it back.
    ::prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
    if (::getppid() != parent) ::_exit(0);
    keeper k{start_words{s, sockets}, tie, program, std::move(fds)};
    if (!become) {
        log::event(log::level::error, "web_not_started", {{"problem", become.error().logged}});
    } else if (k.watch_signals()) {
        log::start(log_options_of(s.log.format, s.log.level));
        k.run();
    }
    log::stop();
    ::_exit(0);
}

}  // namespace

web_keeper& web_keeper::operator=(web_keeper&& other) noexcept
{
    if (this != &other) {
        stop();
        keeper_ = std::exchange(other.keeper_, -1);
        tie_ = std::exchange(other.tie_, -1);
    }
    return *this;
}

void web_keeper::let_go() noexcept
{
    if (tie_ >= 0) ::close(tie_);
    tie_ = -1;
}

void web_keeper::stop() noexcept
{
    let_go();
    if (keeper_ < 0) return;
    auto const until = steady_clock::now() + patience_with_keeper;
    while (::waitpid(keeper_, nullptr, WNOHANG) == 0) {
        if (steady_clock::now() > until) ::kill(keeper_, SIGKILL);
        std::this_thread::sleep_for(5ms);
    }
    keeper_ = -1;
}

web_keeper start_web(config::settings const& s)
{
    if (s.web.address.empty()) return {};
    auto const& user = s.web.user.empty() ? s.user : s.web.user;
    if (!may_become(user)) {
        log::event(log::level::info, "web_not_started",
                   {{"user", user}, {"remedy", "run `postern web` as a service of its own, as that user"}});
        return {};
    }
    auto sockets = bind_web_sockets(s);
    if (!sockets) {
        log::event(log::level::error, "web_not_started",
                   {{"problem", sockets.error().logged},
                    {"remedy", "mail is served all the same; change [web] address or http_address, and restart"}});
        return {};
    }
    std::array<int, 2> tie{};
    net::socket_handle const program{::open("/proc/self/exe", O_PATH | O_CLOEXEC)};
    if (program.get() < 0 || ::pipe2(tie.data(), O_CLOEXEC) != 0) {
        log::event(log::level::error, "web_not_started", {{"problem", reason(errno)}});
        return {};
    }
    net::socket_handle const far_end{tie[0]};
    pid_t const parent = ::getpid();
    pid_t const child = ::fork();
    if (child == 0) {
        be_keeper(s, user, *sockets, tie[0], program.get(), parent);
    }
    if (child < 0) {
        log::event(log::level::error, "web_not_started", {{"problem", reason(errno)}});
        ::close(tie[1]);
        return {};
    }
    return {child, tie[1]};
}

}  // namespace postern::cli
