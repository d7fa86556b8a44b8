#include "config/fixture.hpp"

using namespace postern::config;
using namespace postern::config::testing;

TEST_CASE("milters are read, and written as they are read")
{
    std::vector<problem> problems;
    auto const s = parse(
        "[[milter]]\nname = \"rspamd\"\naddress = \"unix:/run/rspamd/milter.sock\"\nroles = [\"mx\"]\n"
        "listeners = [\":25\"]\ntimeout = \"5s\"\non_failure = \"refuse\"\nconnections = 7\n"
        "[[milter]]\nname = \"opendkim\"\naddress = \"[::1]:8891\"\n",
        "p.toml", problems);
    REQUIRE(s);
    REQUIRE(s->milters.size() == 2);
    CHECK(s->milters[0].roles == std::vector<role>{role::mx});
    CHECK(s->milters[0].listeners == std::vector<std::string>{":25"});
    CHECK(s->milters[0].timeout == std::chrono::seconds{5});
    CHECK(s->milters[0].on_failure == milter_failure::refuse);
    CHECK(s->milters[0].connections == 7);
    CHECK(s->milters[1].roles.size() == 2);
    CHECK(s->milters[1].on_failure == milter_failure::defer);
    auto const again = parse(to_toml(*s), "p.toml", problems);
    REQUIRE(again);
    CHECK(to_toml(*again) == to_toml(*s));
    CHECK(needs_restart(*s, *parse("", "p.toml", problems)).empty());
}

TEST_CASE("what is wrong with a milter is said")
{
    struct row {
        char const* toml;
        char const* problem;
    };
    row const rows[] = {
        {"[[milter]]\naddress = \"127.0.0.1:1\"\n", "a key is missing, such as name = \"rspamd\""},
        {"[[milter]]\nname = \"a\"\n", "a key is missing, such as address = \"unix:/run/rspamd/milter.sock\""},
        {"[[milter]]\nname = \"a\"\naddress = \"inet:8891@localhost\"\n", "is no place of a milter"},
        {"[[milter]]\nname = \"a\"\naddress = \"unix:socket\"\n", "is no place of a milter"},
        {"[[milter]]\nname = \"a\"\naddress = \"127.0.0.1:0\"\n", "is no place of a milter"},
        {"[[milter]]\nname = \"A b\"\naddress = \"127.0.0.1:1\"\n", "expected a name"},
        {"[[milter]]\nname = \"a\"\naddress = \"127.0.0.1:1\"\nroles = []\n", "sees no mail without a role"},
        {"[[milter]]\nname = \"a\"\naddress = \"127.0.0.1:1\"\nroles = [\"smtp\"]\n",
         "expected \"submission\" or \"mx\""},
        {"[[milter]]\nname = \"a\"\naddress = \"127.0.0.1:1\"\n[[milter]]\nname = \"a\"\naddress = \"127.0.0.1:2\"\n",
         "is there twice"},
        {"[[milter]]\nname = \"a\"\naddress = \"127.0.0.1:1\"\non_failure = \"drop\"\n", "expected one of"},
        {"[mx]\ndmarc_reject = \"drop\"\n", "expected one of"},
    };
    for (auto const& r : rows) {
        CAPTURE(r.toml);
        auto const said = problems_of(r.toml);
        CHECK_MESSAGE(said.find(r.problem) != std::string::npos, said);
    }
}
