#include "mail/dsn_text.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace postern::mail {
namespace {

constexpr std::size_t columns = 76;
constexpr std::size_t word_limit = 500;  // lines stay far below 998 octets
constexpr std::string_view digits = "0123456789ABCDEF";

// The next word, blanks in front of it skipped; a monster of a word comes in parts, cut
// between the characters of UTF-8.
std::string_view take_word(std::string_view& text) noexcept
{
    auto const start = std::min(text.find_first_not_of(' '), text.size());
    text.remove_prefix(start);
    std::size_t end = std::min(text.find(' '), text.size());
    if (end > word_limit) {
        end = word_limit;
        while (end > word_limit - 4 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    }
    auto const word = text.substr(0, end);
    text.remove_prefix(end);
    return word;
}

}  // namespace

std::string clean_remote_text(std::string_view text)
{
    std::string line;
    line.reserve(text.size());
    for (char c : text) {
        bool const blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';
        if (!blank)
            line += c;
        else if (!line.empty() && line.back() != ' ')
            line += ' ';
    }
    while (!line.empty() && line.back() == ' ') line.pop_back();
    return printable(line, 700);
}

std::string to_ascii_text(std::string_view text)
{
    std::string out;
    for (char c : text) {
        auto const o = static_cast<unsigned char>(c);
        if (o < 0x80) {
            out += c;
        } else {
            out += "\\x";
            out += lower(digits[o >> 4]);
            out += lower(digits[o & 15]);
        }
    }
    return out;
}

void append_wrapped(std::string& out, std::string_view indent, std::string_view text)
{
    std::size_t column = 0;
    for (auto word = take_word(text); !word.empty(); word = take_word(text)) {
        if (column != 0 && column + 1 + word.size() > columns) {
            out += "\r\n";
            column = 0;
        }
        out += column == 0 ? indent : " ";
        out += word;
        column += (column == 0 ? indent.size() : 1) + word.size();
    }
    if (column != 0) out += "\r\n";
}

void append_field(std::string& out, std::string_view name, std::string_view value)
{
    out += name;
    out += ':';
    std::size_t column = name.size() + 1;
    for (auto word = take_word(value); !word.empty(); word = take_word(value)) {
        if (column > name.size() + 1 && column + 1 + word.size() > columns) {
            out += "\r\n";
            column = 0;
        }
        out += ' ';
        out += word;
        column += 1 + word.size();
    }
    out += "\r\n";
}

}  // namespace postern::mail
