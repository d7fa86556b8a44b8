#include "mail/transfer_encoding.hpp"

#include "base/base64.hpp"

namespace postern::mail {
namespace {

constexpr std::size_t longest_line = 76;
constexpr char digits[] = "0123456789ABCDEF";
constexpr std::size_t octets_of_line = 57;  // become 76 characters

}  // namespace

void quoted_printable_encoder::put(unsigned char c, bool encoded, std::string& out)
{
    // A dot alone, or "From ", at the start of a line does not survive everywhere (RFC 2049 section 3).
    encoded = encoded || (column_ == 0 && (c == '.' || c == 'F'));
    std::size_t const width = encoded ? 3 : 1;
    // One column is kept for the "=" of a soft line break.
    if (column_ + width > longest_line - 1) {
        out += "=\r\n";
        column_ = 0;
        encoded = encoded || c == '.' || c == 'F';
    }
    if (encoded) {
        out += '=';
        out += digits[c >> 4];
        out += digits[c & 15];
        column_ += 3;
    } else {
        out += static_cast<char>(c);
        ++column_;
    }
}

void quoted_printable_encoder::add(std::string_view octets, std::string& out)
{
    for (char const c : octets) {
        if (held_ == '\r' && c == '\n') {
            out += "\r\n";
            column_ = 0;
            held_ = 0;
            continue;
        }
        // A blank at the end of a line is encoded, others are not.
        if (held_ != 0) put(static_cast<unsigned char>(held_), held_ == '\r' || c == '\r', out);
        held_ = 0;
        auto const u = static_cast<unsigned char>(c);
        if (c == ' ' || c == '\t' || c == '\r') {
            held_ = c;
        } else {
            put(u, u < ' ' || u > '~' || c == '=', out);
        }
    }
}

void quoted_printable_encoder::finish(std::string& out)
{
    if (held_ != 0) put(static_cast<unsigned char>(held_), true, out);
    held_ = 0;
    column_ = 0;
}

void append_quoted_printable(std::string& out, std::string_view text)
{
    std::size_t column = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char const c = text[i];
        if (text.substr(i, 2) == "\r\n") {
            out += "\r\n";
            column = 0;
            ++i;
            continue;
        }
        bool const before_line_end = i + 1 == text.size() || text.substr(i + 1, 2) == "\r\n";
        // A "." alone or "From " at a line's beginning is left to nobody on the way (RFC 2049 section 3).
        bool const risky = column == 0 && (c == '.' || text.substr(i, 5) == "From ");
        bool const plain =
            !risky && ((c > ' ' && c < 0x7f && c != '=') || ((c == ' ' || c == '\t') && !before_line_end));
        std::size_t const width = plain ? 1 : 3;
        if (column + width > longest_line - 1) {
            out += "=\r\n";
            column = 0;
        }
        if (plain) {
            out += c;
        } else {
            auto const o = static_cast<unsigned char>(c);
            out += '=';
            out += digits[o >> 4];
            out += digits[o & 15];
        }
        column += width;
    }
}

void base64_line_encoder::put(std::string_view text, std::string& out)
{
    if (column_ == longest_line) {
        out += "\r\n";
        column_ = 0;
    }
    out += text;
    column_ += text.size();
}

void base64_line_encoder::add(std::string_view octets, std::string& out)
{
    left_ += octets;
    std::string_view rest = left_;
    while (rest.size() >= octets_of_line) {
        put(base64_encode(rest.substr(0, octets_of_line)), out);
        rest.remove_prefix(octets_of_line);
    }
    left_.erase(0, left_.size() - rest.size());
}

void base64_line_encoder::finish(std::string& out)
{
    if (!left_.empty()) put(base64_encode(left_), out);
    left_.clear();
    column_ = 0;
}

}  // namespace postern::mail
