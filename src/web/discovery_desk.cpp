#include "web/discovery_desk.hpp"

#include <utility>

namespace postern::web {

shared_facts discovery_desk::facts() const
{
    std::scoped_lock const hold{lock_};
    return facts_;
}

bool discovery_desk::shall_ask(steady_time now, std::chrono::seconds age)
{
    std::scoped_lock const hold{lock_};
    if (!facts_) return true;
    if (asking_ || (asked_ && now - *asked_ < age)) return false;
    asking_ = true;
    return true;
}

void discovery_desk::take(porter::facts f, steady_time now)
{
    auto fresh = std::make_shared<porter::facts const>(std::move(f));
    std::scoped_lock const hold{lock_};
    facts_ = std::move(fresh);
    asked_ = now;
    asking_ = false;
}

void discovery_desk::give_up(steady_time now)
{
    std::scoped_lock const hold{lock_};
    asked_ = now;
    asking_ = false;
}

bool discovery_desk::admit(ip_address const& client, steady_time now)
{
    std::scoped_lock const hold{lock_};
    return pace_.admit(client, now);
}

bool discovery_desk::note(porter::note const& n, wall_time when)
{
    std::scoped_lock const hold{lock_};
    if (notes_.size() < most_notes)
        notes_.push_back(porter::to_json(n, when));
    else
        ++left_out_;
    return !std::exchange(telling_, true);
}

boost::json::array discovery_desk::take_notes()
{
    std::scoped_lock const hold{lock_};
    boost::json::array all;
    for (auto& n : notes_) all.emplace_back(std::move(n));
    notes_.clear();
    if (left_out_ != 0) {
        porter::note rest;
        rest.kind = "further ones";
        rest.answer = std::to_string(std::exchange(left_out_, 0)) + " more were answered in this second";
        all.emplace_back(porter::to_json(rest, wall_clock::now()));
    }
    if (all.empty()) telling_ = false;
    return all;
}

}  // namespace postern::web
