// Keys from their creation to their removal, messages signed with them, and what the DNS should have.
#include <doctest/doctest.h>

#include <sys/stat.h>

#include <condition_variable>
#include <fstream>
#include <mutex>

#include "mail/dkim_record.hpp"
#include "signing/dns_check.hpp"
#include "signing/dns_watch.hpp"
#include "signing/key_store.hpp"

#include "support/throw_away_folder.hpp"

using namespace postern;
using namespace postern::signing;
using kind = signing_key::kind;

namespace {

wall_time at(int day) { return from_microseconds(1'795'000'000'000'000) + std::chrono::hours{24 * day}; }

struct place {
    testing::throw_away_folder folder;
    config::settings settings;
    signer out{1};

    place() { settings.data_dir = folder.path(); }
    key_store open() { return key_store{settings, &out}; }
    std::vector<mail::header_field> const& fields(std::string_view section)
    {
        header = section;
        parsed = *mail::parse_fields(header);
        return parsed;
    }
    std::string header;
    std::vector<mail::header_field> parsed;
};

std::string states(key_store const& keys)
{
    std::string out;
    for (auto const& k : keys.list())
        out += k.row.selector + '=' + std::string{to_string(k.row.state)} + (k.problem.empty() ? " " : "! ");
    return out;
}

std::string signed_by(place& p, std::string_view from)
{
    auto const s = message_signing::begin(p.out.keys(), p.fields("From: " + std::string{from} + "\r\n"), at(0));
    return s ? s->description() + s->problem() : "nobody";
}

mode_t mode_of(std::filesystem::path const& file)
{
    struct stat facts {};
    return ::stat(file.c_str(), &facts) == 0 ? facts.st_mode & 0777 : 0;
}

}  // namespace

TEST_CASE("A key waits, is used, is replaced and goes")
{
    place p;
    auto keys = p.open();
    CHECK(signed_by(p, "a@example.com") == "nobody");
    auto const made = keys.create("example.com", std::nullopt, {kind::rsa, kind::ed25519}, at(0));
    REQUIRE(made);
    REQUIRE(made->size() == 2);
    CHECK(states(keys) == "20261118-rsa=waiting 20261118-ed25519=waiting ");
    CHECK(made->front().bits == 2048);
    CHECK(made->front().record.starts_with("v=DKIM1; k=rsa; p="));
    CHECK(mode_of(p.folder.path() / "dkim") == 0700);
    CHECK(mode_of(p.folder.path() / "dkim/keys.json") == 0600);
    CHECK(mode_of(p.folder.path() / "dkim/example.com/20261118-rsa.pem") == 0600);

    // What waits signs nothing, and nothing of its kind is made beside it.
    CHECK(signed_by(p, "a@example.com") == "nobody");
    CHECK_FALSE(keys.create("example.com", "other", {kind::rsa}, at(0)));
    CHECK_FALSE(keys.rotate("example.com", at(0)));

    REQUIRE(keys.activate("example.com", "20261118-rsa", at(1)));
    CHECK(signed_by(p, "a@example.com") == "example.com/20261118-rsa");
    REQUIRE(keys.activate("example.com", "", at(1)));
    // Again: that is how it is.
    for (char const* selector : {"", "20261118-rsa"}) {
        auto const again = keys.activate("example.com", selector, at(2));
        REQUIRE(again);
        CHECK(again->size() == (*selector ? 1u : 2u));
        CHECK(again->front().row.state == key_state::active);
        CHECK(again->front().row.changed == at(1));
    }
    CHECK_FALSE(keys.activate("example.com", "other", at(2)));
    CHECK_FALSE(keys.activate("example.net", "", at(2)));
    CHECK(signed_by(p, "Ann <a@Example.COM>") == "example.com/20261118-rsa,20261118-ed25519");

    // The same day: another letter. The old ones sign until the new ones do.
    REQUIRE(keys.rotate("example.com", at(0)));
    CHECK(states(keys) ==
          "20261118-rsa=active 20261118-ed25519=active 20261118b-rsa=waiting 20261118b-ed25519=waiting ");
    CHECK(signed_by(p, "a@example.com") == "example.com/20261118-rsa,20261118-ed25519");
    auto const changed = keys.activate("example.com", "20261118b-rsa", at(10));
    REQUIRE(changed);
    CHECK(changed->size() == 2);
    CHECK(signed_by(p, "a@example.com") == "example.com/20261118-ed25519,20261118b-rsa");

    // Mail is tried for five days, and then two are added.
    auto const retired = keys.list().front();
    CHECK(retired.keep_until == at(17));
    CHECK_FALSE(keys.remove("example.com", "20261118-rsa", false, at(16)));
    CHECK_FALSE(keys.remove("example.com", "20261118b-rsa", false, at(16)));
    CHECK_FALSE(keys.remove("example.com", "nothing", true, at(16)));
    REQUIRE(keys.remove("example.com", "20261118-rsa", false, at(18)));
    CHECK_FALSE(std::filesystem::exists(p.folder.path() / "dkim/example.com/20261118-rsa.pem"));

    // All of it is there after a restart.
    auto const before = states(keys);
    place other;
    other.settings.data_dir = p.folder.path();
    auto again = other.open();
    CHECK(states(again) == before);
    CHECK(signed_by(other, "a@example.com") == "example.com/20261118-ed25519,20261118b-rsa");
    REQUIRE(again.remove("example.com", "20261118-ed25519", true, at(18)));
    REQUIRE(again.remove("example.com", "20261118b-rsa", true, at(18)));
    REQUIRE(again.remove("example.com", "20261118b-ed25519", false, at(18)));
    CHECK(signed_by(other, "a@example.com") == "nobody");
}

TEST_CASE("Whose mail is signed")
{
    place p;
    auto keys = p.open();
    for (auto const* domain : {"example.com", "xn--bcher-kva.example"}) {
        REQUIRE(keys.create(domain, "s", {kind::ed25519}, at(0)));
        REQUIRE(keys.activate(domain, "", at(0)));
    }
    struct row {
        std::string_view from, by;
    };
    static constexpr row rows[] = {
        {"a@example.com", "example.com/s"},
        {"\"A\" <a@mail.example.com> (x)", "example.com/s"},
        {"a@b\xc3\xbc"
         "cher.example",
         "xn--bcher-kva.example/s"},
        {"a@example.com, b@example.org", "example.com/s"},
        {"b@example.org, a@example.com", "nobody"},
        {"a@notexample.com", "nobody"},
        {"a@example.com.evil.example", "nobody"},
        {"a@[192.0.2.1]", "nobody"},
        {"nonsense", "nobody"},
        {"a@example.com\r\nFrom: b@example.com", "nobody"},
    };
    for (auto const& r : rows) {
        CAPTURE(r.from);
        CHECK(signed_by(p, r.from) == r.by);
    }
    auto const none = message_signing::begin(p.out.keys(), p.fields("To: a@example.com\r\n"), at(0));
    CHECK(none == nullptr);
}

TEST_CASE("A key that can't be read costs its domain the signature, and nothing else")
{
    place p;
    auto keys = p.open();
    REQUIRE(keys.create("example.com", "s", {kind::ed25519}, at(0)));
    REQUIRE(keys.create("example.org", "s", {kind::ed25519}, at(0)));
    REQUIRE(keys.activate("example.com", "", at(0)));
    REQUIRE(keys.activate("example.org", "", at(0)));
    auto const file = p.folder.path() / "dkim/example.com/s.pem";
    std::ofstream{file} << "no key";
    p.settings.dkim.on_failure = "defer";
    keys.reload(p.settings);
    CHECK(states(keys) == "s=active! s=active ");
    auto const broken = message_signing::begin(p.out.keys(), p.fields("From: a@example.com\r\n"), at(0));
    REQUIRE(broken);
    CHECK(broken->placeholder().empty());
    CHECK(broken->defers());
    CHECK_FALSE(broken->sign());
    CHECK(broken->problem().find("s.pem") != std::string::npos);
    CHECK(signed_by(p, "a@example.org") == "example.org/s");

    // The list itself: then nobody knows whose mail should be signed.
    std::ofstream{p.folder.path() / "dkim/keys.json"} << "{";
    keys.reload(p.settings);
    auto const unknown = message_signing::begin(p.out.keys(), p.fields("From: a@example.net\r\n"), at(0));
    REQUIRE(unknown);
    CHECK(unknown->problem().find("damaged") != std::string::npos);
    CHECK_FALSE(keys.create("example.net", "s", {kind::ed25519}, at(0)));
    CHECK_FALSE(keys.activate("example.com", "", at(0)));
}

TEST_CASE("Keys of the configuration sign beside the others")
{
    place p;
    auto const key = signing_key::generate(kind::ed25519);
    REQUIRE(key);
    std::ofstream{p.folder.path() / "mail.private"} << key->pem().reveal();
    p.settings.dkim.keys.push_back({"example.com", "mail", p.folder.path() / "mail.private"});
    p.settings.dkim.keys.push_back({"example.org", "mail", p.folder.path() / "missing"});
    auto keys = p.open();
    CHECK(states(keys) == "mail=active mail=active! ");
    CHECK(signed_by(p, "a@example.com") == "example.com/mail");
    CHECK_FALSE(keys.create("example.com", "mail", {kind::rsa}, at(0)));
    CHECK_FALSE(keys.rotate("example.com", at(0)));
}

TEST_CASE("A whole message is signed in front")
{
    place p;
    auto keys = p.open();
    std::string const message = "From: <postmaster@example.com>\r\nSubject: x\r\n\r\nbody\r\n";
    CHECK(signatures_for(p.out.keys(), message, at(0)).empty());
    REQUIRE(keys.create("example.com", "s", {kind::ed25519, kind::rsa}, at(0)));
    REQUIRE(keys.activate("example.com", "", at(0)));
    for (auto const& text : {message, std::string{"From: <postmaster@example.com>\r\n"}}) {
        auto done = text;
        bool told = false;
        p.out.sign(done, at(0), [&] { told = true; });
        p.out.stop();
        CHECK(told);
        CHECK(done.ends_with(text));
        CHECK(done.starts_with("DKIM-Signature: v=1; a=ed25519-sha256;"));
        CHECK(done.find("\r\nDKIM-Signature: v=1; a=rsa-sha256;") != std::string::npos);
        CHECK(done.find("Omitted") == std::string::npos);
    }
}

TEST_CASE("What is given to the signer is done, also when it ends")
{
    std::mutex lock;
    int done = 0;
    {
        signer s{2};
        for (int i = 0; i < 100; ++i)
            s.run([] {},
                  [&](std::string const& problem) {
                      std::lock_guard const hold{lock};
                      done += problem.empty() ? 1 : 0;
                  });
        s.stop();
        CHECK(done == 100);
        s.run([&] { ++done; }, [](std::string const&) {});
    }
    CHECK(done == 101);
}

TEST_CASE("Work that throws is a failure of its message, and the threads go on")
{
    signer s{1};
    std::vector<std::string> problems;
    auto const note = [&](std::string const& problem) { problems.push_back(problem); };
    s.run([] { throw std::runtime_error("no memory for it"); }, note);
    s.run([] { throw std::bad_alloc(); }, note);
    s.run([] {}, note);
    s.stop();
    REQUIRE(problems.size() == 3);
    CHECK(problems[0] == "no memory for it");
    CHECK_FALSE(problems[1].empty());
    CHECK(problems[2].empty());
}

TEST_CASE("What the DNS has, compared")
{
    auto const key = signing_key::generate(kind::ed25519);
    auto const other = signing_key::generate(kind::ed25519);
    REQUIRE(key);
    REQUIRE(other);
    key_view v;
    v.record = mail::dkim_record(*key);
    auto const with = [&](std::vector<std::string> records) {
        dns::txt_answer a;
        a.what = dns::finding::found;
        a.records = std::move(records);
        return to_string(compare(a, v).what);
    };
    auto const packed = v.record.substr(v.record.find("p=") + 2);
    CHECK(with({v.record}) == "matches");
    CHECK(with({"k=ed25519; h=sha256; p=" + packed}) == "matches");
    CHECK(with({"k=ed25519; t=y; p=" + packed}) == "testing");
    CHECK(with({"p=" + packed}) == "differs");  // an RSA key, they say
    CHECK(with({mail::dkim_record(*other)}) == "differs");
    CHECK(with({"v=DKIM1; k=ed25519; p="}) == "revoked");
    CHECK(with({v.record, v.record}) == "several");
    CHECK(with({"k=ed25519; h=sha1; p=" + packed}) == "unusable");
    CHECK(with({"v=spf1 -all"}) == "unusable");
    CHECK(with({}) == "missing");
    for (auto const& [found, word] : {std::pair{dns::finding::no_such_name, "missing"},
                                      {dns::finding::no_data, "missing"},
                                      {dns::finding::temporary, "unknown"},
                                      {dns::finding::bogus, "unknown"}}) {
        dns::txt_answer a;
        a.what = found;
        a.problem = "no answer";
        CHECK(to_string(compare(a, v).what) == word);
    }
}

TEST_CASE("The watch asks often at first, and ten minutes apart in the end")
{
    using namespace std::chrono_literals;
    CHECK(pause_at(0s) == 2s);
    CHECK(pause_at(60s) == 10s);
    CHECK(pause_at(24h) == 600s);
}
