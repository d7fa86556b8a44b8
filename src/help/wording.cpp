#include "help/wording.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace postern::help {
namespace {

using values = std::vector<std::pair<std::string_view, std::string_view>>;

/// What stands at a pattern's {placeholders} in a text that was made from it; nothing where it was not. A value ends where the
/// words behind it begin.
std::optional<values> values_in(std::string_view pattern, std::string_view text)
{
    values found;
    for (;;) {
        auto const open = pattern.find('{');
        if (!text.starts_with(pattern.substr(0, open))) return std::nullopt;
        if (open == pattern.npos) return text.size() == pattern.size() ? std::optional{std::move(found)} : std::nullopt;
        text.remove_prefix(open);
        auto const close = pattern.find('}', open);
        auto const name = pattern.substr(open + 1, close - open - 1);
        pattern.remove_prefix(close + 1);
        auto const words = pattern.substr(0, pattern.find('{'));
        bool const last = words.size() == pattern.size();
        auto const end = last ? text.rfind(words) : text.find(words);
        if (end == text.npos) return std::nullopt;
        found.emplace_back(name, text.substr(0, end));
        text.remove_prefix(end);
    }
}

std::string filled(std::string_view pattern, values const& with)
{
    std::string out;
    for (;;) {
        auto const open = pattern.find('{');
        out += pattern.substr(0, open);
        if (open == pattern.npos) return out;
        auto const close = pattern.find('}', open);
        auto const name = pattern.substr(open + 1, close - open - 1);
        auto const at = std::find_if(with.begin(), with.end(), [&](auto const& v) { return v.first == name; });
        if (at != with.end()) out += at->second;
        pattern.remove_prefix(close + 1);
    }
}

std::optional<std::string> as_in(std::string_view english, std::string_view own, std::string_view text)
{
    auto const with = own.empty() ? std::nullopt : values_in(english, text);
    return with ? std::optional{filled(own, *with)} : std::nullopt;
}

std::optional<std::string> from_row(std::string_view text, std::string_view language, catalogue::rule const& row)
{
    auto const own = wording_of(row, language);
    // The headline last: that of some rows is nothing but a value.
    for (auto const& [english, words] : {std::pair{row.what, own.what},
                                         {row.user, own.user},
                                         {row.operator_remedy, own.operator_remedy},
                                         {row.reply, own.reply}})
        if (auto found = as_in(english, words, text)) return found;
    return std::nullopt;
}

std::optional<std::string> from_phrases(std::string_view text, std::string_view language)
{
    for (auto const& p : all_phrases())
        if (p.language == language)
            if (auto found = as_in(p.english, p.own, text)) return found;
    return std::nullopt;
}

}  // namespace

wording wording_of(catalogue::rule const& row, std::string_view language) noexcept
{
    wording out{row.reply, row.what, row.user, row.operator_remedy};
    auto const all = row_wordings();
    std::pair const wanted{language, row.name};
    auto const key = [](row_wording const& r) { return std::pair{r.language, r.name}; };
    auto const at = std::lower_bound(all.begin(), all.end(), wanted,
                                     [&](row_wording const& r, auto const& w) { return key(r) < w; });
    if (at == all.end() || key(*at) != wanted) return out;
    auto const& own = at->texts;
    if (!own.reply.empty()) out.reply = own.reply;
    if (!own.what.empty()) out.what = own.what;
    if (!own.user.empty()) out.user = own.user;
    if (!own.operator_remedy.empty()) out.operator_remedy = own.operator_remedy;
    return out;
}

std::string translated(std::string_view text, std::string_view language, catalogue::rule const* row)
{
    if (text.empty()) return {};
    if (row != nullptr)
        if (auto found = from_row(text, language, *row)) return std::move(*found);
    if (auto found = from_phrases(text, language)) return std::move(*found);
    // A cause may have the log's own words behind it.
    if (auto const behind = text.find(" ("); behind != text.npos && text.ends_with(')'))
        if (auto found = from_phrases(text.substr(0, behind), language))
            return *found + std::string{text.substr(behind)};
    return std::string{text};
}

}  // namespace postern::help
