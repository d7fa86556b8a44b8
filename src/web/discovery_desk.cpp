#include "web/discovery_desk.hpp"

#include <utility>

namespace postern::web {
namespace {

/// Null: somebody has it.
discovery_desk::turn take_turn(std::weak_ptr<void const>& of)
{
    if (!of.expired()) return nullptr;
    discovery_desk::turn const mine = std::make_shared<char>();
    of = mine;
    return mine;
}

}  // namespace

shared_facts discovery_desk::facts() const
{
    std::scoped_lock const hold{lock_};
    return facts_;
}

discovery_desk::turn discovery_desk::turn_to_ask(steady_time now, std::chrono::seconds age)
{
    std::scoped_lock const hold{lock_};
    if (!facts_) return std::make_shared<char>();
    if (asked_ && now - *asked_ < age) return nullptr;
    return take_turn(asking_);
}

void discovery_desk::take(porter::facts f, steady_time now)
{
    auto fresh = std::make_shared<porter::facts const>(std::move(f));
    std::scoped_lock const hold{lock_};
    facts_ = std::move(fresh);
    asked_ = now;
}

void discovery_desk::give_up(steady_time now)
{
    std::scoped_lock const hold{lock_};
    asked_ = now;
}

bool discovery_desk::admit(ip_address const& client, steady_time now)
{
    std::scoped_lock const hold{lock_};
    return pace_.admit(client, now);
}

discovery_desk::turn discovery_desk::note(porter::note const& n, wall_time when)
{
    std::scoped_lock const hold{lock_};
    if (notes_.size() < most_notes)
        notes_.push_back(porter::to_json(n, when));
    else
        ++left_out_;
    return take_turn(telling_);
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
    if (all.empty()) telling_.reset();
    return all;
}

}  // namespace postern::web
