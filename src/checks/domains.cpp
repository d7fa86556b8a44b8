#include "checks/domains.hpp"

#include <libpsl.h>

namespace postern::checks {

std::string organizational_domain(std::string const& domain)
{
    // The list that Debian keeps up to date, or the one that the library was built with.
    static psl_ctx_t const* const list = psl_latest(nullptr);
    if (domain.starts_with('[')) return domain;
    char const* const found = list != nullptr ? psl_registrable_domain(list, domain.c_str()) : nullptr;
    return found != nullptr ? std::string{found} : domain;
}

bool aligned(std::string const& proven, std::string const& wanted, bool strict)
{
    if (proven.empty()) return false;
    if (proven == wanted) return true;
    return !strict && organizational_domain(proven) == organizational_domain(wanted);
}

}  // namespace postern::checks
