#include "submission/session_driver.hpp"

#include <algorithm>

#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/fault.hpp"
#include "base/ids.hpp"
#include "base/text.hpp"
#include "mail/address_list.hpp"
#include "net/proxy_protocol.hpp"
#include "submission/awaiting.hpp"
#include "submission/facts.hpp"

namespace postern::submission {

using catalogue::make_verdict;
namespace rules = catalogue::rules;
namespace asio = boost::asio;

namespace {

constexpr char tls_handshake_record = 0x16;
constexpr auto reply_deadline = std::chrono::seconds{60};
// A message may trickle in for so long before its rate is looked at.
constexpr auto grace_before_rate = std::chrono::seconds{60};
constexpr std::uint64_t least_octets_per_second = 256;
constexpr std::size_t most_from_addresses = 50;
constexpr std::size_t idle_input_capacity = 1024;

catalogue::verdict malformed(std::string_view problem)
{
    return make_verdict(rules::malformed_header, {{"problem", std::string{problem}}});
}

}  // namespace

session_driver::session_driver(services s, std::shared_ptr<runtime const> rt, std::size_t listener,
                               std::unique_ptr<net::stream> peer)
    : services_(s), runtime_(std::move(rt)), listener_(runtime_->listeners[listener]), peer_(std::move(peer))
{
    who_.id = make_session_id();
    who_.listener = listener_.address;
}

session_driver::~session_driver()
{
    if (in_address_) services_.connections.leave_address(counted_);
    if (in_total_) services_.connections.leave_total();
}

net::awaitable<void> session_driver::run()
{
    bool const admitted = co_await admit();
    if (!admitted) co_return;
    bool const begun = co_await begin();
    if (begun) {
        smtp::action asked = greet();
        while (!std::holds_alternative<smtp::hang_up>(asked)) {
            smtp::action next = co_await perform(asked);
            asked = std::move(next);
            auto const refusals = session_->take_refusals();
            if (!refusals.empty()) co_await on_refusals(refusals);
        }
        [[maybe_unused]] auto const ignored = co_await flush();
    }
    peer_->close();
    totals_.milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - began_).count();
    if (session_) log_end(who_, *session_, totals_);
}

void session_driver::drain()
{
    draining_ = true;
    if (waiting_) peer_->interrupt();
}

// -- before the session -----------------------------------------------------------------

// Counts the connection, and learns who it really is where a proxy stands before us.
net::awaitable<bool> session_driver::admit()
{
    auto const& limits = runtime_->settings.limits;
    who_.client = peer_->remote().to_string();
    in_total_ = true;
    if (!services_.connections.enter_total(limits.connections)) {
        co_await turn_away(make_verdict(rules::too_many_connections));
        co_return false;
    }
    if (contains(listener_.configured.proxy_networks, peer_->remote().address)) {
        bool const proxied = co_await take_proxy_header();
        if (!proxied) co_return false;
        who_.client = peer_->remote().to_string();
    }
    counted_ = peer_->remote().address;
    in_address_ = true;
    if (!services_.connections.enter_address(counted_, limits.connections_per_address)) {
        co_await turn_away(make_verdict(rules::too_many_connections_from_client, {{"client", counted_.to_string()}}));
        co_return false;
    }
    co_return true;
}

smtp::action session_driver::greet()
{
    if (peer_->tls() == nullptr) return session_->on_connect(nullptr);
    auto const facts = tls_facts();
    return session_->on_connect(&facts);
}

net::awaitable<bool> session_driver::take_proxy_header()
{
    auto const until = steady_clock::now() + std::chrono::seconds{5};
    std::size_t seen = 0;
    for (;;) {
        // A header that comes in pieces: what was seen already would be shown again at once.
        if (seen != 0) {
            asio::steady_timer pause{peer_->executor(), std::chrono::milliseconds{20}};
            net::error_code ignored;
            co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
        }
        auto const left = until - steady_clock::now();
        net::net_result<std::string> octets{asio::error::timed_out};
        if (left > left.zero()) octets = co_await peer_->peek(net::proxy_header_limit, left);
        net::proxy_header header;
        auto const state = octets ? net::parse_proxy_header(*octets, header) : net::proxy_state::invalid;
        if (state == net::proxy_state::invalid) {
            co_await turn_away(make_verdict(rules::proxy_required));
            co_return false;
        }
        if (state == net::proxy_state::complete) {
            auto const skipped = co_await peer_->skip(header.size, reply_deadline);
            if (!skipped) co_return false;
            if (!header.local) peer_->set_endpoints(header.source, header.destination);
            co_return true;
        }
        seen = octets->size();
    }
}

