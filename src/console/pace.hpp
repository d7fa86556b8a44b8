// How often somebody may do something that costs: so many times in so long, for each name. Bounded: when very many do it
// at once, those that come new have to wait.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <mutex>
#include <string>

#include "base/clock.hpp"

namespace postern::console {

class pace {
public:
    pace(std::size_t times, steady_clock::duration in, std::size_t most_names = 10'000)
        : times_(times), in_(in), most_names_(most_names)
    {
    }
    /// Counts it, if it is not too often.
    bool allows(std::string const& name, steady_time now);

private:
    std::size_t const times_;
    steady_clock::duration const in_;
    std::size_t const most_names_;
    std::mutex lock_;
    std::map<std::string, std::deque<steady_time>> done_;
};

/// Of test mails: six an hour for each account, in this process.
pace& test_mail_pace();

}  // namespace postern::console
