// What DKIM signs and how it is written, against the examples of RFC 6376 and RFC 8463.
#include <doctest/doctest.h>

#include "base/base64.hpp"
#include "mail/dkim_canonical.hpp"
#include "mail/dkim_record.hpp"
#include "mail/dkim_signature.hpp"

using namespace postern;
using namespace postern::mail;
using enum postern::mail::canonical_form;

namespace {

// RFC 6376 appendix C.
constexpr std::string_view key_of_6376 = R"(-----BEGIN RSA PRIVATE KEY-----
MIICXwIBAAKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFC
jxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gb
to/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB
AoGBALmn+XwWk7akvkUlqb+dOxyLB9i5VBVfje89Teolwc9YJT36BGN/l4e0l6QX
/1//6DWUTB3KI6wFcm7TWJcxbS0tcKZX7FsJvUz1SbQnkS54DJck1EZO/BLa5ckJ
gAYIaqlA9C0ZwM6i58lLlPadX/rtHb7pWzeNcZHjKrjM461ZAkEA+itss2nRlmyO
n1/5yDyCluST4dQfO8kAB3toSEVc7DeFeDhnC1mZdjASZNvdHS4gbLIA1hUGEF9m
3hKsGUMMPwJBAPW5v/U+AWTADFCS22t72NUurgzeAbzb1HWMqO4y4+9Hpjk5wvL/
eVYizyuce3/fGke7aRYw/ADKygMJdW8H/OcCQQDz5OQb4j2QDpPZc0Nc4QlbvMsj
7p7otWRO5xRa6SzXqqV3+F0VpqvDmshEBkoCydaYwc2o6WQ5EBmExeV8124XAkEA
qZzGsIxVP+sEVRWZmW6KNFSdVUpk3qzK0Tz/WjQMe5z0UunY9Ax9/4PVhp/j61bf
eAYXunajbBSOLlx4D+TunwJBANkPI5S9iylsbLs6NkaMHV6k5ioHBBmgCak95JGX
GMot/L2x0IYyMLAz6oLWh2hm7zwtb0CgOrPo1ke44hFYnfc=
-----END RSA PRIVATE KEY-----
)";

// RFC 8463 appendix A.1; the Ed25519 key in PKCS #8.
constexpr std::string_view rsa_key_of_8463 = R"(-----BEGIN RSA PRIVATE KEY-----
MIICXQIBAAKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi
Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqM
KrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB
AoGAH0cxOhFZDgzXWhDhnAJDw5s4roOXN4OhjiXa8W7Y3rhX3FJqmJSPuC8N9vQm
6SVbaLAE4SG5mLMueHlh4KXffEpuLEiNp9Ss3O4YfLiQpbRqE7Tm5SxKjvvQoZZe
zHorimOaChRL2it47iuWxzxSiRMv4c+j70GiWdxXnxe4UoECQQDzJB/0U58W7RZy
6enGVj2kWF732CoWFZWzi1FicudrBFoy63QwcowpoCazKtvZGMNlPWnC7x/6o8Gc
uSe0ga2xAkEA8C7PipPm1/1fTRQvj1o/dDmZp243044ZNyxjg+/OPN0oWCbXIGxy
WvmZbXriOWoSALJTjExEgraHEgnXssuk7QJBALl5ICsYMu6hMxO73gnfNayNgPxd
WFV6Z7ULnKyV7HSVYF0hgYOHjeYe9gaMtiJYoo0zGN+L3AAtNP9huqkWlzECQE1a
licIeVlo1e+qJ6Mgqr0Q7Aa7falZ448ccbSFYEPD6oFxiOl9Y9se9iYHZKKfIcst
o7DUw1/hz2Ck4N5JrgUCQQCyKveNvjzkkd8HjYs0SwM0fPjK16//5qDZ2UiDGnOe
uEzxBDAr518Z8VFbR41in3W4Y3yCDgQlLlcETrS+zYcL
-----END RSA PRIVATE KEY-----
)";
constexpr std::string_view ed25519_key_of_8463 = R"(-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
)";

constexpr std::string_view received_of_6376 =
    "Received: from client1.football.example.com  [192.0.2.1]\r\n"
    "      by submitserver.example.com with SUBMISSION;\r\n"
    "      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)\r\n";
