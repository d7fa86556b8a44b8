#include "control/server.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.hpp"
#include "control/local_socket.hpp"

namespace postern::control {
namespace {

// Enough that a long import does not keep `status` waiting; more wait in the backlog.
constexpr std::size_t threads = 4;
constexpr std::chrono::seconds patience{10};

/// Who asks, if that is somebody who may. The socket's mode says the same; this holds too where somebody changed it.
std::optional<uid_t> allowed_user(int peer)
{
    ucred who{};
    socklen_t size = sizeof who;
    if (::getsockopt(peer, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0) return std::nullopt;
    if (who.uid != 0 && who.uid != ::geteuid()) return std::nullopt;
    return who.uid;
}

class socket_server final : public server {
public:
    socket_server(descriptor socket, descriptor ended, std::filesystem::path file, std::function<context()> now)
        : socket_(std::move(socket)), ended_(std::move(ended)), file_(std::move(file)), now_(std::move(now))
    {
        for (std::size_t i = 0; i < threads; ++i) workers_.emplace_back([this] { serve(); });
    }
    ~socket_server() override { stop(); }

    void stop() override
    {
        if (workers_.empty()) return;
        std::uint64_t const one = 1;
        // Stays readable, so it wakes every worker.
        if (::write(ended_.get(), &one, sizeof one) < 0) std::terminate();
        ::unlink(file_.c_str());
        workers_.clear();  // joins
        socket_.reset();
    }

private:
    void serve()
    {
        for (;;) {
            std::array<pollfd, 2> wait{{{ended_.get(), POLLIN, 0}, {socket_.get(), POLLIN, 0}}};
            if (::poll(wait.data(), wait.size(), -1) < 0) continue;
            if (wait[0].revents != 0) return;
            descriptor peer{::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
            // Another worker was faster, or descriptors have run out: then don't spin.
            if (!peer && errno != EAGAIN) std::this_thread::sleep_for(std::chrono::milliseconds{100});
            if (peer) answer(peer.get());
        }
    }

    void answer(int peer)
    {
        auto const user = allowed_user(peer);
        if (!user) return;
        auto line = read_line(peer, longest_request, steady_clock::now() + patience);
        if (!line) return;
        auto const asked = secret::take(*line);
        auto const response = print_response(perform(asked.reveal(), *user));
        // A caller that has gone does not matter: the command is done.
        if (!write_all(peer, response.reveal(), steady_clock::now() + patience)) return;
    }

    outcome perform(std::string_view line, uid_t user)
    {
        auto asked = parse_request(line);
        if (!asked) return failure{failure::kind::usage, "this is not a request of the control protocol", {}};
        try {
            auto c = now_();
            c.caller.who = name_of_user(user);
            c.caller.from = asked->terminal;
            return run_command(c, asked->command, asked->arguments);
        } catch (std::exception const& e) {
            // The server must not end because of one command.
            log::event(log::level::error, "command_failed", {{"command", asked->command}, {"reason", e.what()}});
            return failure{failure::kind::unavailable, "the server could not do it: " + std::string{e.what()}, {}};
        }
    }

    descriptor socket_;
    descriptor ended_;
    std::filesystem::path file_;
    std::function<context()> now_;
    std::vector<std::jthread> workers_;
};

}  // namespace

result<std::unique_ptr<server>> make_server(std::filesystem::path const& data_dir, std::function<context()> now)
{
    auto socket = listen_on_control_socket(data_dir);
    if (!socket) return std::move(socket.error());
    descriptor ended{::eventfd(0, EFD_CLOEXEC)};
    if (!ended) return error{{4, 3, 0}, "", std::string{"can't make an eventfd: "} + std::strerror(errno)};
    return std::unique_ptr<server>{std::make_unique<socket_server>(std::move(*socket), std::move(ended),
                                                                   data_dir / "control.sock", std::move(now))};
}

}  // namespace postern::control
