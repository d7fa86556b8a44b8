// postern serve: runs the server in the foreground until a signal ends it
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.hpp"
#include "cli/application.hpp"
#include "cli/backend.hpp"
#include "cli/machine.hpp"
#include "cli/output.hpp"
#include "cli/running_server.hpp"
#include "cli/supervisor.hpp"
#include "control/local_socket.hpp"

namespace postern::cli {
namespace {

/// SIGTERM, SIGINT and SIGHUP as something to wait for. Blocked before any thread starts, so
/// that none of them is ever interrupted.
result<control::descriptor> wait_for_signals()
{
    std::signal(SIGPIPE, SIG_IGN);
    sigset_t wanted;
    sigemptyset(&wanted);
    for (int s : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&wanted, s);
    control::descriptor signals;
    if (::pthread_sigmask(SIG_BLOCK, &wanted, nullptr) == 0)
        signals = control::descriptor{::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK)};
    if (!signals) return error{{4, 3, 0}, "", std::string{"can't wait for signals: "} + std::strerror(errno)};
    return signals;
}

int next_signal(int signals)
{
    signalfd_siginfo info{};
    return ::read(signals, &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
}

void reload(application const& app, running_server& server)
{
    notify_reloading();
    std::vector<config::problem> problems;
    std::optional<std::filesystem::path> file;
    if (app.config) {
        file = *app.config;
    } else {
        file = config::find_file();
    }
    auto wanted = config::load(file, problems);
    if (!wanted) {
        for (auto const& p : problems) log::event(log::level::error, "reload_failed", {{"problem", p.to_string()}});
    } else {
        for (auto const& w : config::warnings(*wanted, default_gateways()))
            log::event(log::level::warning, "configuration_warning", {{"warning", w}});
        if (auto done = server.reload(*wanted); done) {
            log::event(log::level::info, "reloaded");
        } else {
            log::event(log::level::error, "reload_failed", {{"problem", done.error().logged}});
        }
    }
    notify_ready(server.status());
}

/// Until all is drained. Goes on telling the supervisor that it lives; a second signal means
/// "at once".
void drain(running_server& server, int signals, int patience)
{
    control::descriptor drained{::eventfd(0, EFD_CLOEXEC)};
    if (!drained) {
        server.drain();
        return;
    }
    std::jthread worker{[&] {
        server.drain();
        std::uint64_t const one = 1;
        // Can't fail: the counter is far from full.
        if (::write(drained.get(), &one, sizeof one) < 0) std::terminate();
    }};
    for (;;) {
        std::array<pollfd, 2> wait{{{drained.get(), POLLIN, 0}, {signals, POLLIN, 0}}};
        if (::poll(wait.data(), wait.size(), patience) == 0) notify_alive();
        if (wait[0].revents != 0) return;
        int const number = wait[1].revents != 0 ? next_signal(signals) : 0;
        if (number == SIGTERM || number == SIGINT) {
            // Nothing that was acknowledged is lost: it is on the disk.
            log::event(log::level::warning, "stopped_at_once");
            log::stop();
            worker.detach();  // nobody waits for it: the process ends here
            ::_exit(0);
        }
    }
}

void serve_until_told(application const& app, running_server& server, int signals)
{
    auto const watched = watchdog_interval();
    int const patience = watched ? static_cast<int>(watched->count()) : -1;
    for (;;) {
        std::array<pollfd, 3> wait{
            {{signals, POLLIN, 0}, {server.certificate_news(), POLLIN, 0}, {server.pages_tie(), 0, 0}}};
        if (::poll(wait.data(), wait.size(), patience) == 0) notify_alive();
        int const number = wait[0].revents != 0 ? next_signal(signals) : 0;
        if (wait[1].revents != 0) server.take_up_certificates();
        if (wait[2].revents != 0) server.give_up_pages();
        if (number == SIGHUP) reload(app, server);
        if (number != SIGTERM && number != SIGINT) continue;
        notify_stopping();
        log::event(log::level::info, "stopping", {{"signal", number == SIGTERM ? "SIGTERM" : "SIGINT"}});
        drain(server, signals, patience);
        return;
    }
}

int serve(application const& app)
{
    auto const s = load_settings(app);
    if (!s) return call_was_wrong;
    auto signals = wait_for_signals();
    if (!signals) return fail(control::to_failure(signals.error()));

    running_server server{s};
    if (auto started = server.start(inherited_sockets()); !started) {
        // Behind what the log still holds.
        log::stop();
        auto why = control::to_failure(started.error());
        why.text += " (" + configuration_in_force(app) + ")";
        return fail(why);
    }
    for (auto const& w : config::warnings(*s, default_gateways()))
        log::event(log::level::warning, "configuration_warning", {{"warning", w}});
    for (auto const& l : server.listeners())
        log::event(log::level::info, "listening", {{"address", l.address}, {"role", l.role}, {"tls", l.tls}});
    log::event(log::level::info, "started", {{"hostname", s->hostname}, {"version", POSTERN_VERSION}});
    notify_ready(server.status());

    serve_until_told(app, server, signals->get());
    log::event(log::level::info, "stopped");
    log::stop();
    return all_is_well;
}

}  // namespace

void add_serve(command commands, application& app)
{
    commands.add_subcommand("serve", "Run the server in the foreground").does([&app] { return serve(app); });
}

}  // namespace postern::cli
