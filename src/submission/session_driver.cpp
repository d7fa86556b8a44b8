#include "submission/session_driver.hpp"

#include <algorithm>

#include <boost/asio/error.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/ids.hpp"
#include "base/secret.hpp"

namespace postern::submission {

namespace rules = catalogue::rules;
namespace asio = boost::asio;

namespace {

constexpr auto reply_deadline = std::chrono::seconds{60};
constexpr std::size_t idle_input_capacity = 1024;
/// What a mechanism said of a refusal.
std::string_view detail_of(catalogue::verdict const& v)
{
    for (auto const& fact : v.facts)
        if (fact.key == "detail") return fact.value;
    return {};
}

constexpr std::size_t much_output = 16 << 10;

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
            witness_refusals(refusals);
            if (!session_->mark().empty()) bear_witness(asked);
            if (!refusals.empty()) co_await on_refusals(refusals);
        }
        // Even with nothing left to say: what the handshake made may wait to travel with it.
        [[maybe_unused]] auto const ignored = co_await peer_->finish(session_->output(), reply_deadline);
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

// -- octets -------------------------------------------------------------------------------

// The thread's read buffer is anybody's while we wait: what is not consumed moves out of it.
void session_driver::keep_input()
{
    bool const secret_line = session_ && session_->in_exchange();
    if (input_.empty()) {
        if (secret_line) wipe(kept_.data(), kept_.capacity());
        if (kept_.capacity() > idle_input_capacity) {
            std::string{}.swap(kept_);
        } else {
            kept_.clear();
        }
        input_ = {};
        return;
    }
    bool const is_kept = input_.data() >= kept_.data() && input_.data() < kept_.data() + kept_.size();
    if (is_kept) {
        if (secret_line) wipe(kept_.data(), static_cast<std::size_t>(input_.data() - kept_.data()));
        return;
    }
    std::string fresh{input_};
    if (secret_line) wipe(kept_.data(), kept_.capacity());
    kept_ = std::move(fresh);
    input_ = kept_;
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
        std::string fresh;
        fresh.reserve(input_.size() + read->size());
        fresh.append(input_).append(*read);
        if (session_->in_exchange()) wipe(kept_.data(), kept_.capacity());
        kept_ = std::move(fresh);
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
    if (auto* const a = std::get_if<smtp::check_recipient>(&asked)) co_return co_await check_recipient(*a);
    if (std::holds_alternative<smtp::check_sender>(asked)) co_return co_await check_sender();
    if (std::holds_alternative<smtp::begin_content>(asked)) co_return begin_content();
    if (std::holds_alternative<smtp::read_data>(asked)) co_return co_await read_data();
    if (std::holds_alternative<smtp::finish_message>(asked)) co_return co_await finish_message();
    if (auto* const a = std::get_if<smtp::verify_password>(&asked)) co_return co_await verify_password(*a);
    if (auto* const a = std::get_if<smtp::fetch_scram>(&asked)) co_return co_await fetch_scram(*a);
    if (auto* const a = std::get_if<smtp::verify_token>(&asked)) co_return co_await verify_token(*a);
    if (auto* const a = std::get_if<smtp::fetch_cram>(&asked)) co_return co_await fetch_cram(*a);
    if (auto* const a = std::get_if<smtp::context_step>(&asked)) co_return co_await step_context(*a);
    if (auto* const a = std::get_if<smtp::authorize>(&asked)) co_return co_await authorize(*a);
    if (auto* const a = std::get_if<smtp::read_chunk>(&asked)) co_return co_await read_chunk(*a);
    if (auto* const a = std::get_if<smtp::discard_chunk>(&asked)) co_return co_await discard_chunk(a->size);
    if (std::holds_alternative<smtp::start_tls>(asked)) co_return co_await start_tls();
    if (auto* const a = std::get_if<smtp::show_record>(&asked)) co_return show_record(*a);
    co_return smtp::hang_up{};
}

net::awaitable<smtp::action> session_driver::need_input()
{
    auto const& times = runtime_->settings.timeouts;
    // RSET, EHLO or an error of BDAT may have ended a message half-way.
    if (intake_ && session_->transaction().recipients.empty()) intake_.reset();
    // Who sends and doesn't read must not make us pile up answers.
    if (session_->output().size() > much_output)
        if (auto const failed = co_await flush()) co_return lost(failed);
    if (!input_.empty()) {
        // Pipelined commands, or an incomplete line.
        auto const before = input_.size();
        session_->set_time(wall_clock::now());
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
        co_return session_->on_timeout(rules::session_too_long);
    }
    bool const stranger =
        session_->login().empty() && listener_.session.role == config::role::submission && !is_trusted();
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
    session_->set_time(wall_clock::now());
    auto next = session_->on_input(input_);
    if (input_.size() != before) line_began_ = steady_clock::now();
    co_return next;
}

net::awaitable<smtp::action> session_driver::start_tls()
{
    if (auto const failed = co_await flush()) co_return lost(failed);
    // RFC 3207 section 4.2: nothing that came before the handshake counts.
    input_ = {};
    wipe(kept_.data(), kept_.capacity());
    kept_.clear();
    auto const shaken = co_await peer_->handshake_as_server(listener_.tls, runtime_->settings.timeouts.handshake);
    if (!shaken) {
        log_incident(who_, rules::tls_handshake_failed,
                     peer_->problem().empty() ? shaken.error().message() : peer_->problem());
        totals_.ended_by = "lost";
        co_return smtp::hang_up{};
    }
    co_await prepare_certificate();
    auto const facts = tls_facts();
    co_return session_->on_tls(facts);
}

smtp::tls_facts session_driver::tls_facts() const
{
    auto const& tls = *peer_->tls();
    smtp::tls_facts facts{
        .version = tls.version, .cipher = tls.cipher, .bits = tls.bits, .server_name = tls.server_name, .bindings = {}};
    if (listener_.wants_bindings) {
        auto b = peer_->bindings();
        facts.bindings = {std::move(b.exporter), std::move(b.server_end_point), std::move(b.unique)};
    }
    if (listener_.configured.client_certificates) find_accounts_of_certificate(facts);
    return facts;
}

// -- refusals -----------------------------------------------------------------------------------

// Logs them. A wrong password is answered late, and at the same moment whatever was wrong
// with it: who guesses learns little, and slowly.
net::awaitable<void> session_driver::on_refusals(std::vector<smtp::server_session::refusal> const& refusals)
{
    bool failed_login = false;
    steady_time due{};
    for (auto const& r : refusals) {
        ++totals_.refusals;
        if (r.command.starts_with("RCPT")) ++refused_recipients_;
        bool const unsure = r.what.why == &rules::auth_unavailable && detail_of(r.what) == sasl::unsure_proof;
        bool const failed = catalogue::is_failed_proof(*r.what.why);
        if (failed || unsure) {
            failed_login = true;
            desk_->take_refusal(detail_of(r.what), session_->claimed_identity());
        }
        log_refusal(who_, *session_, r, desk_->cause(), desk_->meaning());
        if (failed)
            due = desk_->on_failure(session_->claimed_identity(), session_->ehlo_argument(), session_->mechanism());
        if (unsure) due = desk_->on_unsure(session_->claimed_identity());
    }
    desk_->forget_cause();
    if (!session_->in_exchange()) desk_->end_exchange();
    auto const& mx = runtime_->settings.mx;
    bool const guesses = mx.tarpit_after != 0 && refused_recipients_ > mx.tarpit_after && is_stranger();
    if (guesses && !in_tarpit_) log::event(log::level::info, "tarpit", {{"session", who_.id}, {"client", who_.client}});
    in_tarpit_ = in_tarpit_ || guesses;
    if (guesses) due = std::max(due, steady_clock::now() + mx.tarpit_delay);
    if (failed_login || guesses) co_await pause_until(due);
}

net::awaitable<void> session_driver::pause_until(steady_time until)
{
    keep_input();
    asio::steady_timer pause{peer_->executor(), until};
    net::error_code ignored;
    co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

}  // namespace postern::submission
