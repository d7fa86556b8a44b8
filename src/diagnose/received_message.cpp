#include "diagnose/received_message.hpp"

#include <algorithm>
#include <array>

#include "base/numbers.hpp"
#include "base/text.hpp"
#include "mail/header_section.hpp"

namespace postern::diagnose {
namespace {

constexpr std::size_t most_hops = 50, longest_header = 64 << 10;

/// CRLF everywhere: a Maildir may have bare LFs.
std::string with_line_ends(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) out += '\r';
        out += text[i];
    }
    return out;
}

std::string header_of(std::string_view content)
{
    auto const text = with_line_ends(content.substr(0, longest_header));
    auto const end = text.find("\r\n\r\n");
    return end == std::string::npos ? text : text.substr(0, end + 2);
}

std::string_view take_token(std::string_view& text, std::string_view ends)
{
    auto const begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) {
        text = {};
        return {};
    }
    text.remove_prefix(begin);
    auto const end = std::min(text.find_first_of(ends), text.size());
    auto const token = text.substr(0, end);
    text.remove_prefix(end);
    return token;
}

/// Comments in parentheses, which may nest, become blanks.
std::string without_comments(std::string_view text)
{
    std::string out;
    int depth = 0;
    for (char const c : text) {
        if (c == '(') ++depth;
        out += depth > 0 ? ' ' : c;
        if (c == ')' && depth > 0) --depth;
    }
    return out;
}

/// The word behind "by", "from", "with".
std::string word_behind(std::string_view clauses, std::string_view name)
{
    while (!clauses.empty()) {
        auto const word = take_token(clauses, " \t;");
        if (equal_ignoring_case(word, name)) return printable(take_token(clauses, " \t;"), 200);
        if (!clauses.empty() && clauses.front() == ';') break;
    }
    return {};
}

struct hop_with_time {
    hop_seen hop;
    std::optional<std::int64_t> when;
};

hop_with_time read_hop(std::string const& value)
{
    auto const clauses = without_comments(value);
    hop_with_time h;
    h.hop.from = word_behind(clauses, "from");
    h.hop.by = word_behind(clauses, "by");
    h.hop.with = word_behind(clauses, "with");
    if (auto const semicolon = value.rfind(';'); semicolon != std::string::npos)
        h.when = read_date(std::string_view{value}.substr(semicolon + 1));
    return h;
}

/// "fail" of "dkim=fail (body hash did not verify) header.d=x"; the first of its method.
void read_result(std::string_view part, headers_seen& seen)
{
    auto const equals = part.find('=');
    if (equals == std::string_view::npos) return;
    auto name = part.substr(0, equals);
    auto const method = take_token(name, " \t/");
    auto rest = part.substr(equals + 1);
    auto const verdict = to_lower(printable(take_token(rest, " \t;("), 40));
    std::string* to = nullptr;
    if (equal_ignoring_case(method, "spf")) to = &seen.spf;
    if (equal_ignoring_case(method, "dkim")) to = &seen.dkim;
    if (equal_ignoring_case(method, "dmarc")) to = &seen.dmarc;
    if (to == nullptr) return;
    // Of several signatures, one that holds is enough.
    if (!to->empty() && !(to == &seen.dkim && verdict == "pass")) return;
    *to = verdict;
    auto const open = rest.find('('), close = rest.find(')');
    if (to == &seen.dkim && open != std::string_view::npos && close != std::string_view::npos && open < close)
        seen.dkim_reason = verdict == "pass" ? std::string{} : printable(rest.substr(open + 1, close - open - 1), 200);
}

/// Only the field of the last server counts: whoever wrote the others is not known.
void read_authentication(std::string_view value, headers_seen& seen)
{
    auto const first = value.find(';');
    auto id = value.substr(0, first);
    seen.judge = printable(take_token(id, " \t"), 200);
    while (!value.empty()) {
        auto const end = std::min(value.find(';'), value.size());
        read_result(value.substr(0, end), seen);
        value.remove_prefix(std::min(end + 1, value.size()));
    }
}

bool is_encrypted(std::string_view with) noexcept
{
    // ESMTPS, ESMTPSA, LMTPS, UTF8SMTPS (RFC 3848, RFC 6531); HTTP is the provider's own.
    for (std::string_view const plain : {"SMTP", "ESMTP", "ESMTPA", "UTF8SMTP", "UTF8SMTPA"})
        if (equal_ignoring_case(with, plain)) return false;
    return true;
}

