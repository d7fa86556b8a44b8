#include "net/socket_file.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.hpp"

namespace postern::net {
namespace {

constexpr int backlog = 256;
constexpr std::string_view new_suffix = ".new";

error failed(std::string text) { return {{4, 3, 5}, "the server can't listen", std::move(text)}; }
error failed(std::string what, int number) { return failed(std::move(what) + ": " + std::strerror(number)); }

result<sockaddr_un> address_of(std::string const& path)
{
    sockaddr_un a{};
    a.sun_family = AF_UNIX;
    static_assert(longest_socket_path + new_suffix.size() + 1 == sizeof a.sun_path);
    if (path.size() > longest_socket_path + new_suffix.size())
        return failed("the path of a socket can't be longer than " + std::to_string(longest_socket_path) +
                      " octets: " + path);
    std::memcpy(a.sun_path, path.data(), path.size());
    return a;
}

/// Both databases of the system, by name.
template <class Entry, class Find>
std::optional<Entry> look_up(std::string const& name, Find find, std::vector<char>& room)
{
    Entry entry{};
    Entry* found = nullptr;
    room.resize(1 << 16);
    if (find(name.c_str(), &entry, room.data(), room.size(), &found) != 0 || found == nullptr) return std::nullopt;
    return entry;
}

result<> set_owner(std::string const& path, socket_file_options const& wanted)
{
    auto uid = static_cast<uid_t>(-1);
    auto gid = static_cast<gid_t>(-1);
    std::vector<char> room;
    if (!wanted.owner.empty()) {
        auto const user = look_up<passwd>(wanted.owner, ::getpwnam_r, room);
        if (!user) return failed(path + ": there is no user " + wanted.owner + " on this machine");
        uid = user->pw_uid;
        gid = user->pw_gid;
    }
    if (!wanted.group.empty()) {
        auto const group = look_up<struct group>(wanted.group, ::getgrnam_r, room);
        if (!group) return failed(path + ": there is no group " + wanted.group + " on this machine");
        gid = group->gr_gid;
    }
    if (wanted.group_number) gid = *wanted.group_number;
    if (wanted.owner.empty() && wanted.group.empty() && !wanted.group_number) return done{};
    if (::lchown(path.c_str(), uid, gid) == 0) return done{};
    int const number = errno;
    if (number != EPERM) return failed("can't give away " + path, number);
    return failed("can't give " + path + " to " + (wanted.owner.empty() ? "group " + wanted.group : wanted.owner) +
                  ": add the server's user to that group (systemd: SupplementaryGroups=), or start as root");
}

result<> set_rights(std::string const& path, socket_file_options const& wanted)
{
    if (auto given = set_owner(path, wanted); !given) return given;
    auto const mode = static_cast<mode_t>(std::strtoul(wanted.mode.c_str(), nullptr, 8));
    // Somebody else may own the folder: what stands there by now may be a link.
    if (::fchmodat(AT_FDCWD, path.c_str(), mode, AT_SYMLINK_NOFOLLOW) != 0)
        return failed("can't set the mode of " + path, errno);
    return done{};
}

/// That nothing but a socket that nobody listens on stands in the way.
result<> check_place(std::string const& path)
{
    struct stat there {};
    if (::lstat(path.c_str(), &there) != 0) {
        if (errno == ENOENT) return done{};
        return failed("can't look at " + path, errno);
    }
    if (!S_ISSOCK(there.st_mode)) return failed(path + " is there and no socket: remove it, or choose another path");
    auto const address = address_of(path);
    if (!address) return std::move(address).error();
    socket_handle const probe{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    bool const answers =
        ::connect(probe.get(), reinterpret_cast<sockaddr const*>(&*address), sizeof *address) == 0 || errno == EAGAIN;
    if (answers) return failed(path + " is in use by another program: stop that one, or choose another path");
    return done{};
}

}  // namespace

socket_file::socket_file(socket_file&& other) noexcept
    : path_(std::exchange(other.path_, {})), device_(other.device_), node_(other.node_)
{
}

socket_file& socket_file::operator=(socket_file&& other) noexcept
{
    if (this != &other) {
        remove();
        path_ = std::exchange(other.path_, {});
        device_ = other.device_;
        node_ = other.node_;
    }
    return *this;
}

result<socket_file> socket_file::make(socket_file_options const& wanted, socket_handle& descriptor)
{
    auto const& path = wanted.path;
    if (auto free = check_place(path); !free) return std::move(free).error();
    auto const place = path + std::string{new_suffix};
    auto const address = address_of(place);
    if (!address) return std::move(address).error();
    socket_handle made{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (made.get() < 0) return failed("can't make a socket", errno);
    // Left by one that was killed in between.
    if (::unlink(place.c_str()) != 0 && errno != ENOENT) return failed("can't remove " + place, errno);
    auto const before = ::umask(0177);
    bool const bound = ::bind(made.get(), reinterpret_cast<sockaddr const*>(&*address), sizeof *address) == 0;
    int const number = errno;
    ::umask(before);
    if (!bound)
        return failed("can't make " + path + ": " + std::strerror(number) +
                      "; its folder has to be there, and the server's user able to write to it");
    struct stat there {};
    auto rights = set_rights(place, wanted);
    if (rights && ::lstat(place.c_str(), &there) != 0) rights = failed("can't look at " + place, errno);
    if (rights && ::listen(made.get(), backlog) != 0) rights = failed("can't listen on " + path, errno);
    if (rights && ::rename(place.c_str(), path.c_str()) != 0) rights = failed("can't make " + path, errno);
    if (!rights) {
        ::unlink(place.c_str());
        return std::move(rights).error();
    }
    socket_file out;
    out.path_ = path;
    out.device_ = there.st_dev;
    out.node_ = there.st_ino;
    descriptor = std::move(made);
    return out;
}

result<> socket_file::change(socket_file_options const& wanted) const
{
    return path_.empty() ? result<>{done{}} : set_rights(path_, wanted);
}

void socket_file::remove() noexcept
{
    if (path_.empty()) return;
    struct stat there {};
    bool const ours = ::lstat(path_.c_str(), &there) == 0 && there.st_dev == device_ && there.st_ino == node_;
    if (ours && ::unlink(path_.c_str()) != 0)
        log::event(log::level::warning, "socket_not_removed", {{"path", path_}, {"problem", std::strerror(errno)}});
    path_.clear();
}

}  // namespace postern::net
