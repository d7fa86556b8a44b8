#include "mail/transfer_encoding.hpp"

#include "base/base64.hpp"

namespace postern::mail {
namespace {

constexpr std::size_t longest_line = 76;
constexpr std::size_t octets_of_line = 57;  // become 76 characters

}  // namespace

void quoted_printable_encoder::put(unsigned char c, bool encoded, std::string& out)
{
    constexpr char digits[] = "0123456789ABCDEF";
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
