#include "login/guard_verdict.hpp"

#include <algorithm>
#include <cmath>

namespace postern::login {
namespace {

// "about 15 minutes": exact times help nobody but those who guess.
std::string in_words(std::chrono::seconds time)
{
    auto const minutes = std::max<std::int64_t>(1, (time.count() + 59) / 60);
    if (minutes == 1) return "a minute";
    if (minutes < 120) return std::to_string(minutes) + " minutes";
    return std::to_string((minutes + 59) / 60) + " hours";
}

}  // namespace

catalogue::verdict guard_verdict(catalogue::rule const& why, guard::answer const& refusal)
{
    return catalogue::make_verdict(why, {{"wait", in_words(refusal.left)},
                                         {"refused", std::string{to_string(refusal.why)}},
                                         {"held_against", refusal.what},
                                         {"points", std::to_string(std::lround(refusal.points))}});
}

}  // namespace postern::login
