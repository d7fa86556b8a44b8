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
    // openssl passwd -apr1, as htpasswd -m
    "$apr1$abcdefgh$GQVaHFsauSKl0cgw4bVFJ/",
    // Python's hashlib, written as passlib does
    "$scrypt$ln=10,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$K7PYNFseA0uC8OQHCv4FP6vWo6X4uSnHP49xTCLsCs8",
    "$pbkdf2$1000$c2FsdHNhbHRzYWx0c2FsdA$nNgkdxSZjJQsYSexYgMpWpfq7JY",
    "$pbkdf2-sha256$1000$c2FsdHNhbHRzYWx0c2FsdA$UXegv3iw.P..sJrKscZ5X9cDJtWE.4gBtZ53ipISm5M",
    "$pbkdf2-sha512$1000$c2FsdHNhbHRzYWx0c2FsdA$"
    "yRdwRmeTw6SgY2YbJzWrlapaGXUFk/ONnzunwWANJOA7BUoTjmueE4hdpXWdTTK8ftdpvnB.EGeMeACX.aGkdQ",
    // doveadm pw
    "{SHA}CEo1Ae3vaEXy8eQZjsOiuBz1xrw=",
    "{SSHA}+yGr7aN4NqnfEicrnBXkwU8tUCc2G5j0",
    "{SHA256}0MBPSxlR5K6q7IIj7SA55ULzqugFpvp/bXlOWv/10nI=",
    "{SSHA256}XHl1Kvqvwi2s6ie6EBgjWr+m4i7n2JFQCDKD7dxqoJmKDpYy",
    "{SHA512}u5R+nJalYgxpa9F1obKO6mM3+oymw90Z77ZeLLGk3+4CVsyHwhWJNU8an1iHr10jzgXXKhQ64vHv6pxFW/PQVg==",
    "{SSHA512}HLIycwNY0Osz5Lj+WYuo3IT3hjfpsGMPnfB6kNEjRwpK3B0u8lqejnwli++HXUblGlf7lPNRCvo51lYamyn99ZQhQJI=",
    "{SMD5}4oUazhnWLSc3IeGTAZB2ry5b98Q=",
    "{LDAP-MD5}yNrhxQ4JLz2HcZL8VVsdzw==",
    "{PBKDF2}$1$cN5bx8P9K2cXqhFf$5000$733bbcf317b80aa1e9cf4bcf193e48f0271c8e78",
    "{SCRAM-SHA-1}4096,RpJe4dcFcG7zDMqTNinyvQ==,6Ppn7mQL8dCWtiCfnN8uEKFoOyc=,7oZ+gdaXiAtkYM6jBEgVpUKhsR4=",
    "{SCRAM-SHA-256}4096,RQovgh4vBACW7SpLD8sUXA==,uwhYX4F215DwkLcu9TXoPJWgDxRR5GSDPLzZT5Pexco=,"
    "MK93Fmc613tqDhOnolseVdGEVnqk7H3bHZ35j6oyXDs=",
};

