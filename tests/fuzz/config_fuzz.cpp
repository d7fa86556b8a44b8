// A configuration file: whatever it holds, there are settings or problems, never both,
// and settings that are printed mean the same when read again.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "config/settings.hpp"
#include "fuzz/require.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    using namespace postern::config;
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    std::vector<problem> problems;
    auto const s = parse(text, "postern.toml", problems);
    require(s.has_value() == problems.empty());
    for (auto const& p : problems) {
        auto const line = p.to_string();
        for (char c : line) require(c != '\n' && c != '\r' && c != '\0' && c != '\x1b');
    }
    if (!s) return 0;
    auto const printed = to_toml(*s);
    auto const again = parse(printed, "printed", problems);
    require(again.has_value());
    require(to_toml(*again) == printed);
    require(needs_restart(*s, *again).empty());
    (void)warnings(*s, {});
    return 0;
}
