// What a Dovecot, or somebody who plays one, may say to us.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "dovecot/client_protocol.hpp"
#include "dovecot/lines.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* octets, std::size_t size)
{
    using namespace postern::dovecot;
    std::string_view const text{reinterpret_cast<char const*>(octets), size};
    auto const r = parse_reply(text);
    if (r.user.size() > size || r.reason.size() > size) std::abort();
    if (r.what == reply::kind::other && (r.id != 0 || !r.user.empty())) std::abort();
    greeting g;
    if (!read_greeting(text, g) && (g.done || g.plain)) std::abort();
    auto const escaped = escape(text);
    if (escaped.find_first_of(std::string_view{"\t\r\n\0", 4}) != std::string::npos) std::abort();
    if (unescape(escaped) != text || unescape(text).size() > size) std::abort();
    return 0;
}
