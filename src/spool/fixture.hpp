// For this room's tests: contents, and what is done to the database behind the spool's back.
#pragma once

#include <sqlite3.h>

#include "support/spool_fixture.hpp"

namespace postern::spool::testing {

inline constexpr std::string_view some_text = "Subject: Hello\r\n\r\nHello, Bob.\r\n";

inline void run_sql(std::filesystem::path const& folder, std::string const& sql)
{
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open((folder / "spool.db").c_str(), &db) == SQLITE_OK);
    char* why = nullptr;
    int const code = sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &why);
    INFO((why == nullptr ? "" : why));
    CHECK(code == SQLITE_OK);
    sqlite3_free(why);
    sqlite3_close(db);
}

inline std::string big_text(std::size_t size)
{
    std::string text;
    for (std::size_t i = 0; text.size() < size; ++i) text += "line " + std::to_string(i) + "\r\n";
    return text;
}

inline std::string all_of(content const& c)
{
    std::string text;
    while (text.size() < c.size()) {
        auto piece = c.read(text.size(), 100'000);
        REQUIRE(piece);
        REQUIRE(!piece->empty());
        text += *piece;
    }
    return text;
}

}  // namespace postern::spool::testing
