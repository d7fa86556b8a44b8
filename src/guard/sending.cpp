#include "guard/sending.hpp"

#include <algorithm>
#include <array>
#include <mutex>
#include <optional>

#include "guard/fingerprint.hpp"
#include "guard/table.hpp"

namespace postern::guard {
namespace {

constexpr std::int64_t hour = 3600, day = 86400;
constexpr std::size_t shards = 16;

struct counter {
    counter_row row;
    bool dirty = false;
    bool empty() const noexcept { return row.id == 0; }
    bool same(counter const& o) const noexcept { return row.id == o.row.id; }
};
struct known {
    std::uint64_t id = 0;
    std::uint32_t last = 0;  // hours since 1970
    bool dirty = false;
    bool empty() const noexcept { return id == 0; }
    bool same(known const& o) const noexcept { return id == o.id; }
};
struct hash_counter {
    std::uint64_t operator()(counter const& c) const noexcept { return c.row.id; }
};
struct hash_known {
    std::uint64_t operator()(known const& k) const noexcept { return k.id; }
};

template <class Entry, class Hash>
struct shard {
    std::mutex lock;
    table<Entry, Hash> entries;
    std::vector<std::uint64_t> changed;  // each once: the entry has a mark
    explicit shard(std::size_t most) : entries(most, Hash{}) {}
};

std::int64_t seconds_of(wall_time t)
{
    return std::chrono::duration_cast<std::chrono::seconds>(t.time_since_epoch()).count();
}
wall_time time_of(std::int64_t seconds) { return wall_time{std::chrono::seconds{seconds}}; }

// A period that is over, or that a clock set back has not begun, begins anew.
bool over_by(std::int64_t began, std::int64_t length, std::int64_t now) { return now < began || now - began >= length; }

void renew(counter_row& r, std::int64_t now)
{
    constexpr std::uint32_t hourly =
        1u << static_cast<int>(measure::messages_per_hour) | 1u << static_cast<int>(measure::recipients_per_hour);
    if (over_by(r.hour, hour, now)) {
        r.hour = now;
        r.messages_hour = r.recipients_hour = 0;
        r.told &= ~hourly;
    }
    if (over_by(r.day, day, now)) {
        r.day = now;
        r.messages_day = r.recipients_day = r.new_day = 0;
        r.told &= hourly;
    }
}

std::uint32_t used(counter_row const& r, measure m)
{
    switch (m) {
        case measure::messages_per_hour: return r.messages_hour;
        case measure::messages_per_day: return r.messages_day;
        case measure::recipients_per_hour: return r.recipients_hour;
        case measure::recipients_per_day: return r.recipients_day;
        case measure::new_recipients_per_day: break;
    }
    return r.new_day;
}

std::uint32_t limit_of(config::sending_limit const& l, measure m)
{
    switch (m) {
        case measure::messages_per_hour: return l.messages_per_hour;
        case measure::messages_per_day: return l.messages_per_day;
        case measure::recipients_per_hour: return l.recipients_per_hour;
        case measure::recipients_per_day: return l.recipients_per_day;
        case measure::new_recipients_per_day: break;
    }
    return l.new_recipients_per_day;
}

std::uint32_t more(measure m, std::uint32_t messages, std::uint32_t recipients, std::uint32_t fresh)
{
    if (m == measure::messages_per_hour || m == measure::messages_per_day) return messages;
    return m == measure::new_recipients_per_day ? fresh : recipients;
}

wall_time reset_of(counter_row const& r, measure m)
{
    bool const hourly = m == measure::messages_per_hour || m == measure::recipients_per_hour;
    return time_of(hourly ? r.hour + hour : r.day + day);
}

std::string_view domain_of(std::string_view account)
{
    auto const at = account.rfind('@');
    return at == std::string_view::npos ? std::string_view{} : account.substr(at + 1);
}

// Four fifths of small limits are soon there, and help nobody to know.
constexpr std::uint32_t least_to_tell = 5;

}  // namespace

std::string_view to_string(scope s) noexcept
{
    switch (s) {
        case scope::account: return "account";
        case scope::domain: return "domain";
        case scope::app_password: return "app password";
        case scope::network: break;
    }
    return "network";
}

std::string_view to_string(measure m) noexcept
{
    switch (m) {
        case measure::messages_per_hour: return "messages per hour";
        case measure::messages_per_day: return "messages per day";
        case measure::recipients_per_hour: return "recipients per hour";
        case measure::recipients_per_day: return "recipients per day";
        case measure::new_recipients_per_day: break;
    }
    return "new recipients per day";
}

struct sending_book::state {
    fingerprinter prints;
    std::vector<std::unique_ptr<shard<counter, hash_counter>>> counters;
    std::vector<std::unique_ptr<shard<known, hash_known>>> recipients;

