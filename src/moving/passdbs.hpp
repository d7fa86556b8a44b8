// Dovecot's passdbs, as back ends of ours that ask where Dovecot asks. Part of plan_users.cpp.
#pragma once

#include "moving/planner.hpp"

namespace postern::moving {

struct mapped_passdbs {
    std::vector<row> rows;
    std::vector<finding> findings;  // that hold if the rows are used
    bool complete = true;           // false: some passdb has no counterpart
    std::string why_not;            // a sentence
    place why_not_at;
};

mapped_passdbs map_passdbs(planner& p);

/// `postern import ...` for a passwd-file; nothing for other passdbs.
std::optional<std::string> import_command(planner& p, section const& passdb);

/// Do Dovecot's own names have no domain (auth_username_format)?
bool names_lack_domains(planner& p);

}  // namespace postern::moving
