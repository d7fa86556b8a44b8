#include "spool/content.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/fault.hpp"
#include "spool/failures.hpp"
#include "spool/reader.hpp"

namespace postern::spool {
namespace {

// What a connection holds in memory once its message goes to a file.
constexpr std::size_t file_buffer = 64u << 10;
// The kernel is asked to begin writing after each such piece, so that little is left for the sync.
constexpr std::uint64_t push_step = 1u << 20;

// As much as there is room for in `out`.
result<> read_all(int descriptor, std::uint64_t offset, std::string& out, std::filesystem::path const& path)
{
    for (std::size_t got = 0; got < out.size();) {
        ssize_t const n = ::pread(descriptor, out.data() + got, out.size() - got, static_cast<off_t>(offset + got));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return file_failure("reading", path, errno);
        if (n == 0) return file_failure("reading (it is shorter than it was)", path, EIO);
        got += static_cast<std::size_t>(n);
    }
    return done{};
}

class memory_content final : public content {
public:
    memory_content(std::string octets, std::shared_ptr<memory_budget> budget)
        : octets_(std::move(octets)), budget_(std::move(budget))
    {
    }
    ~memory_content() override { budget_->give_back(octets_.size()); }
    memory_content(memory_content const&) = delete;
    memory_content& operator=(memory_content const&) = delete;

