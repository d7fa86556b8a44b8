// What is behind server_session: its state, and a function for each verb and each
// answer of the driver. Only the files of the session include it. The functions are in
//   server_session.cpp   the public face, lines to verbs, refusals
//   session_hello.cpp    HELO, EHLO, STARTTLS and the small commands
//   session_auth.cpp     AUTH
//   session_mail.cpp     MAIL and RCPT
//   session_content.cpp  DATA and BDAT
#pragma once

#include <optional>

#include "smtp/command_parser.hpp"
#include "smtp/line_reader.hpp"
#include "smtp/server_session.hpp"

namespace postern::smtp {

namespace rules = catalogue::rules;

/// What the driver owes an answer to.
enum class awaiting : std::uint8_t {
    input,
    tls,
    login,
    scram,
    sender,
    recipient,
    room,  // on_content_ready
    content,
    discarded,
    finished,
    record,
    nothing  // hang_up was said
};

struct server_session::state {
    state(server_settings const& s, connection_facts c) : settings(s), facts(std::move(c)) {}

    server_settings const& settings;
    connection_facts facts;
    std::string out;
    line_reader lines;
    smtp::awaiting awaiting = smtp::awaiting::input;

    // The connection; `errors`, `auth_failures` and `mark` are the only ones that a handshake keeps.
    std::optional<tls_facts> tls;
    std::string ehlo_argument;
    bool greeted = false;   // HELO or EHLO was said
    bool extended = false;  // EHLO was
    wall_time now{};
    std::string mark;  // of a check; what it says is no more than a name, so a handshake keeps it
    std::uint32_t errors = 0;
    std::uint32_t deferrals = 0;  // replies of 4xx to commands
    std::uint32_t auth_failures = 0;
    std::vector<refusal> refusals;
    std::uint32_t refusal_count = 0;

    // The identity.
    std::vector<std::string_view> offered;             // mechanisms that the last EHLO showed, or would have
    std::unique_ptr<sasl::server_mechanism> exchange;  // null: none under way
    bool more_input = false;                           // octets were behind the line last taken
    bool auth_seen = false;                            // lines that are no command may be a lost password
    std::string mechanism;
    std::string claimed;
    std::string login;

    // The transaction.
    mail::envelope envelope;
    mail::recipient candidate;
    bool in_transaction = false;
    bool priority_lowered = false;
    bool chunking = false;  // a chunk of the message was taken
    smtp::chunk chunk;
    std::uint64_t received = 0;                 // octets of chunks so far
    std::optional<catalogue::verdict> pending;  // said when the chunk is discarded

    // server_session.cpp
    action take_line(smtp::line const& l);
    action perform(command const& c, std::string_view text);
    action wait_for_input();
    /// Says a refusal and keeps it for the log. Enough of them end the session.
    action refuse(catalogue::verdict v, std::string_view text);
    action refuse(catalogue::rule const& why, std::string_view text)
    {
        return refuse(catalogue::make_verdict(why), text);
    }
    action refuse(complaint const& c, std::string_view text) { return refuse(c.to_verdict(), text); }
    /// The rules whose reply names the command.
    action refuse_command(catalogue::rule const& why, command const& c, std::string_view text);
    action refuse_and_close(catalogue::verdict v, std::string_view text);
    action refuse_and_close(catalogue::rule const& why, std::string_view text)
    {
        return refuse_and_close(catalogue::make_verdict(why), text);
    }
    action say(std::string_view reply);  // the reply and its CRLF, then wait for input
    void say_refusal(catalogue::verdict v, std::string_view text);
    void forget_transaction();
    bool needs_tls_first() const;
    /// A line that is no command, as far as it can't be a password.
    std::string shown_line(std::string_view text) const;

    // session_hello.cpp
    action greet();
    action take_helo(command const& c, std::string_view text);
    action take_ehlo(command const& c, std::string_view text);
    action take_starttls(command const& c, std::string_view text);
    action take_small(command const& c, std::string_view text);
    action take_noop(command const& c);
    action take_help(command const& c);
    action on_record(std::vector<std::string> const& record);
    void look_for_mark(std::string_view argument);
    void forget_all();

    // session_auth.cpp
    bool offers_auth() const;
    void find_mechanisms();
    bool offers(std::string_view name) const;
    bool offers_plus() const;
    void list_mechanisms(std::string_view keyword);
    action take_auth(command const& c);
    action auth_response(std::string_view text);
    action step(sasl::outcome o);
    action on_login(login_result r, std::string_view account, std::string_view told);
    action end_auth(catalogue::rule const& why, std::string_view detail = {});
    action fail_auth(catalogue::rule const& why, std::string_view detail = {});
    catalogue::rule const& failed_proof() const;
    action put_off_auth(catalogue::verdict v);

    // session_mail.cpp
    /// RFC 4865 section 3: a matter of submission.
    bool offers_release() const { return settings.hold_most.count() != 0 && settings.role == config::role::submission; }
    action take_mail(command const& c, std::string_view text);
    action take_rcpt(command const& c, std::string_view text);
    action on_sender(catalogue::verdict const& v);
    action on_recipient(catalogue::verdict const& v);

    // session_content.cpp
    action take_data(command const& c, std::string_view text);
    action take_bdat(command const& c, std::string_view text);
    action discard(catalogue::verdict why, std::string_view text);
    action on_content_ready(catalogue::verdict const& v);
    action on_content(catalogue::verdict const& v);
    action on_discarded();
    action on_finished(catalogue::verdict const& v, std::string_view queue_id);
};

}  // namespace postern::smtp
