// A file that one process at a time may hold; the kernel lets go of it however the process ends.
#pragma once

#include <filesystem>
#include <optional>
#include <utility>

#include "base/result.hpp"

namespace postern::store {

class file_lock {
public:
    file_lock(file_lock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    file_lock& operator=(file_lock&&) = delete;
    ~file_lock();

    /// Makes the file if need be. Nothing when somebody else holds it; errors are errno's numbers.
    static basic_result<std::optional<file_lock>, int> take(std::filesystem::path const& file);
    /// Open for writing, for a note about who holds it.
    int descriptor() const noexcept { return descriptor_; }

private:
    explicit file_lock(int descriptor) noexcept : descriptor_(descriptor) {}
    int descriptor_;
};

}  // namespace postern::store
