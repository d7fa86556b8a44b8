// The test mail: written, sent, and looked for.
#include <algorithm>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/ids.hpp"
#include "base/text.hpp"
#include "diagnose/examination.hpp"
#include "diagnose/received_message.hpp"
#include "mailbox/mailbox.hpp"

namespace postern::diagnose {
namespace {

constexpr std::chrono::seconds longest_pause{10}, search_limit{10};

std::string compose(examination const& x)
{
    auto const& e = x.seen.mine;
    auto const at = e.from.rfind('@');
    auto const domain = at == std::string::npos ? std::string{"localhost"} : e.from.substr(at + 1);
    return "Date: " + to_rfc5322(wall_clock::now()) + "\r\nFrom: <" + e.from + ">\r\nTo: <" + e.to +
           ">\r\nSubject: Test of this mail account (" + x.seen.token + ")\r\nMessage-ID: <" + x.seen.token + "@" +
           domain + ">\r\nX-Postern-Check: " + x.seen.token +
           "\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
           "This is a test: postern check sent it to see whether mail arrives.\r\n"
           "It can be deleted.\r\n";
}

awaitable<mailbox::outcome> search(examination_ptr x, std::optional<mailbox::server> at)
{
    auto const& p = x->seen.person;
    auto const& token = x->seen.token;
    if (p.mailbox == mailbox_kind::imap) {
        auto found = co_await mailbox::search_imap(x->with.executor, *at, token, search_limit);
        co_return found;
    }
    if (p.mailbox == mailbox_kind::pop3) {
        auto found = co_await mailbox::search_pop3(x->with.executor, *at, token, search_limit);
        co_return found;
    }
    auto found = mailbox::search_maildir(p.mailbox_place, token);
    co_return found;
}

/// Of the person's mailbox, with its address.
awaitable<std::optional<mailbox::server>> mailbox_server(examination_ptr x)
{
    auto const& p = x->seen.person;
    mailbox::server at;
    at.name = p.mailbox_place;
    at.at.port = p.mailbox_port.value_or(p.mailbox == mailbox_kind::imap ? 993 : 995);
    if (auto const literal = ip_address::parse(at.name)) {
        at.at.address = *literal;
    } else {
        auto const answer = co_await x->with.resolver->addresses(to_lower(at.name));
        if (answer.v4.empty() && answer.v6.empty()) {
            x->seen.arrival.problem = at.name + " has no address";
            co_return std::nullopt;
        }
        at.at.address = answer.v4.empty() ? answer.v6.front() : answer.v4.front();
    }
    at.tls = x->with.tls;
    at.user = x->seen.logged_in ? x->seen.logins[*x->seen.logged_in].user : x->user();
    at.password = x->who.password;
    at.unverified = p.bad_certificates;
    co_return at;
}

/// True: there is no need to look again.
bool take(arrival_seen& a, headers_seen& headers, mailbox::outcome const& out, std::string const& token)
{
    a.problem = out.problem;
    // A server that is out of order is asked again; one that says no is not.
    a.login_failed = out.refused;
    if (a.login_failed) return true;
    a.copies = 0;
    for (auto const& m : out.found) {
        if (auto const report = read_report(m.content)) {
            a.bounced = true;
            a.bounce_status = report->status;
            a.bounce_text = report->text;
            return true;
        }
        if (m.content.find("X-Postern-Check: " + token) == std::string::npos) continue;
        ++a.copies;
        // The inbox counts, where it is there, too.
        if (a.found && !m.junk && a.inbox) continue;
        a.found = true;
        a.folder = m.folder;
        a.junk = m.junk;
        a.inbox = equal_ignoring_case(m.folder, "INBOX");
        headers = read_headers(m.content);
    }
    return a.found;
}

/// The id of Postern's own queue in a reply; empty: there is none.
std::string queue_id_in(std::string_view reply)
{
    while (!reply.empty()) {
        auto const end = std::min(reply.find_first_of(" \n()<>,"), reply.size());
        auto const word = reply.substr(0, end);
        if (word.starts_with('Q') && looks_like_id(word)) return std::string{word};
        reply.remove_prefix(std::min(end + 1, reply.size()));
    }
    return {};
}

}  // namespace

awaitable<void> send_test_mail(examination_ptr x, conversation_ptr c)
{
    auto& e = x->seen.mine;
    x->seen.token = "PC" + make_session_id();
    auto const content = compose(*x);
    auto r = co_await mail_from(x, c, e.from);
    if (r.ok()) r = co_await rcpt_to(x, c, e.to);
    if (r.ok()) r = co_await c->begin_data(x->left(reply_limit));
    if (r.ok()) {
        r = co_await c->content(content, x->left(content_limit));
        x->seen.sent = r.ok();
    }
    e.data = std::move(r);
    x->tell(step::data);
}

awaitable<void> look_for_arrival(examination_ptr x)
{
    if (x->seen.person.mailbox == mailbox_kind::none) co_return;
    auto& a = x->seen.arrival;
    auto const begun = steady_clock::now();
    a.looked = true;
    std::optional<mailbox::server> at;
    if (x->seen.person.mailbox != mailbox_kind::maildir) {
        if (x->wrong_passwords >= most_wrong_passwords) {
            a.problem = "two log-ins were refused before, and a third could lock the account";
            co_return;
        }
        at = co_await mailbox_server(x);
        if (!at) co_return;
    }
    steady_clock::duration pause = std::chrono::milliseconds{100};
    for (;;) {
        auto const out = co_await search(x, at);
        bool const enough = take(a, x->seen.headers, out, x->seen.token);
        auto const passed = steady_clock::now() - begun;
        a.took = std::chrono::duration_cast<milliseconds>(passed);
        if (enough || passed + pause > x->seen.person.arrival_limit) break;
        boost::asio::steady_timer timer{x->with.executor, pause};
        boost::system::error_code ignored;
        co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
        pause = std::min<steady_clock::duration>(pause * 2, longest_pause);
    }
    auto const id =
        a.found || a.bounced || !x->seen.mine.data ? std::string{} : queue_id_in(x->seen.mine.data->said.text);
    if (!id.empty() && x->with.server_record) a.server_record = printable(x->with.server_record(id), 400);
    x->tell(step::headers);
}

}  // namespace postern::diagnose
