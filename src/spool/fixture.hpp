// For this room's tests: contents.
#pragma once

#include "support/spool_fixture.hpp"

namespace postern::spool::testing {

inline constexpr std::string_view some_text = "Subject: Hello\r\n\r\nHello, Bob.\r\n";

inline std::string big_text(std::size_t size)
{
    std::string text;
    for (std::size_t i = 0; text.size() < size; ++i) text += "line " + std::to_string(i) + "\r\n";
    return text;
}

inline std::string all_of(content const& c)
{
    std::string text;
    while (text.size() < c.size()) {
        auto piece = c.read(text.size(), 100'000);
        REQUIRE(piece);
        REQUIRE(!piece->empty());
        text += *piece;
    }
    return text;
}

}  // namespace postern::spool::testing
