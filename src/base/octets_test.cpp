// Base 64, digests, keyed hashes, random octets, secrets, names.
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "base/base64.hpp"
#include "base/crypto.hpp"
#include "base/hex.hpp"
#include "base/ids.hpp"
#include "base/secret.hpp"

using namespace postern;

TEST_CASE("hexadecimal digits, two for each octet")
{
    CHECK(to_hex("") == "");
    CHECK(to_hex(std::string_view{"\0\x0f\x7f\xa0\xff", 5}) == "000f7fa0ff");
}

TEST_CASE("base 64: the examples of RFC 4648 section 10, both ways")
{
    struct {
        std::string_view octets, text;
    } const rows[] = {{"", ""},
                      {"f", "Zg=="},
                      {"fo", "Zm8="},
                      {"foo", "Zm9v"},
                      {"foob", "Zm9vYg=="},
                      {"fooba", "Zm9vYmE="},
                      {"foobar", "Zm9vYmFy"},
                      {"\xff\xfe\xfd", "//79"}};
    for (auto const& r : rows) {
        CHECK(base64_encode(r.octets) == r.text);
        CHECK(base64_decode(r.text) == std::string(r.octets));
    }
}

TEST_CASE("base 64: one text for each value, all others are refused")
{
    for (auto const* bad :
         {"Zg",     "Zg=",      "Zg===", "=",        "==",       "====", "Z===", "Zh==",       "Zm9=", "Zm8", "Zm 9v",
          "Zm9v\n", "Zm9v\r\n", "Zm9v=", "Zm9v====", "Zg==Zg==", "Z=g=", "Zm-_", "\xc3\xa4gg", "Zg=g", "!!!!"})
        CHECK_MESSAGE(!base64_decode(bad), bad);
    CHECK(!base64_decode(std::string_view("Zm9\0", 4)));
    // Whatever decodes, encodes to the same text again.
    std::string text = "AAAA";
    std::string const letters = "ABZaz059+/=-";
    for (char a : letters)
        for (char b : letters)
            for (char c : letters)
                for (char d : letters) {
                    text = {a, b, c, d};
                    if (auto const octets = base64_decode(text)) CHECK(base64_encode(*octets) == text);
                }
    for (std::size_t n = 0; n < 300; ++n) {
        auto const octets = random_octets(n);
        CHECK(base64_decode(base64_encode(octets)) == octets);
    }
}

