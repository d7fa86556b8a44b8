#include "store/file_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

namespace postern::store {

file_lock::~file_lock()
{
    if (descriptor_ >= 0) ::close(descriptor_);
}

basic_result<std::optional<file_lock>, int> file_lock::take(std::filesystem::path const& file)
{
    file_lock lock{::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (lock.descriptor_ < 0) return errno;
    if (::flock(lock.descriptor_, LOCK_EX | LOCK_NB) == 0) return std::optional<file_lock>{std::move(lock)};
    if (errno == EWOULDBLOCK) return std::optional<file_lock>{};
    return errno;
}

}  // namespace postern::store
