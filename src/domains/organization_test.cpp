#include "domains/organization.hpp"

#include <doctest/doctest.h>

using namespace postern::domains;

TEST_CASE("an organization's domain is the one below the public suffix")
{
    struct row {
        char const* domain;
        char const* organization;
        bool suffix;
    };
    for (auto const& r : {row{"mail.example.co.uk", "example.co.uk", false}, row{"example.com", "example.com", false},
                          row{"gmx.net", "gmx.net", false}, row{"mx00.gmx.net", "gmx.net", false},
                          row{"mx.web.de", "web.de", false}, row{"co.uk", "co.uk", true}, row{"com", "com", true},
                          row{"github.io", "github.io", true}, row{"somebody.github.io", "somebody.github.io", false},
                          row{"mx.provider.test", "provider.test", false}, row{"[192.0.2.1]", "[192.0.2.1]", false}}) {
        CAPTURE(r.domain);
        CHECK(organization_of(r.domain) == r.organization);
        CHECK(is_public_suffix(r.domain) == r.suffix);
    }
}
