#include "control/profile_book.hpp"

#include <boost/json/array.hpp>

#include "control/fixture.hpp"
#include "net/tls.hpp"
#include "visits/book.hpp"

namespace postern::control {
namespace {

namespace json = boost::json;
constexpr char const* ann = "ann@example.com";

struct with_profiles : testing::world {
    profile_book book;

    with_profiles()
    {
        context.profiles = &book;
        settings->setup.imap = "imap.example.com:993";
        must("account add", {{"address", ann}, {"password", "a password of hers"}});
    }
    std::string link()
    {
        auto const made = profile_make(context, arguments{json::object{{"address", ann}}});
        REQUIRE(made);
        auto const url = std::string{made->at("url").as_string()};
        return url.substr(url.rfind('/') + 1);
    }
    outcome take(std::string const& token) { return profile_take(context, arguments{json::object{{"token", token}}}); }
    /// The states of the app passwords, in their order.
    std::string states()
    {
        std::string all;
        auto const list = must("account app-password list", {{"address", ann}});
        for (auto const& p : list.as_array()) all += std::string{p.at("state").as_string()} + ' ';
        return all;
    }
};

}  // namespace

TEST_CASE_FIXTURE(with_profiles, "a link that came to nothing is as good as before, and leaves no password behind")
{
    auto const token = link();
    settings->setup.imap = "";
    CHECK_FALSE(take(token));
    CHECK(states() == "revoked ");
    settings->setup.imap = "imap.example.com:993";
    CHECK_FALSE(take(token));  // there is no certificate to sign with
    CHECK(states() == "revoked revoked ");
    must("account disable", {{"address", ann}});
    CHECK_FALSE(take(token));
    must("account enable", {{"address", ann}});
    CHECK(states() == "revoked revoked ");
    REQUIRE(net::ensure_self_signed({folder.path() / "self-signed.crt", folder.path() / "self-signed.key"},
                                    {settings->hostname}));
    CHECK(take(token));
    CHECK(states() == "revoked revoked works ");
    CHECK_FALSE(take(token));
    CHECK(states() == "revoked revoked works ");
}

TEST_CASE_FIXTURE(with_profiles,
                  "a link is void once the password is another, the sessions are ended or SMTP AUTH is off")
{
    REQUIRE(net::ensure_self_signed({folder.path() / "self-signed.crt", folder.path() / "self-signed.key"},
                                    {settings->hostname}));
    auto const visits = *visits::book::open(folder.path(), wall_clock::now());
    context.visits = visits.get();
    auto token = link();
    must("account password", {{"address", ann}, {"password", "another password of hers"}});
    CHECK_FALSE(take(token));
    token = link();
    must("account session end", {{"address", ann}, {"all", true}});
    CHECK_FALSE(take(token));
    token = link();
    must("account smtp-auth", {{"address", ann}, {"on", false}});
    CHECK_FALSE(take(token));
    CHECK(states().empty());
    must("account smtp-auth", {{"address", ann}, {"on", true}});
    CHECK(take(token));
}

TEST_CASE("a link ends after some minutes, whether it was looked at or not")
{
    profile_book book;
    steady_time const now{};
    auto const token = book.issue({ann, "phone", "", true}, now);
    CHECK(book.find(token, now));
    CHECK(book.find(token, now));
    CHECK_FALSE(book.find("another", now));
    CHECK_FALSE(book.find(token, now + profile_book::life));
    auto const other = book.issue({ann, "phone", "", true}, now);
    CHECK(book.take(other, now));
    CHECK_FALSE(book.find(other, now));
    CHECK_FALSE(book.take(other, now));
}

}  // namespace postern::control
