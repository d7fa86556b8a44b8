#include "filters/milter_run.hpp"

#include <algorithm>

#include <boost/asio/error.hpp>

#include "base/log.hpp"
#include "base/text.hpp"
#include "filters/milter_changes.hpp"

namespace postern::filters {

namespace asio = boost::asio;
namespace rules = catalogue::rules;
using catalogue::make_verdict;
using milter::answer;
using progress = milter::session::progress;

namespace {

// Steps without an answer are sent together, up to this.
constexpr std::size_t much_output = 64u << 10;
// And written in pieces of this, so that a milter that reads slowly is noticed.
constexpr std::size_t written_at_once = 16u << 10;

// One milter's part.
struct talk {
    config::milter const& of;
    occasion const& what;
    mail::envelope const& env;
    draft const& message;
    milter::macros known;
    milter_link* link = nullptr;
    std::string out;
    bool answered_before = false;  // on this connection, for this message
    std::unique_ptr<spool::content_writer> body;
    std::unique_ptr<mended_lines> lines;
    std::string problem;
};

std::string name_of_client(endpoint const& client) { return '[' + client.address.to_string() + ']'; }

milter::macros macros_of(occasion const& o, mail::envelope const& env)
{
    auto const name = name_of_client(o.client);
    auto const& sender = env.reverse_path;
    milter::macros m{
        {"j", o.hostname},
        {"_", name},
        {"v", "Postern"},
        {"i", o.queue_id},
        {"{daemon_name}", o.listener},
        {"{daemon_addr}", o.local.address.to_string()},
        {"{daemon_port}", std::to_string(o.local.port)},
        {"{client_addr}", o.client.address.to_string()},
        {"{client_name}", name},
        {"{client_ptr}", name},
        {"{client_port}", std::to_string(o.client.port)},
        {"{tls_version}", o.tls_version},
        {"{cipher}", o.tls_cipher},
        {"{cipher_bits}", o.tls_bits > 0 ? std::to_string(o.tls_bits) : std::string{}},
        {"{auth_type}", o.account.empty() ? std::string{} : o.mechanism},
        {"{auth_authen}", o.account},
        {"{auth_author}", o.account},
        {"{mail_addr}", sender.to_string()},
        {"{mail_host}", sender.null ? std::string{} : sender.address.domain},
        {"{mail_mailer}", "smtp"},
        {"{rcpt_mailer}", "smtp"},
        {"{rcpt_addr}", {}},
        {"{rcpt_host}", {}},
    };
    return m;
}

void set(milter::macros& known, std::string_view name, std::string value)
{
    for (auto& m : known)
        if (m.first == name) m.second = std::move(value);
}

bool broke(talk& t, std::string why)
{
    t.problem = std::move(why);
    return false;
}

// A piece of the body that the milter puts in the place of the one there is.
bool take_body(talk& t, std::string_view piece)
{
    if (!t.body) {
        t.body = t.what.new_content();
        t.lines = std::make_unique<mended_lines>(*t.body);
    }
    if (t.body->size() + piece.size() > t.what.message_size) return broke(t, "the body that it gave is too big");
    if (auto const added = t.lines->add(piece); !added) return broke(t, added.error().logged);
    if (t.lines->nul()) return broke(t, "the body that it gave has a NUL in it");
    return true;
}

// For the next octets; however often it says that it still works, or takes some, there is an end.
steady_clock::duration time_left(talk const& t)
{
    return std::min<steady_clock::duration>(t.of.timeout, t.what.until - steady_clock::now());
}

bool took_too_long(talk& t) { return broke(t, "there is no time left for it with this message"); }

net::awaitable<bool> read_answer(talk* t)
{
    for (;;) {
        auto const left = time_left(*t);
        if (left <= left.zero()) co_return took_too_long(*t);
        auto const got = co_await t->link->stream->read(left);
        if (!got) {
            bool const late = got.error() == asio::error::timed_out;
            if (late && left < t->of.timeout) co_return took_too_long(*t);
            co_return broke(*t, late ? "it did not answer in time" : "it went away: " + got.error().message());
        }
        t->answered_before = true;
        std::string_view in = *got;
        while (!in.empty()) {
            auto const state = t->link->protocol.on_octets(in);
            if (state == progress::failed) co_return broke(*t, t->link->protocol.problem());
            if (state == progress::body && !take_body(*t, t->link->protocol.piece())) co_return false;
            if (state != progress::answered) continue;
            if (!in.empty()) co_return broke(*t, "it says more than it was asked");
            co_return true;
        }
    }
}

net::awaitable<bool> write_out(talk* t)
{
    std::string_view rest = t->out;
    while (!rest.empty()) {
        auto const left = time_left(*t);
        if (left <= left.zero()) co_return took_too_long(*t);
        auto const piece = rest.substr(0, written_at_once);
        auto const sent = co_await t->link->stream->write(piece, left);
        if (!sent) {
            bool const late = sent.error() == asio::error::timed_out;
            if (late && left < t->of.timeout) co_return took_too_long(*t);
            co_return broke(*t, late ? "it does not take what it is told" : "it went away: " + sent.error().message());
        }
        rest.remove_prefix(piece.size());
    }
    t->out.clear();
    co_return true;
}

// Sends what there is where an answer is due, and waits for it.
net::awaitable<bool> exchange(talk* t, bool due)
{
    if (!due && t->out.size() < much_output) co_return true;
    bool const written = co_await write_out(t);
    if (!written) co_return false;
    if (!due) co_return true;
    bool const answered = co_await read_answer(t);
    co_return answered;
}

bool goes_on(talk const& t) { return t.link->protocol.last().what == answer::kind::go_on; }

net::awaitable<bool> send_envelope(talk* t)
{
    auto& p = t->link->protocol;
    bool due = p.connect(t->out, name_of_client(t->what.client), t->what.client, t->known);
    bool well = co_await exchange(t, due);
    if (!well || !goes_on(*t)) co_return well;
    due = p.helo(t->out, t->what.helo, t->known);
    well = co_await exchange(t, due);
    if (!well || !goes_on(*t)) co_return well;
    due = p.mail(t->out, '<' + t->env.reverse_path.to_string() + '>', t->known);
    well = co_await exchange(t, due);
    if (!well || !goes_on(*t)) co_return well;
    for (auto const& r : t->env.recipients) {
        auto const address = r.forward_path.to_string();
        set(t->known, "{rcpt_addr}", address);
        set(t->known, "{rcpt_host}", r.forward_path.domain);
        due = p.rcpt(t->out, '<' + address + '>', t->known);
        well = co_await exchange(t, due);
        if (!well || !goes_on(*t)) co_return well;
    }
    due = p.data(t->out, t->known);
    well = co_await exchange(t, due);
    co_return well;
}

net::awaitable<bool> send_content(talk* t)
{
    auto& p = t->link->protocol;
    bool well = true;
    for (auto const& f : t->message.fields()) {
        if (f.ours || !p.wants_header()) continue;
        bool const due = p.header(t->out, f.name(), f.value());
        well = co_await exchange(t, due);
        if (!well || !goes_on(*t)) co_return well;
    }
    bool due = p.end_of_header(t->out, t->known);
    well = co_await exchange(t, due);
    if (!well || !goes_on(*t)) co_return well;
    for (std::uint64_t at = 0; p.wants_body() && at < t->message.body_size(); at += milter::chunk_size) {
        auto const piece = t->message.read_body(at, milter::chunk_size);
        if (!piece) co_return broke(*t, piece.error().logged);
        due = p.body(t->out, *piece);
        well = co_await exchange(t, due);
        if (!well || !goes_on(*t)) co_return well;
    }
    due = p.end(t->out, t->known);
    well = co_await exchange(t, due);
    if (well && t->lines)
        if (auto const ended = t->lines->finish(); !ended) co_return broke(*t, ended.error().logged);
    co_return well;
}

net::awaitable<bool> connect(talk* t, asio::any_io_executor executor)
{
    auto const& address = t->of.address;
    auto const left = time_left(*t);
    if (left <= left.zero()) co_return took_too_long(*t);
    net::net_result<std::unique_ptr<net::stream>> made{asio::error::invalid_argument};
    if (address.starts_with("unix:")) {
        made = co_await net::connect_unix(executor, address.substr(5), left);
    } else if (auto const to = endpoint::parse(address)) {
        made = co_await net::connect(executor, *to, left);
    }
    if (!made) co_return broke(*t, "can't connect to " + address + ": " + made.error().message());
    t->link->stream = std::move(*made);
    bool const due = t->link->protocol.negotiate(t->out);
    bool const well = co_await exchange(t, due);
    co_return well;
}

// The whole of its part, on the connection that there is or a new one.
net::awaitable<bool> perform(talk* t, asio::any_io_executor executor)
{
    t->answered_before = false;
    t->out.clear();
    if (!t->link->stream) {
        bool const connected = co_await connect(t, executor);
        if (!connected) co_return false;
    }
    bool const well = co_await send_envelope(t);
    if (!well || !goes_on(*t)) co_return well;
    bool const sent = co_await send_content(t);
    co_return sent;
}

catalogue::verdict refusal(talk const& t, answer const& a)
{
    bool const for_good = a.what == answer::kind::refuse;
    auto const said = a.text.empty() ? std::string{for_good ? "no" : "not now"} : a.text;
    return make_verdict(for_good ? rules::milter_refused : rules::milter_deferred,
                        {{"said", said}, {"milter", t.of.name}});
}

void note_failure(talk const& t)
{
    auto const action = t.of.on_failure == config::milter_failure::accept  ? "accept"
                        : t.of.on_failure == config::milter_failure::defer ? "defer"
                                                                           : "refuse";
    log::event(log::level::error, "milter_failed",
               {{"milter", t.of.name},
                {"problem", t.problem},
                {"action", action},
                {"queue_id", t.what.queue_id},
                {"session", t.what.session}});
}

catalogue::verdict failure(talk const& t)
{
    note_failure(t);
    if (t.of.on_failure == config::milter_failure::accept) return {};
    return make_verdict(
        t.of.on_failure == config::milter_failure::defer ? rules::milter_unavailable : rules::milter_required,
        {{"milter", t.of.name}, {"problem", t.problem}});
}

// What it said of the message, as our answer.
catalogue::verdict settle(talk& t, mail::envelope& env, draft& message, judgement& so_far)
{
    auto const& a = t.link->protocol.last();
    if (a.what == answer::kind::refuse || a.what == answer::kind::defer) return refusal(t, a);
    auto const& wanted = t.link->protocol.wanted();
    if (a.what == answer::kind::discard) {
        so_far.discarded_by = t.of.name;
        return {};
    }
    auto problem = apply(wanted, std::move(t.body), env, message);
    if (!problem.empty()) {
        t.problem = std::move(problem);
        return failure(t);
    }
    if (wanted.hold) so_far.hold = t.of.name + ": " + *wanted.hold;
    if (env.recipients.empty()) so_far.discarded_by = t.of.name;
    auto const changed = wanted.header.size() + wanted.added.size() + wanted.removed.size() + (wanted.body ? 1 : 0) +
                         (wanted.sender ? 1 : 0);
    if (changed != 0)
        log::event(log::level::info, "milter_changed",
                   {{"milter", t.of.name},
                    {"queue_id", t.what.queue_id},
                    {"session", t.what.session},
                    {"fields", wanted.header.size()},
                    {"recipients", wanted.added.size() + wanted.removed.size()},
                    {"body", wanted.body},
                    {"sender", wanted.sender.has_value()}});
    return {};
}

net::awaitable<catalogue::verdict> ask(milter_pool* pool, config::milter const* m, occasion const* what,
                                       mail::envelope* env, draft* message, judgement* so_far)
{
    talk t{*m, *what, *env, *message, macros_of(*what, *env), nullptr, {}, false, nullptr, nullptr, {}};
    auto place = co_await pool->take(*m, what->until);
    if (!place) {
        t.problem = "all of its connections are busy";
        co_return failure(t);
    }
    bool fresh = !place->link;
    bool well = false;
    for (;;) {
        if (fresh) place->link = std::make_unique<milter_link>();
        t.link = place->link.get();
        well = co_await perform(&t, pool->executor());
        // One that was idle may have ended meanwhile; nothing of the message was taken then.
        if (well || fresh || t.answered_before) break;
        fresh = true;
    }
    if (!well) co_return failure(t);
    auto v = settle(t, *env, *message, *so_far);
    std::string end;
    place->keeps = t.link->protocol.next_connection(end);
    if (!place->keeps) milter::session::quit(end);
    auto const sent = co_await t.link->stream->write(end, m->timeout);
    place->keeps = place->keeps && sent;
    co_return v;
}

}  // namespace

std::vector<config::milter> milters_for(config::settings const& s, config::listener const& l)
{
    std::vector<config::milter> found;
    for (auto const& m : s.milters) {
        bool const role = std::find(m.roles.begin(), m.roles.end(), l.role) != m.roles.end();
        bool const here =
            m.listeners.empty() || std::find(m.listeners.begin(), m.listeners.end(), l.address) != m.listeners.end();
        if (role && here) found.push_back(m);
    }
    return found;
}

net::awaitable<judgement> consult(milter_pool* pool, std::vector<config::milter> const* milters, occasion const* what,
                                  mail::envelope* env, draft* message)
{
    judgement j;
    for (auto const& m : *milters) {
        auto v = co_await ask(pool, &m, what, env, message, &j);
        if (!v.accepted()) {
            j.verdict = std::move(v);
            break;
        }
        j.seen_by.push_back(m.name);
        if (!j.discarded_by.empty()) break;
    }
    co_return j;
}

}  // namespace postern::filters
