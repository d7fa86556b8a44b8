// The directory as its users see it: accounts, recipients, domains, grants.
#include <algorithm>

#include <doctest/doctest.h>

#include "base/text.hpp"
#include "directory/test_directory.hpp"

using namespace postern;
using namespace postern::directory;
using namespace postern::directory::testing;

TEST_CASE("an account is found by its address in any letter case")
{
    folder where;
    auto d = open(where, {"example.org"});
    REQUIRE(d->add_account(address("Alice@Example.org"), secret{"sesame"}));
    for (char const* name : {"alice@example.org", "ALICE@EXAMPLE.ORG", "Alice@example.org"}) {
        auto found = d->find_account(name);
        REQUIRE(found);
        REQUIRE(*found != nullptr);
        CHECK((*found)->address == "alice@example.org");
        CHECK((*found)->scheme == "argon2id");
        CHECK((*found)->has_scram());
        CHECK((*found)->enabled);
        CHECK((*found)->smtp_auth);
    }
    for (char const* name : {"alice", "alice@", "", "alice@example.com", "alice@example.org.", "alice@example.org\n"}) {
        auto found = d->find_account(name);
        REQUIRE(found);
        CHECK(*found == nullptr);
    }
}

TEST_CASE("addresses belong to one account only")
{
    folder where;
    auto d = open(where, {"example.org"});
    REQUIRE(d->add_account(address("a@example.org"), secret{"x"}));
    REQUIRE(d->add_account(address("b@example.org"), secret{"x"}));
    REQUIRE(d->add_alias("a@example.org", address("sales@example.org")));
    CHECK_FALSE(d->add_account(address("A@example.org"), secret{"x"}));
    CHECK_FALSE(d->add_account(address("sales@example.org"), secret{"x"}));
    CHECK_FALSE(d->add_alias("b@example.org", address("Sales@example.org")));
    CHECK_FALSE(d->add_alias("b@example.org", address("a@example.org")));
    CHECK_FALSE(d->add_alias("nobody@example.org", address("c@example.org")));
    CHECK_FALSE(d->remove_alias("b@example.org", address("sales@example.org")));
    CHECK(d->remove_alias("a@example.org", address("sales@example.org")));
    CHECK(d->add_alias("b@example.org", address("sales@example.org")));
    CHECK(d->remove_account("b@example.org"));
    CHECK(d->add_account(address("sales@example.org"), secret{"x"}));
    CHECK_FALSE(d->remove_account("b@example.org"));
    CHECK_FALSE(d->set_enabled("b@example.org", false));
    CHECK_FALSE(d->set_password("b@example.org", secret{"y"}));
}

TEST_CASE("recipients: own address, alias, sub-address, postmaster")
{
    folder where;
    auto d = open(where, {"example.org"});
    REQUIRE(d->add_domain("example.net"));
    REQUIRE(d->add_account(address("first@example.org"), secret{"x"}));
    REQUIRE(d->add_account(address("bob@example.org"), secret{"x"}));
    REQUIRE(d->add_account(address("eve@elsewhere.example"), secret{"x"}));
    REQUIRE(d->add_alias("bob@example.org", address("robert@example.net")));
    REQUIRE(d->add_alias("bob@example.org", address("bob+list@example.net")));

    struct {
        char const* to;
        char const* account;  // null: nobody
    } const rows[] = {
        {"bob@example.org", "bob@example.org"},
        {"BOB@EXAMPLE.org", "bob@example.org"},
        {"bob+tag@example.org", "bob@example.org"},
        {"bob+a+b@example.org", "bob@example.org"},
        {"robert@example.net", "bob@example.org"},
        {"robert+x@example.net", "bob@example.org"},
        {"bob+list@example.net", "bob@example.org"},
        {"bob@example.net", nullptr},
        {"bob+other@example.net", nullptr},
        {"+bob@example.org", nullptr},
        {"nobody@example.org", nullptr},
        {"eve@elsewhere.example", nullptr},  // an account, but its domain is not ours
        {"postmaster@example.org", "first@example.org"},
        {"PostMaster@example.net", "first@example.org"},
        {"postmaster@elsewhere.example", nullptr},
    };
    for (int pass = 0; pass < 2; ++pass) {  // the second from memory
        for (auto const& row : rows) {
            CAPTURE(row.to);
            auto found = d->find_recipient(address(row.to));
            REQUIRE(found);
            CHECK((*found ? (*found)->address : "") == (row.account ? row.account : ""));
        }
        auto bare = d->find_recipient(mail::mailbox{"postmaster", ""});
        REQUIRE(bare);
        REQUIRE(*bare != nullptr);
        CHECK((*bare)->address == "first@example.org");
        auto other = d->find_recipient(mail::mailbox{"bob", ""});
        REQUIRE(other);
        CHECK(*other == nullptr);
    }

    SUBCASE("standard 61: whoever has postmaster's address gets its mail")
    {
        REQUIRE(d->add_alias("bob@example.org", address("postmaster@example.org")));
        CHECK((*d->find_recipient(address("postmaster@example.org")))->address == "bob@example.org");
        CHECK((*d->find_recipient(mail::mailbox{"Postmaster", ""}))->address == "bob@example.org");
    }
    SUBCASE("the fallback prefers an enabled account")
    {
        REQUIRE(d->set_enabled("first@example.org", false));
        CHECK((*d->find_recipient(address("postmaster@example.org")))->address == "bob@example.org");
    }
    SUBCASE("a removed domain or alias is gone at once")
    {
        REQUIRE(d->remove_alias("bob@example.org", address("robert@example.net")));
        CHECK(*d->find_recipient(address("robert@example.net")) == nullptr);
        CHECK_FALSE(d->remove_domain("example.net"));  // bob+list is there
        REQUIRE(d->remove_alias("bob@example.org", address("bob+list@example.net")));
        CHECK(*d->find_recipient(address("bob+list@example.net")) == nullptr);
        REQUIRE(d->remove_domain("example.net"));
        CHECK_FALSE(*d->is_local("example.net"));
    }
}