    std::uint64_t size() const noexcept override { return octets_.size(); }
    std::optional<std::string_view> in_memory() const noexcept override { return octets_; }
    int file() const noexcept override { return -1; }
    result<std::string> read(std::uint64_t offset, std::size_t limit) const override
    {
        if (offset >= octets_.size()) return std::string{};
        return octets_.substr(offset, limit);
    }

private:
    std::string octets_;
    std::shared_ptr<memory_budget> budget_;
};

class file_content final : public content {
public:
    file_content(std::filesystem::path file, std::uint64_t size) : path_(std::move(file)), size_(size) {}
    ~file_content() override
    {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    file_content(file_content const&) = delete;
    file_content& operator=(file_content const&) = delete;

    std::uint64_t size() const noexcept override { return size_; }
    std::optional<std::string_view> in_memory() const noexcept override { return std::nullopt; }
    int file() const noexcept override
    {
        std::scoped_lock lock{mutex_};
        if (descriptor_ < 0) descriptor_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        return descriptor_;
    }
    result<std::string> read(std::uint64_t offset, std::size_t limit) const override
    {
        int const descriptor = file();
        if (descriptor < 0) return file_failure("opening", path_, errno);
        std::string out;
        if (offset >= size_) return out;
        out.resize(static_cast<std::size_t>(std::min<std::uint64_t>(limit, size_ - offset)));
        if (auto all = read_all(descriptor, offset, out, path_); !all) return std::move(all).error();
        return out;
    }

private:
    std::filesystem::path path_;
    std::uint64_t size_;
    mutable std::mutex mutex_;
    mutable int descriptor_ = -1;
};

class database_content final : public content {
public:
    database_content(std::weak_ptr<reader> source, std::int64_t id, std::uint64_t size)
        : source_(std::move(source)), id_(id), size_(size)
    {
    }
    std::uint64_t size() const noexcept override { return size_; }
    std::optional<std::string_view> in_memory() const noexcept override { return std::nullopt; }
    int file() const noexcept override { return -1; }
    result<std::string> read(std::uint64_t offset, std::size_t limit) const override
    {
        auto const source = source_.lock();
        if (source == nullptr)
            return error{status{4, 3, 2}, "The server is being stopped", "content read after the spool was closed"};
        if (offset >= size_) return std::string{};
        return source->read_content(id_, offset,
                                    static_cast<std::size_t>(std::min<std::uint64_t>(limit, size_ - offset)));
    }

private:
    std::weak_ptr<reader> source_;
    std::int64_t id_;
    std::uint64_t size_;
};

}  // namespace

buffered_content::buffered_content(std::shared_ptr<content_files> files, std::size_t memory_limit)
    : files_(std::move(files)), memory_limit_(memory_limit)
{
}

buffered_content::~buffered_content()
{
    close();
    if (!kept_ && !name_.empty()) files_->remove(name_);
}

result<> buffered_content::append(std::string_view octets)
{
    if (failed_) return *failed_;
    if (name_.empty() && buffer_.size() + octets.size() > memory_limit_) {
        if (auto opened = open_file(); !opened) return fail(std::move(opened).error());
    }
    size_ += octets.size();
    if (name_.empty()) {
        buffer_ += octets;
        return done{};
    }
    if (buffer_.size() + octets.size() > file_buffer) {
        if (auto flushed = flush(); !flushed) return flushed;
    }
    if (octets.size() >= file_buffer) return write(octets);
    buffer_ += octets;
    return done{};
}

result<> buffered_content::replace_front(std::string_view octets)
{
    if (failed_) return *failed_;
    if (octets.size() > size_) return fail(error{status{4, 3, 0}, "", "more octets to replace than there are"});
    if (name_.empty()) {
        buffer_.replace(0, octets.size(), octets);
        return done{};
    }
    if (auto flushed = flush(); !flushed) return flushed;
    for (off_t at = 0; !octets.empty();) {
        ssize_t const n = ::pwrite(descriptor_, octets.data(), octets.size(), at);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail(file_failure("writing", files_->path_of(name_), errno));
        octets.remove_prefix(static_cast<std::size_t>(n));
        at += n;
    }
    return done{};
}

result<std::string> buffered_content::read(std::uint64_t offset, std::size_t limit)
{
    if (failed_) return *failed_;
    std::string out;
    if (offset >= size_) return out;
    auto const count = static_cast<std::size_t>(std::min<std::uint64_t>(limit, size_ - offset));
    if (name_.empty()) return buffer_.substr(static_cast<std::size_t>(offset), count);
    if (auto flushed = flush(); !flushed) return std::move(flushed).error();
    out.resize(count);
    if (auto all = read_all(descriptor_, offset, out, files_->path_of(name_)); !all) {
        if (auto failed = fail(std::move(all).error()); !failed) return std::move(failed).error();
    }
    return out;
}

result<> buffered_content::open_file()
{
    auto made = files_->create();
    if (!made) return made.error();
    name_ = std::move(made->name);
    descriptor_ = made->descriptor;
    std::string const begun = std::move(buffer_);
    buffer_ = {};
    if (auto written = write(begun); !written) return written;
    buffer_.reserve(file_buffer);
    return done{};
}

result<> buffered_content::flush()
{
    if (failed_) return *failed_;
    if (name_.empty() || buffer_.empty()) return done{};
    auto written = write(buffer_);
    buffer_.clear();
    return written;
}

result<> buffered_content::write(std::string_view octets)
{
    while (!octets.empty()) {
        ssize_t const n = ::write(descriptor_, octets.data(), octets.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail(file_failure("writing", files_->path_of(name_), errno));
        octets.remove_prefix(static_cast<std::size_t>(n));
        written_ += static_cast<std::uint64_t>(n);
    }
    if (written_ - pushed_ >= push_step) {
        // Only a hint: the sync at the end decides.
        static_cast<void>(::sync_file_range(descriptor_, static_cast<off_t>(pushed_),
                                            static_cast<off_t>(written_ - pushed_), SYNC_FILE_RANGE_WRITE));
        pushed_ = written_;
    }
    return done{};
}

result<> buffered_content::sync()
{
    if (failed_) return *failed_;
    fault_point("content_written");
    if (::fdatasync(descriptor_) != 0) return fail(file_failure("syncing", files_->path_of(name_), errno));
    if (auto synced = files_->sync_folder_of(name_); !synced) return fail(std::move(synced).error());
    fault_point("content_synced");
    close();
    return done{};
}

// The file goes at once: what could not be written takes room that others need.
result<> buffered_content::fail(error e)
{
    failed_ = std::move(e);
    close();
    if (!name_.empty()) files_->remove(name_);
    name_.clear();
    buffer_ = {};
    return *failed_;
}

void buffered_content::close() noexcept
{
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
}

bool memory_budget::take(std::uint64_t octets) noexcept
{
    if (used_.fetch_add(octets) + octets <= limit_) return true;
    used_ -= octets;
    return false;
}

std::shared_ptr<content const> content_in_memory(std::string octets, std::shared_ptr<memory_budget> budget)
{
    return std::make_shared<memory_content>(std::move(octets), std::move(budget));
}

std::shared_ptr<content const> content_in_file(std::filesystem::path file, std::uint64_t size)
{
    return std::make_shared<file_content>(std::move(file), size);
}

std::shared_ptr<content const> content_in_database(std::weak_ptr<reader> source, std::int64_t id, std::uint64_t size)
{
    return std::make_shared<database_content>(std::move(source), id, size);
}

result<> check_content_file(std::filesystem::path const& file, std::uint64_t size, bool& damaged)
{
    struct stat found {};
    damaged = false;
    if (::lstat(file.c_str(), &found) != 0) {
        // Rights or a disk that fails may be mended; a file that is gone stays gone.
        damaged = errno == ENOENT;
        return file_failure("looking at", file, errno);
    }
    damaged = true;
    if (!S_ISREG(found.st_mode) || found.st_nlink != 1)
        return file_failure("looking at (it is no plain file with one name)", file, EINVAL);
    if (static_cast<std::uint64_t>(found.st_size) != size)
        return file_failure("looking at (its size is not what was accepted)", file, EINVAL);
    damaged = false;
    return done{};
}

}  // namespace postern::spool
