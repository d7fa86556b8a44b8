// Exchanges in which no password is seen, SCRAM and CRAM-MD5: what they are computed from, and
// whether who went through one may log in.
#include <algorithm>

#include "base/crypto.hpp"
#include "directory/embedded.hpp"
#include "directory/import.hpp"
#include "directory/key_file.hpp"
#include "directory/names.hpp"

namespace postern::directory {

scram_salt embedded::made_up_salt(std::string const& name, hash h) const
{
    return made_up_salt(name, h, {scram_iterations, scram_salt_size});
}

scram_salt embedded::made_up_salt(std::string const& name, hash h, scram_shape const& shape) const
{
    std::string text{"salt"};
    text += '\0';
    text += name;
    std::string const key = store_->server_secret();
    std::string octets = hmac(h, key, text);
    while (octets.size() < shape.salt_size) octets += hmac(h, key, text + octets);
    octets.resize(shape.salt_size);
    return {std::move(octets), shape.iterations};
}

/// The same for a name that is no account's: those of a back end's users may be of another shape than ours.
scram_salt embedded::outside_salt(std::string const& name, hash h) const
{
    scram_shape shape{scram_iterations, scram_salt_size};
    for (auto const& a : authenticators_)
        if (a->tells() && a->covers(name)) shape = a->usual_shape(h).value_or(shape);
    return made_up_salt(name, h, shape);
}

sasl::scram_keys embedded::made_up_keys(std::string const& name, hash h) const
{
    std::string const secret_key = store_->server_secret();
    auto const derive = [&](std::string_view purpose) {
        std::string text{purpose};
        text += '\0';
        text += name;
        return hmac(h, secret_key, text);
    };
    sasl::scram_keys keys;
    auto salt = outside_salt(name, h);
    keys.salt = std::move(salt.octets);
    keys.iterations = salt.iterations;
    keys.stored_key = derive("stored key");
    keys.server_key = derive("server key");
    return keys;
}

result<sasl::scram_keys> embedded::scram(std::string_view authcid, postern::hash h, certainty prepared)
{
    if (auto r = look_at_database(); !r) return std::move(r).error();
    auto named = find_name(authcid, true, claimant::stranger);
    if (!named) return std::move(named).error();
    auto const& name = named->name;
    // Made up for everybody: who measures the time learns nothing.
    sasl::scram_keys keys = made_up_keys(name, h);
    auto const judged = known_by_app_passwords(name);
    entry const& found = named->who ? named->who : judged;
    if (found && found->scram[h].real) {
        keys = found->scram[h];
    } else if (found) {
        bool const ours = found->id != 0;
        auto const salt = exchange_salt(*found, h).value_or(ours ? made_up_salt(name, h) : outside_salt(name, h));
        keys.salt = salt.octets;
        keys.iterations = salt.iterations;
        keys.note = ours ? "the account has no SCRAM keys yet: one log-in with PLAIN makes them"
                         : "the back end has no such SCRAM keys for the user";
    }
    auto const& companions = found && !found->app_keys.empty() ? found->companions : no_companions_;
    keys.companions = companions[static_cast<std::size_t>(h)];
    keys.unsure = named->unsure || prepared == certainty::unsure;
    return keys;
}

/// What cram_md5() gives as `stored_key`: another one as soon as the secret is.
std::string embedded::cram_key(stored_account const& a) const
{
    return hmac(hash::sha256, process_key_, a.cram_md5.empty() ? std::string{} : "cram-md5 " + a.cram_md5);
}

result<shared_secret> embedded::cram_md5(std::string_view authcid, certainty prepared)
{
    if (auto r = look_at_database(); !r) return std::move(r).error();
    auto named = find_name(authcid, true, claimant::stranger);
    if (!named) return std::move(named).error();
    auto const& name = named->name;
    auto const* const found = &named->who;
    shared_secret given;
    given.unsure = named->unsure || prepared == certainty::unsure;
    given.password = secret{hmac(hash::sha256, store_->server_secret(), "cram-md5 " + name)};
    if (!*found || (*found)->cram_md5.empty()) {
        // The same work for everybody: who measures the time learns nothing.
        if (auto const same = open_sealed(process_key_, dummy_sealed_, {}); same && *found)
            given.note = "the account has no CRAM-MD5 secret: `postern account password --cram-md5` gives it one";
        return given;
    }
    if (sealing_key_.get()->empty()) {
        auto key = read_key(options_.folder);
        if (!key) return std::move(key).error();
        if (*key) sealing_key_.set(std::make_shared<secret const>(std::move(**key)));
    }
    auto opened = open_sealed(sealing_key_.get()->reveal(), (*found)->cram_md5, (*found)->who.address);
    if (!opened)
        return error{{4, 3, 0},
                     "The key of the account database is not available",
                     "accounts.key is not the one that the CRAM-MD5 secrets were sealed with"};
    given.password = std::move(*opened);
    given.stored_key = cram_key(**found);
    given.real = true;
    return given;
}

result<login> embedded::authorize(std::string_view authcid, std::string_view authzid, std::string_view stored_key)
{
    if (auto r = look_at_database(); !r) return std::move(r).error();
    if (!is_same_name(authzid, authcid))
        return refused(login_cause::other_identity, "the authorization identity is someone else");
    auto named = find_name(authcid, true, claimant::proven);
    if (!named) return std::move(named).error();
    auto const* const found = &named->who;
    if (!*found) return refused(login_cause::unknown_user, "no such account");
    // The exchange took a while, and the client decides how long.
    auto const& now = (*found)->scram;
    bool const proven = equal_in_constant_time(cram_key(**found), stored_key) ||
                        std::any_of(scram_set::hashes.begin(), scram_set::hashes.end(), [&](hash h) {
                            return now[h].real && equal_in_constant_time(now[h].stored_key, stored_key);
                        });
    if (proven) return state_of(*found, "proven by the mechanism");
    std::int64_t used = 0;
    for (auto const& k : (*found)->app_keys)
        if (equal_in_constant_time(k.keys.stored_key, stored_key)) used = k.app_password;
    for (auto const& app : (*found)->who.app_passwords)
        if (app->id == used) return state_of_app(*found, app);
    return refused(login_cause::changed_meanwhile, "the password was changed meanwhile");
}

}  // namespace postern::directory
