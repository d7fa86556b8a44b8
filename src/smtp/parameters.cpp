#include "smtp/parameters.hpp"

#include <algorithm>

namespace postern::smtp {
namespace {

bool is_keyword(std::string_view text)
{
    auto const letter_or_digit = [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    };
    return !text.empty() && letter_or_digit(text[0]) &&
           std::all_of(text.begin(), text.end(), [&](char c) { return letter_or_digit(c) || c == '-'; });
}

}  // namespace

std::optional<parameter> parameter_reader::next()
{
    if (rest_.empty() || malformed_) return std::nullopt;
    // The first parameter too has a blank before it: "<a@b>SIZE=1" is malformed.
    malformed_ = !rest_.starts_with(' ');
    auto const begin = rest_.find_first_not_of(' ');
    if (begin == std::string_view::npos) rest_ = {};
    if (malformed_ || rest_.empty()) return std::nullopt;
    rest_.remove_prefix(begin);
    auto const text = rest_.substr(0, rest_.find(' '));
    rest_.remove_prefix(text.size());

    auto const equals = text.find('=');
    parameter found{text.substr(0, equals), std::nullopt};
    if (equals != std::string_view::npos) found.value = text.substr(equals + 1);
    // A value is not empty and has no second "=" (esmtp-value); xtext and ORCPT's too.
    malformed_ = !is_keyword(found.keyword) ||
                 (found.value && (found.value->empty() || found.value->find('=') != std::string_view::npos));
    if (malformed_) return std::nullopt;
    return found;
}

}  // namespace postern::smtp