// Other ways of writing, and what they become.
struct spelling {
    char const* text;
    char const* begin;
};
constexpr spelling spellings[] = {
    {"{SHA1}CEo1Ae3vaEXy8eQZjsOiuBz1xrw=", "{SHA}CEo1"},
    {"{sha}CEo1Ae3vaEXy8eQZjsOiuBz1xrw", "{SHA}CEo1"},
    {"{SHA256.HEX}d0c04f4b1951e4aeaaec8223ed2039e542f3aae805a6fa7f6d794e5afff5d272", "{SHA256}0MBPSxlR5K6q"},
    {"{SHA256}D0C04F4B1951e4aeaaec8223ed2039e542f3aae805a6fa7f6d794e5afff5d272", "{SHA256}0MBPSxlR5K6q"},
    {"{SSHA512.B64}ULTA8Aua6vHoko4y7y1ccenQtPZFT/CAz165YRktahOyvkG+mrXJVGB/Qth5ebR7VM+cO2SPQMloLYdanxbndNkDiwI=",
     "{SSHA512}ULTA8"},
    {"{SSHA512.b64}ULTA8Aua6vHoko4y7y1ccenQtPZFT/CAz165YRktahOyvkG+mrXJVGB/Qth5ebR7VM+cO2SPQMloLYdanxbndNkDiwI=",
     "{SSHA512}ULTA8"},
    {"{SSHA256.HEX}3d12c3b67424d4f99f1a7efb5b51e9fd605425a02d51f350dd861f477ad85d5bbe733cf0", "{SSHA256}PRLDtnQk"},
    {"{PLAIN-MD5}c8dae1c50e092f3d877192fc555b1dcf", "{LDAP-MD5}yNrhxQ4J"},
    {"{MD5}c8dae1c50e092f3d877192fc555b1dcf", "{LDAP-MD5}yNrhxQ4J"},
    {"{MD5}$1$aD5H/XdM$4vNoHiKdLuBV0STteQiDR/", "$1$aD5H"},
    {"{CRYPT}$apr1$abcdefgh$GQVaHFsauSKl0cgw4bVFJ/", "$apr1$abcdefgh$"},
    {"{BLF-CRYPT}$2y$05$Yb6Y11AUgKjq4Zf7hqVmO.ji/Ro5ditazQED/Eo8hipc1yffdbewu", "$2y$05$"},
    {"{PBKDF2-SHA256}1000$c2FsdHNhbHRzYWx0c2FsdA$UXegv3iw.P..sJrKscZ5X9cDJtWE.4gBtZ53ipISm5M", "$pbkdf2-sha256$1000$"},
    {"{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$9dJ5jCVnoJqRYzo+43INXw$8jWrvcSQg/70cKAT5gIC8fxHGOuOqahDX1Z1Vdw4reM",
     "$argon2id$v=19$m=65536"},
    {"{CRYPT}$2y$05$yNxi1OZMA/Uv3mhEjVOAN.GEOg3pEYGKZZQQ/v8y7chCmfAlf62vK", "$2y$05$yNx"},
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

TEST_CASE("a hash written in another way is the same hash")
{
    for (auto const& [text, begin] : spellings) {
        CAPTURE(text);
        auto const r = read_import(text);
        CHECK(r.problem == nullptr);
        CHECK(r.verifier.starts_with(begin));
        CHECK(check(r.verifier, "sesame") == match::yes);
        CHECK(check(r.verifier, "sesamf") == match::no);
    }
    for (char const* clear : {"{PLAIN}sesame", "{CLEARTEXT}sesame", "{CLEAR}sesame", "{PLAIN.HEX}736573616d65",
                              "{CLEARTEXT.b64}c2VzYW1l"}) {
        CAPTURE(clear);
        CHECK(read_import(clear).password.reveal() == "sesame");
    }
}

TEST_CASE("passwords of every length give Apache's MD5 as OpenSSL does")
{
    struct row {
        std::size_t length;
        char const* hash;
    };
    // openssl passwd -apr1 -salt x.
    constexpr row rows[] = {
        {0, "y8mwQ8SSCSK23nNRO3XuI0"},  {1, "zWiWmC0vBPi5xAqbh67de/"},  {2, "tAQfUbxRaPuwLkW34ry1t0"},
        {15, "umgKLB.NwCfUaipdzI5yF/"}, {16, "6MH/LQXb9sbQ/EdSc3H8J1"}, {17, "yjwhvCdttso18qCpsabDr/"},
        {33, ".JEUMRSvduasBTYQ8SdJv/"}, {70, "iIRlvWPsZBJ7lxvkqvdta."},
    };
    std::string password;
    while (password.size() < 90) password += "ab0";
    for (auto const& r : rows) {
        CAPTURE(r.length);
        CHECK(check(std::string{"$apr1$x.$"} + r.hash, password.substr(0, r.length)) == match::yes);
        CHECK(check(std::string{"$apr1$x.$"} + r.hash, password.substr(0, r.length + 1)) == match::no);
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
        "{PLAIN.HEX}7",
        "{SHA}CEo1Ae3vaEXy8eQZjsOiuBz1xr=",
        "{SHA}CEo1Ae3vaEXy8eQZjsOiuBz1xrwAAAA",
        "{SHA256.HEX}d0c04f4b",
        "{SSHA512}" + std::string(400, 'A'),
        "{SHA512.b64}" + std::string(5000, 'A'),
        "{PBKDF2}$1$cN5bx8P9K2cXqhFf$2000001$733bbcf317b80aa1e9cf4bcf193e48f0271c8e78",
        "{PBKDF2}$1$cN5bx8P9K2cXqhFf$0$733bbcf317b80aa1e9cf4bcf193e48f0271c8e78",
        "{PBKDF2}$1$cN5bx8P9K2cXqhFf$5000$733bbcf317b80aa1e9cf4bcf193e48f0271c8e",
        "{PBKDF2}$2$cN5bx8P9K2cXqhFf$5000$733bbcf317b80aa1e9cf4bcf193e48f0271c8e78",
        "$pbkdf2-sha256$4294967295$c2FsdHNhbHRzYWx0c2FsdA$UXegv3iw.P..sJrKscZ5X9cDJtWE.4gBtZ53ipISm5M",
        "$pbkdf2-sha256$1000$c2FsdHNhbHRzYWx0c2FsdA$UXegv3iw",
        "$pbkdf2-md5$1000$c2FsdHNhbHRzYWx0c2FsdA$UXegv3iw",
        "$scrypt$ln=21,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$K7PYNFseA0uC8OQHCv4FP6vWo6X4uSnHP49xTCLsCs8",
        "$scrypt$ln=18,r=64,p=1$c2FsdHNhbHRzYWx0c2FsdA$K7PYNFseA0uC8OQHCv4FP6vWo6X4uSnHP49xTCLsCs8",
        "$scrypt$ln=18,r=8,p=16$c2FsdHNhbHRzYWx0c2FsdA$K7PYNFseA0uC8OQHCv4FP6vWo6X4uSnHP49xTCLsCs8",
        "$scrypt$ln=10,r=0,p=1$c2FsdHNhbHRzYWx0c2FsdA$K7PYNFseA0uC8OQHCv4FP6vWo6X4uSnHP49xTCLsCs8",
        "$scrypt$ln=10,r=8$c2FsdHNhbHRzYWx0c2FsdA$K7PYNFseA0uC8OQHCv4FP6vWo6X4uSnHP49xTCLsCs8",
        "$apr1$$GQVaHFsauSKl0cgw4bVFJ/",
        "$apr1$abcdefghi$GQVaHFsauSKl0cgw4bVFJ/",
        "$apr1$abcdefgh$GQVaHFsauSKl0cgw4bVFJ",
        "{SCRAM-SHA-512}4096,RQovgh4vBACW7SpLD8sUXA==,uwhYX4F215DwkLcu9TXoPJWgDxRR5GSDPLzZT5Pexco=,AAAA",
        "{CRAM-MD5}c06486eb23448c26ecccb57ea835cb2bece48cb9aaeb56d997ef9fc87fc5a563",
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
