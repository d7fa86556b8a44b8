#include "guard/keeper.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <optional>

#include "base/text.hpp"
#include "guard/table.hpp"

namespace postern::guard {
namespace {

// The clock of the tables: seconds since the epoch, never 0.
using moment = std::uint32_t;

enum class extent : std::uint8_t { none, v4_address, v4_wide, v6_place, v6_wide };

constexpr unsigned prefix_of(extent e) noexcept
{
    switch (e) {
        case extent::v4_address: return 32;
        case extent::v4_wide: return 24;
        case extent::v6_place: return 64;
        case extent::v6_wide: return 48;
        case extent::none: break;
    }
    return 0;
}

struct prefix_key {
    std::uint64_t bits = 0;  // left-aligned
    extent size = extent::none;
};

prefix_key key_of(ip_address const& a, bool wide) noexcept
{
    auto const& octets = a.octets();
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < 8; ++i) bits = bits << 8 | octets[a.is_v4() ? (i < 4 ? 12 + i : 0) : i];
    if (a.is_v4()) {
        bits &= ~std::uint64_t{0} << (wide ? 40 : 32);
        return {bits, wide ? extent::v4_wide : extent::v4_address};
    }
    if (wide) bits &= ~std::uint64_t{0} << 16;
    return {bits, wide ? extent::v6_wide : extent::v6_place};
}

network network_of(prefix_key k)
{
    ip_address base;
    if (k.size == extent::v4_address || k.size == extent::v4_wide) {
        base = ip_address::v4(static_cast<std::uint32_t>(k.bits >> 32));
    } else {
        std::array<std::uint8_t, 16> octets{};
        for (std::size_t i = 0; i < 8; ++i) octets[i] = static_cast<std::uint8_t>(k.bits >> (56 - 8 * i));
        base = ip_address::v6(octets);
    }
    return network::parse(base.to_string() + '/' + std::to_string(prefix_of(k.size))).value_or(network{});
}

std::string text_of(prefix_key k)
{
    // One address is shown as people write it.
    auto const n = network_of(k);
    return k.size == extent::v4_address ? n.base().to_string() : n.to_string();
}

// What places, wider networks and accounts have in common.
struct tally {
    moment last = 0;  // when `points` was right
    moment refused_until = 0;
    float points = 0;
    std::uint8_t strikes = 0;  // refusals so far
};

struct place {
    std::uint64_t bits = 0;
    tally t;
    extent size = extent::none;
    std::uint8_t repeats = 0;
    std::uint8_t next = 0;       // in `seen`
    std::uint32_t accounts = 0;  // a sketch of which were tried: a bit each
    moment success = 0;          // of anybody
    std::uint32_t seen[3]{};     // parts of fingerprints of secrets, the last different ones
    bool empty() const noexcept { return size == extent::none; }
    bool same(place const& o) const noexcept { return bits == o.bits && size == o.size; }
};
static_assert(sizeof(place) <= 56);

struct wide {
    std::uint64_t bits = 0;
    tally t;
    extent size = extent::none;
    bool empty() const noexcept { return size == extent::none; }
    bool same(wide const& o) const noexcept { return bits == o.bits && size == o.size; }
};
static_assert(sizeof(wide) <= 32);

struct target {
    std::uint64_t id = 0;
    tally t;
    char name[44]{};  // what fits, for the list
    bool empty() const noexcept { return id == 0; }
    bool same(target const& o) const noexcept { return id == o.id; }
};

struct success {
    std::uint64_t id = 0;  // of the account and the place
    moment at = 0;
    bool empty() const noexcept { return id == 0; }
    bool same(success const& o) const noexcept { return id == o.id; }
};

template <class Entry>
struct hash_prefix {
    fingerprinter const* prints;
    std::uint64_t operator()(Entry const& e) const noexcept
    {
        return prints->of(e.bits, static_cast<std::uint64_t>(e.size));
    }
};
// Ids are keyed fingerprints already.
template <class Entry>
struct hash_id {
    std::uint64_t operator()(Entry const& e) const noexcept { return e.id; }
};

constexpr std::size_t shards = 64;
constexpr float no_points = 0.05F;
constexpr unsigned most_strikes = 16;
constexpr unsigned free_repeats = 3;       // before the same secret is slowed
constexpr unsigned opaque_repeats = 10;    // so often may an unknown secret count as the same
constexpr unsigned owner_hears_after = 6;  // so often the same secret, where the account is known
constexpr double account_share = 0.25;     // of account_refuse_after; from there on failures wait

float cooled(tally const& t, std::chrono::seconds half_life, moment now) noexcept
{
    if (t.points <= 0 || now <= t.last) return t.points;
    auto const halves =
        static_cast<float>(now - t.last) / static_cast<float>(std::max<std::int64_t>(1, half_life.count()));
    float const left = halves > 30 ? 0 : t.points * std::exp2(-halves);
    return left < no_points ? 0 : left;
}

std::uint32_t left_of(tally const& t, moment now) noexcept { return t.refused_until > now ? t.refused_until - now : 0; }

/// Entries with the least of it make room for others.
double use_of(tally const& t, config::guard_settings const& s, moment now) noexcept
{
    return double{cooled(t, s.half_life, now)} + (left_of(t, now) != 0 ? 1000 : 0);
}

// A point more. Whether a refusal begins, and for how long.
std::optional<std::chrono::seconds> add_point(tally& t, config::guard_settings const& s, double refuse_after,
                                              moment now)
{
    t.points = cooled(t, s.half_life, now);
    if (t.points <= 0) t.strikes = 0;
    t.points += 1;
    t.last = std::max(t.last, now);
    // Rounded: some seconds between them make twenty guesses 19.9 points.
    if (std::round(double{t.points}) < refuse_after || left_of(t, now) != 0) return std::nullopt;
    auto time = s.refuse_time;
    for (unsigned i = 0; i < t.strikes && time < s.longest_refusal; ++i) time *= 2;
    time = std::min(time, s.longest_refusal);
    if (t.strikes < most_strikes) ++t.strikes;
    t.refused_until = now + static_cast<moment>(time.count());
    // When it ends, a few guesses are enough for the next and longer one: cooling begins then.
    t.points = static_cast<float>(refuse_after);
    t.last = t.refused_until;
    return time;
}

// Nothing failed for so long that repetitions begin anew.
bool forgot(tally const& t, config::guard_settings const& s, moment now) noexcept
{
    return now > t.last && now - t.last > static_cast<std::uint64_t>(s.half_life.count());
}

// 1, 2, 4 ... seconds for each point over the limit.
std::chrono::milliseconds growing(double over, std::chrono::milliseconds longest)
{
    if (std::round(over) < 1) return {};
    auto const seconds = std::exp2(std::min(std::round(over) - 1, 20.0));
    return std::min(longest, std::chrono::milliseconds{static_cast<std::int64_t>(seconds * 1000)});
}

unsigned sketch_count(std::uint32_t bits) noexcept
{
    int const set = std::popcount(bits);
    if (set >= 32) return 100;  // or more
    return static_cast<unsigned>(std::lround(-32.0 * std::log(1.0 - set / 32.0)));
}

}  // namespace