TEST_CASE("local domains are those of the database and of the configuration")
{
    folder where;
    auto d = open(where, {"Example.org"});
    REQUIRE(d->add_domain("b.example"));
    REQUIRE(d->add_domain("B.example"));
    CHECK(*d->is_local("example.org"));
    CHECK(*d->is_local("b.example"));
    CHECK_FALSE(*d->is_local("c.example"));
    CHECK_FALSE(*d->is_local(""));
    CHECK(*d->list_domains() == std::vector<std::string>{"b.example", "example.org"});
    CHECK_FALSE(d->add_domain("not a domain"));
    CHECK_FALSE(d->remove_domain("example.org"));  // the configuration's
    CHECK_FALSE(d->remove_domain("c.example"));
    d->set_configured_domains({"c.example"});
    CHECK(*d->is_local("c.example"));
    CHECK_FALSE(*d->is_local("example.org"));
    REQUIRE(d->add_account(address("x@b.example"), secret{"x"}));
    CHECK_FALSE(d->remove_domain("b.example"));  // has an account
    REQUIRE(d->remove_account("x@b.example"));
    REQUIRE(d->add_account(address("y@example.com"), secret{"x"}));
    REQUIRE(d->add_alias("y@example.com", address("info@b.example")));
    CHECK_FALSE(d->remove_domain("b.example"));                          // has an alias
    REQUIRE(d->add_alias("y@example.com", address("info@xb.example")));  // another domain
    REQUIRE(d->remove_alias("y@example.com", address("info@b.example")));
    CHECK(d->remove_domain("b.example"));
}

TEST_CASE("an account sends as its own addresses and as what it was granted")
{
    folder where;
    auto d = open(where, {"example.org"});
    REQUIRE(d->add_account(address("bob@example.org"), secret{"x"}));
    REQUIRE(d->add_alias("bob@example.org", address("robert@example.org")));
    REQUIRE(d->grant_send_as("bob@example.org", "info@Example.com"));
    REQUIRE(d->grant_send_as("bob@example.org", "@lists.example"));
    CHECK_FALSE(d->grant_send_as("bob@example.org", "@not a domain"));
    CHECK_FALSE(d->grant_send_as("bob@example.org", "nobody"));
    auto const a = *d->find_account("bob@example.org");
    for (char const* good : {"bob@example.org", "Bob@example.org", "robert@example.org", "bob+shop@example.org",
                             "info@example.com", "any@lists.example"})
        CHECK_MESSAGE(*d->may_send_as(*a, address(good)), good);
    for (char const* bad : {"alice@example.org", "bob@example.com", "info+x@example.com", "any@sub.lists.example",
                            "any@xlists.example", "+bob@example.org", "bobx@example.org"})
        CHECK_FALSE_MESSAGE(*d->may_send_as(*a, address(bad)), bad);
    CHECK_FALSE(*d->may_send_as(*a, mail::mailbox{"postmaster", ""}));
    REQUIRE(d->revoke_send_as("bob@example.org", "@lists.example"));
    CHECK_FALSE(d->revoke_send_as("bob@example.org", "@lists.example"));
    CHECK_FALSE(*d->may_send_as(**d->find_account("bob@example.org"), address("any@lists.example")));
}

