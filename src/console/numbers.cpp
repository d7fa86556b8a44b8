#include "console/numbers.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace postern::console {
namespace {

constexpr std::array<std::string_view, number_count> names{
    "messages",    "octets_in",       "octets_out",     "delivered",   "deferred", "bounced",
    "connections", "logins_accepted", "logins_refused", "refusals",    "queue",    "sessions",
    "accept_p50",  "accept_p99",      "delivery_p50",   "delivery_p99"};

std::uint64_t sum_ending_in(std::vector<std::pair<std::string, std::uint64_t>> const& of, std::string_view end)
{
    std::uint64_t sum = 0;
    for (auto const& [label, n] : of)
        if (std::string_view{label}.ends_with(end)) sum += n;
    return sum;
}

std::uint64_t of_label(std::vector<std::pair<std::string, std::uint64_t>> const& of, std::string_view label)
{
    auto const at = std::find_if(of.begin(), of.end(), [&](auto const& one) { return one.first == label; });
    return at == of.end() ? 0 : at->second;
}

std::optional<std::int64_t> microseconds(counters::spread::counts const& of, double part)
{
    auto const at = counters::spread::quantile(of, part);
    if (!at) return std::nullopt;
    return std::llround(*at * 1e6);
}

}  // namespace

std::string_view to_string(number n) noexcept { return names[static_cast<std::size_t>(n)]; }

struct sampler::seen {
    std::array<std::uint64_t, number_count> totals{};
    std::map<std::string, std::uint64_t> rules;
    counters::spread::counts accept{}, delivery{};
};

namespace {

std::array<std::uint64_t, number_count> totals_of(counters::all const& c)
{
    std::array<std::uint64_t, number_count> t{};
    auto const at = [&](number n) -> std::uint64_t& { return t[static_cast<std::size_t>(n)]; };
    auto const fates = c.deliveries.values(), logins = c.logins.values();
    at(number::messages) = c.messages.value();
    at(number::octets_in) = c.octets.value();
    at(number::octets_out) = c.octets_out.value();
    at(number::delivered) = of_label(fates, "delivered");
    at(number::deferred) = of_label(fates, "deferred");
    at(number::bounced) = of_label(fates, "bounced") + of_label(fates, "expired");
    at(number::connections) = c.connections.value();
    at(number::logins_accepted) = sum_ending_in(logins, " accepted");
    at(number::logins_refused) = sum_ending_in(logins, " refused");
    for (auto const& [rule, n] : c.refusals.values()) at(number::refusals) += n;
    return t;
}

counters::spread::counts between(counters::spread::counts const& before, counters::spread::counts const& now)
{
    counters::spread::counts d{};
    std::transform(now.begin(), now.end(), before.begin(), d.begin(), std::minus<>{});
    return d;
}

}  // namespace

sampler::sampler(counters::all const& of) : of_(of), before_(std::make_shared<seen>()) { take(0, std::nullopt, 0); }

sample sampler::take(std::int64_t now, std::optional<std::uint64_t> queue, std::uint64_t sessions)
{
    sample s;
    s.time = now;
    auto& b = *before_;
    auto const totals = totals_of(of_);
    for (std::size_t i = 0; i < static_cast<std::size_t>(number::queue); ++i)
        s.values[i] = static_cast<std::int64_t>(totals[i] - b.totals[i]);
    b.totals = totals;
    if (queue) s[number::queue] = static_cast<std::int64_t>(*queue);
    s[number::sessions] = static_cast<std::int64_t>(sessions);
    for (auto const& [rule, n] : of_.refusals.values()) {
        auto& before = b.rules[rule];
        if (n > before) s.rules.emplace_back(rule, n - before);
        before = n;
    }
    auto const accept = of_.accept_spread.values(), delivery = of_.delivery_spread.values();
    auto const accepted = between(b.accept, accept), delivered = between(b.delivery, delivery);
    s[number::accept_p50] = microseconds(accepted, 0.5);
    s[number::accept_p99] = microseconds(accepted, 0.99);
    s[number::delivery_p50] = microseconds(delivered, 0.5);
    s[number::delivery_p99] = microseconds(delivered, 0.99);
    b.accept = accept;
    b.delivery = delivery;
    return s;
}

