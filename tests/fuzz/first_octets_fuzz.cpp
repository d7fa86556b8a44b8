// Who answers: any octets get an answer. With it the announcement of EHLO, whose lines are shown to people.
#include <cstdint>
#include <string_view>

#include "client/first_octets.hpp"
#include "client/keywords.hpp"
#include "fuzz/require.hpp"

using namespace postern::client;

namespace {

void require_printable(std::string_view text)
{
    for (char const c : text) require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    std::string_view const all{reinterpret_cast<char const*>(data), size};
    auto const whole = guess_service(all);
    require(!describe(whole).empty());
    // Few octets may say nothing; many always say something.
    require(whole != service::unknown || size < 4);

    auto const a = read_announcement(all, true);
    require_printable(a.greeting);
    for (auto const& line : a.lines) require_printable(line);
    for (auto const& keyword : a.unknown_keywords) require_printable(keyword);
    require(a.unknown_keywords.size() <= a.lines.size());
    return 0;
}
