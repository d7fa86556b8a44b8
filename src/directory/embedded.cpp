#include "directory/embedded.hpp"

#include <algorithm>
#include <system_error>
#include <thread>

#include "base/crypto.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "directory/import.hpp"
#include "directory/key_file.hpp"
#include "directory/names.hpp"
#include "directory/verifier.hpp"
#include "sasl/prepare.hpp"

namespace postern::directory {
namespace {

constexpr std::chrono::milliseconds between_polls{100};
// A damaged file is looked over from end to end each time: soon at first, then now and then.
constexpr std::chrono::milliseconds first_reopening_pause{100};
constexpr std::chrono::seconds longest_reopening_pause{5};
// So long are answers from memory good when the database can't be asked.
constexpr std::chrono::seconds trust_without_database{60};
constexpr std::size_t most_accounts_in_memory = 100'000;
// Names that strangers choose: fewer.
constexpr std::size_t most_failures_in_memory = 20'000;
constexpr std::size_t most_unknown_in_memory = 20'000;
// As long as a check may take; at the rate of upgrades that is far more than needed.
constexpr std::size_t most_upgrades_in_memory = 1'000;

std::int64_t now_in_nanoseconds() { return steady_clock::now().time_since_epoch() / std::chrono::nanoseconds{1}; }

unsigned thread_count(unsigned wanted)
{
    return wanted != 0 ? wanted : std::max(1u, std::thread::hardware_concurrency());
}

std::shared_ptr<account const> account_of(std::shared_ptr<stored_account const> const& e)
{
    return e ? std::shared_ptr<account const>{e, &e->who} : nullptr;
}

error bad_address(std::string_view text)
{
    return {{5, 1, 3}, "That is not a full address", printable(text) + " is not a full address"};
}

error bad_domain(std::string_view text)
{
    return {{5, 1, 2}, "That is not a domain", printable(text) + " is not a domain"};
}

error bad_password()
{
    return {{5, 7, 0},
            "The password must have 1 to 255 octets and no NUL",
            "the password must have 1 to 255 octets and no NUL"};
}

error no_memory() { return {{4, 3, 0}, "There is not enough memory to hash the password", "argon2: no memory"}; }

}  // namespace

embedded::embedded(options o, std::unique_ptr<store> s, back_ends others)
    : options_(std::move(o)),
      store_(std::move(s)),
      sources_(std::move(others.sources)),
      authenticators_(std::move(others.authenticators)),
      process_key_(random_octets(32)),
      dummy_sealed_(seal(process_key_, "a password", {})),
      no_companions_(make_companions(nullptr)),
      domains_(std::make_shared<domain_list const>()),
      scram_hashes_(std::make_shared<std::vector<hash> const>(options_.scram_hashes)),
      configured_basic_(options_.basic_passwords),
      basic_(std::make_shared<basic_rules const>()),
      means_(std::make_shared<sasl::account_means const>()),
      sealing_key_(std::make_shared<secret const>()),
      dummy_(std::make_shared<std::string const>(make_dummy({}))),
      decoy_(std::make_shared<std::string const>()),
      logins_(most_accounts_in_memory, most_unknown_in_memory),
      recipients_(most_accounts_in_memory, most_unknown_in_memory),
      memories_(options_.cache_entries),
      failures_(most_failures_in_memory),
      outsiders_(authenticators_.empty() ? 0 : most_accounts_in_memory),
      upgrades_(most_upgrades_in_memory),
      uses_([this](std::vector<use_of_app_password> const& uses) { return store_->put_uses(uses); }),
      pool_(thread_count(options_.hash_threads), options_.hash_queue)
{
}

embedded::~embedded()
{
    for (auto const& a : authenticators_) a->stop();
    for (auto const& s : sources_) s->stop();
    pool_.stop();
    uses_.stop();
    if (reopener_.joinable()) reopener_.join();
}

result<> embedded::begin()
{
    last_good_ = now_in_nanoseconds();
    store_->set_recipient_delimiter(options_.recipient_delimiter);
    if (auto r = refresh_domains(&options_.configured_domains); !r) return r;
    if (auto r = refresh(); !r) return r;
    for (auto const& s : sources_) s->start([this] { sources_changed(); });
    return done{};
}

/// The users of a back end are others now. On a thread of the back end's.
void embedded::sources_changed()
{
    ++epoch_;
    recipients_.clear();
    std::lock_guard lock{refresh_lock_};
    if (auto r = refresh_dummy(); !r) must_refresh_ = true;
}

std::vector<backend_health> embedded::backends() const
{
    std::vector<backend_health> list;
    for (auto const& s : sources_) list.push_back(s->health());
    for (auto const& a : authenticators_) list.push_back(a->health());
    return list;
}

/// Empties the caches when another process changed the database. Called by every
/// question; does something ten times a second.
result<> embedded::look_at_database()
{
    std::int64_t const now = now_in_nanoseconds();
    std::int64_t due = next_poll_.load(std::memory_order_relaxed);
    if (now >= due && next_poll_.compare_exchange_strong(due, now + std::chrono::nanoseconds{between_polls}.count())) {
        store::news const news = store_->poll();
        if (store_->wants_reopen()) begin_reopening(now);
        if (news == store::news::trouble) {
            note_trouble();
        } else if (news == store::news::changed || !reopening_) {
            bool good = true;
            if (must_refresh_.exchange(false) || news == store::news::changed) good = refresh().has_value();
            if (!good) must_refresh_ = true;
            if (good) {
                last_good_ = now;
                if (in_trouble_.exchange(false)) log::event(log::level::info, "accounts_available");
            }
        }
    }
    if (in_trouble_.load(std::memory_order_relaxed) &&
        now - last_good_.load(std::memory_order_relaxed) > std::chrono::nanoseconds{trust_without_database}.count())
        return error{{4, 3, 0}, "The account database is not available", store_->trouble()};
    return done{};
}

void embedded::note_trouble()
{
    if (!in_trouble_.exchange(true))
        log::event(log::level::error, "accounts_unavailable", {{"detail", store_->trouble()}});
}

/// On a thread of its own: sessions don't wait while a file is looked over.
void embedded::begin_reopening(std::int64_t now)
{
    if (now < next_reopening_ || reopening_.exchange(true)) return;
    // The last one has ended, or is about to: it lets go of the flag at its very end.
    if (reopener_.joinable()) reopener_.join();
    try {
        reopener_ = std::thread{[this] { reopen(); }};
    } catch (std::system_error const&) {
        reopening_ = false;  // no thread to be had; the next question tries again
    }
}

void embedded::reopen()
{
    bool good = store_->reopen().has_value();
    if (!good) note_trouble();
    if (good) {
        good = refresh().has_value();
        must_refresh_ = !good;
    }
    if (good) {
        last_good_ = now_in_nanoseconds();
        reopening_pause_ = {};
        if (in_trouble_.exchange(false)) log::event(log::level::info, "accounts_available");
    } else {
        reopening_pause_ =
            std::clamp<std::chrono::nanoseconds>(2 * reopening_pause_, first_reopening_pause, longest_reopening_pause);
    }
    next_reopening_ = now_in_nanoseconds() + reopening_pause_.count();
    reopening_ = false;
}

/// Forgets what was read before a change, and reads anew what is always kept.
result<> embedded::refresh()
{
    std::lock_guard lock{refresh_lock_};
    ++epoch_;
    logins_.clear();
    recipients_.clear();
    if (auto r = refresh_domains(nullptr); !r) return r;
    if (auto r = refresh_basic(); !r) return r;
    if (auto r = refresh_means(); !r) return r;
    return refresh_dummy();
}

result<> embedded::refresh_dummy()
{
    auto typical = store_->typical_verifier();
    if (!typical) return std::move(typical).error();
    if (!sources_.empty()) {
        auto count = store_->count_accounts();
        if (!count) return std::move(count).error();
        // What most users have, wherever they are.
        std::size_t most = *count;
        for (auto const& s : sources_) {
            if (s->count() <= most) continue;
            most = s->count();
            typical = s->typical_verifier();
        }
    }
    auto oldest = store_->oldest_account();
    if (!oldest) return std::move(oldest).error();
    if (*oldest) decoy_.set(std::make_shared<std::string const>((*oldest)->who.address));
    // The same one as long as it costs the same: memories of unknown names depend on it.
    auto const known = dummy_.get();
    if (!typical->empty() && cost_of(*typical) != cost_of(*known))
        dummy_.set(std::make_shared<std::string const>(make_dummy(*typical)));
    return done{};
}

result<> embedded::refresh_domains(std::vector<std::string> const* configured)
{
    auto stored = store_->list_domains();
    auto next = std::make_shared<domain_list>();
    auto const now = domains_.get();
    next->stored = now->stored;
    if (stored) next->stored = std::move(*stored);
    for (auto const& name : configured != nullptr ? *configured : now->configured) {
        // The configuration was validated; what is not a domain matches nothing.
        if (auto domain = mail::parse_domain(name)) next->configured.push_back(std::move(*domain));
    }
    next->all.insert(next->stored.begin(), next->stored.end());
    next->all.insert(next->configured.begin(), next->configured.end());
    domains_.set(std::move(next));
    if (!stored) return std::move(stored).error();
    return done{};
}

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
result<embedded::entry> embedded::ask_sources(std::string_view key) const
{
    for (auto const& s : sources_) {
        auto found = s->find(key);
        if (!found) return std::move(found).error();
        if (*found) return with_delimiter(*found);
    }
    return entry{};
}

embedded::entry embedded::with_delimiter(entry const& e) const
{
    char const delimiter = store_->recipient_delimiter();
    if (!e || e->who.recipient_delimiter == delimiter) return e;
    auto copy = std::make_shared<stored_account>(*e);
    copy->who.recipient_delimiter = delimiter;
    return copy;
}

result<std::shared_ptr<account const>> embedded::find_account(std::string_view address)
{
    if (auto r = look_at_database(); !r) return std::move(r).error();
    auto const key = login_key(address);
    if (!key && authenticators_.empty()) return std::shared_ptr<account const>{};
    std::string const name = key ? *key : any_name_key(address);
    auto found = find_login(name);
    if (!found) return std::move(found).error();
    if (!*found && !authenticators_.empty()) {
        if (auto const known = outsiders_.get(name); known && known->until > steady_clock::now())
            return account_of(known->who);
    }
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

// -- management --

/// After a successful write nobody may see what was before.
result<> embedded::changed(result<> outcome)
{
    if (!outcome) return outcome;
    // The write stands; trouble with reading back is reported by whoever asks next.
    if (auto r = refresh(); !r) log::event(log::level::error, "accounts_unavailable", {{"detail", r.error().logged}});
    return done{};
}

result<> embedded::add_account(mail::mailbox const& address, secret const& password)
{
    auto const key = login_key(address.to_string());
    if (!key) return bad_address(address.to_string());
    if (!sasl::is_acceptable_password(password.reveal())) return bad_password();
    auto const made = make_credentials(password, *scram_hashes_.get());
    if (made.verifier.empty()) return no_memory();
    return changed(store_->add_account(*key, made, wall_clock::now()));
}

result<> embedded::set_password(std::string_view address, secret const& password, keep what)
{
    auto const key = login_key(address);
    if (!key) return bad_address(address);
    if (!sasl::is_acceptable_password(password.reveal())) return bad_password();
    auto before = store_->find_login(*key);
    if (!before) return std::move(before).error();
    auto made = make_credentials(password, *scram_hashes_.get(), before->get());
    if (made.verifier.empty()) return no_memory();
    if (what == keep::cram_md5) {
        auto sealed = seal_cram_md5(*key, password);
        if (!sealed) return std::move(sealed).error();
        made.cram_md5 = std::move(*sealed);
    }
    return changed(store_->set_credentials(*key, made, wall_clock::now()));
}

result<std::string> embedded::seal_cram_md5(std::string const& address, secret const& password)
{
    auto key = read_key(options_.folder);
    if (!key) return std::move(key).error();
    if (!*key) {
        // What the lost one sealed could never be opened again.
        auto sealed = store_->has_cram_md5();
        if (!sealed) return std::move(sealed).error();
        if (*sealed)
            return error{{4, 3, 0},
                         "The key of the account database is not available",
                         (options_.folder / "accounts.key").string() +
                             " is gone: restore it from a backup; or give the accounts that have a CRAM-MD5 secret a "
                             "password without one, then a new key is made"};
        auto made = make_key(options_.folder);
        if (!made) return std::move(made).error();
        *key = std::move(*made);
    }
    sealing_key_.set(std::make_shared<secret const>(**key));
    return seal((*key)->reveal(), sasl::scram_password(password.reveal()).reveal(), address);
}

result<> embedded::remove_account(std::string_view address)
{
    auto const key = login_key(address);
    if (!key) return bad_address(address);
    return changed(store_->remove_account(*key));
}

result<> embedded::set_enabled(std::string_view address, bool on)
{
    auto const key = login_key(address);
    if (!key) return bad_address(address);
    return changed(store_->set_flag(*key, store::flag::enabled, on));
}

result<> embedded::set_smtp_auth(std::string_view address, bool on)
{
    auto const key = login_key(address);
    if (!key) return bad_address(address);
    return changed(store_->set_flag(*key, store::flag::smtp_auth, on));
}

result<> embedded::add_alias(std::string_view address, mail::mailbox const& alias)
{
    auto const key = login_key(address);
    if (!key) return bad_address(address);
    auto const other = login_key(alias.to_string());
    if (!other) return bad_address(alias.to_string());
    return changed(store_->add_alias(*key, *other));
}

result<> embedded::remove_alias(std::string_view address, mail::mailbox const& alias)
{
    auto const key = login_key(address);
    if (!key) return bad_address(address);
    return changed(store_->remove_alias(*key, address_key(alias)));
}

result<> embedded::grant_send_as(std::string_view address, std::string_view sender)
{
    auto const key = login_key(address);
    if (!key) return bad_address(address);
    auto const other = sender_key(sender);
    if (!other && sender_key("@" + std::string{sender})) {
        auto e = bad_address(sender);
        e.logged += "; for every address of a domain, write @" + std::string{sender};
        return e;
    }
    if (!other) return bad_address(sender);
    return changed(store_->grant_send_as(*key, *other));
}

result<> embedded::revoke_send_as(std::string_view address, std::string_view sender)
{
    auto const key = login_key(address);
    if (!key) return bad_address(address);
    auto const other = sender_key(sender);
    if (!other) return bad_address(sender);
    return changed(store_->revoke_send_as(*key, *other));
}

result<std::vector<account>> embedded::list_accounts() { return store_->list_accounts(); }

result<std::size_t> embedded::import_accounts(std::string_view text, file_format const& format,
                                              std::vector<std::string>& problems)
{
    auto const list = read_passwd_file(text, format, *scram_hashes_.get(), problems);
    if (!problems.empty())
        return error{{5, 6, 0},
                     "Some lines can't be imported; nothing was changed",
                     std::to_string(problems.size()) + " bad lines in the import; nothing was changed"};
    auto count = store_->import_accounts(list, wall_clock::now());
    if (!count) return std::move(count).error();
    if (auto r = changed(done{}); !r) return std::move(r).error();
    return *count;
}

result<> embedded::add_domain(std::string_view domain)
{
    auto const name = mail::parse_domain(domain);
    if (!name) return bad_domain(domain);
    return changed(store_->add_domain(*name));
}

result<> embedded::remove_domain(std::string_view domain)
{
    auto const name = mail::parse_domain(domain);
    if (!name) return bad_domain(domain);
    auto const list = domains_.get();
    if (std::find(list->configured.begin(), list->configured.end(), *name) != list->configured.end())
        return error{{5, 1, 2},
                     "The domain is in the configuration: remove it there",
                     *name + " is in the configuration ([domains] local): remove it there"};
    auto used = store_->domain_in_use(*name);
    if (!used) return std::move(used).error();
    if (*used)
        return error{{5, 1, 2},
                     "The domain still has accounts or aliases",
                     *name + " still has accounts or aliases: remove those first"};
    return changed(store_->remove_domain(*name));
}

result<std::vector<std::string>> embedded::list_domains()
{
    if (auto r = look_at_database(); !r) return std::move(r).error();
    auto const list = domains_.get();
    std::vector<std::string> names{list->all.begin(), list->all.end()};
    std::sort(names.begin(), names.end());
    return names;
}

void embedded::set_configured_domains(std::vector<std::string> domains)
{
    std::lock_guard lock{refresh_lock_};
    if (auto r = refresh_domains(&domains); !r)
        log::event(log::level::error, "accounts_unavailable", {{"detail", r.error().logged}});
    ++epoch_;
    recipients_.clear();
}

void embedded::set_recipient_delimiter(char delimiter)
{
    std::lock_guard lock{refresh_lock_};
    store_->set_recipient_delimiter(delimiter);
    ++epoch_;
    logins_.clear();
    recipients_.clear();
}

void embedded::set_scram_hashes(std::vector<hash> hashes)
{
    scram_hashes_.set(std::make_shared<std::vector<hash> const>(std::move(hashes)));
}

std::vector<hash> scram_hashes_of(std::vector<std::string> const& mechanisms)
{
    std::vector<hash> list{hash::sha256};
    for (auto const& [name, h] : {std::pair{"SCRAM-SHA-1", hash::sha1}, std::pair{"SCRAM-SHA-512", hash::sha512}}) {
        auto const wanted = [&](std::string const& m) { return m == name || m == std::string{name} + "-PLUS"; };
        if (std::any_of(mechanisms.begin(), mechanisms.end(), wanted)) list.push_back(h);
    }
    return list;
}

result<std::unique_ptr<directory>> open_embedded(options o)
{
    auto s = store::open(o.folder);
    if (!s) return std::move(s).error();
    auto others = make_back_ends(o.backends);
    auto made = std::make_unique<embedded>(std::move(o), std::move(*s), std::move(others));
    if (auto begun = made->begin(); !begun) return std::move(begun).error();
    return std::unique_ptr<directory>{std::move(made)};
}

}  // namespace postern::directory