constexpr std::string_view header =
    "From: Joe SixPack <joe@football.example.com>\r\n"
    "To: Suzie Q <suzie@shopping.example.net>\r\n"
    "Subject: Is dinner ready?\r\n"
    "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
    "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n";
constexpr std::string_view body = "Hi.\r\n\r\nWe lost the game. Are you hungry yet?\r\n\r\nJoe.\r\n";

std::vector<header_field> fields_of(std::string_view section) { return *parse_fields(section); }

std::string body_hash(std::string_view text, canonical_form form)
{
    body_hasher h{form};
    h.add(text);
    return h.finish();
}

// As a verifier does: the fields that h= lists, the signature with an empty b=.
std::string signed_again(std::string_view pem, std::string_view section, std::vector<std::string> const& names,
                         std::string_view signature, canonical_form form)
{
    auto const key = signing_key::parse(pem);
    REQUIRE(key);
    auto const made = key->sign(header_digest(fields_of(section), names, signature, form));
    REQUIRE(made);
    return base64_encode(*made);
}

}  // namespace

TEST_CASE("RFC 6376 appendix A.2: the signature comes out as printed")
{
    CHECK(base64_encode(body_hash(body, simple)) == "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=");
    auto const section = std::string{received_of_6376} + std::string{header};
    CHECK(signed_again(key_of_6376, section, {"Received", "From", "To", "Subject", "Date", "Message-ID"},
                       "DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;\r\n"
                       "      c=simple/simple; q=dns/txt; i=joe@football.example.com;\r\n"
                       "      h=Received : From : To : Subject : Date : Message-ID;\r\n"
                       "      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
                       "      b=;",
                       simple) ==
          "AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut"
          "KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV4bmp/YzhwvcubU4=");
}

TEST_CASE("RFC 8463 appendix A: both signatures come out as printed")
{
    std::vector<std::string> const names{"from", "to", "subject", "date", "message-id", "from", "subject", "date"};
    CHECK(base64_encode(body_hash("Hi.\r\n\r\nWe lost the game.  Are you hungry yet?\r\n\r\nJoe.\r\n", relaxed)) ==
          "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=");
    CHECK(signed_again(ed25519_key_of_8463, header, names,
                       "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
                       " d=football.example.com; i=@football.example.com;\r\n"
                       " q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
                       " subject : date : message-id : from : subject : date;\r\n"
                       " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b=",
                       relaxed) ==
          "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==");
    CHECK(signed_again(rsa_key_of_8463, header, names,
                       "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\r\n"
                       " d=football.example.com; i=@football.example.com;\r\n"
                       " q=dns/txt; s=test; t=1528637909; h=from : to : subject :\r\n"
                       " date : message-id : from : subject : date;\r\n"
                       " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b=",
                       relaxed) ==
          "F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGs"
          "geefOsk2JzdA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=");
}

TEST_CASE("Canonical fields")
{
    struct row {
        std::string_view field, relaxed;
    };
    // The first two: RFC 6376 section 3.4.5.
    static constexpr row rows[] = {
        {"A: X\r\n", "a:X\r\n"},
        {"B : Y\t\r\n\tZ  \r\n", "b:Y Z\r\n"},
        {"SUBJect:AbC\r\n", "subject:AbC\r\n"},
        {"Subject:\r\n", "subject:\r\n"},
        {"Subject: \t\r\n", "subject:\r\n"},
        {"Subject:\r\n x\r\n", "subject:x\r\n"},
        {"Subject: a\r\n  \t b \t c\r\n\td\r\n", "subject:a b c d\r\n"},
        {"Subject: gr\xc3\xbc\xc3\x9f dich\r\n", "subject:gr\xc3\xbc\xc3\x9f dich\r\n"},
    };
    for (auto const& r : rows) {
        CAPTURE(r.field);
        auto const fields = fields_of(r.field);
        REQUIRE(fields.size() == 1);
        CHECK(canonical_field(fields[0], relaxed) == r.relaxed);
        CHECK(canonical_field(fields[0], simple) == r.field);
    }
}

