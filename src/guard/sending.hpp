// How much an account, a domain and an address send: counted against limits of the
// settings, in periods of an hour and a day that begin with their first message. Pure: over
// a clock that it is given, a wall clock, since what was counted outlives the process. The
// rows that changed can be taken out, to be stored, and put back in at the start.
//
// A recipient is new to an account that has never sent there, as far as is remembered.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/ip.hpp"
#include "config/settings.hpp"

namespace postern::guard {

enum class scope : std::uint8_t { account = 1, domain, network, app_password };
std::string_view to_string(scope s) noexcept;

enum class measure : std::uint8_t {
    messages_per_hour,
    messages_per_day,
    recipients_per_hour,
    recipients_per_day,
    new_recipients_per_day,
};
inline constexpr std::size_t measures = 5;
std::string_view to_string(measure m) noexcept;  // "messages per hour"

/// A limit, and how much of it is used.
struct usage {
    guard::scope scope = scope::account;
    std::string who;
    guard::measure measure{};
    std::uint32_t used = 0;
    std::uint32_t limit = 0;
    wall_time resets;
};

/// What is stored of one counter, and of one recipient that is known.
struct counter_row {
    std::uint64_t id = 0;
    std::int64_t hour = 0, day = 0;  // when the periods began, seconds since 1970
    std::uint32_t messages_hour = 0, messages_day = 0;
    std::uint32_t recipients_hour = 0, recipients_day = 0, new_day = 0;
    std::uint32_t told = 0;
};
struct known_row {
    std::uint64_t id = 0;
    std::int64_t last = 0;  // seconds since 1970
};

class sending_book {
public:
    /// `key`: 32 octets; ids of rows depend on it.
    explicit sending_book(std::string key, std::size_t most_counters = 1u << 17, std::size_t most_known = 1u << 21);
    ~sending_book();
    sending_book(sending_book const&) = delete;
    sending_book& operator=(sending_book const&) = delete;

    using limits = std::vector<config::sending_limit>;

    struct sender {
        std::string_view account;  // a key; empty: a client that may relay without one
        ip_address client;
        std::int64_t app_password = 0;  // what the login was proven with; 0: something else
    };
    /// The first limit that so many more would go over, or null; nothing is counted.
    std::unique_ptr<usage> over(limits const& l, sender const& who, std::uint32_t messages, std::uint32_t recipients,
                                std::uint32_t new_recipients, wall_time now);
    /// Whether the account has sent to this recipient before. Recipients are keys of mailboxes.
    bool knows(std::string_view account, std::string_view recipient);

    struct taken {
        std::unique_ptr<usage> refused;  // null: it was counted
        std::vector<usage> nearly;       // limits of which four fifths are now used; each is told once a period
        std::uint32_t new_recipients = 0;
    };
    /// Counts a message with these recipients, unless it is over a limit.
    taken take(limits const& l, sender const& who, std::span<std::string const> recipients, wall_time now);
    /// A message that was counted did not become ours.
    void give_back(limits const& l, sender const& who, std::uint32_t recipients, wall_time now);

    /// What is used of the limits of an account.
    std::vector<usage> look(limits const& l, sender const& who, wall_time now);

    /// At most so many rows that changed since they were taken out last.
    struct changes {
        std::vector<counter_row> counters;
        std::vector<known_row> known;
        bool empty() const noexcept { return counters.empty() && known.empty(); }
    };
    changes take_changes(std::size_t most);
    void put_in(counter_row const& r);
    void put_in(known_row const& r);

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace postern::guard