// TLS from the start where the port wants it or, on a STARTTLS port, the client begins it.
net::awaitable<bool> session_driver::begin()
{
    auto const& times = runtime_->settings.timeouts;
    bool const implicit = listener_.configured.tls == config::tls_mode::implicit;
    bool const may_begin = listener_.session.starttls && listener_.session.role == config::role::submission;
    bool shake = false;
    if (implicit || may_begin) {
        steady_clock::duration const patience = implicit ? steady_clock::duration{times.tls_hint} : times.tls_peek;
        auto const first = co_await peer_->peek(1, patience);
        if (!first && first.error() != asio::error::timed_out) co_return false;
        shake = first && (*first)[0] == tls_handshake_record;
        if (implicit && !shake) {
            std::string const port = runtime_->starttls_port != 0 ? std::to_string(runtime_->starttls_port) : "587";
            co_await turn_away(make_verdict(rules::wants_tls_from_start, {{"port", port}}));
            co_return false;
        }
    }
    if (shake) {
        auto const shaken = co_await peer_->handshake_as_server(listener_.tls, times.handshake);
        if (!shaken) {
            log_incident(who_, rules::tls_handshake_failed,
                         peer_->problem().empty() ? shaken.error().message() : peer_->problem());
            co_return false;
        }
    }
    auto const& auth = runtime_->settings.auth;
    smtp::connection_facts connection;
    connection.session_id = who_.id;
    connection.client = peer_->remote();
    connection.auth_without_tls = !auth.require_tls || contains(auth.plaintext_networks, peer_->remote().address);
    session_ = std::make_unique<smtp::server_session>(listener_.session, std::move(connection));
    co_return true;
}

// One line that says why, and good bye: no session was begun.
net::awaitable<void> session_driver::turn_away(verdict why)
{
    log_incident(who_, *why.why, why.text);
    auto const line = catalogue::to_reply(why, who_.id);
    [[maybe_unused]] auto const ignored = co_await peer_->write(line, std::chrono::seconds{2});
    peer_->close();
}

// -- octets -------------------------------------------------------------------------------

// The thread's read buffer is anybody's while we wait: what is not consumed moves out of it.
void session_driver::keep_input()
{
    if (input_.empty()) {
        if (kept_.capacity() > idle_input_capacity) {
            std::string{}.swap(kept_);
        } else {
            kept_.clear();
        }
        input_ = {};
        return;
    }
    bool const is_kept = input_.data() >= kept_.data() && input_.data() < kept_.data() + kept_.size();
    if (!is_kept) {
        kept_.assign(input_);
        input_ = kept_;
    }
}

net::awaitable<net::error_code> session_driver::flush()
{
    auto& out = session_->output();
    if (out.empty()) co_return net::error_code{};
    keep_input();
    auto const written = co_await peer_->write(out, reply_deadline);
    out.clear();
    if (out.capacity() > idle_input_capacity) std::string{}.swap(out);
    co_return written ? net::error_code{} : written.error();
}

// Waits for more input, behind what there is.
net::awaitable<net::error_code> session_driver::fill(steady_clock::duration limit)
{
    keep_input();
    auto const read = co_await peer_->read(limit);
    if (!read) co_return read.error();
    if (input_.empty()) {
        input_ = *read;
    } else {
        std::size_t const consumed = static_cast<std::size_t>(input_.data() - kept_.data());
        kept_.erase(0, consumed);
        kept_.append(*read);
        input_ = kept_;
    }
    co_return net::error_code{};
}

smtp::action session_driver::lost(net::error_code why)
{
    if (why == asio::error::timed_out) {
        totals_.ended_by = "timeout";
        return session_->on_timeout();
    }
    if (why == asio::error::operation_aborted && draining_) {
        totals_.ended_by = "server";
        return session_->on_shutdown();
    }
    totals_.ended_by = why == asio::error::eof ? "client" : "lost";
    session_->output().clear();
    return smtp::hang_up{};
}

// -- what the session asks for --------------------------------------------------------------

