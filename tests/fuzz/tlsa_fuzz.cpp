// TLSA and SRV records as a name server may have them: parsed, the first then looked at as certificates and keys.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "dns/wire.hpp"
#include "net/stream.hpp"
#include "net/tls.hpp"

using namespace postern;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* octets, std::size_t size)
{
    std::string_view const data{reinterpret_cast<char const*>(octets), size};
    if (auto const service = dns::parse_srv(data); service && service->host.size() > 255) std::abort();
    auto const r = dns::parse_tlsa(data);
    if (!r) return 0;
    net::certificate_pin const pin{r->usage, r->selector, r->matching, r->data};
    if (net::is_usable_pin(pin) && (pin.usage < 2 || pin.usage > 3 || pin.selector > 1 || pin.matching > 2))
        std::abort();
    return 0;
}
