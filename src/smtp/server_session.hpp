// The server half of one SMTP session, RFC 5321 and RFC 6409, as a state machine that
// never touches a socket, a clock, a disk or a thread. It is fed with octets and asks
// for what it needs: each on_...() gives the one action that the driver performs next,
// and the driver answers with the on_...() named beside it.
//
// Replies pile up in output(). The driver writes and clears it before it waits for
// input, before start_tls, hang_up and anything slow; so pipelined commands (RFC 2920)
// are answered in one write.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/ip.hpp"
#include "base/secret.hpp"
#include "catalogue/verdict.hpp"
#include "config/settings.hpp"
#include "mail/envelope.hpp"
#include "sasl/mechanism.hpp"

namespace postern::smtp {

/// What a listener's sessions share; outlives them.
struct server_settings {
    std::string hostname;
    config::role role = config::role::submission;
    bool starttls = false;                // STARTTLS can be had here
    std::vector<std::string> mechanisms;  // as configured, in the order in which EHLO shows them
    bool auth_equals = false;             // EHLO shows them once more as `AUTH=`, for clients from before RFC 2554
    std::uint64_t message_size = 0;
    std::uint32_t recipients = 0;
    std::uint32_t errors = 0;
    std::uint32_t auth_failures = 0;
    bool priorities = false;              // MT-PRIORITY, RFC 6710
    bool priority_without_login = false;  // above 0, too
    bool deliver_by = false;              // DELIVERBY, RFC 2852
    std::chrono::seconds hold_most{0};    // FUTURERELEASE, RFC 4865, for who has logged in; 0: not offered
    std::string pages{};                  // the URL of the web pages: refusals lead to /why/ID there; empty: they don't
};

/// What the connection is, TLS apart.
struct connection_facts {
    std::string session_id;
    endpoint client;
    bool auth_without_tls = false;  // require_tls is off, or the client is in plaintext_networks
    sasl::account_means accounts{};
};

struct tls_facts {
    std::string version;  // "TLSv1.3"
    std::string cipher;   // "TLS_AES_256_GCM_SHA384"
    int bits = 0;
    std::string server_name;  // SNI, printable
    sasl::channel_bindings bindings;
    std::vector<std::string> certificate_accounts{};  // whom the client's certificate is for
    bool certificate_unsure = false;                  // and of somebody it names nobody could say who that is
};

// The actions, each with what the driver calls when it is done.

/// More octets, please: on_input(). When it came from another on_...(), what the last
/// on_input() left is to be offered first.
struct need_input {};
/// Discard unread input, write output(), shake hands: on_tls(), or close.
struct start_tls {};
/// Ask the directory: on_login().
struct verify_password {
    std::string authcid, authzid;
    secret password;
};
/// The keys of an account: on_scram() or on_scram_unavailable().
struct fetch_scram {
    std::string authcid;
    postern::hash hash;
};
/// The same for CRAM-MD5: on_cram() or on_scram_unavailable().
struct fetch_cram {
    std::string authcid;
};
/// A bearer token: on_login(), with what to tell the client when it is refused.
struct verify_token {
    std::string identity;  // whom the client wants to be; empty: whoever it is for
    secret token;
};
/// A step of a Kerberos context: on_context(), or on_scram_unavailable().
using sasl::context_step;
/// The mechanism has proven the identity; whose login is it, and may it log in? on_login().
struct authorize {
    std::string authcid, authzid;
    std::string stored_key;  // what the proof was checked with
    bool outside = false;    // proven by a certificate or a ticket: there is no such key
};
/// May transaction().reverse_path send here? on_sender().
struct check_sender {};
/// on_recipient()
struct check_recipient {
    mail::recipient to;
};
/// Is there room for a message, and a writer? Whatever an earlier begin_content of this
/// session left unfinished is void. on_content_ready().
struct begin_content {};
/// Everything up to CRLF.CRLF (data_decoder), also when it is refused: on_content().
struct read_data {};
/// Exactly so many octets, also when they are refused: on_content().
struct read_chunk {
    std::uint64_t size;
    bool last;
};
/// Read and forget so many octets: on_discarded().
struct discard_chunk {
    std::uint64_t size;
};
/// Commit: on_finished().
struct finish_message {};
/// What was seen of the sessions of a check: on_record().
struct show_record {
    std::string code;
};
/// Write output(), close.
struct hang_up {};
using action = std::variant<need_input, start_tls, verify_password, fetch_scram, fetch_cram, verify_token, context_step,
                            authorize, check_sender, check_recipient, begin_content, read_data, read_chunk,
                            discard_chunk, finish_message, show_record, hang_up>;

enum class login_result : std::uint8_t {
    accepted,
    bad_credentials,
    disabled,
    smtp_auth_off,
    app_password_needed,
    unsure,  // it does not fit, and somebody who may know better can't be asked
    unavailable
};

class server_session {
public:
    server_session(server_settings const& s, connection_facts c);
    ~server_session();
    server_session(server_session&&) noexcept;

