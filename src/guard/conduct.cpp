#include "guard/conduct.hpp"

#include <algorithm>
#include <array>
#include <mutex>
#include <set>
#include <unordered_map>

namespace postern::guard {
namespace {

constexpr std::size_t shards = 16;
constexpr std::size_t parts = 6;                     // of an hour
constexpr std::uint32_t part_length = 600;           // seconds
constexpr std::size_t most_networks = 256;           // remembered of one account
constexpr std::array<double, 4> due_at{0, 1, 2, 4};  // sums of signals at which the steps come

// A count over the last hour, in parts of ten minutes.
struct hourly {
    std::array<std::uint32_t, parts> count{};
    std::uint32_t newest = 0;  // number of the part

    void turn_to(std::uint32_t part)
    {
        if (part <= newest) return;
        auto const steps = std::min<std::uint32_t>(part - newest, parts);
        for (std::uint32_t i = 1; i <= steps; ++i) count[(newest + i) % parts] = 0;
        // Further than that all is old.
        if (part - newest >= parts) count.fill(0);
        newest = part;
    }
    void add(std::uint32_t part, std::uint32_t n)
    {
        turn_to(part);
        auto& c = count[newest % parts];
        c = n > UINT32_MAX - c ? UINT32_MAX : c + n;
    }
    std::uint32_t sum(std::uint32_t part) const
    {
        hourly copy = *this;
        copy.turn_to(part);
        std::uint64_t all = 0;
        for (auto const c : copy.count) all += c;
        return static_cast<std::uint32_t>(std::min<std::uint64_t>(all, UINT32_MAX));
    }
};

struct seen_network {
    ip_address base;
    std::uint32_t part = 0;
};

struct entry {
    hourly new_recipients, bounces;
    std::vector<seen_network> networks;
    conduct step = conduct::fine;
    wall_time since;
    std::uint32_t last = 0;  // part
};

// A /24 or, with IPv6, a /48.
ip_address around(ip_address const& a)
{
    auto octets = a.octets();
    if (a.is_v4())
        return ip_address::v4(std::uint32_t{octets[12]} << 24 | std::uint32_t{octets[13]} << 16 |
                              std::uint32_t{octets[14]} << 8);
    std::fill(octets.begin() + 6, octets.end(), std::uint8_t{0});
    return ip_address::v6(octets);
}

double share(std::uint32_t count, std::uint32_t threshold)
{
    return threshold == 0 ? 0.0 : static_cast<double>(count) / threshold;
}

}  // namespace

std::string_view to_string(conduct c) noexcept
{
    switch (c) {
        case conduct::warned: return "warned";
        case conduct::held: return "held";
        case conduct::off: return "off";
        case conduct::fine: break;
    }
    return "fine";
}

struct conduct_book::state {
    struct shard {
        mutable std::mutex lock;
        std::unordered_map<std::string, entry> accounts;
        std::set<std::string> changed;
    };
    steady_time epoch;
    std::size_t most;
    std::array<shard, shards> all;

    shard& of(std::string_view account) { return all[std::hash<std::string_view>{}(account) % all.size()]; }

    std::uint32_t part_of(steady_time now) const
    {
        auto const seconds = std::chrono::duration_cast<std::chrono::seconds>(now - epoch).count();
        return static_cast<std::uint32_t>(std::max<std::int64_t>(seconds, 0) / part_length) + 1;
    }

    static std::uint32_t networks_of(entry const& e, std::uint32_t part)
    {
        return static_cast<std::uint32_t>(
            std::count_if(e.networks.begin(), e.networks.end(), [&](auto const& n) { return part - n.part < parts; }));
    }

    static conduct_report report(std::string const& account, entry const& e, std::uint32_t part)
    {
        return {account, e.step, e.new_recipients.sum(part), networks_of(e, part), e.bounces.sum(part), e.since};
    }

    static double sum_of(settings const& s, conduct_report const& r)
    {
        return share(r.new_recipients, s.suspicious_new_recipients) + share(r.bounces, s.suspicious_bounces) +
               share(r.networks, s.suspicious_networks);
    }

    template <class Change>
    std::optional<conduct_report> change(settings const& s, std::string_view account, moment now, Change apply)
    {
        if (!s.enabled || !s.watch_accounts || account.empty() || trusts(s, account)) return std::nullopt;
        auto const part = part_of(now.at);
        auto& sh = of(account);
        std::lock_guard const hold{sh.lock};
        if (sh.accounts.size() >= most / shards) make_room(sh, part);
        std::string const name{account};
        auto& e = sh.accounts[name];
        e.last = part;
        apply(e, part);
        if (e.step == conduct::off) return std::nullopt;
        auto const next = static_cast<std::size_t>(e.step) + 1;
        auto r = report(name, e, part);
        if (sum_of(s, r) < due_at[next]) return std::nullopt;
        e.step = r.now = static_cast<conduct>(next);
        e.since = r.since = now.wall;
        sh.changed.insert(name);
        return r;
    }

