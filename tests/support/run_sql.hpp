// What somebody else does to a database, behind our back.
#pragma once

#include <doctest/doctest.h>
#include <sqlite3.h>

#include <filesystem>
#include <string>

namespace postern::testing {

inline void run_sql(std::filesystem::path const& file, std::string const& sql)
{
    sqlite3* db = nullptr;
    REQUIRE(sqlite3_open(file.c_str(), &db) == SQLITE_OK);
    char* why = nullptr;
    int const code = sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &why);
    INFO((why == nullptr ? "" : why));
    CHECK(code == SQLITE_OK);
    sqlite3_free(why);
    sqlite3_close(db);
}

}  // namespace postern::testing
