// Where basic passwords are taken: the levels, what log-ins come to, and what EHLO may show.
#include <doctest/doctest.h>

#include "directory/embedded.hpp"
#include "directory/test_directory.hpp"

using namespace postern;
using namespace postern::directory;
using namespace postern::directory::testing;

namespace {

using level = basic_passwords::level;

std::unique_ptr<backend> open_with(folder const& where, bool basic)
{
    options o;
    o.folder = where.path();
    o.hash_threads = 1;
    o.basic_passwords = basic;
    auto d = open_embedded(std::move(o));
    if (!d) FAIL(d.error().logged);
    return std::move(*d);
}

basic_passwords of(backend& d, char const* who) { return d.basic_passwords_of(**d.find_account(who)); }

std::optional<bool> setting(char const* word)
{
    if (std::string_view{word} == "inherit") return std::nullopt;
    return std::string_view{word} == "on";
}

}  // namespace

TEST_CASE("the nearest that says something about basic passwords holds")
{
    struct {
        bool organisation;
        char const *domain, *account;
        bool allowed;
        level from;
    } const rows[] = {
        {true, "inherit", "inherit", true, level::nobody},
        {true, "off", "inherit", false, level::domain},
        {true, "off", "on", true, level::account},
        {true, "on", "off", false, level::account},
        {false, "inherit", "inherit", false, level::organisation},
        {false, "on", "inherit", true, level::domain},
        {false, "on", "off", false, level::account},
        {false, "inherit", "on", true, level::account},
    };
    for (auto const& row : rows) {
        CAPTURE(row.organisation);
        CAPTURE(row.domain);
        CAPTURE(row.account);
        folder where;
        auto d = open_with(where, row.organisation);
        REQUIRE(d->add_account(address("bob@example.org"), secret{"sesame"}));
        REQUIRE(d->set_domain_basic_passwords("EXAMPLE.org", setting(row.domain), "operator"));
        REQUIRE(d->set_basic_passwords("bob@example.org", setting(row.account), "operator"));
        auto const now = of(*d, "bob@example.org");
        CHECK(now.now.allowed == row.allowed);
        CHECK(now.from == row.from);
        if (row.from == level::organisation) CHECK(now.now.by == "configuration");
        if (row.from == level::domain || row.from == level::account) CHECK(now.now.by == "operator");
        auto const l = log_in(*d, "bob@example.org", "sesame");
        CHECK(l.state == (row.allowed ? login_state::accepted : login_state::app_password_needed));
        CHECK(l.why == (row.allowed ? login_cause::none : login_cause::app_password_needed));
        // A stranger learns nothing.
        CHECK(log_in(*d, "bob@example.org", "guess").state == login_state::bad_credentials);
        auto const keys = *d->scram("bob@example.org", hash::sha256);
        CHECK(d->authorize("bob@example.org", "", keys.stored_key)->state == l.state);
        // Tokens and certificates are no passwords.
        CHECK(d->admit("bob@example.org", "", "token")->state == login_state::accepted);
    }
}

TEST_CASE("what the configuration says is known with the time since when, over restarts")
{
    folder where;
    wall_time since;
    {
        auto d = open_with(where, false);
        REQUIRE(d->add_account(address("bob@example.org"), secret{"sesame"}));
        since = of(*d, "bob@example.org").now.since;
    }
    {
        auto d = open_with(where, false);
        CHECK(to_microseconds(of(*d, "bob@example.org").now.since) == to_microseconds(since));
        d->set_configured_basic_passwords(true);
        auto const now = of(*d, "bob@example.org");
        CHECK(now.now.allowed);
        CHECK(now.from == level::organisation);
        CHECK(now.now.since > since);
        CHECK(log_in(*d, "bob@example.org", "sesame").state == login_state::accepted);
    }
    auto d = open_with(where, true);
    CHECK(of(*d, "bob@example.org").now.allowed);
}

TEST_CASE("a way of logging in that no account can use is not shown")
{
    folder where;
    auto d = open_with(where, false);
    CHECK_FALSE(d->means().password);
    d->set_configured_basic_passwords(true);
    CHECK(d->means().password);  // the first account may come at any moment
    REQUIRE(d->add_account(address("bob@example.org"), secret{"sesame"}));
    REQUIRE(d->add_account(address("eve@example.net"), secret{"sesame"}));
    REQUIRE(d->set_password("eve@example.net", secret{"sesame"}, backend::keep::cram_md5));
    CHECK(d->means().password);
    CHECK(d->means().scram_sha256);
    CHECK(d->means().cram_md5);

    d->set_configured_basic_passwords(false);
    CHECK_FALSE(d->means().password);
    CHECK_FALSE(d->means().scram_sha256);
    CHECK_FALSE(d->means().cram_md5);
    REQUIRE(d->set_domain_basic_passwords("example.org", true, "operator"));
    CHECK(d->means().password);
    CHECK(d->means().scram_sha256);
    CHECK_FALSE(d->means().cram_md5);
    REQUIRE(d->set_domain_basic_passwords("example.org", {}, "operator"));
    REQUIRE(d->set_basic_passwords("eve@example.net", true, "operator"));
    CHECK(d->means().cram_md5);
    REQUIRE(d->set_basic_passwords("eve@example.net", {}, "operator"));
    CHECK_FALSE(d->means().password);

    new_app_password wanted{"phone", "operator", wall_clock::now() + std::chrono::milliseconds{300}, {}};
    REQUIRE(d->add_app_password("bob@example.org", wanted));
    CHECK(d->means().password);
    CHECK(d->means().scram_sha256);
    CHECK_FALSE(d->means().cram_md5);
    // It expires without anybody's doing.
    CHECK(eventually([&] { return !d->means().password && !d->means().scram_sha256; }));
    auto const made = d->add_app_password("bob@example.org", {"phone", "operator", {}, {}});
    REQUIRE(made);
    CHECK(d->means().password);
    REQUIRE(d->revoke_app_password("bob@example.org", made->id));
    CHECK_FALSE(d->means().password);
}

TEST_CASE("a wrong account or domain has no setting of its own")
{
    folder where;
    auto d = open_with(where, true);
    CHECK_FALSE(d->set_basic_passwords("nobody@example.org", false, "operator"));
    CHECK_FALSE(d->set_domain_basic_passwords("not a domain", false, "operator"));
    REQUIRE(d->set_domain_basic_passwords("example.com", false, "operator"));
    auto const all = d->domain_basic_passwords();
    REQUIRE(all.size() == 1);
    CHECK(all[0].first == "example.com");
    CHECK_FALSE(all[0].second.allowed);
}
