// Who reads a page, as far as the request tells: the language, the system, and the address to fill in.
#pragma once

#include <string>
#include <string_view>

#include "http/message.hpp"

namespace postern::help {

/// What the browser runs on, by its Client Hints or its User-Agent: the group of programs that is shown first.
std::string_view group_of_system(
    http::request const& r) noexcept;  // "windows", "apple", "android", "linux"; "": unknown

/// Whether it has the form of a mail address. No more is ever checked.
bool looks_like_address(std::string_view text) noexcept;

/// What `lang` in the query says, else what the browser likes best; of those that we have.
std::string_view language_of(http::request const& r);

class reader {
    std::string chosen_language_, chosen_address_;

public:
    explicit reader(http::request const& r, std::string_view account);

    std::string_view language;
    std::string address;       // given in the query, or of who is signed in; empty: none
    bool bad_address = false;  // something was given that is no address
    std::string_view system;   // as group_of_system()
    /// What links to other pages carry on, as a query with its '?': the chosen language and the address.
    std::string carried;

    /// The same with one parameter more, or another one.
    std::string carried_with(std::string_view name, std::string_view value) const;
};

}  // namespace postern::help
