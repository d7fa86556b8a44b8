// What most users of a back end have: who decides that, and for how long.
#include "directory/usual_users.hpp"

#include <doctest/doctest.h>

#include "directory/scripted_back_end.hpp"
#include "directory/stored_user.hpp"
#include "directory/verifier.hpp"

using namespace postern;
using namespace postern::directory;
using namespace postern::directory::testing;

namespace {

void count(usual_users& u, std::string const& address, std::uint32_t iterations)
{
    stored_account a;
    a.who.address = address;
    a.verifier = scram_text("SCRAM-SHA-256", hash::sha256, "sesame", iterations);
    REQUIRE(take_scram(a.verifier, a));
    u.count(a);
}

}  // namespace

TEST_CASE("each user has one voice, and what was found stays until clearly more have something else")
{
    usual_users u;
    CHECK_FALSE(u.shape(hash::sha256));
    CHECK_FALSE(u.news());
    count(u, "first@example.org", 4096);
    CHECK(u.shape(hash::sha256)->iterations == 4096);
    CHECK(u.news());
    // One user, again and again, changes nothing.
    for (int i = 0; i < 50; ++i) count(u, "mallory@example.org", 5000);
    for (int i = 0; i < 50; ++i) count(u, "first@example.org", 4096);
    CHECK(u.shape(hash::sha256)->iterations == 4096);
    CHECK_FALSE(u.news());
    // Many do: also those who had another one before.
    for (int i = 0; i < 4; ++i) count(u, "u" + std::to_string(i) + "@example.org", 5000);
    CHECK(u.shape(hash::sha256)->iterations == 5000);
    CHECK(u.news());
    for (int i = 0; i < 4; ++i) count(u, "u" + std::to_string(i) + "@example.org", 6000);
    count(u, "mallory@example.org", 6000);
    CHECK(u.shape(hash::sha256)->iterations == 6000);
}

TEST_CASE("what most have is kept over a restart")
{
    usual_users u;
    count(u, "ann@example.org", 5000);
    auto const text = u.news();
    REQUIRE(text);
    usual_users again;
    again.remember(*text);
    CHECK_FALSE(again.news());
    CHECK(again.dummy() == u.dummy());
    CHECK(again.shape(hash::sha256) == u.shape(hash::sha256));
    CHECK_FALSE(again.shape(hash::sha512));
    // The first who logs in does not change it.
    count(again, "mallory@example.org", 4096);
    CHECK(again.shape(hash::sha256)->iterations == 5000);
    // What somebody wrote there by hand does no harm.
    for (char const* bad : {"", "\n\n", "scram", "scram 32", "scram 32 x y", "scram 32 4096 999999", "scram 31 1 1",
                            "nonsense\nscram 32 4096 -1"}) {
        usual_users other;
        other.remember(bad);
        CHECK_FALSE(other.shape(hash::sha256));
        CHECK(other.dummy().empty());
    }
}
