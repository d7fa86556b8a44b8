// PROXY headers: an answer holds for every way in which the octets may come in pieces, and
// no header is longer than its limit.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fuzz/require.hpp"
#include "net/proxy_protocol.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size)
{
    using namespace postern::net;
    std::string_view const octets(reinterpret_cast<char const*>(data), size);
    proxy_header whole;
    auto const state = parse_proxy_header(octets, whole);
    if (octets.size() >= proxy_header_limit) require(state != proxy_state::incomplete);
    if (state == proxy_state::complete) {
        require(whole.size != 0 && whole.size <= octets.size() && whole.size <= proxy_header_limit);
        if (!whole.local) {
            auto const source = postern::endpoint::parse(whole.source.to_string());
            require(source && source->to_string() == whole.source.to_string());
        }
    }
    std::size_t const step = octets.size() / 300 + 1;
    for (std::size_t n = 0; n < octets.size(); n += step) {
        proxy_header part;
        auto const so_far = parse_proxy_header(octets.substr(0, n), part);
        switch (state) {
            case proxy_state::complete:
                require(so_far == (n < whole.size ? proxy_state::incomplete : proxy_state::complete));
                break;
            case proxy_state::incomplete: require(so_far == proxy_state::incomplete); break;
            case proxy_state::invalid: require(so_far != proxy_state::complete); break;
        }
        if (so_far == proxy_state::complete) require(part.size == whole.size && part.local == whole.local);
    }
    return 0;
}
