#include "net/socket_stream.hpp"

#include <array>
#include <cerrno>

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <boost/asio/error.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/secret.hpp"
#include "base/text.hpp"
#include "net/deadline.hpp"
#include "net/socket_address.hpp"
#include "net/tls_context.hpp"
#include "net/tls_facts.hpp"
#include "net/tls_transport.hpp"
#include "net/tls_watch.hpp"

namespace postern::net {
namespace {

namespace asio = boost::asio;
using boost::asio::posix::stream_descriptor;

constexpr std::size_t buffer_size = 64 << 10;
constexpr std::size_t idle_capacity = 512;  // what a connection may keep for records while it waits

// Octets are read into a buffer of the thread's and looked at before anything else of
// the thread runs, so a connection needs no buffer of its own.
std::array<char, buffer_size>& thread_buffer()
{
    thread_local auto const buffer = std::make_unique<std::array<char, buffer_size>>();
    return *buffer;
}

error_code from_errno() { return {errno, boost::system::system_category()}; }

struct ssl_deleter {
    void operator()(SSL* s) const noexcept { SSL_free(s); }
};

enum class need { input, output };

class socket_stream final : public stream {
public:
    socket_stream(asio::any_io_executor executor, int descriptor, endpoint remote, endpoint local)
        : socket_(executor, descriptor),
          deadline_(executor,
                    [this] {
                        timed_out_ = true;
                        socket_.cancel();
                    }),
          remote_(remote),
          local_(local)
    {
    }

    ~socket_stream() override { close(); }

    awaitable<net_result<std::string_view>> read(steady_clock::duration limit) override
    {
        // The answer to what we just wrote is not here yet, so wait first; but what a TLS
        // record or a full buffer brought more of is here already.
        bool const here = ssl_ ? SSL_has_pending(ssl_.get()) == 1 : full_;
        if (here) {
            auto const n = take();
            if (n > 0) co_return std::string_view{thread_buffer().data(), static_cast<std::size_t>(n)};
            if (n == 0) co_return failure_;
        }
        for (;;) {
            if (!transport_.output.empty())
                if (auto ec = co_await send_records(limit)) co_return ec;
            if (auto ec = co_await wait(need::input, limit)) co_return ec;
            auto const n = take();
            if (n > 0) co_return std::string_view{thread_buffer().data(), static_cast<std::size_t>(n)};
            if (n == 0) co_return failure_;
        }
    }

    awaitable<net_result<done>> write(std::string_view octets, steady_clock::duration limit) override
    {
        if (ssl_) {
            while (!octets.empty()) {
                auto const n = encrypt(octets);
                if (n == 0) co_return failure_;
                octets.remove_prefix(n);
                if (auto ec = co_await send_records(limit)) co_return ec;
            }
            co_return done{};
        }
        while (!octets.empty()) {
            auto const n = send_some(octets);
            if (n > 0) {
                octets.remove_prefix(static_cast<std::size_t>(n));
                continue;
            }
            if (n == 0) co_return failure_;
            if (auto ec = co_await wait(need::output, limit)) co_return ec;
        }
        co_return done{};
    }

    awaitable<net_result<done>> finish(std::string_view octets, steady_clock::duration limit) override
    {
        if (!ssl_ || octets.size() > buffer_size) co_return co_await write(octets, limit);
        if (!octets.empty() && encrypt(octets) == 0) co_return failure_;
        say_goodbye();
        if (auto ec = co_await send_records(limit)) co_return ec;
        co_return done{};
    }

    void wipe_input() noexcept override
    {
        auto& buffer = thread_buffer();
        wipe(buffer.data(), std::min(last_read_, buffer.size()));
    }

    awaitable<net_result<done>> write_file(int file, std::uint64_t offset, std::uint64_t size,
                                           steady_clock::duration limit) override
    {
        if (ssl_) co_return co_await write_file_by_reading(file, offset, size, limit);
        auto at = static_cast<off_t>(offset);
        while (size != 0) {
            // Bounded, so that one fast reader doesn't keep the thread to itself.
            auto const n = ::sendfile(socket_.native_handle(), file, &at, std::min<std::uint64_t>(size, 1 << 20));
            if (n > 0) {
                size -= static_cast<std::uint64_t>(n);
                continue;
            }
            if (n == 0) co_return error_code{EIO, boost::system::system_category()};  // the file is shorter
            if (errno == EINTR) continue;
            if (errno != EAGAIN) co_return from_errno();
            if (auto ec = co_await wait(need::output, limit)) co_return ec;
        }
        co_return done{};
    }

