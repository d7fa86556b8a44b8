// The folder of content files: see content.hpp.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/crypto.hpp"
#include "base/hex.hpp"
#include "base/log.hpp"
#include "spool/content.hpp"
#include "spool/failures.hpp"

namespace postern::spool {
namespace {

constexpr std::string_view digits = "0123456789abcdef";
constexpr std::size_t name_length = 16;
constexpr mode_t folder_mode = 0700;
constexpr mode_t file_mode = 0600;

bool is_ours(std::string_view name, std::string_view folder)
{
    return name.size() == name_length && name.find_first_not_of(digits) == std::string_view::npos &&
           name.starts_with(folder);
}

result<> sync_folder(std::filesystem::path const& folder)
{
    int const descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return file_failure("opening", folder, errno);
    int const failed = ::fsync(descriptor) != 0 ? errno : 0;
    ::close(descriptor);
    if (failed != 0) return file_failure("syncing", folder, failed);
    return done{};
}

result<> make_folder(std::filesystem::path const& folder)
{
    if (::mkdir(folder.c_str(), folder_mode) != 0 && errno != EEXIST)
        return file_failure("making the folder", folder, errno);
    return done{};
}

}  // namespace

result<> content_files::create_folder()
{
    if (auto made = make_folder(folder_); !made) return made;
    return sync_folder(folder_.parent_path());
}

result<content_files::created> content_files::create()
{
    created made;
    made.name = to_hex(random_octets(name_length / 2));
    auto const file = path_of(made.name);
    constexpr int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    made.descriptor = ::open(file.c_str(), flags, file_mode);
    if (made.descriptor < 0 && errno == ENOENT) {
        // The first whose name begins like this.
        if (auto folder = make_folder(file.parent_path()); !folder) return folder.error();
        is_durable(made.name) = false;
        made.descriptor = ::open(file.c_str(), flags, file_mode);
    }
    if (made.descriptor < 0) return file_failure("creating", file, errno);
    return made;
}

std::atomic<bool>& content_files::is_durable(std::string_view name) const
{
    return durable_[digits.find(name[0]) * digits.size() + digits.find(name[1])];
}

result<> content_files::sync_folder_of(std::string_view name) const
{
    auto const synced = sync_folder(path_of(name).parent_path());
    if (!synced || is_durable(name)) return synced;
    // Whoever made the folder may not have come to this yet.
    auto const above = sync_folder(folder_);
    if (above) is_durable(name) = true;
    return above;
}

std::filesystem::path content_files::path_of(std::string_view name) const { return folder_ / name.substr(0, 2) / name; }

void content_files::remove(std::string_view name) const noexcept
{
    auto const file = path_of(name);
    if (::unlink(file.c_str()) != 0 && errno != ENOENT) {
        // It is swept at the next start.
        auto const why = file_failure("removing", file, errno);
        log::event(log::level::warning, "spool-file-left", {{"error", why.logged}});
    }
}

result<std::size_t> content_files::sweep(std::function<result<bool>(std::string_view)> const& wanted) const
{
    std::size_t removed = 0;
    std::error_code failed;
    for (std::filesystem::directory_iterator folders{folder_, failed}, end; !failed && folders != end;
         folders.increment(failed)) {
        auto const folder = folders->path().filename().string();
        std::error_code inner;
        if (folder.size() != 2 || !folders->is_directory(inner)) continue;
        for (std::filesystem::directory_iterator files{folders->path(), failed}; !failed && files != end;
             files.increment(failed)) {
            auto const name = files->path().filename().string();
            if (!is_ours(name, folder)) {
                log::event(log::level::warning, "spool-foreign-file", {{"file", files->path().string()}});
                continue;
            }
            auto const keep = wanted(name);
            if (!keep) return keep.error();
            if (*keep) continue;
            remove(name);
            ++removed;
        }
    }
    if (failed) return file_failure("reading the folder", folder_, failed.value());
    return removed;
}

}  // namespace postern::spool
