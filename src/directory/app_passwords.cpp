// App passwords of the embedded directory: made, listed, revoked, and recognised at a log-in.
#include <algorithm>

#include "base/crypto.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "directory/embedded.hpp"
#include "directory/import.hpp"
#include "directory/names.hpp"

namespace postern::directory {
namespace {

constexpr std::size_t forms_of_one = 2;

error not_made(char const* why) { return {{5, 7, 0}, "The app password can't be made", why}; }

/// Each sender or recipient as it is compared.
result<> make_keys(std::vector<std::string>& list)
{
    if (list.size() > most_limits) return not_made("there are too many limits of one kind (at most 50)");
    for (auto& text : list) {
        auto key = sender_key(text);
        if (!key)
            return error{{5, 1, 3},
                         "That is neither an address nor a domain",
                         printable(text) + " is neither an address nor @domain"};
        text = std::move(*key);
    }
    return done{};
}

/// What no proof fits.
sasl::scram_companion nobody(hash h) { return {std::string(digest_size(h), '\0'), std::string(digest_size(h), '\0')}; }

/// Expired ones keep their rows, and must not take the room of those that work.
bool works(stored_account const& a, std::int64_t app_password)
{
    auto const now = wall_clock::now();
    auto const& all = a.who.app_passwords;
    return std::any_of(all.begin(), all.end(), [&](auto const& p) { return p->id == app_password && p->works(now); });
}

}  // namespace

scram_companions make_companions(stored_account const* a)
{
    scram_companions all;
    for (hash const h : scram_set::hashes) {
        std::vector<sasl::scram_companion> list;
        auto const salt = a != nullptr ? exchange_salt(*a, h) : std::nullopt;
        for (auto const& k : a != nullptr ? a->app_keys : std::vector<app_password_key>{})
            if (k.hash == h && salt && k.keys.salt == salt->octets && k.keys.iterations == salt->iterations &&
                works(*a, k.app_password))
                list.push_back({k.keys.stored_key, k.keys.server_key});
        list.resize(most_app_passwords * forms_of_one, nobody(h));
        all[static_cast<std::size_t>(h)] = std::make_shared<std::vector<sasl::scram_companion> const>(std::move(list));
    }
    return all;
}

std::optional<scram_salt> exchange_salt(stored_account const& a, hash h)
{
    if (a.scram[h].real) return scram_salt{a.scram[h].salt, a.scram[h].iterations};
    for (auto const& k : a.app_keys)
        if (k.hash == h) return scram_salt{k.keys.salt, k.keys.iterations};
    return std::nullopt;
}

/// The account's app password with these letters, one that works no more too. As many are
/// compared whoever it is, and also where there is no such account.
std::shared_ptr<app_password const> embedded::find_app_password(entry const& e, secret const& letters) const
{
    static std::string const none(digest_size(hash::sha256), '\0');
    auto const owner = e ? name_of(owner_of(*e)) : std::string{"0"};
    auto const wanted = app_password_verifier(store_->server_secret(), owner, letters);
    std::shared_ptr<app_password const> found;
    for (std::size_t i = 0; i < most_app_passwords_kept; ++i) {
        bool const there = e && i < e->who.app_passwords.size();
        if (equal_in_constant_time(there ? e->who.app_passwords[i]->verifier : none, wanted) && there)
            found = e->who.app_passwords[i];
    }
    return found;
}

login embedded::state_of_app(entry const& e, std::shared_ptr<app_password const> app) const
{
    login l;
    l.why = app->revoked                      ? login_cause::app_password_revoked
            : app->expired(wall_clock::now()) ? login_cause::app_password_expired
                                              : login_cause::none;
    if (l.why != login_cause::none) {
        l.cause = app->revoked ? "a revoked app password" : "an expired app password";
        return l;
    }
    return state_of(e, "app password", std::move(app));
}

/// The keys of an app password for these hashes, with the salt that the account's exchanges have.
std::vector<app_password_key> embedded::make_app_keys(stored_account const& a, secret const& letters,
                                                      std::vector<hash> const& hashes) const
{
    std::vector<app_password_key> list;
    for (hash const h : hashes) {
        auto const made_up = a.id != 0 ? made_up_salt(a.who.address, h) : strangers_salt(a.who.address, h);
        auto const salt = exchange_salt(a, h).value_or(made_up);
        std::int64_t form = 0;
        for (auto const& text : written_forms(letters)) {
            app_password_key k;
            k.hash = h;
            k.form = form++;
            k.keys = make_scram_keys(h, text.reveal(), salt.octets, salt.iterations);
            list.push_back(std::move(k));
        }
    }
    return list;
}

result<made_app_password> embedded::add_app_password(std::string_view address, new_app_password wanted)
{
    auto const found = find_owner_to_be(address);
    if (!found) return found.error();
    stored_account const& a = **found;
    if (wanted.label.empty() || wanted.label.size() > longest_label || !is_utf8(wanted.label) ||
        printable(wanted.label, longest_label) != wanted.label)
        return not_made("the label must have 1 to 64 octets, and none that can't be shown");
    auto& limits = wanted.limits;
    if (limits.networks.size() > most_limits) return not_made("there are too many networks (at most 50)");
    if (auto r = make_keys(limits.senders); !r) return std::move(r).error();
    if (auto r = make_keys(limits.recipients); !r) return std::move(r).error();
    auto const now = wall_clock::now();
    if (wanted.expires && *wanted.expires <= now) return not_made("it would have expired already");

    made_app_password made;
    made.text = make_app_password();
    auto const letters = read_app_password(made.text.reveal()).value();
    app_password p;
    p.label = std::move(wanted.label);
    p.created_by = std::move(wanted.created_by);
    p.expires = wanted.expires;
    p.limits = std::move(limits);
    p.verifier = app_password_verifier(store_->server_secret(), name_of(owner_of(a)), letters);
    auto id = store_->add_app_password(owner_of(a), p, make_app_keys(a, letters, *scram_hashes_.get()), now);
    if (!id) return std::move(id).error();
    made.id = *id;
    made.address = a.who.address;
    if (auto r = changed(done{}); !r) return std::move(r).error();
    return made;
}

result<std::vector<app_password>> embedded::list_app_passwords(std::string_view address)
{
    uses_.flush();
    auto found = find_owner_of_some(address);
    if (!found) return std::move(found).error();
    std::vector<app_password> list;
    for (auto const& p : (*found)->who.app_passwords) list.push_back(*p);
    return list;
}

result<> embedded::revoke_app_password(std::string_view address, std::int64_t id)
{
    auto found = find_owner_of_some(address);
    if (!found) return std::move(found).error();
    return changed(store_->revoke_app_password(owner_of(**found), id, wall_clock::now()));
}

void embedded::note_use(app_password const& p, ip_address const& client)
{
    uses_.note({p.id, wall_clock::now(), client.to_string()});
}

/// As the database has it now. Users of back ends are none that can be changed.
result<embedded::entry> embedded::account_to_change(std::string_view address)
{
    auto const key = login_key(address);
    if (!key) return bad_address(address);
    auto found = store_->find_login(*key);
    if (!found || *found) return found;
    auto elsewhere = find_account(*key);
    if (!elsewhere) return std::move(elsewhere).error();
    if (*elsewhere)
        return error{{5, 1, 1},
                     "The user comes from a back end",
                     *key + " comes from the back end " + (*elsewhere)->back_end +
                         ": that can only be changed of accounts of the database (`postern account add`)"};
    return error{{5, 1, 1}, "There is no such account", "there is no account " + printable(address)};
}

}  // namespace postern::directory
