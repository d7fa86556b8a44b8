// Reading JSON that somebody else wrote: what is missing, or of another kind, is empty.
#pragma once

#include <string_view>

#include <boost/json/object.hpp>

namespace postern {

/// In the object's memory.
inline std::string_view text_in(boost::json::object const& o, std::string_view key)
{
    auto const* const found = o.if_contains(key);
    auto const* const text = found != nullptr ? found->if_string() : nullptr;
    return text != nullptr ? std::string_view{*text} : std::string_view{};
}

}  // namespace postern
