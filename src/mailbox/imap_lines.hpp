// What an IMAP server says, RFC 3501 section 9, as far as a search needs it. The server may be
// hostile: whatever does not fit is nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace postern::mailbox {

struct listed_folder {
    std::string name;        // as the server spells it, to be quoted again
    std::string attributes;  // "\HasNoChildren \Junk"
};
/// `* LIST (\HasNoChildren) "/" "INBOX"`; also with an atom for a name.
std::optional<listed_folder> parse_list(std::string_view line);
/// `* SEARCH 3 17`; at most 100.
std::optional<std::vector<std::uint32_t>> parse_search(std::string_view line);
/// How long a literal follows, where the line ends in {n} or {n+}.
std::optional<std::size_t> literal_behind(std::string_view line) noexcept;
/// `"with \"quotes\""`; nothing for what can't be quoted (CR, LF, NUL, 8-bit).
std::optional<std::string> quote(std::string_view text);

}  // namespace postern::mailbox
