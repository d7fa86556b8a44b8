// Mozilla's autoconfig file, which Thunderbird, K-9, Evolution, KMail and others read
// (draft-ietf-mailmaint-autoconfig): from facts to XML.
#pragma once

#include <string>
#include <string_view>

#include "porter/facts.hpp"

namespace postern::porter {

/// `mx`: the domain of the mail exchangers, where programs ask for domains that publish nothing themselves; may be empty.
std::string autoconfig(services const& s, std::string_view domain, std::string_view mx);

}  // namespace postern::porter
