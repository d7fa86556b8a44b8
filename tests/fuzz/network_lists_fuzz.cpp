// The operator's lists of networks: what is read prints to the same again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "guard/network_lists.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    using namespace postern::guard;
    auto const lists = parse_lists({reinterpret_cast<char const*>(data), size});
    if (!lists) return 0;
    auto const again = parse_lists(to_text(*lists));
    if (!again || !(*again == *lists)) std::abort();
    return 0;
}