std::string_view to_string(reason r) noexcept
{
    switch (r) {
        case reason::denied: return "denied";
        case reason::place: return "address";
        case reason::network: return "network";
        case reason::account: return "account";
        case reason::none: break;
    }
    return "none";
}

std::string account_key(std::string_view name)
{
    constexpr std::size_t most = 320;
    return to_lower(name.substr(0, most));
}

struct keeper::state {
    template <class Entry, class Hash>
    struct shard {
        mutable std::mutex lock;
        table<Entry, Hash> entries;
        shard(std::size_t most, Hash h) : entries(most, h) {}
    };
    template <class Entry, class Hash>
    struct sharded {
        std::vector<std::unique_ptr<shard<Entry, Hash>>> all;
        Hash hash;
        sharded(std::size_t most, Hash h) : hash(h)
        {
            for (std::size_t i = 0; i < shards; ++i)
                all.push_back(std::make_unique<shard<Entry, Hash>>(std::max<std::size_t>(16, most / shards), h));
        }
        shard<Entry, Hash>& of(Entry const& e) { return *all[hash(e) % shards]; }
        template <class Visit>
        void each(Visit visit) const
        {
            for (auto const& s : all) {
                std::lock_guard const hold{s->lock};
                s->entries.each(visit);
            }
        }
        template <class Gone>
        std::size_t erase_if(Gone gone)
        {
            std::size_t n = 0;
            for (auto& s : all) {
                std::lock_guard const hold{s->lock};
                n += s->entries.erase_if(gone);
            }
            return n;
        }
        void add_to(std::size_t& size, figures& f) const
        {
            for (auto const& s : all) {
                std::lock_guard const hold{s->lock};
                size += s->entries.size();
                f.octets += s->entries.octets();
                f.evicted += s->entries.evicted();
            }
        }
    };