    // One that a limit may apply to.
    struct applied {
        guard::scope scope;
        std::string who;
        std::uint64_t id;
        config::sending_limit const* limit;  // null: only counted
    };

    explicit state(std::string key, std::size_t most_counters, std::size_t most_known) : prints(std::move(key))
    {
        for (std::size_t i = 0; i < shards; ++i) {
            counters.push_back(std::make_unique<shard<counter, hash_counter>>(most_counters / shards));
            recipients.push_back(std::make_unique<shard<known, hash_known>>(most_known / shards));
        }
    }

    std::uint64_t id_of(guard::scope s, std::string_view who) const
    {
        return prints.of(std::string{to_string(s)} + ' ' + std::string{who});
    }

    // The row that names it, or its domain, before the one for all.
    static config::sending_limit const* find(limits const& l, config::limit_scope s, std::string_view who,
                                             std::string_view domain, std::string_view one = {})
    {
        config::sending_limit const* best = nullptr;
        int rank = -1;
        for (auto const& row : l) {
            if (row.per != s) continue;
            bool const of_domain = row.match.starts_with('@') && std::string_view{row.match}.substr(1) == domain;
            int const r = !one.empty() && row.match == one ? 3
                          : row.match == who               ? 2
                          : of_domain                      ? 1
                          : row.match.empty()              ? 0
                                                           : -1;
            if (r > rank) {
                rank = r;
                best = &row;
            }
        }
        return best;
    }

    static config::sending_limit const* find_network(limits const& l, ip_address const& a)
    {
        config::sending_limit const* best = nullptr;
        int rank = -2;
        for (auto const& row : l) {
            if (row.per != config::limit_scope::network) continue;
            int r = -1;
            if (!row.match.empty()) {
                auto const n = network::parse(row.match);
                if (!n || !n->contains(a)) continue;
                r = static_cast<int>(n->prefix());
            }
            if (r > rank) {
                rank = r;
                best = &row;
            }
        }
        return best;
    }

    static std::string place_of(ip_address const& a)
    {
        if (a.is_v4()) return a.to_string();
        auto octets = a.octets();
        std::fill(octets.begin() + 8, octets.end(), std::uint8_t{0});
        return ip_address::v6(octets).to_string() + "/64";
    }

    std::vector<applied> apply(limits const& l, sender const& who) const
    {
        std::vector<applied> out;
        auto const domain = domain_of(who.account);
        if (!who.account.empty()) {
            if (auto const* const row = find(l, config::limit_scope::account, who.account, domain))
                out.push_back({scope::account, std::string{who.account}, id_of(scope::account, who.account), row});
            auto const one = std::string{who.account} + '#' + std::to_string(who.app_password);
            auto const* const of_one =
                who.app_password == 0 ? nullptr : find(l, config::limit_scope::app_password, who.account, domain, one);
            if (of_one) out.push_back({scope::app_password, one, id_of(scope::app_password, one), of_one});
            auto const* const of_domain = domain.empty() ? nullptr : find(l, config::limit_scope::domain, domain, {});
            if (of_domain) out.push_back({scope::domain, std::string{domain}, id_of(scope::domain, domain), of_domain});
        }
        if (auto const* const row = find_network(l, who.client)) {
            auto place = place_of(who.client);
            auto const id = id_of(scope::network, place);
            out.push_back({scope::network, std::move(place), id, row});
        }
        return out;
    }

