// What a text that somebody pasted can mean: an error of a mail program, a reply of a server, a rule's name, the id of a
// refusal. Knows nothing but the tables.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "catalogue/catalogue.hpp"
#include "setup/programs.hpp"

namespace postern::help {

struct meaning {
    std::vector<catalogue::rule const*> rules;  // the likeliest first; at most 8
    std::string id;                             // of a refusal; empty: there is none in it
};

/// `of`: whose error it is; null: unknown.
meaning find_meaning(std::string_view text, setup::program const* of);

}  // namespace postern::help