namespace {

std::optional<std::int64_t> middle_of(std::vector<std::int64_t>& all)
{
    if (all.empty()) return std::nullopt;
    auto const at = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
    std::nth_element(all.begin(), at, all.end());
    return *at;
}

bool is_middle(number n) { return n == number::accept_p50 || n == number::delivery_p50; }

/// The samples of one step, which is none when there are none.
std::optional<std::int64_t> put_together(std::vector<sample const*> const& step, number n)
{
    std::vector<std::int64_t> all;
    for (auto const* s : step)
        if (auto const& v = (*s)[n]) all.push_back(*v);
    if (all.empty()) return std::nullopt;
    if (n < number::queue) {
        std::int64_t sum = 0;
        for (auto const v : all) sum += v;
        return sum;
    }
    if (n < number::accept_p50) return all.back();
    return is_middle(n) ? middle_of(all) : *std::max_element(all.begin(), all.end());
}

void gather_rules(std::vector<std::vector<sample const*>> const& steps, series& out)
{
    std::map<std::string, std::uint64_t> sums;
    for (auto const& step : steps)
        for (auto const* s : step)
            for (auto const& [rule, n] : s->rules) sums[rule] += n;
    std::vector<std::pair<std::string, std::uint64_t>> order{sums.begin(), sums.end()};
    std::stable_sort(order.begin(), order.end(), [](auto const& a, auto const& b) { return a.second > b.second; });
    bool const rest = order.size() > most_rules;
    if (rest) order.resize(most_rules);
    for (auto const& one : order) out.rules.emplace_back(one.first, std::vector<std::optional<std::int64_t>>{});
    if (rest) out.rules.emplace_back("other", std::vector<std::optional<std::int64_t>>{});
    for (auto const& step : steps) {
        std::map<std::string_view, std::int64_t> here;
        std::int64_t others = 0;
        for (auto const* s : step)
            for (auto const& [rule, n] : s->rules) {
                bool const named =
                    std::any_of(order.begin(), order.end(), [&](auto const& o) { return o.first == rule; });
                (named ? here[rule] : others) += static_cast<std::int64_t>(n);
            }
        for (std::size_t i = 0; i < out.rules.size(); ++i) {
            std::optional<std::int64_t> value;
            if (!step.empty()) value = i < order.size() ? here[order[i].first] : others;
            out.rules[i].second.push_back(value);
        }
    }
}

}  // namespace

series gather(std::vector<sample> const& samples, std::int64_t since, std::int64_t until, std::int64_t step)
{
    series out;
    until = std::max(until, since);
    step = std::max({step, sample_seconds, (until - since) / most_points + 1});
    step = (step + sample_seconds - 1) / sample_seconds * sample_seconds;
    out.step = step;
    // Steps end at multiples of their length, so that a picture does not flicker when it is drawn anew.
    auto const first = since / step * step + step;
    std::vector<std::vector<sample const*>> steps;
    for (auto end = first; end - step < until && steps.size() < static_cast<std::size_t>(most_points) + 2;
         end += step) {
        out.times.push_back(end);
        steps.emplace_back();
    }
    for (auto const& s : samples) {
        if (s.time <= first - step) continue;
        auto const at = static_cast<std::size_t>((s.time - (first - step) - 1) / step);
        if (at < steps.size()) steps[at].push_back(&s);
    }
    for (std::size_t n = 0; n < number_count; ++n)
        for (auto const& one : steps) out.values[n].push_back(put_together(one, static_cast<number>(n)));
    gather_rules(steps, out);
    return out;
}

}  // namespace postern::console
