// Content of messages: taken in through a buffer that turns into a file when it gets
// big, read out from memory, from that file or from the database.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "spool/spool.hpp"

namespace postern::spool {

class reader;

/// The folder of content files: content/xx/NAME, NAME being sixteen hexadecimal digits
/// that begin with xx.
class content_files {
public:
    explicit content_files(std::filesystem::path folder) : folder_(std::move(folder)) {}

    result<> create_folder();
    struct created {
        std::string name;
        int descriptor = -1;
    };
    result<created> create();
    /// Makes a file's name durable, and its folder's, whoever made that; its octets are synced through its descriptor.
    result<> sync_folder_of(std::string_view name) const;
    std::filesystem::path path_of(std::string_view name) const;
    void remove(std::string_view name) const noexcept;
    /// Removes files of ours that `wanted` denies; returns how many. Foreign files stay.
    result<std::size_t> sweep(std::function<result<bool>(std::string_view name)> const& wanted) const;

private:
    std::atomic<bool>& is_durable(std::string_view name) const;

    std::filesystem::path folder_;
    mutable std::array<std::atomic<bool>, 256> durable_{};  // folders whose own names are on stable storage
};

class buffered_content final : public content_writer {
public:
    buffered_content(std::shared_ptr<content_files> files, std::size_t memory_limit);
    ~buffered_content() override;
    buffered_content(buffered_content const&) = delete;
    buffered_content& operator=(buffered_content const&) = delete;

    result<> append(std::string_view octets) override;
    result<> replace_front(std::string_view octets) override;
    std::uint64_t size() const noexcept override { return size_; }
    result<std::string> read(std::uint64_t offset, std::size_t limit) override;

    // -- for the spool, once all has arrived --
    std::optional<error> const& failed() const noexcept { return failed_; }
    bool in_file() const noexcept { return !name_.empty(); }
    std::string const& name() const noexcept { return name_; }
    std::string take_octets() { return std::move(buffer_); }
    /// Writes what is left in the buffer to the file.
    result<> flush();
    /// Puts file and name on stable storage. May take long.
    result<> sync();
    /// The file belongs to an accepted message now.
    void keep() noexcept { kept_ = true; }

private:
    result<> write(std::string_view octets);
    result<> open_file();
    result<> fail(error e);
    void close() noexcept;

    std::shared_ptr<content_files> files_;
    std::size_t memory_limit_;
    std::string buffer_;
    std::string name_;
    int descriptor_ = -1;
    std::uint64_t size_ = 0, written_ = 0, pushed_ = 0;
    bool kept_ = false;
    std::optional<error> failed_;
};

/// How much content the spool keeps in memory for messages on their way.
class memory_budget {
public:
    explicit memory_budget(std::uint64_t limit) : limit_(limit) {}
    bool take(std::uint64_t octets) noexcept;
    void give_back(std::uint64_t octets) noexcept { used_ -= octets; }

private:
    std::uint64_t limit_;
    std::atomic<std::uint64_t> used_ = 0;
};

/// Content in memory, counted in the budget, from which its size has been taken.
std::shared_ptr<content const> content_in_memory(std::string octets, std::shared_ptr<memory_budget> budget);
/// Opened when first asked for. Whether the file is what it should be: see check_content_file().
std::shared_ptr<content const> content_in_file(std::filesystem::path file, std::uint64_t size);
/// Read from the database piece by piece, as long as the spool is there.
std::shared_ptr<content const> content_in_database(std::weak_ptr<reader> source, std::int64_t id, std::uint64_t size);

/// A regular file with one name and the size that it should have.
/// `damaged`: it is not what was accepted, and never will be; else the failure may pass.
result<> check_content_file(std::filesystem::path const& file, std::uint64_t size, bool& damaged);

}  // namespace postern::spool
