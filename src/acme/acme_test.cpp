#include <doctest/doctest.h>

#include "acme/answers.hpp"
#include "acme/key.hpp"
#include "acme/names.hpp"
#include "acme/schedule.hpp"
#include "acme/shelf.hpp"
#include "base/whole_file.hpp"
#include "support/throw_away_folder.hpp"

using namespace postern;
using namespace postern::acme;
using namespace std::chrono_literals;

namespace {

config::settings with_acme()
{
    config::settings s;
    s.hostname = "mail.example.com";
    s.acme.directory = "https://ca.example/directory";
    return s;
}

std::string told(std::vector<group> const& groups)
{
    std::string out;
    for (auto const& g : groups) {
        out += (out.empty() ? "" : "; ") + g.id + (g.for_mail ? "(mail):" : ":");
        for (auto const& name : g.names) out += ' ' + name;
    }
    return out;
}

}  // namespace

TEST_CASE("the mail ports and the web pages have certificates of their own, each domain another one")
{
    auto s = with_acme();
    CHECK(told(groups_of(s, {})) == "mail(mail): mail.example.com; web: mail.example.com");
    CHECK(told(groups_of(s, {"example.org", "localhost"})) ==
          "mail(mail): mail.example.com; web: mail.example.com; web-example.org: autoconfig.example.org "
          "autodiscover.example.org ua-auto-config.example.org mta-sts.example.org");
    s.web.public_url = "https://[::1]:8443/";
    CHECK(told(groups_of(s, {})) == "mail(mail): mail.example.com");
    s.web.public_url = "https://Post.example.com:8443/x";
    CHECK(told(groups_of(s, {})) == "mail(mail): mail.example.com; web: post.example.com");
    s.web.certificate = "/etc/web.pem";
    CHECK(told(groups_of(s, {})) == "mail(mail): mail.example.com");
    s.web.certificate.clear();
    s.tls.certificate = "/etc/mail.pem";
    CHECK(told(groups_of(s, {})) == "web: post.example.com");
    s.tls.certificate.clear();
    s.acme.names = {"MAIL.example.com", "smtp.example.org", "autoconfig.example.org", "mta-sts.example.org"};
    CHECK(told(groups_of(s, {"example.net"})) ==
          "mail(mail): mail.example.com; mail-smtp.example.org(mail): smtp.example.org; "
          "web-example.org: autoconfig.example.org mta-sts.example.org");
    s.web.address.clear();
    s.acme.names.clear();
    CHECK(told(groups_of(s, {"example.net"})) == "mail(mail): mail.example.com");
    s.hostname = "localhost";
    CHECK(told(groups_of(s, {})).empty());
    s = with_acme();
    s.acme.directory.clear();
    CHECK(groups_of(s, {"example.net"}).empty());
}

TEST_CASE("a certificate is renewed at two thirds of its life, or somewhat before")
{
    wall_time const start{};
    CHECK(renewal_of(start, start + 90h * 24, 0) == start + 60h * 24);
    CHECK(renewal_of(start, start + 90h * 24, 1) > start + 55h * 24);
    CHECK(renewal_of(start, start + 90h * 24, 1) < start + 56h * 24);
}

TEST_CASE("an authority that failed is left alone, longer each time, and as long as it says")
{
    trouble t;
    t.why = trouble::cause::silence;
    CHECK(wait_after(t, 1, 0) == 1min);
    CHECK(wait_after(t, 3, 0) == 4min);
    CHECK(wait_after(t, 1000, 0) == 1h);
    t.why = trouble::cause::proof;
    CHECK(wait_after(t, 1, 0) == 10min);
    CHECK(wait_after(t, 1, 1) == 12min);
    CHECK(wait_after(t, 50, 0) == 24h);
    t.retry_after = 100h;
    CHECK(wait_after(t, 1, 0) == 100h);
}