    state(steady_time e, capacity const& c)
        : epoch(e),
          places(c.places, {&prints}),
          networks(c.networks, {&prints}),
          accounts(c.accounts, {}),
          successes(c.successes, {})
    {
    }

    moment at(steady_time now) const
    {
        auto const seconds = std::chrono::duration_cast<std::chrono::seconds>(now - epoch).count();
        return static_cast<moment>(std::max<std::int64_t>(seconds, 0) + 1);
    }

    bool recent(moment then, settings const& s, moment now) const noexcept
    {
        return then != 0 && now - then <= static_cast<std::uint64_t>(s.protect_time.count());
    }

    double use_of(place const& e, settings const& s, moment now) const noexcept
    {
        return guard::use_of(e.t, s, now) + (recent(e.success, s, now) ? 2000 : 0);
    }

    std::uint64_t pair(std::uint64_t account, prefix_key const& from) const
    {
        return prints.of(account, prints.of(from.bits, static_cast<std::uint64_t>(from.size)));
    }

    bool protects(settings const& s, std::uint64_t account, prefix_key const& from, moment now)
    {
        success const like{pair(account, from), 0};
        auto& sh = successes.of(like);
        std::lock_guard const hold{sh.lock};
        auto const* const found = sh.entries.find(like);
        return found != nullptr && recent(found->at, s, now);
    }

    /// `like`: an entry of `table` with the prefix's key.
    template <class Table, class Entry>
    answer refuses(Table& table, Entry like, reason why, prefix_key const& k, moment now)
    {
        like.bits = k.bits;
        like.size = k.size;
        auto& sh = table.of(like);
        std::lock_guard const hold{sh.lock};
        auto const* const found = sh.entries.find(like);
        if (found == nullptr || left_of(found->t, now) == 0) return {};
        return {why, text_of(k), std::chrono::seconds{left_of(found->t, now)}, found->t.points};
    }

    answer place_refuses(prefix_key const& k, moment now) { return refuses(places, place{}, reason::place, k, now); }

    answer network_refuses(prefix_key const& k, moment now)
    {
        return refuses(networks, wide{}, reason::network, k, now);
    }

    answer account_refuses(std::uint64_t id, std::string_view name, moment now)
    {
        target like;
        like.id = id;
        auto& sh = accounts.of(like);
        std::lock_guard const hold{sh.lock};
        auto const* const found = sh.entries.find(like);
        if (found == nullptr || left_of(found->t, now) == 0) return {};
        return {reason::account, std::string{name}, std::chrono::seconds{left_of(found->t, now)}, found->t.points};
    }

