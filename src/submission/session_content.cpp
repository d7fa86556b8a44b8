// The content of a message, from the room for it to the commit that allows the 250.
#include "submission/session_driver.hpp"

#include <algorithm>

#include <boost/asio/error.hpp>

#include "base/counters.hpp"
#include "base/fault.hpp"
#include "base/ids.hpp"
#include "net/awaiting.hpp"
#include "submission/facts.hpp"

namespace postern::submission {

using catalogue::make_verdict;
namespace rules = catalogue::rules;
namespace asio = boost::asio;

namespace {

// A message may trickle in for so long before its rate is looked at.
constexpr auto grace_before_rate = std::chrono::seconds{60};
constexpr std::uint64_t least_octets_per_second = 256;
constexpr std::size_t idle_pieces = 64;

}  // namespace

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
    // A message without an author is thrown away or called spam further on. Of who logged in, the
    // sender's address was judged at MAIL; who is in relay.networks may write any into either place.
    if (!env.reverse_path.null) o.from = env.reverse_path.address.to_string();
    o.from_required = logged_in;
    o.trace.ehlo = session_->ehlo_argument();
    o.trace.client = peer_->remote().address;
    if (listener_.for_programs) o.trace.local_user = who_.client;
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
    keys_ = logged_in || is_trusted() ? services_.signer.keys() : nullptr;
    // What may be changed yet is signed when it was.
    if (!is_looked_over()) o.keys = keys_;
    message_intake::header_check check;
    bool const limited = app_ && !app_->limits.senders.empty();
    if (logged_in && (s.submission.check_header_from || limited))
        check = [this](std::vector<mail::header_field> const& fields) { return judge_header(fields); };
    if (is_stranger())
        check = [this](std::vector<mail::header_field> const& fields) {
            auto const& to = session_->transaction().recipients;
            return judge_circle(services_.accounts, services_.forwards, to, fields);
        };
    intake_ = std::make_unique<message_intake>(o, services_.queue.new_content(), std::move(check));
    decoder_ = {};
    scan_ = {};
    by_chunks_ = false;
    put_off_.clear();
    content_began_ = steady_clock::now();
    return session_->on_content_ready({});
}

bool session_driver::takes_too_long(std::uint64_t received) const
{
    auto const now = steady_clock::now();
    if (now - began_ > runtime_->settings.timeouts.session) return true;
    auto const taken = now - content_began_ - grace_before_rate;
    auto const seconds = std::chrono::duration_cast<std::chrono::seconds>(taken).count();
    return seconds > 0 && received < static_cast<std::uint64_t>(seconds) * least_octets_per_second;
}

