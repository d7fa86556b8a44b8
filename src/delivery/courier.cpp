// What a connection carries: message after message, and what became of each.
#include <algorithm>
#include <deque>
#include <exception>
#include <utility>

#include <boost/asio/error.hpp>

#include "base/fault.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "catalogue/verdict.hpp"
#include "delivery/exchange.hpp"
#include "delivery/link_outcome.hpp"

namespace postern::delivery {

namespace {

namespace rules = catalogue::rules;
using net::awaitable;

// Connections that broke off before they got to a message, before it counts as an attempt.
constexpr unsigned most_restarts = 2;
constexpr std::size_t piece_size = 64u << 10;
// Octets a second, below which content does not get through.
constexpr std::uint64_t slowest = 4u << 10;

// The job and when it began, beside what the session keeps.
struct begun {
    std::uint64_t id;
    job what;
    steady_time since;
};

class courier {
public:
    courier(std::shared_ptr<link> l, feeder& f, time_limits const& limits) : l_(std::move(l)), f_(f), limits_(limits) {}

    /// Whether a message was begun.
    bool begin_next()
    {
        while (!f_.should_end(*l_) && within_mail_limit()) {
            auto next = f_.next();
            if (!next) return false;
            if (start(std::move(*next))) return true;
        }
        return false;
    }

    void report_finished()
    {
        while (auto over = l_->session.take_finished()) {
            auto const mine =
                std::find_if(under_way_.begin(), under_way_.end(), [&](auto const& b) { return b.id == over->id; });
            begun b = std::move(*mine);
            bool const first = mine == under_way_.begin();
            under_way_.erase(mine);
            if (first) limit_first();
            settle(std::move(b), std::move(*over));
        }
    }

    awaitable<void> send(smtp::send_content what);

    bool within_mail_limit() const
    {
        auto const begun = l_->session.begun();
        auto const fits = [begun](std::uint32_t most) { return most == 0 || begun < most; };
        return fits(l_->session.announced().most_messages) && fits(l_->to.most_messages);
    }

private:
    // False when it can't go over this connection, or not all of it; then it is settled or given back.
    bool start(job j);
    void limit_first();
    bool leaves_deliver_by(mail::deliver_by const& by) const;
    void settle(begun b, smtp::finished over);
    smtp::outgoing describe_job(job const& j, std::vector<mail::recipient const*>& to) const;
    static bool header_has_eight_bits(spool::content const& body);
    void refuse(job j, outcome const& why);
    awaitable<net::net_result<done>> send_file(spool::content const& body, bool stuff, bool chunk);

