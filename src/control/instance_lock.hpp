// One process at a time owns a data directory: the running server for its life, or a
// command that works on the files itself. A lock on data_dir/postern.lock, which the
// kernel releases however the process ends.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "store/file_lock.hpp"

namespace postern::control {

class instance_lock {
public:
    /// Nothing when another process holds it; `holder` then tells which, if that is known.
    static result<std::optional<instance_lock>> take(std::filesystem::path const& data_dir, std::string& holder);
    /// The same, but waits for a holder that may soon be done, such as another command.
    static result<std::optional<instance_lock>> take(std::filesystem::path const& data_dir, std::string& holder,
                                                     steady_clock::duration patience);

private:
    explicit instance_lock(store::file_lock file) : file_(std::move(file)) {}
    store::file_lock file_;
};

}  // namespace postern::control
