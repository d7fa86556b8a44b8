#include "cli/privileges.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/whole_file.hpp"

#if defined(__SANITIZE_ADDRESS__)
#define POSTERN_HAS_ASAN 1
#elif defined(__has_feature)
#define POSTERN_HAS_ASAN __has_feature(address_sanitizer)
#else
#define POSTERN_HAS_ASAN 0
#endif

namespace postern::cli {
namespace {

struct identity {
    uid_t user = 0;
    gid_t group = 0;
    std::string name;
};

error failed(std::string what, int number) { return {{4, 3, 0}, "", std::move(what) + ": " + std::strerror(number)}; }

result<identity> look_up(std::string const& name)
{
    std::vector<char> buffer(16384);
    passwd entry{};
    passwd* found = nullptr;
    int const number = ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (number != 0) return failed("can't look up the user " + name, number);
    if (!found) {
        return error{{5, 3, 5},
                     "",
                     "there is no user `" + name + "` to become: create it (adduser --system --group " + name +
                         "), or name another one at `user` in the configuration (\"\" stays root)"};
    }
    return identity{entry.pw_uid, entry.pw_gid, name};
}

/// An identity by number; its name, when it has one, is for its further groups.
identity look_up(uid_t user, gid_t group)
{
    std::vector<char> buffer(16384);
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found) == 0 && found)
        return {user, group, entry.pw_name};
    return {user, group, {}};
}

result<> become(identity const& who)
{
    // Groups first: afterwards we may not.
    int const groups = who.name.empty() ? ::setgroups(0, nullptr) : ::initgroups(who.name.c_str(), who.group);
    if (groups != 0) return failed("can't set the groups of " + who.name, errno);
    if (::setresgid(who.group, who.group, who.group) != 0) return failed("can't take the group of " + who.name, errno);
    if (::setresuid(who.user, who.user, who.user) != 0) return failed("can't become " + who.name, errno);
    if (who.user != 0 && ::setuid(0) == 0)
        return error{{4, 3, 0}, "", "root could be had back after becoming " + who.name};
    return {};
}

/// Whom the service runs as, when we are root and it shall not.
result<std::optional<identity>> service_user(std::string const& user)
{
    if (::geteuid() != 0 || user.empty()) return std::optional<identity>{};
    auto who = look_up(user);
    if (!who) return std::move(who.error());
    return std::optional<identity>{std::move(*who)};
}

}  // namespace

result<> make_data_dir(config::settings const& s)
{
    auto who = service_user(s.user);
    if (!who) return std::move(who.error());
    auto const dir = s.data_dir.string();
    bool const made = ::mkdir(dir.c_str(), 0700) == 0;
    if (!made && errno != EEXIST) {
        if (errno == ENOENT) return failed("can't make data_dir " + dir + ", the folder above it is missing", errno);
        if (errno == EACCES) {
            return error{{5, 3, 5},
                         "",
                         "can't make data_dir " + dir +
                             ": run this as root or as the server's user, or name another "
                             "data_dir in the configuration"};
        }
        return failed("can't make data_dir " + dir, errno);
    }
    struct stat info {};
    if (::stat(dir.c_str(), &info) != 0) return failed("can't look at data_dir " + dir, errno);
    if (!S_ISDIR(info.st_mode)) return error{{5, 3, 5}, "", "data_dir " + dir + " is not a folder"};
    // A folder made now, or made empty by an administrator, becomes the service's. One with
    // something in it may be /etc, and is not ours to give away.
    if (*who && info.st_uid == 0 && !made) {
        std::error_code unreadable;
        if (!std::filesystem::is_empty(s.data_dir, unreadable)) {
            return error{{5, 3, 5},
                         "",
                         "data_dir " + dir +
                             " belongs to root and is not empty: name a folder of its own, or, if it is " +
                             "Postern's, run `chown -R " + (*who)->name + " " + dir + "`"};
        }
    }
    if (*who && info.st_uid == 0 && ::chown(dir.c_str(), (*who)->user, (*who)->group) != 0)
        return failed("can't give data_dir " + dir + " to " + (*who)->name, errno);
    if (::geteuid() != 0 && ::access(dir.c_str(), R_OK | W_OK | X_OK) != 0) {
        return error{{5, 3, 5},
                     "",
                     "data_dir " + dir + " may not be used by this user: run this as root or as the server's user"};
    }
    return {};
}

result<> keep_for_service(config::settings const& s, std::filesystem::path const& file, secret const& value)
{
    auto const who = service_user(s.user);
    if (!who) return who.error();
    std::string line;
    line.reserve(value.size() + 1);
    line.append(value.reveal()).append("\n");
    auto const stored = replace_whole_file(file, line);
    wipe(line.data(), line.size());
    if (!stored) return stored;
    if (*who && ::lchown(file.c_str(), (*who)->user, (*who)->group) != 0)
        return failed("can't give " + file.string() + " to " + (*who)->name, errno);
    return {};
}

bool may_become(std::string const& user)
{
    if (user.empty() || ::geteuid() == 0) return true;
    auto const who = look_up(user);
    return who && who->user == ::geteuid();
}

result<> drop_privileges(std::string const& user)
{
    auto who = service_user(user);
    if (!who) return std::move(who.error());
    if (*who)
        if (auto became = become(**who); !became) return became;
    // CAP_NET_BIND_SERVICE, where a supervisor gave it, has done its work.
    ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (::geteuid() != 0) {
        __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
        std::array<__user_cap_data_struct, 2> none{};
        if (::syscall(SYS_capset, &head, none.data()) != 0) return failed("can't give up capabilities", errno);
    }
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("can't refuse new privileges", errno);
    // Becoming somebody else may have switched this back.
    return forbid_core_dumps();
}

result<> forbid_core_dumps()
{
    rlimit const no_core{};
    if (::setrlimit(RLIMIT_CORE, &no_core) != 0) return failed("can't switch core dumps off", errno);
#if !POSTERN_HAS_ASAN  // the leak checker traces its own process, which this forbids
    if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return failed("can't switch core dumps off", errno);
#endif
    return {};
}

result<> own_data_dir(config::settings const& s)
{
    if (auto made = make_data_dir(s); !made) return made;
    ::umask(077);
    if (::geteuid() != 0) return {};
    struct stat info {};
    if (::stat(s.data_dir.c_str(), &info) != 0) return failed("can't look at data_dir " + s.data_dir.string(), errno);
    if (info.st_uid == 0) return {};
    return become(look_up(info.st_uid, info.st_gid));
}

}  // namespace postern::cli
