// Log-ins of the embedded directory: what is remembered, what is under way, and what
// must be hashed.
#include <algorithm>

#include "base/crypto.hpp"
#include "base/log.hpp"
#include "directory/embedded.hpp"
#include "directory/import.hpp"
#include "directory/key_file.hpp"
#include "directory/names.hpp"
#include "directory/verifier.hpp"

namespace postern::directory {
namespace {

// A device with an old password asks again and again: no hash for that, but not for long.
constexpr std::chrono::seconds remember_failure{60};
// So long do the checks for a name that failed wait behind others.
constexpr std::chrono::seconds suspicion{60};

error busy() { return {{4, 7, 0}, "Too many log-ins at once", "the password hashing queue is full"}; }

error failed_check() { return {{4, 7, 0}, "The password could not be checked", "a password hash failed: no memory?"}; }

login refused(login_cause why, std::string cause)
{
    login l;
    l.cause = std::move(cause);
    l.why = why;
    return l;
}

/// No authorization identity is one's own, too.
bool is_same_name(std::string_view authzid, std::string_view authcid)
{
    return authzid.empty() || authzid == authcid || any_name_key(authzid) == any_name_key(authcid);
}

/// The cause that shows at once.
login_cause first_cause(bool known, secret const& password)
{
    if (!known) return login_cause::unknown_user;
    return read_app_password(password.reveal()) ? login_cause::app_password_wrong : login_cause::wrong_password;
}

std::string matched_as(char const* how, sasl::password_candidate::form as)
{
    return std::string{how} + ", password matched as " + to_string(as);
}

}  // namespace

/// What the caches of checks know credentials by. With the verifier in it, a changed
/// password makes everything remembered of the account unreachable.
std::string embedded::credential_key(std::string_view name, std::string_view verifier, std::string_view password) const
{
    std::string text;
    text.reserve(name.size() + verifier.size() + password.size() + 2);
    text += name;
    text += '\0';
    text += verifier;
    text += '\0';
    text += password;
    std::string key = hmac(hash::sha256, process_key_, text);
    wipe(text.data(), text.size());
    return key;
}

login embedded::state_of(entry const& e, std::string cause, std::shared_ptr<app_password const> app) const
{
    login l;
    l.who = std::shared_ptr<account const>{e, &e->who};
    l.cause = std::move(cause);
    l.state = !e->who.enabled                                   ? login_state::disabled
              : !e->who.smtp_auth                               ? login_state::smtp_auth_off
              : !app && !basic_passwords_of(e->who).now.allowed ? login_state::app_password_needed
                                                                : login_state::accepted;
    l.app = std::move(app);
    switch (l.state) {
        case login_state::disabled: l.why = login_cause::account_off; break;
        case login_state::smtp_auth_off: l.why = login_cause::smtp_auth_off; break;
        case login_state::app_password_needed: l.why = login_cause::app_password_needed; break;
        case login_state::accepted:
        case login_state::bad_credentials: break;
    }
    return l;
}

/// Whom a client may mean, and by which reading of the name. Nobody: the first reading. For users of
/// back ends that tell of them, prepare_login() was called before.
result<embedded::found_name> embedded::find_name(std::string_view text, bool outside, claimant who)
{
    auto candidates = name_candidates(text);
    for (auto& c : candidates) {
        auto found = who == claimant::stranger ? load_claimed(c.key) : load_login(c.key);
        if (!found) return std::move(found).error();
        if (*found) return found_name{std::move(c.key), std::move(*found), c.form};
    }
    auto& first = candidates.front();
    auto told = outside && !authenticators_.empty() ? fetched_outside(first.key) : result<entry>{nullptr};
    if (!told) return std::move(told).error();
    return found_name{std::move(first.key), std::move(*told), first.form};
}

void embedded::verify_password(std::string_view authcid, std::string_view authzid, secret password,
                               login_handler handler)
{
    if (auto r = look_at_database(); !r) return handler(std::move(r).error());
    // Another identity than one's own is never granted; said without looking at either.
    if (!is_same_name(authzid, authcid))
        return handler(refused(login_cause::other_identity, "the authorization identity is someone else"));
    auto found = find_name(authcid, false, claimant::proven);
    if (!found) return handler(std::move(found).error());
    auto const& [name, e, form] = *found;
    if (form != std::string_view{"prepared"}) {
        handler = [inner = std::move(handler), how = form](result<login> l) {
            if (l) l->cause += std::string{", name matched as "} + how;
            inner(std::move(l));
        };
    }

    if (auto const letters = read_app_password(password.reveal())) {
        if (auto app = find_app_password(e, *letters)) {
            if (lacks_scram(*e, *app)) learn_scram(e, app, *letters);
            return handler(state_of_app(e, std::move(app)));
        }
    }
    if (!e && may_be_outside(name)) return ask_outside(name, std::move(password), std::move(handler));
    check(name, e, std::move(password), std::move(handler));
}

/// What the password for an unknown name is checked against.
std::string embedded::dummy_for(std::string const& name) const
{
    for (auto const& a : authenticators_) {
        if (!a->tells() || !a->covers(name)) continue;
        if (auto made = a->dummy(); !made.empty()) return made;
    }
    return *dummy_.get();
}

/// The account, wherever it is; for those of back ends, prepare_login() was called before.
result<embedded::entry> embedded::find_login(std::string const& name)
{
    auto found = load_login(name);
    if (found && !*found && !authenticators_.empty()) found = fetched_outside(name);
    return found;
}

/// Whether the password is that of the account; null: of nobody.
void embedded::check(std::string const& name, entry const& e, secret password, login_handler handler)
{
    std::string verifier = e ? e->verifier : dummy_for(name);
    std::string const key = credential_key(name, verifier, password.reveal());
    if (auto const known = memories_.get(key); known && known->until > steady_clock::now()) {
        if (known->right && e) return handler(state_of(e, matched_as("cached", known->as)));
        auto again = refused(known->why, e ? "the same wrong password again" : "no such account, again");
        return handler(std::move(again));
    }
    begin_check(name, e, std::move(verifier), key, std::move(password), std::move(handler));
}

/// Joins the check of the same credentials that is under way, or begins one.
void embedded::begin_check(std::string const& name, entry const& e, std::string verifier, std::string const& key,
                           secret password, login_handler handler)
{
    {
        std::lock_guard lock{flights_lock_};
        auto const [flight, fresh] = flights_.try_emplace(key);
        flight->second.push_back({name, std::move(handler)});
        if (!fresh) return;
    }
    auto const failed = failures_.get(name);
    bool const suspect = failed && *failed > steady_clock::now();
    verification v;
    v.verifier = verifier;
    v.candidates = sasl::password_candidates(password.reveal());
    // Keys for SCRAM and a better hash can only be made while the password is at hand. The users
    // of back ends keep what they have, unless one takes better hashes; SCRAM keys are worth more
    // than those.
    entry const told = e && !e->name.empty() ? e : nullptr;
    bool const old_hash = options_.upgrade_hashes && !is_current(verifier);
    bool const learns =
        told ? old_hash && !verifier.starts_with("{SCRAM-") : e && e->id != 0 && (lacks_scram(*e) || old_hash);
    v.done = [this, key, verifier = std::move(verifier), told, password = std::move(password), learns](verified found) {
        finish_check(key, verifier, told, found, password, learns);
    };
    if (!pool_.submit(suspect ? hash_pool::order::suspect : hash_pool::order::normal, std::move(v)))
        finish_check(key, {}, nullptr, verified{}, secret{}, false);
}

void embedded::finish_check(std::string const& key, std::string const& verifier, entry const& told, verified found,
                            secret const& password, bool learns)
{
    using outcome = verified::outcome;
    bool const certain = found.what == outcome::matched || found.what == outcome::wrong;
    if (certain) {
        bool const right = found.what == outcome::matched;
        auto const life = right ? options_.cache_life : std::min(options_.cache_life, remember_failure);
        auto const why = right ? login_cause::none : first_cause(verifier != *dummy_.get(), password);
        // Before the flight ends: whoever comes in between finds one or the other.
        if (life.count() > 0) memories_.put(key, memory{right, found.as, steady_clock::now() + life, why});
    }
    std::vector<waiter> waiters;
    {
        std::lock_guard lock{flights_lock_};
        if (auto const flight = flights_.find(key); flight != flights_.end()) {
            waiters = std::move(flight->second);
            flights_.erase(flight);
        }
    }
    if (waiters.empty()) return;
    std::string const name = waiters.front().authcid;  // the same for all: it is in the key
    if (found.what == outcome::wrong) failures_.put(name, steady_clock::now() + suspicion);
    auto settled = settle(name, verifier, told, found, password, key);
    for (auto& w : waiters) {
        w.handler(settled);
        if (settled) settled->look_closer = nullptr;  // one is enough
    }

    if (found.what != outcome::matched || !learns) return;
    if (told) return upgrade_hash(told, password);
    auto e = load_login(name);
    if (!e || !*e || (*e)->id == 0 || (*e)->verifier != verifier) return;
    if (lacks_scram(**e)) learn_scram(*e, password);
    if (options_.upgrade_hashes && !is_current(verifier)) upgrade_hash(*e, password);
}

/// What a finished check means now: the account may have changed while it ran.
result<login> embedded::settle(std::string const& name, std::string const& verifier, entry const& told, verified found,
                               secret const& password, std::string const& key)
{
    using outcome = verified::outcome;
    if (found.what == outcome::refused) return busy();
    if (found.what == outcome::failed) return failed_check();
    auto now = told ? result<entry>{told} : load_login(name);
    if (!now) return std::move(now).error();
    entry const& e = *now;
    if (found.what == outcome::wrong) {
        char const* const why = !e ? "no such account" : e->problem != nullptr ? e->problem : "wrong password";
        // Of a user whom a back end told of: its trouble is the cause, whatever the password.
        bool const impossible = e && e->problem != nullptr;
        auto l = refused(impossible ? login_cause::none : first_cause(e != nullptr, password), why);
        l.look_closer = look_closer(name, e, password, key, l.why);
        return l;
    }
    if (!e || (e->verifier != verifier && !is_upgrade(verifier, e->verifier)))
        return refused(login_cause::changed_meanwhile, "the password was changed meanwhile");
    return state_of(e, matched_as("verified", found.as));
}

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
    // Those of a back end's users may be of another shape than ours.
    scram_shape shape{scram_iterations, scram_salt_size};
    for (auto const& a : authenticators_)
        if (a->tells() && a->covers(name)) shape = a->usual_shape(h).value_or(shape);
    auto salt = made_up_salt(name, h, shape);
    keys.salt = std::move(salt.octets);
    keys.iterations = salt.iterations;
    keys.stored_key = derive("stored key");
    keys.server_key = derive("server key");
    return keys;
}