    enum class listed : std::uint8_t { no, denied, allowed };
    // The longest prefix decides; of two alike the one that denies.
    listed look_up(settings const& s, ip_address const& from) const
    {
        int deny = best_match(s.deny, from), allow = best_match(s.allow, from);
        if (has_own.load(std::memory_order_acquire)) {
            auto const mine = lists();
            deny = std::max(deny, best_match(mine->deny, from));
            allow = std::max(allow, best_match(mine->allow, from));
        }
        if (deny < 0 && allow < 0) return listed::no;
        return deny >= allow ? listed::denied : listed::allowed;
    }

    std::shared_ptr<network_lists const> lists() const
    {
        std::lock_guard const hold{lists_lock};
        return own;
    }

    steady_time const epoch;
    fingerprinter const prints;
    sharded<place, hash_prefix<place>> places;
    sharded<wide, hash_prefix<wide>> networks;
    sharded<target, hash_id<target>> accounts;
    sharded<success, hash_id<success>> successes;

    mutable std::mutex lists_lock;
    std::shared_ptr<network_lists const> own = std::make_shared<network_lists const>();
    std::atomic<bool> has_own{false};
};

keeper::keeper(steady_time epoch, capacity c) : state_(std::make_unique<state>(epoch, c)) {}
keeper::~keeper() = default;

std::uint64_t keeper::fingerprint(std::string_view account, std::string_view secret) const
{
    return state_->prints.of_secret(account, secret);
}

answer keeper::at_connect(settings const& s, ip_address const& from, bool earned, steady_time now)
{
    auto& st = *state_;
    auto const listed = st.look_up(s, from);
    if (listed == state::listed::denied) return {reason::denied, from.to_string(), {}, 0};
    if (!s.enabled || !earned || listed == state::listed::allowed) return {};
    auto const at = st.at(now);
    auto const narrow = key_of(from, false);
    auto found = st.place_refuses(narrow, at);
    if (!found.refused()) found = st.network_refuses(key_of(from, true), at);
    if (!found.refused()) return found;
    place like;
    like.bits = narrow.bits;
    like.size = narrow.size;
    auto& sh = st.places.of(like);
    std::lock_guard const hold{sh.lock};
    auto const* const there = sh.entries.find(like);
    if (there != nullptr && st.recent(there->success, s, at)) return {};
    return found;
}

answer keeper::at_login(settings const& s, ip_address const& from, std::string_view account, steady_time now)
{
    auto& st = *state_;
    if (!s.enabled || st.look_up(s, from) == state::listed::allowed) return {};
    auto const at = st.at(now);
    auto const narrow = key_of(from, false);
    auto const name = account_key(account);
    auto const id = st.prints.of(name);
    auto found = st.place_refuses(narrow, at);
    if (!found.refused()) found = st.network_refuses(key_of(from, true), at);
    if (!found.refused() && !name.empty()) found = st.account_refuses(id, name, at);
    if (!found.refused() || st.protects(s, id, narrow, at)) return {};
    return found;
}

