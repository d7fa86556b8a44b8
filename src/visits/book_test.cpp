#include "visits/book.hpp"

#include <fstream>
#include <iterator>

#include <doctest/doctest.h>

#include "support/throw_away_folder.hpp"
#include "visits/token.hpp"

using namespace postern;
using namespace postern::visits;
using namespace std::chrono_literals;

namespace {

wall_time const noon = from_microseconds(1'800'000'000'000'000);

struct world {
    postern::testing::throw_away_folder where;
    std::unique_ptr<book> visits = open(noon);
    limits bounds;

    std::unique_ptr<book> open(wall_time now) const
    {
        auto made = book::open(where.path(), now);
        REQUIRE(made);
        return std::move(*made);
    }
    std::string begin(std::string const& account, wall_time now)
    {
        return std::string{
            visits
                ->begin({account, "login of " + account, directory::role::none, noon, "192.0.2.1", "Browser"}, bounds,
                        now)
                .token.reveal()};
    }
    bool is_known(std::string_view token, wall_time now) { return visits->use(token, bounds, now).has_value(); }
};

}  // namespace

TEST_CASE("a visit ends when it is not used, and however often it is used")
{
    world w;
    w.bounds.idle = 1h;
    w.bounds.whole = 3h;
    auto const idle = w.begin("ann@example.org", noon);
    CHECK(w.is_known(idle, noon + 59min));
    CHECK(w.is_known(idle, noon + 118min));
    CHECK_FALSE(w.is_known(idle, noon + 178min));
    // It does not come back.
    CHECK_FALSE(w.is_known(idle, noon + 119min));
    auto const busy = w.begin("ann@example.org", noon);
    for (auto t = 0min; t < 180min; t += 10min) CHECK(w.is_known(busy, noon + t));
    CHECK_FALSE(w.is_known(busy, noon + 3h));
    CHECK(w.visits->size() == 0);
}

TEST_CASE("a visit that is only looked at is not used")
{
    world w;
    w.bounds.idle = 1h;
    auto const token = w.begin("ann@example.org", noon);
    auto const seen = w.visits->look(token, w.bounds, noon + 59min);
    REQUIRE(seen);
    CHECK(seen->last_used == noon);
    CHECK_FALSE(w.visits->look(token, w.bounds, noon + 61min));
    CHECK(w.visits->size() == 0);
}

TEST_CASE("a shorter life in the configuration holds for those who are signed in")
{
    world w;
    auto const token = w.begin("ann@example.org", noon);
    w.bounds.idle = 10min;
    CHECK_FALSE(w.is_known(token, noon + 11min));
}

TEST_CASE("each sign-in has a token of its own, and nothing but the token opens the visit")
{
    world w;
    auto const one = w.begin("ann@example.org", noon);
    auto const two = w.begin("ann@example.org", noon);
    CHECK(one != two);
    CHECK(one.size() == 43);
    auto const seen = w.visits->use(one, w.bounds, noon);
    REQUIRE(seen);
    for (std::string const& wrong : {std::string{}, seen->id, token_digest(one), one.substr(0, 42), one + "A"})
        CHECK_FALSE(w.is_known(wrong, noon));
}

TEST_CASE("the token is in no file")
{
    world w;
    auto const token = w.begin("ann@example.org", noon);
    for (auto const& file : std::filesystem::directory_iterator{w.where.path()}) {
        std::ifstream in{file.path(), std::ios::binary};
        std::string const octets{std::istreambuf_iterator<char>{in}, {}};
        CHECK(octets.find(token) == std::string::npos);
    }
}

TEST_CASE("a restart keeps visits, and those that ended stay ended")
{
    world w;
    auto const kept = w.begin("ann@example.org", noon);
    auto const ended = w.begin("ann@example.org", noon);
    CHECK(w.visits->end(ended));
    CHECK_FALSE(w.visits->end(ended));
    CHECK(w.is_known(kept, noon + 11h));
    w.visits.reset();
    w.visits = w.open(noon + 12h);
    // The use an hour before is known as well.
    CHECK(w.is_known(kept, noon + 22h));
    CHECK_FALSE(w.is_known(ended, noon + 12h));
    auto const seen = w.visits->use(kept, w.bounds, noon + 22h);
    REQUIRE(seen);
    CHECK(seen->account == "ann@example.org");
    CHECK(seen->login == "login of ann@example.org");
    CHECK(seen->password_set == noon);
    CHECK(seen->client == "192.0.2.1");
    CHECK(seen->agent == "Browser");
}

TEST_CASE("a file that can't be read is put aside, and nobody is signed in")
{
    world w;
    auto const token = w.begin("ann@example.org", noon);
    w.visits.reset();
    for (auto const* end : {"-wal", "-shm"})
        std::filesystem::remove(w.where.path() / ("web-sessions.db" + std::string{end}));
    std::ofstream{w.where.path() / "web-sessions.db", std::ios::binary} << std::string(4096, 'x');
    w.visits = w.open(noon);
    CHECK_FALSE(w.is_known(token, noon));
    CHECK(std::filesystem::exists(w.where.path() / "web-sessions.db.bad"));
    CHECK(w.is_known(w.begin("ann@example.org", noon), noon));
}

TEST_CASE("when there are too many, the one that was used longest ago goes")
{
    world w;
    w.bounds.per_account = 3;
    std::vector<std::string> tokens;
    for (int i = 0; i < 3; ++i) tokens.push_back(w.begin("ann@example.org", noon + std::chrono::minutes{i}));
    CHECK(w.is_known(tokens[0], noon + 10min));
    tokens.push_back(w.begin("ann@example.org", noon + 11min));
    CHECK_FALSE(w.is_known(tokens[1], noon + 12min));
    for (auto const i : {0u, 2u, 3u}) CHECK(w.is_known(tokens[i], noon + 12min));

    w.bounds.in_total = 4;
    auto const bob = w.begin("bob@example.org", noon + 13min);
    auto const eve = w.begin("eve@example.org", noon + 14min);
    CHECK(w.visits->size() == 4);
    CHECK(w.is_known(bob, noon + 15min));
    CHECK(w.is_known(eve, noon + 15min));
}

TEST_CASE("an account ends its visits and nobody else's")
{
    world w;
    auto const here = w.begin("ann@example.org", noon);
    auto const there = w.begin("ann@example.org", noon);
    auto const other = w.begin("ann@example.org", noon);
    auto const bob = w.begin("bob@example.org", noon);
    auto const id_of = [&](std::string const& token) { return w.visits->use(token, w.bounds, noon)->id; };
    CHECK_FALSE(w.visits->end_by_id("ann@example.org", id_of(bob)));
    CHECK(w.visits->end_by_id("ann@example.org", id_of(there)));
    CHECK_FALSE(w.is_known(there, noon));
    CHECK(w.visits->list("ann@example.org", w.bounds, noon).size() == 2);
    CHECK(w.visits->end_all("ann@example.org", id_of(here)) == 1);
    CHECK_FALSE(w.is_known(other, noon));
    CHECK(w.is_known(here, noon));
    CHECK(w.visits->end_all("ann@example.org") == 1);
    CHECK_FALSE(w.is_known(here, noon));
    CHECK(w.is_known(bob, noon));
}

TEST_CASE("what the browser calls itself is cut and can be shown")
{
    world w;
    auto const made = w.visits->begin(
        {"ann@example.org", "ann", {}, noon, "192.0.2.1", "\x1b[2J" + std::string(5000, 'x')}, w.bounds, noon);
    CHECK(made.what.agent.size() <= 203);
    CHECK(made.what.agent.starts_with("\\x1b[2J"));
}

TEST_CASE("the token against forged requests follows from the session's, and does not give it away")
{
    auto const token = make_token();
    auto const csrf = csrf_token(token.reveal());
    CHECK(csrf.size() == 43);
    CHECK(csrf != token.reveal());
    CHECK(csrf == csrf_token(token.reveal()));
    CHECK(is_csrf_token(token.reveal(), csrf));
    CHECK_FALSE(is_csrf_token(make_token().reveal(), csrf));
    CHECK_FALSE(is_csrf_token(token.reveal(), ""));
}
