#include "directory/sha512_crypt.hpp"

#include <memory>
#include <random>
#include <vector>

#include <crypt.h>
#include <doctest/doctest.h>

using namespace postern::directory::sha512;

namespace {

std::string by_libcrypt(std::string const& password, std::string const& salt, std::uint32_t rounds)
{
    auto const data = std::make_unique<crypt_data>();
    std::string const setting = "$6$rounds=" + std::to_string(rounds) + "$" + salt + "$";
    char const* made = crypt_rn(password.c_str(), setting.c_str(), data.get(), sizeof(crypt_data));
    REQUIRE(made != nullptr);
    std::string const text = made;
    return text.substr(text.rfind('$') + 1);
}

std::vector<engine> engines()
{
    std::vector<engine> list{{1, 1, hash_one}};
    if (auto f = avx2_engine()) list.push_back({4, 1, f});
    if (auto f = avx512_engine()) list.push_back({8, 1, f});
    list.push_back(best_engine());
    return list;
}

}  // namespace

TEST_CASE("SHA-512 crypt: fixed vectors on every engine")
{
    struct {
        char const *password, *salt;
        std::uint32_t rounds;
        char const* hash;
    } const rows[] = {
        {"Hello world!", "saltstring", 5000,
         "svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"},
        {"Hello world!", "saltstringsaltst", 10000,
         "OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v."},
        {"This is just a test", "toolongsaltstrin", 5000,
         "lQ8jolhgVRVhY4b5pZKaysCLi0QBxGoNeKQzQ3glMhwllF7oGDZxUhx1yxdYcz/e1JSbq3y6JMxxl8audkUEm0"},
        {"a very much longer text to encrypt.  This one even stretches over morethan one line.", "anotherlongsalts",
         1400, "POfYwTEok97VWcjxIiSOjiykti.o/pQs.wPvMxQ6Fm7I6IoYN3CmLs66x9t0oSwbtEW7o7UmJEiDwGqd8p4ur1"},
        {"we have a short salt string but not a short password", "short", 77777,
         "WuQyW2YR.hBNpjjRhpYD/ifIw05xdfeEyQoMxIXbkvr0gge1a1x3yRULJ5CCaUeOxFmtlcGZelFl5CxtgfiAc0"},
        {"the minimum number is still observed", "roundstoolow", 1000,
         "kUMsbe306n21p9R.FRkW3IGn.S9NPN0x50YhH1xhLsPuWGsUSklZt58jaTfF4ZEQpyUNGc0dqbpBYYBaHHrsX."},
    };
    for (auto const& row : rows) {
        CAPTURE(row.password);
        for (auto const& e : engines()) {
            crypt_job j{row.password, row.salt, row.rounds, {}};
            crypt_all({&j, 1}, e);
            CHECK(j.hash == row.hash);
        }
    }
}

TEST_CASE("SHA-512 crypt agrees with libcrypt on every engine, however many jobs run together")
{
    std::mt19937 random{20261122};
    auto text = [&](std::size_t size, bool salt) {
        static constexpr std::string_view alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        std::string out;
        for (std::size_t i = 0; i < size; ++i)
            out += salt ? alphabet[random() % 64] : static_cast<char>(1 + random() % 255);
        return out;
    };
    auto const all = engines();
    for (std::size_t jobs = 1; jobs <= 19; ++jobs) {
        std::vector<std::string> passwords;
        std::vector<std::string> salts;
        std::vector<crypt_job> list;
        for (std::size_t i = 0; i < jobs; ++i) {
            // All block counts, and the lengths around their borders.
            passwords.push_back(text(i % 2 == 0 ? random() % 40 : random() % 256, false));
            salts.push_back(text(random() % 17, true));
        }
        for (std::size_t i = 0; i < jobs; ++i)
            list.push_back(
                {passwords[i], salts[i], 1000 + static_cast<std::uint32_t>(i % 3 == 0 ? random() % 50 : 0), {}});
        crypt_all(list, all[jobs % all.size()]);
        for (auto const& j : list) {
            CAPTURE(j.password.size());
            CAPTURE(j.salt.size());
            CHECK(j.hash == by_libcrypt(std::string{j.password}, std::string{j.salt}, j.rounds));
        }
    }
    // One password, all lengths, side by side.
    for (auto const& e : all) {
        std::vector<std::string> passwords;
        for (std::size_t size = 0; size < 256; size += 5) passwords.push_back(text(size, false));
        std::vector<crypt_job> list;
        list.reserve(passwords.size());
        for (auto const& p : passwords) list.push_back({p, "salt", 1000, {}});
        crypt_all(list, e);
        for (auto const& j : list) CHECK(j.hash == by_libcrypt(std::string{j.password}, "salt", 1000));
    }
}
