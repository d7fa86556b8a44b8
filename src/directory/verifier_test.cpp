#include "directory/verifier.hpp"

#include <doctest/doctest.h>

#include "directory/argon2.hpp"

using namespace postern;
using namespace postern::directory;

namespace {

// The password of each is "sesame"; made with other programs.
constexpr char const* of_sesame[] = {
    "$6$W5Xf6WCjp0LWYyQC$efawLaUKwo1JAnd6N0nQhF/QrhtOYhKYqz7lXATLhcSSBgeLwzDmlqOI9p8Q3zY6AxP8lII0/bo7LZTj8xnsX/",
    "$6$rounds=1000$x$Tjv4saYfD1gELqBVgjRW6TkNpkIAnx/X9fu9OaAo5QRXV3rpIBFn8WTBKfFyYqaXFS6XC/VVEXXxhzSuyQHFp0",
    "$5$rounds=1000$saltstring$4DN9/NvRGbFHnGzf7.OdsnJBRfN3.KiuGUWwyNsbMS0",
    "$1$deadbeef$fe51SVvpcVcTpceftcEqz0",
    "$2b$05$abcdefghijklmnopqrstuuKcS.CYWVYVaLiiCKrrc0A5s3mGesJ9O",
    "$2a$05$abcdefghijklmnopqrstuuKcS.CYWVYVaLiiCKrrc0A5s3mGesJ9O",
    "$2y$05$abcdefghijklmnopqrstuuKcS.CYWVYVaLiiCKrrc0A5s3mGesJ9O",
    "$y$j75$abcdefghijklmnop$dFU.f2ApBoUaQUKyhTPzezwiqMxYDv0w7QvvGQD7INB",
    "$7$8/..../....abcdefgh$8v6iwaMZbt8SuVa8gNF1pV3R1iShmDMrc3J9C4MuQYC",
    "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ$eD+qYzxBdxnoobFQM8jtu+tYGJ+Ji2NvNF3jKd1WK9I",
    "$argon2i$v=19$m=128,t=2,p=2$c2FsdHNhbHRzYWx0$pG5TFvPwddnCtnSFstf1PA",
};

}  // namespace

TEST_CASE("every scheme verifies its password and no other, with and without Dovecot's prefix")
{
    for (std::string const hash : of_sesame) {
        CAPTURE(hash);
        auto const r = read_import(hash);
        CHECK(r.problem == nullptr);
        CHECK(r.verifier == hash);
        CHECK(check(hash, "sesame") == match::yes);
        CHECK(check(hash, "sesamf") == match::no);
        CHECK(check(hash, "sesam") == match::no);
        CHECK(check(hash, "") == match::no);
        CHECK(check(hash, std::string("sesame\0", 7)) == match::no);
        if (!hash.starts_with("$argon2") && !hash.starts_with("{"))
            CHECK(read_import("{CRYPT}" + hash).verifier == hash);
        CHECK(scheme_of(hash) != "unknown");
        CHECK(cost_of(hash) != "unknown");

        auto const dummy = make_dummy(hash);
        CHECK(dummy != hash);
        CHECK(cost_of(dummy) == cost_of(hash));
        CHECK(read_import(dummy).problem == nullptr);
        CHECK(check(dummy, "sesame") == match::no);
        CHECK(make_dummy(hash) != dummy);
    }
}

TEST_CASE("our own verifiers are argon2id with the recommended costs")
{
    auto const v = make_verifier("sesame");
    CHECK(v.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    CHECK(v != make_verifier("sesame"));
    CHECK(check(v, "sesame") == match::yes);
    CHECK(check(v, "sesamf") == match::no);
    CHECK(scheme_of(v) == "argon2id");
    CHECK(cost_of(v) == "$argon2id$v=19$m=19456,t=2,p=1");
    CHECK(cost_of(make_dummy({})) == cost_of(v));
    argon2::release_memory();
    CHECK(check(v, "sesame") == match::yes);
}

TEST_CASE("a SCRAM verifier of RFC 7677's example is taken and verifies its password")
{
    std::string const v =
        "{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,"
        "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
    auto const r = read_import(v);
    REQUIRE(r.problem == nullptr);
    CHECK(check(r.verifier, "pencil") == match::yes);
    CHECK(check(r.verifier, "Pencil") == match::no);
    CHECK(scram_keys_of(r.verifier).real);
    CHECK(scheme_of(r.verifier) == "scram-sha-256");
    CHECK(check(make_dummy(r.verifier), "pencil") == match::no);
}

TEST_CASE("hashes that can't be verified, or cost too much, are refused with a reason")
{
    std::string const bcrypt = of_sesame[4];
    std::string const sha = of_sesame[1];
    std::string const rest = sha.substr(sha.find("$x$"));
    std::string const bad[] = {
        "",
        "{}",
        "{PLAIN",
        "{SSHA}abcd",
        "{LDAP-MD5}abcd",
        "{SHA512-CRYPT.HEX}" + sha,
        "{SHA256-CRYPT}" + sha,
        "{BLF-CRYPT}" + sha,
        "{ARGON2ID}" + sha,
        "{ARGON2I}" + std::string{of_sesame[9]},
        "sesame",
        "!" + sha,
        "*",
        "abJnggxhB/yWI",  // DES
        "$6$",
        "$6$salt",
        "$6$salt$",
        "$6$salt$short",
        "$6$seventeen-is-more$" + sha.substr(sha.size() - 86),
        "$6$rounds=1000001" + rest,
        "$6$rounds=99999999999999999999" + rest,
        "$6$rounds=-1" + rest,
        "$6$rounds=" + rest,
        sha + "x",
        sha.substr(0, sha.size() - 1) + "!",
        "$2b$16" + bcrypt.substr(6),
        "$2b$31" + bcrypt.substr(6),
        "$2b$xx" + bcrypt.substr(6),
        "$2x$05" + bcrypt.substr(6),
        bcrypt + "x",
        "$y$jzz" + std::string{of_sesame[7]}.substr(6),
        "$y$zzz" + std::string{of_sesame[7]}.substr(6),
        "$7$z" + std::string{of_sesame[8]}.substr(4),
        "$argon2id$v=19$m=4294967295,t=2,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=19456,t=2000,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=8,t=2,p=2$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=16$m=19456,t=2,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2d$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "{SCRAM-SHA-256}4095,W22ZaJ0SNY7soEsUEjb6gQ==,AAAA,AAAA",
        "{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==",
        "{PLAIN}" + std::string(256, 'x'),
    };
    for (auto const& hash : bad) {
        CAPTURE(hash);
        CHECK(read_import(hash).problem != nullptr);
        CHECK(read_import(hash).verifier.empty());
    }
}

TEST_CASE("a verifier that can't be read is a failure, not a wrong password")
{
    CHECK(check("$argon2id$garbage", "x") == match::failed);
    CHECK(check("{SCRAM-SHA-256}garbage", "x") == match::failed);
    CHECK(check("$9$garbage", "x") == match::failed);
    CHECK(check("", "x") == match::failed);
    CHECK(scheme_of("$9$garbage") == "unknown");
}