TEST_CASE("sub-addresses begin where the settings say")
{
    folder where;
    options o;
    o.folder = where.path();
    o.hash_threads = 1;
    o.configured_domains = {"example.org"};
    o.recipient_delimiter = '-';
    auto d = std::move(open_embedded(o)).value();
    REQUIRE(d->add_account(address("bob@example.org"), secret{"x"}));
    auto const reaches = [&](char const* to) { return *d->find_recipient(address(to)) != nullptr; };
    auto const sends = [&](char const* as) {
        return *d->may_send_as(**d->find_account("bob@example.org"), address(as));
    };
    CHECK(reaches("bob-list@example.org"));
    CHECK_FALSE(reaches("bob+list@example.org"));
    CHECK(sends("bob-list@example.org"));
    CHECK_FALSE(sends("bob+list@example.org"));
    d->set_recipient_delimiter('+');
    CHECK_FALSE(reaches("bob-list@example.org"));
    CHECK(reaches("bob+list@example.org"));
    CHECK_FALSE(sends("bob-list@example.org"));
    CHECK(sends("bob+list@example.org"));
    d->set_recipient_delimiter('\0');
    CHECK_FALSE(reaches("bob+list@example.org"));
    CHECK_FALSE(sends("bob+list@example.org"));
    CHECK(reaches("bob@example.org"));
    CHECK(sends("bob@example.org"));
}

TEST_CASE("what looks like a sub-address may be somebody else's address")
{
    folder where;
    options o;
    o.folder = where.path();
    o.hash_threads = 1;
    o.configured_domains = {"example.org"};  // elsewhere.example is not ours
    SUBCASE("-") { o.recipient_delimiter = '-'; }
    SUBCASE("+") { o.recipient_delimiter = '+'; }
    auto d = std::move(open_embedded(o)).value();
    auto const at = [&](std::string local_part, char const* domain) {
        std::replace(local_part.begin(), local_part.end(), ' ', o.recipient_delimiter);
        return mail::mailbox{local_part, domain};
    };
    for (char const* domain : {"example.org", "elsewhere.example"}) {
        CAPTURE(domain);
        auto const mary = at("mary", domain), jane = at("mary jane", domain), info = at("mary info", domain);
        for (auto const& who : {mary, jane}) REQUIRE(d->add_account(who, secret{"x"}));
        auto const sends = [&](mail::mailbox const& who, mail::mailbox const& as) {
            return *d->may_send_as(**d->find_account(who.key()), as);
        };
        CHECK(sends(mary, at("mary shop", domain)));
        CHECK(sends(mary, info));
        CHECK_FALSE(sends(mary, jane));
        CHECK_FALSE(sends(mary, at("Mary JANE", domain)));
        CHECK(sends(jane, jane));
        CHECK_FALSE(sends(jane, mary));

        // An alias of another account; known at once.
        REQUIRE(d->add_alias(jane.key(), info));
        CHECK_FALSE(sends(mary, info));
        CHECK(sends(jane, info));
        REQUIRE(d->grant_send_as(mary.key(), info.key()));
        CHECK(sends(mary, info));
        REQUIRE(d->remove_account(jane.key()));
        CHECK(sends(mary, jane));
        // An alias of its own that also looks like a sub-address.
        REQUIRE(d->add_alias(mary.key(), jane));
        CHECK(sends(mary, jane));
    }
}

TEST_CASE("what was stored is there after reopening")
{
    folder where;
    {
        auto d = open(where, {});
        REQUIRE(d->add_domain("example.org"));
        REQUIRE(d->add_account(address("bob@example.org"), secret{"sesame"}));
        REQUIRE(d->add_alias("bob@example.org", address("rob@example.org")));
        REQUIRE(d->set_smtp_auth("bob@example.org", false));
    }
    auto d = open(where, {});
    auto const list = d->list_accounts();
    REQUIRE(list);
    REQUIRE(list->size() == 1);
    CHECK(list->front().address == "bob@example.org");
    CHECK(list->front().aliases == std::vector<std::string>{"rob@example.org"});
    CHECK_FALSE(list->front().smtp_auth);
    CHECK(log_in(*d, "bob@example.org", "sesame").state == login_state::smtp_auth_off);
}

TEST_CASE("two directories on one database see each other's changes")
{
    folder where;
    auto one = open(where, {"example.org"});
    auto two = open(where, {"example.org"});
    REQUIRE(one->add_account(address("bob@example.org"), secret{"sesame"}));
    CHECK(eventually([&] { return *two->find_account("bob@example.org") != nullptr; }));
    REQUIRE(two->set_enabled("bob@example.org", false));
    CHECK(eventually([&] { return !(*one->find_account("bob@example.org"))->enabled; }));
    REQUIRE(one->add_domain("b.example"));
    CHECK(eventually([&] { return *two->is_local("b.example"); }));
}
