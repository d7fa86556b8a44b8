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
constexpr int not_run = 127;  // status of a child that was not the program yet
constexpr char const* process_name = "postern-keeper";

// What the libraries of the process look for; a supervisor may have put secrets among the rest.
constexpr std::string_view passed_on[] = {
    "PATH",         "LANG",         "LC_",          "TZ",           "TMPDIR",       "SSL_CERT", "LD_LIBRARY_PATH",
    "OPENSSL_CONF", "ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"};

std::string reason(int number) { return std::strerror(number); }

int file_descriptors(web_sockets const& sockets)
{
    return static_cast<int>(sockets.https.size() + sockets.http.size());
}

web_arguments arguments_of(config::settings const& s, web_sockets const& sockets)
{
    web_arguments a;
    a.socket = control::web_socket_path(s).string();
    a.log_format = s.log.format;
    a.log_level = s.log.level;
    a.https_port = https_port_of(s);
    a.certificate = s.web.certificate.string();
    a.private_key = s.web.private_key.string();
    a.tie = first_passed_on + file_descriptors(sockets);
    return a;
}

/// What the child of the keeper is started with. All of it is made before the fork: between fork and exec nothing may
/// take memory.
class start_words {
public:
    start_words(web_arguments const& a, web_sockets const& sockets)
        : arguments_{"postern",      "web",
                     "--socket",     a.socket,
                     "--log-format", a.log_format,
                     "--log-level",  a.log_level,
                     "--https-port", std::to_string(a.https_port),
                     "--tie",        std::to_string(a.tie)}
    {
        if (!a.certificate.empty()) {
            arguments_.insert(arguments_.end(), {"--certificate", a.certificate});
            arguments_.insert(arguments_.end(), {"--private-key", a.private_key});
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
        environment_.push_back("LISTEN_FDS=" + std::to_string(file_descriptors(sockets)));
        environment_.push_back("LISTEN_FDNAMES=" + names);
        environment_.emplace_back("LISTEN_PID=0000000000");
        for (auto& one : arguments_) argument_pointers_.push_back(one.data());
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
    /// `tie`, `program` and the sockets stay open as long as it runs.
    keeper(web_arguments const& a, web_sockets const& sockets, int tie, int program)
        : words_(a, sockets), tie_(tie), program_(program)
    {
        for (auto const* list : {&sockets.https, &sockets.http})
            for (auto const& socket : *list) passed_.push_back(socket.get());
        // Behind them, where `--tie` says.
        passed_.push_back(tie);
    }

    bool watch_signals()
    {
        sigset_t wanted;
        sigemptyset(&wanted);
        for (int const s : {SIGTERM, SIGCHLD}) sigaddset(&wanted, s);
        // Ctrl-C is for `serve`, which tells us. SIGHUP is too: there is nothing to read again.
        std::signal(SIGINT, SIG_IGN);
        std::signal(SIGHUP, SIG_IGN);
        signals_ = ::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
        // The pages' process has this one blocked from its first moment on.
        sigaddset(&wanted, keeper_is_gone);
        ::pthread_sigmask(SIG_SETMASK, &wanted, nullptr);
        return signals_ >= 0;
    }

    /// Until `serve` has ended.
    void run()
    {
        auto wait = first_rest;
        for (;;) {
            auto const born = steady_clock::now();
            auto const child = start_child();
            int const ended = child > 0 ? wait_for_end(child) : -1;
            if (over_) return;
            wait = steady_clock::now() - born > long_life ? first_rest : wait;
            log_end(ended, wait);
            if (!rest(wait)) return;
            wait = std::min<milliseconds>(2 * wait, longest_rest);
        }
    }

    /// False: it is over.
    bool rest(milliseconds time)
    {
        auto const until = steady_clock::now() + time;
        while (!over_ && listen(until) != news::nothing) {
        }
        return !over_;
    }

private:
    enum class news : std::uint8_t { nothing, of_child, asked_to_end, over };

    pid_t start_child()
    {
        pid_t const parent = ::getpid();
        pid_t const child = ::fork();
        if (child != 0) return child;
        // Only what may be called here: another thread of the keeper may hold any lock.
        ::prctl(PR_SET_PDEATHSIG, keeper_is_gone, 0, 0, 0);
        // It may have ended before that; the signal waits until it is asked for.
        if (::getppid() != parent) ::raise(keeper_is_gone);
        ::setpriority(PRIO_PROCESS, 0, niceness);
        // In their order, above all of them first: one may be in another's place.
        int const above = first_passed_on + static_cast<int>(passed_.size());
        for (auto& s : passed_) s = ::fcntl(s, F_DUPFD_CLOEXEC, above);
        int const program = ::fcntl(program_, F_DUPFD_CLOEXEC, above);
        for (std::size_t i = 0; i < passed_.size(); ++i)
            ::dup2(passed_[i], first_passed_on + static_cast<int>(i));  // this one stays open
        words_.name_process(::getpid());
        ::fexecve(program, words_.arguments(), words_.environment());
        ::_exit(not_run);
    }

    /// Its status. It is ended when we are to end: where `serve` goes on, another one follows.
    int wait_for_end(pid_t child)
    {
        for (;;) {
            int status = 0;
            if (::waitpid(child, &status, WNOHANG) == child) return status;
            if (listen(std::nullopt) == news::of_child) continue;
            ::kill(child, SIGTERM);
            auto const until = steady_clock::now() + patience_with_pages;
            while (::waitpid(child, &status, WNOHANG) == 0) {
                // It is there as long as nobody has waited for it, so its number is nobody else's.
                if (steady_clock::now() >= until) ::kill(child, SIGKILL);
                std::this_thread::sleep_for(10ms);
            }
            return status;
        }
    }

    /// Waits so long, or for ever.
    news listen(std::optional<steady_time> until)
    {
        for (;;) {
            int patience = -1;
            if (until) {
                auto const left = std::chrono::ceil<milliseconds>(*until - steady_clock::now());
                if (left <= 0ms) return news::nothing;
                patience = static_cast<int>(left.count());
            }
            std::array<pollfd, 2> wait{{{tie_, POLLIN, 0}, {signals_, POLLIN, 0}}};
            if (::poll(wait.data(), wait.size(), patience) < 0) continue;
            over_ = wait[0].revents != 0;
            if (over_) return news::over;
            bool child = false, asked = false;
            for (signalfd_siginfo info{}; ::read(signals_, &info, sizeof info) == sizeof info;) {
                asked = asked || info.ssi_signo == SIGTERM;
                child = child || info.ssi_signo == SIGCHLD;
            }
            if (asked) return news::asked_to_end;
            if (child) return news::of_child;
        }
    }

    static void log_end(int status, milliseconds wait)
    {
        std::string how = "could not be started";
        if (WIFSIGNALED(status)) how = std::string{"signal "} + ::strsignal(WTERMSIG(status));
        if (status >= 0 && WIFEXITED(status)) how = "status " + std::to_string(WEXITSTATUS(status));
        if (status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == not_run) how = "the program can't be run";
        log::event(log::level::error, "web_ended", {{"how", how}, {"again_in_ms", wait.count()}});
    }

    start_words words_;
    int tie_, program_;
    std::vector<int> passed_;
    int signals_ = -1;
    bool over_ = false;
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
                            int program)
{
    std::vector<int> kept{tie, program};
    for (auto const* list : {&sockets.https, &sockets.http})
        for (auto const& socket : *list) kept.push_back(socket.get());
    close_others(std::move(kept));

    auto const become = drop_privileges(user);
    ::prctl(PR_SET_NAME, process_name, 0, 0, 0);
    keeper k{arguments_of(s, sockets), sockets, tie, program};
    if (!become) {
        log::event(log::level::error, "web_not_started", {{"problem", become.error().logged}});
    } else if (k.watch_signals()) {
        log::start(log_options_of(s.log.format, s.log.level));
        k.run();
    }
    log::stop();
    ::_exit(0);
}

net::socket_handle this_program() { return net::socket_handle{::open("/proc/self/exe", O_PATH | O_CLOEXEC)}; }

}  // namespace

web_keeper& web_keeper::operator=(web_keeper&& other) noexcept
{
    if (this != &other) {
        stop();
        keeper_ = std::exchange(other.keeper_, -1);
        tie_ = std::exchange(other.tie_, -1);
        let_go_ = other.let_go_;
    }
    return *this;
}

void web_keeper::let_go() noexcept
{
    char const end = 0;
    // Fails only when nobody is left to be told.
    if (tie_ >= 0 && !let_go_) let_go_ = ::write(tie_, &end, 1) == 1;
}

void web_keeper::stop() noexcept
{
    let_go();
    if (keeper_ < 0) return;
    // Nobody has the other end any more when all of them are gone.
    pollfd gone{tie_, 0, 0};
    ::poll(&gone, 1, static_cast<int>(milliseconds{patience_with_keeper}.count()));
    // Ours as long as nobody has waited for it.
    if (gone.revents == 0) ::kill(keeper_, SIGKILL);
    ::waitpid(keeper_, nullptr, 0);
    ::close(tie_);
    keeper_ = tie_ = -1;
}

int const keeper_is_gone = SIGUSR1;

void keep_web(web_arguments const& a, web_sockets const& sockets)
{
    auto const program = this_program();
    ::prctl(PR_SET_NAME, process_name, 0, 0, 0);
    keeper k{a, sockets, a.tie, program.get()};
    if (program.get() < 0 || !k.watch_signals()) {
        log::event(log::level::error, "web_not_started", {{"problem", reason(errno)}});
    } else {
        log::event(log::level::error, "web_keeper_ended",
                   {{"text", "the pages' own process takes its place, and starts another one"},
                    {"again_in_ms", milliseconds{first_rest}.count()}});
        if (k.rest(first_rest)) k.run();
    }
}

namespace {

/// The pages of a server that was killed give their ports up a moment after it.
result<web_sockets> bind_when_free(config::settings const& s)
{
    auto const until = steady_clock::now() + std::chrono::seconds{1};
    for (;;) {
        auto bound = bind_web_sockets(s);
        if (bound || steady_clock::now() > until) return bound;
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
}

}  // namespace

web_keeper start_web(config::settings const& s)
{
    if (s.web.address.empty()) return {};
    auto const& user = s.web.user.empty() ? s.user : s.web.user;
    if (!may_become(user)) {
        log::event(log::level::info, "web_not_started",
                   {{"user", user}, {"remedy", "run `postern web` as a service of its own, as that user"}});
        return {};
    }
    auto sockets = bind_when_free(s);
    if (!sockets) {
        log::event(log::level::error, "web_not_started",
                   {{"problem", sockets.error().logged},
                    {"remedy", "mail is served all the same; change [web] address or http_address, and restart"}});
        return {};
    }
    std::array<int, 2> tie{};
    auto const program = this_program();
    if (program.get() < 0 || ::pipe2(tie.data(), O_CLOEXEC) != 0) {
        log::event(log::level::error, "web_not_started", {{"problem", reason(errno)}});
        return {};
    }
    net::socket_handle const far_end{tie[0]};
    pid_t const child = ::fork();
    if (child == 0) be_keeper(s, user, *sockets, tie[0], program.get());
    if (child < 0) {
        log::event(log::level::error, "web_not_started", {{"problem", reason(errno)}});
        ::close(tie[1]);
        return {};
    }
    return {child, tie[1]};
}

}  // namespace postern::cli
