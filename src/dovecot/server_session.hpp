// The server half of one connection of Dovecot's authentication protocol, version 1.2, as
// a state machine that never touches a socket, a clock or a directory. Other mail servers
// (Postfix, Exim, Dovecot's login processes) carry their clients' SASL exchanges through
// it, many at a time, each with a number of theirs.
//
// It is fed with octets; what an exchange needs comes out as an event, and is answered by
// ticket, which stays unique when a number is used again. Lines for the client pile up in
// output(). Knows no guard and keeps no log: a refusal is an event, and its line is written
// when the driver says so.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ip.hpp"
#include "catalogue/verdict.hpp"
#include "dovecot/lines.hpp"
#include "sasl/mechanism.hpp"

namespace postern::dovecot {

struct server_options {
    std::uint32_t process = 1;            // SPID: which Dovecot compares between two sockets of ours
    std::uint32_t connection = 1;         // CUID
    std::string cookie{};                 // unguessable, of this connection; hexadecimal
    std::vector<std::string> mechanisms;  // offered, in this order
    std::string host{};                   // our name, for challenges
    bool require_tls = true;              // passwords and tokens only where the client's client has TLS
    std::vector<network> plaintext_networks{};
    std::size_t most_requests = 256;  // under way at one time
};

/// Who wants to log in there, as the client says.
struct request_facts {
    std::string service;
    std::string session;               // what the client calls it in its log
    std::optional<ip_address> remote;  // of its client
    std::uint16_t remote_port = 0;
    std::string tls;        // "TLS", or what version the client says; empty: none
    bool secured = false;   // by TLS, or since it came from the same machine
    bool no_login = false;  // nobody will fetch the log-in by a master connection
};

/// A mechanism wants to know something: the on_...() that sasl/mechanism.hpp names, or
/// succeed() or refuse().
struct question {
    std::uint64_t ticket;
    sasl::outcome what;
};
/// An exchange ended without a log-in: the log, the guard, then fail().
struct failure {
    std::uint64_t ticket;
    catalogue::rule const* why;
    std::string detail;  // for the log
};
/// Nothing yet: more octets, or the answer to a question.
struct nothing {};
using event = std::variant<nothing, question, failure>;

class server_session {
public:
    explicit server_session(server_options o);
    ~server_session();
    server_session(server_session const&) = delete;
    server_session& operator=(server_session const&) = delete;

    /// Says what the server is and can.
    void on_connect();
    /// Takes complete lines off the front of `in` until there is an event. What it leaves, the
    /// driver keeps and offers again; `nothing` means that there is no complete line left.
    event on_input(std::string_view& in);
    event on_scram(std::uint64_t ticket, sasl::scram_keys const& keys);
    event on_cram(std::uint64_t ticket, sasl::cram_keys const& keys);
    event on_token_refused(std::uint64_t ticket, std::string_view json);
    event on_context(std::uint64_t ticket, sasl::context_answer const& answer);
    event refuse(std::uint64_t ticket, catalogue::rule const& why, std::string_view detail = {});
    /// It is this account's log-in.
    void succeed(std::uint64_t ticket, std::string_view account);
    /// Ends a refused exchange: `v` is what the client reads.
    void fail(std::uint64_t ticket, catalogue::verdict const& v, std::string_view id);

    struct request {
        std::uint32_t id = 0;
        request_facts facts;
        std::string mechanism;
        std::unique_ptr<sasl::server_mechanism> exchange;
        std::string claimed;
        bool awaits_line = false;  // CONT
        bool swept = false;        // was so at the last sweep(), too
        bool abandoned = false;    // the client is no longer interested
    };
    /// Null when the client gave it up, and nothing is owed to it any more.
    request const* find(std::uint64_t ticket) const;
    /// Ends, without a word, as Dovecot does it, exchanges that await a line of the client since
    /// the last call.
    void sweep();

    std::string& output() noexcept { return output_; }
    std::string const& output() const noexcept { return output_; }
    std::size_t requests() const noexcept { return requests_.size(); }
    /// The process of the client, as it says; 0 before the handshake.
    std::uint32_t client_process() const noexcept { return client_process_; }
    bool greeted() const noexcept { return client_process_ != 0; }
    /// Why the connection must be closed, a literal; empty: go on.
    std::string_view broken() const noexcept { return broken_; }
    /// The client can't be told "not now" but by closing the connection, which ends in 454 at
    /// its client: Postfix and Exim take FAIL for a wrong password, whatever else it says.
    bool hangs_up() const noexcept { return hangs_up_; }

private:
    event take(std::string_view line);
    event take_handshake(std::string_view line);
    event take_auth(std::string_view line);
    event take_cont(std::string_view line);
    event take_cancel(std::string_view line);
    event step(std::uint64_t ticket, request& r, sasl::outcome o);
    event decline(std::uint64_t ticket, catalogue::rule const& why, std::string_view detail = {});
    event breaks(char const* why);
    bool offers(std::string_view name) const;
    std::optional<std::uint64_t> ticket_of(std::uint32_t id) const;

    server_options const options_;
    std::string output_;
    std::map<std::uint64_t, request> requests_;
    std::uint64_t last_ticket_ = 0;
    std::uint32_t client_process_ = 0;
    std::optional<std::uint32_t> minor_version_;
    std::string_view broken_;
    bool hangs_up_ = false;
};

}  // namespace postern::dovecot