net::awaitable<smtp::action> session_driver::perform(smtp::action& asked)
{
    if (std::holds_alternative<smtp::need_input>(asked)) co_return co_await need_input();
    if (auto* const a = std::get_if<smtp::check_recipient>(&asked)) co_return check_recipient(*a);
    if (std::holds_alternative<smtp::check_sender>(asked)) co_return check_sender();
    if (std::holds_alternative<smtp::begin_content>(asked)) co_return begin_content();
    if (std::holds_alternative<smtp::read_data>(asked)) co_return co_await read_data();
    if (std::holds_alternative<smtp::finish_message>(asked)) co_return co_await finish_message();
    if (auto* const a = std::get_if<smtp::verify_password>(&asked)) co_return co_await verify_password(*a);
    if (auto* const a = std::get_if<smtp::fetch_scram>(&asked)) co_return fetch_scram(*a);
    if (auto* const a = std::get_if<smtp::authorize>(&asked)) co_return authorize(*a);
    if (auto* const a = std::get_if<smtp::read_chunk>(&asked)) co_return co_await read_chunk(*a);
    if (auto* const a = std::get_if<smtp::discard_chunk>(&asked)) co_return co_await discard_chunk(a->size);
    if (std::holds_alternative<smtp::start_tls>(asked)) co_return co_await start_tls();
    co_return smtp::hang_up{};
}

net::awaitable<smtp::action> session_driver::need_input()
{
    auto const& times = runtime_->settings.timeouts;
    if (!input_.empty()) {
        // Pipelined commands, or an incomplete line.
        auto const before = input_.size();
        auto next = session_->on_input(input_);
        if (input_.size() != before) line_began_ = steady_clock::now();
        if (input_.size() != before || !std::holds_alternative<smtp::need_input>(next)) co_return next;
    }
    if (auto const failed = co_await flush()) co_return lost(failed);
    bool const idle = session_->transaction().recipients.empty();
    if (draining_ && idle) {
        totals_.ended_by = "server";
        co_return session_->on_shutdown();
    }
    auto const age = steady_clock::now() - began_;
    if (age > times.session) {
        totals_.ended_by = "timeout";
        co_return session_->on_timeout();
    }
    bool const stranger = session_->login().empty() && listener_.session.role == config::role::submission &&
                          !contains(runtime_->settings.relay.networks, peer_->remote().address);
    // The limit is for the whole line: one octet at a time must not hold a session for ever.
    if (input_.empty()) line_began_ = steady_clock::now();
    auto const limit = stranger || session_->in_exchange() ? times.before_login : times.command;
    auto const left = limit - (steady_clock::now() - line_began_);
    if (left <= steady_clock::duration::zero()) co_return lost(asio::error::timed_out);
    waiting_ = idle;
    auto const failed = co_await fill(left);
    waiting_ = false;
    if (failed) co_return lost(failed);
    auto const before = input_.size();
    auto next = session_->on_input(input_);
    if (input_.size() != before) line_began_ = steady_clock::now();
    co_return next;
}

net::awaitable<smtp::action> session_driver::start_tls()
{
    if (auto const failed = co_await flush()) co_return lost(failed);
    // RFC 3207 section 4.2: nothing that came before the handshake counts.
    input_ = {};
    kept_.clear();
    auto const shaken = co_await peer_->handshake_as_server(listener_.tls, runtime_->settings.timeouts.handshake);
    if (!shaken) {
        log_incident(who_, rules::tls_handshake_failed,
                     peer_->problem().empty() ? shaken.error().message() : peer_->problem());
        totals_.ended_by = "lost";
        co_return smtp::hang_up{};
    }
    auto const facts = tls_facts();
    co_return session_->on_tls(facts);
}

smtp::tls_facts session_driver::tls_facts() const
{
    auto const& tls = *peer_->tls();
    smtp::tls_facts facts{tls.version, tls.cipher, tls.bits, tls.server_name, {}};
    if (listener_.wants_bindings) {
        auto b = peer_->bindings();
        facts.bindings = {std::move(b.exporter), std::move(b.server_end_point)};
    }
    return facts;
}

// -- log-ins --------------------------------------------------------------------------------

net::awaitable<smtp::action> session_driver::verify_password(smtp::verify_password& asked)
{
    keep_input();
    auth_began_ = steady_clock::now();
    auto& accounts = services_.accounts;
    auto answer = co_await await_handler<result<directory::login>>(
        peer_->executor(), [&accounts, &asked](directory::login_handler handler) {
            accounts.verify_password(asked.authcid, asked.authzid, std::move(asked.password), std::move(handler));
        });
    co_return on_login(answer);
}