    /// Greets (220). `tls`: implicit TLS is up, or a client hello came on 587.
    action on_connect(tls_facts const* tls = nullptr);
    /// Takes complete lines off the front of `in` until something is needed. What it leaves
    /// (an incomplete line, the octets behind DATA, BDAT or STARTTLS) the driver keeps.
    action on_input(std::string_view& in);
    action on_tls(tls_facts const& tls);  // RFC 3207 section 4.2: forgets all said in the clear
    /// `account`: whose login it is, when accepted. `told`: JSON for a client whose token is
    /// not taken.
    action on_login(login_result r, std::string_view account, std::string_view told = {});
    action on_scram(sasl::scram_keys const& keys);
    action on_cram(sasl::cram_keys const& keys);
    action on_context(sasl::context_answer const& answer);
    /// The back end failed to answer fetch_scram, fetch_cram or context_step: 454 4.7.0.
    action on_scram_unavailable();
    /// The log-in is not even looked at, for this reason: the answer to verify_password,
    /// fetch_scram and authorize alike. It is no guess and does not count as one.
    action on_login_put_off(catalogue::verdict const& v);
    action on_sender(catalogue::verdict const& v);
    action on_recipient(catalogue::verdict const& v);
    action on_content_ready(catalogue::verdict const& v);
    action on_content(catalogue::verdict const& v);
    action on_discarded();
    action on_finished(catalogue::verdict const& v, std::string_view queue_id);
    /// Lines for the reply to HELP; none: the code isn't good, and the answer is HELP's own.
    action on_record(std::vector<std::string> const& lines);
    /// 421 4.4.2: of a command, or of the session as a whole.
    action on_timeout(catalogue::rule const& why = catalogue::rules::timeout);
    action on_shutdown();  // 421 4.3.2, between commands
    /// What time it is, before on_input() where commands may ask for it.
    void set_time(wall_time now) noexcept;

    /// Replies to be written; the driver clears it.
    std::string& output() noexcept;
    /// Refusals since the last call, for the log: each with the number that its reply's id
    /// ends in ("session_id.number").
    struct refusal {
        catalogue::verdict what;
        std::uint32_t number;
        std::string command;  // the command as printable text; never a line of AUTH
    };
    std::vector<refusal> take_refusals();

    mail::envelope const& transaction() const noexcept;
    std::string const& login() const noexcept;           // account; empty: none
    std::string_view mechanism() const noexcept;         // of the login or of the exchange under way
    std::string_view claimed_identity() const noexcept;  // of the exchange under way or the last one, for the log
    std::string const& ehlo_argument() const noexcept;
    bool extended() const noexcept;  // EHLO, not HELO
    /// The mark of a check, as it came (witness/mark.hpp); empty for everybody else. Outlives the handshake.
    std::string const& mark() const noexcept;
    std::vector<std::string_view> const& offered_mechanisms() const noexcept;  // by the last EHLO
    bool tls() const noexcept;
    tls_facts const& tls_details() const noexcept;
    /// "ESMTPSA" and the like (RFC 3848, RFC 6531 section 4.3), for Received.
    std::string_view protocol() const noexcept;
    bool in_exchange() const noexcept;  // inside AUTH: time limits are shorter, nothing is logged

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace postern::smtp
