#include "smtp/client_commands.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "base/numbers.hpp"
#include "base/text.hpp"
#include "mail/xtext.hpp"

namespace postern::smtp {

namespace {

constexpr std::size_t most_mechanisms = 50;
constexpr std::size_t longest_mechanism = 40;  // RFC 4422 section 3.1 has 20 at most

std::string_view next_word(std::string_view& line) noexcept
{
    std::size_t const from = line.find_first_not_of(" \t");
    if (from == std::string_view::npos) {
        line = {};
        return {};
    }
    std::size_t const to = std::min(line.find_first_of(" \t", from), line.size());
    std::string_view const word = line.substr(from, to - from);
    line.remove_prefix(to);
    return word;
}

// RFC 9422 section 4
void read_limits(std::string_view line, extensions& e)
{
    for (std::string_view word = next_word(line); !word.empty(); word = next_word(line)) {
        std::size_t const equals = word.find('=');
        if (equals == std::string_view::npos) continue;
        auto const value = parse_number<std::uint32_t>(word.substr(equals + 1), 999'999);
        if (!value || *value == 0) continue;
        std::string_view const name = word.substr(0, equals);
        if (equal_ignoring_case(name, "RCPTMAX")) e.most_recipients = *value;
        if (equal_ignoring_case(name, "MAILMAX")) e.most_messages = *value;
    }
}

// RFC 4954 section 3, and "AUTH=" from before it.
void read_mechanisms(std::string_view line, extensions& e)
{
    for (std::string_view word = next_word(line); !word.empty(); word = next_word(line)) {
        if (e.mechanisms.size() == most_mechanisms) return;
        e.mechanisms.push_back(to_upper(word.substr(0, longest_mechanism)));
    }
}

void append_number(std::string& out, std::uint64_t number)
{
    char digits[20];
    auto const end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    out.append(digits, end);
}

// RFC 2852 section 4: what is left of the time. What is to be given back has some, or is not sent.
void append_by(std::string& out, mail::deliver_by const& by, wall_time now)
{
    auto const left = seconds_left(by, now);
    out += " BY=";
    if (left < 0) out += '-';
    append_number(out, static_cast<std::uint64_t>(std::abs(left)));
    out += by.mode == mail::by_mode::give_back ? ";R" : ";N";
    if (by.trace) out += 'T';
}

}  // namespace

std::int64_t seconds_left(mail::deliver_by const& by, wall_time now)
{
    constexpr std::int64_t most = 999'999'999;
    auto const left = std::chrono::floor<std::chrono::seconds>(by.until - now).count();
    return std::clamp<std::int64_t>(left, by.mode == mail::by_mode::give_back ? 1 : -most, most);
}

obstacle find_obstacle(outgoing const& m, extensions const& e, bool safe)
{
    if (m.env->require_tls && !safe) return obstacle::require_tls;
    if (m.utf8 && !e.smtputf8) return obstacle::smtputf8;
    if (m.body() == mail::body_type::binary_mime && !(e.chunking && e.binary_mime)) return obstacle::binary;
    if (m.body() == mail::body_type::eight_bit_mime && !e.eight_bit_mime) return obstacle::eight_bit;
    if (e.size_limit != 0 && m.size > e.size_limit) return obstacle::too_big;
    // RFC 2852 section 3: less time than it wants to have for it, it would refuse.
    auto const& by = m.env->by;
    if (by.mode == mail::by_mode::give_back && e.deliver_by &&
        seconds_left(by, m.now) < static_cast<std::int64_t>(e.least_by))
        return obstacle::too_late;
    return obstacle::none;
}

extensions parse_extensions(std::string_view text)
{
    extensions e;
    std::size_t newline = text.find('\n');
    while (newline != std::string_view::npos) {
        text.remove_prefix(newline + 1);
        newline = text.find('\n');
        std::string_view line = text.substr(0, newline);
        std::string_view const keyword = next_word(line);
        if (equal_ignoring_case(keyword, "PIPELINING")) {
            e.pipelining = true;
        } else if (equal_ignoring_case(keyword, "STARTTLS")) {
            e.starttls = true;
        } else if (equal_ignoring_case(keyword, "8BITMIME")) {
            e.eight_bit_mime = true;
        } else if (equal_ignoring_case(keyword, "SMTPUTF8")) {
            e.smtputf8 = true;
        } else if (equal_ignoring_case(keyword, "DSN")) {
            e.dsn = true;
        } else if (equal_ignoring_case(keyword, "CHUNKING")) {
            e.chunking = true;
        } else if (equal_ignoring_case(keyword, "BINARYMIME")) {
            e.binary_mime = true;
        } else if (equal_ignoring_case(keyword, "REQUIRETLS")) {
            e.require_tls = true;
        } else if (equal_ignoring_case(keyword, "MT-PRIORITY")) {
            e.priorities = true;
        } else if (equal_ignoring_case(keyword, "DELIVERBY")) {
            e.deliver_by = true;
            e.least_by = parse_number<std::uint32_t>(next_word(line), 999'999'999).value_or(0);
        } else if (equal_ignoring_case(keyword, "SIZE")) {
            e.size = true;
            e.size_limit = parse_number<std::uint64_t>(next_word(line)).value_or(0);
        } else if (equal_ignoring_case(keyword, "LIMITS")) {
            read_limits(line, e);
        } else if (equal_ignoring_case(keyword, "AUTH")) {
            read_mechanisms(line, e);
        } else if (starts_with_ignoring_case(keyword, "AUTH=")) {
            read_mechanisms(keyword.substr(5), e);
            read_mechanisms(line, e);
        }
    }
    return e;
}

void append_mail_command(std::string& out, outgoing const& m, extensions const& e)
{
    mail::envelope const& env = *m.env;
    out += "MAIL FROM:<";
    if (!env.reverse_path.null) out += env.reverse_path.to_string();
    out += '>';
    if (e.size) {
        out += " SIZE=";
        append_number(out, m.size);
    }
    if (m.body() == mail::body_type::eight_bit_mime && e.eight_bit_mime) out += " BODY=8BITMIME";
    if (m.body() == mail::body_type::binary_mime) out += " BODY=BINARYMIME";
    if (env.smtputf8 && e.smtputf8) out += " SMTPUTF8";
    if (env.require_tls && e.require_tls) out += " REQUIRETLS";
    if (env.priority != 0 && e.priorities) {
        out += " MT-PRIORITY=";
        if (env.priority < 0) out += '-';
        append_number(out, static_cast<std::uint64_t>(std::abs(int{env.priority})));
    }
    if (env.by.mode != mail::by_mode::none && e.deliver_by) append_by(out, env.by, m.now);
    if (e.dsn) {
        if (env.ret == mail::dsn_return::full) out += " RET=FULL";
        if (env.ret == mail::dsn_return::headers) out += " RET=HDRS";
        if (!env.envelope_id.empty()) out += " ENVID=" + mail::xtext_encode(env.envelope_id);
    }
    out += "\r\n";
}

void append_rcpt_command(std::string& out, mail::recipient const& to, extensions const& e)
{
    out += "RCPT TO:<";
    out += to.forward_path.to_string();
    out += '>';
    if (e.dsn) {
        if (to.notify.never) {
            out += " NOTIFY=NEVER";
        } else if (to.notify.specified && (to.notify.success || to.notify.failure || to.notify.delay)) {
            char const* separator = " NOTIFY=";
            auto const add = [&](bool wanted, char const* name) {
                if (!wanted) return;
                out.append(separator).append(name);
                separator = ",";
            };
            add(to.notify.success, "SUCCESS");
            add(to.notify.failure, "FAILURE");
            add(to.notify.delay, "DELAY");
        }
        if (!to.original.empty()) out += " ORCPT=" + to.original;
    }
    out += "\r\n";
}

}  // namespace postern::smtp
