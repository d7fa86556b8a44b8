// A disk that fails or is full when a test says so: SQLite's writes and every fdatasync of
// the program go through here, and every fsync is noted. For one file of a test program only.
#pragma once

#include <errno.h>
#include <sqlite3.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <functional>
#include <mutex>
#include <set>
#include <string>

namespace postern::testing {

inline std::atomic<int> sync_error = 0;       // errno of fdatasync
inline std::atomic<int> write_error = 0;      // errno of the database's writes
inline std::atomic<bool> one_write = false;   // only the next one fails
inline std::atomic<unsigned> data_syncs = 0;  // how many there were
inline std::mutex synced_mutex;               // of what follows
inline std::set<std::string> synced_by_name;  // what fsync was called for
inline std::function<void()> before_unlink;   // called by SQLite's thread

inline ssize_t database_write(int descriptor, void const* octets, std::size_t size, off64_t at)
{
    if (int const failing = write_error; failing != 0) {
        if (one_write) write_error = 0;
        errno = failing;
        return -1;
    }
    return ::pwrite64(descriptor, octets, size, at);
}

inline int database_unlink(char const* file)
{
    std::function<void()> first;
    {
        std::scoped_lock lock{synced_mutex};
        first = before_unlink;
    }
    if (first) first();
    return ::unlink(file);
}

// Takes the place of SQLite's system calls, and gives them back.
class faulty_disk {
public:
    faulty_disk()
    {
        sqlite3_vfs* const vfs = sqlite3_vfs_find(nullptr);
        vfs->xSetSystemCall(vfs, "pwrite64", reinterpret_cast<sqlite3_syscall_ptr>(&database_write));
        vfs->xSetSystemCall(vfs, "unlink", reinterpret_cast<sqlite3_syscall_ptr>(&database_unlink));
    }
    ~faulty_disk()
    {
        sync_error = write_error = 0;
        one_write = false;
        {
            std::scoped_lock lock{synced_mutex};
            before_unlink = nullptr;
        }
        sqlite3_vfs* const vfs = sqlite3_vfs_find(nullptr);
        vfs->xSetSystemCall(vfs, "pwrite64", nullptr);
        vfs->xSetSystemCall(vfs, "unlink", nullptr);
    }
    faulty_disk(faulty_disk const&) = delete;
    faulty_disk& operator=(faulty_disk const&) = delete;
};

/// Name of an open file, as the kernel knows it.
inline std::string name_of(int descriptor)
{
    std::array<char, 4096> name{};
    auto const size = ::readlink(("/proc/self/fd/" + std::to_string(descriptor)).c_str(), name.data(), name.size());
    return size > 0 ? std::string{name.data(), static_cast<std::size_t>(size)} : std::string{};
}

}  // namespace postern::testing

// The program's own go before the C library's, for SQLite too.
extern "C" int fdatasync(int descriptor)
{
    ++postern::testing::data_syncs;
    if (int const failing = postern::testing::sync_error; failing != 0) {
        errno = failing;
        return -1;
    }
    return static_cast<int>(::syscall(SYS_fdatasync, descriptor));
}

extern "C" int fsync(int descriptor)
{
    {
        std::scoped_lock lock{postern::testing::synced_mutex};
        postern::testing::synced_by_name.insert(postern::testing::name_of(descriptor));
    }
    return static_cast<int>(::syscall(SYS_fsync, descriptor));
}
