// How a check marks its sessions, so that the server knows them again: by the name that EHLO gives,
// and once more in the parameter of NOOP (RFC 5321 section 4.1.1.9), which nobody on the way edits.
//
//     EHLO 2.chk-k7q2m9tx4wza.check.invalid      the second session of the check CHK-K7Q2M9TX4WZA
//
// "invalid" is nobody's (RFC 2606), so no real client is taken for a check.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace postern::witness {

struct mark {
    unsigned session = 0;  // counted from 1 by the check; 0: none was given
    std::string code;      // "CHK-K7Q2M9TX4WZA"
    friend bool operator==(mark const&, mark const&) = default;
};

inline constexpr std::string_view code_prefix = "CHK-";
inline constexpr std::string_view mark_suffix = ".check.invalid";
inline constexpr unsigned most_sessions = 60;  // of one check

/// One that can't be guessed. Safe from any thread.
std::string make_code();
/// Whether the text has the form of a code; letter case does not count.
bool looks_like_code(std::string_view text) noexcept;

/// Cheap enough for each EHLO: whether it may be a mark at all.
bool may_be_mark(std::string_view text) noexcept;
std::optional<mark> parse_mark(std::string_view text);
std::string to_string(mark const& m);

}  // namespace postern::witness
