#include "guard/network_lists.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "base/whole_file.hpp"

namespace postern::guard {
namespace {

constexpr std::size_t file_limit = 4u << 20;
constexpr char const* file_name = "guard.networks";

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
    auto text = read_whole_file(path, file_limit);
    if (!text) return std::move(text).error();
    if (!*text) return network_lists{};
    auto lists = parse_lists((*text)->reveal());
    if (!lists) lists.error().logged = path.string() + ": " + lists.error().logged;
    return lists;
}

result<> save_lists(std::filesystem::path const& data_dir, network_lists const& lists)
{
    return replace_whole_file(data_dir / file_name, to_text(lists));
}

}  // namespace postern::guard
