// The command line's end of the control socket.
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string_view>

#include "control/protocol.hpp"

namespace postern::control {

/// Asks the server that runs on the data directory, and waits for its answer at most
/// `patience`. `terminal`: where the person sits, for the audit log. Nothing when no server listens there; a failure when one does, but can't be asked.
std::optional<outcome> ask_server(std::filesystem::path const& data_dir, std::string_view command,
                                  boost::json::object const& arguments, std::chrono::seconds patience,
                                  std::string_view terminal = {});

}  // namespace postern::control
