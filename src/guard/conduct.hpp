// An account that somebody else uses shows in how it sends: to many people it never wrote
// to, from many networks at once, to addresses that bounce. Three signals, counted over
// about an hour, each against its threshold; their sum says which step is due: a warning at
// once the threshold, new messages held at twice, SMTP AUTH off at four times. Steps come
// one after the other and stay until somebody lifts them. Pure: over a clock that it is
// given; may be called by all threads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/ip.hpp"
#include "config/settings.hpp"

namespace postern::guard {

enum class conduct : std::uint8_t { fine, warned, held, off };
std::string_view to_string(conduct c) noexcept;

/// How an account sends, and what came of it.
struct conduct_report {
    std::string account;
    conduct now = conduct::fine;
    std::uint32_t new_recipients = 0, networks = 0, bounces = 0;  // within about an hour
    wall_time since;                                              // of the last step
};

class conduct_book {
public:
    conduct_book(steady_time epoch, std::size_t most = 100'000);
    ~conduct_book();
    conduct_book(conduct_book const&) = delete;
    conduct_book& operator=(conduct_book const&) = delete;

    using settings = config::guard_settings;
    struct moment {
        steady_time at;
        wall_time wall;
    };

    // Each gives the report when a further step is due.
    std::optional<conduct_report> on_login(settings const& s, std::string_view account, ip_address const& from,
                                           moment now);
    std::optional<conduct_report> on_message(settings const& s, std::string_view account, ip_address const& from,
                                             std::uint32_t new_recipients, moment now);
    std::optional<conduct_report> on_bounces(settings const& s, std::string_view account, std::uint32_t count,
                                             moment now);

    /// Where the account is. What is held is decided by this for each message.
    conduct of(std::string_view account) const;
    /// Forgets all about the account; what it was.
    conduct lift(std::string_view account);
    /// Accounts at a step, and those half-way to one.
    std::vector<conduct_report> list(settings const& s, steady_time now) const;

    /// From storage.
    void put_in(conduct_report const& r);
    /// Those whose step changed since the last call; `fine` when it was lifted.
    std::vector<conduct_report> take_changes();

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace postern::guard