std::string field_of(std::string_view content, std::string_view name)
{
    std::size_t at = 0;
    while (at < content.size()) {
        auto const end = std::min(content.find('\n', at), content.size());
        auto const line = content.substr(at, end - at);
        if (starts_with_ignoring_case(line, name)) {
            auto value = line.substr(name.size());
            return printable(take_token(value, "\r\n"), 400);
        }
        at = end + 1;
    }
    return {};
}

}  // namespace

std::optional<std::int64_t> read_date(std::string_view text)
{
    constexpr std::array<std::string_view, 12> months{"jan", "feb", "mar", "apr", "may", "jun",
                                                      "jul", "aug", "sep", "oct", "nov", "dec"};
    if (auto const comma = text.find(','); comma != std::string_view::npos) text.remove_prefix(comma + 1);
    auto const day = parse_number<unsigned>(take_token(text, " \t"), 31U);
    auto const month_name = to_lower(take_token(text, " \t"));
    auto const year = parse_number<unsigned>(take_token(text, " \t"), 9999U);
    auto const hour = parse_number<unsigned>(take_token(text, ":"), 23U);
    if (text.starts_with(':')) text.remove_prefix(1);
    auto const minute = parse_number<unsigned>(take_token(text, ": \t"), 59U);
    std::optional<unsigned> second{0U};
    if (text.starts_with(':')) {
        text.remove_prefix(1);
        second = parse_number<unsigned>(take_token(text, " \t"), 60U);
    }
    auto zone = take_token(text, " \t\r\n(");
    auto const month = std::find(months.begin(), months.end(), month_name);
    if (!day || *day == 0 || month == months.end() || !year || *year < 1970 || !hour || !minute || !second)
        return std::nullopt;
    std::int64_t east = 0;
    if (zone.size() == 5 && (zone.front() == '+' || zone.front() == '-')) {
        auto const hours = parse_number<unsigned>(zone.substr(1, 2)), minutes = parse_number<unsigned>(zone.substr(3));
        if (!hours || !minutes) return std::nullopt;
        east = static_cast<std::int64_t>(*hours) * 3600 + static_cast<std::int64_t>(*minutes) * 60;
        if (zone.front() == '-') east = -east;
    }
    using namespace std::chrono;
    auto const date = std::chrono::year{static_cast<int>(*year)} /
                      std::chrono::month{static_cast<unsigned>(month - months.begin()) + 1} / std::chrono::day{*day};
    if (!date.ok()) return std::nullopt;
    auto const midnight = duration_cast<seconds>(sys_days{date}.time_since_epoch()).count();
    return midnight + *hour * 3600 + *minute * 60 + *second - east;
}

headers_seen read_headers(std::string_view content)
{
    headers_seen seen;
    auto const section = header_of(content);
    auto const fields = mail::parse_fields(section);
    if (!fields) return seen;
    seen.looked = true;
    if (auto const* results = mail::find_first(*fields, "Authentication-Results"))
        read_authentication(results->unfolded(), seen);
    std::vector<hop_with_time> hops;
    for (auto const& f : mail::find_all(*fields, "Received"))
        if (hops.size() < most_hops) hops.push_back(read_hop(f.unfolded()));
    std::reverse(hops.begin(), hops.end());  // each server writes on top
    for (std::size_t i = 0; i < hops.size(); ++i) {
        if (i != 0 && hops[i].when && hops[i - 1].when) hops[i].hop.seconds = *hops[i].when - *hops[i - 1].when;
        seen.hops.push_back(hops[i].hop);
    }
    if (!hops.empty()) {
        seen.last_hop_encrypted = is_encrypted(hops.back().hop.with);
        if (hops.front().when && hops.back().when) seen.total_seconds = *hops.back().when - *hops.front().when;
        if (auto const* date = mail::find_first(*fields, "Date"))
            if (auto const written = read_date(date->unfolded()); written && hops.front().when)
                seen.date_off_seconds = *written - *hops.front().when;
    }
    return seen;
}

std::optional<report_seen> read_report(std::string_view content)
{
    auto const section = header_of(content);
    auto const fields = mail::parse_fields(section);
    if (!fields) return std::nullopt;
    auto const* type = mail::find_first(*fields, "Content-Type");
    if (type == nullptr || to_lower(type->unfolded()).find("delivery-status") == std::string::npos) return std::nullopt;
    report_seen r;
    r.status = field_of(content, "Status:");
    auto const action = to_lower(field_of(content, "Action:"));
    if (action == "delayed" || action == "delivered" || action == "relayed") return std::nullopt;
    r.text = field_of(content, "Diagnostic-Code:");
    if (auto const semicolon = r.text.find(';'); semicolon != std::string::npos)
        r.text.erase(0, r.text.find_first_not_of(' ', semicolon + 1));
    return r;
}

}  // namespace postern::diagnose
