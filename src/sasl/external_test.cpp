// EXTERNAL. Standard 42.
#include "sasl/external.hpp"

#include <doctest/doctest.h>

using namespace postern;
using namespace postern::sasl;
using reason = rejected::reason;

namespace {

/// Whom the exchange is for; or why it failed.
std::string run(std::vector<std::string> identities, std::optional<std::string_view> response, bool unsure = false)
{
    auto m = make_server_mechanism("EXTERNAL", {.external = std::move(identities), .external_unsure = unsure});
    auto o = m->step(std::nullopt);
    REQUIRE(std::holds_alternative<challenge>(o));
    CHECK(std::get<challenge>(o).octets.empty());
    o = m->step(response);
    CHECK(std::holds_alternative<rejected>(m->step("")));
    if (auto const* r = std::get_if<rejected>(&o))
        return r->why == reason::malformed ? "malformed" : r->why == reason::unsure ? "unsure" : "refused";
    REQUIRE(std::holds_alternative<accepted>(o));
    CHECK(std::get<accepted>(o).outside);
    CHECK(std::get<accepted>(o).stored_key.empty());
    return std::get<accepted>(o).authcid;
}

}  // namespace

TEST_CASE("standard 42: EXTERNAL is whoever the certificate is for, and nobody else")
{
    CHECK(run({"tim@example.org"}, "") == "tim@example.org");
    CHECK(run({"tim@example.org"}, "tim@example.org") == "tim@example.org");
    CHECK(run({"tim@example.org"}, "Tim@Example.Org") == "tim@example.org");
    CHECK(run({"tim@example.org"}, "tom@example.org") == "refused");
    CHECK(run({"tim@example.org", "tom@example.org"}, "tom@example.org") == "tom@example.org");
    CHECK(run({"tim@example.org", "tom@example.org"}, "") == "refused");
    CHECK(run({}, "") == "refused");
    CHECK(run({}, "tim@example.org") == "refused");
    CHECK(run({"tim@example.org"}, "tim@example.org\n") == "malformed");
    CHECK(run({"tim@example.org"}, "\xff") == "malformed");
    CHECK(run({"tim@example.org"}, std::string(256, 'x')) == "malformed");
}

TEST_CASE("EXTERNAL refuses nobody of whom it could not be found out who that is")
{
    CHECK(run({}, "", true) == "unsure");
    CHECK(run({}, "tim@example.org", true) == "unsure");
    CHECK(run({"tim@example.org"}, "tim@example.org", true) == "tim@example.org");
    CHECK(run({"tim@example.org"}, "tom@example.org", true) == "unsure");
    // There may be another one, and none was named.
    CHECK(run({"tim@example.org"}, "", true) == "unsure");
    CHECK(run({}, "\xff", true) == "malformed");
}

TEST_CASE("EXTERNAL takes an initial response")
{
    CHECK_FALSE(is_server_first("EXTERNAL"));
    auto m = make_server_mechanism("external", {.external = {"tim@example.org"}});
    auto const o = m->step("");
    REQUIRE(std::holds_alternative<accepted>(o));
    CHECK(std::get<accepted>(o).authcid == "tim@example.org");
    CHECK(m->claimed() == "tim@example.org");
}
