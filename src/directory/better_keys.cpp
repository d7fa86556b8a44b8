// Better keys for a password that just matched: SCRAM keys that are missing, a current hash in the
// place of an old one. Made when no log-in waits, never on a log-in's way.
#include <algorithm>

#include "base/log.hpp"
#include "directory/embedded.hpp"
#include "directory/import.hpp"
#include "directory/verifier.hpp"
#include "sasl/prepare.hpp"

namespace postern::directory {

/// Whether keys are missing that the offered mechanisms could use.
bool embedded::lacks_scram(stored_account const& a) const
{
    auto const wanted = scram_hashes_.get();
    return std::any_of(wanted->begin(), wanted->end(), [&](hash h) { return !a.scram[h].real; });
}

/// An imported hash gives no SCRAM keys; the password that just matched does. Made when
/// no log-in waits. The salt is the made-up one, so that the change does not show.
void embedded::learn_scram(entry const& e, secret const& password)
{
    pool_.when_idle([this, e, password] {
        scram_set keys;
        for (hash const h : *scram_hashes_.get()) {
            if (!e->scram[h].real) {
                auto const salt = exchange_salt(*e, h).value_or(made_up_salt(e->who.address, h));
                keys.set(h, make_scram_keys(h, password.reveal(), salt.octets, salt.iterations));
            }
        }
        if (auto stored = store_->set_scram(e->id, e->verifier, keys); !stored) {
            log::event(log::level::warning, "scram_keys_not_stored",
                       {{"account", e->who.address}, {"detail", stored.error().logged}});
            return;
        }
        ++epoch_;
        logins_.erase(e->who.address);
        if (auto found = refresh_means(); !found) must_refresh_ = true;
        log::event(log::level::debug, "scram_keys_made", {{"account", e->who.address}});
    });
}

bool embedded::lacks_scram(stored_account const& a, app_password const& p) const
{
    auto const wanted = scram_hashes_.get();
    return p.works(wall_clock::now()) && std::any_of(wanted->begin(), wanted->end(), [&](hash h) {
               auto const salt = exchange_salt(a, h);
               return std::none_of(a.app_keys.begin(), a.app_keys.end(), [&](app_password_key const& k) {
                   return k.app_password == p.id && k.hash == h && salt && k.keys.salt == salt->octets &&
                          k.keys.iterations == salt->iterations;
               });
           });
}

/// The same for an app password, which may be older than a mechanism, or than the salt.
void embedded::learn_scram(entry const& e, std::shared_ptr<app_password const> const& p, secret const& letters)
{
    pool_.when_idle([this, e, p, letters] {
        if (auto stored = store_->put_app_password_keys(p->id, make_app_keys(*e, letters, *scram_hashes_.get()));
            !stored) {
            log::event(log::level::warning, "scram_keys_not_stored",
                       {{"account", e->who.address}, {"detail", stored.error().logged}});
            return;
        }
        ++epoch_;
        logins_.erase(e->who.address);
        outside_apps_.erase(e->who.address);
        if (auto found = refresh_means(); !found) must_refresh_ = true;
    });
}

/// A hash that another program made becomes one of ours, when no log-in waits.
void embedded::upgrade_hash(entry const& e, secret const& password)
{
    pool_.when_idle([this, e, password] { upgrade(e, password); });
}

void embedded::upgrade(entry const& e, secret const& password)
{
    secret const prepared = sasl::scram_password(password.reveal());
    // Whoever sends the same octets again must match again.
    auto const candidates = sasl::password_candidates(password.reveal());
    if (std::none_of(candidates.begin(), candidates.end(),
                     [&](auto const& c) { return c.octets.reveal() == prepared.reveal(); }))
        return;
    std::string const made = make_verifier(prepared.reveal());
    if (made.empty()) return;  // no memory; the next log-in tries again
    if (e->id == 0) return upgrade_outside(e, made);
    // Before anybody reads it: checks that began with the old one end well.
    upgrades_.put(e->verifier, made);
    auto stored = store_->upgrade_verifier(e->id, e->verifier, made, cost_of(made));
    if (!stored) {
        log::event(log::level::warning, "password_hash_not_upgraded",
                   {{"account", e->who.address}, {"detail", stored.error().logged}});
        return;
    }
    // The password just matched: no hash for its next use, from the moment at which others see the new one.
    if (options_.cache_life.count() > 0)
        memories_.put(credential_key(e->who.address, made, password.reveal()),
                      memory{true, sasl::password_candidate::form::prepared, steady_clock::now() + options_.cache_life,
                             login_cause::none});
    ++epoch_;
    logins_.erase(e->who.address);
    // What it takes to check an unknown name follows the accounts.
    if (auto r = refresh_dummy(); !r) must_refresh_ = true;
    log::event(log::level::debug, "password_hash_upgraded", {{"account", e->who.address}, {"from", e->who.scheme}});
}

bool embedded::is_upgrade(std::string const& verifier, std::string const& now)
{
    auto const became = upgrades_.get(verifier);
    return became && *became == now;
}

}  // namespace postern::directory
