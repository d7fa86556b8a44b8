#include "delivery/report.hpp"

#include <algorithm>

#include "base/ids.hpp"
#include "catalogue/verdict.hpp"
#include "mail/dsn.hpp"

namespace postern::delivery {

namespace {

// More header than this goes back cut.
constexpr std::size_t header_limit = 64u << 10;

mail::dsn_action action_of(reported const& r, attempt const& how) noexcept
{
    if (r.delayed_until) return mail::dsn_action::delayed;
    if (r.what->what != fate::delivered) return mail::dsn_action::failed;
    return how.final_delivery ? mail::dsn_action::delivered : mail::dsn_action::relayed;
}

mail::dsn_recipient describe(spool::message const& original, reported const& r, attempt const& how, wall_time now)
{
    auto const& to = original.recipients[r.place].to;
    mail::dsn_recipient d;
    d.address = to.forward_path;
    d.original = to.original;
    d.action = action_of(r, how);
    d.last_attempt = now;
    d.will_retry_until = r.delayed_until;
    outcome const& o = *r.what;
    d.code = o.code;
    if (r.what->remote_said) {
        d.remote_host = how.remote_host;
        d.remote_reply = o.reply;
    }
    d.reason = o.reason;
    if (o.why && o.what != fate::delivered) d.remedy = o.why->user;
    if (r.given_up != nullptr) {
        auto const& rule = *r.given_up;
        auto const days = std::chrono::duration_cast<std::chrono::hours>(now - original.accepted_at).count() / 24;
        auto const hours = std::chrono::duration_cast<std::chrono::hours>(now - original.accepted_at).count();
        std::string const time = days > 1    ? std::to_string(days) + " days"
                                 : hours > 1 ? std::to_string(hours) + " hours"
                                             : "a while";
        d.code = rule.status;
        d.reason = catalogue::make_verdict(rule, {{"time", time}, {"domain", to.forward_path.domain}}).text;
        if (!o.reason.empty()) d.reason += ". The last problem: " + o.reason;
        d.remedy = rule.user;
    }
    return d;
}

std::string beginning(spool::content const* body, std::size_t limit)
{
    if (body == nullptr) return {};
    if (auto const all = body->in_memory()) return std::string{all->substr(0, limit)};
    std::string text;
    while (text.size() < limit) {
        auto piece = body->read(text.size(), limit - text.size());
        // A report without the header is better than none.
        if (!piece || piece->empty()) break;
        text += *piece;
    }
    return text;
}

}  // namespace

bool wants_report(spool::stored_recipient const& r, outcome const& o, bool expired) noexcept
{
    auto const& n = r.to.notify;
    if (o.what == fate::delivered && o.leaves_deliver_by) return !n.never;
    if (o.what == fate::delivered) return n.specified && n.success && !n.never && !o.reports_on_success;
    if (o.what == fate::deferred && !expired) return false;
    return !n.specified || (n.failure && !n.never);
}

bool wants_delay_notice(spool::stored_recipient const& r) noexcept
{
    auto const& n = r.to.notify;
    return !n.specified || (n.delay && !n.never);
}

std::pair<spool::message, std::string> make_report(spool::message const& original, spool::content const* body,
                                                   std::vector<reported> const& about, attempt const& how,
                                                   std::string const& hostname, wall_time now)
{
    mail::dsn_request request;
    request.hostname = hostname;
    request.sender = original.env.reverse_path;
    request.queue_id = original.queue_id;
    request.report_id = make_queue_id();
    request.envelope_id = original.env.envelope_id;
    request.ret = original.env.ret;
    request.smtputf8 = original.env.smtputf8;
    request.headers_only = original.env.require_tls;  // RFC 8689 section 5
    request.arrived = original.accepted_at;
    request.now = now;
    for (auto const& r : about) request.recipients.push_back(describe(original, r, how, now));

    bool const failed = std::any_of(about.begin(), about.end(),
                                    [](auto const& r) { return r.what->what != fate::delivered && !r.delayed_until; });
    bool const whole = failed && original.env.ret == mail::dsn_return::full && body != nullptr &&
                       body->size() <= request.content_limit && original.env.body != mail::body_type::binary_mime;
    std::string const text = beginning(body, header_limit);
    std::size_t const end = text.find("\r\n\r\n");
    request.header = std::string_view{text}.substr(0, end == std::string::npos ? end : end + 2);
    if (end == std::string::npos) {
        // Cut in a line, or no body at all: whole lines only.
        request.header = request.header.substr(0, text.rfind("\r\n") == std::string::npos ? 0 : text.rfind("\r\n") + 2);
    }
    if (whole && text.size() == body->size()) request.content = text;

    std::pair<spool::message, std::string> report;
    report.second = mail::make_dsn(request);
    auto& m = report.first;
    m.queue_id = request.report_id;
    m.env.reverse_path.null = true;
    m.env.smtputf8 = mail::dsn_needs_smtputf8(request);
    bool const ascii = std::all_of(report.second.begin(), report.second.end(),
                                   [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    if (!ascii) m.env.body = mail::body_type::eight_bit_mime;
    spool::stored_recipient to;
    to.to.forward_path = original.env.reverse_path.address;
    to.next_attempt = now;
    m.recipients.push_back(std::move(to));
    m.accepted_at = now;
    m.size = report.second.size();
    m.lines_begin_with_dot = report.second.starts_with('.') || report.second.find("\r\n.") != std::string::npos;
    return report;
}

}  // namespace postern::delivery
