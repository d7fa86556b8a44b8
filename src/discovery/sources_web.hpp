// What the search at the domain of a mail exchanger shares with that at the domain itself.
#pragma once

#include <string>
#include <string_view>

#include "discovery/sources.hpp"

namespace postern::discovery {

/// `own_host`: nothing but autoconfig has its place there, so that a web page is a fault.
awaitable<report> ask_autoconfig_at(subject_ptr s, source from, std::string url, bool own_host, trust how_sure);
std::string autoconfig_url(subject const& s, std::string_view domain, bool encrypted);

}  // namespace postern::discovery