TEST_CASE("Canonical bodies, however they are cut")
{
    struct row {
        std::string_view body, simple, relaxed;
    };
    static constexpr std::string_view nul{"a\0b\r\n", 5};
    // The first: RFC 6376 section 3.4.5.
    static constexpr row rows[] = {
        {" C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n", " C\r\nD E\r\n"},
        {"", "\r\n", ""},
        {"\r\n", "\r\n", ""},
        {"\r\n\r\n\r\n", "\r\n", ""},
        {" \t\r\n \r\n", " \t\r\n \r\n", ""},
        {"a", "a\r\n", "a\r\n"},
        {"a \t", "a \t\r\n", "a\r\n"},
        {"a\r\n\r\nb", "a\r\n\r\nb\r\n", "a\r\n\r\nb\r\n"},
        {"\r\n\r\na\r\n", "\r\n\r\na\r\n", "\r\n\r\na\r\n"},
        {"a\r\n  \r\nb\r\n", "a\r\n  \r\nb\r\n", "a\r\n\r\nb\r\n"},
        {"a \t b\t \r\n", "a \t b\t \r\n", "a b\r\n"},
        {" \r\na\r\n \r\n", " \r\na\r\n \r\n", "\r\na\r\n"},
        {"a\rb\nc\r\n", "a\rb\nc\r\n", "a\rb\nc\r\n"},
        {"a\r", "a\r\r\n", "a\r\r\n"},
        {"a\r\r\n", "a\r\r\n", "a\r\r\n"},
        {"a \r b\r\n", "a \r b\r\n", "a \r b\r\n"},
        {"\xff\xfe \x80\r\n", "\xff\xfe \x80\r\n", "\xff\xfe \x80\r\n"},
        {nul, nul, nul},
    };
    for (auto const& r : rows) {
        for (std::size_t cut = 0; cut <= r.body.size(); ++cut) {
            CAPTURE(r.body);
            CAPTURE(cut);
            for (auto const form : {simple, relaxed}) {
                body_hasher h{form};
                h.add(r.body.substr(0, cut));
                h.add(r.body.substr(cut));
                CHECK(h.finish() == digest(hash::sha256, form == simple ? r.simple : r.relaxed));
            }
        }
    }
    std::string long_text;
    for (int i = 0; i < 3000; ++i) long_text += "a line  with blanks \r\n";
    std::string expected;
    for (int i = 0; i < 3000; ++i) expected += "a line with blanks\r\n";
    CHECK(body_hash(long_text, relaxed) == digest(hash::sha256, expected));
}

TEST_CASE("Names in h=: every field that is there, sealed ones once more")
{
    dkim_rules rules;
    rules.fields = {"From", "To", "Cc", "Received-Not", "Subject"};
    rules.sealed = {"From", "Cc", "Reply-To"};
    auto const names =
        signed_names(fields_of("from: a\r\nTo: b\r\nX-Other: c\r\nTO: d\r\nSubject: e\r\nReply-To: f\r\n"), rules);
    CHECK(names == std::vector<std::string>{"From", "From", "To", "To", "Cc", "Subject", "Reply-To", "Reply-To"});
}

TEST_CASE("Of several fields of a name the last is signed first, and a missing one stands for nothing")
{
    std::string_view const section = "To: one\r\nTo: two\r\n";
    std::string_view const signature = "DKIM-Signature: b=";
    auto const of = [&](std::vector<std::string> const& names) {
        return header_digest(fields_of(section), names, signature, relaxed);
    };
    CHECK(of({"to"}) == digest(hash::sha256, "to:two\r\ndkim-signature:b="));
    CHECK(of({"to", "To", "TO", "cc"}) == digest(hash::sha256, "to:two\r\nto:one\r\ndkim-signature:b="));
}

