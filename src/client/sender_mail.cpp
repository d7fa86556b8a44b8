// The sender's transactions: MAIL, RCPT and the content, one command after the other or in one
// write (RFC 2920).
#include <algorithm>
#include <utility>

#include "client/sender.hpp"

namespace postern::client {

using net::awaitable;

namespace {

constexpr std::size_t chunk_size = 1 << 20;
// Recipients in one write: what the replies to more could fill are the buffers of both sides, and each
// would wait for the other (RFC 2920 section 3.1).
constexpr std::size_t most_at_once = 100;

trouble make_trouble(stage where, step_result r)
{
    trouble t;
    t.where = where;
    t.text = r.to_string();
    t.how = std::move(r);
    return t;
}

std::optional<trouble> trouble_of(smtp::obstacle o, smtp::outgoing const& about, smtp::extensions const& known)
{
    using kind = trouble::kind;
    trouble t;
    t.where = stage::mail;
    switch (o) {
        case smtp::obstacle::none:
        case smtp::obstacle::too_late: return std::nullopt;
        case smtp::obstacle::smtputf8:
            t.what = kind::no_smtputf8;
            t.text = "an address or the header needs SMTPUTF8, which the server does not offer";
            break;
        case smtp::obstacle::binary:
        case smtp::obstacle::eight_bit:
            t.what = kind::no_eight_bit;
            t.text = "the message has 8-bit octets, which the server does not take (no 8BITMIME)";
            break;
        case smtp::obstacle::require_tls:
            t.what = kind::no_require_tls;
            t.text = "the message asks for TLS all the way, which the server does not promise (no REQUIRETLS)";
            break;
        case smtp::obstacle::too_big:
            t.what = kind::too_big;
            t.text = "the message has " + std::to_string(about.size) + " octets, and the server takes " +
                     std::to_string(known.size_limit) + " at most";
            break;
    }
    return t;
}

// Whether the connection is still good after a step.
bool goes_on(step_result const& r) noexcept
{
    constexpr int shutting_down = 421;
    return r.how == ending::reply && r.said.code != shutting_down;
}

bool any_taken(std::vector<recipient_answer> const& all) noexcept
{
    for (auto const& one : all)
        if (one.said.ok()) return true;
    return false;
}

// Nobody is left: what the last of them was told.
trouble refused_recipients(std::vector<recipient_answer> const& all)
{
    auto t = make_trouble(stage::rcpt, all.back().said);
    t.text = all.back().to.to_string() + ": " + t.text;
    return t;
}

}  // namespace

awaitable<delivery_report> sender::send(outgoing_mail const& m)
{
    auto const begun = steady_clock::now();
    auto const& known = talk_.announced().known;
    delivery_report report;
    std::vector<mail::recipient const*> to;
    for (auto const& r : m.envelope.recipients) to.push_back(&r);
    smtp::outgoing about;
    about.env = &m.envelope;
    about.recipients = to;
    about.size = m.content.size();
    about.utf8 = m.utf8;
    about.now = wall_clock::now();
    bool const safe = talk_.tls() != nullptr && talk_.tls()->peer_verified && known.require_tls;
    report.why = trouble_of(smtp::find_obstacle(about, known, safe), about, known);
    if (!report.why) {
        bool going = true;
        if (std::exchange(reset_due_, false)) {
            auto const r = co_await talk_.reset(options_.patience);
            going = goes_on(r);
            if (!r.ok()) report.why = make_trouble(stage::mail, r);
        }
        if (!report.why) going = co_await transact(m, about, report);
        usable_ = going;
        reset_due_ = going && !report.accepted;
    }
    report.took = steady_clock::now() - begun;
    co_return report;
}

awaitable<bool> sender::transact(outgoing_mail const& m, smtp::outgoing const& about, delivery_report& report)
{
    auto const& known = talk_.announced().known;
    bool const chunks = known.chunking && (options_.chunking || m.envelope.body == mail::body_type::binary_mime);
    for (auto const& r : m.envelope.recipients) {
        recipient_answer one;
        one.to = r.forward_path;
        report.recipients.push_back(std::move(one));
    }
    bool going = false;
    if (options_.pipelining && known.pipelining) {
        going = co_await pipelined(m, about, !chunks, report);
    } else {
        going = co_await one_by_one(m, about, !chunks, report);
    }
    if (!going || report.why) co_return going;

    step_result r;
    if (chunks) {
        r = co_await send_chunks(m.content);
    } else {
        r = co_await talk_.content(m.content, options_.content_patience);
    }
    report.accepted = r.how == ending::reply && r.said.positive();
    report.last = r.said;
    going = goes_on(r);
    if (!report.accepted) report.why = make_trouble(stage::content, std::move(r));
    co_return going;
}

awaitable<bool> sender::one_by_one(outgoing_mail const& m, smtp::outgoing const& about, bool data,
                                   delivery_report& report)
{
    auto r = co_await talk_.mail_from(about, options_.patience);
    if (!r.ok()) {
        bool const going = goes_on(r);
        report.why = make_trouble(stage::mail, std::move(r));
        co_return going;
    }
    for (std::size_t i = 0; i < m.envelope.recipients.size(); ++i) {
        auto& said = report.recipients[i].said;
        said = co_await talk_.rcpt_to(m.envelope.recipients[i], options_.patience);
        if (!goes_on(said)) {
            report.why = make_trouble(stage::rcpt, said);
            co_return false;
        }
    }
    if (!any_taken(report.recipients)) {
        report.why = refused_recipients(report.recipients);
        co_return true;
    }
    if (!data) co_return true;
    r = co_await talk_.begin_data(options_.patience);
    bool const going = goes_on(r);
    if (r.how != ending::reply || r.said.code != 354) report.why = make_trouble(stage::data, std::move(r));
    co_return going;
}

awaitable<bool> sender::pipelined(outgoing_mail const& m, smtp::outgoing const& about, bool data,
                                  delivery_report& report)
{
    auto const& known = talk_.announced().known;
    auto const& all = m.envelope.recipients;
    step_result r;
    for (std::size_t from = 0; from < all.size();) {
        auto const to = std::min(all.size(), from + most_at_once);
        std::vector<std::string> lines;
        if (from == 0) smtp::append_mail_command(lines.emplace_back(), about, known);
        for (auto i = from; i < to; ++i) smtp::append_rcpt_command(lines.emplace_back(), all[i], known);
        if (data && to == all.size()) lines.emplace_back("DATA\r\n");
        for (auto& line : lines) line.resize(line.size() - 2);  // its CRLF
        auto written = co_await talk_.write_commands(std::move(lines), options_.patience);
        if (!written.ok()) {
            report.why = make_trouble(from == 0 ? stage::mail : stage::rcpt, std::move(written));
            co_return false;
        }
        if (from == 0) {
            r = co_await talk_.next_reply(options_.patience);
            bool const going = goes_on(r);
            if (!r.ok()) report.why = make_trouble(stage::mail, std::move(r));
            if (!going) co_return false;
        }
        for (; from < to; ++from) {
            auto& one = report.recipients[from];
            one.said = co_await talk_.next_reply(options_.patience);
            if (goes_on(one.said)) continue;
            if (!report.why) report.why = make_trouble(stage::rcpt, one.said);
            co_return false;
        }
        // The rest need not be asked for, and DATA has not been said.
        if (report.why && to != all.size()) co_return true;
    }
    if (!report.why && !any_taken(report.recipients)) report.why = refused_recipients(report.recipients);
    if (!data) co_return true;
    r = co_await talk_.next_reply(options_.patience);
    bool const going = goes_on(r);
    bool const taken = r.how == ending::reply && r.said.code == 354;
    if (!taken) {
        if (!report.why) report.why = make_trouble(stage::data, std::move(r));
        co_return going;
    }
    if (!report.why) co_return true;
    // Nobody is left, but it waits for content: an empty message ends it (RFC 2920 section 3.1).
    constexpr std::string_view nothing;
    r = co_await talk_.content(nothing, options_.patience);
    co_return goes_on(r);
}

awaitable<step_result> sender::send_chunks(std::string_view content)
{
    for (;;) {
        auto const now = content.substr(0, chunk_size);
        content.remove_prefix(now.size());
        auto r = co_await talk_.chunk(now, content.empty(), options_.content_patience);
        if (content.empty() || !r.ok()) co_return r;
    }
}

}  // namespace postern::client
