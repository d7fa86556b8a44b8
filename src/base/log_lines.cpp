#include "base/log_lines.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>

#include "base/text.hpp"

namespace postern::log {
namespace {

constexpr std::size_t value_limit = 4096;
constexpr std::string_view digits = "0123456789abcdef";

unsigned octet(char c) noexcept { return static_cast<unsigned char>(c); }

// Octets that both forms take as they are; most values hold nothing else.
constexpr auto plain = [] {
    std::array<bool, 256> table{};
    for (std::size_t c = 0x21; c < 0x7f; ++c) table[c] = c != '"' && c != '\\' && c != '=';
    return table;
}();

bool is_plain(char c) noexcept { return plain[octet(c)]; }

void append_number(std::string& out, std::int64_t n)
{
    std::array<char, 24> text{};
    auto const end = std::to_chars(text.data(), text.data() + text.size(), n).ptr;
    out.append(text.data(), end);
}

void append_digits(std::string& out, std::int64_t n, int width)
{
    std::array<char, 8> text{};
    for (int i = width - 1; i >= 0; --i, n /= 10) text[static_cast<std::size_t>(i)] = static_cast<char>('0' + n % 10);
    out.append(text.data(), static_cast<std::size_t>(width));
}

// The date and time of a second are made once for all events of the second.
void append_time(std::string& out, wall_time t, int fraction)
{
    thread_local std::int64_t known = -1;
    thread_local std::array<char, 32> front{};
    thread_local std::size_t length = 0;
    auto const us = to_microseconds(t);
    auto const rest = (us % 1'000'000 + 1'000'000) % 1'000'000;
    if (auto const second = (us - rest) / 1'000'000; second != known || length == 0) {
        known = second;
        auto const whole = to_rfc3339(t);
        length = std::min(whole.find('.') + 1, front.size());
        std::copy_n(whole.begin(), length, front.begin());
    }
    out.append(front.data(), length);
    append_digits(out, fraction == 3 ? rest / 1000 : rest, fraction);
    out += 'Z';
}

void append_json_escape(std::string& out, std::uint32_t point)
{
    // Only for points below 0x10000: all that are not harmless are.
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out += digits[point >> shift & 15];
}

void append_json_text(std::string& out, std::string_view text)
{
    out += '"';
    bool const cut = text.size() > value_limit;
    if (cut) text = text.substr(0, value_limit);
    while (!text.empty()) {
        auto const run = std::find_if(text.begin(), text.end(), [](char c) { return !is_plain(c); });
        auto const n = static_cast<std::size_t>(run - text.begin());
        out.append(text.data(), n);
        text.remove_prefix(n);
        if (text.empty()) break;
        std::uint32_t point = 0;
        auto const length = utf8_sequence(text, point);
        if (length == 0) {
            out += "\\\\x";
            out += digits[octet(text[0]) >> 4];
            out += digits[octet(text[0]) & 15];
        } else if (point == '"' || point == '\\') {
            out += '\\';
            out += text[0];
        } else if (is_harmless(point)) {
            out.append(text.data(), length);
        } else {
            append_json_escape(out, point);
        }
        text.remove_prefix(std::max<std::size_t>(length, 1));
    }
    if (cut) out += "...";
    out += '"';
}

void append_value(std::string& out, std::string_view text)
{
    if (text.size() <= value_limit && !text.empty() && std::all_of(text.begin(), text.end(), is_plain)) {
        out += text;
        return;
    }
    out += '"';
    for (char c : printable(text, value_limit)) {
        // printable() has doubled the backslashes.
        if (c == '"') out += '\\';
        out += c;
    }
    out += '"';
}

bool is_empty(field const& f) noexcept
{
    auto const* text = std::get_if<std::string_view>(&f.value);
    return text != nullptr && text->empty();
}

}  // namespace

std::string_view name_of(level l) noexcept
{
    switch (l) {
        case level::error: return "error";
        case level::warning: return "warning";
        case level::info: return "info";
        case level::debug: return "debug";
    }
    return "error";
}

void append_json(std::string& out, wall_time t, level l, std::string_view name, field const* fields, std::size_t count)
{
    out += R"({"time":")";
    append_time(out, t, 6);
    out += R"(","level":")";
    out += name_of(l);
    out += R"(","event":)";
    append_json_text(out, name);
    for (std::size_t i = 0; i < count; ++i) {
        auto const& f = fields[i];
        if (is_empty(f)) continue;
        out += ',';
        append_json_text(out, f.key);
        out += ':';
        if (auto const* text = std::get_if<std::string_view>(&f.value))
            append_json_text(out, *text);
        else if (auto const* number = std::get_if<std::int64_t>(&f.value))
            append_number(out, *number);
        else
            out += std::get<bool>(f.value) ? "true" : "false";
    }
    out += "}\n";
}

void append_text(std::string& out, wall_time t, level l, std::string_view name, field const* fields, std::size_t count)
{
    append_time(out, t, 3);
    out += ' ';
    out += name_of(l);
    out += ' ';
    append_value(out, name);
    for (std::size_t i = 0; i < count; ++i) {
        auto const& f = fields[i];
        if (is_empty(f)) continue;
        out += ' ';
        append_value(out, f.key);
        out += '=';
        if (auto const* text = std::get_if<std::string_view>(&f.value))
            append_value(out, *text);
        else if (auto const* number = std::get_if<std::int64_t>(&f.value))
            append_number(out, *number);
        else
            out += std::get<bool>(f.value) ? "yes" : "no";
    }
    out += '\n';
}

}  // namespace postern::log
