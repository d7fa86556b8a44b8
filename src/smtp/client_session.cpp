#include "smtp/client_session.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/numbers.hpp"
#include "base/text.hpp"
#include "smtp/client_commands.hpp"

namespace postern::smtp {

namespace {

fate fate_of(reply const& r) noexcept
{
    if (r.positive()) return fate::accepted;
    return r.permanent() ? fate::refused : fate::deferred;
}

// Accepted by RCPT, the message's fate still open.
bool is_taken(recipient_result const& r) noexcept { return r.what == fate::pending && r.said.positive(); }

}  // namespace

client_session::client_session(client_settings s) : settings_(std::move(s))
{
    expected_.push_back({phase::greeting, 0, {}});
}

client_action client_session::next() const
{
    if (failed_ != failure::none) return hang_up_now{};
    if (tls_due_) return start_tls_now{};
    if (login_due_) return choose_login{};
    if (answer_due_) return answer_challenge{};
    if (content_due_) return send_content{running_.front().result.id, running_.front().chunk};
    if (!expected_.empty()) return read_reply{expected_.front().what};
    if (quitting_) return hang_up_now{};
    return ready{};
}

void client_session::on_input(std::string_view in)
{
    while (!in.empty() && failed_ == failure::none) {
        switch (parser_.take(in)) {
            case reply_parser::state::more: return;
            case reply_parser::state::malformed: return fail(failure::malformed, std::string{parser_.problem()});
            case reply_parser::state::complete: on_reply(parser_.release()); break;
        }
        if (tls_due_ && !in.empty()) {
            return fail(failure::injected, "octets came between the reply to STARTTLS and the handshake");
        }
    }
}

void client_session::on_reply(reply r)
{
    ++replies_;
    if (r.code == 421) {
        // The other side closes (RFC 5321 section 3.8); asked or not, it may come any time.
        std::string text = r.to_string();
        return fail(failure::shutting_down, std::move(text), std::move(r));
    }
    if (expected_.empty() || content_due_) {
        return fail(failure::malformed, "a reply came that nothing had asked for: " + r.to_string());
    }
    expectation const now = std::move(expected_.front());
    expected_.pop_front();
    switch (now.what) {
        case phase::greeting:
            if (!r.positive()) {
                std::string text = r.to_string();
                return fail(failure::refused, std::move(text), std::move(r));
            }
            return say_hello(settings_.speaks == dialect::lmtp ? "LHLO " : "EHLO ");
        case phase::hello: return on_hello(r);
        case phase::starttls:
            if (r.code == 220) {
                tls_due_ = true;
            } else if (settings_.tls == tls_wish::required) {
                fail(failure::no_tls, "STARTTLS was refused: " + r.to_string(), r);
            } else {
                on_ready_to_log_in();
            }
            return;
        case phase::auth: return on_auth(r);
        case phase::reset:
            // A server that can't even reset is in no state that we know.
            if (!r.positive()) return fail(failure::malformed, "RSET was refused: " + r.to_string(), r);
            break;
        case phase::quit: expected_.clear(); return;
        case phase::mail: on_mail(running_.front(), r); break;
        case phase::rcpt: on_rcpt(running_.front(), now.recipient, r); break;
        case phase::data: on_data(running_.front(), r); break;
        case phase::content: on_content_reply(running_.front(), r); break;
    }
    if (failed_ == failure::none) write_next_command();
}

void client_session::say_hello(std::string_view verb)
{
    extended_ = verb != "HELO ";
    announced_ = {};
    output_.append(verb).append(settings_.hostname).append("\r\n");
    expected_.push_back({phase::hello, 0, {}});
}

void client_session::on_hello(reply const& r)
{
    if (!r.positive()) {
        // Only a server that doesn't know EHLO gets HELO (RFC 5321 section 3.2).
        if (r.permanent() && extended_ && settings_.speaks == dialect::smtp) return say_hello("HELO ");
        return fail(failure::refused, r.to_string(), r);
    }
    if (extended_) announced_ = parse_extensions(r.text);
    if (!tls_ && settings_.tls != tls_wish::never) {
        if (announced_.starttls) {
            output_ += "STARTTLS\r\n";
            expected_.push_back({phase::starttls, 0, {}});
            return;
        }
        if (settings_.tls == tls_wish::required) return fail(failure::no_tls, "STARTTLS is not offered");
    }
    on_ready_to_log_in();
}

void client_session::on_tls(bool verified)
{
    assert(tls_due_);
    tls_due_ = false;
    tls_ = true;
    tls_verified_ = verified;
    parser_ = {};
    say_hello(settings_.speaks == dialect::lmtp ? "LHLO " : "EHLO ");
}

obstacle client_session::check(outgoing const& m) const
{
    return find_obstacle(m, announced_, settings_.stays_here || (tls_ && tls_verified_ && announced_.require_tls));
}

bool client_session::can_begin() const
{
    if (!up_ || quitting_ || content_due_ || failed_ != failure::none) return false;
    if (running_.empty()) return expected_.empty();
    // RFC 2920 section 3.1: commands may follow the content's end at once.
    return announced_.pipelining && running_.size() == 1 && running_.front().result.content_sent &&
           !running_.front().chunk;
}

void client_session::begin(std::uint64_t id, outgoing const& m)
{
    assert(can_begin() && !m.recipients.empty());
    ++begun_;
    running& t = running_.emplace_back();
    t.result.id = id;
    t.result.recipients.resize(m.recipients.size());
    t.result.dsn_passed_on = announced_.dsn;
    t.size = m.size;
    t.chunk = m.body() == mail::body_type::binary_mime;

    if (reset_due_) enqueue(phase::reset, 0, "RSET\r\n");
    reset_due_ = false;
    std::string command;
    append_mail_command(command, m, announced_);
    enqueue(phase::mail, 0, command);
    for (std::size_t i = 0; i < m.recipients.size(); ++i) {
        command.clear();
        append_rcpt_command(command, *m.recipients[i], announced_);
        enqueue(phase::rcpt, static_cast<std::uint32_t>(i), command);
    }
    // BDAT carries the content with it, so it waits for the recipients' replies.
    if (!t.chunk) enqueue(phase::data, 0, "DATA\r\n");
}

void client_session::enqueue(phase what, std::uint32_t recipient, std::string_view command)
{
    bool const at_once = announced_.pipelining || expected_.empty();
    if (at_once) output_ += command;
    expected_.push_back({what, recipient, at_once ? std::string{} : std::string{command}});
}

void client_session::write_next_command()
{
    if (expected_.empty() || expected_.front().command.empty()) return;
    output_ += expected_.front().command;
    expected_.front().command.clear();
}

// Forgets the commands of the transaction that were not written yet.
void client_session::skip_envelope()
{
    while (!expected_.empty() && !expected_.back().command.empty()) expected_.pop_back();
}

void client_session::on_mail(running& t, reply const& r)
{
    if (r.intermediate()) return fail(failure::malformed, "MAIL was answered with " + r.to_string(), r);
    t.mail_taken = r.positive();
    if (t.mail_taken) return;
    for (auto& one : t.result.recipients) one = {fate_of(r), r};
    t.over = true;
    skip_envelope();
    if (expected_.empty()) finish_front();
}

void client_session::on_rcpt(running& t, std::uint32_t number, reply const& r)
{
    if (r.intermediate()) return fail(failure::malformed, "RCPT was answered with " + r.to_string(), r);
    recipient_result& one = t.result.recipients[number];
    if (!t.over) {
        one.said = r;
        if (r.positive()) {
            ++t.taken;
        } else {
            one.what = fate_of(r);
        }
    }
    if (number + 1 < t.result.recipients.size()) return;
    // The last one. What follows depends on whether anybody is left.
    if (t.taken == 0 && !t.over) {
        t.over = true;
        skip_envelope();
        reset_due_ = true;
    }
    if (t.over && expected_.empty()) return finish_front();
    if (t.chunk && !t.over) {
        output_ += "BDAT " + std::to_string(t.size) + " LAST\r\n";
        content_due_ = true;
    }
}

void client_session::on_data(running& t, reply const& r)
{
    if (r.code == 354) {
        reset_due_ = false;
        if (!t.over) {
            content_due_ = true;
            return;
        }
        // Pipelined, and nobody is left: an empty message ends it (RFC 2920 section 3.1).
        if (settings_.speaks == dialect::lmtp) {
            return fail(failure::malformed, "DATA was taken though no recipient was", r);
        }
        output_ += ".\r\n";
        expected_.push_back({phase::content, 0, {}});
        return;
    }
    if (r.positive() || r.intermediate()) {
        return fail(failure::malformed, "DATA was answered with " + r.to_string(), r);
    }
    if (!t.over) settle_taken(t, r);
    reset_due_ = t.mail_taken;
    finish_front();
}

void client_session::on_content_sent()
{
    assert(content_due_);
    content_due_ = false;
    running& t = running_.front();
    t.result.content_sent = true;
    if (settings_.speaks == dialect::smtp) {
        expected_.push_back({phase::content, 0, {}});
        return;
    }
    // RFC 2033 section 4.2: a reply for each recipient that RCPT took, in order.
    for (std::size_t i = 0; i < t.result.recipients.size(); ++i) {
        if (is_taken(t.result.recipients[i])) {
            expected_.push_back({phase::content, static_cast<std::uint32_t>(i), {}});
        }
    }
    t.lmtp_next = t.taken;
}

void client_session::on_content_reply(running& t, reply const& r)
{
    if (r.intermediate()) return fail(failure::malformed, "the content was answered with " + r.to_string(), r);
    if (t.over) return finish_front();
    if (settings_.speaks == dialect::smtp) {
        settle_taken(t, r);
        return finish_front();
    }
    auto const next = std::find_if(t.result.recipients.begin(), t.result.recipients.end(), is_taken);
    *next = {fate_of(r), r};
    if (--t.lmtp_next == 0) finish_front();
}

void client_session::settle_taken(running& t, reply const& r)
{
    for (auto& one : t.result.recipients) {
        if (is_taken(one)) one = {fate_of(r), r};
    }
}

void client_session::finish_front()
{
    finished_.push_back(std::move(running_.front().result));
    running_.pop_front();
}

void client_session::quit()
{
    assert(running_.empty() && expected_.empty() && failed_ == failure::none);
    quitting_ = true;
    output_ += "QUIT\r\n";
    expected_.push_back({phase::quit, 0, {}});
}

void client_session::on_lost(std::string_view why)
{
    if (failed_ != failure::none) return;
    if (quitting_) {
        expected_.clear();
        return;
    }
    // The server may have gone while the content was on its way to it.
    if (content_due_) running_.front().result.content_sent = true;
    fail(failure::lost, std::string{why});
}

void client_session::fail(failure why, std::string text, reply r)
{
    if (quitting_) return expected_.clear();
    failed_ = why;
    failure_text_ = std::move(text);
    failure_reply_ = std::move(r);
    for (auto& t : running_) {
        for (auto& one : t.result.recipients) {
            if (one.what == fate::pending) one = {fate::unanswered, failure_reply_};
        }
        finished_.push_back(std::move(t.result));
    }
    running_.clear();
    expected_.clear();
    output_.clear();
    content_due_ = tls_due_ = login_due_ = answer_due_ = false;
}

std::optional<finished> client_session::take_finished()
{
    if (finished_.empty()) return std::nullopt;
    finished one = std::move(finished_.front());
    finished_.pop_front();
    return one;
}

}  // namespace postern::smtp
