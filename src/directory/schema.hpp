// The account database's tables, and what makes a file one of ours.
#pragma once

#include <string>

#include "directory/sqlite.hpp"

namespace postern::directory {

/// Checks that the file is an undamaged account database of a version we know; makes
/// the tables when it is empty, and those of an older version into ours, in one transaction.
/// Gives the server secret.
result<std::string> prepare_schema(connection& c, std::string const& file, int version);

}  // namespace postern::directory
