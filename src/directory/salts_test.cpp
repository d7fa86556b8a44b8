// Made-up salts: what they depend on, and what must not show in them.
#include <fstream>

#include <doctest/doctest.h>

#include "directory/scripted_back_end.hpp"

using namespace postern;
using namespace postern::directory;
using namespace postern::directory::testing;

namespace {

void same_or_not(backend& d, char const* one, char const* other, bool same)
{
    CAPTURE(one);
    auto const a = d.scram(one, hash::sha256), b = d.scram(other, hash::sha256);
    REQUIRE(a);
    REQUIRE(b);
    CHECK((a->salt == b->salt) == same);
    if (same) CHECK(a->iterations == b->iterations);
    auto const c = d.cram_md5(one), e = d.cram_md5(other);
    REQUIRE(c);
    REQUIRE(e);
    CHECK((c->password.reveal() == e->password.reveal()) == same);
}

}  // namespace

TEST_CASE("a name without its domain has the salt of the whole name, whether somebody has it or not")
{
    SUBCASE("a back end that is asked")
    {
        auto o = told();
        o.format.domain = "example.org";
        house h{o};
        h.p->set("ann", scram_text("SCRAM-SHA-256", hash::sha256, "sesame", 4096));
        CHECK(h.scram("ann")->salt == h.scram("ann@example.org")->salt);
        h.prepare("bob", freshness::now);
        h.prepare("bob@example.org", freshness::now);
        same_or_not(*h.accounts, "bob", "bob@example.org", true);
        CHECK(h.accounts->whole_name("BOB") == "bob@example.org");
    }
    SUBCASE("a file")
    {
        folder where;
        std::ofstream{where.path() / "users"} << "ann:" << scram_text("SCRAM-SHA-256", hash::sha256, "sesame", 4096)
                                              << '\n';
        options o;
        o.folder = where.path();
        backend_options file;
        file.name = "file";
        file.type = "files";
        file.path = where.path() / "users";
        file.format.domain = "example.org";
        o.backends = {file};
        auto d = std::move(open_embedded(std::move(o))).value();
        same_or_not(*d, "ann", "ann@example.org", true);
        same_or_not(*d, "bob", "bob@example.org", true);
        same_or_not(*d, "bob", "bob@example.net", false);
        // And is of the shape that the file's users have.
        CHECK(d->scram("bob", hash::sha256)->iterations == 4096);
    }
    SUBCASE("nobody puts a domain behind it")
    {
        folder where;
        auto d = open(where, {"example.org"});
        same_or_not(*d, "bob", "bob@example.org", false);
        CHECK(d->whole_name("BOB") == "bob");
    }
}

TEST_CASE("an account's salt is the one that was made up for its name, and stays when its password changes")
{
    folder where;
    auto d = open(where, {"example.org"});
    auto const salt = [&](char const* name) { return d->scram(name, hash::sha256)->salt; };
    auto const bob = salt("bob@example.org"), eve = salt("eve@example.org");
    REQUIRE(d->add_account(address("bob@example.org"), secret{"sesame"}));
    CHECK(d->scram("bob@example.org", hash::sha256)->real);
    CHECK(salt("bob@example.org") == bob);
    REQUIRE(d->set_password("bob@example.org", secret{"another"}));
    CHECK(d->scram("bob@example.org", hash::sha256)->real);
    CHECK(salt("bob@example.org") == bob);
    std::vector<std::string> problems;
    REQUIRE(d->import_accounts("bob@example.org:{PLAIN}third\neve@example.org:{PLAIN}sesame\n", problems));
    CHECK(d->scram("eve@example.org", hash::sha256)->real);
    CHECK(salt("bob@example.org") == bob);
    CHECK(salt("eve@example.org") == eve);
    // Gone again: nothing shows.
    REQUIRE(d->remove_account("bob@example.org"));
    CHECK(salt("bob@example.org") == bob);
}

TEST_CASE("an account from elsewhere keeps its salt, too, and names that nobody has look like it or like ours")
{
    folder where;
    auto d = open(where, {"example.org", "example.net"});
    std::vector<std::string> problems;
    auto const keys = scram_text("SCRAM-SHA-256", hash::sha256, "sesame", 4096);
    REQUIRE(d->import_accounts("bob@example.org:" + keys + "\n", problems));
    REQUIRE(d->add_account(address("eve@example.org"), secret{"sesame"}));
    auto const before = *d->scram("bob@example.org", hash::sha256);
    CHECK(before.iterations == 4096);
    int few = 0, many = 0;
    for (int i = 0; i < 64; ++i) {
        auto const name = "u" + std::to_string(i) + "@example.org";
        auto const made_up = *d->scram(name, hash::sha256);
        CHECK(d->scram(name, hash::sha256)->salt == made_up.salt);
        (made_up.iterations == 4096 ? few : many)++;
        // Where there are only ours, or none.
        CHECK(d->scram("u" + std::to_string(i) + "@example.net", hash::sha256)->iterations == 10'000);
    }
    CHECK(few > 8);
    CHECK(many > 8);
    REQUIRE(d->set_password("bob@example.org", secret{"another"}));
    auto const after = *d->scram("bob@example.org", hash::sha256);
    CHECK(after.salt == before.salt);
    CHECK(after.iterations == 10'000);
}

TEST_CASE("in an outage the salt of a user who was told of stays, however long ago that was")
{
    auto o = told();
    o.remember = std::chrono::milliseconds{0};
    house h{o};
    h.p->set("ann@example.org", scram_text("SCRAM-SHA-256", hash::sha256, "sesame", 4096));
    h.settled();
    auto const before = *h.scram("ann@example.org");
    auto const nobody = *h.scram("nobody@example.org");
    h.p->let(&program::down, true);
    CHECK(h.scram("ann@example.org")->unsure);
    CHECK(h.scram("ann@example.org")->salt == before.salt);
    CHECK(h.scram("ann@example.org")->iterations == before.iterations);
    CHECK(h.scram("nobody@example.org")->salt == nobody.salt);
}

TEST_CASE("what users of a back end usually have is known again after a restart, before anybody was told of")
{
    auto const where = std::make_unique<folder>();
    auto const p = std::make_shared<program>();
    auto const open_again = [&] {
        options d;
        d.folder = where->path();
        d.configured_domains = {"example.org"};
        back_ends others;
        others.authenticators.push_back(make_authenticator(told(), [p] { return std::make_unique<scripted>(p); }));
        auto made = std::make_unique<embedded>(std::move(d), std::move(accounts_file::open(where->path())).value(),
                                               std::move(others));
        REQUIRE(made->begin());
        return made;
    };
    p->set("ann@example.org", scram_text("SCRAM-SHA-256", hash::sha256, "sesame", 5000));
    auto const iterations = [](embedded& d, char const* name) {
        std::promise<certainty> ready;
        d.prepare_login(name, freshness::now, [&](certainty c) { ready.set_value(c); });
        auto const prepared = ready.get_future().get();
        return d.scram(name, hash::sha256, prepared)->iterations;
    };
    {
        auto d = open_again();
        CHECK(iterations(*d, "ann@example.org") == 5000);
        CHECK(eventually([&] {
            auto const look = std::move(accounts_file::open(where->path())).value();
            return look->find_note("usual users of told")->find("scram 32 5000") != std::string::npos;
        }));
    }
    auto d = open_again();
    CHECK(iterations(*d, "nobody@example.org") == 5000);
}
