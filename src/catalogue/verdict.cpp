#include "catalogue/verdict.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace postern::catalogue {
namespace {

constexpr std::size_t value_limit = 100;
// RFC 5321 section 4.5.3.1.5: 512 octets, with the code and CRLF.
constexpr std::size_t line_limit = 512;

// Values come from the client. A reply that shows them must stay one line of ASCII
// (RFC 5321 section 4.2: textstring), so what is not ASCII is shown as its octets.
std::string shown(std::string_view value)
{
    constexpr std::string_view digits = "0123456789abcdef";
    auto safe = printable(value, value_limit);
    if (is_ascii(safe)) return safe;
    std::string out;
    for (char c : safe) {
        auto const octet = static_cast<unsigned char>(c);
        if (octet < 0x80) {
            out += c;
        } else {
            out += "\\x";
            out += digits[octet >> 4];
            out += digits[octet & 15];
        }
        if (out.size() >= value_limit) return out + "...";
    }
    return out;
}

// A piece of the text that fits a line, cut at a blank where there is one.
std::string_view take_piece(std::string_view& text, std::size_t room)
{
    auto piece = text.substr(0, room);
    if (piece.size() < text.size()) {
        auto const blank = text.rfind(' ', room);
        if (blank != std::string_view::npos && blank > 0) piece = text.substr(0, blank);
    }
    text.remove_prefix(piece.size());
    if (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    return piece;
}

}  // namespace

std::string fill(std::string_view pattern, std::vector<evidence> const& values)
{
    std::string out;
    out.reserve(pattern.size() + 64);
    while (!pattern.empty()) {
        auto const open = pattern.find('{');
        out += pattern.substr(0, open);
        if (open == std::string_view::npos) break;
        pattern.remove_prefix(open + 1);
        auto const close = pattern.find('}');
        auto const name = pattern.substr(0, close);
        auto const at = std::find_if(values.begin(), values.end(), [&](auto const& v) { return v.key == name; });
        if (at != values.end()) out += shown(at->value);
        if (close == std::string_view::npos) break;
        pattern.remove_prefix(close + 1);
    }
    return out;
}

verdict make_verdict(rule const& why, std::vector<evidence> values)
{
    verdict v;
    v.what = why.code >= 500 ? decision::refuse : why.code >= 400 ? decision::defer : decision::accept;
    v.why = &why;
    v.text = why.reply.find('{') == std::string_view::npos ? std::string(why.reply) : fill(why.reply, values);
    v.facts = std::move(values);
    return v;
}

std::string to_reply(verdict const& v, std::string_view id)
{
    int const code = v.why != nullptr && v.why->code != 0 ? v.why->code : 250;
    auto const status = v.why != nullptr && v.why->code != 0 ? to_string(v.why->status) : std::string("2.0.0");
    std::string text = v.text.empty() ? "OK" : v.text;
    if (!id.empty()) {
        text += " (";
        text += id;
        text += ')';
    }
    auto const front = std::to_string(code);
    auto const room = line_limit - front.size() - status.size() - 4;  // two separators, CRLF
    std::string out;
    out.reserve(text.size() + 16);
    // Each line repeats the status: clients read it off the first or the last one.
    for (std::string_view rest = text; !rest.empty();) {
        auto const piece = take_piece(rest, room);
        out += front;
        out += rest.empty() ? ' ' : '-';
        out += status;
        out += ' ';
        out += piece;
        out += "\r\n";
    }
    return out;
}

}  // namespace postern::catalogue
