// For this room's tests: configurations as text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "config/settings.hpp"
#include "support/throw_away_folder.hpp"

namespace postern::config::testing {

using folder = postern::testing::throw_away_folder;

// All problems, a line each.
inline std::string problems_of(std::string_view toml)
{
    std::vector<problem> problems;
    auto const s = parse(toml, "p.toml", problems);
    CHECK(s.has_value() == problems.empty());
    std::string all;
    for (auto const& p : problems) all += p.to_string() + '\n';
    return all;
}

inline settings good(std::string_view toml)
{
    std::vector<problem> problems;
    auto s = parse(toml, "p.toml", problems);
    for (auto const& p : problems) FAIL_CHECK(p.to_string());
    REQUIRE(s.has_value());
    return *s;
}

struct row {
    std::string_view toml, problem;
};

inline bool has(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

}  // namespace postern::config::testing
