// Log-ins of users that only another program knows (PAM, Dovecot): asked in order, until one
// takes the password. One that can't answer ends that: somebody behind it might know another
// user of the same name.
#include "base/log.hpp"
#include "directory/embedded.hpp"
#include "directory/names.hpp"

namespace postern::directory {
namespace {

// So long may somebody who logged in go on in open sessions, whatever became of the user.
constexpr std::chrono::hours remember_user{24};
constexpr std::chrono::minutes remember_recipient{5};
constexpr std::chrono::seconds remember_no_recipient{30};
// Stands where a verifier stands in the key of the cache.
constexpr std::string_view outside = "asked another program";

}  // namespace

bool embedded::may_be_outside(std::string_view name) const
{
    for (auto const& a : authenticators_)
        if (a->covers(name)) return true;
    return false;
}

embedded::entry embedded::outsider(std::string const& address, bool enabled, std::string const& type) const
{
    auto a = std::make_shared<stored_account>();
    a->who.address = address;
    a->who.enabled = enabled;
    a->who.scheme = type;
    a->who.created = wall_clock::now();
    a->who.password_set = a->who.created;
    a->who.recipient_delimiter = store_->recipient_delimiter();
    return a;
}

void embedded::ask_outside(std::string const& name, secret password, login_handler handler)
{
    auto const known = memories_.get(credential_key(name, outside, password.reveal()));
    if (known && known->right && known->until > steady_clock::now()) {
        if (auto const who = outsiders_.get(name)) return handler(state_of(who->who, "cached"));
    }
    ask_outside(0, name, password, handler);
}

void embedded::ask_outside(std::size_t index, std::string const& name, secret const& password,
                           login_handler const& handler)
{
    while (index < authenticators_.size() && !authenticators_[index]->covers(name)) ++index;
    if (index == authenticators_.size())
        return handler(login{login_state::bad_credentials, nullptr, "no back end took the name and the password"});
    authenticators_[index]->verify(name, password, [this, index, name, password, handler](result<judgement> j) {
        settle_outside(index, name, password, std::move(j), handler);
    });
}

void embedded::settle_outside(std::size_t index, std::string const& name, secret const& password, result<judgement> j,
                              login_handler const& handler)
{
    if (!j) return handler(std::move(j).error());
    if (j->what == judgement::kind::refused) return ask_outside(index + 1, name, password, handler);
    bool const enabled = j->what == judgement::kind::right;
    // The program may know the user by another name; not by that of somebody else here.
    if (j->name != name) {
        auto mine = load_login(j->name);
        if (!mine) return handler(std::move(mine).error());
        if (*mine)
            return handler(
                login{login_state::bad_credentials, nullptr, "the back end calls the user like another account"});
    }
    auto const health = authenticators_[index]->health();
    auto const who = outsider(j->name, enabled, health.type);
    auto const until = steady_clock::now() + remember_user;
    outsiders_.put(name, {who, until});
    outsiders_.put(j->name, {who, until});
    if (enabled && options_.cache_life.count() > 0)
        memories_.put(credential_key(name, outside, password.reveal()),
                      memory{true, sasl::password_candidate::form::raw, steady_clock::now() + options_.cache_life});
    handler(state_of(who, "verified by " + health.name));
}

/// Who gets mail for an address that neither the database nor a file knows.
result<embedded::entry> embedded::look_up_outside(std::string const& key)
{
    auto const now = steady_clock::now();
    if (auto const known = outside_mail_.get(key); known && known->until > now) return known->who;
    for (auto const& a : authenticators_) {
        if (!a->covers(key)) continue;
        auto found = a->look_up(key);
        if (!found) return std::move(found).error();
        if (!*found) continue;
        auto const who = outsider(**found, true, a->health().type);
        outside_mail_.put(key, {who, now + remember_recipient});
        return who;
    }
    outside_mail_.put(key, {nullptr, now + remember_no_recipient});
    return entry{};
}

}  // namespace postern::directory