smtp::action session_driver::authorize(smtp::authorize const& asked)
{
    return on_login(services_.accounts.authorize(asked.authcid, asked.authzid));
}

smtp::action session_driver::on_login(result<directory::login> const& answer)
{
    if (!answer) {
        cause_ = answer.error().logged;
        return session_->on_login(smtp::login_result::unavailable, {});
    }
    cause_ = answer->cause;
    switch (answer->state) {
        case directory::login_state::accepted: {
            account_ = answer->who;
            auto next = session_->on_login(smtp::login_result::accepted, account_->address);
            log_login(who_, *session_, cause_);
            return next;
        }
        case directory::login_state::bad_credentials:
            return session_->on_login(smtp::login_result::bad_credentials, {});
        case directory::login_state::disabled: return session_->on_login(smtp::login_result::disabled, {});
        case directory::login_state::smtp_auth_off: return session_->on_login(smtp::login_result::smtp_auth_off, {});
        case directory::login_state::needs_transition:
            return session_->on_login(smtp::login_result::needs_transition, {});
    }
    return session_->on_login(smtp::login_result::unavailable, {});
}

smtp::action session_driver::fetch_scram(smtp::fetch_scram const& asked)
{
    auto const keys = services_.accounts.scram(asked.authcid, asked.hash);
    if (keys) return session_->on_scram(*keys);
    cause_ = keys.error().logged;
    return session_->on_scram_unavailable();
}

// -- who may do what --------------------------------------------------------------------------

policy::facts session_driver::facts(policy::stage at) const
{
    auto const& s = runtime_->settings;
    policy::facts f;
    f.stage = at;
    f.listener = listener_.session.role;
    f.listener_port = listener_.port;
    f.login_port = runtime_->login_port;
    f.client = peer_->remote().address;
    f.tls = peer_->tls() != nullptr;
    f.account = session_->login();
    f.in_relay_networks = contains(s.relay.networks, f.client);
    f.local_without_auth = s.relay.local_without_auth;
    f.reverse_path = session_->transaction().reverse_path;
    f.check_header_from = s.submission.check_header_from;
    return f;
}

smtp::action session_driver::check_sender()
{
    auto f = facts(policy::stage::sender);
    if (!f.account.empty()) {
        // Asked again for every message: a switch takes effect at once, also in open sessions.
        auto const found = services_.accounts.find_account(f.account);
        if (!found) return session_->on_sender(lookup_failed(found.error()));
        account_ = *found;
        if (!account_ || !account_->enabled) return session_->on_sender(make_verdict(rules::auth_account_disabled));
        if (!account_->smtp_auth) return session_->on_sender(make_verdict(rules::auth_smtp_off));
        f.sender_owned = !f.reverse_path.null && account_->may_send_as(f.reverse_path.address);
    }
    return session_->on_sender(policy::decide(f));
}

smtp::action session_driver::check_recipient(smtp::check_recipient const& asked)
{
    auto f = facts(policy::stage::recipient);
    f.forward_path = asked.to.forward_path;
    auto const kind = find_recipient_kind(services_.accounts, f.forward_path);
    if (!kind) return session_->on_recipient(lookup_failed(kind.error()));
    f.recipient = *kind;
    return session_->on_recipient(policy::decide(f));
}

catalogue::verdict session_driver::judge_from(std::vector<mail::header_field> const& fields, std::string_view name)
{
    auto const* const field = mail::find_first(fields, name);
    if (field == nullptr) return {};
    mail::list_error why{};
    auto const addresses = mail::parse_address_list(field->value, most_from_addresses, why);
    if (!addresses)
        return malformed(name == "From" ? "the From field names no clear address"
                                        : "the Sender field names no clear address");
    for (auto const& address : *addresses) {
        auto f = facts(policy::stage::header_from);
        f.header_address = address.to_string();
        f.sender_owned = account_ && account_->may_send_as(address);
        auto v = policy::decide(f);
        if (!v.accepted()) return v;
    }
    return {};
}

