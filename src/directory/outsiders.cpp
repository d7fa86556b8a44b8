// Users that only another program knows. Back ends are asked in order: one that tells of the
// name decides, one that judges decides when it takes the password. One that can't answer ends
// that: somebody behind it might know another user of the same name.
//
// Those that judge say only whether there is such a user when they are not given the right password, and not
// all say that. It is asked for app passwords, which are ours to verify, and in the sessions of those who logged in.
//
// Nothing here waits. What has to be known at once is asked for before, by the prepare
// functions, and then found in the back ends' memories.
#include "base/log.hpp"
#include "directory/embedded.hpp"
#include "directory/names.hpp"
#include "directory/stored_user.hpp"

namespace postern::directory {
namespace {

// So long may somebody who logged in go on in open sessions, whatever became of the user, where the back end
// can't be asked without a password.
constexpr std::chrono::hours remember_user{24};
// And where it can be asked, but is down.
constexpr std::chrono::minutes trust_while_down{5};
// Stands where a verifier stands in the key of the cache.
constexpr std::string_view outside = "asked another program";

}  // namespace

bool embedded::may_be_outside(std::string_view name) const
{
    for (auto const& a : authenticators_)
        if (a->covers(name)) return true;
    return false;
}

embedded::entry embedded::outsider(user_facts const& user, bool enabled, backend_health const& from) const
{
    auto a = std::make_shared<stored_account>();
    a->who.address = user.name;
    a->who.back_end = from.name;
    a->who.enabled = enabled;
    a->who.scheme = from.type;
    a->who.created = wall_clock::now();
    a->who.password_set = a->who.created;
    a->who.recipient_delimiter = store_->recipient_delimiter();
    take_facts(user, a->who);
    return a;
}

/// Whether the user is one of ours under another name: then a back end may not speak for it.
result<bool> embedded::is_taken(std::string const& name, std::string const& address)
{
    if (name == address) return false;
    auto mine = load_login(address);
    if (!mine) return std::move(mine).error();
    return *mine != nullptr;
}

// -- passwords --

void embedded::ask_outside(std::string const& name, secret password, login_handler handler)
{
    auto const known = memories_.get(credential_key(name, outside, password.reveal()));
    if (known && known->right && known->until > steady_clock::now()) {
        if (auto const who = known_outsider(name)) return handler(state_of(who->who, "cached"));
    }
    ask_outside(0, name, password, {}, handler);
}

/// `causes`: what those before said.
void embedded::ask_outside(std::size_t index, std::string const& name, secret const& password,
                           std::string const& causes, login_handler const& handler)
{
    while (index < authenticators_.size() && !authenticators_[index]->covers(name)) ++index;
    if (index == authenticators_.size()) return refuse_unknown(name, password, causes, handler);
    auto& a = *authenticators_[index];
    if (!a.tells() && !(a.recognises() && read_app_password(password.reveal())))
        return verify_outside(index, name, password, causes, handler);
    a.fetch(name, freshness::remembered, [this, index, name, password, causes, handler](result<entry> found) {
        settle_fetched(index, name, password, found, causes, handler);
    });
}

void embedded::verify_outside(std::size_t index, std::string const& name, secret const& password,
                              std::string const& causes, login_handler const& handler)
{
    authenticators_[index]->verify(name, password, [this, index, name, password, causes, handler](result<judgement> j) {
        settle_outside(index, name, password, std::move(j), causes, handler);
    });
}

/// Nobody knows the name. Where a back end might have told of it, that takes what a wrong
/// password takes.
void embedded::refuse_unknown(std::string const& name, secret const& password, std::string const& causes,
                              login_handler const& handler)
{
    for (auto const& a : authenticators_)
        if (a->tells() && a->covers(name)) return check(name, nullptr, password, handler);
    login l;
    l.cause = "no back end took the name and the password" + (causes.empty() ? "" : ": " + causes);
    l.why = login_cause::refused_outside;
    l.look_closer = look_closer(name, nullptr, password, {}, l.why);
    handler(std::move(l));
}

void embedded::settle_fetched(std::size_t index, std::string const& name, secret const& password,
                              result<entry> const& found, std::string const& causes, login_handler const& handler)
{
    auto const whole = found ? completed(*found) : found;
    if (!whole) return refuse_unsure(index + 1, name, password, whole.error(), handler);
    entry const& e = *whole;
    auto const taken = e ? is_taken(name, e->who.address) : result<bool>{false};
    if (!taken) return refuse_unsure(index + 1, name, password, taken.error(), handler);
    bool const tells = authenticators_[index]->tells();
    if (auto const letters = read_app_password(password.reveal()); letters && !*taken) {
        if (auto app = find_app_password(e, *letters)) {
            if (lacks_scram(*e, *app)) learn_scram(e, app, *letters);
            // Open sessions ask for the user again.
            if (!tells) remember_outsider(name, *found, true);
            return handler(state_of_app(e, std::move(app)));
        }
    }
    if (!tells) return verify_outside(index, name, password, causes, handler);
    if (!e) return ask_outside(index + 1, name, password, causes, handler);
    if (*taken) return check_known(index + 1, name, nullptr, password, handler);
    // What is remembered may be older than the user's new password: before that is called wrong,
    // the back end is asked again.
    check(name, e, password, [this, index, name, password, e, handler](result<login> answer) {
        if (!answer || answer->state != login_state::bad_credentials)
            return settle_known(index + 1, name, std::move(answer), handler);
        authenticators_[index]->fetch(name, freshness::now,
                                      [this, index, name, password, e, answer, handler](result<entry> again) {
                                          if (again) again = completed(*again);
                                          if (!again) return handler(unsure(again.error()));
                                          if (*again && (*again)->verifier != e->verifier)
                                              return check_known(index + 1, name, *again, password, handler);
                                          settle_known(index + 1, name, answer, handler);
                                      });
    });
}

void embedded::settle_outside(std::size_t index, std::string const& name, secret const& password, result<judgement> j,
                              std::string causes, login_handler const& handler)
{
    if (!j) return refuse_unsure(index + 1, name, password, j.error(), handler);
    auto const health = authenticators_[index]->health();
    if (j->what == judgement::kind::refused) {
        if (!j->cause.empty()) causes += (causes.empty() ? "" : "; ") + health.name + ": " + j->cause;
        return ask_outside(index + 1, name, password, causes, handler);
    }
    bool const enabled = j->what == judgement::kind::right;
    // The program may know the user by another name; not by that of somebody else here.
    auto const taken = is_taken(name, j->user.name);
    if (!taken) return refuse_unsure(index + 1, name, password, taken.error(), handler);
    if (*taken)
        return handler(
            login{login_state::bad_credentials, nullptr, "the back end calls the user like another account"});
    auto const who = outsider(j->user, enabled, health);
    auto const before = known_outsider(name);
    bool const recognised = before && before->recognised && before->who->who.address == who->who.address;
    remember_outsider(name, who, recognised);
    if (!recognised) recognise_outsider(*authenticators_[index], name, who);
    if (enabled && options_.cache_life.count() > 0)
        memories_.put(credential_key(name, outside, password.reveal()),
                      memory{true, sasl::password_candidate::form::raw, steady_clock::now() + options_.cache_life});
    handler(state_of(who, "verified by " + health.name + (j->cause.empty() ? "" : ": " + j->cause)));
}

/// Under the name that was used, and under the address.
void embedded::remember_outsider(std::string const& name, entry const& who, bool recognised)
{
    auto const now = steady_clock::now();
    outsiders_.put(name, {who, now, recognised});
    outsiders_.put(who->who.address, {who, now, recognised});
}

/// In the background: whether the back end would say later that the user is gone.
void embedded::recognise_outsider(authenticator& a, std::string const& name, entry const& who)
{
    if (!a.recognises()) return;
    a.fetch(name, freshness::remembered, [this, name, who](result<entry> const& found) {
        if (found && *found) remember_outsider(name, who, true);
    });
}

std::optional<embedded::outside_entry> embedded::known_outsider(std::string const& name)
{
    if (authenticators_.empty()) return std::nullopt;
    auto known = outsiders_.get(name);
    return known && steady_clock::now() - known->when < remember_user ? known : std::nullopt;
}

/// What became of somebody who logged in `then`, if the back end says `now`.
result<embedded::entry> embedded::outsider_as_of_now(std::string const& name, outside_entry const& then,
                                                     result<entry> const& now)
{
    if (!now) {
        bool const too_old = then.recognised && steady_clock::now() - then.when > trust_while_down;
        return too_old ? now : completed(then.who);
    }
    if (!*now) {
        if (!then.recognised) return completed(then.who);
        outsiders_.erase(name);
        outsiders_.erase(then.who->who.address);
        return now;
    }
    // By the name that it was told at the log-in, which is that of the session.
    auto const& a = (*now)->who;
    if (a.back_end != then.who->who.back_end || a.address == then.who->who.address) return now;
    auto same = std::make_shared<stored_account>(*then.who);
    same->who.enabled = a.enabled;
    return completed(std::move(same));
}

/// A better hash for the back end that told of the user, if it takes such.
void embedded::upgrade_outside(entry const& e, std::string const& verifier)
{
    for (auto const& a : authenticators_) {
        if (a->health().name != e->who.back_end || !a->takes_hashes()) continue;
        a->replace_password(e, verifier, [account = e->who.address, from = e->who.scheme](result<bool> done) {
            if (done && *done)
                log::event(log::level::debug, "password_hash_upgraded", {{"account", account}, {"from", from}});
            else
                log::event(log::level::warning, "password_hash_not_upgraded",
                           {{"account", account},
                            {"detail", done ? std::string{"it was changed meanwhile"} : done.error().logged}});
        });
    }
}

// -- what was asked before --

/// Whether it is asked who has the name: of those that judge, only where somebody of that name has app passwords, or
/// has logged in.
bool embedded::is_asked(authenticator const& a, std::string const& name, freshness how)
{
    if (!a.covers(name)) return false;
    if (a.tells() || how == freshness::now || !a.recognises()) return a.tells();
    auto const before = known_outsider(name);
    if (before && before->recognised && before->who->who.back_end == a.health().name) return true;
    auto const apps = outside_app_passwords(a.address_of(name));
    return apps && *apps;
}

/// A user that a back end told of, from memory.
result<embedded::entry> embedded::fetched_outside(std::string const& name, freshness how)
{
    for (auto const& a : authenticators_) {
        if (!is_asked(*a, name, how)) continue;
        auto found = a->fetched(name);
        if (!found) return std::move(found).error();
        if (!*found) continue;
        auto const taken = is_taken(name, (*found)->who.address);
        if (!taken) return taken.error();
        if (*taken) return entry{};
        return completed(*found);
    }
    return entry{};
}

/// Who gets mail for an address that neither the database nor a file knows, from memory.
result<embedded::entry> embedded::looked_up_outside(std::string const& key)
{
    for (auto const& a : authenticators_) {
        if (!a->covers(key)) continue;
        auto found = a->looked_up(key);
        if (!found) return std::move(found).error();
        if (!*found) continue;
        user_facts user;
        user.name = **found;
        return outsider(user, true, a->health());
    }
    return entry{};
}

void embedded::prepare_login(std::string_view authcid, freshness how, login_ready_handler ready)
{
    if (authenticators_.empty()) return ready(certainty::sure);
    auto name = any_name_key(authcid);
    // Who claims a name has the same asked whoever has it, and whether the database can say.
    if (how == freshness::now) return fetch_outside(0, name, how, ready);
    auto const found = load_login(name);
    if (!found) return ready(certainty::unsure);
    if (*found) return ready(certainty::sure);
    fetch_outside(0, name, how, ready);
}

void embedded::fetch_outside(std::size_t index, std::string const& name, freshness how,
                             login_ready_handler const& ready)
{
    while (index < authenticators_.size() && !is_asked(*authenticators_[index], name, how)) ++index;
    if (index == authenticators_.size()) return ready(certainty::sure);
    authenticators_[index]->fetch(name, how, [this, index, name, how, ready](result<entry> found) {
        if (!found) return ready(certainty::unsure);
        if (*found && how == freshness::remembered) return ready(certainty::sure);
        fetch_outside(index + 1, name, how, ready);
    });
}

void embedded::prepare_address(mail::mailbox const& address, ready_handler ready)
{
    if (authenticators_.empty() || address.domain.empty()) return ready();
    auto const known = known_recipient(address);
    if (!known || *known) return ready();
    look_up_outside(0, address_key(address), without_detail(address, store_->recipient_delimiter()), ready);
}

/// `then`: the address without its detail, which is asked about when nobody has the whole.
void embedded::look_up_outside(std::size_t index, std::string const& key, std::optional<mail::mailbox> const& then,
                               ready_handler const& ready)
{
    while (index < authenticators_.size() && !authenticators_[index]->covers(key)) ++index;
    if (index == authenticators_.size()) {
        if (!then) return ready();
        return look_up_outside(0, address_key(*then), std::nullopt, ready);
    }
    authenticators_[index]->look_up(key,
                                    [this, index, key, then, ready](result<std::optional<std::string>> const& found) {
                                        if (!found || *found) return ready();
                                        look_up_outside(index + 1, key, then, ready);
                                    });
}

}  // namespace postern::directory