TEST_CASE("A signature is as long as the room that was left for it, and says what it should")
{
    for (auto const pem : {key_of_6376, ed25519_key_of_8463}) {
        auto const key = signing_key::parse(pem);
        REQUIRE(key);
        dkim_rules rules;
        rules.lifetime = std::chrono::hours{24};
        rules.fields = {"From", "To", "Subject", "Date", "Message-ID"};
        rules.sealed = {"From", "To", "Subject", "Date", "Message-ID", "Cc", "Reply-To", "MIME-Version"};
        auto const now = wall_time{} + std::chrono::seconds{1'800'000'000};
        dkim_signature s{"example.com", "2026", *key, rules, fields_of(header), now};
        auto const room = s.placeholder();
        auto const made = key->sign(s.digest(body_hash(body, relaxed)));
        REQUIRE(made);
        auto const text = s.finished(*made);
        CHECK(text.size() == room.size());
        CHECK(room.starts_with("X-DKIM-Omitted: v=1;"));
        CHECK(text.starts_with("DKIM-Signature: v=1;"));
        for (std::string_view rest = text; !rest.empty();) {
            auto const end = rest.find("\r\n");
            CHECK(end <= 78);
            rest.remove_prefix(end + 2);
        }
        auto const field = fields_of(text);
        REQUIRE(field.size() == 1);
        auto const value = field[0].unfolded();
        CHECK(value.find(key->what() == signing_key::kind::rsa ? "a=rsa-sha256" : "a=ed25519-sha256") !=
              std::string::npos);
        for (auto const* tag : {"c=relaxed/relaxed;", "d=example.com;", "s=2026;", "t=1800000000;", "x=1800086400;",
                                "h=From:From:To:To:", "bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="}) {
            CAPTURE(tag);
            CHECK(value.find(tag) != std::string::npos);
        }
        for (auto const* tag : {"l=", "i="}) CHECK(value.find(tag) == std::string::npos);
        // What a verifier makes of it.
        auto const bare = text.substr(0, text.rfind("b=") + 2);
        CHECK(*key->sign(header_digest(fields_of(header), signed_names(fields_of(header), rules), bare, relaxed)) ==
              *made);
    }
}

TEST_CASE("Key records")
{
    auto const key = signing_key::parse(rsa_key_of_8463);
    REQUIRE(key);
    CHECK(dkim_record_name("test", "football.example.com") == "test._domainkey.football.example.com");
    auto const record = dkim_record(*key);
    CHECK(record ==
          "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi"
          "Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2"
          "kryOTIKT+l/K4w3QIDAQAB");
    auto const parsed = parse_dkim_record(record);
    REQUIRE(parsed);
    CHECK(parsed->key == key->public_key());
    auto const other = signing_key::parse(ed25519_key_of_8463);
    REQUIRE(other);
    CHECK(dkim_record(*other) == "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");

    auto const strings = record_strings(std::string(600, 'x'));
    REQUIRE(strings.size() == 3);
    CHECK(strings[0].size() == 255);
    CHECK(strings[2].size() == 90);

    struct row {
        std::string_view text;
        bool usable;
    };
    static constexpr row rows[] = {
        {"v=DKIM1; p=", true},
        {"p=AAAA", true},
        {" v = DKIM1 ; k = RSA ; t = y:s ; p = AA AA ;", true},
        {"v=DKIM1; k=rsa", false},
        {"v=DKIM2; p=AAAA", false},
        {"p=AAAA; v=DKIM1", false},
        {"p=AAAA; p=AAAA", false},
        {"p=A-AA", false},
        {"v=spf1 -all", false},
        {"text", false},
        {"", false},
    };
    for (auto const& r : rows) {
        CAPTURE(r.text);
        CHECK(parse_dkim_record(r.text).has_value() == r.usable);
    }
    CHECK(parse_dkim_record("t=s:y; p=")->testing);
    CHECK_FALSE(parse_dkim_record("h=sha1; p=")->sha256);
    CHECK(parse_dkim_record("h=sha1 : sha256; p=")->sha256);
    CHECK_FALSE(parse_dkim_record("p=" + std::string(20'000, 'A')));
}

TEST_CASE("Selectors")
{
    CHECK(parse_selector("2026A-rsa") == "2026a-rsa");
    CHECK(parse_selector("a.b") == "a.b");
    for (auto const* bad : {"", ".", "a..b", "-a", "a-", "a/b", "../x", "a b", "s\xc3\xa4"})
        CHECK_FALSE(parse_selector(bad));
    CHECK_FALSE(parse_selector(std::string(64, 'a')));
}

TEST_CASE("Keys that can't be used are named, not asked about")
{
    CHECK_FALSE(signing_key::parse(""));
    CHECK_FALSE(signing_key::parse("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"));
    auto const encrypted = signing_key::parse(R"(-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgr
-----END ENCRYPTED PRIVATE KEY-----
)");
    CHECK_FALSE(encrypted);
    for (auto const kind : {signing_key::kind::rsa, signing_key::kind::ed25519}) {
        auto const made = signing_key::generate(kind);
        REQUIRE(made);
        CHECK(made->what() == kind);
        auto const again = signing_key::parse(made->pem().reveal());
        REQUIRE(again);
        CHECK(again->public_key() == made->public_key());
    }
}