net::awaitable<smtp::action> session_driver::read_data()
{
    auto const limit = runtime_->settings.timeouts.data;
    // What is over the limit is read and dropped, but not for ever.
    auto const most = runtime_->settings.limits.message_size;
    auto const drop_limit = 2 * most + (1u << 20);
    for (;;) {
        if (input_.empty()) {
            if (auto const failed = co_await flush()) co_return lost(failed);
            auto const failed = co_await fill(limit);
            if (failed || takes_too_long(intake_->received())) {
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
                session_->on_content(make_verdict(rules::message_too_big, {{"limit", size_in_words(most)}}));
            co_return smtp::hang_up{};
        }
    }
    if (pieces_.capacity() > idle_pieces) std::vector<std::string_view>{}.swap(pieces_);
    intake_->finish(false);
    auto v = content_verdict(decoder_.bare_newline(), decoder_.nul());
    if (v.accepted() && !put_off_.empty()) v = co_await judge_put_off();
    co_return session_->on_content(v);
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
            if (failed || takes_too_long(intake_->received())) {
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
    auto v = content_verdict(!binary && scan_.bare_newline(), !binary && scan_.nul());
    if (v.accepted() && !put_off_.empty()) v = co_await judge_put_off();
    co_return session_->on_content(v);
}

net::awaitable<smtp::action> session_driver::discard_chunk(std::uint64_t size)
{
    std::uint64_t discarded = 0;
    content_began_ = steady_clock::now();
    while (size != 0) {
        if (input_.empty()) {
            if (auto const failed = co_await flush()) co_return lost(failed);
            auto const failed = co_await fill(runtime_->settings.timeouts.data);
            if (failed || takes_too_long(discarded))
                co_return lost(failed ? failed : net::error_code{asio::error::timed_out});
        }
        auto const n = std::min<std::uint64_t>(size, input_.size());
        input_.remove_prefix(n);
        size -= n;
        discarded += n;
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

// Puts the signatures into their place. What can't be signed goes on without, or comes again later.
net::awaitable<std::optional<catalogue::verdict>> session_driver::sign(
    std::shared_ptr<signing::message_signing> signing, spool::content_writer* content)
{
    using answer = std::optional<std::string>;
    auto& signer = services_.signer;
    auto begin = [&signer, signing](std::function<void(answer)> handler) {
        auto const made = std::make_shared<answer>();
        signer.run([signing, made] { *made = signing->sign(); },
                   [signing, made, handler = std::move(handler)](std::string const& problem) {
                       if (!problem.empty()) signing->fail(problem);
                       handler(std::move(*made));
                   });
    };
    answer fields = co_await net::await_handler<answer>(peer_->executor(), std::move(begin));
    if (fields) {
        auto const written = content->replace_front(*fields);
        if (written) co_return std::nullopt;
        bool const full = written.error().code == status{4, 3, 1};
        co_return make_verdict(full ? rules::disk_full : rules::spool_failure, {{"problem", written.error().logged}});
    }
    log::event(log::level::warning, "dkim_unsigned",
               {{"queue_id", queue_id_},
                {"session", who_.id},
                {"account", session_->login()},
                {"problem", signing->problem()},
                {"action", signing->defers() ? "defer" : "send"}});
    if (signing->defers()) co_return make_verdict(rules::dkim_not_signed, {{"problem", signing->problem()}});
    co_return std::nullopt;
}

net::awaitable<smtp::action> session_driver::finish_message()
{
    auto const began = steady_clock::now();
    auto const& env = session_->transaction();
    if (auto const over = count_message()) {
        intake_.reset();
        co_return session_->on_finished(*over, {});
    }
    arrived_message arrived;
    auto& m = arrived.what;
    m.queue_id = queue_id_;
    m.env = env;
    if (m.env.body == mail::body_type::seven_bit && (decoder_.eight_bit() || scan_.eight_bit()))
        m.env.body = mail::body_type::eight_bit_mime;
    m.accepted_at = wall_clock::now();
    m.session = who_.id;
    m.account = session_->login();
    m.client = peer_->remote().address.to_string();
    if (services_.conduct.holds(m.account))
        arrived.held_by = &rules::guard_account_held;
    else if (held_by_route())
        arrived.held_by = &rules::route_held;
    m.lines_begin_with_dot = by_chunks_ ? scan_.lines_begin_with_dot() : decoder_.lines_begin_with_dot();
    arrived.content = intake_->take();
    m.env.tls_optional = intake_->tls_optional();
    auto const message_id = intake_->message_id();
    arrived.signing = intake_->take_signing();
    intake_.reset();

    keep_input();
    if (is_looked_over()) {
        auto const refused = co_await look_over(&arrived);
        if (!refused.accepted()) {
            uncount_message();
            co_return session_->on_finished(refused, {});
        }
        if (!arrived.discarded_by.empty()) {
            log::event(log::level::warning, "discarded",
                       {{"queue_id", queue_id_},
                        {"session", who_.id},
                        {"milter", arrived.discarded_by},
                        {"rule", rules::milter_discarded.name}});
            co_return session_->on_finished({}, queue_id_);
        }
    }
    if (arrived.signing) {
        auto const failed = co_await sign(arrived.signing, arrived.content.get());
        if (failed) {
            uncount_message();
            co_return session_->on_finished(*failed, {});
        }
    }
    m.size = arrived.content->size();
    m.held = arrived.held_by != nullptr;
    auto stored = m;
    fault_point("before_accept");
    auto& queue = services_.queue;
    auto& content = arrived.content;
    auto const accepted = co_await net::await_handler<result<>>(
        peer_->executor(), [&queue, &stored, &content](spool::accept_handler handler) {
            queue.accept(std::move(stored), std::move(content), std::move(handler));
        });
    fault_point("accepted_not_told");
    if (!accepted) {
        uncount_message();
        bool const full = accepted.error().code == status{4, 3, 1};
        auto const v =
            make_verdict(full ? rules::disk_full : rules::spool_failure, {{"problem", accepted.error().logged}});
        co_return session_->on_finished(v, {});
    }
    ++totals_.messages;
    counters::totals.messages.add();
    counters::totals.recipients.add(env.recipients.size());
    counters::totals.octets.add(m.size);
    counters::totals.accept_spread.add(std::chrono::duration<double>(steady_clock::now() - began).count());
    log_accepted(arrived, message_id);
    co_return session_->on_finished({}, queue_id_);
}

void session_driver::log_accepted(arrived_message const& arrived, std::string_view message_id) const
{
    auto const& m = arrived.what;
    bool const is_signed = arrived.signing && arrived.signing->problem().empty();
    log::event(log::level::info, "accepted",
               {{"queue_id", m.queue_id},
                {"session", who_.id},
                {"account", session_->login()},
                {"credential", who_.credential},
                {"label", who_.label},
                {"client", who_.client},
                {"listener", who_.listener},
                {"tls", session_->tls_details().version},
                {"protocol", session_->protocol()},
                {"reverse_path", m.env.reverse_path.to_string()},
                {"forward_path", m.env.recipients.front().forward_path.to_string()},
                {"recipients", m.env.recipients.size()},
                {"size", m.size},
                {"message_id", message_id},
                {"dkim", is_signed ? arrived.signing->description() : std::string{}},
                {"milters", arrived.milters},
                {"authenticity", arrived.authenticity}});
    if (arrived.held_by == nullptr) return;
    log::event(log::level::warning, "held",
               {{"queue_id", m.queue_id},
                {"session", who_.id},
                {"account", session_->login()},
                {"rule", arrived.held_by->name},
                {"problem", arrived.hold_reason}});
}

}  // namespace postern::submission
