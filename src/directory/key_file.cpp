#include "directory/key_file.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include "base/base64.hpp"
#include "base/crypto.hpp"

namespace postern::directory {
namespace {

constexpr std::size_t key_size = 32;

error failed(std::filesystem::path const& file, std::string const& what)
{
    return {{4, 3, 0}, "The key of the account database is not available", file.string() + ": " + what};
}

struct closing {
    int descriptor;
    ~closing()
    {
        if (descriptor >= 0) ::close(descriptor);
    }
};

bool write_all(int descriptor, std::string_view octets)
{
    while (!octets.empty()) {
        auto const written = ::write(descriptor, octets.data(), octets.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        octets.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

}  // namespace

result<std::optional<secret>> read_key(std::filesystem::path const& folder)
{
    auto const file = folder / "accounts.key";
    closing const open{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
    if (open.descriptor < 0) {
        if (errno == ENOENT) return std::optional<secret>{};
        return failed(file, std::strerror(errno));
    }
    std::array<char, 128> octets{};
    auto const size = ::read(open.descriptor, octets.data(), octets.size());
    if (size < 0) return failed(file, std::strerror(errno));
    std::string_view text{octets.data(), static_cast<std::size_t>(size)};
    if (text.ends_with('\n')) text.remove_suffix(1);
    auto decoded = base64_decode(text);
    wipe(octets.data(), octets.size());
    if (!decoded || decoded->size() != key_size) return failed(file, "is not a key: restore it from a backup");
    return std::optional<secret>{secret::take(*decoded)};
}

result<secret> make_key(std::filesystem::path const& folder)
{
    // Whole or not at all: written under another name, then linked; a second one loses.
    auto const file = folder / "accounts.key";
    auto const made = folder / ("accounts.key." + std::to_string(::getpid()));
    secret const key{random_octets(key_size)};
    {
        closing const open{::open(made.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)};
        std::string text = base64_encode(key.reveal()) + "\n";
        bool const good = open.descriptor >= 0 && write_all(open.descriptor, text) && ::fsync(open.descriptor) == 0;
        wipe(text.data(), text.size());
        if (!good) {
            error e = failed(made, std::strerror(errno));
            ::unlink(made.c_str());
            return e;
        }
    }
    bool const linked = ::link(made.c_str(), file.c_str()) == 0 || errno == EEXIST;
    int const number = errno;
    ::unlink(made.c_str());
    if (!linked) return failed(file, std::strerror(number));
    closing const directory{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (directory.descriptor < 0 || ::fsync(directory.descriptor) != 0) return failed(file, std::strerror(errno));
    auto in_force = read_key(folder);
    if (!in_force) return std::move(in_force).error();
    if (!*in_force) return failed(file, "is gone");
    return std::move(**in_force);
}

}  // namespace postern::directory
