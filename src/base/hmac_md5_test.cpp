// RFC 2202 section 2.
#include "base/hmac_md5.hpp"

#include <doctest/doctest.h>

#include "base/hex.hpp"

using namespace postern;

TEST_CASE("HMAC-MD5: the vectors of RFC 2202")
{
    std::string counted;
    for (char c = 1; c <= 25; ++c) counted += c;
    struct {
        std::string key, text;
        char const* code;
    } const rows[] = {
        {std::string(16, '\x0b'), "Hi There", "9294727a3638bb1c13f48ef8158bfc9d"},
        {"Jefe", "what do ya want for nothing?", "750c783e6ab0b503eaa86e310a5db738"},
        {std::string(16, '\xaa'), std::string(50, '\xdd'), "56be34521d144c88dbb8c733f0e8b3f6"},
        {counted, std::string(50, '\xcd'), "697eaf0aca3a3aea3a75164746ffaa79"},
        {std::string(16, '\x0c'), "Test With Truncation", "56461ef2342edc00f9bab995690efd4c"},
        {std::string(80, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First",
         "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd"},
        {std::string(80, '\xaa'), "Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data",
         "6f630fad67cda0ee1fb1f562db3aa53e"},
    };
    for (auto const& row : rows) {
        auto const key = hmac_md5_key(row.key);
        CHECK(key.size() == hmac_md5_key_size);
        CHECK(to_hex(hmac_md5(key, row.text)) == row.code);
    }
}

TEST_CASE("HMAC-MD5: texts at the edges of a block")
{
    // Computed with another implementation (Python's hmac).
    struct {
        std::size_t size;
        char const* code;
    } const rows[] = {
        {0, "63530468a04e386459855da0063b6596"},    {1, "73d8b173b9fd35a933e2f69033f551c3"},
        {55, "abbf6d88ef006806d0be9e9a43b9b077"},   {56, "005eeb4ce62d5ba39ba6cb79ac4efd77"},
        {63, "c69d480f51eea9027e618ccdbd6987bd"},   {64, "45fefd57a9b00f70c3d9382772eff7d9"},
        {65, "b14e4aed96c8a92b7e72fbec8a7c5517"},   {119, "11394557173772b1c441cdceaaf014fb"},
        {120, "19d7fee78207f96761ac6316b1c313c8"},  {128, "9cbe1bc24fc00f38891c79fe3ef1d0ac"},
        {1000, "c742abbc7fef9887b282694ff477d393"},
    };
    auto const key = hmac_md5_key("key");
    for (auto const& row : rows) CHECK(to_hex(hmac_md5(key, std::string(row.size, 'x'))) == row.code);
}
