// MAIL and RCPT, RFC 5321 sections 4.1.1.2 and 4.1.1.3.
#include <algorithm>
#include <cassert>

#include "smtp/session_state.hpp"

namespace postern::smtp {

action server_session::state::take_mail(command const& c, std::string_view text)
{
    if (!greeted) return refuse(rules::ehlo_first, text);
    if (in_transaction) return refuse_command(rules::bad_sequence, c, text);
    mail_context const context{.extended = extended,
                               .tls = tls.has_value(),
                               .authenticated = !login.empty(),
                               .size_limit = settings.message_size,
                               .priorities = settings.priorities,
                               .deliver_by = settings.deliver_by,
                               .hold_most = offers_release() ? settings.hold_most : std::chrono::seconds{0},
                               .now = now};
    if (auto const bad = parse_mail(c.argument, context, envelope)) {
        forget_transaction();
        return refuse(bad, text);
    }
    if (envelope.release_at && login.empty()) {
        forget_transaction();
        return refuse(rules::release_needs_login, text);
    }
    priority_lowered = envelope.priority > 0 && login.empty() && !settings.priority_without_login;
    if (priority_lowered) envelope.priority = 0;
    awaiting = smtp::awaiting::sender;
    return check_sender{};
}

action server_session::state::on_sender(catalogue::verdict const& v)
{
    assert(awaiting == smtp::awaiting::sender);
    if (!v.accepted()) {
        auto const text = "MAIL FROM:<" + envelope.reverse_path.to_string() + ">";
        forget_transaction();
        return refuse(v, text);
    }
    in_transaction = true;
    // RFC 6710 section 4.2: what it is instead comes first.
    if (priority_lowered) return say("250 2.3.6 0 is the highest priority without a login");
    return say("250 2.1.0 Sender OK");
}

action server_session::state::take_rcpt(command const& c, std::string_view text)
{
    if (!in_transaction || chunking) return refuse_command(rules::bad_sequence, c, text);
    candidate = {};
    if (auto const bad = parse_rcpt(c.argument, envelope.smtputf8, candidate)) return refuse(bad, text);
    // RFC 5321 section 4.5.3.1.10: for now, so that the client sends the rest in another transaction.
    if (settings.recipients != 0 && envelope.recipients.size() >= settings.recipients) {
        return refuse(
            catalogue::make_verdict(rules::too_many_recipients, {{"limit", std::to_string(settings.recipients)}}),
            text);
    }
    awaiting = smtp::awaiting::recipient;
    return check_recipient{candidate};
}

action server_session::state::on_recipient(catalogue::verdict const& v)
{
    assert(awaiting == smtp::awaiting::recipient);
    if (!v.accepted()) return refuse(v, "RCPT TO:<" + candidate.forward_path.to_string() + ">");
    // One copy is enough for who is named twice; the first mention's options count.
    auto& recipients = envelope.recipients;
    bool const again = std::any_of(recipients.begin(), recipients.end(),
                                   [&](auto const& r) { return r.forward_path == candidate.forward_path; });
    if (!again) recipients.push_back(std::move(candidate));
    return say("250 2.1.5 Recipient OK");
}

}  // namespace postern::smtp
