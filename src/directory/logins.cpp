// Log-ins of the embedded directory: what is remembered, what is under way, and what
// must be hashed.
#include <algorithm>

#include "base/crypto.hpp"
#include "directory/embedded.hpp"
#include "directory/names.hpp"
#include "directory/verifier.hpp"

namespace postern::directory {
namespace {

// A device with an old password asks again and again: no hash for that, but not for long.
constexpr std::chrono::seconds remember_failure{60};
// So long do the checks for a name that failed wait behind others.
constexpr std::chrono::seconds suspicion{60};

error busy() { return {{4, 7, 0}, "Too many log-ins at once", "the password hashing queue is full"}; }

error failed_check() { return {{4, 3, 0}, "The password could not be checked", "a password hash failed: no memory?"}; }

/// The cause that shows at once. Of a user whom a back end told of, its trouble is the cause, whatever
/// the password.
login_cause first_cause(stored_account const* a, secret const& password)
{
    if (a == nullptr) return login_cause::unknown_user;
    if (a->problem != nullptr) return login_cause::none;
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
        case login_state::unsure: break;
        case login_state::disabled: l.why = login_cause::account_off; break;
        case login_state::smtp_auth_off: l.why = login_cause::smtp_auth_off; break;
        case login_state::app_password_needed: l.why = login_cause::app_password_needed; break;
        case login_state::accepted:
        case login_state::bad_credentials: break;
    }
    return l;
}

/// Whom a client may mean, and by which reading of the name. Nobody: the first reading. For users of
/// back ends that tell of them, prepare_login() was called before. Whether a back end that a stranger's name
/// may belong to can answer, or the database, changes nothing for the stranger.
result<embedded::found_name> embedded::find_name(std::string_view text, bool outside, claimant who)
{
    auto candidates = name_candidates(text);
    bool const stranger = who == claimant::stranger;
    // Read for everybody alike, also for those who have none there.
    if (stranger && has_others()) static_cast<void>(outside_app_passwords(candidates.front().key));
    bool doubtful = false;
    for (auto& c : candidates) {
        auto found = stranger ? load_claimed(c.key) : load_login(c.key);
        if (found && *found) return found_name{std::move(c.key), std::move(*found), c.form};
        if (!found && !stranger) return std::move(found).error();
        doubtful = doubtful || !found;
    }
    auto& first = candidates.front();
    auto told = outside ? fetched_outside(first.key, stranger ? freshness::now : freshness::remembered)
                        : result<entry>{nullptr};
    if (!told && !stranger) return std::move(told).error();
    return found_name{std::move(first.key), told ? std::move(*told) : nullptr, first.form, doubtful || !told};
}

void embedded::verify_password(std::string_view authcid, std::string_view authzid, secret password,
                               login_handler handler)
{
    if (auto r = look_at_database(); !r) return handler(std::move(r).error());
    // Another identity than one's own is never granted; said without looking at either.
    if (!is_same_name(authzid, authcid))
        return handler(refused(login_cause::other_identity, "the authorization identity is someone else"));
    auto found = find_name(authcid, false, claimant::proven);
    if (!found) return refuse_unsure(0, any_name_key(authcid), password, found.error(), handler);
    auto const& [name, e, form, doubtful] = *found;
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
    check_known(0, name, e, std::move(password), std::move(handler));
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
    if (found && !*found) found = fetched_outside(name, freshness::remembered);
    return found;
}

/// Whether the password is that of the account; null: of nobody.
void embedded::check(std::string const& name, entry const& e, secret password, login_handler handler)
{
    std::string verifier = e ? e->verifier : dummy_for(name);
    std::string const key = credential_key(name, verifier, password.reveal());
    if (auto const known = memories_.get(key); known && known->until > steady_clock::now()) {
        if (known->right && e) return handler(state_of(e, matched_as("cached", known->as)));
        char const* const cause = !e                      ? "no such account, again"
                                  : e->problem != nullptr ? e->problem
                                                          : "the same wrong password again";
        return handler(refused(known->why, cause));
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
    subject s;
    s.learns = told ? old_hash && !verifier.starts_with("{SCRAM-") : e && e->id != 0 && (lacks_scram(*e) || old_hash);
    s.why = first_cause(e.get(), password);
    s.verifier = std::move(verifier);
    s.told = told;
    s.password = std::move(password);
    v.done = [this, key, s = std::move(s)](verified found) { finish_check(key, s, found); };
    if (!pool_.submit(suspect ? hash_pool::order::suspect : hash_pool::order::normal, std::move(v)))
        finish_check(key, {}, verified{});
}

void embedded::finish_check(std::string const& key, subject const& s, verified found)
{
    using outcome = verified::outcome;
    bool const certain = found.what == outcome::matched || found.what == outcome::wrong;
    if (certain) {
        bool const right = found.what == outcome::matched;
        auto const life = right ? options_.cache_life : std::min(options_.cache_life, remember_failure);
        auto const why = right ? login_cause::none : s.why;
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
    auto settled = settle(name, s, found, key);
    for (auto& w : waiters) {
        w.handler(settled);
        if (settled) settled->look_closer = nullptr;  // one is enough
    }

    if (found.what != outcome::matched || !s.learns) return;
    if (s.told) return upgrade_hash(s.told, s.password);
    auto e = load_login(name);
    if (!e || !*e || (*e)->id == 0 || (*e)->verifier != s.verifier) return;
    if (lacks_scram(**e)) learn_scram(*e, s.password);
    if (options_.upgrade_hashes && !is_current(s.verifier)) upgrade_hash(*e, s.password);
}

/// What a finished check means now: the account may have changed while it ran.
result<login> embedded::settle(std::string const& name, subject const& s, verified found, std::string const& key)
{
    using outcome = verified::outcome;
    if (found.what == outcome::refused) return busy();
    if (found.what == outcome::failed) return failed_check();
    auto now = s.told ? result<entry>{s.told} : load_login(name);
    if (!now) return std::move(now).error();
    entry const& e = *now;
    if (found.what == outcome::wrong) {
        char const* const why = !e ? "no such account" : e->problem != nullptr ? e->problem : "wrong password";
        auto l = refused(first_cause(e.get(), s.password), why);
        l.look_closer = look_closer(name, e, s.password, key, l.why);
        return l;
    }
    if (!e || (e->verifier != s.verifier && !is_upgrade(s.verifier, e->verifier)))
        return refused(login_cause::changed_meanwhile, "the password was changed meanwhile");
    return state_of(e, matched_as("verified", found.as));
}

}  // namespace postern::directory