TEST_CASE("a failure that is about one order keeps nobody else waiting, and none does for longer than an hour")
{
    using cause = trouble::cause;
    struct row {
        cause why;
        bool ordered;
        std::chrono::minutes wait, of_all;
    };
    for (auto const& r : {row{cause::silence, false, 2min, 2min}, row{cause::silence, true, 2min, 0min},
                          row{cause::busy, true, 60min, 0min}, row{cause::rate_limit, false, 7h * 24, 1h},
                          row{cause::rate_limit, true, 7h * 24, 0min}, row{cause::account, false, 24h, 1h},
                          row{cause::account, true, 24h, 1h}, row{cause::proof, true, 24h, 0min}}) {
        CAPTURE(static_cast<int>(r.why));
        CAPTURE(r.ordered);
        auto const now = wall_clock::from_time_t(1'700'000'000);
        trouble t;
        t.why = r.why;
        t.ordered = r.ordered;
        CHECK(std::max(all_wait_until(t, now, now + r.wait), now) == now + r.of_all);
    }
}

TEST_CASE("of the window that an authority suggests some moment is taken, however long it is")
{
    auto const from = wall_clock::from_time_t(1'700'000'000);
    CHECK(moment_in({from, from + 256s}, 0.5) == from + 128s);
    CHECK(moment_in({from, from + 100 * 365 * 24h}, 0.5) == from + 50 * 365 * 24h);
}

TEST_CASE("Retry-After is read in both forms, within bounds")
{
    auto const now = wall_clock::from_time_t(1'700'000'000);  // Tue, 14 Nov 2023 22:13:20 GMT
    CHECK(parse_retry_after("120", now) == 120s);
    CHECK(parse_retry_after("99999999999", now) == 7h * 24);
    CHECK(parse_retry_after("Tue, 14 Nov 2023 22:14:20 GMT", now) == 60s);
    CHECK(parse_retry_after("Tue, 14 Nov 2022 22:14:20 GMT", now) == 0s);
    for (auto const* text : {"", "-1", "soon", "1.5", "Tue, 14 Nov 2023 22:14:20 GMT and more"})
        CHECK(!parse_retry_after(text, now));
}

TEST_CASE("answers are read within bounds")
{
    CHECK(!parse_directory(
        R"({"newNonce":"http://ca.example/n","newAccount":"https://a.b/","newOrder":"https://a.b/"})"));
    CHECK(!parse_order(R"({"status":"dancing","finalize":"https://a.b/"})"));
    CHECK(!parse_order(std::string(longest_answer + 1, ' ')));
    std::string deep;
    for (int i = 0; i < 1000; ++i) deep += R"({"a":[)";
    CHECK(!parse_order(deep));
    auto const a = parse_authorization(
        R"({"status":"pending","identifier":{"value":"A.example"},"challenges":[)"
        R"({"type":"http-01","url":"https://a.b/","token":"../../etc"},{"type":"x","url":"https://a.b/","token":"t_-9"}]})");
    REQUIRE(a);
    CHECK(a->name == "a.example");
    REQUIRE(a->challenges.size() == 1);
    CHECK(a->challenges[0].token == "t_-9");
    auto const p =
        parse_problem(R"({"type":"urn:ietf:params:acme:error:compound","detail":"several\nthings","subproblems":[)"
                      R"({"identifier":{"value":"b.example"},"detail":"no"}]})");
    CHECK(p.type == "compound");
    CHECK(p.detail == "several\\x0athings; b.example: no");
    CHECK(p.names == std::vector<std::string>{"b.example"});
    auto const w = parse_renewal_window(
        R"({"suggestedWindow":{"start":"2026-01-03T00:00:00Z","end":"2026-01-03T02:00:00.5+01:00"}})");
    REQUIRE(w);
    CHECK(w->end - w->start == 1h);
    auto const d1 =
        parse_directory(R"({"newNonce":"https://a.b/n","newAccount":"https://a.b/a","newOrder":"https://a.b/o",)"
                        R"("meta":{"caaIdentities":["CA.example",7,"ca.example.net"]}})");
    REQUIRE(d1);
    CHECK(d1->caa_identities == std::vector<std::string>{"ca.example", "ca.example.net"});
    // The example of RFC 9773 section 4.1.
    service_urls d;
    d.renewal_info = "https://acme.example.com/renewal-info";
    CHECK(renewal_url(d, "\x69\x88\x5b\x6b\x87\x46\x40\x41\xe1\xb3\x7b\x84\x7b\xa0\xae\x2c\xde\x01\xc8\xd4",
                      std::string_view{"\x00\x87\x65\x43\x21", 5}) ==
          "https://acme.example.com/renewal-info/aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
    CHECK(
        !parse_renewal_window(R"({"suggestedWindow":{"start":"2026-01-03T00:00:00Z","end":"2025-01-03T00:00:00Z"}})"));
}

TEST_CASE("a key is kept, and read again as it was")
{
    auto const made = ec_key::generate();
    REQUIRE(made);
    auto const again = ec_key::parse(made->pem().reveal());
    REQUIRE(again);
    CHECK(again->jwk() == made->jwk());
    CHECK(again->public_key_digest() == made->public_key_digest());
    CHECK(!ec_key::parse("nonsense"));
    auto const request = make_request(*made, {"a.example", "b.example"});
    REQUIRE(request);
    CHECK(request->find("b.example") != std::string::npos);
}

TEST_CASE("a certificate comes into force when it is whole, else the one before stays")
{
    testing::throw_away_folder const folder;
    auto const kept = shelf::open(folder.path());
    REQUIRE(kept);
    auto own = *kept;
    auto const key = ec_key::generate();
    auto const other = ec_key::generate();
    REQUIRE(key);
    REQUIRE(other);
    // Any certificate with a name will do.
    auto const one = make_proof_certificate(*key, "mail.example.com", "x");
    REQUIRE(one);
    CHECK(!own.find("mail"));
    CHECK(!own.put("mail", *one, *other, {"mail.example.com"}));
    CHECK(!own.put("mail", *one, *key, {"mail.example.com", "more.example.com"}));
    CHECK(!own.put("mail", "-----BEGIN CERTIFICATE-----\n", *key, {}));
    CHECK(!own.find("mail"));
    CHECK(own.put("mail", *one, *key, {"mail.example.com"}));
    REQUIRE(own.find("mail"));
    CHECK(own.key_of("mail")->jwk() == key->jwk());
    auto s = with_acme();
    s.data_dir = folder.path();
    REQUIRE(mail_certificates(s).size() == 1);
    CHECK(mail_certificates(s)[0].chain == own.path_of("mail"));
    CHECK(web_certificates(s, {}).empty());
    // A file that was cut is none, and stops nothing.
    REQUIRE(replace_whole_file(own.path_of("mail"), "half"));
    CHECK(!own.find("mail"));
    CHECK(mail_certificates(s).empty());
}

TEST_CASE("the account and what failed are found again")
{
    testing::throw_away_folder const folder;
    auto own = *shelf::open(folder.path());
    auto first = own.account_at("https://ca.example/");
    REQUIRE(first);
    CHECK(first->url.empty());
    first->url = "https://ca.example/account/1";
    CHECK(own.keep("https://ca.example/", *first));
    auto const again = own.account_at("https://ca.example/");
    REQUIRE(again);
    CHECK(again->url == first->url);
    CHECK(again->key.jwk() == first->key.jwk());
    CHECK(own.account_at("https://other.example/")->key.jwk() != first->key.jwk());
    // What can't be read is not replaced: with another key the account would be lost.
    auto const file = std::filesystem::directory_iterator { folder.path() / "acme" } -> path();
    for (std::string const broken : {"", "half", R"({"account":"https://ca.example/account/1","key":"none"})"}) {
        CAPTURE(broken);
        for (auto const& one : std::filesystem::directory_iterator{folder.path() / "acme"})
            REQUIRE(replace_whole_file(one.path(), broken));
        auto const none = own.account_at("https://ca.example/");
        REQUIRE(!none);
        CHECK(none.error().logged.find(folder.path().string()) != std::string::npos);
        CHECK((*read_whole_file(file, 1000))->reveal() == broken);
    }
    attempts a;
    a.failures = 3;
    a.not_before = from_microseconds(5'000'000);
    a.last.why = trouble::cause::caa;
    a.last.detail = "no";
    a.last.ordered = true;
    CHECK(own.keep_attempts({{"mail", a}}));
    auto const read = own.read_attempts();
    REQUIRE(read.contains("mail"));
    CHECK(read.at("mail").failures == 3);
    CHECK(read.at("mail").not_before == a.not_before);
    CHECK(read.at("mail").last.why == trouble::cause::caa);
    CHECK(read.at("mail").last.ordered);
}

TEST_CASE("an order under way is found again with its key, until it is done with or a day old")
{
    testing::throw_away_folder const folder;
    auto own = *shelf::open(folder.path());
    auto const key = ec_key::generate();
    REQUIRE(key);
    auto const begun = wall_clock::from_time_t(1'700'000'000);
    std::string const ca = "https://ca.example/";
    std::vector<std::string> const names{"mail.example.com"};
    CHECK(!own.order_of("mail"));
    CHECK(own.keep_order("mail", {ca, ca + "order/1", names, *key, begun}));
    auto const file = folder.path() / "acme" / "order-mail.json";
    CHECK((std::filesystem::status(file).permissions() & std::filesystem::perms::all) ==
          (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
    auto const kept = own.order_of("mail");
    REQUIRE(kept);
    CHECK(kept->url == ca + "order/1");
    CHECK(kept->key.jwk() == key->jwk());
    CHECK(fits(*kept, ca, names, begun + 23h));
    CHECK_FALSE(fits(*kept, ca, names, begun + 24h));
    CHECK_FALSE(fits(*kept, ca, names, begun - 1h));
    CHECK_FALSE(fits(*kept, "https://other.example/", names, begun));
    CHECK_FALSE(fits(*kept, ca, {"mail.example.com", "b.example.com"}, begun));
    own.drop_old_orders(begun + 23h);
    CHECK(own.order_of("mail"));
    own.drop_old_orders(begun + 24h);
    CHECK_FALSE(std::filesystem::exists(file));
    // One that can't be read is none, and is in nobody's way.
    REQUIRE(replace_whole_file(file, R"({"order":"https://ca.example/order/1","key":"half)"));
    CHECK(!own.order_of("mail"));
    CHECK(own.keep_order("mail", {ca, ca + "order/2", names, *key, begun}));
    own.drop_order("mail");
    CHECK(!own.order_of("mail"));
}

TEST_CASE("an order is kept where nobody knows what became of it, and thrown away where it failed")
{
    using cause = trouble::cause;
    for (auto const why : {cause::silence, cause::busy, cause::rate_limit}) CHECK(leaves_the_order(why));
    for (auto const why : {cause::proof, cause::account, cause::caa, cause::name, cause::unprovable, cause::other})
        CHECK_FALSE(leaves_the_order(why));
}
