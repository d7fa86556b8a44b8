// One connection as a stream of octets, with or without TLS, every wait with a deadline.
// An interface so that drivers can be tested without sockets, and so that Asio's and
// OpenSSL's operations are instantiated in net/*.cpp only. A stream belongs to one
// thread (its io_context's) for life.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/system/error_code.hpp>

#include "base/clock.hpp"
#include "base/ip.hpp"
#include "base/result.hpp"
#include "net/tls_observations.hpp"

namespace postern::net {

template <class T>
using awaitable = boost::asio::awaitable<T>;
using error_code = boost::system::error_code;
template <class T>
using net_result = basic_result<T, error_code>;

class tls_context;  // net/tls.hpp

/// What is wrong with a server's certificate, for those who count it.
enum class peer_trouble : std::uint8_t { none, host_mismatch, expired, untrusted, tlsa_mismatch, other };

/// A TLSA record that the server has to match (RFC 6698); only usages 2 and 3 count (RFC 7672 section 3.1).
struct certificate_pin {
    std::uint8_t usage = 0, selector = 0, matching = 0;
    std::string data;
};

/// Whom a client wants to talk to.
struct server_identity {
    server_identity(std::string host) : name(std::move(host)) {}
    std::string name;                   // for SNI
    std::vector<std::string> names;     // whom the certificate may be for; ".example.com": any below; empty: `name`
    std::vector<certificate_pin> pins;  // not empty: these decide, and no authority
    std::string minimum{};              // "1.3"; "1.0": also what is broken, to look at it; empty: what the context has
    std::string maximum{};              // "1.2"; empty: the newest
    bool names_itself = true;           // SNI is sent
    bool observed = false;              // see stream::observations()
};

/// How TLS was agreed upon.
struct tls_state {
    std::string version;  // "TLSv1.3"
    std::string cipher;   // "TLS_AES_128_GCM_SHA256"
    int bits = 0;
    std::string server_name;     // SNI that the client asked for; printable
    bool peer_verified = false;  // client side: chain and name are good, or a TLSA record matches
    std::string peer_problem;    // client side: why not, in words
    peer_trouble peer_wrong = peer_trouble::none;
    std::string peer_authority;  // client side: the TLSA record that matched, "3 1 1"
};

/// Channel bindings; costly to make, so made only when asked for.
struct tls_bindings {
    std::string exporter;          // tls-exporter, RFC 9266
    std::string server_end_point;  // tls-server-end-point, RFC 5929 section 4
    std::string unique;            // tls-unique, RFC 5929 section 3; empty where it does not bind
    std::string certificate;       // no binding: SHA-256 of the server's certificate, octets
};

/// The client's certificate, on the server's side.
struct peer_certificate {
    bool there = false;
    std::string key_sha256;              // of its SubjectPublicKeyInfo, hexadecimal
    std::string subject;                 // printable, for the log
    bool trusted = false;                // an authority of ours vouches for it, and it is valid now
    std::string problem;                 // why it is not trusted, in words
    std::vector<std::string> addresses;  // rfc822Names; believe them only when it is trusted
};

class stream {
public:
    virtual ~stream() = default;

    /// What has come, at least one octet; waits for it at most `limit`. The view stays valid
    /// until the caller next awaits anything. Errors: asio::error::eof (also TLS
    /// close_notify), asio::error::timed_out, others of the socket.
    virtual awaitable<net_result<std::string_view>> read(steady_clock::duration limit) = 0;
    /// All of it, or an error. `octets` must stay valid until it returns.
    virtual awaitable<net_result<done>> write(std::string_view octets, steady_clock::duration limit) = 0;
    /// write() for the last octets: where there is TLS, close_notify travels with them.
    virtual awaitable<net_result<done>> finish(std::string_view octets, steady_clock::duration limit) = 0;
    /// Overwrites what read() gave last, wherever it still stands: after a password came in.
    virtual void wipe_input() noexcept = 0;
    /// Sends `size` octets of a file from `offset` (sendfile where there is no TLS).
    virtual awaitable<net_result<done>> write_file(int file, std::uint64_t offset, std::uint64_t size,
                                                   steady_clock::duration limit) = 0;
    /// Looks at what has come without taking it: up to `most` octets once there are any;
    /// timed_out when nothing came.
    virtual awaitable<net_result<std::string>> peek(std::size_t most, steady_clock::duration limit) = 0;
    /// Discards exactly so many octets that peek() showed (the PROXY header).
    virtual awaitable<net_result<done>> skip(std::size_t count, steady_clock::duration limit) = 0;

    /// TLS from here on; what was read before is not kept (RFC 3207 section 4.2).
    virtual awaitable<net_result<done>> handshake_as_server(std::shared_ptr<tls_context> context,
                                                            steady_clock::duration limit) = 0;
    /// A certificate that doesn't verify is not an error here, see tls_state.
    virtual awaitable<net_result<done>> handshake_as_client(std::shared_ptr<tls_context> context,
                                                            server_identity server, steady_clock::duration limit) = 0;
    /// Null without TLS.
    virtual tls_state const* tls() const noexcept = 0;
    /// Of the running TLS connection; empty without TLS.
    virtual tls_bindings bindings() const = 0;
    /// Where the context asks clients for one.
    virtual peer_certificate certificate() const = 0;
    /// Client side, where server_identity asked for it; what there was of it, also when the handshake failed.
    virtual tls_observations observations() const { return {}; }
    /// Why the last TLS operation failed, in OpenSSL's words, for the log; else empty.
    virtual std::string problem() const = 0;

    /// Who is at the other end of a Unix socket; nothing where it is no Unix socket.
    virtual std::optional<std::uint32_t> local_user() const noexcept { return std::nullopt; }

    virtual endpoint local() const noexcept = 0;
    virtual endpoint remote() const noexcept = 0;
    /// From a PROXY header: who the client really is, and where it connected to.
    virtual void set_endpoints(endpoint remote, endpoint local) noexcept = 0;

    /// Ends the pending operation, if any, with operation_aborted; the stream stays open.
    virtual void interrupt() noexcept = 0;
    /// Sends close_notify where there is TLS (without waiting) and closes. Pending operations
    /// end with an error. Safe to call again.
    virtual void close() noexcept = 0;
    virtual boost::asio::any_io_executor executor() = 0;
};

/// Connects over TCP (TCP_NODELAY). Errors: those of connect, timed_out.
awaitable<net_result<std::unique_ptr<stream>>> connect(boost::asio::any_io_executor executor, endpoint to,
                                                       steady_clock::duration limit);
/// The same to a Unix socket.
awaitable<net_result<std::unique_ptr<stream>>> connect_unix(boost::asio::any_io_executor executor, std::string path,
                                                            steady_clock::duration limit);

}  // namespace postern::net
