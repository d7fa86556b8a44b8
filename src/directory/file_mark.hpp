// Tells that a file is another one, or was written to.
#pragma once

#include <cstdint>

#include <sys/stat.h>

namespace postern::directory {

struct file_mark {
    std::uint64_t device = 0, inode = 0;
    std::int64_t size = -1, seconds = 0, nanoseconds = 0, changed = 0, changed_nanoseconds = 0;
    bool operator==(file_mark const&) const = default;
};

inline file_mark mark_of(struct stat const& s)
{
    return {s.st_dev, s.st_ino, s.st_size, s.st_mtim.tv_sec, s.st_mtim.tv_nsec, s.st_ctim.tv_sec, s.st_ctim.tv_nsec};
}

}  // namespace postern::directory
