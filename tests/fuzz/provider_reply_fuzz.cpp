// Replies that say anything, matched against the table of what providers say: each refusal has a meaning with somebody
// to act, whatever its text.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "providers/replies.hpp"
#include "providers/wild_text.hpp"
#include "smtp/reply_parser.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    using namespace postern;
    if (size < 2) return 0;
    auto const known = providers::all();
    auto const when = static_cast<providers::step>(data[0] % 7);
    auto const* const whose = data[1] < known.size() ? &known[data[1]] : nullptr;
    std::string_view in{reinterpret_cast<char const*>(data + 2), size - 2};
    auto const pattern = in.substr(0, in.find('\n'));
    if (providers::is_whole(in, pattern) && !providers::has_somewhere(in, pattern)) std::abort();
    smtp::reply_parser parser;
    while (parser.take(in) == smtp::reply_parser::state::complete) {
        auto const reply = parser.release();
        auto const m = providers::match(when, whose, reply);
        if (reply.code >= 400 && (m.why == nullptr || m.who == catalogue::actor::unknown)) std::abort();
        if (reply.positive() && m.why != nullptr && when != providers::step::banner && when != providers::step::ehlo)
            std::abort();
    }
    return 0;
}
