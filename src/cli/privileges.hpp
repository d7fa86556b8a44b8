// Which user we are: root only as long as it takes to bind the ports.
#pragma once

#include <filesystem>
#include <string>

#include <sys/types.h>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "config/settings.hpp"

namespace postern::cli {

/// Makes sure that data_dir is there (mode 0700), and, when root, that it is the service's
/// user's. Nothing when it can be used by whom we are or will be.
result<> make_data_dir(config::settings const& s);

/// As root: becomes that user for good, with its groups ("": stays root). Then, for
/// everybody: no capabilities, no way to get any back, no core dumps (they would hold
/// passwords).
result<> drop_privileges(std::string const& user);
/// Whether drop_privileges() would leave us as that user; "": whoever we are.
bool may_become(std::string const& user);

/// A secret for the service, as the only line of a file: replaced as a whole, on stable storage, with mode 0600, and
/// as root the service's user's.
result<> keep_for_service(config::settings const& s, std::filesystem::path const& file, secret const& value);

/// A core file would hold passwords. For every command, as its first act.
result<> forbid_core_dumps();

/// For a command that works on the files itself: makes data_dir, and, when root, becomes the
/// user who owns it, so that no file in it ends up as root's.
result<> own_data_dir(config::settings const& s);

}  // namespace postern::cli
