#include "directory/passwd_file.hpp"

#include <array>
#include <chrono>
#include <unordered_set>

#include "base/numbers.hpp"
#include "base/text.hpp"
#include "directory/names.hpp"

namespace postern::directory {
namespace {

constexpr std::size_t most_problems = 100;

/// Fields between colons; the last one keeps the rest.
template <std::size_t Count>
std::array<std::string_view, Count> split(std::string_view line)
{
    std::array<std::string_view, Count> field;
    for (std::size_t i = 0; i < Count; ++i) {
        auto const colon = i + 1 < Count ? line.find(':') : std::string_view::npos;
        field[i] = line.substr(0, colon);
        if (colon == std::string_view::npos) break;
        line.remove_prefix(colon + 1);
    }
    return field;
}

/// What Dovecot keeps behind the shell: words, some with a value.
void read_extra_fields(std::string_view text, passwd_line& l)
{
    while (!text.empty()) {
        auto const end = text.find_first_of(" \t");
        auto word = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        auto const name = word.substr(0, word.find('='));
        if (name == "nologin") l.may_log_in = false;
        if (name == "allow_nets") l.bound_to_networks = true;
    }
}

bool is_expired(std::string_view day, wall_time now)
{
    // Days since 1970; empty: never. What can't be read is no date to let somebody in by.
    if (day.empty()) return false;
    auto const number = parse_number<std::uint32_t>(day);
    auto const today = std::chrono::duration_cast<std::chrono::hours>(now.time_since_epoch()).count() / 24;
    return !number || static_cast<std::int64_t>(*number) <= today;
}

void read_password(std::string_view hash, file_format const& format, passwd_line& l)
{
    l.locked = is_locked(hash, format.what);
    bool const bare = !hash.starts_with('{') && !hash.starts_with('$');
    if (l.locked || !bare || format.scheme.empty()) {
        l.reading = read_import(hash);
        return;
    }
    secret const whole{"{" + format.scheme + "}" + std::string{hash}};
    l.reading = read_import(whole.reveal());
}

}  // namespace

bool is_locked(std::string_view hash, file_format::kind k)
{
    if (hash.empty() || hash == "*" || hash == "!" || hash == "!!" || hash == "x") return true;
    return k != file_format::kind::htpasswd && (hash.starts_with('!') || hash.starts_with('*'));
}

std::vector<passwd_line> read_passwd_lines(std::string_view text, file_format const& format, wall_time now,
                                           std::vector<std::string>& problems)
{
    using kind = file_format::kind;
    std::vector<passwd_line> list;
    std::unordered_set<std::string> seen;
    std::size_t number = 0;
    auto complain = [&](std::string const& what) {
        if (problems.size() < most_problems) problems.push_back("line " + std::to_string(number) + ": " + what);
    };
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    while (!text.empty()) {
        ++number;
        auto const end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        if (line.find_first_not_of(" \t") == std::string_view::npos || line.starts_with('#')) continue;
        if (line.find(':') == std::string_view::npos) {
            complain("no ':' between address and hash");
            continue;
        }
        auto const field = split<8>(line);
        passwd_line l;
        l.number = number;
        l.shown = printable(field[0], 100);
        read_password(field[1], format, l);
        if (format.what == kind::dovecot) read_extra_fields(field[7], l);
        if (format.what == kind::shadow) {
            // The system's own users have names that are no addresses, and no password.
            if (l.locked) continue;
            if (is_expired(field[7].substr(0, field[7].find(':')), now)) l.may_log_in = false;
        }
        std::string name{field[0]};
        if (name.find('@') == std::string::npos && !format.domain.empty() && !name.empty()) name += "@" + format.domain;
        auto address = login_key(name);
        if (!address) {
            complain(l.shown +
                     (name.starts_with('@') ? ": the part before the @ is missing" : " is not a full address"));
            continue;
        }
        if (!seen.insert(*address).second) {
            complain(l.shown + " is in the file twice");
            continue;
        }
        l.address = std::move(*address);
        list.push_back(std::move(l));
    }
    return list;
}

}  // namespace postern::directory
