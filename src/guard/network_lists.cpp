#include "guard/network_lists.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include "base/text.hpp"

namespace postern::guard {
namespace {

constexpr std::size_t file_limit = 4u << 20;
constexpr char const* file_name = "guard.networks";

error failed(std::filesystem::path const& file, char const* doing)
{
    return {{4, 3, 0}, "", std::string{"can't "} + doing + ' ' + file.string() + ": " + std::strerror(errno)};
}

// Closes a descriptor at the end of a scope.
class open_file {
public:
    explicit open_file(int fd) : fd_(fd) {}
    open_file(open_file const&) = delete;
    open_file& operator=(open_file const&) = delete;
    ~open_file()
    {
        if (fd_ >= 0) ::close(fd_);
    }
    int get() const noexcept { return fd_; }

private:
    int fd_;
};

std::string_view trimmed(std::string_view s)
{
    auto const blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
    while (!s.empty() && blank(s.front())) s.remove_prefix(1);
    while (!s.empty() && blank(s.back())) s.remove_suffix(1);
    return s;
}

}  // namespace

int best_match(std::vector<network> const& networks, ip_address const& a) noexcept
{
    int best = -1;
    for (auto const& n : networks)
        if (static_cast<int>(n.prefix()) > best && n.contains(a)) best = static_cast<int>(n.prefix());
    return best;
}

result<network_lists> parse_lists(std::string_view text)
{
    network_lists lists;
    std::size_t number = 0;
    while (!text.empty()) {
        ++number;
        auto const end = std::min(text.find('\n'), text.size());
        auto const whole = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        auto const line = trimmed(whole.substr(0, whole.find('#')));
        if (line.empty()) continue;
        auto const bad = [&](std::string_view what) {
            return error{{5, 3, 5}, "", "line " + std::to_string(number) + ": " + std::string{what}};
        };
        auto const blank = line.find_first_of(" \t");
        auto const word = line.substr(0, blank);
        bool const denies = word == "deny";
        if (!denies && word != "allow") return bad("expected `deny NETWORK` or `allow NETWORK`");
        auto const n =
            network::parse(blank == std::string_view::npos ? std::string_view{} : trimmed(line.substr(blank)));
        if (!n) return bad("not a network such as 192.0.2.0/24 or 2001:db8::/32");
        if (lists.deny.size() + lists.allow.size() == network_lists::most) return bad("too many networks");
        (denies ? lists.deny : lists.allow).push_back(*n);
    }
    return lists;
}

std::string to_text(network_lists const& lists)
{
    std::string out = "# Written by `postern guard deny`, `allow` and `lift`.\n";
    for (auto const& n : lists.deny) out += "deny " + n.to_string() + '\n';
    for (auto const& n : lists.allow) out += "allow " + n.to_string() + '\n';
    return out;
}

result<network_lists> load_lists(std::filesystem::path const& data_dir)
{
    auto const path = data_dir / file_name;
    open_file const file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
    if (file.get() < 0) {
        if (errno == ENOENT) return network_lists{};
        return failed(path, "read");
    }
    std::string text;
    std::string piece(64u << 10, '\0');
    for (;;) {
        auto const n = ::read(file.get(), piece.data(), piece.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return failed(path, "read");
        if (n == 0) break;
        text.append(piece, 0, static_cast<std::size_t>(n));
        if (text.size() > file_limit) return error{{4, 3, 0}, "", path.string() + " is larger than 4 MiB"};
    }
    auto lists = parse_lists(text);
    if (!lists) lists.error().logged = path.string() + ": " + lists.error().logged;
    return lists;
}

result<> save_lists(std::filesystem::path const& data_dir, network_lists const& lists)
{
    auto const path = data_dir / file_name;
    auto const fresh = data_dir / (std::string{file_name} + ".new");
    auto const text = to_text(lists);
    {
        // What a crash left of an earlier try.
        ::unlink(fresh.c_str());
        open_file const file{::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)};
        if (file.get() < 0) return failed(fresh, "write");
        for (std::size_t at = 0; at < text.size();) {
            auto const n = ::write(file.get(), text.data() + at, text.size() - at);
            if (n < 0 && errno == EINTR) continue;
            if (n <= 0) return failed(fresh, "write");
            at += static_cast<std::size_t>(n);
        }
        if (::fsync(file.get()) != 0) return failed(fresh, "write");
    }
    if (::rename(fresh.c_str(), path.c_str()) != 0) return failed(path, "replace");
    open_file const folder{::open(data_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (folder.get() < 0 || ::fsync(folder.get()) != 0) return failed(data_dir, "sync");
    return {};
}

}  // namespace postern::guard
