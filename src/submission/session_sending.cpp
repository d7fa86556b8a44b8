// What a session's mail counts for: asked at MAIL and RCPT, counted when the message is
// whole. Owners hear of it before they meet a limit.
#include "submission/notices.hpp"
#include "submission/session_driver.hpp"

namespace postern::submission {

using catalogue::make_verdict;
namespace rules = catalogue::rules;

namespace {

// "2026-11-22 13:45 UTC"
std::string minute_of(wall_time t)
{
    // The minute has begun when it is said to.
    auto const text = to_rfc3339(t + std::chrono::seconds{59});
    return text.substr(0, 10) + ' ' + text.substr(11, 5) + " UTC";
}

catalogue::verdict refusal_of(guard::usage const& u)
{
    return make_verdict(rules::sending_limit, {{"what", std::string{to_string(u.measure)}},
                                               {"limit", std::to_string(u.limit)},
                                               {"resets", minute_of(u.resets)},
                                               {"counted_for", std::string{to_string(u.scope)}},
                                               {"held_against", u.who},
                                               {"used", std::to_string(u.used)}});
}

notice nearly_notice(guard::usage const& u, mail::mailbox to)
{
    notice n;
    n.to = std::move(to);
    n.subject = "Most of a sending limit is used";
    n.text = "This is a message of the mail server, to tell you in time.\n\nThe " + std::string{to_string(u.scope)} +
             ' ' + u.who + " has used " + std::to_string(u.used) + " of " + std::to_string(u.limit) + ' ' +
             std::string{to_string(u.measure)} + ". When all are used, further mail is\nput off until " +
             minute_of(u.resets) +
             "; mail programs that try again by\nthemselves then send it.\n\nIf it was not you who sent so much, "
             "change your password, and tell your mail\nadministrator. If you need more, ask them.\n";
    return n;
}

}  // namespace

// Strangers who write to us have other limits.
bool session_driver::counts_sending() const { return !session_->login().empty() || is_trusted(); }

guard::sending_book::sender session_driver::counted_sender() const
{
    return {session_->login(), peer_->remote().address, app_ ? app_->id : 0};
}

std::optional<catalogue::verdict> session_driver::over_limit_at_mail()
{
    new_in_message_ = 0;
    auto const& limits = runtime_->settings.limits.sending;
    if (limits.empty() || !counts_sending()) return std::nullopt;
    auto const over = services_.sending.over(limits, counted_sender(), 1, 0, 0, wall_clock::now());
    if (!over) return std::nullopt;
    return refusal_of(*over);
}

std::optional<catalogue::verdict> session_driver::over_limit_at_rcpt(mail::mailbox const& to)
{
    auto const& limits = runtime_->settings.limits.sending;
    if (limits.empty() || !counts_sending()) return std::nullopt;
    auto const who = counted_sender();
    auto const fresh = services_.sending.knows(who.account, to.key()) ? 0u : 1u;
    auto const before = static_cast<std::uint32_t>(session_->transaction().recipients.size());
    auto const over = services_.sending.over(limits, who, 1, before + 1, new_in_message_ + fresh, wall_clock::now());
    if (over) return refusal_of(*over);
    new_in_message_ += fresh;
    return std::nullopt;
}

// Counts the message that is whole now. Another session may have used up what there was.
std::optional<catalogue::verdict> session_driver::count_message()
{
    if (!counts_sending()) return std::nullopt;
    auto const& s = runtime_->settings;
    std::vector<std::string> keys;
    for (auto const& r : session_->transaction().recipients) keys.push_back(r.forward_path.key());
    auto const taken = services_.sending.take(s.limits.sending, counted_sender(), keys, wall_clock::now());
    if (taken.refused) return refusal_of(*taken.refused);
    services_.conduct.on_message(s, session_->login(), peer_->remote().address, taken.new_recipients);
    for (auto const& u : taken.nearly) {
        log::event(log::level::info, "sending_limit_near",
                   {{"session", who_.id},
                    {"account", session_->login()},
                    {"counted_for", to_string(u.scope)},
                    {"held_against", u.who},
                    {"what", to_string(u.measure)},
                    {"used", u.used},
                    {"limit", u.limit}});
        if (u.scope == guard::scope::network) continue;
        auto to = mail::parse_mailbox(u.scope == guard::scope::domain ? "postmaster@" + u.who : session_->login());
        if (to)
            send_notice(services_.queue, services_.signer, nearly_notice(u, std::move(*to)), s.hostname,
                        wall_clock::now());
    }
    return std::nullopt;
}

void session_driver::uncount_message()
{
    if (!counts_sending()) return;
    services_.sending.give_back(runtime_->settings.limits.sending, counted_sender(),
                                static_cast<std::uint32_t>(session_->transaction().recipients.size()),
                                wall_clock::now());
}

}  // namespace postern::submission