failure keeper::on_failure(settings const& s, ip_address const& from, std::string_view account, std::uint64_t secret,
                           steady_time now, proof what)
{
    auto& st = *state_;
    if (!s.enabled || st.look_up(s, from) == state::listed::allowed) return {};
    auto const at = st.at(now);
    auto const narrow = key_of(from, false);
    auto const name = account_key(account);
    auto const id = st.prints.of(name);
    bool const certain = what == proof::wrong;
    bool const opaque = secret == 0;
    // Of a secret that nobody saw: one and the same for each account, for a while.
    auto const print = opaque ? id : secret;
    auto const part = static_cast<std::uint32_t>(print >> 32) | 1;
    failure f;
    {
        place like;
        like.bits = narrow.bits;
        like.size = narrow.size;
        auto& sh = st.places.of(like);
        std::lock_guard const hold{sh.lock};
        auto& p = sh.entries.take(like, [&](place const& e) { return st.use_of(e, s, at); });
        if (forgot(p.t, s, at)) p.repeats = 0;
        f.repeated = std::find(std::begin(p.seen), std::end(p.seen), part) != std::end(p.seen);
        if (f.repeated && certain && p.repeats < 255) ++p.repeats;
        if (opaque && (p.repeats > opaque_repeats || !certain)) f.repeated = false;
        if (!f.repeated && std::find(std::begin(p.seen), std::end(p.seen), part) == std::end(p.seen)) {
            p.seen[p.next] = part;
            p.next = static_cast<std::uint8_t>((p.next + 1u) % std::size(p.seen));
        }
        if (f.repeated || !certain) {
            p.t.points = cooled(p.t, s.half_life, at);
            p.t.last = std::max(p.t.last, at);
        } else {
            p.accounts |= std::uint32_t{1} << (id % 32);
            auto const began = add_point(p.t, s, s.refuse_after, at);
            if (began)
                f.refusals.push_back({reason::place, text_of(narrow), *began, p.t.points, sketch_count(p.accounts)});
        }
        f.repeats = p.repeats;
        f.points = p.t.points;
        f.wait = growing(double{p.t.points} - s.delay_after, s.longest_delay);
        if (f.repeated && certain && p.repeats > free_repeats)
            f.wait = std::max(f.wait,
                              std::min(s.longest_delay, std::chrono::milliseconds{(p.repeats - free_repeats) * 1000}));
    }
    bool const own = (!f.repeated || f.repeats >= owner_hears_after) && st.protects(s, id, narrow, at);
    if (f.repeated) {
        f.forgotten_device = own && certain;
        return f;
    }
    if (certain) {
        auto const around = key_of(from, true);
        wide like;
        like.bits = around.bits;
        like.size = around.size;
        auto& sh = st.networks.of(like);
        std::lock_guard const hold{sh.lock};
        auto& w = sh.entries.take(like, [&](wide const& e) { return use_of(e.t, s, at); });
        if (auto const began = add_point(w.t, s, s.network_refuse_after, at))
            f.refusals.push_back({reason::network, text_of(around), *began, w.t.points, 0});
    }
    // The owner's own mistakes don't count against the account.
    if (own || name.empty()) return f;
    target like;
    like.id = id;
    auto& sh = st.accounts.of(like);
    std::lock_guard const hold{sh.lock};
    auto& t = sh.entries.take(like, [&](target const& e) { return use_of(e.t, s, at); });
    if (t.name[0] == '\0') name.copy(t.name, sizeof t.name - 1);
    if (auto const began = add_point(t.t, s, s.account_refuse_after, at))
        f.refusals.push_back({reason::account, name, *began, t.t.points, 0});
    f.wait = std::max(f.wait, growing(double{t.t.points} - account_share * s.account_refuse_after, s.longest_delay));
    return f;
}

void keeper::on_success(settings const& s, ip_address const& from, std::string_view account, steady_time now)
{
    auto& st = *state_;
    if (!s.enabled || st.look_up(s, from) == state::listed::allowed) return;
    auto const at = st.at(now);
    auto const narrow = key_of(from, false);
    auto const id = st.prints.of(account_key(account));
    {
        success const like{st.pair(id, narrow), at};
        auto& sh = st.successes.of(like);
        std::lock_guard const hold{sh.lock};
        auto& found = sh.entries.take(
            like, [&](success const& e) { return st.recent(e.at, s, at) ? static_cast<std::int64_t>(e.at) : 0; });
        found.at = at;
    }
    place like;
    like.bits = narrow.bits;
    like.size = narrow.size;
    auto& sh = st.places.of(like);
    std::lock_guard const hold{sh.lock};
    auto& p = sh.entries.take(like, [&](place const& e) { return st.use_of(e, s, at); });
    p.success = at;
}

