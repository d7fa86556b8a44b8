#include "domains/organization.hpp"

#include <libpsl.h>

namespace postern::domains {
namespace {

/// That Debian keeps up to date, or the one that the library was built with.
psl_ctx_t const* list()
{
    static psl_ctx_t const* const known = psl_latest(nullptr);
    return known;
}

}  // namespace

std::string organization_of(std::string const& domain)
{
    if (domain.starts_with('[')) return domain;
    char const* const found = list() != nullptr ? psl_registrable_domain(list(), domain.c_str()) : nullptr;
    return found != nullptr ? std::string{found} : domain;
}

bool is_public_suffix(std::string const& domain)
{
    if (list() == nullptr) return domain.find('.') == std::string::npos;
    return psl_is_public_suffix(list(), domain.c_str()) != 0;
}

}  // namespace postern::domains
