// The header section of a message (RFC 5322 section 2.2, RFC 6532): where it ends,
// and which fields it has. Nothing behind it is looked at, and MIME is never parsed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::mail {

/// Gathers the header section off the front of a message's content, which comes in
/// pieces cut anywhere. The section ends at the first empty line, at the first line that
/// is neither a field nor a continuation of one (a message without header fields
/// has its body at once), or at the end of the content.
///
/// What goes on is always: text(), an empty line, body_start(), the rest of the pieces.
/// So a body can't become a continuation of a field that we add in front of it.
class header_collector {
public:
    enum class state : std::uint8_t { more, complete, too_long };

    /// `limit`: octets of the section.
    explicit header_collector(std::size_t limit) : limit_(limit) {}

    /// Takes octets off the front of the piece. Once `complete`, `piece` starts where the
    /// body goes on (behind the empty line); when `too_long`, no more is taken.
    state add(std::string_view& piece);
    /// The content ended. A last field without line end gets one.
    state finish();

    /// The fields' octets, each field with its CRLF, without the empty line.
    std::string const& text() const noexcept { return text_; }
    std::string take_text() { return std::move(text_); }
    /// Octets already taken that turned out to be body: a part of its first line, mostly empty.
    std::string const& body_start() const noexcept { return body_start_; }
    bool ended_by_blank_line() const noexcept { return blank_line_; }
    /// A CR or LF outside of CRLF, or a NUL, among the fields: not to be sent on.
    bool malformed() const noexcept { return malformed_; }

private:
    enum class kind : std::uint8_t { undecided, field, body };

    kind classify() noexcept;
    state take_line(bool ended);
    state end_with_body();

    std::size_t limit_;
    std::string text_;
    std::string body_start_;
    std::size_t line_ = 0;     // where the line under way starts in text_
    std::size_t checked_ = 0;  // up to where it is known to be a name
    kind kind_ = kind::undecided;
    state state_ = state::more;
    bool blank_line_ = false;
    bool malformed_ = false;
};

/// A field as it stands; views into the section.
struct header_field {
    std::string_view name;    // as written, without blanks before the colon
    std::string_view value;   // all behind the colon, folds included, without the last CRLF
    std::string_view octets;  // all of it, with the last CRLF

    /// Letter case does not count.
    bool is(std::string_view other) const noexcept;
    /// The value on one line (RFC 5322 section 2.2.3), blanks at both ends taken off.
    std::string unfolded() const;
};

/// The fields of a collected section, in order. Nothing when there are more than `limit`.
std::optional<std::vector<header_field>> parse_fields(std::string_view section, std::size_t limit = 1000);

std::size_t count_received(std::vector<header_field> const& fields) noexcept;
std::vector<header_field> find_all(std::vector<header_field> const& fields, std::string_view name);
header_field const* find_first(std::vector<header_field> const& fields, std::string_view name) noexcept;

}  // namespace postern::mail
