// Why log-ins fail: what is said at once, what a closer look finds, and that it costs the same for
// names that there are and names that there aren't.
#include <future>

#include <doctest/doctest.h>

#include "directory/embedded.hpp"
#include "directory/test_directory.hpp"
#include "directory/verifier.hpp"
#include "sasl/prepare.hpp"

using namespace postern;
using namespace postern::directory;
using namespace postern::directory::testing;

namespace {

struct found {
    login_cause at_once = login_cause::none;
    login_cause later = login_cause::none;
    std::string detail;
};

/// Fails to log in; waits for what the closer look finds.
found fail(backend& d, std::string const& name, std::string const& password)
{
    auto const l = log_in(d, name, password);
    CHECK(l.state == login_state::bad_credentials);
    found f{l.why, l.why, {}};
    if (!l.look_closer) return f;
    auto const promise = std::make_shared<std::promise<found>>();
    auto future = promise->get_future();
    l.look_closer([promise, at_once = l.why](login_cause later, std::string const& detail) {
        promise->set_value({at_once, later, detail});
    });
    REQUIRE(future.wait_for(std::chrono::seconds{60}) == std::future_status::ready);
    return future.get();
}

// The password is "sesame"; a hash that takes no time.
constexpr char const* quick =
    "{SHA512-CRYPT}$6$W5Xf6WCjp0LWYyQC$efawLaUKwo1JAnd6N0nQhF/"
    "QrhtOYhKYqz7lXATLhcSSBgeLwzDmlqOI9p8Q3zY6AxP8lII0/bo7LZTj8xnsX/\n";

}  // namespace

TEST_CASE("a closer look finds what was meant")
{
    folder where;
    auto d = open(where, {"example.org", "example.net"}, 1);
    REQUIRE(d->add_account(address("bob@example.org"), secret{"old Password"}));
    REQUIRE(d->set_password("bob@example.org", secret{"Gr\u00fc\u00dfe"}));
    REQUIRE(d->add_alias("bob@example.org", address("info@example.org")));
    struct {
        std::string name, password;
        login_cause at_once, later;
        std::string detail;
    } const rows[] = {
        {"bob@example.org", "guess", login_cause::wrong_password, login_cause::wrong_password, ""},
        {"bob@example.org", "old Password", login_cause::wrong_password, login_cause::previous_password, ""},
        {"bob@example.org", " Gr\u00fc\u00dfe", login_cause::wrong_password, login_cause::password_blank, ""},
        {"bob@example.org", "gr\u00fc\u00dfe", login_cause::wrong_password, login_cause::password_case, ""},
        {"bob@example.org", "Gr\u00c3\u00bc\u00c3\u009fe", login_cause::wrong_password, login_cause::password_encoding,
         ""},
        {"nobody@example.org", "guess", login_cause::unknown_user, login_cause::unknown_user, ""},
        {"bob", "guess", login_cause::unknown_user, login_cause::local_part_only, "bob@example.org"},
        {"bob @example.org ", "guess", login_cause::unknown_user, login_cause::name_blank, "bob@example.org"},
        {"info@example.org", "guess", login_cause::unknown_user, login_cause::name_is_alias, "bob@example.org"},
        {"bob+shop@example.org", "guess", login_cause::unknown_user, login_cause::name_with_detail, "bob@example.org"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.name);
        CAPTURE(row.password);
        auto const f = fail(*d, row.name, row.password);
        CHECK(f.at_once == row.at_once);
        CHECK(f.later == row.later);
        CHECK(f.detail == row.detail);
    }
    // The same again is known at once, and not looked for.
    auto const again = fail(*d, "bob@example.org", "old Password");
    CHECK(again.at_once == login_cause::previous_password);
}

