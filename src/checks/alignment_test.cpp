#include "checks/alignment.hpp"

#include <doctest/doctest.h>

using namespace postern::checks;

TEST_CASE("Which domains belong together")
{
    struct row {
        char const* proven;
        char const* wanted;
        bool relaxed, strict;
    };
    row const rows[] = {
        {"example.com", "example.com", true, true},
        {"mail.example.com", "example.com", true, false},
        {"example.com", "mail.example.com", true, false},
        {"a.example.co.uk", "b.example.co.uk", true, false},
        {"a.co.uk", "b.co.uk", false, false},
        {"co.uk", "b.co.uk", false, false},
        {"com", "example.com", false, false},
        {"notexample.com", "example.com", false, false},
        {"x.remote.test", "remote.test", true, false},
        {"", "example.com", false, false},
        {"[192.0.2.1]", "[192.0.2.2]", false, false},
    };
    for (auto const& r : rows) {
        CAPTURE(r.proven);
        CAPTURE(r.wanted);
        CHECK(aligned(r.proven, r.wanted, false) == r.relaxed);
        CHECK(aligned(r.proven, r.wanted, true) == r.strict);
    }
}
