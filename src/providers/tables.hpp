// The shape of the generated tables.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.hpp"
#include "catalogue/catalogue.hpp"
#include "providers/providers.hpp"

namespace postern::providers {

/// All that is not empty has to fit.
struct reply_row {
    catalogue::rule const* why;
    std::uint8_t steps;          // a bit for each
    std::string_view whose;      // a provider's id or family; empty: anybody's
    std::span<int const> codes;  // 535; or a class, 5
    std::span<postern::status const> statuses;
    std::span<std::string_view const> words;  // one of them is in the text; in small letters, `…` stands for anything
    catalogue::actor who;                     // unknown: the rule's own
};

std::span<reply_row const> reply_rows();

}  // namespace postern::providers
