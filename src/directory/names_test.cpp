// Log-in names and addresses as they are compared: letter case, composition, width, Latin-1.
#include <doctest/doctest.h>

#include "directory/embedded.hpp"
#include "directory/names.hpp"
#include "directory/test_directory.hpp"

using namespace postern;
using namespace postern::directory;
using namespace postern::directory::testing;

namespace {

// The password is "sesame".
constexpr char const* hash_of_sesame =
    ":{SHA512-CRYPT}$6$W5Xf6WCjp0LWYyQC$efawLaUKwo1JAnd6N0nQhF/"
    "QrhtOYhKYqz7lXATLhcSSBgeLwzDmlqOI9p8Q3zY6AxP8lII0/bo7LZTj8xnsX/\n";

}  // namespace

TEST_CASE("a name in any spelling is the same account, and it is recorded which reading matched")
{
    folder where;
    auto d = open(where, {"example.org", "b\u00fccher.example"}, 1);
    std::vector<std::string> problems;
    REQUIRE(d->import_accounts(std::string{"\u00c4nna@example.org"} + hash_of_sesame + "bob@example.org" +
                                   hash_of_sesame + "eve@xn--bcher-kva.example" + hash_of_sesame,
                               problems));
    struct {
        char const *name, *account, *matched;
    } const rows[] = {
        {"BOB@Example.ORG", "bob@example.org", ""},
        {"\uff22ob@example.org", "bob@example.org", ""},
        {"\u00e4nna@example.org", "\u00e4nna@example.org", ""},
        {"\u00c4NNA@example.org", "\u00e4nna@example.org", ""},
        {"a\u0308nna@example.org", "\u00e4nna@example.org", ""},
        {"\xe4nna@example.org", "\u00e4nna@example.org", "name matched as latin1"},
        {"\xc4NNA@EXAMPLE.org", "\u00e4nna@example.org", "name matched as latin1"},
        {"eve@B\u00dcCHER.example", "eve@xn--bcher-kva.example", ""},
        {"eve@xn--bcher-kva.example", "eve@xn--bcher-kva.example", ""},
        {"eve@b\xfc"
         "cher.example",
         "eve@xn--bcher-kva.example", "name matched as latin1"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.name);
        auto const l = log_in(*d, row.name, "sesame");
        CHECK(l.state == login_state::accepted);
        REQUIRE(l.who);
        CHECK(l.who->address == row.account);
        CHECK((l.cause.find("name matched") != std::string::npos) == (*row.matched != 0));
        CHECK(l.cause.find(row.matched) != std::string::npos);
        // To act as oneself is no other identity, in whatever spelling.
        CHECK(log_in(*d, row.name, "sesame", row.name).state == login_state::accepted);
        CHECK(log_in(*d, row.name, "sesame", "other@example.org").state == login_state::bad_credentials);
    }
    CHECK(log_in(*d, "\u00e4nn@example.org", "sesame").state == login_state::bad_credentials);
    CHECK(log_in(*d, "\xe4nna@example.org", "wrong").state == login_state::bad_credentials);
}

TEST_CASE("a name from before it was prepared still logs in as it is written")
{
    folder where;
    auto d = open(where, {"example.org"}, 1);
    std::vector<std::string> problems;
    REQUIRE(d->import_accounts(std::string{"\u00e4nna@example.org"} + hash_of_sesame, problems));
    // As an older version stored it.
    {
        auto c = connection::open(where.file(), connection::mode::existing, 1000);
        REQUIRE(c);
        REQUIRE((*c)->execute("UPDATE accounts SET address = '\u00c4nna@example.org'"));
    }
    CHECK(eventually([&] { return log_in(*d, "\u00c4nna@example.org", "sesame").state == login_state::accepted; }));
    CHECK(log_in(*d, "\u00c4nna@example.org", "sesame").cause.find("name matched as raw") != std::string::npos);
    CHECK(log_in(*d, "\u00e4nna@example.org", "sesame").state == login_state::bad_credentials);
}

TEST_CASE("who may send as what: aliases, grants, domains for programs, details, letter case")
{
    folder where;
    auto d = open(where, {"example.org"}, 1);
    std::vector<std::string> problems;
    REQUIRE(d->import_accounts(std::string{"\u00e4nna@example.org"} + hash_of_sesame + "shop@example.org" +
                                   hash_of_sesame + "\u00e4nna+own@example.org" + hash_of_sesame,
                               problems));
    REQUIRE(d->add_alias("\u00e4nna@example.org", address("Info@example.org")));
    REQUIRE(d->grant_send_as("\u00e4nna@example.org", "Team@Example.org"));
    REQUIRE(d->grant_send_as("shop@example.org", "@B\u00fccher.example"));
    struct {
        char const *account, *sender;
        bool may;
    } const rows[] = {
        {"\u00e4nna@example.org", "\u00c4NNA@example.org", true},
        {"\u00e4nna@example.org", "a\u0308nna@example.org", true},
        {"\u00e4nna@example.org", "info@EXAMPLE.org", true},
        {"\u00e4nna@example.org", "INFO+x@example.org", true},
        {"\u00e4nna@example.org", "team@example.org", true},
        {"\u00e4nna@example.org", "team+x@example.org", false},  // a grant is for that address
        {"\u00e4nna@example.org", "\u00c4nna+x@example.org", true},
        {"\u00e4nna@example.org", "\u00c4nna+Own@example.org", false},  // somebody else's own
        {"\u00e4nna@example.org", "shop@example.org", false},
        {"shop@example.org", "any.body@b\u00fccher.example", true},
        {"shop@example.org", "any.body@xn--bcher-kva.example", true},
        {"shop@example.org", "any.body@sub.b\u00fccher.example", false},
        {"shop@example.org", "\u00e4nna@example.org", false},
    };
    for (auto const& row : rows) {
        CAPTURE(row.account);
        CAPTURE(row.sender);
        auto const who = *d->find_account(row.account);
        REQUIRE(who);
        CHECK(*d->may_send_as(*who, address(row.sender)) == row.may);
    }
    // Mail finds its way in any spelling, too.
    CHECK((*d->find_recipient(address("\u00c4NNA+x@example.org")))->address == "\u00e4nna@example.org");
}

TEST_CASE("what a name may be is tried likeliest first, each reading once")
{
    using list = std::vector<std::pair<std::string, std::string>>;
    auto const of = [](std::string_view text) {
        list all;
        for (auto const& c : name_candidates(text)) all.emplace_back(c.key, c.form);
        return all;
    };
    CHECK(of("Bob@Example.org") == list{{"bob@example.org", "prepared"}});
    CHECK(of("\u00e4@example.org") == list{{"\u00e4@example.org", "prepared"}});
    CHECK(of("\u00c4@example.org") == list{{"\u00e4@example.org", "prepared"}, {"\u00c4@example.org", "raw"}});
    CHECK(of("\xe4@Example.org") == list{{"\xe4@example.org", "prepared"}, {"\u00e4@example.org", "latin1"}});
    CHECK(of("\x81") == list{{"\x81", "prepared"}});
    CHECK(of("") == list{{"", "prepared"}});
}
