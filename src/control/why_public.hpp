// What a stranger may know of a refusal whose id he shows: its rule, when that says nothing of an account, of who is
// reached here, or of what we think of somebody.
#pragma once

#include <chrono>
#include <mutex>

#include "catalogue/catalogue.hpp"

namespace postern::control {

/// Only what anybody can find out by himself, or what lies in the message and the connection that he made himself.
bool is_harmless(catalogue::rule const& r) noexcept;

/// So many at once, and so many a second: a look through the history costs the mail process time.
class pace {
public:
    using clock = std::chrono::steady_clock;
    pace(double at_once, double a_second) : most_(at_once), left_(at_once), a_second_(a_second) {}
    bool take(clock::time_point now = clock::now());

private:
    std::mutex lock_;
    double const most_;
    double left_;
    double const a_second_;
    clock::time_point last_{};
};

}  // namespace postern::control
