#include "directory/back_ends.hpp"

#include "directory/directory.hpp"

namespace postern::directory {
namespace {

using maker = std::unique_ptr<asker> (*)(backend_options const&);

/// Null: nobody is asked, all users are in a file.
maker maker_of(std::string const& type)
{
    if (type == "pam") return make_pam_asker;
    if (type == "dovecot") return make_dovecot_asker;
    if (type == "postgresql") return make_postgres_asker;
    return nullptr;
}

/// What follows from the type.
backend_options complete(backend_options o)
{
    if (o.type == "postgresql") {
        o.tells = true;
        o.takes_hashes = !o.sql.update.empty();
    }
    return o;
}

}  // namespace

back_ends make_back_ends(std::vector<backend_options> const& list)
{
    back_ends made;
    for (auto const& given : list) {
        auto const o = complete(given);
        if (auto const make = maker_of(o.type))
            made.authenticators.push_back(make_authenticator(o, [o, make] { return make(o); }));
        else
            made.sources.push_back(make_file_source(o));
    }
    return made;
}

result<> try_back_end(backend_options const& o)
{
    auto const make = maker_of(o.type);
    if (make == nullptr) return done{};
    auto const answer = make(complete(o))->probe(steady_clock::now() + o.timeout);
    return answer ? *answer : result<>{done{}};
}

}  // namespace postern::directory