    awaitable<net_result<std::string>> peek(std::size_t most, steady_clock::duration limit) override
    {
        for (;;) {
            if (auto ec = co_await wait(need::input, limit)) co_return ec;
            std::string out(most, '\0');
            auto const n = ::recv(socket_.native_handle(), out.data(), most, MSG_PEEK | MSG_DONTWAIT);
            if (n > 0) {
                out.resize(static_cast<std::size_t>(n));
                co_return out;
            }
            if (n == 0) co_return error_code{asio::error::eof};
            if (errno != EAGAIN && errno != EINTR) co_return from_errno();
        }
    }

    awaitable<net_result<done>> skip(std::size_t count, steady_clock::duration limit) override
    {
        while (count != 0) {
            auto& buffer = thread_buffer();
            auto const n = ::recv(socket_.native_handle(), buffer.data(), std::min(count, buffer.size()), MSG_DONTWAIT);
            if (n > 0) {
                count -= static_cast<std::size_t>(n);
                continue;
            }
            if (n == 0) co_return error_code{asio::error::eof};
            if (errno != EAGAIN && errno != EINTR) co_return from_errno();
            if (auto ec = co_await wait(need::input, limit)) co_return ec;
        }
        co_return done{};
    }

    awaitable<net_result<done>> handshake_as_server(std::shared_ptr<tls_context> context,
                                                    steady_clock::duration limit) override
    {
        begin_tls(std::move(context));
        SSL_set_accept_state(ssl_.get());
        auto const shaken = co_await handshake(limit);
        if (shaken)
            if (char const* const name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name))
                tls_->server_name = printable(name, 255);
        co_return shaken;
    }

    awaitable<net_result<done>> handshake_as_client(std::shared_ptr<tls_context> context, server_identity server,
                                                    steady_clock::duration limit) override
    {
        begin_tls(std::move(context));
        SSL_set_connect_state(ssl_.get());
        expect_server(ssl_.get(), server);
        if (server.observed) {
            watch_ = std::make_unique<watched>(server.name);
            watch_server(ssl_.get(), watch_->seen);
        }
        auto const shaken = co_await handshake(limit);
        if (shaken) judge_server(ssl_.get(), server, *tls_);
        co_return shaken;
    }

    tls_state const* tls() const noexcept override { return tls_.get(); }

    tls_bindings bindings() const override { return ssl_ ? bindings_of(ssl_.get()) : tls_bindings{}; }

    peer_certificate certificate() const override
    {
        return ssl_ ? certificate_of(ssl_.get(), *context_) : peer_certificate{};
    }

    tls_observations observations() const override
    {
        return ssl_ && watch_ ? observe_server(ssl_.get(), watch_->name, watch_->seen) : tls_observations{};
    }

    std::string problem() const override { return problem_; }

    std::optional<std::uint32_t> local_user() const noexcept override
    {
        ucred who{};
        socklen_t size = sizeof who;
        int family = 0;
        socklen_t family_size = sizeof family;
        auto const fd = const_cast<stream_descriptor&>(socket_).native_handle();
        if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &family_size) != 0 || family != AF_UNIX ||
            ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0)
            return std::nullopt;
        return who.uid;
    }

    endpoint local() const noexcept override { return local_; }
    endpoint remote() const noexcept override { return remote_; }
    void set_endpoints(endpoint remote, endpoint local) noexcept override
    {
        remote_ = remote;
        local_ = local;
    }

    void interrupt() noexcept override
    {
        error_code ignored;
        socket_.cancel(ignored);
    }

    void close() noexcept override
    {
        if (!socket_.is_open()) return;
        deadline_.disarm();
        if (ssl_) {
            say_goodbye();
            send_some_records();  // if there is room; nobody waits any more
        }
        // What is left unread would make close() reset the connection, and the client would
        // lose our last reply.
        ::shutdown(socket_.native_handle(), SHUT_WR);
        auto& buffer = thread_buffer();
        for (int i = 0; i < 4; ++i)
            if (::recv(socket_.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT) <= 0) break;
        error_code ignored;
        socket_.close(ignored);
        ssl_.reset();
    }

    asio::any_io_executor executor() override { return socket_.get_executor(); }

