// App passwords: how they are written and read, what they may do, how they log in.
#include <set>

#include <doctest/doctest.h>

#include "base/text.hpp"
#include "directory/app_password.hpp"
#include "directory/embedded.hpp"
#include "directory/test_directory.hpp"
#include "sasl/client_mechanism.hpp"

using namespace postern;
using namespace postern::directory;
using namespace postern::directory::testing;

namespace {

made_app_password make(backend& d, char const* account, new_app_password wanted = {})
{
    if (wanted.label.empty()) wanted.label = "phone";
    wanted.created_by = "operator";
    auto made = d.add_app_password(account, std::move(wanted));
    if (!made) FAIL(made.error().logged);
    return std::move(*made);
}

std::string problem_of(backend& d, new_app_password wanted)
{
    auto made = d.add_app_password("bob@example.org", std::move(wanted));
    return made ? std::string{} : made.error().logged;
}

/// The whole exchange; how it ends.
result<login> scram(backend& d, std::string const& name, std::string_view password, char const* mechanism)
{
    auto s = sasl::make_server_mechanism(mechanism, {});
    auto c = sasl::make_client_mechanism(mechanism, {name, "", secret{password}}, {});
    auto o = s->step(std::get<sasl::respond>(c->step(std::nullopt)).octets);
    auto const& wanted = std::get<sasl::fetch_scram>(o);
    auto keys = d.scram(wanted.authcid, wanted.hash);
    REQUIRE(keys);
    REQUIRE(keys->companions);
    CHECK(keys->companions->size() == 2 * most_app_passwords);
    o = s->on_scram(*keys);
    o = s->step(std::get<sasl::respond>(c->step(std::get<sasl::challenge>(o).octets)).octets);
    if (!std::holds_alternative<sasl::challenge>(o)) return login{};
    o = s->step(std::get<sasl::respond>(c->step(std::get<sasl::challenge>(o).octets)).octets);
    auto const* a = std::get_if<sasl::accepted>(&o);
    REQUIRE(a != nullptr);
    return d.authorize(a->authcid, a->authzid, a->stored_key);
}

constexpr char const* mechanism = "SCRAM-SHA-256";

}  // namespace

TEST_CASE("an app password has 16 letters and digits in groups of four, none that looks like another")
{
    std::set<std::string> seen;
    std::set<char> letters;
    for (int i = 0; i < 200; ++i) {
        auto const made = make_app_password();
        std::string const text{made.reveal()};
        CAPTURE(i);
        REQUIRE(text.size() == 19);
        CHECK(text.find_first_of("23456789") != std::string::npos);
        for (std::size_t at = 0; at < text.size(); ++at) {
            if (at % 5 == 4)
                CHECK(text[at] == '-');
            else
                letters.insert(text[at]);
        }
        CHECK(seen.insert(text).second);
    }
    std::string const all{letters.begin(), letters.end()};
    CHECK(all == "23456789abcdefghijkmnpqrstuvwxyz");
}

