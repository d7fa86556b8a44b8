// What to say of Postfix's parameters that have no option of ours.
#pragma once

#include <string_view>

#include "moving/draft.hpp"

namespace postern::moving {

struct remark {
    std::string_view name;  // of a parameter; a * stands for anything
    weight how_much;
    std::string_view why;
};

/// The first that fits; nullptr when Postfix's parameter is not known here.
remark const* remark_on(std::string_view parameter) noexcept;

}  // namespace postern::moving