private:
    void begin_tls(std::shared_ptr<tls_context> context)
    {
        context_ = std::move(context);
        full_ = false;
        ssl_.reset(SSL_new(context_->first()));
        transport_.descriptor = socket_.native_handle();
        BIO* const both = ssl_ ? make_transport_bio(transport_) : nullptr;
        if (both == nullptr) throw std::bad_alloc{};
        SSL_set_bio(ssl_.get(), both, both);
    }

    awaitable<net_result<done>> handshake(steady_clock::duration limit)
    {
        auto const until = steady_clock::now() + limit;
        for (;;) {
            ERR_clear_error();
            int const r = SSL_do_handshake(ssl_.get());
            // What the last step made (a ticket, our Finished) travels with what follows.
            if (r == 1) break;
            bool const over = !wants_input(r);
            if (over && problem_.empty()) problem_ = "the connection was closed";
            // One deadline for the whole of it: a client that dribbles gains nothing.
            auto const left = until - steady_clock::now();
            if (left <= left.zero()) co_return error_code{asio::error::timed_out};
            if (auto ec = co_await send_records(left)) co_return over ? failure_ : ec;
            if (over) co_return failure_;
            if (auto ec = co_await wait(need::input, left)) co_return ec;
        }
        shaken_ = true;
        tls_ = std::make_unique<tls_state>();
        tls_->version = SSL_get_version(ssl_.get());
        tls_->cipher = SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl_.get()));
        tls_->bits = SSL_get_cipher_bits(ssl_.get(), nullptr);
        co_return done{};
    }

    // Waits for readiness; an error code when the deadline passed or the socket was closed.
    awaitable<error_code> wait(need what, steady_clock::duration limit)
    {
        if (!socket_.is_open()) co_return error_code{asio::error::operation_aborted};
        timed_out_ = false;
        deadline_.arm(limit);
        auto const kind = what == need::output ? stream_descriptor::wait_write : stream_descriptor::wait_read;
        error_code ec;
        co_await socket_.async_wait(kind, asio::redirect_error(asio::use_awaitable, ec));
        deadline_.disarm();
        if (ec && timed_out_) co_return error_code{asio::error::timed_out};
        co_return ec;
    }

    // Reads what is there into the thread's buffer: octets taken; 0: failure_ says why not;
    // -1: nothing there, wait.
    ssize_t take()
    {
        auto& buffer = thread_buffer();
        if (!ssl_) {
            ssize_t n = 0;
            do n = ::recv(socket_.native_handle(), buffer.data(), buffer.size(), MSG_DONTWAIT);
            while (n < 0 && errno == EINTR);
            full_ = n == static_cast<ssize_t>(buffer.size());
            if (n > 0) {
                last_read_ = static_cast<std::size_t>(n);
                return n;
            }
            if (n < 0 && errno == EAGAIN) return -1;
            failure_ = n == 0 ? error_code{asio::error::eof} : from_errno();
            return 0;
        }
        std::size_t have = 0;
        for (;;) {
            ERR_clear_error();
            int const n = SSL_read(ssl_.get(), buffer.data() + have, static_cast<int>(buffer.size() - have));
            if (n <= 0) {
                if (have != 0) break;  // what follows will be found by the next read
                return wants_input(n) ? -1 : 0;
            }
            have += static_cast<std::size_t>(n);
            if (have == buffer.size() || SSL_has_pending(ssl_.get()) == 0) break;
        }
        last_read_ = have;
        return static_cast<ssize_t>(have);
    }

    // Sends as much as the socket takes now: octets sent; 0: failure_ says why not; -1: wait.
    ssize_t send_some(std::string_view octets)
    {
        if (!socket_.is_open()) {
            failure_ = asio::error::operation_aborted;
            return 0;
        }
        ssize_t n = 0;
        do n = ::send(socket_.native_handle(), octets.data(), octets.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        while (n < 0 && errno == EINTR);
        if (n > 0) return n;
        if (n < 0 && errno == EAGAIN) return -1;
        failure_ = from_errno();
        return 0;
    }

    // Makes records of the first octets: how many; 0: failure_ says why not.
    std::size_t encrypt(std::string_view octets)
    {
        if (!socket_.is_open()) {
            failure_ = asio::error::operation_aborted;
            return 0;
        }
        ERR_clear_error();
        int const n = SSL_write(ssl_.get(), octets.data(), static_cast<int>(std::min(octets.size(), buffer_size)));
        if (n > 0) return static_cast<std::size_t>(n);
        // Renegotiation is off, so a write never waits for input.
        if (wants_input(n)) failure_ = error_code{EPROTO, boost::system::system_category()};
        return 0;
    }

    void say_goodbye()
    {
        if (!shaken_) return;
        shaken_ = false;
        ERR_clear_error();
        SSL_shutdown(ssl_.get());
        ERR_clear_error();
    }

    ssize_t send_some_records()
    {
        auto& out = transport_.output;
        if (out.empty()) return 0;
        auto const n = send_some(out);
        if (n == static_cast<ssize_t>(out.size())) {
            out.clear();
            if (out.capacity() > idle_capacity) std::string{}.swap(out);
        } else if (n > 0) {
            out.erase(0, static_cast<std::size_t>(n));
        }
        return n;
    }

    awaitable<error_code> send_records(steady_clock::duration limit)
    {
        while (!transport_.output.empty()) {
            auto const n = send_some_records();
            if (n == 0) {
                shaken_ = false;  // no close_notify on a broken connection
                co_return failure_;
            }
            if (n < 0)
                if (auto ec = co_await wait(need::output, limit)) co_return ec;
        }
        co_return error_code{};
    }

    // What OpenSSL's return value asks for: more input; or it is over, see failure_.
    bool wants_input(int returned)
    {
        switch (SSL_get_error(ssl_.get(), returned)) {
            case SSL_ERROR_WANT_READ: return true;
            case SSL_ERROR_ZERO_RETURN: failure_ = asio::error::eof; break;
            case SSL_ERROR_SYSCALL:
                failure_ = errno != 0 ? from_errno() : error_code{asio::error::eof};
                shaken_ = false;
                break;
            default:
                failure_ =
                    ERR_peek_error() != 0 && ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING
                        ? error_code{asio::error::eof}
                        : error_code{EPROTO, boost::system::system_category()};
                problem_ = last_tls_error();
                shaken_ = false;
        }
        ERR_clear_error();
        return false;
    }

    awaitable<net_result<done>> write_file_by_reading(int file, std::uint64_t offset, std::uint64_t size,
                                                      steady_clock::duration limit)
    {
        std::string buffer(std::min<std::uint64_t>(size, buffer_size), '\0');
        while (size != 0) {
            auto const n =
                ::pread(file, buffer.data(), std::min<std::uint64_t>(size, buffer.size()), static_cast<off_t>(offset));
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) co_return from_errno();
            if (n == 0) co_return error_code{EIO, boost::system::system_category()};
            std::string_view const piece{buffer.data(), static_cast<std::size_t>(n)};
            auto const sent = co_await write(piece, limit);
            if (!sent) co_return sent;
            offset += piece.size();
            size -= piece.size();
        }
        co_return done{};
    }

    struct watched {
        explicit watched(std::string server) : name(std::move(server)) {}
        std::string name;
        tls_watch seen;
    };

    stream_descriptor socket_;
    deadline deadline_;
    endpoint remote_, local_;
    std::shared_ptr<tls_context> context_;
    tls_transport transport_;
    std::unique_ptr<watched> watch_;  // outlives ssl_
    std::unique_ptr<SSL, ssl_deleter> ssl_;
    std::unique_ptr<tls_state> tls_;
    std::string problem_;
    error_code failure_;
    std::size_t last_read_ = 0;
    bool timed_out_ = false;
    bool shaken_ = false;
    bool full_ = false;  // the last plain read filled the buffer: there may be more
};

}  // namespace

std::unique_ptr<stream> make_socket_stream(asio::any_io_executor executor, int descriptor, endpoint remote,
                                           endpoint local)
{
    return std::make_unique<socket_stream>(std::move(executor), descriptor, remote, local);
}

endpoint local_endpoint(int descriptor)
{
    sockaddr_storage a{};
    socklen_t size = sizeof a;
    if (::getsockname(descriptor, reinterpret_cast<sockaddr*>(&a), &size) != 0) return {};
    return from_sockaddr(a);
}

endpoint remote_endpoint(int descriptor)
{
    sockaddr_storage a{};
    socklen_t size = sizeof a;
    if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&a), &size) != 0) return {};
    return from_sockaddr(a);
}

}  // namespace postern::net