TEST_CASE("an app password is read in any letter case, with whatever stands between its letters")
{
    struct {
        char const* text;
        bool good;
    } const rows[] = {
        {"abcd-efgh-ijkm-npq2", true},
        {"abcdefghijkmnpq2", true},
        {"ABCD EFGH IJKM NPQ2", true},
        {" Abcd-efgh-ijkm-npq2 ", true},
        {"abcd\u2011efgh\u2013ijkm\u00a0n\u202fp.q2", true},
        {"", false},
        {"abcd-efgh-ijkm-npq", false},
        {"abcd-efgh-ijkm-npq23", false},
        {"abcd-efgh-ijkm-npqr", false},  // as people make them
        {"abcd-efgh-ijkl-npq2", false},  // an l
        {"abcd-efgh-ijkm-npq1", false},
        {"abcd/efgh/ijkm/npq2", false},
        {"abcd-efgh-ijkm-npq2\xe4", false},
        {"\xe2\x80", false},
    };
    for (auto const& row : rows) {
        CAPTURE(row.text);
        auto const read = read_app_password(row.text);
        CHECK(read.has_value() == row.good);
        if (read) CHECK(read->reveal() == "abcdefghijkmnpq2");
    }
    CHECK_FALSE(read_app_password(std::string(100'000, '-')));
    auto const forms = written_forms(secret{"abcdefghijkmnpq2"});
    REQUIRE(forms.size() == 2);
    CHECK(forms[0].reveal() == "abcd-efgh-ijkm-npq2");
    CHECK(forms[1].reveal() == "abcdefghijkmnpq2");
}

TEST_CASE("an app password of the earlier form, 24 letters, is read and written as it was")
{
    auto const read = read_app_password("ABCD efgh-jkmn-pqrs-tuvw-xyza");
    REQUIRE(read);
    CHECK(read->reveal() == "abcdefghjkmnpqrstuvwxyza");
    CHECK(written_forms(*read).at(0).reveal() == "abcd-efgh-jkmn-pqrs-tuvw-xyza");
    CHECK_FALSE(read_app_password("abcd-efgh-jkmn-pqrs-tuvw-xyz"));
    CHECK_FALSE(read_app_password("abcd-efgh-jkmn-pqrs-tuvw-xyzab"));
    CHECK_FALSE(read_app_password("abcd-efgh-ijkm-npqr-stuv-wxyz"));  // an i
    CHECK_FALSE(read_app_password("abcd-efgh-2jkm-npqr-stuv-wxyz"));
}

TEST_CASE("what is kept of an app password depends on the key, the account and the letters")
{
    secret const letters{"abcdefghjkmnpqrstuvwxyza"};
    auto const kept = app_password_verifier("key", "7", letters);
    CHECK(kept.size() == 32);
    CHECK(kept == app_password_verifier("key", "7", letters));
    CHECK(kept != app_password_verifier("other", "7", letters));
    CHECK(kept != app_password_verifier("key", "8", letters));
    CHECK(kept != app_password_verifier("key", "7", secret{"abcdefghjkmnpqrstuvwxyzb"}));
}

TEST_CASE("the limits of an app password hold for what they name, and without any all is allowed")
{
    app_password_limits l;
    auto const from = [](char const* text) { return *ip_address::parse(text); };
    CHECK(l.allow_client(from("192.0.2.1")));
    CHECK(l.allow_sender(address("bob@example.org")));
    CHECK(l.allow_recipient(address("bob@example.org")));
    l.networks = {*network::parse("192.0.2.0/24"), *network::parse("2001:db8::/32")};
    l.senders = {"bob@example.org", "@example.com"};
    l.recipients = {"scans@example.org"};
    struct {
        bool allowed;
        bool expected;
    } const rows[] = {
        {l.allow_client(from("192.0.2.99")), true},
        {l.allow_client(from("2001:db8::1")), true},
        {l.allow_client(from("198.51.100.1")), false},
        {l.allow_sender(address("bob@example.org")), true},
        {l.allow_sender(address("BOB@EXAMPLE.ORG")), true},
        {l.allow_sender(address("any@example.com")), true},
        {l.allow_sender(address("any@sub.example.com")), false},
        {l.allow_sender(address("alice@example.org")), false},
        {l.allow_sender(address("bob+x@example.org")), false},
        {l.allow_recipient(address("scans@example.org")), true},
        {l.allow_recipient(address("bob@example.org")), false},
    };
    for (std::size_t i = 0; i < std::size(rows); ++i) {
        CAPTURE(i);
        CHECK(rows[i].allowed == rows[i].expected);
    }
}

TEST_CASE("an app password logs in beside the account's own, however it is entered, and costs no hash")
{
    folder where;
    auto d = open(where, {"example.org"});
    REQUIRE(d->add_account(address("bob@example.org"), secret{"sesame"}));
    auto const made = make(*d, "Bob@Example.org");
    std::string text{made.text.reveal()};
    for (int i = 0; i < 3; ++i) {
        auto const l = log_in(*d, "bob@example.org", text);
        CAPTURE(text);
        CHECK(l.state == login_state::accepted);
        REQUIRE(l.app);
        CHECK(l.app->id == made.id);
        CHECK(l.app->label == "phone");
        CHECK(l.who->address == "bob@example.org");
        if (i == 0) std::erase(text, '-');
        if (i == 1) text = to_upper(text);
    }
    auto const own = log_in(*d, "bob@example.org", "sesame");
    CHECK(own.state == login_state::accepted);
    CHECK_FALSE(own.app);
    // Of one account only.
    REQUIRE(d->add_account(address("eve@example.org"), secret{"other"}));
    CHECK(log_in(*d, "eve@example.org", text).state == login_state::bad_credentials);
    CHECK(log_in(*d, "nobody@example.org", text).state == login_state::bad_credentials);
    // Another one is no app password of the account's, but may be its own.
    auto const strange = make_app_password();
    CHECK(log_in(*d, "bob@example.org", strange.reveal()).state == login_state::bad_credentials);
    REQUIRE(d->set_password("bob@example.org", strange));
    CHECK(log_in(*d, "bob@example.org", strange.reveal()).state == login_state::accepted);

    REQUIRE(d->set_smtp_auth("bob@example.org", false));
    CHECK(log_in(*d, "bob@example.org", text).state == login_state::smtp_auth_off);
    REQUIRE(d->set_enabled("bob@example.org", false));
    CHECK(log_in(*d, "bob@example.org", text).state == login_state::disabled);
}

TEST_CASE("a revoked app password logs in no more, an expired one neither, and the others go on")
{
    folder where;
    auto d = open(where, {"example.org"});
    REQUIRE(d->add_account(address("bob@example.org"), secret{"sesame"}));
    auto const first = make(*d, "bob@example.org");
    new_app_password soon;
    soon.label = "soon over";
    soon.expires = wall_clock::now() + std::chrono::milliseconds{50};
    auto const second = make(*d, "bob@example.org", soon);
    auto const third = make(*d, "bob@example.org");
    CHECK(first.id < second.id);
    REQUIRE(d->revoke_app_password("bob@example.org", first.id));
    auto const revoked = log_in(*d, "bob@example.org", first.text.reveal());
    CHECK(revoked.state == login_state::bad_credentials);
    CHECK(scram(*d, "bob@example.org", first.text.reveal(), mechanism)->state == login_state::bad_credentials);
    CHECK(eventually(
        [&] { return log_in(*d, "bob@example.org", second.text.reveal()).state == login_state::bad_credentials; }));
    CHECK(scram(*d, "bob@example.org", second.text.reveal(), mechanism)->state == login_state::bad_credentials);
    CHECK(log_in(*d, "bob@example.org", third.text.reveal()).state == login_state::accepted);

    CHECK_FALSE(d->revoke_app_password("bob@example.org", first.id));
    CHECK_FALSE(d->revoke_app_password("bob@example.org", 4711));
    REQUIRE(d->add_account(address("eve@example.org"), secret{"other"}));
    CHECK_FALSE(d->revoke_app_password("eve@example.org", third.id));
    auto const all = *d->list_app_passwords("bob@example.org");
    REQUIRE(all.size() == 3);
    CHECK(all[0].revoked);
    CHECK(all[1].expires);
    CHECK(all[2].works(wall_clock::now()));
}

TEST_CASE("SCRAM works with an app password as it was shown, and without the hyphens, whatever the own password is")
{
    folder where;
    options o;
    o.folder = where.path();
    o.hash_threads = 1;
    o.scram_hashes = {hash::sha256, hash::sha512};
    auto d = std::move(open_embedded(o)).value();
    REQUIRE(d->add_account(address("bob@example.org"), secret{"sesame"}));
    std::vector<std::string> problems;
    // An account without SCRAM keys of its own.
    REQUIRE(
        d->import_accounts("old@example.org:{SHA512-CRYPT}$6$W5Xf6WCjp0LWYyQC$efawLaUKwo1JAnd6N0nQhF/"
                           "QrhtOYhKYqz7lXATLhcSSBgeLwzDmlqOI9p8Q3zY6AxP8lII0/bo7LZTj8xnsX/\n",
                           problems));
    for (char const* who : {"bob@example.org", "old@example.org"}) {
        CAPTURE(who);
        auto const made = make(*d, who);
        make(*d, who);
        auto const check = [&] {
            for (char const* name : {"SCRAM-SHA-256", "SCRAM-SHA-512"}) {
                CAPTURE(name);
                std::string letters{made.text.reveal()};
                auto l = scram(*d, who, letters, name);
                CHECK(l->state == login_state::accepted);
                CHECK((l->app && l->app->id == made.id));
                std::erase(letters, '-');
                l = scram(*d, who, letters, name);
                CHECK((l->app && l->app->id == made.id));
                CHECK(scram(*d, who, make_app_password().reveal(), name)->state == login_state::bad_credentials);
            }
        };
        check();
        // The salt is theirs together: a new password takes it over.
        REQUIRE(d->set_password(who, secret{"another"}));
        check();
        auto const own = scram(*d, who, "another", "SCRAM-SHA-256");
        CHECK(own->state == login_state::accepted);
        CHECK_FALSE(own->app);
    }
}

TEST_CASE("expired app passwords leave room in SCRAM for those that work, and take part no more")
{
    folder where;
    auto d = open(where, {"example.org"});
    REQUIRE(d->add_account(address("bob@example.org"), secret{"sesame"}));
    std::vector<std::string> old;
    for (std::size_t i = 0; i < most_app_passwords; ++i) old.emplace_back(make(*d, "bob@example.org").text.reveal());
    auto const state = [&](std::string const& text) { return scram(*d, "bob@example.org", text, mechanism)->state; };
    CHECK(state(old.front()) == login_state::accepted);
    CHECK(state(old.back()) == login_state::accepted);
    {
        auto c = connection::open(where.file(), connection::mode::existing, 1000);
        REQUIRE(c);
        REQUIRE((*c)->execute("UPDATE app_passwords SET expires = created + 1"));
    }
    REQUIRE(eventually([&] { return state(old.front()) == login_state::bad_credentials; }));
    // As many as there may be, behind as many that have expired.
    std::vector<std::string> fresh;
    for (std::size_t i = 0; i < most_app_passwords; ++i) fresh.emplace_back(make(*d, "bob@example.org").text.reveal());
    CHECK(d->list_app_passwords("bob@example.org")->size() == 2 * most_app_passwords);
    CHECK(state(fresh.front()) == login_state::accepted);
    CHECK(state(fresh.back()) == login_state::accepted);
    CHECK(state(old.back()) == login_state::bad_credentials);
}

TEST_CASE("an app password gets the SCRAM keys that it lacks when it logs in with PLAIN")
{
    folder where;
    auto d = open(where, {"example.org"});
    REQUIRE(d->add_account(address("bob@example.org"), secret{"sesame"}));
    auto const made = make(*d, "bob@example.org");
    CHECK_FALSE(d->means().scram_sha512);
    d->set_scram_hashes({hash::sha256, hash::sha512});
    CHECK(log_in(*d, "bob@example.org", made.text.reveal()).state == login_state::accepted);
    CHECK(eventually([&] { return d->means().scram_sha512; }));
    CHECK(scram(*d, "bob@example.org", made.text.reveal(), "SCRAM-SHA-512")->state == login_state::accepted);
}

TEST_CASE("the last use of an app password is stored, with the client's address")
{
    folder where;
    auto d = open(where, {"example.org"});
    REQUIRE(d->add_account(address("bob@example.org"), secret{"sesame"}));
    auto const made = make(*d, "bob@example.org");
    CHECK_FALSE(d->list_app_passwords("bob@example.org")->front().last_used);
    auto const before = wall_clock::now();
    auto const l = log_in(*d, "bob@example.org", made.text.reveal());
    REQUIRE(l.app);
    d->note_use(*l.app, *ip_address::parse("2001:db8::7"));
    auto const used = d->list_app_passwords("bob@example.org")->front();
    REQUIRE(used.last_used);
    CHECK(*used.last_used >= before - std::chrono::milliseconds{1});
    CHECK(used.last_client == "2001:db8::7");
    // What was noted last is written when the directory goes.
    d->note_use(*l.app, *ip_address::parse("192.0.2.4"));
    d = nullptr;
    d = open(where, {"example.org"});
    CHECK(d->list_app_passwords("bob@example.org")->front().last_client == "192.0.2.4");
}

TEST_CASE("app passwords are kept with their limits, and go with the account")
{
    folder where;
    auto d = open(where, {"example.org"});
    REQUIRE(d->add_account(address("bob@example.org"), secret{"sesame"}));
    new_app_password wanted;
    wanted.label = "printer 2nd floor";
    wanted.limits.networks = {*network::parse("192.0.2.0/24")};
    wanted.limits.senders = {"Bob@EXAMPLE.org", "@Example.com"};
    wanted.limits.recipients = {"@example.org"};
    make(*d, "bob@example.org", wanted);
    auto const kept = d->list_app_passwords("bob@example.org")->front();
    CHECK(kept.label == "printer 2nd floor");
    CHECK(kept.created_by == "operator");
    CHECK(kept.limits.networks == wanted.limits.networks);
    CHECK(kept.limits.senders == std::vector<std::string>{"@example.com", "bob@example.org"});
    CHECK(kept.limits.recipients == std::vector<std::string>{"@example.org"});

    new_app_password bad;
    CHECK(problem_of(*d, bad).find("label") != std::string::npos);
    bad.label = std::string(65, 'x');
    CHECK(problem_of(*d, bad).find("label") != std::string::npos);
    bad.label = "two\nlines";
    CHECK(problem_of(*d, bad).find("label") != std::string::npos);
    bad.label = "good";
    bad.limits.senders = {"nobody"};
    CHECK(problem_of(*d, bad).find("neither an address") != std::string::npos);
    bad.limits.senders.clear();
    bad.expires = wall_clock::now() - std::chrono::hours{1};
    CHECK(problem_of(*d, bad).find("expired") != std::string::npos);
    CHECK_FALSE(d->add_app_password("nobody@example.org", {"x", "operator", {}, {}}));

    for (std::size_t i = 1; i < most_app_passwords; ++i) make(*d, "bob@example.org");
    bad.expires.reset();
    CHECK(problem_of(*d, bad).find("revoke one") != std::string::npos);
    REQUIRE(d->revoke_app_password("bob@example.org", kept.id));
    make(*d, "bob@example.org");
    REQUIRE(d->remove_account("bob@example.org"));
    REQUIRE(d->add_account(address("bob@example.org"), secret{"sesame"}));
    CHECK(d->list_app_passwords("bob@example.org")->empty());
}
