// Dovecot's auth process as a back end: one connection to its auth socket, and one to its
// userdb socket, per thread. A connection that breaks is made anew, once, before the answer
// is "not available".
#include <cerrno>
#include <cstring>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/crypto.hpp"
#include "base/text.hpp"
#include "directory/authenticator.hpp"
#include "dovecot/client_protocol.hpp"
#include "dovecot/lines.hpp"

namespace postern::directory {
namespace {

error unavailable(std::string text) { return {{4, 3, 0}, "The accounts are not available", std::move(text)}; }

/// A local stream socket that is read in lines, with deadlines.
class line_socket {
public:
    line_socket() = default;
    ~line_socket() { close(); }
    line_socket(line_socket const&) = delete;
    line_socket& operator=(line_socket const&) = delete;

    bool is_open() const noexcept { return descriptor_ >= 0; }
    void close() noexcept
    {
        if (descriptor_ >= 0) ::close(descriptor_);
        descriptor_ = -1;
        wipe(input_.data(), input_.size());
        input_.clear();
    }

    result<> connect(std::string const& path, steady_time deadline)
    {
        close();
        sockaddr_un to{};
        to.sun_family = AF_UNIX;
        if (path.empty() || path.size() >= sizeof to.sun_path) return unavailable(path + ": not a path of a socket");
        std::memcpy(to.sun_path, path.data(), path.size());
        descriptor_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (descriptor_ < 0) return unavailable(std::string{"a socket: "} + std::strerror(errno));
        // A local connect fails at once, or says EAGAIN while the other's queue is full.
        while (::connect(descriptor_, reinterpret_cast<sockaddr const*>(&to), sizeof to) != 0) {
            int const code = errno;
            if (code == EINTR) continue;
            if (code == EAGAIN && steady_clock::now() < deadline) {
                ::usleep(10'000);
                continue;
            }
            close();
            return unavailable(path + ": " + std::strerror(code));
        }
        return done{};
    }

    result<> write(std::string_view octets, steady_time deadline)
    {
        while (!octets.empty()) {
            auto const sent = ::send(descriptor_, octets.data(), octets.size(), MSG_NOSIGNAL);
            if (sent > 0) {
                octets.remove_prefix(static_cast<std::size_t>(sent));
                continue;
            }
            if (errno == EINTR) continue;
            if (errno != EAGAIN) return unavailable(std::string{"Dovecot: "} + std::strerror(errno));
            if (!wait(POLLOUT, deadline)) return unavailable("Dovecot: no answer in time");
        }
        return done{};
    }

    result<std::string> read_line(steady_time deadline)
    {
        for (;;) {
            if (auto const end = input_.find('\n'); end != std::string::npos) {
                std::string line = input_.substr(0, end);
                input_.erase(0, end + 1);
                return line;
            }
            if (input_.size() > dovecot::longest_line) return unavailable("Dovecot: an endless line");
            char piece[4096];
            auto const got = ::recv(descriptor_, piece, sizeof piece, 0);
            if (got > 0) {
                input_.append(piece, static_cast<std::size_t>(got));
                continue;
            }
            if (got == 0) return unavailable("Dovecot closed the connection");
            if (errno == EINTR) continue;
            if (errno != EAGAIN) return unavailable(std::string{"Dovecot: "} + std::strerror(errno));
            if (!wait(POLLIN, deadline)) return unavailable("Dovecot: no answer in time");
        }
    }

private:
    bool wait(short events, steady_time deadline) const
    {
        for (;;) {
            auto const left = std::chrono::ceil<std::chrono::milliseconds>(deadline - steady_clock::now()).count();
            if (left <= 0) return false;
            pollfd p{descriptor_, events, 0};
            int const ready = ::poll(&p, 1, static_cast<int>(left));
            if (ready > 0) return true;
            if (ready < 0 && errno != EINTR) return false;
        }
    }

    int descriptor_ = -1;
    std::string input_;
};

class dovecot_asker final : public asker {
public:
    explicit dovecot_asker(backend_options const& o) : auth_path_(o.path), users_path_(o.users) {}

