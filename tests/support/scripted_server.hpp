// A mail server on a free loopback port, or a Unix socket, that behaves well unless told
// otherwise; each connection has a thread. What it is told, for a line of the client, is a
// reply, or one of:  CLOSE   HANG   TLS (220 and a handshake)   "" (as a good server would)
#pragma once

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace postern::testing {

struct received_mail {
    std::string mail;               // the MAIL line
    std::vector<std::string> rcpt;  // RCPT lines that were taken
    std::string content;            // as it came, dots and all, without the final dot
    unsigned connection = 0;
    bool tls = false;
};

class scripted_server {
public:
    /// Gives the reply to a line ("" for the usual one). "GREETING" stands for the connection's
    /// beginning, "." for the end of the content; for LMTP once per recipient.
    using script = std::function<std::string(std::string const& line, unsigned connection)>;

    explicit scripted_server(script s = {}, std::string extensions = "PIPELINING 8BITMIME SMTPUTF8 DSN SIZE",
                             std::string unix_path = {}, bool lmtp = false, SSL_CTX* tls = nullptr,
                             char const* host = "127.0.0.1", std::uint16_t port = 0)
        : script_(std::move(s)), extensions_(std::move(extensions)), lmtp_(lmtp), tls_(tls)
    {
        std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL, as in the program itself
        if (unix_path.empty()) {
            listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            sockaddr_in a{};
            a.sin_family = AF_INET;
            a.sin_port = htons(port);
            ::inet_pton(AF_INET, host, &a.sin_addr);
            socklen_t size = sizeof a;
            int const yes = 1;
            ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
            ::bind(listener_, reinterpret_cast<sockaddr*>(&a), size);
            ::getsockname(listener_, reinterpret_cast<sockaddr*>(&a), &size);
            port_ = ntohs(a.sin_port);
        } else {
            listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
            sockaddr_un a{};
            a.sun_family = AF_UNIX;
            std::strncpy(a.sun_path, unix_path.c_str(), sizeof a.sun_path - 1);
            ::bind(listener_, reinterpret_cast<sockaddr*>(&a), sizeof a);
        }
        ::listen(listener_, 64);
        thread_ = std::thread{[this] { run(); }};
    }
    ~scripted_server()
    {
        stop_ = true;
        thread_.join();
        for (auto& t : sessions_) t.join();
        ::close(listener_);
    }
    scripted_server(scripted_server const&) = delete;
    scripted_server& operator=(scripted_server const&) = delete;

    /// As on port 465.
    void tls_from_start() { tls_from_start_ = true; }

    std::uint16_t port() const { return port_; }
    std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

    /// Waits for so many messages; gives what came.
    std::vector<received_mail> mail(std::size_t count, std::chrono::seconds patience = std::chrono::seconds{20})
    {
        std::unique_lock lock{mutex_};
        changed_.wait_for(lock, patience, [&] { return mail_.size() >= count; });
        return mail_;
    }
    unsigned connections() const { return connections_; }
    /// Connections that were open at the same time; one whose client has said QUIT or closed it is
    /// not, however late its thread hears of that.
    unsigned most_at_once() const { return most_at_once_; }
    std::vector<std::string> lines()
    {
        std::lock_guard const lock{mutex_};
        return lines_;
    }

private:
    struct connection {
        int socket;
        SSL* ssl = nullptr;
        std::string in;
    };

    void run()
    {
        while (!stop_) {
            pollfd p{listener_, POLLIN, 0};
            if (::poll(&p, 1, 20) <= 0) continue;
            int const s = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (s >= 0) sessions_.emplace_back([this, s, n = ++connections_] { serve(s, n); });
        }
    }

    bool fill(connection& c)
    {
        while (!stop_) {
            if (c.ssl == nullptr || SSL_pending(c.ssl) == 0) {
                pollfd p{c.socket, POLLIN, 0};
                if (::poll(&p, 1, 20) <= 0) continue;
            }
            char buffer[65536];
            auto const n = c.ssl ? SSL_read(c.ssl, buffer, sizeof buffer)
                                 : static_cast<int>(::recv(c.socket, buffer, sizeof buffer, 0));
            if (n <= 0) return false;
            c.in.append(buffer, static_cast<std::size_t>(n));
            return true;
        }
        return false;
    }
    bool line(connection& c, std::string& out)
    {
        std::size_t end;
        while ((end = c.in.find("\r\n")) == std::string::npos) {
            if (!fill(c)) return false;
        }
        out = c.in.substr(0, end);
        c.in.erase(0, end + 2);
        return true;
    }
    void say(connection& c, std::string const& text)
    {
        std::string const all = text + "\r\n";
        if (c.ssl) {
            SSL_write(c.ssl, all.data(), static_cast<int>(all.size()));
        } else {
            ::send(c.socket, all.data(), all.size(), MSG_NOSIGNAL);
        }
    }
    void hang(connection& c)
    {
        while (fill(c)) c.in.clear();
    }

    // False: the connection is over.
    bool answer(connection& c, std::string const& asked, unsigned n, std::string const& usual, std::string* given)
    {
        std::string reply = script_ ? script_(asked, n) : std::string{};
        if (reply == "CLOSE") return false;
        if (reply == "HANG") {
            hang(c);
            return false;
        }
        if (reply.empty()) reply = usual;
        if (given) *given = reply;
        if (reply == "TLS") {
            say(c, "220 go");
            c.ssl = SSL_new(tls_);
            SSL_set_fd(c.ssl, c.socket);
            return SSL_accept(c.ssl) == 1;
        }
        say(c, reply);
        return true;
    }

    void serve(int s, unsigned n)
    {
        connection c{s, nullptr, {}};
        count_in(s);
        talk(c, n);
        if (c.ssl) SSL_free(c.ssl);
        count_out(s);
        ::close(s);
    }

    void count_in(int s)
    {
        std::lock_guard const lock{mutex_};
        open_.insert(s);
        unsigned now = 0;
        for (int const other : open_) {
            pollfd p{other, POLLRDHUP, 0};
            now += ::poll(&p, 1, 0) == 0 ? 1 : 0;
        }
        most_at_once_ = std::max(most_at_once_.load(), now);
    }
    void count_out(int s)
    {
        std::lock_guard const lock{mutex_};
        open_.erase(s);
    }

    void talk(connection& c, unsigned n)
    {
        if (tls_from_start_) {
            c.ssl = SSL_new(tls_);
            SSL_set_fd(c.ssl, c.socket);
            if (SSL_accept(c.ssl) != 1) return;
        }
        if (!answer(c, "GREETING", n, "220 scripted ESMTP", nullptr)) return;
        received_mail m;
        std::string text;
        while (line(c, text)) {
            {
                std::lock_guard const lock{mutex_};
                lines_.push_back(text);
            }
            std::string usual = "250 2.0.0 ok", given;
            std::string const verb = text.substr(0, 4);
            if (verb == "EHLO" || verb == "LHLO") {
                usual = "250-scripted";
                std::string words = extensions_;
                if (tls_ != nullptr && c.ssl == nullptr) words += " STARTTLS";
                std::size_t at = 0;
                while (at < words.size()) {
                    std::size_t const end = std::min(words.find(' ', at), words.size());
                    usual += "\r\n250-" + words.substr(at, end - at);
                    at = end + 1;
                }
                usual += "\r\n250 HELP";
            } else if (verb == "STAR") {
                usual = "TLS";
            } else if (verb == "DATA") {
                usual = m.rcpt.empty() ? "554 5.5.1 no valid recipients" : "354 go";
            } else if (verb == "QUIT") {
                usual = "221 2.0.0 bye";
                count_out(c.socket);
            } else if (verb == "BDAT") {
                auto const size = static_cast<std::size_t>(std::stoul(text.substr(5)));
                while (c.in.size() < size) {
                    if (!fill(c)) return;
                }
                m.content = c.in.substr(0, size);
                c.in.erase(0, size);
            }
            if (!answer(c, text, n, usual, &given)) return;
            if (verb == "MAIL" && given[0] == '2') m = {text, {}, {}, n, c.ssl != nullptr};
            if (verb == "RCPT" && given[0] == '2') m.rcpt.push_back(text);
            if (verb == "RSET") m = {};
            if (verb == "QUIT") return;
            if (verb == "DATA" && given[0] == '3') {
                std::size_t end;
                std::string const before = "\r\n";
                while ((end = (before + c.in).find("\r\n.\r\n")) == std::string::npos) {
                    if (!fill(c)) return;
                }
                m.content = c.in.substr(0, end);
                c.in.erase(0, end + 3);
                if (!finish(c, m, n)) return;
            } else if (verb == "BDAT" && given[0] == '2') {
                keep(m);
            }
        }
    }

    bool finish(connection& c, received_mail& m, unsigned n)
    {
        std::size_t const replies = lmtp_ ? m.rcpt.size() : 1;
        bool any = false;
        for (std::size_t i = 0; i < replies; ++i) {
            std::string given;
            if (!answer(c, ".", n, "250 2.0.0 queued", &given)) return false;
            any = any || given[0] == '2';
        }
        if (any) keep(m);
        m = {};
        return true;
    }

    void keep(received_mail const& m)
    {
        std::lock_guard const lock{mutex_};
        mail_.push_back(m);
        changed_.notify_all();
    }

    script script_;
    std::string extensions_;
    bool lmtp_;
    std::atomic<bool> tls_from_start_ = false;
    SSL_CTX* tls_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<bool> stop_ = false;
    std::atomic<unsigned> connections_ = 0, most_at_once_ = 0;
    std::set<int> open_;  // sockets
    std::thread thread_;
    std::list<std::thread> sessions_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<received_mail> mail_;
    std::vector<std::string> lines_;
};

}  // namespace postern::testing
