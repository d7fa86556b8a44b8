// What the server says in English, in the reader's language: the texts of the catalogue, and the sentences beside it. From the
// same data as the pages (src/help/XX).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "catalogue/catalogue.hpp"

namespace postern::help {

struct wording {
    std::string_view reply, what, user, operator_remedy;
};

/// A row's texts; in English what the language lacks.
wording wording_of(catalogue::rule const& row, std::string_view language) noexcept;

/// A text of the row, or a sentence of the server's. Its placeholders may have been filled; their values stay as they are.
/// `row` may be null. What is not known stays English.
std::string translated(std::string_view text, std::string_view language, catalogue::rule const* row);

struct row_wording {
    std::string_view language, name;
    wording texts;  // empty: lacks it
};
struct phrase {
    std::string_view language, english, own;
};
/// The rows sorted by language and name. Generated.
std::span<row_wording const> row_wordings() noexcept;
std::span<phrase const> all_phrases() noexcept;

}  // namespace postern::help
