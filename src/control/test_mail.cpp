// account test-mail, account test-mail-show: a mail from the account to itself, by the way that all its mail goes
#include <algorithm>
#include <future>

#include "base/ids.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "console/pace.hpp"
#include "console/sent.hpp"
#include "control/history.hpp"
#include "control/own_names.hpp"
#include "control/queue_filter.hpp"
#include "directory/directory.hpp"
#include "guard/conduct.hpp"
#include "guard/sending.hpp"
#include "signing/signer.hpp"
#include "spool/spool.hpp"

namespace postern::control {
namespace json = boost::json;
namespace {

constexpr std::chrono::seconds patience_with_spool{20};

struct letter {
    spool::message what;
    std::string text;
};

letter write_letter(mail::mailbox const& from, mail::mailbox const& to, std::string const& hostname, wall_time now)
{
    letter l;
    auto& m = l.what;
    m.queue_id = make_queue_id();
    m.accepted_at = now;
    m.account = from.key();
    m.env.reverse_path.address = from;
    m.env.reverse_path.utf8 = from.needs_smtputf8();
    m.env.smtputf8 = from.needs_smtputf8() || to.needs_smtputf8();
    mail::recipient one;
    one.forward_path = to;
    m.env.recipients.push_back(std::move(one));
    l.text = "From: <" + from.to_string() + ">\r\nTo: <" + to.to_string() + ">\r\nSubject: Test mail " + m.queue_id +
             "\r\nDate: " + to_rfc5322(now) + "\r\nMessage-ID: <" + m.queue_id + '@' + hostname +
             ">\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
             "Content-Type: text/plain; charset=us-ascii\r\n\r\n"
             "This is the test mail that you asked for on the account page. That it is here\r\n"
             "means that mail from your account goes out, and that mail to you arrives.\r\n";
    m.size = l.text.size();
    return l;
}

/// Stored for good when it returns.
std::optional<failure> send(context& c, std::shared_ptr<letter> const& l)
{
    auto const answer = std::make_shared<std::promise<result<>>>();
    auto done = answer->get_future();
    auto& queue = *c.queue;
    c.signer->sign(l->text, l->what.accepted_at, [&queue, l, answer] {
        l->what.size = l->text.size();
        auto body = queue.new_content();
        if (auto written = body->append(l->text); !written) return answer->set_value(std::move(written));
        queue.accept(l->what, std::move(body), [answer](result<> r) { answer->set_value(std::move(r)); });
    });
    if (done.wait_for(patience_with_spool) != std::future_status::ready)
        return failure{failure::kind::unavailable, "the mail could not be stored in time; it may still be sent", {}};
    if (auto stored = done.get(); !stored) return to_failure(stored.error());
    return std::nullopt;
}

std::optional<failure> count(context& c, directory::account const& who, mail::mailbox const& to, wall_time now)
{
    if (!c.sending) return std::nullopt;
    std::string const keys[] = {to.key()};
    auto const taken = c.sending->take(c.settings->limits.sending, {who.address, {}, 0}, keys, now);
    if (!taken.refused) return std::nullopt;
    return failure{failure::kind::put_off,
                   "the account has used up its limit of " + std::to_string(taken.refused->limit) + ' ' +
                       std::string{to_string(taken.refused->measure)},
                   {}};
}

}  // namespace

outcome account_test_mail(context& c, arguments a)
{
    auto const address = a.text("address");
    auto const wish = a.optional_text("to", 320);
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto const names = names_of_account(c, address);
    if (!names) return names.error();
    auto const found = c.accounts->find_account(address);
    if (!found) return to_failure(found.error());
    if (!*found) return not_there("there is no such account");
    auto const& who = **found;
    auto const from = mail::parse_mailbox(who.address);
    if (!from) return failure{failure::kind::problem, "the account's name is no mail address", {}};
    auto to = *from;
    if (wish) {
        auto const read = read_mailbox(*wish);
        if (!read) return failure{failure::kind::usage, read.error(), {}};
        bool const own = read->key() == who.address ||
                         std::find(who.aliases.begin(), who.aliases.end(), read->key()) != who.aliases.end();
        if (!own) return failure{failure::kind::usage, "a test mail goes to an address of the account's own", {}};
        to = *read;
    }
    if (!who.enabled || !who.smtp_auth)
        return failure{
            failure::kind::problem, "the account may not send: it, or SMTP AUTH for it, is switched off", {}};
    if (!console::test_mail_pace().allows(who.address, steady_clock::now()))
        return failure{failure::kind::put_off, "there were enough test mails within the hour; try again later", {}};
    auto const now = wall_clock::now();
    if (auto refused = count(c, who, to, now)) return std::move(*refused);
    auto const l = std::make_shared<letter>(write_letter(*from, to, c.settings->hostname, now));
    if (c.conduct && c.conduct->of(who.address) >= guard::conduct::held) l->what.held = true;
    if (auto failed = send(c, l)) return std::move(*failed);
    log::event(log::level::info, "accepted",
               {{"queue_id", l->what.queue_id},
                {"account", who.address},
                {"reverse_path", from->to_string()},
                {"forward_path", to.to_string()},
                {"recipients", 1},
                {"size", l->what.size},
                {"message_id", '<' + l->what.queue_id + '@' + c.settings->hostname + '>'},
                {"test", true}});
    return json::value(console::tell_way(read_history(c, {l->what.queue_id}), l->what.queue_id));
}

outcome account_test_mail_show(context& c, arguments a)
{
    auto const address = a.text("address");
    auto const id = read_id(a);
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto const events = story_of_own_message(c, address, id);
    if (!events) return events.error();
    return json::value(console::tell_way(*events, id));
}

}  // namespace postern::control
