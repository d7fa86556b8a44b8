#include "base/listener_address.hpp"

#include <string>

namespace postern {

std::optional<endpoint> parse_listener_address(std::string_view text)
{
    return endpoint::parse(text.starts_with(':') ? "[::]" + std::string{text} : std::string{text});
}

bool is_same_listener_address(std::string_view a, std::string_view b)
{
    auto const place = parse_listener_address(a);
    return place && place == parse_listener_address(b);
}

bool is_on_loopback(std::string_view address)
{
    auto const at = endpoint::parse(address);
    return at && at->address.is_loopback();
}

}  // namespace postern
