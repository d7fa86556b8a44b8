#include "escort/report.hpp"

#include <algorithm>
#include <stdexcept>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/base64.hpp"
#include "base/crypto.hpp"
#include "base/ids.hpp"

namespace postern::escort {
namespace {

namespace json = boost::json;

constexpr std::size_t line_length = 76;
// Beyond these a report has only sums: whoever reads it knows by then.
constexpr std::size_t most_details = 1000;

json::array lines_of(std::string_view text)
{
    json::array out;
    while (!text.empty()) {
        auto const end = std::min(text.find('\n'), text.size());
        auto line = text.substr(0, end);
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (!line.empty()) out.emplace_back(line);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return out;
}

std::int64_t seconds_of(wall_time t)
{
    return std::chrono::duration_cast<std::chrono::seconds>(t.time_since_epoch()).count();
}

// To the second, as RFC 8460 has it.
std::string stamp(wall_time t)
{
    auto text = to_rfc3339(t);
    text.resize(std::string_view{"2026-11-22T07:04:11"}.size());
    return text + 'Z';
}

json::object policy_of(applied_policy const& p)
{
    json::object o;
    o["policy-type"] = p.type;
    if (!p.text.empty()) o["policy-string"] = lines_of(p.text);
    o["policy-domain"] = p.domain;
    if (!p.mx.empty()) o["mx-host"] = lines_of(p.mx);
    return o;
}

json::object detail_of(session_row const& r)
{
    json::object o;
    o["result-type"] = r.result;
    if (!r.own_address.empty()) o["sending-mta-ip"] = r.own_address;
    if (!r.host.empty()) o["receiving-mx-hostname"] = r.host;
    if (!r.address.empty()) o["receiving-ip"] = r.address;
    o["failed-session-count"] = r.count;
    if (!r.detail.empty()) o["failure-reason-code"] = r.detail;
    return o;
}

json::object summary_of(std::vector<session_row const*> const& rows)
{
    std::uint64_t good = 0, bad = 0;
    json::array details;
    for (auto const* r : rows) {
        (r->result.empty() ? good : bad) += r->count;
        if (!r->result.empty() && details.size() < most_details) details.push_back(detail_of(*r));
    }
    json::object o;
    o["policy"] = policy_of(rows.front()->policy);
    json::object sums;
    sums["total-successful-session-count"] = good;
    sums["total-failure-session-count"] = bad;
    o["summary"] = std::move(sums);
    if (!details.empty()) o["failure-details"] = std::move(details);
    return o;
}

std::string in_lines(std::string const& text)
{
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += line_length) out += text.substr(at, line_length) + "\r\n";
    return out;
}

}  // namespace

std::string report_facts::id() const
{
    auto const hashed = digest(hash::sha256, std::to_string(day) + '!' + domain);
    std::string out = stamp(begin_of_day(day)).substr(0, 10) + '.';
    constexpr std::string_view digits = "0123456789abcdef";
    for (std::size_t i = 0; i < 12; ++i) out += digits[static_cast<unsigned char>(hashed[i]) & 15];
    return out + '@' + hostname;
}

std::string report_facts::file_name() const
{
    auto const from_second = seconds_of(begin_of_day(day));
    return hostname + '!' + domain + '!' + std::to_string(from_second) + '!' +
           std::to_string(seconds_of(begin_of_day(day + 1)) - 1) + ".json.gz";
}

std::string make_report(report_facts const& f, std::vector<session_row> const& rows)
{
    std::vector<std::vector<session_row const*>> by_policy;
    for (auto const& r : rows) {
        auto const at = std::find_if(by_policy.begin(), by_policy.end(),
                                     [&](auto const& group) { return group.front()->policy == r.policy; });
        if (at == by_policy.end()) {
            by_policy.push_back({&r});
        } else {
            at->push_back(&r);
        }
    }
    json::object o;
    o["organization-name"] = f.organization;
    json::object range;
    range["start-datetime"] = stamp(begin_of_day(f.day));
    range["end-datetime"] = stamp(begin_of_day(f.day + 1) - std::chrono::seconds{1});
    o["date-range"] = std::move(range);
    o["contact-info"] = f.contact;
    o["report-id"] = f.id();
    json::array policies;
    for (auto const& group : by_policy) policies.push_back(summary_of(group));
    o["policies"] = std::move(policies);
    return json::serialize(o);
}

std::pair<spool::message, std::string> make_report_mail(report_facts const& f, std::string_view zipped,
                                                        mail::mailbox const& to, wall_time now)
{
    std::pair<spool::message, std::string> made;
    auto& m = made.first;
    auto& text = made.second;
    m.queue_id = make_queue_id();
    m.accepted_at = now;
    m.env.reverse_path.null = true;
    m.env.smtputf8 = to.needs_smtputf8();
    m.env.tls_optional = true;
    mail::recipient recipient;
    recipient.forward_path = to;
    recipient.notify.specified = recipient.notify.never = true;
    m.env.recipients.push_back(std::move(recipient));

    std::string const boundary = "=_" + m.queue_id;
    std::string const day = stamp(begin_of_day(f.day)).substr(0, 10);
    text += "From: <" + f.from + ">\r\n";
    text += "To: <" + to.to_string() + ">\r\n";
    text += "Subject: Report Domain: " + f.domain + "\r\n Submitter: " + f.hostname + "\r\n Report-ID: <" + f.id() +
            ">\r\n";
    text += "Date: " + to_rfc5322(now) + "\r\n";
    text += "Message-ID: <" + m.queue_id + '@' + f.hostname + ">\r\n";
    text += "TLS-Report-Domain: " + f.domain + "\r\n";
    text += "TLS-Report-Submitter: " + f.hostname + "\r\n";
    text += "TLS-Required: No\r\n";
    text += "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n";
    text += "Content-Type: multipart/report; report-type=\"tlsrpt\";\r\n boundary=\"" + boundary + "\"\r\n\r\n";
    text += "--" + boundary + "\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n";
    text += "This is a report about TLS on connections from " + f.hostname + "\r\nto the mail servers of " + f.domain +
            "\r\non " + day + " (UTC). The domain asked for such reports in its record\r\n_smtp._tls." + f.domain +
            ".\r\n\r\n";
    text += "--" + boundary + "\r\nContent-Type: application/tlsrpt+gzip\r\nContent-Transfer-Encoding: base64\r\n" +
            "Content-Disposition: attachment;\r\n filename=\"" + f.file_name() + "\"\r\n\r\n";
    text += in_lines(base64_encode(zipped));
    text += "--" + boundary + "--\r\n";
    m.size = text.size();
    m.lines_begin_with_dot = text.find("\r\n.") != std::string::npos;
    return made;
}

}  // namespace postern::escort
