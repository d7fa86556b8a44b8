// Dovecot's password_query, with $1 in place of its variables.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace postern::moving {

enum class variable : std::uint8_t { none, user, name, domain, percent };

/// What stands at the front of `text`, which begins with %: "%u", "%Ln", "%{domain}", ... `length` is
/// how much of it. `none`: a variable that has no counterpart.
variable variable_at(std::string_view text, std::size_t& length) noexcept;

struct translated_query {
    std::string text;
    bool by_name = false;  // $1 is the part before the @: the query says nothing of the domain
    std::string why_not;   // not empty: it can't be translated
};

translated_query translate_query(std::string_view query);

}  // namespace postern::moving
