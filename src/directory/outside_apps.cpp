// App passwords of users whom only a back end knows: whose they are, and what may be known of those
// users without their password.
#include <future>

#include "base/text.hpp"
#include "directory/embedded.hpp"
#include "directory/names.hpp"

namespace postern::directory {
namespace {

/// For threads that may wait: those of commands.
result<std::shared_ptr<stored_account const>> fetch_now(authenticator& from, std::string const& name)
{
    using entry = std::shared_ptr<stored_account const>;
    auto const told = std::make_shared<std::promise<result<entry>>>();
    auto answer = told->get_future();
    from.fetch(name, freshness::now, [told](result<entry> found) { told->set_value(std::move(found)); });
    return answer.get();
}

}  // namespace

/// The user as back ends know it at this moment, the first that does.
result<embedded::entry> embedded::find_outside(std::string const& address)
{
    auto found = ask_sources(address);
    if (!found || *found) return found;
    std::string silent;
    for (auto const& a : authenticators_) {
        if (!a->covers(address)) continue;
        if (!a->recognises()) {
            silent = a->health().name;
            continue;
        }
        found = fetch_now(*a, address);
        if (found) found = completed(*found);
        if (!found) return found;
        auto const taken = *found ? is_taken(address, (*found)->who.address) : result<bool>{true};
        if (!taken) return taken.error();
        if (!*taken) return found;
    }
    if (!silent.empty())
        return error{{5, 1, 1},
                     "The back end does not say who its users are",
                     "the back end " + silent +
                         " can't say whether it has such a user: `users` for dovecot and `base` with `filter` for ldap "
                         "let it"};
    return entry{};
}

/// Who is to have an app password: an account of the database, or anybody whom a back end knows.
result<embedded::entry> embedded::find_owner_to_be(std::string_view address)
{
    auto const key = login_key(address);
    if (!key) return bad_address(address);
    auto found = store_->find_login(*key);
    if (!found || *found) return found;
    found = find_outside(*key);
    if (found && !*found)
        return error{{5, 1, 1}, "There is no such account", "there is no account " + printable(address)};
    return found;
}

/// Who has some, as the database says now: also when the back end knows nobody of that name any more.
result<embedded::entry> embedded::find_owner_of_some(std::string_view address)
{
    auto const key = login_key(address);
    if (!key) return bad_address(address);
    auto found = store_->find_login(*key);
    if (!found || *found) return found;
    auto some = store_->find_app_passwords(*key);
    if (!some || *some) return some;
    found = find_owner_to_be(address);
    if (!found) return found;
    some = store_->find_app_passwords((*found)->who.address);
    return some && !*some ? found : some;
}

/// Nobody but an address with app passwords: what an exchange with a user begins with whose back end says
/// nothing before it has seen the right password. Null: there are none.
embedded::entry embedded::known_by_app_passwords(std::string const& name)
{
    for (auto const& a : authenticators_) {
        if (a->tells() || !a->recognises() || !a->covers(name)) continue;
        auto const apps = outside_app_passwords(a->address_of(name));
        if (!apps || !*apps) continue;
        auto shell = std::make_shared<stored_account>(**apps);
        shell->companions = make_companions(shell.get());
        return shell;
    }
    return nullptr;
}

/// The user whom a back end told of, however long ago: for what must not change while it is down.
embedded::entry embedded::told_before(std::string const& name)
{
    for (auto const& a : authenticators_)
        if (a->tells() && a->covers(name))
            if (auto e = a->last_told(name)) return e;
    return nullptr;
}

}  // namespace postern::directory
