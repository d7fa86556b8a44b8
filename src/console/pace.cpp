#include "console/pace.hpp"

namespace postern::console {

bool pace::allows(std::string const& name, steady_time now)
{
    std::scoped_lock const hold{lock_};
    if (done_.size() >= most_names_ && !done_.contains(name))
        std::erase_if(done_, [&](auto const& one) { return now - one.second.back() >= in_; });
    if (done_.size() >= most_names_ && !done_.contains(name)) return false;
    auto& times = done_[name];
    while (!times.empty() && now - times.front() >= in_) times.pop_front();
    if (times.size() >= times_) return false;
    times.push_back(now);
    return true;
}

pace& test_mail_pace()
{
    static pace one{6, std::chrono::hours{1}};
    return one;
}

}  // namespace postern::console
