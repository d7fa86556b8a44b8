// The mark of a check, and the record that a server tells: anybody's octets.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "witness/book.hpp"

using namespace postern::witness;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    std::string_view const text{reinterpret_cast<char const*>(data), size};
    if (auto const m = parse_mark(text); m && parse_mark(to_string(*m)) != m) std::abort();
    if (auto const record = parse_record(text)) {
        for (auto const& line : lines_of(*record))
            if (line.size() > 480) std::abort();
    }
    return 0;
}
