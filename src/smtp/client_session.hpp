// The client half of one SMTP or LMTP session (RFC 5321, RFC 2033) as a state machine
// that never touches a socket, a clock, a disk or a thread. The driver asks next() what
// to do, does it, and reports back:
//
//   read_reply     write and clear output(), read, then on_input() or on_lost()
//   start_tls      write nothing; handshake, then on_tls() or on_lost()
//   choose_login   only where settings say so: begin_login() with a mechanism that the other side
//                  announced, or give_up_login() where none fits
//   answer         let mechanism().step(challenge()) answer, on a thread of its own where that works
//                  long, then on_answer() with what it gave
//   send_content   put the content behind output() and write both, then on_content_sent();
//                  before that, begin() may add the next message behind the content's end
//   ready          nothing is under way: begin() or quit()
//   hang_up        close; failed() says why
//
// With PIPELINING (RFC 2920) a message's MAIL, RCPT and DATA go out together, behind the
// content of the message before it: one write and one read a message.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "mail/envelope.hpp"
#include "sasl/client_mechanism.hpp"
#include "smtp/reply_parser.hpp"

namespace postern::smtp {

enum class dialect : std::uint8_t { smtp, lmtp };
enum class tls_wish : std::uint8_t { never, if_offered, required };

struct client_settings {
    std::string hostname;  // for EHLO or LHLO
    dialect speaks = dialect::smtp;
    tls_wish tls = tls_wish::if_offered;
    bool stays_here = false;     // the other side is this machine's own: REQUIRETLS is met (RFC 8689)
    bool logs_in = false;        // or else no mail (RFC 4954); only under TLS with a good certificate ...
    bool logs_in_clear = false;  // ... or where nobody is in between
};

/// What the last EHLO announced.
struct extensions {
    bool pipelining = false;
    bool starttls = false;
    bool size = false;
    bool eight_bit_mime = false;
    bool smtputf8 = false;
    bool dsn = false;
    bool chunking = false;
    bool binary_mime = false;
    bool require_tls = false;
    bool priorities = false;              // MT-PRIORITY, RFC 6710
    bool deliver_by = false;              // DELIVERBY, RFC 2852
    std::uint32_t least_by = 0;           // seconds that it wants to have for what is to be given back
    std::uint64_t size_limit = 0;         // 0: none said
    std::uint32_t most_recipients = 0;    // LIMITS RCPTMAX, RFC 9422; 0: not said
    std::uint32_t most_messages = 0;      // LIMITS MAILMAX
    std::vector<std::string> mechanisms;  // AUTH
};

/// Why a message can't go over this session.
enum class obstacle : std::uint8_t { none, smtputf8, eight_bit, binary, require_tls, too_big, too_late };

/// A message to hand over; all of it is read in begin() only.
struct outgoing {
    mail::envelope const* env = nullptr;  // its recipients don't count
    std::span<mail::recipient const* const> recipients;
    std::uint64_t size = 0;
    bool utf8 = false;                           // addresses or header really need SMTPUTF8
    wall_time now{};                             // for what is left of a time to deliver by
    std::optional<mail::body_type> converted{};  // what the content is instead of what the envelope says

    mail::body_type body() const { return converted.value_or(env->body); }
};

enum class fate : std::uint8_t {
    pending,
    accepted,
    refused,     // 5xx
    deferred,    // 4xx
    unanswered,  // the session ended first
};

struct recipient_result {
    fate what = fate::pending;
    reply said;
};

/// A message whose recipients all have their fate.
struct finished {
    std::uint64_t id = 0;
    std::vector<recipient_result> recipients;  // in the order of begin()
    bool content_sent = false;                 // the content, or part of it, went out
    bool dsn_passed_on = false;                // the other side knows DSN and took the parameters
};

/// Phases have different patience, RFC 5321 section 4.5.3.2.
enum class phase : std::uint8_t { greeting, hello, starttls, auth, mail, rcpt, data, content, reset, quit };

enum class failure : std::uint8_t {
    none,
    refused,           // greeting or EHLO answered with 4xx or 5xx
    shutting_down,     // 421
    no_tls,            // required, but not offered or refused
    login_refused,     // the server said no to what we proved
    login_impossible,  // no way to log in that both sides know, or the server did not prove itself
    malformed,         // what came is not SMTP
    injected,          // octets behind the reply to STARTTLS (CVE-2011-0411 and its kin)
    lost,              // closed, reset, timed out, handshake failed
};

struct read_reply {
    phase waiting_for;
};
struct start_tls_now {};
struct choose_login {};
struct answer_challenge {};
struct send_content {
    std::uint64_t id;
    bool chunk;  // BDAT: as it is and nothing behind it; else dot-stuffed with its final dot
};
struct ready {};
struct hang_up_now {};
using client_action =
    std::variant<read_reply, start_tls_now, choose_login, answer_challenge, send_content, ready, hang_up_now>;

class client_session {
public:
    explicit client_session(client_settings s);

