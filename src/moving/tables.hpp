// The sources of Postfix's lookup tables, as postmap(1) and newaliases(1) read them. Tables
// that are no plain text (mysql:, ldap:, regexp:, ...) are not read.
#pragma once

#include "moving/files.hpp"

namespace postern::moving {

struct table_row {
    std::string key;
    std::string value;
    unsigned line = 0;
};

inline constexpr std::size_t most_rows = 200'000;

/// "key value", a line each.
basic_result<std::vector<table_row>, trouble> parse_table(std::string_view text, std::string const& file);
/// "name: value, value", a line each: /etc/aliases.
basic_result<std::vector<table_row>, trouble> parse_aliases(std::string_view text, std::string const& file);

/// "hash:/etc/postfix/virtual" in parts. `path` is empty for tables whose source is not plain text.
struct table_name {
    std::string type;
    std::string path;
};
table_name split_table(std::string_view text);

/// Whether a word of main.cf names a table ("type:something").
bool is_table(std::string_view text);

}  // namespace postern::moving
