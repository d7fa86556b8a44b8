// The files of the history: FOLDER/events.N.jsonl, N growing. Written by the log's
// thread alone; read by history.cpp.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::log {

/// The history's files with their numbers, oldest first; empty when there is no folder.
std::vector<std::pair<std::uint64_t, std::filesystem::path>> history_files(std::filesystem::path const& folder);

/// Appends lines; a file that has reached an eighth of the size is followed by the
/// next one, and the oldest goes when all together would be larger than the size.
class history_writer {
public:
    history_writer() = default;
    ~history_writer() { close(); }
    history_writer(history_writer const&) = delete;
    history_writer& operator=(history_writer const&) = delete;

    /// Changes the place; an empty folder ends the keeping.
    void use(std::filesystem::path folder, std::uint64_t size);
    /// Whole lines. False when they could not be written (all, or the rest); `why`
    /// then says what the system said.
    bool write(std::string_view lines, std::string& why);

private:
    bool open(std::string& why);
    void close() noexcept;
    void remove_old();

    std::filesystem::path folder_;
    std::uint64_t size_ = 0;
    std::uint64_t number_ = 0;
    std::uint64_t written_ = 0;
    int file_ = -1;
};

}  // namespace postern::log
