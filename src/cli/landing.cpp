#include "cli/landing.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/output.hpp"

namespace postern::cli {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t longest_request = 16u << 10;
// A browser may connect before it has anything to ask.
constexpr auto for_a_request = 3s;

error failed(std::string const& what) { return {{4, 3, 0}, "", what + ": " + std::strerror(errno)}; }

int left(steady_time until)
{
    auto const ms = std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(ms, 0, 3'600'000));
}

// The request's first lines, as far as its target.
std::string read_target(int peer, steady_time until)
{
    std::string request;
    std::array<char, 2048> piece{};
    while (request.size() < longest_request && request.find('\n') == std::string::npos) {
        pollfd about{peer, POLLIN, 0};
        if (::poll(&about, 1, left(until)) <= 0) return {};
        auto const got = ::recv(peer, piece.data(), piece.size(), 0);
        if (got <= 0) return {};
        request.append(piece.data(), static_cast<std::size_t>(got));
    }
    constexpr std::string_view get = "GET ";
    if (!request.starts_with(get)) return {};
    return request.substr(get.size(), request.find_first_of(" \r\n", get.size()) - get.size());
}

void say(int peer, char const* status, std::string_view text)
{
    std::string const body =
        "<!doctype html><meta charset=utf-8><title>Postern</title><p>" + std::string{text} + "</p>\n";
    std::string const all =
        "HTTP/1.1 " + std::string{status} +
        "\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: " + std::to_string(body.size()) +
        "\r\nCache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nConnection: close\r\n\r\n" + body;
    // It fits into the socket's buffer, and nobody depends on it.
    static_cast<void>(::send(peer, all.data(), all.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
    ::shutdown(peer, SHUT_WR);
}

// Nothing: it was not what is waited for.
std::optional<result<secret>> hear_browser(int door, delivery::page_visit const& visit)
{
    control::descriptor const peer{::accept4(door, nullptr, nullptr, SOCK_CLOEXEC)};
    if (!peer) return std::nullopt;
    auto const target = read_target(peer.get(), steady_clock::now() + for_a_request);
    auto code = visit.code_in(target);
    if (code) {
        say(peer.get(), "200 OK", "Done. This window can be closed; the command tells what became of it.");
    } else if (code.error().code.temporary()) {
        say(peer.get(), "404 Not Found", "This does not belong to the sign-in that waits here.");
        return std::nullopt;
    } else {
        say(peer.get(), "200 OK", "The provider did not let you sign in; the command tells what it said.");
    }
    return code;
}

}  // namespace

result<landing> landing::open()
{
    control::descriptor door{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!door) return failed("can't make a socket");
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    auto* const address = reinterpret_cast<sockaddr*>(&at);
    bool const open = ::bind(door.get(), address, size) == 0 && ::listen(door.get(), 8) == 0 &&
                      ::getsockname(door.get(), address, &size) == 0;
    if (!open) return failed("can't listen on 127.0.0.1");
    return landing{std::move(door), ntohs(at.sin_port)};
}

result<secret> landing::wait(delivery::page_visit const& visit, steady_time until)
{
    std::string typed;
    std::array<char, 4096> piece{};
    pollfd about[] = {{door_.get(), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
    for (;;) {
        int const ready = ::poll(about, std::size(about), left(until));
        if (ready == 0) return error{{5, 7, 0}, "", "nobody signed in in time"};
        if (ready < 0 && errno != EINTR) return failed("can't wait for the answer");
        if (ready < 0) continue;
        if (about[0].revents != 0) {
            if (auto heard = hear_browser(door_.get(), visit)) return std::move(*heard);
        }
        if (about[1].revents == 0) continue;
        auto const got = ::read(STDIN_FILENO, piece.data(), piece.size());
        if (got <= 0 || typed.size() > longest_request) {
            // No more of that; the browser may still come.
            about[1].fd = -1;
            continue;
        }
        typed.append(piece.data(), static_cast<std::size_t>(got));
        for (auto end = typed.find('\n'); end != std::string::npos; end = typed.find('\n')) {
            auto code = visit.code_in(typed.substr(0, typed.find_first_of("\r\n")));
            if (code || !code.error().code.temporary()) return code;
            if (end > 0) complain("not the address that the browser was led to: " + code.error().logged);
            typed.erase(0, end + 1);
        }
    }
}

}  // namespace postern::cli