// RFC 6409 section 6.1: the header's From and Sender, for clients that logged in.
catalogue::verdict session_driver::judge_header(std::vector<mail::header_field> const& fields)
{
    auto const repeated = mail::repeated_field(fields);
    if (repeated == "From" || repeated == "Sender")
        return malformed("the field " + std::string{repeated} + " stands twice");
    auto v = judge_from(fields, "From");
    if (!v.accepted()) return v;
    return judge_from(fields, "Sender");
}

// -- content ----------------------------------------------------------------------------------

smtp::action session_driver::begin_content()
{
    auto const& s = runtime_->settings;
    auto const& env = session_->transaction();
    if (auto const room = services_.queue.room_for(env.declared_size); !room) {
        bool const full = room.error().code == status{4, 3, 1};
        return session_->on_content_ready(
            make_verdict(full ? rules::disk_full : rules::spool_failure, {{"problem", room.error().logged}}));
    }
    queue_id_ = make_queue_id();
    bool const logged_in = !session_->login().empty();
    intake_options o;
    o.message_size = s.limits.message_size;
    o.header_size = s.limits.header_size;
    o.hops = s.limits.hops;
    o.is_submission = listener_.session.role == config::role::submission || logged_in;
    o.trace.ehlo = session_->ehlo_argument();
    o.trace.client = peer_->remote().address;
    o.trace.hide_client = s.submission.hide_client_address && logged_in;
    o.trace.hostname = s.hostname;
    o.trace.protocol = session_->protocol();
    o.trace.tls_version = session_->tls_details().version;
    o.trace.tls_cipher = session_->tls_details().cipher;
    o.trace.tls_bits = session_->tls_details().bits;
    o.trace.queue_id = queue_id_;
    o.trace.recipient = env.recipients.size() == 1 ? &env.recipients.front().forward_path : nullptr;
    o.trace.utf8 = env.smtputf8;
    o.trace.now = wall_clock::now();
    message_intake::header_check check;
    if (logged_in && s.submission.check_header_from)
        check = [this](std::vector<mail::header_field> const& fields) { return judge_header(fields); };
    intake_ = std::make_unique<message_intake>(o, services_.queue.new_content(), std::move(check));
    decoder_ = {};
    scan_ = {};
    by_chunks_ = false;
    content_began_ = steady_clock::now();
    return session_->on_content_ready({});
}

bool session_driver::too_slow() const
{
    auto const taken = steady_clock::now() - content_began_ - grace_before_rate;
    auto const seconds = std::chrono::duration_cast<std::chrono::seconds>(taken).count();
    return seconds > 0 && intake_->received() < static_cast<std::uint64_t>(seconds) * least_octets_per_second;
}

net::awaitable<smtp::action> session_driver::read_data()
{
    auto const limit = runtime_->settings.timeouts.data;
    // What is over the limit is read and dropped, but not for ever.
    auto const drop_limit = 2 * runtime_->settings.limits.message_size + (1u << 20);
    for (;;) {
        if (input_.empty()) {
            if (auto const failed = co_await flush()) co_return lost(failed);
            auto const failed = co_await fill(limit);
            if (failed || too_slow()) {
                intake_.reset();
                co_return lost(failed ? failed : net::error_code{asio::error::timed_out});
            }
        }
        pieces_.clear();
        bool const ended = decoder_.decode(input_, pieces_);
        for (auto const piece : pieces_) intake_->add(piece);
        if (ended) break;
        if (intake_->received() > drop_limit) {
            intake_.reset();
            totals_.ended_by = "server";
            [[maybe_unused]] auto const reply =
                session_->on_content(make_verdict(rules::message_too_big, {{"limit", size_in_words(drop_limit)}}));
            co_return smtp::hang_up{};
        }
    }
    intake_->finish(false);
    co_return session_->on_content(content_verdict(decoder_.bare_newline(), decoder_.nul()));
}

net::awaitable<smtp::action> session_driver::read_chunk(smtp::read_chunk asked)
{
    auto const limit = runtime_->settings.timeouts.data;
    bool const binary = session_->transaction().body == mail::body_type::binary_mime;
    by_chunks_ = true;
    while (asked.size != 0) {
        if (input_.empty()) {
            if (auto const failed = co_await flush()) co_return lost(failed);
            auto const failed = co_await fill(limit);
            if (failed || too_slow()) {
                intake_.reset();
                co_return lost(failed ? failed : net::error_code{asio::error::timed_out});
            }
        }
        auto const piece = input_.substr(0, asked.size);
        scan_.add(piece);
        intake_->add(piece);
        input_.remove_prefix(piece.size());
        asked.size -= piece.size();
    }
    if (!asked.last) {
        // A chunk is refused as soon as the message can't be taken any more (RFC 3030 section 2).
        auto const& failure = intake_->failure();
        co_return session_->on_content(failure ? *failure : verdict{});
    }
    scan_.finish();
    intake_->finish(!binary && !scan_.ends_with_crlf());
    co_return session_->on_content(content_verdict(!binary && scan_.bare_newline(), !binary && scan_.nul()));
}