    client_action next() const;

    /// Before anything else: TLS was there from the first octet (port 465).
    void begin_in_tls(bool verified) noexcept
    {
        tls_ = true;
        tls_verified_ = verified;
    }
    /// All of `in` is taken.
    void on_input(std::string_view in);
    /// TLS is up: what was announced before is forgotten (RFC 3207 section 4.2).
    void on_tls(bool verified);
    /// After choose_login: the exchange to make.
    void begin_login(std::unique_ptr<sasl::client_mechanism> m);
    /// Or why there is none; for the log.
    void give_up_login(std::string_view why);
    sasl::client_mechanism& mechanism() noexcept { return *mechanism_; }
    std::optional<std::string> const& challenge() const noexcept { return challenge_; }
    void on_answer(sasl::client_action answer);
    void on_content_sent();
    /// The connection is gone; `why` is for the log and the reports.
    void on_lost(std::string_view why);

    /// Whether the other side can take it.
    obstacle check(outgoing const& m) const;
    /// Whether begin() is allowed now: the session is up and no other message waits for replies
    /// to its envelope.
    bool can_begin() const;
    /// Starts a message; at least one recipient. `id` is the caller's.
    void begin(std::uint64_t id, outgoing const& m);
    void quit();

    /// Messages that are through, in order, until there is none.
    std::optional<finished> take_finished();

    std::string& output() noexcept { return output_; }
    extensions const& announced() const noexcept { return announced_; }
    bool tls() const noexcept { return tls_; }
    /// Of the mechanisms announced, those that the server did not turn down in this session.
    std::vector<std::string> usable_mechanisms() const;
    /// How we logged in: "SCRAM-SHA-256"; empty: not.
    std::string const& logged_in_by() const noexcept { return logged_in_by_; }
    /// Replies read so far: a deadline is for one reply, however slowly it drips in.
    std::uint64_t replies() const noexcept { return replies_; }
    /// Messages begun so far.
    std::uint64_t begun() const noexcept { return begun_; }
    failure failed() const noexcept { return failed_; }
    /// What the other side said last when it failed, or our own words; printable.
    std::string const& failure_text() const noexcept { return failure_text_; }
    reply const& failure_reply() const noexcept { return failure_reply_; }

private:
    struct expectation {
        phase what;
        std::uint32_t recipient = 0;
        std::string command;  // not yet written; only without PIPELINING
    };
    struct running {
        finished result;
        bool mail_taken = false;
        bool over = false;  // fates are known; only replies to what was pipelined are to come
        bool chunk = false;
        std::uint64_t size = 0;
        std::uint32_t taken = 0;  // recipients accepted by RCPT
        std::uint32_t lmtp_next = 0;
    };

    void say_hello(std::string_view verb);
    void on_reply(reply r);
    void on_hello(reply const& r);
    void on_ready_to_log_in();
    void on_auth(reply const& r);
    void abandon_login(std::string_view why);
    void on_mail(running& t, reply const& r);
    void on_rcpt(running& t, std::uint32_t number, reply const& r);
    void on_data(running& t, reply const& r);
    void on_content_reply(running& t, reply const& r);
    void enqueue(phase what, std::uint32_t recipient, std::string_view command);
    void write_next_command();
    void settle_taken(running& t, reply const& r);
    void skip_envelope();
    void finish_front();
    void fail(failure why, std::string text, reply r = {});

    client_settings settings_;
    reply_parser parser_;
    std::string output_;
    std::deque<expectation> expected_;
    std::deque<running> running_;  // at most two: content sent, envelope sent
    std::deque<finished> finished_;
    extensions announced_;
    std::uint64_t begun_ = 0;
    std::uint64_t replies_ = 0;
    bool extended_ = false;
    bool tls_ = false, tls_verified_ = false;
    bool tls_due_ = false;
    bool content_due_ = false;
    bool reset_due_ = false;
    bool up_ = false;
    bool quitting_ = false;

    // Logging in.
    std::unique_ptr<sasl::client_mechanism> mechanism_;
    std::optional<std::string> challenge_;
    std::optional<secret> initial_response_;  // too long for the command: for the first challenge
    std::vector<std::string> turned_down_;
    std::string abandoned_;  // why; "*" was sent
    std::string logged_in_by_;
    unsigned challenges_ = 0;
    bool login_due_ = false, answer_due_ = false;

    failure failed_ = failure::none;
    std::string failure_text_;
    reply failure_reply_;
};

/// Writes content as DATA wants it (RFC 5321 section 4.5.2): a dot before each line that
/// begins with one, CRLF.CRLF at the end. Keeps its place from piece to piece.
class dot_stuffer {
public:
    void add(std::string_view piece, std::string& out);
    void finish(std::string& out);

private:
    enum class at : std::uint8_t { line_start, in_line, cr };
    at at_ = at::line_start;
};

}  // namespace postern::smtp