    template <class Act>
    auto with(std::uint64_t id, std::int64_t now, Act act)
    {
        auto& s = *counters[id % shards];
        std::lock_guard const hold{s.lock};
        counter like;
        like.row.id = id;
        auto& c = s.entries.take(like, [&](counter const& e) { return over_by(e.row.day, day, now) ? 0 : e.row.day; });
        renew(c.row, now);
        return act(s, c);
    }

    static void mark(shard<counter, hash_counter>& s, counter& c)
    {
        if (c.dirty) return;
        c.dirty = true;
        s.changed.push_back(c.row.id);
    }

    std::uint64_t known_id(std::string_view account, std::string_view recipient) const
    {
        return prints.of(prints.of(account), prints.of(recipient));
    }

    std::uint32_t count_new(std::string_view account, std::span<std::string const> to, std::int64_t now, bool learn)
    {
        std::uint32_t fresh = 0;
        auto const stamp = static_cast<std::uint32_t>(std::max<std::int64_t>(1, now / hour));
        for (auto const& r : to) {
            known like;
            like.id = known_id(account, r);
            auto& s = *recipients[like.id % shards];
            std::lock_guard const hold{s.lock};
            auto* found = s.entries.find(like);
            if (found == nullptr) ++fresh;
            if (!learn) continue;
            if (found == nullptr) found = &s.entries.take(like, [](known const& e) { return std::int64_t{e.last}; });
            // Once a day is enough to know which are the oldest.
            if (found->last != 0 && stamp < found->last + 24) continue;
            found->last = stamp;
            if (found->dirty) continue;
            found->dirty = true;
            s.changed.push_back(found->id);
        }
        return fresh;
    }

