// Exchanges in which no password is seen, SCRAM and CRAM-MD5: what they are computed from, and
// whether who went through one may log in.
#include <algorithm>

#include "base/crypto.hpp"
#include "base/log.hpp"
#include "directory/embedded.hpp"
#include "directory/import.hpp"
#include "directory/key_file.hpp"
#include "directory/names.hpp"

namespace postern::directory {

result<sasl::scram_keys> embedded::scram(std::string_view authcid, postern::hash h, certainty prepared)
{
    if (auto r = look_at_database(); !r) return std::move(r).error();
    auto const named = find_name(authcid, true, claimant::stranger);
    if (!named) return named.error();
    auto const& name = named->name;
    // Made up for everybody: who measures the time learns nothing.
    sasl::scram_keys keys = made_up_keys(name, h);
    auto const judged = known_by_app_passwords(name);
    auto const before = told_before(name);
    keys.unsure = named->doubtful || prepared == certainty::unsure || silent_here(name);
    entry const& found = named->who ? named->who : judged;
    if (found && found->scram[h].real) {
        bool const unsure = keys.unsure;
        keys = found->scram[h];
        keys.unsure = unsure;
    } else if (found) {
        bool const ours = found->id != 0;
        auto const salt = exchange_salt(*found, h).value_or(ours ? made_up_salt(name, h) : strangers_salt(name, h));
        keys.salt = salt.octets;
        keys.iterations = salt.iterations;
        keys.note = ours ? "the account has no SCRAM keys yet: one log-in with PLAIN makes them"
                         : "the back end has no such SCRAM keys for the user";
    } else if (before && keys.unsure) {
        // An outage must not show in the salt, or it would show who is known when it works.
        auto const salt = exchange_salt(*before, h).value_or(scram_salt{keys.salt, keys.iterations});
        keys.salt = salt.octets;
        keys.iterations = salt.iterations;
    }
    auto const& companions = found && !found->app_keys.empty() ? found->companions : no_companions_;
    keys.companions = companions[static_cast<std::size_t>(h)];
    return keys;
}

/// What cram_md5() gives as `stored_key`: another one as soon as the secret is.
std::string embedded::cram_key(stored_account const& a) const
{
    return hmac(hash::sha256, process_key_, a.cram_md5.empty() ? std::string{} : "cram-md5 " + a.cram_md5);
}

/// Whether the secrets can be opened at all: the key is there, and it is theirs. Asked for everybody.
bool embedded::can_open_secrets()
{
    if (!means_.get()->cram_md5) return true;
    if (!sealing_key_.get()->empty()) return true;
    auto key = read_key(options_.folder);
    std::string why;
    if (!key) {
        why = key.error().logged;
    } else if (!*key) {
        why = (options_.folder / "accounts.key").string() + " is gone: restore it from a backup";
    } else if (auto const some = store_->some_cram_md5(); !some) {
        why = some.error().logged;
    } else if (*some && !open_sealed((*key)->reveal(), (*some)->cram_md5, (*some)->who.address)) {
        why = "accounts.key is not the one that the CRAM-MD5 secrets were sealed with";
    } else {
        sealing_key_.set(std::make_shared<secret const>(std::move(**key)));
    }
    if (!why.empty() && !key_missed_.exchange(true))
        log::event(log::level::error, "account_key_unavailable", {{"detail", why}});
    if (why.empty()) key_missed_ = false;
    return why.empty();
}

result<shared_secret> embedded::cram_md5(std::string_view authcid, certainty prepared)
{
    if (auto r = look_at_database(); !r) return std::move(r).error();
    auto const named = find_name(authcid, true, claimant::stranger);
    if (!named) return named.error();
    auto const& name = named->name;
    entry const& found = named->who;
    bool const can_open = can_open_secrets();
    shared_secret given;
    given.unsure = named->doubtful || prepared == certainty::unsure || silent_here(name) || !can_open;
    given.password = secret{hmac(hash::sha256, store_->server_secret(), "cram-md5 " + with_domain(name))};
    if (!found || found->cram_md5.empty() || !can_open) {
        // The same work for everybody: who measures the time learns nothing.
        if (auto const same = open_sealed(process_key_, dummy_sealed_, {}); same && found)
            given.note = "the account has no CRAM-MD5 secret: `postern account password --cram-md5` gives it one";
        return given;
    }
    auto opened = open_sealed(sealing_key_.get()->reveal(), found->cram_md5, found->who.address);
    if (!opened) {
        given.note = "the account has no CRAM-MD5 secret that accounts.key opens: give it its password again";
        return given;
    }
    given.password = std::move(*opened);
    given.stored_key = cram_key(*found);
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
