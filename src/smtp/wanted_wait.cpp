#include "smtp/wanted_wait.hpp"

#include <algorithm>
#include <string_view>

#include "base/numbers.hpp"
#include "base/text.hpp"

namespace postern::smtp {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::seconds usual = 5min, least = 10s, most = 1h;

// "300 seconds", "5 min", "00:04:32"; nothing when it is no time.
std::optional<std::chrono::seconds> time_at(std::string_view text)
{
    auto const take_number = [&]() -> std::optional<std::uint32_t> {
        auto const end = std::min(text.find_first_not_of("0123456789"), text.size());
        if (end == 0 || end > 6) return std::nullopt;
        auto const n = parse_number<std::uint32_t>(text.substr(0, end));
        text.remove_prefix(end);
        return n;
    };
    auto const first = take_number();
    if (!first) return std::nullopt;
    if (text.starts_with(':')) {
        std::chrono::seconds all{*first};
        for (int parts = 0; parts < 2 && text.starts_with(':'); ++parts) {
            text.remove_prefix(1);
            auto const next = take_number();
            if (!next) return std::nullopt;
            all = all * 60 + std::chrono::seconds{*next};
        }
        return all;
    }
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    if (starts_with_ignoring_case(text, "min")) return std::chrono::minutes{*first};
    if (starts_with_ignoring_case(text, "h")) return std::chrono::hours{*first};
    if (starts_with_ignoring_case(text, "s")) return std::chrono::seconds{*first};
    return std::nullopt;
}

bool is_greylisting(std::string_view text)
{
    for (auto const* word : {"greylist", "graylist", "grey-list", "gray-list", "grey list", "gray list"})
        if (text.find(word) != std::string_view::npos) return true;
    return false;
}

}  // namespace

std::optional<std::chrono::seconds> wanted_wait(reply const& r)
{
    if (!r.temporary()) return std::nullopt;
    std::string const text = to_lower(std::string_view{r.text}.substr(0, 1000));
    for (auto const* before : {" in ", " after ", " for ", " wait "}) {
        std::string_view const word{before};
        for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
            auto rest = std::string_view{text}.substr(at + word.size());
            if (auto const said = time_at(rest)) return std::clamp(*said, least, most);
        }
    }
    if (is_greylisting(text)) return usual;
    return std::nullopt;
}

}  // namespace postern::smtp