std::vector<row> keeper::list(settings const& s, std::size_t limit, steady_time now) const
{
    auto& st = *state_;
    auto const at = st.at(now);
    // Only the best so far are kept: the tables may hold a million.
    struct candidate {
        double weight;
        row r;
    };
    std::vector<candidate> best;
    auto const heavier = [](candidate const& a, candidate const& b) {
        return a.weight != b.weight ? a.weight > b.weight : a.r.what < b.r.what;
    };
    auto const offer = [&](tally const& t, unsigned repeats, auto make) {
        double const points = double{cooled(t, s.half_life, at)};
        auto const left = left_of(t, at);
        double const weight = (left != 0 ? 1e6 : 0) + points + repeats * 0.01;
        // One mistake is nothing to look at.
        if (std::round(points) < 2 && left == 0 && repeats <= free_repeats) return;
        if (best.size() == limit && weight <= best.back().weight) return;
        candidate c{weight, make()};
        c.r.points = points;
        c.r.repeats = repeats;
        c.r.refused_for = std::chrono::seconds{left};
        c.r.last = std::chrono::seconds{at > t.last ? at - t.last : 0};
        best.insert(std::upper_bound(best.begin(), best.end(), c, heavier), std::move(c));
        if (best.size() > limit) best.pop_back();
    };
    if (limit == 0) return {};
    st.places.each([&](place const& p) {
        offer(p.t, forgot(p.t, s, at) ? 0 : p.repeats, [&] {
            row r;
            r.why = reason::place;
            r.what = text_of({p.bits, p.size});
            r.accounts = sketch_count(p.accounts);
            return r;
        });
    });
    st.networks.each([&](wide const& w) {
        // What one place did stands there already.
        if (double{cooled(w.t, s.half_life, at)} < s.refuse_after && left_of(w.t, at) == 0) return;
        offer(w.t, 0, [&] {
            row r;
            r.why = reason::network;
            r.what = text_of({w.bits, w.size});
            return r;
        });
    });
    st.accounts.each([&](target const& t) {
        offer(t.t, 0, [&] {
            row r;
            r.why = reason::account;
            r.what = t.name;
            r.id = t.id;
            return r;
        });
    });
    std::vector<row> rows;
    rows.reserve(best.size());
    for (auto& c : best) rows.push_back(std::move(c.r));
    return rows;
}

std::size_t keeper::lift(network const& n)
{
    auto& st = *state_;
    auto const touches = [&](prefix_key k) {
        auto const other = network_of(k);
        return n.contains(other.base()) || other.contains(n.base());
    };
    std::size_t count = 0;
    st.places.erase_if([&](place& p) {
        if (!touches({p.bits, p.size})) return false;
        if (p.t.points > 0 || p.t.refused_until != 0 || p.repeats != 0) ++count;
        if (p.success == 0) return true;
        // A success is kept: it speaks for the place.
        place fresh;
        fresh.bits = p.bits;
        fresh.size = p.size;
        fresh.success = p.success;
        p = fresh;
        return false;
    });
    return count + st.networks.erase_if([&](wide const& w) { return touches({w.bits, w.size}); });
}

std::size_t keeper::lift(std::string_view account) { return lift(state_->prints.of(account_key(account))); }

std::size_t keeper::lift(std::uint64_t id)
{
    return state_->accounts.erase_if([&](target const& t) { return t.id == id; });
}

void keeper::set_lists(network_lists lists)
{
    auto& st = *state_;
    auto fresh = std::make_shared<network_lists const>(std::move(lists));
    std::lock_guard const hold{st.lists_lock};
    st.has_own.store(!fresh->empty(), std::memory_order_release);
    st.own = std::move(fresh);
}

std::shared_ptr<network_lists const> keeper::lists() const { return state_->lists(); }

figures keeper::count() const
{
    figures f;
    state_->places.add_to(f.places, f);
    state_->networks.add_to(f.networks, f);
    state_->accounts.add_to(f.accounts, f);
    state_->successes.add_to(f.successes, f);
    return f;
}

}  // namespace postern::guard
