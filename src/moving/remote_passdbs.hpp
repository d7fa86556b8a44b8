// Dovecot's files for directories and databases (dovecot-ldap.conf.ext, dovecot-sql.conf.ext)
// as the keys of a [[backend]].
#pragma once

#include "moving/dovecot_conf.hpp"
#include "moving/draft.hpp"

namespace postern::moving {

struct mapped_remote {
    std::vector<entry> entries;
    std::vector<finding> findings;
    std::string why_not;        // not empty: can't be carried over
    bool takes_domain = false;  // whether the back end has `domain`
    bool needs_domain = false;  // it asks by the part before the @
};

mapped_remote map_ldap(section const& settings);
mapped_remote map_sql(section const& settings);

}  // namespace postern::moving
