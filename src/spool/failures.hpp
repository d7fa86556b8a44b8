// What the spool says when its disk or its database fails.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/result.hpp"
#include "store/sqlite.hpp"

namespace postern::spool {

inline constexpr store::texts failure_texts{"The message could not be stored", "No room to store the message"};

/// An error of a system call on a file: 4.3.1 when there was no room, else 4.3.0.
error file_failure(std::string_view doing, std::filesystem::path const& file, int error_number);
/// For what asks for one message that is not there.
error no_such_message();

}  // namespace postern::spool
