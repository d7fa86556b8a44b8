// The numbers of the server over time, kept for a day in numbers.db: a sample each ten seconds, of what happened since
// the one before. The file is bounded by its pages; when it is full, or can't be used, it begins anew: nothing depends
// on it but pictures.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/counters.hpp"
#include "base/result.hpp"

namespace postern::console {

inline constexpr std::int64_t sample_seconds = 10, kept_seconds = 24 * 3600;

/// What a sample holds; each is a column and a series.
enum class number : std::uint8_t {
    messages,
    octets_in,
    octets_out,
    delivered,
    deferred,
    bounced,
    connections,
    logins_accepted,
    logins_refused,
    refusals,
    queue,  // from here on: as it is at the end of the sample
    sessions,
    accept_p50,  // from here on: microseconds; nothing where nothing was measured
    accept_p99,
    delivery_p50,
    delivery_p99,
};
inline constexpr std::size_t number_count = 16;
std::string_view to_string(number n) noexcept;

struct sample {
    std::int64_t time = 0;  // its end, seconds since 1970
    std::array<std::optional<std::int64_t>, number_count> values{};
    std::vector<std::pair<std::string, std::uint64_t>> rules;  // refusals by rule

    std::optional<std::int64_t>& operator[](number n) { return values[static_cast<std::size_t>(n)]; }
    std::optional<std::int64_t> const& operator[](number n) const { return values[static_cast<std::size_t>(n)]; }
};

/// Of counters that only grow, what was added since the last time.
class sampler {
public:
    explicit sampler(counters::all const& of);
    /// `queue` and `sessions`: how many there are; nothing: not known.
    sample take(std::int64_t now, std::optional<std::uint64_t> queue, std::uint64_t sessions);

private:
    struct seen;
    counters::all const& of_;
    std::shared_ptr<seen> before_;
};

/// As long as `times` each.
struct series {
    std::int64_t step = sample_seconds;
    std::vector<std::int64_t> times;  // the ends of the steps
    std::array<std::vector<std::optional<std::int64_t>>, number_count> values;
    std::vector<std::pair<std::string, std::vector<std::optional<std::int64_t>>>> rules;  // the most frequent first
};

inline constexpr std::int64_t most_points = 1500;
inline constexpr std::size_t most_rules = 12;

/// Samples put together into steps. What happened is added up, what is there is taken from the end of the step; of
/// times, the middle one of the halves and the worst of the rest. `samples`: in order.
series gather(std::vector<sample> const& samples, std::int64_t since, std::int64_t until, std::int64_t step);

/// Safe from several threads.
class number_book {
public:
    virtual ~number_book() = default;
    virtual result<> add(sample const& s) = 0;
    /// Those that end in (since, until], in order.
    virtual result<std::vector<sample>> read(std::int64_t since, std::int64_t until) = 0;
    /// `most_pages`: of 4096 octets.
    static result<std::unique_ptr<number_book>> open(std::filesystem::path const& folder, int most_pages = 8192);
};

}  // namespace postern::console
