#include "directory/back_ends.hpp"

#include "directory/directory.hpp"

namespace postern::directory {
namespace {

using maker = std::function<std::unique_ptr<asker>()>;

/// Empty: nobody is asked, all users are in a file.
maker maker_of(backend_options const& o)
{
    if (o.type == "pam") return [o] { return make_pam_asker(o); };
    if (o.type == "dovecot") return [o] { return make_dovecot_asker(o); };
    if (o.type == "postgresql") return [o] { return make_postgres_asker(o); };
    if (o.type == "ldap") return ldap_askers(o);
    return {};
}

/// What follows from the type.
backend_options complete(backend_options o)
{
    if (o.type == "postgresql") {
        o.tells = true;
        o.takes_hashes = !o.sql.update.empty();
    }
    if (o.type == "ldap") o.tells = o.ldap.fetch;
    o.recognises = o.tells || o.type == "pam" || (o.type == "dovecot" && !o.users.empty()) ||
                   (o.type == "ldap" && !o.ldap.base.empty() && !o.ldap.filter.empty());
    return o;
}

}  // namespace

back_ends make_back_ends(std::vector<backend_options> const& list)
{
    back_ends made;
    for (auto const& given : list) {
        auto const o = complete(given);
        if (auto make = maker_of(o))
            made.authenticators.push_back(make_authenticator(o, std::move(make)));
        else
            made.sources.push_back(make_file_source(o));
    }
    return made;
}

result<> try_back_end(backend_options const& o)
{
    auto const make = maker_of(complete(o));
    if (!make) return done{};
    auto const answer = make()->probe(steady_clock::now() + o.timeout);
    return answer ? *answer : result<>{done{}};
}

}  // namespace postern::directory
