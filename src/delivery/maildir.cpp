#include "delivery/maildir.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.hpp"

namespace postern::delivery {

namespace {

constexpr std::size_t piece_size = 64u << 10;
constexpr std::size_t longest_name = 255;

class descriptor {
public:
    explicit descriptor(int number = -1) noexcept : number_(number) {}
    descriptor(descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
    descriptor& operator=(descriptor&& other) noexcept
    {
        std::swap(number_, other.number_);
        return *this;
    }
    ~descriptor()
    {
        if (number_ >= 0) ::close(number_);
    }
    int get() const noexcept { return number_; }
    explicit operator bool() const noexcept { return number_ >= 0; }
    /// Closes now, since some file systems report a failed write only here.
    bool close() noexcept { return ::close(std::exchange(number_, -1)) == 0; }

private:
    int number_;
};

error failed(std::string_view doing, std::filesystem::path const& where)
{
    int const why = errno;
    bool const full = why == ENOSPC || why == EDQUOT;
    return {full ? status{4, 3, 1} : status{4, 2, 0}, "The mailbox can't be written to at the moment",
            std::string{doing} + ' ' + printable(where.string()) + ": " + std::strerror(why)};
}

bool is_part(std::string_view part)
{
    if (part.empty() || part == "." || part == ".." || part.size() > longest_name) return false;
    return std::none_of(part.begin(), part.end(),
                        [](char c) { return c == '/' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

int open_folder(int at, char const* path) { return ::openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC); }

// Opens a folder, making it and what it lies in where missing. What is new is synced into
// the folder above it.
result<descriptor> open_or_make(std::filesystem::path const& folder)
{
    descriptor found{open_folder(AT_FDCWD, folder.c_str())};
    if (found) return found;
    if (errno != ENOENT || !folder.has_relative_path()) return failed("opening", folder);
    auto above = open_or_make(folder.parent_path());
    if (!above) return above.error();
    auto const name = folder.filename();
    if (::mkdirat(above->get(), name.c_str(), 0700) != 0 && errno != EEXIST) return failed("making", folder);
    if (::fsync(above->get()) != 0) return failed("syncing", folder.parent_path());
    descriptor made{open_folder(above->get(), name.c_str())};
    if (!made) return failed("opening", folder);
    return made;
}

result<descriptor> open_inside(descriptor const& folder, char const* name, std::filesystem::path const& where)
{
    descriptor found{open_folder(folder.get(), name)};
    if (found) return found;
    if (errno != ENOENT) return failed("opening", where / name);
    if (::mkdirat(folder.get(), name, 0700) != 0 && errno != EEXIST) return failed("making", where / name);
    if (::fsync(folder.get()) != 0) return failed("syncing", where);
    descriptor made{open_folder(folder.get(), name)};
    if (!made) return failed("opening", where / name);
    return made;
}

bool write_all(int file, std::string_view octets)
{
    while (!octets.empty()) {
        auto const n = ::write(file, octets.data(), octets.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        octets.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

// CRLF becomes LF; a CR at the end of a piece waits for what follows.
void append_unix_lines(std::string_view piece, bool& cr, std::string& out)
{
    if (cr && !piece.empty() && piece.front() != '\n') out += '\r';
    if (!piece.empty()) cr = false;
    while (!piece.empty()) {
        std::size_t const at = piece.find('\r');
        out.append(piece.substr(0, at));
        if (at == std::string_view::npos) return;
        piece.remove_prefix(at + 1);
        if (piece.empty()) {
            cr = true;
        } else if (piece.front() != '\n') {
            out += '\r';
        }
    }
}

result<> write_letter(int file, maildir_letter const& l, std::filesystem::path const& where)
{
    std::string out = l.header;
    bool cr = false;
    auto const total = l.body->size();
    for (std::uint64_t at = 0; at < total;) {
        std::string read;
        std::string_view piece;
        if (auto const all = l.body->in_memory()) {
            piece = *all;
        } else {
            auto part = l.body->read(at, piece_size);
            if (!part) return part.error();
            if (part->empty()) return error{{4, 3, 0}, "The message can't be read", "its content is shorter than said"};
            read = std::move(*part);
            piece = read;
        }
        at += piece.size();
        if (l.binary) {
            out += piece;
        } else {
            append_unix_lines(piece, cr, out);
        }
        if (!write_all(file, out)) return failed("writing", where);
        out.clear();
    }
    if (cr) out += '\r';
    if (!out.empty() && !write_all(file, out)) return failed("writing", where);
    return done{};
}

std::string temporary_name(std::string const& name)
{
    static std::atomic<unsigned> count{0};
    return name + ".P" + std::to_string(::getpid()) + 'N' + std::to_string(++count);
}

}  // namespace

std::optional<std::filesystem::path> maildir_folder(std::string_view pattern, std::string_view address)
{
    std::size_t const at = address.rfind('@');
    if (at == std::string_view::npos) return std::nullopt;
    std::string_view const local_part = address.substr(0, at), domain = address.substr(at + 1);
    if (!is_part(local_part) || !is_part(domain) || !is_part(address)) return std::nullopt;
    std::string folder;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
        if (pattern[i] != '%' || i + 1 == pattern.size()) {
            folder += pattern[i];
            continue;
        }
        switch (pattern[++i]) {
            case 'd': folder += domain; break;
            case 'n': folder += local_part; break;
            case 'u': folder += address; break;
            default: folder += pattern[i];
        }
    }
    std::filesystem::path path = folder;
    // Nothing that a part brought in may lead elsewhere, whatever stands beside it in the pattern.
    for (auto const& part : path.relative_path()) {
        if (part == ".." || part.native().size() > longest_name) return std::nullopt;
    }
    path = path.lexically_normal();
    return path.has_filename() ? path : path.parent_path();
}

std::string maildir_name(wall_time accepted_at, std::string_view queue_id, std::uint32_t recipient,
                         std::string_view hostname)
{
    auto const stamp = to_microseconds(accepted_at);
    std::string name = std::to_string(stamp / 1'000'000) + ".M" + std::to_string(stamp % 1'000'000) + 'I' +
                       std::string{queue_id} + 'R' + std::to_string(recipient) + '.';
    // A colon would begin the flags, a slash another folder.
    for (char c : hostname.substr(0, 128)) name += c == '/' || c == ':' || c == ',' ? '_' : c;
    return name;
}

result<> deliver(maildir_letter const& l)
{
    auto folder = open_or_make(l.folder);
    if (!folder) return folder.error();
    auto temporary = open_inside(*folder, "tmp", l.folder);
    if (!temporary) return temporary.error();
    auto fresh = open_inside(*folder, "new", l.folder);
    if (!fresh) return fresh.error();
    auto seen = open_inside(*folder, "cur", l.folder);
    if (!seen) return seen.error();

    std::string const name = temporary_name(l.name);
    auto const where = l.folder / "tmp" / name;
    descriptor file{
        ::openat(temporary->get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
    if (!file) return failed("making", where);
    result<> written = write_letter(file.get(), l, where);
    if (written && ::fsync(file.get()) != 0) written = failed("syncing", where);
    if (!file.close() && written) written = failed("closing", where);
    // A link, not a rename: it never replaces a message. When the name is there already, an
    // attempt whose result was never recorded put it there.
    if (written && ::linkat(temporary->get(), name.c_str(), fresh->get(), l.name.c_str(), 0) != 0 && errno != EEXIST) {
        written = failed("linking", l.folder / "new" / l.name);
    }
    ::unlinkat(temporary->get(), name.c_str(), 0);
    if (written && ::fsync(fresh->get()) != 0) written = failed("syncing", l.folder / "new");
    return written;
}

}  // namespace postern::delivery
