// Facts from the process that knows them to the one that answers: as JSON, over the socket between the two.
#pragma once

#include <optional>

#include <boost/json/value.hpp>

#include "porter/facts.hpp"

namespace postern::porter {

boost::json::value to_json(facts const& f);
boost::json::value to_json(services const& s);
/// Nothing when it does not have the form of ours.
std::optional<facts> facts_from(boost::json::value const& v);
std::optional<services> services_from(boost::json::value const& v);

}  // namespace postern::porter