result<sasl::scram_keys> embedded::scram(std::string_view authcid, postern::hash h)
{
    if (auto r = look_at_database(); !r) return std::move(r).error();
    auto named = find_name(authcid, true, claimant::stranger);
    if (!named) return std::move(named).error();
    auto const& name = named->name;
    auto const* const found = &named->who;
    // Made up for everybody: who measures the time learns nothing.
    sasl::scram_keys keys = made_up_keys(name, h);
    if (*found && (*found)->scram[h].real) {
        keys = (*found)->scram[h];
    } else if (*found && !(*found)->name.empty()) {
        keys.note = "the back end has no such SCRAM keys for the user";
    } else if (*found) {
        auto const salt = exchange_salt(**found, h).value_or(made_up_salt(name, h));
        keys.salt = salt.octets;
        keys.iterations = salt.iterations;
        keys.note = "the account has no SCRAM keys yet: one log-in with PLAIN makes them";
    }
    auto const& companions = *found && !(*found)->app_keys.empty() ? (*found)->companions : no_companions_;
    keys.companions = companions[static_cast<std::size_t>(h)];
    return keys;
}

/// What cram_md5() gives as `stored_key`: another one as soon as the secret is.
std::string embedded::cram_key(stored_account const& a) const
{
    return hmac(hash::sha256, process_key_, a.cram_md5.empty() ? std::string{} : "cram-md5 " + a.cram_md5);
}

result<shared_secret> embedded::cram_md5(std::string_view authcid)
{
    if (auto r = look_at_database(); !r) return std::move(r).error();
    auto named = find_name(authcid, true, claimant::stranger);
    if (!named) return std::move(named).error();
    auto const& name = named->name;
    auto const* const found = &named->who;
    shared_secret given;
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
