// MAIL and RCPT: who may write to whom; nothing is sent by it, RSET ends each.
#include "mail/envelope.hpp"
#include "base/ids.hpp"
#include "base/text.hpp"
#include "diagnose/examination.hpp"
#include "mail/address.hpp"

namespace postern::diagnose {
namespace {

// Nobody's (RFC 2606), and of a domain that everybody's DNS knows.
constexpr std::string_view usual_outside = "postern-check@example.org";

std::string sender_of(examination const& x)
{
    if (!x.seen.person.from.empty()) return x.seen.person.from;
    if (!x.seen.person.address.empty()) return x.seen.person.address;
    auto const user = x.seen.logged_in ? x.seen.logins[*x.seen.logged_in].user : x.user();
    return user.find('@') != std::string::npos ? user : std::string{};
}

}  // namespace

awaitable<step_result> mail_from(examination_ptr x, conversation_ptr c, std::string from)
{
    auto address = mail::parse_mailbox(from);
    step_result impossible;
    impossible.problem = "the sender address can't be written into a MAIL command";
    if (!address) co_return impossible;
    if (address->needs_smtputf8() && !c->announced().known.smtputf8) {
        impossible.problem = "the server does not offer SMTPUTF8";
        co_return impossible;
    }
    mail::envelope env;
    env.reverse_path.address = std::move(*address);
    smtp::outgoing out;
    out.env = &env;
    out.utf8 = !is_ascii(from);
    auto const r = co_await c->mail_from(out, x->left(reply_limit));
    co_return r;
}

awaitable<step_result> rcpt_to(examination_ptr x, conversation_ptr c, std::string to)
{
    auto address = mail::parse_mailbox(to);
    step_result impossible;
    impossible.problem = "the recipient address can't be written into an RCPT command";
    if (!address) co_return impossible;
    mail::recipient recipient;
    recipient.forward_path = std::move(*address);
    auto const r = co_await c->rcpt_to(std::move(recipient), x->left(reply_limit));
    co_return r;
}

awaitable<void> write_envelope(examination_ptr x, conversation_ptr c)
{
    auto& e = x->seen.mine;
    e.from = sender_of(*x);
    e.to = x->seen.person.to.empty() ? e.from : x->seen.person.to;
    if (e.from.empty()) co_return;
    e.mail = co_await mail_from(x, c, e.from);
    x->tell(step::mail);
    if (!e.mail->ok()) co_return;
    e.rcpt = co_await rcpt_to(x, c, e.to);
    if (e.rcpt->how == client::ending::reply && x->seen.is_in()) {
        e.outside = x->seen.person.outside.empty() ? std::string{usual_outside} : x->seen.person.outside;
        e.rcpt_outside = co_await rcpt_to(x, c, e.outside);
    }
    x->tell(step::rcpt);
    co_await c->reset(x->left(reply_limit));
}

awaitable<void> write_as_stranger(examination_ptr x, talk_seen of)
{
    auto c = co_await speak_again(x, of, of.at.to_string() + ", without a log-in");
    if (!c) co_return;
    auto& e = x->seen.stranger;
    e.from = sender_of(*x);
    if (e.from.empty()) e.from = usual_outside;
    e.outside = x->seen.person.outside.empty() ? std::string{usual_outside} : x->seen.person.outside;
    e.mail = co_await mail_from(x, c, e.from);
    if (e.mail->ok()) {
        e.rcpt_outside = co_await rcpt_to(x, c, e.outside);
        co_await c->reset(x->left(reply_limit));
    }
    co_await x->part(c, true);
}

}  // namespace postern::diagnose
