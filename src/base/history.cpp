#include "base/history.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "base/history_file.hpp"
#include "base/ids.hpp"
#include "base/log.hpp"
#include "base/text.hpp"

namespace postern::log {
namespace {

constexpr std::size_t block = 1u << 20;

// `":"ID` is where a value begins, `"KEY":"ID` that of a key; quotes inside a value are escaped, so
// nothing that somebody put into a value looks like it.
std::vector<std::string> needles_of(std::vector<std::string> const& ids, std::string_view key)
{
    auto const before = key.empty() ? std::string{"\":\""} : '"' + std::string{key} + "\":\"";
    std::vector<std::string> needles;
    for (auto const& id : ids) {
        if (id.empty()) continue;
        auto const plain = looks_like_id(id) ? to_upper(id.substr(0, id.find('.'))) : id;
        auto needle = before + plain;
        if (std::find(needles.begin(), needles.end(), needle) == needles.end()) needles.push_back(std::move(needle));
    }
    return needles;
}

bool ends_value(std::string_view text, std::size_t at)
{
    if (at < text.size() && text[at] == '.') {
        ++at;
        while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    }
    return at < text.size() && text[at] == '"';
}

// Where the lines of `text` begin that mention any of the needles, in order.
std::vector<std::size_t> find_lines(std::string_view text, std::vector<std::string> const& needles)
{
    std::vector<std::size_t> starts;
    for (auto const& needle : needles) {
        std::size_t at = 0;
        while (at < text.size()) {
            auto const* hit =
                static_cast<char const*>(::memmem(text.data() + at, text.size() - at, needle.data(), needle.size()));
            if (hit == nullptr) break;
            at = static_cast<std::size_t>(hit - text.data());
            if (ends_value(text, at + needle.size())) {
                auto const before = text.rfind('\n', at);
                starts.push_back(before == std::string_view::npos ? 0 : before + 1);
                at = std::min(text.find('\n', at), text.size());
            } else {
                at += needle.size();
            }
        }
    }
    std::sort(starts.begin(), starts.end());
    starts.erase(std::unique(starts.begin(), starts.end()), starts.end());
    return starts;
}

// The last `limit` lines of a file that mention a needle. Reads block by block: a file
// may be large, and one that shrinks meanwhile must not hurt.
std::vector<std::string> search(std::filesystem::path const& path, std::vector<std::string> const& needles,
                                std::size_t limit)
{
    std::vector<std::string> found;
    int const file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return found;
    std::string text;
    for (;;) {
        auto const kept = text.size();
        text.resize(kept + block);
        auto const n = ::read(file, text.data() + kept, block);
        if (n < 0 && errno == EINTR) {
            text.resize(kept);
            continue;
        }
        text.resize(kept + (n > 0 ? static_cast<std::size_t>(n) : 0));
        if (n <= 0) break;
        // A line without its end is being written, or was cut off by a crash.
        auto const end = text.rfind('\n');
        auto const whole = std::string_view(text).substr(0, end == std::string::npos ? 0 : end + 1);
        for (auto const start : find_lines(whole, needles)) {
            found.emplace_back(whole.substr(start, whole.find('\n', start) - start));
            if (found.size() >= 2 * limit) found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(limit));
        }
        // Nothing of ours writes lines of this length: give the rubbish up.
        if (whole.empty() && text.size() > 4 * block)
            text.clear();
        else
            text.erase(0, whole.size());
    }
    ::close(file);
    if (found.size() > limit) found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(limit));
    return found;
}

}  // namespace

std::vector<std::string> find_in_history(std::filesystem::path const& folder, std::vector<std::string> const& ids,
                                         std::size_t limit, std::uint64_t octets, std::string_view key)
{
    flush();
    std::vector<std::string> lines;
    auto const needles = needles_of(ids, key);
    if (needles.empty() || limit == 0) return lines;
    auto files = history_files(folder);
    std::uint64_t read = 0;
    for (auto at = files.rbegin(); at != files.rend() && lines.size() < limit && read < octets; ++at) {
        std::error_code gone;
        if (auto const size = std::filesystem::file_size(at->second, gone); !gone) read += size;
        auto older = search(at->second, needles, limit - lines.size());
        lines.insert(lines.begin(), std::make_move_iterator(older.begin()), std::make_move_iterator(older.end()));
    }
    return lines;
}

}  // namespace postern::log
