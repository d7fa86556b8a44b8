#include "checks/alignment.hpp"

#include "domains/organization.hpp"

namespace postern::checks {

bool aligned(std::string const& proven, std::string const& wanted, bool strict)
{
    if (proven.empty()) return false;
    if (proven == wanted) return true;
    return !strict && domains::organization_of(proven) == domains::organization_of(wanted);
}

}  // namespace postern::checks
