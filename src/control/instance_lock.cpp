#include "control/instance_lock.hpp"

#include <array>
#include <cstring>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

#include "base/numbers.hpp"
#include "control/local_socket.hpp"

namespace postern::control {

result<std::optional<instance_lock>> instance_lock::take(std::filesystem::path const& data_dir, std::string& holder)
{
    auto const path = data_dir / "postern.lock";
    auto taken = store::file_lock::take(path);
    if (!taken) return error{{4, 3, 0}, "", "can't lock " + path.string() + ": " + std::strerror(taken.error())};
    if (!*taken) {
        descriptor const file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
        std::array<char, 16> text{};
        auto const got = ::pread(file.get(), text.data(), text.size(), 0);
        if (got > 0 && parse_number<unsigned>({text.data(), static_cast<std::size_t>(got)}))
            holder.assign(text.data(), static_cast<std::size_t>(got));
        return std::optional<instance_lock>{};
    }
    int const file = (*taken)->descriptor();
    // For the message above; the lock is what counts, so a failure here doesn't matter.
    auto const pid = std::to_string(::getpid());
    if (::ftruncate(file, 0) == 0 && ::pwrite(file, pid.data(), pid.size(), 0) < 0) holder.clear();
    return std::optional<instance_lock>{instance_lock{std::move(**taken)}};
}

result<std::optional<instance_lock>> instance_lock::take(std::filesystem::path const& data_dir, std::string& holder,
                                                         steady_clock::duration patience)
{
    auto const until = steady_clock::now() + patience;
    for (;;) {
        auto lock = take(data_dir, holder);
        if (!lock || *lock || steady_clock::now() >= until) return lock;
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
}

}  // namespace postern::control
