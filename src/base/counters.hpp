// What the program counts for those who watch it. Counting takes no lock and never fails; reading
// gives numbers that may be a moment apart. Like the log, there is one set for the process.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postern::counters {

class counter {
public:
    void add(std::uint64_t n = 1) noexcept { value_.fetch_add(n, std::memory_order_relaxed); }
    std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_ = 0;
};

/// What goes up and down.
class gauge {
public:
    void set(std::int64_t n) noexcept { value_.store(n, std::memory_order_relaxed); }
    std::int64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::int64_t> value_ = 0;
};

/// A number for each of a few texts that the program knows, such as the names of rules. More of them
/// than there is place for share one, "other".
class family {
public:
    ~family();
    void add(std::string_view label) noexcept;
    std::vector<std::pair<std::string, std::uint64_t>> values() const;

private:
    struct slot {
        std::atomic<std::string const*> label = nullptr;  // set once
        counter number;
    };
    std::array<slot, 256> slots_;
    counter others_;
};

/// How often something took how long.
class histogram {
public:
    static constexpr std::array<double, 14> bounds{0.01, 0.025, 0.05, 0.1, 0.25, 0.5,  1,
                                                   2.5,  5,     15,   60,  300,  3600, 86400};
    void add(double seconds) noexcept;
    /// Of each bound, and above the last: not added up.
    std::array<std::uint64_t, bounds.size() + 1> counts() const noexcept;
    double sum() const noexcept { return static_cast<double>(microseconds_.value()) * 1e-6; }

private:
    std::array<counter, bounds.size() + 1> counts_;
    counter microseconds_;
};

/// How long something took, finely enough for quantiles: each step is a fifth longer than the one before.
class spread {
public:
    static constexpr std::size_t steps = 96;  // from 50 microseconds to half an hour
    using counts = std::array<std::uint64_t, steps>;
    void add(double seconds) noexcept;
    counts values() const noexcept;
    /// Of the counts: the time below which that part of them lies, in seconds; nothing when there are none.
    static std::optional<double> quantile(counts const& of, double part) noexcept;

private:
    std::array<counter, steps> counts_;
};

struct all {
    counter connections;
    family tls_versions;                   // of sessions that have ended; "none"
    family logins;                         // "SCRAM-SHA-256 accepted", "PLAIN refused"
    family refusals;                       // by rule
    counter messages, octets, recipients;  // accepted
    family deliveries;                     // recipients: "delivered", "deferred", "bounced", "expired"
    counter octets_out;                    // delivered, once for each recipient
    histogram delivery_time;               // from the acceptance to the delivery
    spread accept_spread;                  // from the end of a message's data to the answer
    spread delivery_spread;                // as delivery_time
    gauge hash_waiting, hash_running;
};
inline all totals;

}  // namespace postern::counters
