// Database files that say whose they are and of which version (application_id, user_version), and have the tables
// of that version from the first moment on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "store/sqlite.hpp"

namespace postern::store {

struct stamp {
    std::int64_t application, version;
    char const* other = "not a file";  // "FILE is ... of this version", of another one
};

/// Opens the file; a new one gets `tables` (SQL), also when another process opens it at the same moment. `settings`
/// are PRAGMAs. An error: a file that is somebody else's, or of another version; it stays as it is.
result<connection> open_stamped(std::filesystem::path const& file, texts told, std::string const& settings, stamp of,
                                std::string const& tables);

}  // namespace postern::store
