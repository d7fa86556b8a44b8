// Two guards of the spool's folder: that nobody else uses it, and that it is never filled up.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <utility>

#include "base/result.hpp"
#include "store/file_lock.hpp"

namespace postern::spool {

/// Makes sure that one process at a time uses the folder.
result<store::file_lock> lock_folder(std::filesystem::path const& folder);

/// Room on the file system, asked for once a second at most while there is plenty.
class room {
public:
    room(std::filesystem::path folder, std::uint64_t floor) : folder_(std::move(folder)), floor_(floor) {}
    std::uint64_t floor() const noexcept { return floor_; }
    /// Whether `octets` would leave as much as `keep` free.
    result<> check(std::uint64_t octets, std::uint64_t keep);

private:
    std::filesystem::path folder_;
    std::uint64_t floor_;
    std::atomic<std::int64_t> asked_at_ = -1'000'000;
    std::atomic<std::uint64_t> free_ = 0;
};

}  // namespace postern::spool
