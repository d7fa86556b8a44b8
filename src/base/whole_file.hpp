// Small files that are read and replaced as a whole, and are never seen half written.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace postern {

/// Its octets; nothing when it isn't there. Errors: it can't be read, is no plain file or larger than `limit`.
result<std::optional<secret>> read_whole_file(std::filesystem::path const& file, std::size_t limit);
/// The first line of a file that holds a secret, read anew each time. Errors: as above, and when there is
/// no file or nothing in its first line.
result<secret> read_secret_line(std::filesystem::path const& file);
/// On stable storage, its name too, with mode 0600.
result<> replace_whole_file(std::filesystem::path const& file, std::string_view octets);
/// With mode 0700; there already is fine.
result<> make_private_folder(std::filesystem::path const& folder);

}  // namespace postern
