// Files of users that other programs wrote, in each format: every user has one clean address,
// and what is wrong is named by its line.
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string_view>

#include "base/text.hpp"
#include "directory/passwd_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* octets, std::size_t size)
{
    using namespace postern;
    using namespace postern::directory;
    if (size == 0) return 0;
    file_format format;
    format.what = static_cast<file_format::kind>(octets[0] % 3);
    if ((octets[0] & 4) != 0) format.domain = "example.com";
    if ((octets[0] & 8) != 0) format.scheme = "SHA256";
    std::string_view const text{reinterpret_cast<char const*>(octets) + 1, size - 1};
    std::vector<std::string> problems;
    auto const lines = read_passwd_lines(text, format, wall_time{std::chrono::hours{24 * 20'000}}, problems);
    std::set<std::string> seen;
    for (auto const& l : lines) {
        if (l.address.find('@') == std::string::npos || !seen.insert(l.address).second) std::abort();
        if (l.number == 0 || (l.reading.problem == nullptr && l.reading.verifier.empty() == l.reading.password.empty()))
            std::abort();
        if (l.locked && format.what == file_format::kind::shadow) std::abort();
    }
    if (problems.size() > 100) std::abort();
    for (auto const& p : problems)
        if (!p.starts_with("line ") || p.find_first_of("\r\n\x1b") != std::string::npos) std::abort();
    return 0;
}