    // What has been quiet goes; of the others those that are at no step.
    static void make_room(shard& sh, std::uint32_t part)
    {
        std::erase_if(sh.accounts,
                      [&](auto const& a) { return a.second.step == conduct::fine && part - a.second.last >= parts; });
        for (auto at = sh.accounts.begin(); at != sh.accounts.end();) {
            if (at->second.step != conduct::fine) {
                ++at;
                continue;
            }
            sh.accounts.erase(at);
            return;
        }
    }

    static void note(entry& e, ip_address const& from, std::uint32_t part)
    {
        auto const base = around(from);
        auto const known =
            std::find_if(e.networks.begin(), e.networks.end(), [&](auto const& n) { return n.base == base; });
        if (known != e.networks.end()) {
            known->part = part;
            return;
        }
        std::erase_if(e.networks, [&](auto const& n) { return part - n.part >= parts; });
        if (e.networks.size() < most_networks) e.networks.push_back({base, part});
    }

    static bool trusts(settings const& s, std::string_view account)
    {
        auto const at = account.rfind('@');
        return std::any_of(s.trusted_accounts.begin(), s.trusted_accounts.end(), [&](std::string const& t) {
            return t == account || (t.starts_with('@') && at != std::string_view::npos && account.substr(at) == t);
        });
    }
};

conduct_book::conduct_book(steady_time epoch, std::size_t most) : state_(std::make_unique<state>())
{
    state_->epoch = epoch;
    state_->most = most;
}
conduct_book::~conduct_book() = default;

std::optional<conduct_report> conduct_book::on_login(settings const& s, std::string_view account,
                                                     ip_address const& from, moment now)
{
    return state_->change(s, account, now, [&](entry& e, std::uint32_t part) { state::note(e, from, part); });
}

std::optional<conduct_report> conduct_book::on_message(settings const& s, std::string_view account,
                                                       ip_address const& from, std::uint32_t new_recipients, moment now)
{
    return state_->change(s, account, now, [&](entry& e, std::uint32_t part) {
        state::note(e, from, part);
        e.new_recipients.add(part, new_recipients);
    });
}

std::optional<conduct_report> conduct_book::on_bounces(settings const& s, std::string_view account, std::uint32_t count,
                                                       moment now)
{
    return state_->change(s, account, now, [&](entry& e, std::uint32_t part) { e.bounces.add(part, count); });
}

conduct conduct_book::of(std::string_view account) const
{
    auto& sh = state_->of(account);
    std::lock_guard const hold{sh.lock};
    auto const found = sh.accounts.find(std::string{account});
    return found == sh.accounts.end() ? conduct::fine : found->second.step;
}

conduct conduct_book::lift(std::string_view account)
{
    auto& sh = state_->of(account);
    std::lock_guard const hold{sh.lock};
    auto const found = sh.accounts.find(std::string{account});
    if (found == sh.accounts.end()) return conduct::fine;
    auto const was = found->second.step;
    if (was != conduct::fine) sh.changed.insert(found->first);
    sh.accounts.erase(found);
    return was;
}

std::vector<conduct_report> conduct_book::list(settings const& s, steady_time now) const
{
    auto const part = state_->part_of(now);
    std::vector<conduct_report> out;
    for (auto const& sh : state_->all) {
        std::lock_guard const hold{sh.lock};
        for (auto const& [name, e] : sh.accounts) {
            auto r = state::report(name, e, part);
            if (e.step != conduct::fine || state::sum_of(s, r) >= 0.5) out.push_back(std::move(r));
        }
    }
    std::sort(out.begin(), out.end(),
              [](auto const& a, auto const& b) { return a.now != b.now ? a.now > b.now : a.account < b.account; });
    return out;
}

void conduct_book::put_in(conduct_report const& r)
{
    auto& sh = state_->of(r.account);
    std::lock_guard const hold{sh.lock};
    auto& e = sh.accounts[r.account];
    e.step = r.now;
    e.since = r.since;
}

std::vector<conduct_report> conduct_book::take_changes()
{
    std::vector<conduct_report> out;
    for (auto& sh : state_->all) {
        std::lock_guard const hold{sh.lock};
        for (auto const& name : sh.changed) {
            auto const found = sh.accounts.find(name);
            conduct_report r;
            r.account = name;
            if (found != sh.accounts.end()) {
                r.now = found->second.step;
                r.since = found->second.since;
            }
            out.push_back(std::move(r));
        }
        sh.changed.clear();
    }
    return out;
}

}  // namespace postern::guard
