#include "base/counters.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <new>

namespace postern::counters {

family::~family()
{
    for (slot& s : slots_) delete s.label.load();
}

void family::add(std::string_view label) noexcept
{
    std::unique_ptr<std::string const> mine;
    for (slot& s : slots_) {
        std::string const* known = s.label.load(std::memory_order_acquire);
        if (known == nullptr) {
            if (!mine) mine.reset(new (std::nothrow) std::string{label});
            if (!mine) break;
            // Whoever comes first has the place; it may have the same label.
            if (s.label.compare_exchange_strong(known, mine.get(), std::memory_order_acq_rel)) {
                static_cast<void>(mine.release());
                return s.number.add();
            }
        }
        if (*known == label) return s.number.add();
    }
    others_.add();
}

std::vector<std::pair<std::string, std::uint64_t>> family::values() const
{
    std::vector<std::pair<std::string, std::uint64_t>> found;
    for (slot const& s : slots_) {
        std::string const* const label = s.label.load(std::memory_order_acquire);
        if (label == nullptr) break;
        found.emplace_back(*label, s.number.value());
    }
    if (auto const n = others_.value(); n != 0) found.emplace_back("other", n);
    return found;
}

void histogram::add(double seconds) noexcept
{
    auto const at = std::lower_bound(bounds.begin(), bounds.end(), seconds);
    counts_[static_cast<std::size_t>(at - bounds.begin())].add();
    microseconds_.add(static_cast<std::uint64_t>(std::max(0.0, seconds) * 1e6));
}

std::array<std::uint64_t, histogram::bounds.size() + 1> histogram::counts() const noexcept
{
    std::array<std::uint64_t, bounds.size() + 1> all{};
    std::transform(counts_.begin(), counts_.end(), all.begin(), [](counter const& c) { return c.value(); });
    return all;
}

namespace {

constexpr double shortest = 50e-6, growth = 1.2;

}  // namespace

void spread::add(double seconds) noexcept
{
    double const at = seconds <= shortest ? 0.0 : std::ceil(std::log(seconds / shortest) / std::log(growth));
    counts_[static_cast<std::size_t>(std::min(at, static_cast<double>(steps - 1)))].add();
}

spread::counts spread::values() const noexcept
{
    counts all{};
    std::transform(counts_.begin(), counts_.end(), all.begin(), [](counter const& c) { return c.value(); });
    return all;
}

std::optional<double> spread::quantile(counts const& of, double part) noexcept
{
    std::uint64_t sum = 0;
    for (auto const n : of) sum += n;
    if (sum == 0) return std::nullopt;
    auto const wanted = static_cast<std::uint64_t>(std::ceil(part * static_cast<double>(sum)));
    std::uint64_t seen = 0;
    std::size_t i = 0;
    while (i + 1 < steps && (seen += of[i]) < wanted) ++i;
    return shortest * std::pow(growth, static_cast<double>(i));
}

}  // namespace postern::counters
