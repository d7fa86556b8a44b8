#include "spool/guards.hpp"

#include <sys/statvfs.h>

#include <cerrno>
#include <chrono>

#include "base/clock.hpp"
#include "spool/failures.hpp"

namespace postern::spool {
namespace {

// More than a second's mail.
constexpr std::uint64_t plenty = 1u << 30;

}  // namespace

result<store::file_lock> lock_folder(std::filesystem::path const& folder)
{
    auto taken = store::file_lock::take(folder / "lock");
    if (!taken) return file_failure("locking", folder / "lock", taken.error());
    if (*taken) return std::move(**taken);
    return error{status{4, 3, 0}, failure_texts.failed,
                 "the spool in " + folder.string() + " is in use by another process; stop that one first"};
}

result<> room::check(std::uint64_t octets, std::uint64_t keep)
{
    std::int64_t const now =
        std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now().time_since_epoch()).count();
    std::int64_t seen = asked_at_;
    bool const old = now - seen >= 1000 || (free_ < plenty + keep && now - seen >= 10);
    if (old && asked_at_.compare_exchange_strong(seen, now)) {
        struct statvfs found {};
        if (::statvfs(folder_.c_str(), &found) != 0) return file_failure("looking at", folder_, errno);
        // Without inodes to count (as on btrfs) none is missing.
        bool const inodes = found.f_files == 0 || found.f_favail > 0;
        free_ = inodes ? static_cast<std::uint64_t>(found.f_bavail) * found.f_frsize : 0;
    }
    std::uint64_t const left = free_;
    if (left >= keep && left - keep >= octets) return done{};
    return error{status{4, 3, 1}, "No room to store the message",
                 std::to_string(left) + " octets are free under " + folder_.string() + ", " + std::to_string(keep) +
                     " are to stay free"};
}

}  // namespace postern::spool
