// Keeps those out who guess. A state machine over a clock that it is given: it is told who
// comes, who fails to log in and who succeeds, and says who waits and who is refused.
//
// The same wrong secret again and again from one place is a forgotten device: it is slowed
// and no more. Each other wrong log-in (another secret, another account) is a guess: it
// gives a point to the place it came from (an IPv4 address, an IPv6 /64), to the network
// around that (/24, /48) and to the account. Points halve with time. From some points on
// failures wait ever longer; from more on log-ins are refused for a while, which doubles
// each time. A place from which an account logged in lately stays open for that account.
//
// Bounded: when a table is full, what is least useful goes. Sharded: may be called by all
// I/O threads. Never told a secret, only its fingerprint.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/ip.hpp"
#include "config/settings.hpp"
#include "guard/fingerprint.hpp"
#include "guard/network_lists.hpp"

namespace postern::guard {

/// How many of each may be remembered.
struct capacity {
    std::size_t places = 2u << 20;    // room for a million with every bucket at half
    std::size_t networks = 2u << 20;  // the wider ones
    std::size_t accounts = 128u << 10;
    std::size_t successes = 256u << 10;  // pairs of an account and a place
};

enum class reason : std::uint8_t {
    none,
    denied,   // the operator's list
    place,    // too many guesses from the address (IPv6: its /64)
    network,  // from the /24 or /48 around it
    account,  // for the account, from anywhere
};
std::string_view to_string(reason r) noexcept;

struct answer {
    reason why = reason::none;
    std::string what;              // the network or the account that is refused
    std::chrono::seconds left{0};  // of the refusal; 0: for good
    double points = 0;
    bool refused() const noexcept { return why != reason::none; }
};

/// A refusal that has just begun.
struct begun {
    reason why = reason::none;
    std::string what;
    std::chrono::seconds time{0};
    double points = 0;
    unsigned accounts = 0;  // about how many were tried from there
};

/// What a proof that did not fit says.
enum class proof : std::uint8_t {
    wrong,
    /// Who may know better can't be asked. Honest clients come again and again with one that may be right, many
    /// of them from one network: that is only held against the account, and not where the account is known.
    unsure,
};

struct failure {
    bool repeated = false;  // the same wrong secret as lately from there
    unsigned repeats = 0;
    bool forgotten_device = false;      // so often that the owner should know, from where the account is known
    std::chrono::milliseconds wait{0};  // beyond the usual delay
    double points = 0;                  // of the place, now
    std::vector<begun> refusals;
};

/// For `postern guard list`.
struct row {
    reason why = reason::none;
    std::string what;
    std::uint64_t id = 0;  // of an account, whose name may not have room in `what`
    double points = 0;
    unsigned repeats = 0;
    unsigned accounts = 0;
    std::chrono::seconds refused_for{0};  // 0: not refused
    std::chrono::seconds last{0};         // how long ago the last failure was
};

struct figures {
    std::size_t places = 0, networks = 0, accounts = 0, successes = 0, octets = 0;
    std::uint64_t evicted = 0;
};

class keeper {
public:
    explicit keeper(steady_time epoch, capacity c = {});
    ~keeper();
    keeper(keeper const&) = delete;
    keeper& operator=(keeper const&) = delete;

    using settings = config::guard_settings;

    /// May a connection from there begin? Places with a recent success are let in for whom
    /// they belong to; at_login() tells the others. `earned`: whether refusals that guesses
    /// earned count here, or the operator's list only.
    answer at_connect(settings const& s, ip_address const& from, bool earned, steady_time now);
    /// May a log-in for this name be looked at at all? The answer does not depend on whether
    /// there is such an account.
    answer at_login(settings const& s, ip_address const& from, std::string_view account, steady_time now);
    /// `secret`: its fingerprint; 0 when the mechanism does not show which secret was tried.
    /// `account`: empty where the client named none; then nothing is held against one.
    failure on_failure(settings const& s, ip_address const& from, std::string_view account, std::uint64_t secret,
                       steady_time now, proof what = proof::wrong);
    void on_success(settings const& s, ip_address const& from, std::string_view account, steady_time now);

    std::uint64_t fingerprint(std::string_view account, std::string_view secret) const;

    /// Networks with points or refusals, and accounts; those refused first, then most points first.
    std::vector<row> list(settings const& s, std::size_t limit, steady_time now) const;
    /// Forgets what is held against a network and all in it, and against those around it.
    std::size_t lift(network const& n);
    std::size_t lift(std::string_view account);
    std::size_t lift(std::uint64_t id);

    /// The operator's own lists (`postern guard deny`), besides those of the settings.
    void set_lists(network_lists lists);
    std::shared_ptr<network_lists const> lists() const;

    figures count() const;

private:
    struct state;
    std::unique_ptr<state> state_;
};

/// How an account's name is known here: letter case does not count.
std::string account_key(std::string_view name);

}  // namespace postern::guard