TEST_CASE("what an app password has to do with it shows at once")
{
    folder where;
    auto d = open(where, {"example.org"}, 1);
    std::vector<std::string> problems;
    REQUIRE(d->import_accounts(std::string{"bob@example.org:"} + quick, problems));
    auto const revoked = *d->add_app_password("bob@example.org", {"phone", "operator", {}, {}});
    auto const soon = *d->add_app_password("bob@example.org",
                                           {"phone", "operator", wall_clock::now() + std::chrono::milliseconds{1}, {}});
    REQUIRE(d->revoke_app_password("bob@example.org", revoked.id));
    CHECK(log_in(*d, "bob@example.org", revoked.text.reveal()).why == login_cause::app_password_revoked);
    CHECK(eventually(
        [&] { return log_in(*d, "bob@example.org", soon.text.reveal()).why == login_cause::app_password_expired; }));
    auto const strange = make_app_password();
    CHECK(log_in(*d, "bob@example.org", strange.reveal()).why == login_cause::app_password_wrong);
    CHECK(log_in(*d, "nobody@example.org", strange.reveal()).why == login_cause::unknown_user);
    REQUIRE(d->set_smtp_auth("bob@example.org", false));
    CHECK(log_in(*d, "bob@example.org", "sesame").why == login_cause::smtp_auth_off);
    REQUIRE(d->set_enabled("bob@example.org", false));
    CHECK(log_in(*d, "bob@example.org", "sesame").why == login_cause::account_off);
    CHECK(log_in(*d, "bob@example.org", "sesame", "eve@example.org").why == login_cause::other_identity);
}

TEST_CASE("what a password may have meant depends on nothing but itself")
{
    using causes = std::vector<std::pair<std::string, login_cause>>;
    struct {
        std::string sent;
        causes meant;
    } const rows[] = {
        {"", {}},
        {"123", {{"123", login_cause::previous_password}}},
        {"Secret",
         {{"Secret", login_cause::previous_password},
          {"sECRET", login_cause::password_case},
          {"secret", login_cause::password_case}}},
        {" \u00a0a1\n",
         {{" \u00a0a1\n", login_cause::previous_password},
          {"a1", login_cause::password_blank},
          {" \u00a0A1\n", login_cause::password_case}}},
    };
    for (auto const& row : rows) {
        CAPTURE(row.sent);
        causes meant;
        for (auto const& m : meant_passwords(secret{row.sent})) meant.emplace_back(m.octets.reveal(), m.cause);
        auto expected = row.meant;
        for (auto& [text, cause] : expected)
            if (auto const prepared = sasl::prepare_password(text)) text = prepared->reveal();
        CHECK(meant == expected);
    }
}

TEST_CASE("a closer look hashes as often for a name that nobody has")
{
    for (char const* name : {"bob@example.org", "nobody@example.org"}) {
        CAPTURE(name);
        bool const known = std::string_view{name}.starts_with("bob");
        unsigned tasks = 0, looked = 0;
        std::optional<login_cause> said;
        cause_search::parts p;
        p.look_at_name = [&] {
            ++looked;
            return cause_search::finding{known ? login_cause::none : login_cause::unknown_user, {}};
        };
        p.idle = [&](std::function<void()> const& task) {
            ++tasks;
            task();
        };
        p.remember = [](login_cause) {};
        p.verifier = p.previous = make_dummy({});
        p.password = secret{"Secret "};
        p.otherwise = login_cause::wrong_password;
        std::make_shared<cause_search>(std::move(p))->begin([&](login_cause c, std::string const&) { said = c; });
        CHECK(looked == 1);
        CHECK(tasks == 1 + 4);
        CHECK(said == (known ? login_cause::wrong_password : login_cause::unknown_user));
    }
}

TEST_CASE("names are looked for without blanks of any kind")
{
    CHECK(without_blanks("bob@example.org").empty());
    CHECK(without_blanks(" bob@example.org\t") == "bob@example.org");
    CHECK(without_blanks("bob\u00a0@example.org\u3000") == "bob@example.org");
    CHECK(without_blanks("b\xc3 ") == "b\xc3");
}
