// The key that what must be readable again is sealed with: a file of its own beside the
// database, so that who gets hold of the database alone reads none of it.
#pragma once

#include <filesystem>
#include <optional>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace postern::directory {

/// The key of folder/accounts.key, 32 octets; nothing when there is no such file.
result<std::optional<secret>> read_key(std::filesystem::path const& folder);
/// Makes one (mode 0600), unless there is one by now, and gives it.
result<secret> make_key(std::filesystem::path const& folder);

}  // namespace postern::directory
