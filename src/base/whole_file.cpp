#include "base/whole_file.hpp"

#include <cerrno>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace postern {
namespace {

error failed(std::filesystem::path const& file, char const* doing, int why)
{
    return {{4, 3, 0}, "", std::string{"can't "} + doing + ' ' + file.string() + ": " + std::strerror(why)};
}

// Closes a descriptor at the end of a scope.
class open_file {
public:
    explicit open_file(int fd) : fd_(fd) {}
    open_file(open_file const&) = delete;
    open_file& operator=(open_file const&) = delete;
    ~open_file()
    {
        if (fd_ >= 0) ::close(fd_);
    }
    int get() const noexcept { return fd_; }

private:
    int fd_;
};

result<> sync_folder(std::filesystem::path const& folder)
{
    open_file const opened{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (opened.get() < 0 || ::fsync(opened.get()) != 0) return failed(folder, "sync", errno);
    return {};
}

}  // namespace

result<std::optional<secret>> read_whole_file(std::filesystem::path const& path, std::size_t limit)
{
    open_file const file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (file.get() < 0) {
        if (errno == ENOENT) return std::optional<secret>{};
        return failed(path, "read", errno);
    }
    struct stat facts {};
    if (::fstat(file.get(), &facts) != 0) return failed(path, "read", errno);
    if (!S_ISREG(facts.st_mode)) return failed(path, "read", EINVAL);
    if (facts.st_size > static_cast<off_t>(limit)) return failed(path, "read", EFBIG);
    // One octet more tells whether it grew. Its final size at once, so that no copy stays behind.
    std::string text(static_cast<std::size_t>(facts.st_size) + 1, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
        auto const n = ::read(file.get(), text.data() + size, text.size() - size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return failed(path, "read", errno);
        if (n == 0) break;
        size += static_cast<std::size_t>(n);
    }
    auto read = secret{std::string_view{text}.substr(0, size)};
    bool const changed = size == text.size();
    wipe(text.data(), text.size());
    if (changed) return failed(path, "read", EAGAIN);
    return std::optional<secret>{std::move(read)};
}

result<secret> read_secret_line(std::filesystem::path const& path)
{
    constexpr std::size_t longest_file = 65'536;
    auto const whole = read_whole_file(path, longest_file);
    if (!whole) return whole.error();
    if (!*whole) return failed(path, "read", ENOENT);
    auto const text = (*whole)->reveal();
    secret line{text.substr(0, text.find_first_of(std::string_view{"\r\n\0", 3}))};
    if (line.empty()) return error{{4, 3, 0}, "", "can't read " + path.string() + ": its first line is empty"};
    return line;
}

result<> replace_whole_file(std::filesystem::path const& path, std::string_view octets)
{
    auto const fresh = path.parent_path() / (path.filename().string() + ".new");
    {
        // What a crash left of an earlier try.
        ::unlink(fresh.c_str());
        open_file const file{::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)};
        if (file.get() < 0) return failed(fresh, "write", errno);
        for (std::size_t at = 0; at < octets.size();) {
            auto const n = ::write(file.get(), octets.data() + at, octets.size() - at);
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) return failed(fresh, "write", n < 0 ? errno : EIO);
            at += static_cast<std::size_t>(n);
        }
        if (::fsync(file.get()) != 0) return failed(fresh, "write", errno);
    }
    if (::rename(fresh.c_str(), path.c_str()) != 0) return failed(path, "replace", errno);
    return sync_folder(path.parent_path());
}

result<> make_private_folder(std::filesystem::path const& folder)
{
    if (::mkdir(folder.c_str(), 0700) == 0) return sync_folder(folder.parent_path());
    if (errno != EEXIST) return failed(folder, "make", errno);
    return {};
}

}  // namespace postern
