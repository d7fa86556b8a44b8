#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <thread>

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.hpp"
#include "metrics/metrics.hpp"

namespace postern::metrics {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 2s;
constexpr std::size_t longest_request = 8192;

bool is_ready(int fd, short events, steady_time until)
{
    auto const left = std::chrono::duration_cast<std::chrono::milliseconds>(until - steady_clock::now());
    if (left <= 0ms) return false;
    pollfd p{fd, events, 0};
    return ::poll(&p, 1, static_cast<int>(left.count())) > 0;
}

// The head of a request; empty when it does not come, or is too long.
std::string read_head(int fd, steady_time until)
{
    std::string head;
    std::array<char, 2048> buffer{};
    while (head.size() < longest_request && is_ready(fd, POLLIN, until)) {
        ssize_t const n = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (n <= 0) break;
        head.append(buffer.data(), static_cast<std::size_t>(n));
        if (head.find("\r\n\r\n") != std::string::npos || head.find("\n\n") != std::string::npos) return head;
    }
    return {};
}

void write_all(int fd, std::string_view text, steady_time until)
{
    while (!text.empty() && is_ready(fd, POLLOUT, until)) {
        ssize_t const n = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n <= 0) return;
        text.remove_prefix(static_cast<std::size_t>(n));
    }
}

std::string response(std::string_view code, std::string_view type, std::string const& body, bool with_body)
{
    std::string out = "HTTP/1.1 " + std::string{code} + "\r\nContent-Type: " + std::string{type} +
                      "\r\nContent-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n";
    if (with_body) out += body;
    return out;
}

std::string answer(std::string const& head, sources const& from)
{
    constexpr std::string_view plain = "text/plain; charset=utf-8";
    bool const get = head.starts_with("GET "), look = head.starts_with("HEAD ");
    if (!get && !look) return response("405 Method Not Allowed", plain, "GET /metrics\n", true);
    std::string_view target{head};
    target.remove_prefix(target.find(' ') + 1);
    target = target.substr(0, target.find_first_of(" \r\n"));
    target = target.substr(0, target.find('?'));
    if (target != "/metrics") return response("404 Not Found", plain, "The numbers are at /metrics.\n", get);
    return response("200 OK", "text/plain; version=0.0.4; charset=utf-8", text_of(from), get);
}

class running final : public exporter {
public:
    running(net::socket_handle listening, sources from)
        : door_(std::move(listening)),
          from_(std::move(from)),
          end_(::eventfd(0, EFD_CLOEXEC)),
          thread_([this] { run(); })
    {
        ::pthread_setname_np(thread_.native_handle(), "metrics");
    }
    ~running() override
    {
        std::uint64_t const one = 1;
        stopping_ = true;
        if (::write(end_.get(), &one, sizeof one) < 0)
            log::event(log::level::error, "metrics_not_stopped", {{"problem", std::strerror(errno)}});
        thread_.join();
    }

private:
    void run()
    {
        while (!stopping_) {
            std::array<pollfd, 2> wait{{{door_.get(), POLLIN, 0}, {end_.get(), POLLIN, 0}}};
            if (::poll(wait.data(), wait.size(), -1) < 0 && errno != EINTR) return;
            if (wait[1].revents != 0 || wait[0].revents == 0) continue;
            net::socket_handle const client{::accept4(door_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
            if (client.get() < 0) {
                // Out of descriptors, say: not again at once.
                std::this_thread::sleep_for(10ms);
                continue;
            }
            auto const head = read_head(client.get(), steady_clock::now() + patience);
            if (!head.empty()) write_all(client.get(), answer(head, from_), steady_clock::now() + patience);
        }
    }

    net::socket_handle door_;
    sources from_;
    std::atomic<bool> stopping_ = false;
    net::socket_handle end_;
    std::thread thread_;
};

}  // namespace

std::unique_ptr<exporter> serve(net::socket_handle listening, sources from)
{
    return std::make_unique<running>(std::move(listening), std::move(from));
}

}  // namespace postern::metrics
