// Lines of Dovecot's authentication protocols: fields between tabs, with control
// characters escaped. Used by both ends of them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace postern::dovecot {

/// Both ends of the authentication protocol agree on it.
inline constexpr std::size_t longest_line = 16'384;

/// For a field: tabs, line ends, NUL and the escape character itself.
std::string escape(std::string_view text);
std::string unescape(std::string_view text);

/// The first field, which is taken off the line; still escaped.
std::string_view take_field(std::string_view& line);

/// Splits "key=value"; a word alone is a key without value.
struct parameter {
    std::string_view key, value;
};
parameter parse_parameter(std::string_view field);

/// A line off the front of the input, without its end; nothing when there is no whole one, or, with
/// `endless`, when it is longer than the longest.
std::optional<std::string_view> take_line(std::string_view& in, bool& endless);

}  // namespace postern::dovecot
