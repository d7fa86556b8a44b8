// HELO, EHLO (RFC 5321 section 4.1.1.1), STARTTLS (RFC 3207), and the commands that
// change nothing.
#include <charconv>

#include "mail/address.hpp"
#include "smtp/session_state.hpp"
#include "witness/mark.hpp"

namespace postern::smtp {
namespace {

void append_number(std::string& to, std::uint64_t n)
{
    char digits[20];
    auto const end = std::to_chars(digits, digits + sizeof digits, n).ptr;
    to.append(digits, end);
}

}  // namespace

action server_session::state::greet()
{
    out.append("220 ").append(settings.hostname);
    return say(" ESMTP Postern");
}

action server_session::state::take_helo(command const& c, std::string_view text)
{
    if (!mail::is_ehlo_argument(c.argument)) return refuse(rules::helo_argument, text);
    forget_transaction();
    ehlo_argument = c.argument;
    look_for_mark(c.argument);
    greeted = true;
    extended = false;
    out.append("250 ");
    return say(settings.hostname);
}

action server_session::state::take_ehlo(command const& c, std::string_view text)
{
    if (!mail::is_ehlo_argument(c.argument)) return refuse(rules::helo_argument, text);
    forget_transaction();
    ehlo_argument = c.argument;
    look_for_mark(c.argument);
    greeted = extended = true;
    out.append("250-").append(settings.hostname).append("\r\n250-PIPELINING\r\n250-SIZE");
    if (settings.message_size != 0) {
        out += ' ';
        append_number(out, settings.message_size);
    }
    out.append("\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n");
    if (settings.starttls && !tls) out.append("250-STARTTLS\r\n");
    find_mechanisms();
    if (!offered.empty()) {
        list_mechanisms("AUTH");
        if (settings.auth_equals) list_mechanisms("AUTH=");
    }
    out.append("250-DSN\r\n250-CHUNKING\r\n250-BINARYMIME\r\n");
    if (tls) out.append("250-REQUIRETLS\r\n");
    if (settings.priorities) out.append("250-MT-PRIORITY\r\n");
    if (settings.deliver_by) out.append("250-DELIVERBY\r\n");
    if (offers_release()) {
        out.append("250-FUTURERELEASE ");
        append_number(out, static_cast<std::uint64_t>(settings.hold_most.count()));
        out += ' ';
        out += to_rfc3339(std::chrono::floor<std::chrono::seconds>(now + settings.hold_most));
        out.append("\r\n");
    }
    if (settings.recipients != 0) {
        out.append("250-LIMITS RCPTMAX=");
        append_number(out, settings.recipients);
        out.append("\r\n");
    }
    return say("250 HELP");
}

action server_session::state::take_starttls(command const& c, std::string_view text)
{
    if (tls) return refuse(rules::starttls_already, text);
    if (!settings.starttls) return refuse(rules::starttls_not_offered, text);
    if (!c.argument.empty()) return refuse_command(rules::no_parameters, c, text);
    // Nobody can speak TLS before our 220 is there, so whoever put octets behind the command
    // is not the client that will shake hands (CVE-2011-0411).
    if (more_input) return refuse_and_close(rules::starttls_injection, text);
    out.append("220 2.0.0 Ready for the TLS handshake\r\n");
    awaiting = smtp::awaiting::tls;
    return start_tls{};
}

/// RFC 3207 section 4.2. A login said in the clear too.
void server_session::state::forget_all()
{
    forget_transaction();
    candidate = {};
    lines.reset();
    ehlo_argument.clear();
    greeted = extended = false;
    offered.clear();
    exchange.reset();
    more_input = false;
    mechanism.clear();
    claimed.clear();
    login.clear();
}

/// One comparison for everybody who is no check.
void server_session::state::look_for_mark(std::string_view argument)
{
    if (witness::may_be_mark(argument) && mail::is_ehlo_argument(argument)) mark = argument;
}

// Its parameter is nobody's affair (RFC 5321 section 4.1.1.9), but a check says its mark there once more.
action server_session::state::take_noop(command const& c)
{
    look_for_mark(c.argument);
    return say("250 2.0.0 OK");
}

// What was seen of a check is told to who has its code, and only where nobody listens.
action server_session::state::take_help(command const& c)
{
    if (tls && witness::may_be_mark(c.argument)) {
        if (auto const asked = witness::parse_mark(c.argument)) {
            awaiting = smtp::awaiting::record;
            return show_record{asked->code};
        }
    }
    return on_record({});
}

action server_session::state::on_record(std::vector<std::string> const& record)
{
    if (record.empty())
        return say("214 2.0.0 Commands: EHLO HELO STARTTLS AUTH MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT");
    for (auto const& line : record) out.append("214-2.0.0 ").append(line).append("\r\n");
    return say("214 2.0.0 End of the record");
}

action server_session::state::take_small(command const& c, std::string_view text)
{
    switch (c.verb) {
        case verb::quit:
            out.append("221 2.0.0 Goodbye\r\n");
            awaiting = smtp::awaiting::nothing;
            return hang_up{};
        case verb::rset: forget_transaction(); return say("250 2.0.0 OK");
        case verb::help: return take_help(c);
        case verb::vrfy:
            // The same for every address (RFC 5321 section 7.3).
            if (c.argument.empty()) return refuse_command(rules::syntax_error, c, text);
            return say("252 2.0.0 Addresses are not looked up for VRFY; send a mail and see");
        default: return refuse(rules::command_not_implemented, text);
    }
}

}  // namespace postern::smtp
