// The library postern::client: the sender of src/client behind one small header. What that header
// shows must not change with what is inside.
#include "postern/client.hpp"

#include <array>
#include <exception>
#include <new>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "base/ids.hpp"
#include "base/text.hpp"
#include "catalogue/catalogue.hpp"
#include "client/explanation.hpp"
#include "client/sender.hpp"
#include "mail/mime_message.hpp"
#include "sendmail/message.hpp"

namespace postern::client {
namespace {

namespace asio = boost::asio;

constexpr std::size_t longest = 256u << 20;

/// What was given is wrong; told as outcome::invalid.
struct bad_input {
    std::string text;
};

template <class T>
T value_or_bad(result<T> r)
{
    if (!r) throw bad_input{r.error().logged};
    return std::move(*r);
}

tls_mode mode_of(security s)
{
    switch (s) {
        case security::automatic: return tls_mode::automatic;
        case security::implicit_tls: return tls_mode::implicit;
        case security::starttls: return tls_mode::starttls;
        case security::none: return tls_mode::none;
    }
    return tls_mode::automatic;
}

sender_options options_of(server const& to, account const& who, options const& how)
{
    if (to.host.empty()) throw bad_input{"there is no server"};
    sender_options o;
    auto const mode = mode_of(to.protection);
    o.who.user = who.user;
    o.who.authzid = who.acts_for;
    o.who.password = secret{who.password};
    o.who.token = secret{who.token};
    for (auto const& m : who.mechanisms) o.who.mechanisms.push_back(to_upper(m));
    // It proves who we are where that was asked for, or where nothing else could; else it is only shown.
    bool const nothing_else = !who.user.empty() && who.password.empty() && who.token.empty() && who.mechanisms.empty();
    o.who.certificate = !to.certificate.empty() && (nothing_else || o.who.allows("EXTERNAL"));
    if (to.port != 0) {
        o.routes = {{to.host, to.port, mode}};
    } else {
        o.routes = usual_routes(to.host, mode, o.who.wants_login());
    }
    o.trusts.authorities = to.authorities;
    o.trusts.own = {to.certificate, to.key};
    o.trusts.unverified = to.accept_wrong_certificate || who.password_to_wrong_certificate;
    o.trusts.password_to_unverified = who.password_to_wrong_certificate;
    o.trusts.password_in_clear = who.password_in_clear;
    if (!how.hello.empty() && !is_hello_name(how.hello)) throw bad_input{"the name for EHLO is not one word"};
    o.hello = how.hello;
    if (how.patience.count() < 1) throw bad_input{"the patience has to be a second at least"};
    o.patience = how.patience;
    o.content_patience = std::max<steady_clock::duration>(how.patience, std::chrono::minutes{10});
    o.pipelining = how.pipelining;
    o.chunking = how.chunking;
    return o;
}

std::vector<mail::named_mailbox> parse(std::vector<std::string> const& given)
{
    std::vector<mail::named_mailbox> all;
    for (auto const& one : given) all.push_back(value_or_bad(mail::parse_named_mailbox(one)));
    return all;
}

struct written {
    std::string content;
    outgoing_mail mail;  // its content is a view of the above
};

std::unique_ptr<written> write(message const& m)
{
    auto w = std::make_unique<written>();
    auto const from = value_or_bad(mail::parse_named_mailbox(m.from));
    auto const to = parse(m.to), cc = parse(m.cc), bcc = parse(m.bcc);
    auto& env = w->mail.envelope;
    env.reverse_path.address = from.address;
    bool utf8 = from.address.needs_smtputf8();
    for (auto const* list : {&to, &cc, &bcc})
        for (auto const& one : *list) {
            env.recipients.push_back({one.address, {}, {}});
            utf8 = utf8 || one.address.needs_smtputf8();
        }
    if (m.raw.empty()) {
        mail::new_message n;
        n.from = from;
        n.to = to;
        n.cc = cc;
        n.subject = m.subject;
        n.text = m.text;
        for (auto const& a : m.attachments) n.attachments.push_back({a.name, a.type, a.octets});
        n.fields = m.fields;
        n.now = wall_clock::now();
        n.unique_id = make_queue_id();
        n.utf8_names = utf8;
        w->content = value_or_bad(mail::write_message(n));
    } else {
        sendmail::line_gatherer lines{false, longest};
        lines.add(m.raw);
        lines.finish();
        sendmail::request asked;
        asked.origin = from.address.domain;
        asked.from = from.address.to_string();
        asked.to_header = env.recipients.empty();
        asked.complete = sendmail::request::completion{wall_clock::now(), make_queue_id(), false};
        auto made = value_or_bad(sendmail::prepare(lines.take(), asked));
        for (auto& r : made.recipients) env.recipients.push_back({std::move(r), {}, {}});
        if (made.eight_bit) env.body = mail::body_type::eight_bit_mime;
        utf8 = utf8 || made.utf8_header;
        w->content = std::move(made.content);
    }
    if (env.recipients.empty()) throw bad_input{"the message is for nobody"};
    env.smtputf8 = utf8;
    w->mail.utf8 = utf8;
    w->mail.content = w->content;
    return w;
}

explanation shown(catalogue::rule const& r)
{
    return {std::string{r.id}, std::string{r.name}, std::string{r.what}, std::string{r.user},
            std::string{r.operator_remedy}};
}

line shown(transcript_line const& l)
{
    line out;
    out.who = l.who == speaker::ours     ? line::speaker::client
              : l.who == speaker::theirs ? line::speaker::server
                                         : line::speaker::note;
    out.seconds = std::chrono::duration<double>(l.at).count();
    out.text = l.text;
    return out;
}

outcome shown(verdict v)
{
    constexpr std::array all{outcome::sent,         outcome::refused,     outcome::deferred,
                             outcome::login_failed, outcome::unprotected, outcome::not_reached};
    return all[static_cast<std::size_t>(v)];
}

void tell(report& r, trouble const& t, sender const& s, bool wanted_login)
{
    r.how = shown(judge(t));
    r.stage = name_of(t.where);
    r.text = t.text;
    r.code = t.what == trouble::kind::login ? t.login.last.said.code : t.how.said.code;
    r.why = shown(client::explain(t, circumstances_of(s, wanted_login)));
}

net::awaitable<void> perform(sender& s, outgoing_mail const* mail, bool wanted_login, report& r)
{
    auto bad = co_await s.open();
    r.mechanism = s.mechanism();
    r.extensions = s.talk().announced().lines;
    if (auto const* const tls = s.talk().tls()) {
        r.tls_version = tls->version;
        r.tls_cipher = tls->cipher;
        r.certificate_verified = tls->peer_verified;
    }
    r.how = outcome::sent;
    if (!bad && mail != nullptr) {
        auto done = co_await s.send(*mail);
        for (auto const& one : done.recipients)
            r.recipients.push_back({one.to.to_string(), done.accepted && one.said.ok(), one.said.to_string()});
        r.text = done.last.to_string();
        r.code = done.last.code;
        bad = std::move(done.why);
    }
    if (bad) tell(r, *bad, s, wanted_login);
    co_await s.quit();
}

report run(server const& to, account const& who, outgoing_mail const* mail, options const& how)
{
    auto given = options_of(to, who, how);
    bool const wanted_login = given.who.wants_login();
    auto tls = value_or_bad(net::make_client_tls(given.trusts.authorities, given.trusts.own));
    transcript log;
    if (how.watch) log.watch([&how](transcript_line const& l) { how.watch(shown(l)); });
    asio::io_context io{1};
    sender s{io.get_executor(), std::move(given), std::move(tls), std::move(log)};
    report r;
    asio::co_spawn(io, perform(s, mail, wanted_login, r), [&io](std::exception_ptr failed) {
        io.stop();  // the stream's timer is still asleep
        if (failed) std::rethrow_exception(failed);
    });
    io.run();
    for (auto const& l : s.talk().log().lines()) r.dialogue.push_back(shown(l));
    return r;
}

// Nothing but a lack of memory gets out.
template <class F>
report guarded(F f)
{
    std::string text;
    try {
        return f();
    } catch (bad_input const& wrong) {
        text = wrong.text;
    } catch (std::bad_alloc const&) {
        throw;
    } catch (std::exception const& e) {
        text = e.what();
    }
    report r;
    r.text = printable(text, 500);
    return r;
}

}  // namespace

report send(server const& to, account const& who, message const& what, options const& how)
{
    return guarded([&] {
        auto const made = write(what);
        return run(to, who, &made->mail, how);
    });
}

report try_account(server const& to, account const& who, options const& how)
{
    return guarded([&] { return run(to, who, nullptr, how); });
}

explanation explain(std::string_view stage_name, std::string_view reply)
{
    trouble t;
    t.where = stage::content;
    for (auto s : {stage::greeting, stage::hello, stage::tls, stage::login, stage::mail, stage::rcpt, stage::data})
        if (name_of(s) == stage_name) t.where = s;
    smtp::reply_parser parser;
    std::string const all = std::string{reply} + "\r\n";
    std::string_view in = all;
    if (parser.take(in) == smtp::reply_parser::state::complete) {
        t.how.how = ending::reply;
        t.how.said = parser.release();
    } else {
        t.how.how = ending::malformed;
        t.how.service = guess_service(reply);
    }
    if (t.where == stage::login) {
        t.what = trouble::kind::login;
        t.login.how = login_result::what::refused;
        t.login.last = t.how;
    }
    return shown(client::explain(t, {}));
}

char const* version() noexcept { return POSTERN_VERSION; }

}  // namespace postern::client
