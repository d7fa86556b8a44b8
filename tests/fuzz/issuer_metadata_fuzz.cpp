// An issuer's metadata document. What is taken from it leads nowhere in the clear.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/url.hpp"
#include "directory/issuer_metadata.hpp"

using namespace postern;
using namespace postern::directory;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* octets, std::size_t size)
{
    std::string_view const text{reinterpret_cast<char const*>(octets), size};
    static_cast<void>(metadata_urls(text));
    auto const read = parse_metadata(text, "https://i.example");
    if (!read) return 0;
    for (auto const& url : {read->keys, read->introspection})
        if (!url.empty() && (!is_confidential_url(url) || is_loopback_url(url))) std::abort();
    return 0;
}