    std::shared_ptr<link> l_;
    feeder& f_;
    time_limits const& limits_;
    std::deque<begun> under_way_;
    std::uint64_t last_id_ = 0;
};

smtp::outgoing courier::describe_job(job const& j, std::vector<mail::recipient const*>& to) const
{
    auto const& m = *j.of->what;
    to.reserve(j.recipients.size());
    bool utf8 = m.env.smtputf8 && !m.env.reverse_path.null && m.env.reverse_path.address.needs_smtputf8();
    for (std::size_t i = 0; i < j.recipients.size(); ++i) {
        auto const& r = j.addressed.empty() ? m.recipients[j.recipients[i]].to : j.addressed[i];
        utf8 = utf8 || (m.env.smtputf8 && r.forward_path.needs_smtputf8());
        to.push_back(&r);
    }
    smtp::outgoing out{&m.env, to, m.size, utf8, wall_clock::now()};
    if (j.copy) {
        out.size = j.copy->body->size();
        out.converted = j.copy->as;
    }
    return out;
}

bool courier::header_has_eight_bits(spool::content const& body)
{
    std::string header;
    if (auto const all = body.in_memory()) {
        header = *all;
    } else if (auto part = body.read(0, piece_size * 4)) {
        header = std::move(*part);
    }
    header.resize(std::min(header.size(), header.find("\r\n\r\n")));
    return !is_ascii(header);
}

void courier::refuse(job j, outcome const& why)
{
    std::vector<outcome> all(j.recipients.size(), why);
    f_.done(std::move(j), std::move(all), l_->how, {});
}

bool courier::start(job j)
{
    auto& s = l_->session;
    auto const& domain = l_->to.domain;
    // RFC 9422: what goes beyond the announced number waits for the next message.
    if (std::size_t const most = s.announced().most_recipients; most != 0 && j.recipients.size() > most) {
        job rest = j;
        auto const cut = static_cast<std::ptrdiff_t>(most);
        rest.recipients.erase(rest.recipients.begin(), rest.recipients.begin() + cut);
        j.recipients.resize(most);
        if (!j.addressed.empty()) {
            rest.addressed.erase(rest.addressed.begin(), rest.addressed.begin() + cut);
            j.addressed.resize(most);
        }
        f_.give_back(std::move(rest));
    }

    std::vector<mail::recipient const*> to;
    auto m = describe_job(j, to);
    // It waited for its turn: nothing is done with it after that time (RFC 2852).
    if (m.env->by.mode == mail::by_mode::give_back && m.env->by.until <= m.now) {
        refuse(std::move(j), own_finding(rules::deliver_by_passed, domain));
        return false;
    }
    // Asked for SMTPUTF8, but does it need it? (RFC 6531 section 3.2)
    if (m.env->smtputf8 && !m.utf8 && !s.announced().smtputf8) m.utf8 = header_has_eight_bits(*j.of->body);
    switch (s.check(m)) {
        case smtp::obstacle::none: break;
        case smtp::obstacle::smtputf8:
            refuse(std::move(j), own_finding(rules::remote_needs_smtputf8, domain));
            return false;
        case smtp::obstacle::eight_bit: f_.convert(std::move(j), mail::content_need::seven_bit); return false;
        case smtp::obstacle::binary:
            f_.convert(std::move(j),
                       s.announced().eight_bit_mime ? mail::content_need::eight_bit : mail::content_need::seven_bit);
            return false;
        case smtp::obstacle::require_tls:
            refuse(std::move(j), own_finding(rules::remote_needs_tls, domain));
            return false;
        case smtp::obstacle::too_late:
            refuse(std::move(j), own_finding(rules::deliver_by_passed, domain));
            return false;
        case smtp::obstacle::too_big: refuse(std::move(j), own_finding(rules::remote_too_big, domain)); return false;
    }
    s.begin(++last_id_, m);
    under_way_.push_back({last_id_, std::move(j), steady_clock::now()});
    if (under_way_.size() == 1) limit_first();
    return true;
}

// The time that the oldest message may take counts from when nothing stands before it any more.
void courier::limit_first()
{
    if (under_way_.empty()) return l_->total.disarm();
    auto const size = std::chrono::seconds{under_way_.front().what.of->what->size / slowest};
    l_->total.arm(limits_.transaction + size);
}

// The next hop does not know of the time, or the sender wants to follow the way (RFC 2852).
bool courier::leaves_deliver_by(mail::deliver_by const& by) const
{
    if (by.mode == mail::by_mode::none || l_->to.final_delivery) return false;
    return by.trace || !l_->session.announced().deliver_by;
}

void courier::settle(begun b, smtp::finished over)
{
    job again = {b.what.of, {}, {}, b.what.since, b.what.restarts + 1, b.what.copy};
    job known = {b.what.of, {}, {}, b.what.since, b.what.restarts};
    std::vector<outcome> outcomes;
    // A connection that had worked before may just have grown old; the first message on a
    // connection that breaks at once says something about the host.
    bool const innocent = !over.content_sent && l_->served > 0 && b.what.restarts < most_restarts;
    for (std::size_t i = 0; i < over.recipients.size(); ++i) {
        auto const& r = over.recipients[i];
        bool const unanswered = r.what == smtp::fate::unanswered || r.what == smtp::fate::pending;
        job& into = unanswered && innocent ? again : known;
        into.recipients.push_back(b.what.recipients[i]);
        if (!b.what.addressed.empty()) into.addressed.push_back(b.what.addressed[i]);
        if (unanswered && innocent) continue;
        outcomes.push_back(unanswered ? session_failure(*l_) : fate_at(*l_, r.said));
        outcomes.back().reports_on_success = over.dsn_passed_on && !l_->to.final_delivery;
        outcomes.back().leaves_deliver_by = leaves_deliver_by(b.what.of->what->env.by);
        if (outcomes.back().what == fate::delivered) fault_point("remote_accepted");
    }
    if (!known.recipients.empty()) {
        bool const answered = std::any_of(over.recipients.begin(), over.recipients.end(),
                                          [](auto const& r) { return r.what != smtp::fate::unanswered; });
        if (answered) ++l_->served;
        f_.done(std::move(known), std::move(outcomes), l_->how, steady_clock::now() - b.since);
    }
    if (!again.recipients.empty()) f_.give_back(std::move(again));
}

awaitable<net::net_result<done>> courier::send_file(spool::content const& body, bool stuff, bool chunk)
{
    auto& s = l_->session;
    if (body.file() >= 0 && !stuff) {
        auto const head = co_await l_->stream->write(s.output(), limits_.block);
        s.output().clear();
        if (!head) co_return head;
        auto const sent = co_await l_->stream->write_file(body.file(), 0, body.size(), limits_.block);
        if (!sent) co_return sent;
        if (!chunk) {
            auto const tail = body.read(body.size() < 2 ? 0 : body.size() - 2, 2);
            if (!tail) co_return net::error_code{boost::asio::error::fault};
            s.output() += body.size() == 0 || *tail == "\r\n" ? ".\r\n" : "\r\n.\r\n";
        }
        co_return done{};
    }
    smtp::dot_stuffer stuffer;
    for (std::uint64_t at = 0; at < body.size();) {
        auto const piece = body.read(at, piece_size);
        if (!piece || piece->empty()) co_return net::error_code{boost::asio::error::fault};
        at += piece->size();
        if (chunk) {
            s.output() += *piece;
        } else {
            stuffer.add(*piece, s.output());
        }
        if (at == body.size()) break;
        auto const sent = co_await l_->stream->write(s.output(), limits_.block);
        s.output().clear();
        if (!sent) co_return sent;
    }
    if (!chunk) stuffer.finish(s.output());
    co_return done{};
}

awaitable<void> courier::send(smtp::send_content what)
{
    auto& s = l_->session;
    auto const mine =
        std::find_if(under_way_.begin(), under_way_.end(), [&](auto const& b) { return b.id == what.id; });
    letter const& of = *mine->what.of;
    // Shared: the job may be settled while the last octets are on their way.
    auto const& copy = mine->what.copy;
    auto const body = copy ? copy->body : of.body;
    bool const stuff = copy ? copy->lines_begin_with_dot : of.what->lines_begin_with_dot;
    auto const all = body->in_memory();
    if (all && !stuff) {
        s.output() += *all;
        if (!what.chunk) s.output() += all->empty() || all->ends_with("\r\n") ? ".\r\n" : "\r\n.\r\n";
    } else if (all && !what.chunk) {
        smtp::dot_stuffer stuffer;
        stuffer.add(*all, s.output());
        stuffer.finish(s.output());
    } else if (all) {
        s.output() += *all;
    } else {
        auto const sent = co_await send_file(*body, stuff && !what.chunk, what.chunk);
        if (!sent) {
            auto const said = co_await l_->stream->read(last_words);
            s.on_content_sent();
            if (said) s.on_input(*said);
            s.on_lost("while the content was sent: " + describe(*l_, sent.error()));
            co_return;
        }
    }
    s.on_content_sent();
    // The next one's envelope goes out in the same write as this one's end.
    if (s.can_begin()) begin_next();
}

// Sends and reads until the session ends.
awaitable<void> carry_on(std::shared_ptr<link> l, feeder& f, courier& c, time_limits limits, bool& quitting)
{
    auto& s = l->session;
    for (;;) {
        c.report_finished();
        auto const act = s.next();
        if (std::holds_alternative<smtp::hang_up_now>(act)) break;
        if (auto const* const wait = std::get_if<smtp::read_reply>(&act)) {
            co_await exchange(l, wait->waiting_for, limits);
        } else if (auto const* const content = std::get_if<smtp::send_content>(&act)) {
            co_await c.send(*content);
        } else {
            if (c.begin_next()) continue;
            bool more = false;
            if (!f.should_end(*l) && c.within_mail_limit()) more = co_await f.wait();
            if (!more) {
                quitting = true;
                s.quit();
            }
        }
    }
}

}  // namespace

awaitable<std::optional<outcome>> use_link(std::shared_ptr<link> l, feeder& f, time_limits limits)
{
    courier c{l, f, limits};
    bool quitting = false;
    try {
        co_await carry_on(l, f, c, limits, quitting);
    } catch (std::exception const& e) {
        // A fault of ours: what was under way is tried again like after a broken connection.
        log::event(log::level::error, "delivery_failed", {{"next_hop", l->how.next_hop}, {"error", e.what()}});
        l->session.on_lost("a fault in this server");
        c.report_finished();
    }
    std::optional<outcome> why;
    if (!quitting) why = session_failure(*l);
    l->stream->close();
    co_return why;
}

}  // namespace postern::delivery