net::awaitable<smtp::action> session_driver::discard_chunk(std::uint64_t size)
{
    while (size != 0) {
        if (input_.empty()) {
            if (auto const failed = co_await flush()) co_return lost(failed);
            auto const failed = co_await fill(runtime_->settings.timeouts.data);
            if (failed) co_return lost(failed);
        }
        auto const n = std::min<std::uint64_t>(size, input_.size());
        input_.remove_prefix(n);
        size -= n;
    }
    co_return session_->on_discarded();
}

// What is wrong with its octets weighs more than what its header says.
catalogue::verdict session_driver::content_verdict(bool bare_newline, bool nul)
{
    if (bare_newline) return make_verdict(rules::bare_newline_in_message);
    if (nul) return make_verdict(rules::nul_in_message);
    if (auto const& failure = intake_->failure()) return *failure;
    return {};
}

net::awaitable<smtp::action> session_driver::finish_message()
{
    auto const& env = session_->transaction();
    spool::message m;
    m.queue_id = queue_id_;
    m.env = env;
    if (m.env.body == mail::body_type::seven_bit && (decoder_.eight_bit() || scan_.eight_bit()))
        m.env.body = mail::body_type::eight_bit_mime;
    m.accepted_at = wall_clock::now();
    m.session = who_.id;
    m.account = session_->login();
    m.client = peer_->remote().address.to_string();
    m.lines_begin_with_dot = by_chunks_ ? scan_.lines_begin_with_dot() : decoder_.lines_begin_with_dot();
    auto content = intake_->take();
    m.size = content->size();
    auto const size = m.size;
    auto const message_id = intake_->message_id();
    intake_.reset();

    keep_input();
    fault_point("before_accept");
    auto& queue = services_.queue;
    auto const accepted =
        co_await await_handler<result<>>(peer_->executor(), [&queue, &m, &content](spool::accept_handler handler) {
            queue.accept(std::move(m), std::move(content), std::move(handler));
        });
    fault_point("accepted_not_told");
    if (!accepted) {
        bool const full = accepted.error().code == status{4, 3, 1};
        auto const v =
            make_verdict(full ? rules::disk_full : rules::spool_failure, {{"problem", accepted.error().logged}});
        co_return session_->on_finished(v, {});
    }
    ++totals_.messages;
    log::event(log::level::info, "accepted",
               {{"queue_id", queue_id_},
                {"session", who_.id},
                {"account", session_->login()},
                {"client", who_.client},
                {"listener", who_.listener},
                {"tls", session_->tls_details().version},
                {"protocol", session_->protocol()},
                {"reverse_path", env.reverse_path.to_string()},
                {"forward_path", env.recipients.front().forward_path.to_string()},
                {"recipients", env.recipients.size()},
                {"size", size},
                {"message_id", message_id}});
    co_return session_->on_finished({}, queue_id_);
}

// -- refusals -----------------------------------------------------------------------------------

// Logs them. A wrong password is answered late, and at the same moment whatever was wrong
// with it: who guesses learns little, and slowly.
net::awaitable<void> session_driver::on_refusals(std::vector<smtp::server_session::refusal> const& refusals)
{
    bool failed_login = false;
    for (auto const& r : refusals) {
        ++totals_.refusals;
        failed_login = failed_login || r.what.why == &rules::auth_failed;
        log_refusal(who_, *session_, r, cause_);
    }
    if (!failed_login) {
        cause_.clear();
        co_return;
    }
    cause_.clear();
    keep_input();
    auto const from = auth_began_ == steady_time{} ? steady_clock::now() : auth_began_;
    auth_began_ = {};
    asio::steady_timer pause{peer_->executor(), from + runtime_->settings.auth.failure_delay};
    net::error_code ignored;
    co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

}  // namespace postern::submission
