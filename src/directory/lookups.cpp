// Who has a name or an address: the embedded database first, then the files, from memory where
// that is known.
#include "base/text.hpp"
#include "directory/embedded.hpp"
#include "directory/names.hpp"

namespace postern::directory {
namespace {

std::shared_ptr<account const> account_of(std::shared_ptr<stored_account const> const& e)
{
    return e ? std::shared_ptr<account const>{e, &e->who} : nullptr;
}

}  // namespace

result<bool> embedded::is_local(std::string_view domain)
{
    if (auto r = look_at_database(); !r) return std::move(r).error();
    return domains_.get()->all.contains(std::string{domain});
}

result<embedded::entry> embedded::load_login(std::string_view key)
{
    if (auto known = logins_.get(key, in_trouble_)) return *known ? std::move(*known) : ask_sources(key);
    std::uint64_t const before = epoch_;
    auto found = store_->find_login(key);
    if (!found) return std::move(found).error();
    logins_.put(key, *found, [&] { return epoch_ == before; });
    return *found ? std::move(*found) : ask_sources(key);
}

/// The same for a name that a stranger claims, who may measure how long it takes: one account
/// is read, and one name is looked for that nobody has, whether there is such an account, and
/// whether it is remembered.
result<embedded::entry> embedded::load_claimed(std::string_view key)
{
    bool const remembered = logins_.get(key, in_trouble_).has_value();
    auto found = load_login(key);
    if (!found || in_trouble_) return found;
    std::string const nobody = "\n" + std::string{key};
    auto const decoy = decoy_.get();
    bool const there = *found && (*found)->id != 0;
    // Nothing depends on these.
    static_cast<void>(store_->find_login(there ? std::string_view{nobody} : *decoy));
    if (remembered) static_cast<void>(store_->find_login(there ? *decoy : std::string_view{nobody}));
    return found;
}

/// The first back end that knows the name has the say; one that can't tell lets nobody
/// behind it say anything.
result<embedded::entry> embedded::ask_sources(std::string_view key)
{
    for (auto const& s : sources_) {
        auto found = s->find(key);
        if (!found) return std::move(found).error();
        if (*found) return completed(*found);
    }
    return entry{};
}

/// The app passwords of a back end's user, which are ours; null: there are none.
result<embedded::entry> embedded::outside_app_passwords(std::string_view address)
{
    if (auto known = outside_apps_.get(address, in_trouble_)) return std::move(*known);
    std::uint64_t const before = epoch_;
    auto found = store_->find_app_passwords(address);
    if (found) outside_apps_.put(address, *found, [&] { return epoch_ == before; });
    return found;
}

/// What a back end told of a user, with what is known of the user here.
result<embedded::entry> embedded::completed(entry const& e)
{
    if (!e) return e;
    auto apps = outside_app_passwords(e->who.address);
    if (!apps) return apps;
    char const delimiter = store_->recipient_delimiter();
    if (!*apps && e->who.recipient_delimiter == delimiter) return e;
    auto copy = std::make_shared<stored_account>(*e);
    copy->who.recipient_delimiter = delimiter;
    if (*apps) {
        copy->who.app_passwords = (*apps)->who.app_passwords;
        copy->app_keys = (*apps)->app_keys;
        copy->companions = make_companions(copy.get());
    }
    return entry{std::move(copy)};
}

result<std::shared_ptr<account const>> embedded::find_account(std::string_view address)
{
    if (auto r = look_at_database(); !r) return std::move(r).error();
    auto const key = login_key(address);
    if (!key && authenticators_.empty()) return std::shared_ptr<account const>{};
    std::string const name = key ? *key : any_name_key(address);
    auto found = find_login(name);
    if (auto const before = known_outsider(name)) found = outsider_as_of_now(name, *before, found);
    if (!found) return std::move(found).error();
    return account_of(*found);
}

result<std::shared_ptr<account const>> embedded::find_owner(mail::mailbox const& address)
{
    if (auto r = look_at_database(); !r) return std::move(r).error();
    std::string const key = address_key(address);
    auto found = load_login(key);
    if (found && !*found) found = store_->find_address(key);  // an alias?
    if (found && !*found) found = looked_up_outside(key);
    if (!found) return std::move(found).error();
    return account_of(*found);
}

result<std::shared_ptr<account const>> embedded::find_recipient(mail::mailbox const& address)
{
    if (auto r = look_at_database(); !r) return std::move(r).error();
    auto known = known_recipient(address);
    if (!known) return std::move(known).error();
    if (*known || authenticators_.empty() || !domains_.get()->all.contains(address.domain)) return account_of(*known);
    auto found = looked_up_outside(address_key(address));
    auto const whole = without_detail(address, store_->recipient_delimiter());
    if (found && !*found && whole) found = looked_up_outside(address_key(*whole));
    if (!found) return std::move(found).error();
    return account_of(*found);
}

/// Who gets mail for the address, as far as the database and the files know.
result<embedded::entry> embedded::known_recipient(mail::mailbox const& address)
{
    std::string const key = address_key(address);
    if (auto known = recipients_.get(key, in_trouble_)) return std::move(*known);
    std::uint64_t const before = epoch_;
    auto found = load_recipient(address);
    if (found) recipients_.put(key, *found, [&] { return epoch_ == before; });
    return found;
}

result<embedded::entry> embedded::load_recipient(mail::mailbox const& address)
{
    if (address.domain.empty()) {
        // RFC 5321 section 4.5.1: "postmaster" without a domain.
        if (to_lower(address.local_part) != "postmaster") return entry{};
        return find_postmaster({});
    }
    if (!domains_.get()->all.contains(address.domain)) return entry{};
    // The very address first, wherever it is: "mary-jane" may be a sub-address of "mary", and
    // somebody else's.
    auto found = store_->find_address(address_key(address));
    if (!found || *found) return found;
    found = ask_sources(address_key(address));
    if (!found || *found) return found;
    if (auto const whole = without_detail(address, store_->recipient_delimiter())) {
        found = store_->find_address(address_key(*whole));
        if (!found || *found) return found;
        found = ask_sources(address_key(*whole));
        if (!found || *found) return found;
    }
    if (to_lower(address.local_part) == "postmaster") return find_postmaster(address.domain);
    return entry{};
}

/// RFC 5321 section 4.5.1: mail to postmaster is always taken. Whoever has that address
/// in one of our domains gets it, else the oldest account.
result<embedded::entry> embedded::find_postmaster(std::string_view domain)
{
    if (domain.empty()) {
        auto const list = domains_.get();
        for (auto const* names : {&list->configured, &list->stored}) {
            for (auto const& name : *names) {
                auto found = store_->find_address("postmaster@" + name);
                if (!found || *found) return found;
            }
        }
    }
    return store_->oldest_account();
}

}  // namespace postern::directory