    result<judgement> verify(std::string const& name, secret const& password, steady_time deadline) override
    {
        std::uint32_t const id = next_id();
        std::string request = dovecot::auth_request(id, name, password.reveal());
        auto answer = ask(auth_, auth_path_, id, request, deadline);
        wipe(request.data(), request.size());
        if (!answer) return std::move(answer).error();
        using kind = dovecot::reply::kind;
        judgement j;
        j.user.name = answer->user;
        switch (answer->what) {
            case kind::ok: j.what = judgement::kind::right; return j;
            case kind::disabled: j.what = judgement::kind::disabled; return j;
            case kind::fail:
            case kind::not_found: return j;
            case kind::temporary:
            case kind::other: break;
        }
        return unavailable("Dovecot could not tell" + (answer->reason.empty() ? "" : ": " + printable(answer->reason)));
    }

    result<std::optional<stored_user>> fetch(std::string const& name, steady_time deadline) override
    {
        auto found = find_user(name, deadline);
        if (!found) return std::move(found).error();
        if (!*found) return std::optional<stored_user>{};
        stored_user u;
        u.user.name = (*found)->user;
        u.enabled = !(*found)->nologin;
        return std::optional<stored_user>{std::move(u)};
    }

    result<std::optional<std::string>> look_up(std::string const& name, steady_time deadline) override
    {
        if (users_path_.empty()) return std::optional<std::string>{};
        auto found = find_user(name, deadline);
        if (!found) return std::move(found).error();
        if (!*found) return std::optional<std::string>{};
        return std::optional<std::string>{(*found)->user};
    }

private:
    result<std::optional<dovecot::reply>> find_user(std::string const& name, steady_time deadline)
    {
        std::uint32_t const id = next_id();
        auto answer = ask(users_, users_path_, id, dovecot::user_request(id, name), deadline);
        if (!answer) return std::move(answer).error();
        using kind = dovecot::reply::kind;
        if (answer->what == kind::ok) return std::optional<dovecot::reply>{std::move(*answer)};
        if (answer->what == kind::not_found) return std::optional<dovecot::reply>{};
        return unavailable("Dovecot could not tell" + (answer->reason.empty() ? "" : ": " + printable(answer->reason)));
    }

    std::uint32_t next_id()
    {
        if (++id_ == 0) id_ = 1;
        return id_;
    }

    result<> open(line_socket& s, std::string const& path, steady_time deadline)
    {
        if (auto r = s.connect(path, deadline); !r) return r;
        bool const auth = &s == &auth_;
        std::string hello = "VERSION\t1\t0\n";
        if (auth) {
            // Dovecot wants each connection to have a number of its own; process ids would do,
            // if we had one for each thread.
            std::string const random = random_octets(4);
            std::uint32_t number = 0;
            for (char c : random) number = number << 8 | static_cast<unsigned char>(c);
            hello = dovecot::hello((number & 0x3fff'ffff) | 0x4000'0000);
        }
        if (auto r = s.write(hello, deadline); !r) return r;
        // The userdb socket greets, too, but what it says is among the answers to skip.
        dovecot::greeting g;
        while (auth && !g.done) {
            auto line = s.read_line(deadline);
            if (!line) return std::move(line).error();
            if (!dovecot::read_greeting(*line, g)) return unavailable("Dovecot: a protocol of another version");
        }
        if (auth && (!g.version_seen || !g.plain)) return unavailable("Dovecot does not offer PLAIN");
        return done{};
    }

    result<dovecot::reply> ask(line_socket& s, std::string const& path, std::uint32_t id, std::string const& request,
                               steady_time deadline)
    {
        for (bool fresh = false;;) {
            if (!s.is_open()) {
                fresh = true;
                if (auto r = open(s, path, deadline); !r) {
                    s.close();
                    return std::move(r).error();
                }
            }
            auto answer = exchange(s, id, request, deadline);
            if (answer) return answer;
            s.close();
            // It may have been restarted since the last question.
            if (fresh || steady_clock::now() >= deadline) return answer;
        }
    }

    static result<dovecot::reply> exchange(line_socket& s, std::uint32_t id, std::string const& request,
                                           steady_time deadline)
    {
        if (auto r = s.write(request, deadline); !r) return std::move(r).error();
        for (;;) {
            auto line = s.read_line(deadline);
            if (!line) return std::move(line).error();
            auto answer = dovecot::parse_reply(*line);
            if (answer.what != dovecot::reply::kind::other && answer.id == id) return answer;
        }
    }

    std::string const auth_path_;
    std::string const users_path_;
    line_socket auth_;
    line_socket users_;
    std::uint32_t id_ = 0;
};

}  // namespace

std::unique_ptr<asker> make_dovecot_asker(backend_options const& o) { return std::make_unique<dovecot_asker>(o); }

}  // namespace postern::directory
