// One SMTP conversation from the client's side, step by step, each with its own result: for
// people and programs that want to know what happened. It decides nothing: which step comes next,
// and whether a password may go to this server, is the caller's affair. (Delivery has its own
// driver, which is made for throughput.)
//
// Every step has a deadline for the whole of it, and a limit of octets. After a step that ended
// as unconnected, timed_out, closed, malformed or tls_refused only close() makes sense, but for
// one thing: a server that said nothing may still be asked with hello().
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/keywords.hpp"
#include "client/step.hpp"
#include "client/transcript.hpp"
#include "mail/envelope.hpp"
#include "net/stream.hpp"
#include "sasl/client_mechanism.hpp"
#include "smtp/client_commands.hpp"

namespace postern::client {

/// How TLS is to be agreed upon.
struct tls_terms {
    std::shared_ptr<net::tls_context> context;  // net::make_client_tls
    std::string name;                           // of the server, for SNI and its certificate
    std::string minimum{};                      // net::server_identity has what these mean
    std::string maximum{};
    bool names_itself = true;
};

/// How a log-in ended.
struct login_result {
    enum class what : std::uint8_t {
        accepted,
        refused,          // `last.said` says why
        unproven_server,  // said 235, but could not prove that it knows the password
        broken_off,       // the server broke the mechanism's rules, we said "*": `last.problem`
        unusable,         // mechanism unknown, or the credentials do not fit it: nothing was sent
        lost              // `last` says how
    };
    what how = what::unusable;
    step_result last{};
    std::string mechanism{};
    std::string server_error{};  // what it says against a token, JSON, printable
    bool proof_sent = false;     // what is made of the password or the token had gone out
    bool accepted() const noexcept { return how == what::accepted; }
};

class conversation {
public:
    using duration = steady_clock::duration;

    explicit conversation(boost::asio::any_io_executor executor, transcript t = transcript{});
    ~conversation();
    conversation(conversation const&) = delete;
    conversation& operator=(conversation const&) = delete;

    net::awaitable<step_result> connect(endpoint to, duration limit);
    /// In place of connect(): speaks over this one.
    void use(std::unique_ptr<net::stream> stream);

    /// TLS from the first octet, RFC 8314 section 3.3. Certificates that do not verify are no error:
    /// see tls() and observations().
    net::awaitable<step_result> handshake(tls_terms terms, duration limit);
    net::awaitable<step_result> greeting(duration limit);
    /// EHLO, and HELO where that is not known (RFC 5321 section 3.2).
    net::awaitable<step_result> hello(std::string name, duration limit);
    /// STARTTLS, its reply, the handshake. What EHLO said is forgotten (RFC 3207 section 4.2).
    net::awaitable<step_result> start_tls(tls_terms terms, duration limit);

    /// One AUTH command to its end. Channel bindings are the connection's own.
    net::awaitable<login_result> authenticate(std::string mechanism, sasl::client_credentials who, duration limit);

    net::awaitable<step_result> mail_from(smtp::outgoing message, duration limit);
    net::awaitable<step_result> rcpt_to(mail::recipient to, duration limit);
    /// DATA and its reply; 354 is good.
    net::awaitable<step_result> begin_data(duration limit);
    /// Content, dot-stuffed, with its end and the reply to it. `content` outlives the call. The limit is
    /// for each piece that is written, and once more for the end with its reply (RFC 5321 section 4.5.3.2).
    net::awaitable<step_result> content(std::string_view content, duration limit);
    /// BDAT (RFC 3030): one chunk and its reply.
    net::awaitable<step_result> chunk(std::string_view content, bool last, duration limit);
    net::awaitable<step_result> reset(duration limit);
    net::awaitable<step_result> quit(duration limit);

    /// Any other command, without its line end; it goes into the transcript as it is. What has a line's
    /// end in it is not sent: not_possible.
    net::awaitable<step_result> command(std::string line, duration limit);
    /// For pipelining (RFC 2920): several commands at once, then the replies one by one.
    net::awaitable<step_result> write_commands(std::vector<std::string> lines, duration limit);
    net::awaitable<step_result> next_reply(duration limit);

    void close() noexcept;

    /// The last that it heard was a reply after which more can be said (not 421).
    bool speaking() const noexcept { return speaking_; }
    announcement const& announced() const noexcept { return announced_; }
    /// What mechanisms have to know of this connection.
    sasl::client_options mechanism_options() const;
    boost::asio::any_io_executor executor() const { return executor_; }
    /// Null without TLS.
    net::tls_state const* tls() const noexcept;
    /// Of the last handshake, also of one that failed.
    net::tls_observations const& observations() const noexcept { return observations_; }
    std::optional<endpoint> local() const;
    std::optional<endpoint> remote() const;
    transcript& log() noexcept { return log_; }
    transcript const& log() const noexcept { return log_; }

private:
    net::awaitable<step_result> shake_hands(tls_terms terms, steady_time begun, duration limit);
    net::awaitable<step_result> write(std::string_view octets, steady_time begun, duration limit);
    net::awaitable<step_result> read_reply(steady_time begun, duration limit);
    net::awaitable<step_result> exchange(std::string line, std::string shown, steady_time begun, duration limit);
    net::awaitable<step_result> say_hello(std::string verb, std::string name, steady_time begun, duration limit);
    /// Counts the responses that went out.
    net::awaitable<login_result> converse(std::shared_ptr<sasl::client_mechanism> m, unsigned& responses,
                                          steady_time begun, duration limit);
    step_result failed(net::error_code why, steady_time begun);
    step_result malformed(std::string_view problem, steady_time begun);

    boost::asio::any_io_executor executor_;
    std::unique_ptr<net::stream> stream_;
    transcript log_;
    smtp::reply_parser parser_;
    std::string unread_;  // behind the reply that was taken last
    std::string first_;   // what came for the present step, for malformed()
    announcement announced_;
    net::tls_observations observations_;
    bool speaking_ = false;
};

}  // namespace postern::client