TEST_CASE("digests and keyed hashes: published values")
{
    CHECK(to_hex(digest(hash::sha1, "abc")) == "a9993e364706816aba3e25717850c26c9cd0d89d");
    CHECK(to_hex(digest(hash::sha256, "abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(to_hex(digest(hash::sha256, "")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(to_hex(digest(hash::sha512, "abc")).starts_with("ddaf35a193617abacc417349ae204131"));
    for (auto const h : {hash::sha1, hash::sha256, hash::sha512}) {
        CHECK(digest(h, "x").size() == digest_size(h));
        CHECK(hmac(h, "k", "x").size() == digest_size(h));
    }
    // RFC 4231 section 4.2 and 4.3.
    CHECK(to_hex(hmac(hash::sha256, std::string(20, '\x0b'), "Hi There")) ==
          "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    CHECK(to_hex(hmac(hash::sha256, "Jefe", "what do ya want for nothing?")) ==
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    CHECK(to_hex(hmac(hash::sha256, "", "")) == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
    // RFC 6070, and RFC 7914 section 11.
    CHECK(to_hex(pbkdf2(hash::sha1, "password", "salt", 4096)) == "4b007901b765489abead49d926f721d065a429c1");
    CHECK(to_hex(pbkdf2(hash::sha256, "passwd", "salt", 1)) ==
          "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc");
    CHECK(pbkdf2(hash::sha256, "", "salt", 1).size() == 32);
}

TEST_CASE("what is sealed is opened by the same key in the same context, and by nothing else")
{
    std::string const key(32, 'k');
    for (std::string const text : {"", "x", "a password of some length"}) {
        auto const sealed = seal(key, text, "bob@example.org");
        CHECK(sealed.size() == text.size() + 28);
        CHECK(sealed != seal(key, text, "bob@example.org"));
        auto const opened = open_sealed(key, sealed, "bob@example.org");
        REQUIRE(opened);
        CHECK(opened->reveal() == text);
        CHECK_FALSE(open_sealed(key, sealed, "rob@example.org"));
        CHECK_FALSE(open_sealed(std::string(32, 'l'), sealed, "bob@example.org"));
        CHECK_FALSE(open_sealed("short", sealed, "bob@example.org"));
        for (std::size_t i = 0; i < sealed.size(); ++i) {
            auto changed = sealed;
            changed[i] = static_cast<char>(changed[i] ^ 1);
            CHECK_FALSE(open_sealed(key, changed, "bob@example.org"));
            CHECK_FALSE(open_sealed(key, std::string_view{sealed}.substr(0, i), "bob@example.org"));
        }
    }
}

TEST_CASE("comparing in constant time compares")
{
    CHECK(equal_in_constant_time("", ""));
    CHECK(equal_in_constant_time("abc", "abc"));
    CHECK(!equal_in_constant_time("abc", "abd"));
    CHECK(!equal_in_constant_time("abc", "ab"));
    CHECK(!equal_in_constant_time(std::string_view("a\0b", 3), std::string_view("a\0c", 3)));
}

TEST_CASE("random octets differ")
{
    std::set<std::string> seen;
    for (int i = 0; i < 1000; ++i) CHECK(seen.insert(random_octets(16)).second);
    CHECK(random_octets(0).empty());
}

TEST_CASE("a secret is copied, moved and wiped, and the place it was taken from too")
{
    std::string password = "open sesame, please";
    auto const* octets = password.data();
    secret s = secret::take(password);
    CHECK(password.empty());
    CHECK(std::string(octets, 11) == std::string(11, '\0'));
    CHECK(s.reveal() == "open sesame, please");

    secret copy = s;
    secret moved = std::move(s);
    CHECK(moved.reveal() == copy.reveal());
    CHECK(s.empty());  // NOLINT(bugprone-use-after-move): the promise under test
    auto const* place = copy.reveal().data();
    copy.clear();
    CHECK(copy.empty());
    CHECK(std::string(place, 11) == std::string(11, '\0'));
    auto& same = moved;
    moved = same;
    CHECK(moved.size() == 19);
    copy = moved;
    moved = secret("x");
    CHECK(copy.reveal() == "open sesame, please");
    CHECK(moved.reveal() == "x");

    // Short texts live inside the object: a moved-from one must not keep them.
    secret small("tiny");
    secret const other = std::move(small);
    CHECK(small.reveal().empty());  // NOLINT(bugprone-use-after-move)
    CHECK(other.reveal() == "tiny");
}

TEST_CASE("ids have their form, differ, and come from several threads at once")
{
    std::vector<std::vector<std::string>> made(4);
    std::vector<std::thread> threads;
    threads.reserve(made.size());
    for (auto& list : made)
        threads.emplace_back([&list] {
            for (int i = 0; i < 500; ++i) {
                list.push_back(make_session_id());
                list.push_back(make_queue_id());
            }
        });
    for (auto& t : threads) t.join();
    std::set<std::string> all;
    for (auto const& list : made)
        for (auto const& id : list) {
            CHECK(all.insert(id).second);
            CHECK(looks_like_id(id));
            CHECK(id.size() == (id.size() == 13 ? 13u : 12u));
            if (id.size() == 13) CHECK(id[0] == 'Q');
            CHECK(id.find_first_of("ILOU") == std::string::npos);
        }
    CHECK(all.size() == 4000);
}

TEST_CASE("what looks like an id")
{
    for (auto const* fine : {"K7Q2M9TX4WZA", "k7q2m9tx4wza", "K7Q2M9TX4WZA.1", "QK7Q2M9TX4WZA", "qk7q2m9tx4wza.123456"})
        CHECK_MESSAGE(looks_like_id(fine), fine);
    for (auto const* bad : {"", "Q", "K7Q2M9TX4WZ", "K7Q2M9TX4WZAA", "K7Q2M9TX4WZI", "K7Q2M9TX4WZA.", "K7Q2M9TX4WZA.x",
                            "K7Q2M9TX4WZA.1.2", "K7Q2M9TX4WZA.1234567", ".1", "K7Q2M9TX4WZA ", "K7Q2M9TX4W\xc3\xa4"})
        CHECK_MESSAGE(!looks_like_id(bad), bad);
}
