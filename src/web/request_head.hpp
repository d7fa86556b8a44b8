// Looks over the head of a request (RFC 9112) before anybody reads it, and refuses what two readers could understand in
// two ways: request smuggling lives of that. So there is one form: lines end in CRLF, no line is folded, no name has
// blanks, one Host, one length, and never a length beside chunks.
#pragma once

#include <cstddef>
#include <string_view>

namespace postern::web {

constexpr std::size_t longest_head = 16u << 10;
constexpr std::size_t most_fields = 100;

enum class head_state { incomplete, complete, malformed, too_large };

struct head_look {
    head_state state = head_state::incomplete;
    std::size_t size = 0;  // octets with the empty line, once complete
};

/// `octets`: what has come so far. Says `malformed` as soon as a line is; waits for no more then. `known`: so many of them
/// were looked at before, and were incomplete: then it looks at the rest, unless a line has come to its end.
head_look look_at_head(std::string_view octets, std::size_t known = 0);

}  // namespace postern::web
