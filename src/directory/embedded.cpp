#include "directory/embedded.hpp"

#include <algorithm>
#include <system_error>
#include <thread>

#include "base/crypto.hpp"
#include "base/log.hpp"
#include "directory/import.hpp"
#include "directory/key_file.hpp"
#include "directory/verifier.hpp"

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
      own_shapes_(std::make_shared<shapes_by_domain const>()),
      decoy_(std::make_shared<std::string const>()),
      logins_(most_accounts_in_memory, most_unknown_in_memory),
      recipients_(most_accounts_in_memory, most_unknown_in_memory),
      outside_apps_(most_accounts_in_memory, most_unknown_in_memory),
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
    for (auto const& a : authenticators_) {
        if (!a->tells()) continue;
        auto const name = "usual users of " + a->health().name;
        auto const known = store_->find_note(name);
        if (!known) return known.error();
        a->keep_usual(*known, [this, name](std::string const& text) {
            pool_.when_idle([this, name, text] {
                if (auto kept = store_->put_note(name, text); !kept)
                    log::event(log::level::warning, "usual_users_not_stored", {{"detail", kept.error().logged}});
            });
        });
    }
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
    outside_apps_.clear();
    if (auto r = refresh_domains(nullptr); !r) return r;
    if (auto r = refresh_basic(); !r) return r;
    if (auto r = refresh_means(); !r) return r;
    if (auto r = refresh_roles(); !r) return r;
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
    auto shapes = store_->typical_shapes({scram_iterations, scram_salt_size});
    if (!shapes) return std::move(shapes).error();
    own_shapes_.set(std::make_shared<shapes_by_domain const>(std::move(*shapes)));
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
