#include "base/history_file.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/numbers.hpp"

namespace postern::log {
namespace {

constexpr std::string_view front = "events.";
constexpr std::string_view back = ".jsonl";
constexpr std::uint64_t parts = 8;

std::filesystem::path name_of_file(std::filesystem::path const& folder, std::uint64_t number)
{
    return folder / (std::string(front) + std::to_string(number) + std::string(back));
}

std::string reason(int number) { return std::error_code(number, std::generic_category()).message(); }

}  // namespace

std::vector<std::pair<std::uint64_t, std::filesystem::path>> history_files(std::filesystem::path const& folder)
{
    std::vector<std::pair<std::uint64_t, std::filesystem::path>> found;
    std::error_code failed;
    for (std::filesystem::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed)) {
        auto const name = at->path().filename().string();
        if (!name.starts_with(front) || !name.ends_with(back) || name.size() <= front.size() + back.size()) continue;
        auto const middle = std::string_view(name).substr(front.size(), name.size() - front.size() - back.size());
        if (auto const number = parse_number<std::uint64_t>(middle)) found.emplace_back(*number, at->path());
    }
    std::sort(found.begin(), found.end());
    return found;
}

void history_writer::use(std::filesystem::path folder, std::uint64_t size)
{
    if (folder != folder_) close();
    folder_ = std::move(folder);
    size_ = size;
}

bool history_writer::write(std::string_view lines, std::string& why)
{
    if (folder_.empty()) return true;
    while (!lines.empty()) {
        if (file_ >= 0 && written_ >= size_ / parts) {
            close();
            ++number_;
        }
        if (file_ < 0 && !open(why)) return false;
        // Up to the line that passes the file's share.
        auto const room = std::max<std::uint64_t>(size_ / parts - std::min(written_, size_ / parts), 1);
        auto const end = room < lines.size() ? lines.find('\n', room - 1) : std::string_view::npos;
        auto piece = lines.substr(0, end == std::string_view::npos ? lines.size() : end + 1);
        lines.remove_prefix(piece.size());
        while (!piece.empty()) {
            auto const n = ::write(file_, piece.data(), piece.size());
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) {
                why = n < 0 ? reason(errno) : "nothing was taken";
                close();  // the next try opens anew and ends a half-written line first
                return false;
            }
            written_ += static_cast<std::uint64_t>(n);
            piece.remove_prefix(static_cast<std::size_t>(n));
        }
    }
    return true;
}

bool history_writer::open(std::string& why)
{
    std::error_code failed;
    std::filesystem::create_directories(folder_, failed);
    auto const files = history_files(folder_);
    if (!files.empty()) number_ = std::max(number_, files.back().first);
    for (;;) {
        auto const path = name_of_file(folder_, number_);
        file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
        if (file_ < 0) {
            why = reason(errno);
            return false;
        }
        struct stat about {};
        written_ = ::fstat(file_, &about) == 0 ? static_cast<std::uint64_t>(about.st_size) : 0;
        if (written_ == 0 || written_ < size_ / parts) break;
        close();
        ++number_;
    }
    // A crash or a full disk may have left half a line.
    char last = '\n';
    if (written_ > 0 && ::pread(file_, &last, 1, static_cast<off_t>(written_ - 1)) == 1 && last != '\n' &&
        ::write(file_, "\n", 1) == 1)
        ++written_;
    remove_old();
    return true;
}

void history_writer::close() noexcept
{
    if (file_ >= 0) ::close(file_);
    file_ = -1;
}

void history_writer::remove_old()
{
    auto files = history_files(folder_);
    std::uint64_t total = size_ / parts;  // what the newest may grow to
    for (auto at = files.rbegin(); at != files.rend(); ++at) {
        if (at->first == number_) continue;
        std::error_code failed;
        auto const n = std::filesystem::file_size(at->second, failed);
        if (!failed) total += n;
        if (total > size_) std::filesystem::remove(at->second, failed);
    }
}

}  // namespace postern::log
