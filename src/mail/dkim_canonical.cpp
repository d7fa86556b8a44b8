#include "mail/dkim_canonical.hpp"

#include <algorithm>
#include <cstring>

#include "base/text.hpp"

namespace postern::mail {
namespace {

constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

// Octets that only pass, in the form that treats fewest so.
constexpr bool is_plain(char c) noexcept { return c != '\r' && c != '\n' && !is_blank(c); }

// RFC 6376 section 3.4.2: unfolded, runs of blanks as one, none at the ends.
void append_relaxed(std::string& out, std::string_view value)
{
    bool blank = false;
    bool begun = false;
    for (char const c : value) {
        if (c == '\r' || c == '\n') continue;
        if (is_blank(c)) {
            blank = true;
            continue;
        }
        if (blank && begun) out += ' ';
        blank = false;
        begun = true;
        out += c;
    }
}

}  // namespace

std::string canonical_field(header_field const& f, canonical_form form)
{
    if (form == canonical_form::simple) return std::string{f.octets};
    // RFC 6376 section 3.4.2: no blanks before the colon, folded ones neither.
    std::string_view name = f.name;
    name = name.substr(0, name.find_last_not_of(" \t\r\n") + 1);
    std::string out = to_lower(name);
    out.reserve(out.size() + f.value.size() + 3);
    out += ':';
    append_relaxed(out, f.value);
    out += "\r\n";
    return out;
}

void body_hasher::put(std::string_view octets)
{
    while (!octets.empty()) {
        auto const n = std::min(octets.size(), buffer_.size() - filled_);
        std::memcpy(buffer_.data() + filled_, octets.data(), n);
        filled_ += n;
        octets.remove_prefix(n);
        if (filled_ < buffer_.size()) return;
        hash_.add({buffer_.data(), filled_});
        filled_ = 0;
    }
}

// Something comes that is not the end: so what was put off belongs to the body.
void body_hasher::begin_text()
{
    for (; line_ends_ != 0; --line_ends_) put("\r\n");
    if (blank_) put(" ");
    blank_ = false;
    has_text_ = true;
}

void body_hasher::add(std::string_view piece)
{
    bool const relaxed = form_ == canonical_form::relaxed;
    while (!piece.empty()) {
        char const c = piece.front();
        if (after_cr_) {
            after_cr_ = false;
            if (c == '\n') {
                ++line_ends_;
                blank_ = false;  // relaxed: none at the end of a line
                piece.remove_prefix(1);
                continue;
            }
            begin_text();
            put("\r");
        }
        if (c == '\r') {
            after_cr_ = true;
            piece.remove_prefix(1);
        } else if (relaxed && is_blank(c)) {
            blank_ = true;
            piece.remove_prefix(1);
        } else {
            begin_text();
            std::size_t n = 1;
            while (n < piece.size() && is_plain(piece[n])) ++n;
            put(piece.substr(0, n));
            piece.remove_prefix(n);
        }
    }
}

std::string body_hasher::finish()
{
    if (after_cr_) {
        after_cr_ = false;
        begin_text();
        put("\r");
    }
    // However many there were, one is signed; the simple form has one even of nothing.
    if (has_text_ || form_ == canonical_form::simple) put("\r\n");
    hash_.add({buffer_.data(), filled_});
    filled_ = 0;
    return hash_.finish();
}

}  // namespace postern::mail