    std::unique_ptr<usage> over(std::vector<applied> const& all, std::uint32_t messages, std::uint32_t recipients_more,
                                std::uint32_t fresh, std::int64_t now)
    {
        for (auto const& a : all) {
            auto found = with(a.id, now, [&](auto&, counter& c) -> std::unique_ptr<usage> {
                for (std::size_t i = 0; i < measures; ++i) {
                    auto const m = static_cast<measure>(i);
                    auto const limit = limit_of(*a.limit, m);
                    auto const plus = more(m, messages, recipients_more, fresh);
                    if (limit == 0 || plus == 0 || std::uint64_t{used(c.row, m)} + plus <= limit) continue;
                    return std::make_unique<usage>(usage{a.scope, a.who, m, used(c.row, m), limit, reset_of(c.row, m)});
                }
                return nullptr;
            });
            if (found) return found;
        }
        return nullptr;
    }
};

sending_book::sending_book(std::string key, std::size_t most_counters, std::size_t most_known)
    : state_(std::make_unique<state>(std::move(key), most_counters, most_known))
{
}
sending_book::~sending_book() = default;

std::unique_ptr<usage> sending_book::over(limits const& l, sender const& who, std::uint32_t messages,
                                          std::uint32_t recipients, std::uint32_t new_recipients, wall_time now)
{
    if (l.empty()) return nullptr;
    return state_->over(state_->apply(l, who), messages, recipients, new_recipients, seconds_of(now));
}

bool sending_book::knows(std::string_view account, std::string_view recipient)
{
    known like;
    like.id = state_->known_id(account, recipient);
    auto& s = *state_->recipients[like.id % shards];
    std::lock_guard const hold{s.lock};
    return s.entries.find(like) != nullptr;
}

sending_book::taken sending_book::take(limits const& l, sender const& who, std::span<std::string const> recipients,
                                       wall_time now)
{
    taken t;
    auto const all = state_->apply(l, who);
    auto const at = seconds_of(now);
    t.new_recipients = state_->count_new(who.account, recipients, at, false);
    auto const count = static_cast<std::uint32_t>(recipients.size());
    t.refused = state_->over(all, 1, count, t.new_recipients, at);
    if (t.refused) return t;
    for (auto const& a : all) {
        state_->with(a.id, at, [&](auto& s, counter& c) {
            c.row.messages_hour += 1;
            c.row.messages_day += 1;
            c.row.recipients_hour += count;
            c.row.recipients_day += count;
            c.row.new_day += t.new_recipients;
            for (std::size_t i = 0; i < measures; ++i) {
                auto const m = static_cast<measure>(i);
                auto const limit = limit_of(*a.limit, m);
                if (limit < least_to_tell || std::uint64_t{used(c.row, m)} * 5 < std::uint64_t{limit} * 4) continue;
                if (c.row.told & 1u << i) continue;
                c.row.told |= 1u << i;
                t.nearly.push_back({a.scope, a.who, m, used(c.row, m), limit, reset_of(c.row, m)});
            }
            state::mark(s, c);
        });
    }
    if (!who.account.empty()) state_->count_new(who.account, recipients, at, true);
    return t;
}

void sending_book::give_back(limits const& l, sender const& who, std::uint32_t recipients, wall_time now)
{
    auto const less = [](std::uint32_t& value, std::uint32_t by) { value -= std::min(value, by); };
    for (auto const& a : state_->apply(l, who)) {
        state_->with(a.id, seconds_of(now), [&](auto& s, counter& c) {
            less(c.row.messages_hour, 1);
            less(c.row.messages_day, 1);
            less(c.row.recipients_hour, recipients);
            less(c.row.recipients_day, recipients);
            state::mark(s, c);
        });
    }
}

std::vector<usage> sending_book::look(limits const& l, sender const& who, wall_time now)
{
    std::vector<usage> out;
    for (auto const& a : state_->apply(l, who)) {
        if (a.scope == scope::network) continue;
        state_->with(a.id, seconds_of(now), [&](auto&, counter& c) {
            for (std::size_t i = 0; i < measures; ++i) {
                auto const m = static_cast<measure>(i);
                if (auto const limit = limit_of(*a.limit, m))
                    out.push_back({a.scope, a.who, m, used(c.row, m), limit, reset_of(c.row, m)});
            }
        });
    }
    return out;
}

sending_book::changes sending_book::take_changes(std::size_t most)
{
    changes out;
    for (auto& s : state_->counters) {
        std::lock_guard const hold{s->lock};
        while (!s->changed.empty() && out.counters.size() < most) {
            counter like;
            like.row.id = s->changed.back();
            s->changed.pop_back();
            if (auto* const c = s->entries.find(like)) {
                c->dirty = false;
                out.counters.push_back(c->row);
            }
        }
    }
    for (auto& s : state_->recipients) {
        std::lock_guard const hold{s->lock};
        while (!s->changed.empty() && out.known.size() < most) {
            known like;
            like.id = s->changed.back();
            s->changed.pop_back();
            if (auto* const k = s->entries.find(like)) {
                k->dirty = false;
                out.known.push_back({k->id, std::int64_t{k->last} * hour});
            }
        }
    }
    return out;
}

void sending_book::put_in(counter_row const& r)
{
    auto& s = *state_->counters[r.id % shards];
    std::lock_guard const hold{s.lock};
    counter like;
    like.row = r;
    s.entries.take(like, [](counter const& e) { return e.row.day; }).row = r;
}

void sending_book::put_in(known_row const& r)
{
    auto& s = *state_->recipients[r.id % shards];
    std::lock_guard const hold{s.lock};
    known like;
    like.id = r.id;
    s.entries.take(like, [](known const& e) { return std::int64_t{e.last}; }).last =
        static_cast<std::uint32_t>(r.last / hour);
}

}  // namespace postern::guard
