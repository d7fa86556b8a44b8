#include "delivery/address_lines.hpp"

#include <utility>

namespace postern::delivery {

address_place::~address_place()
{
    if (auto const lines = of.lock()) lines->leave(at);
}

std::shared_ptr<address_lines> address_lines::make(next_in_line next)
{
    return std::shared_ptr<address_lines>{new address_lines{std::move(next)}};
}

std::shared_ptr<address_place> address_lines::take(ip_address const& at, unsigned most)
{
    line& l = lines_[at];
    if (l.taken >= most) return nullptr;
    ++l.taken;
    return std::make_shared<address_place>(weak_from_this(), at);
}

bool address_lines::is_full(ip_address const& at, unsigned most) const
{
    auto const l = lines_.find(at);
    return l != lines_.end() && l->second.taken >= most;
}

void address_lines::leave(ip_address const& at)
{
    auto const l = lines_.find(at);
    if (!l->second.waits.empty()) {
        // Handed on, so that nobody comes in between and nobody waits beside a free place.
        auto const who = std::move(l->second.waits.front().who);
        l->second.waits.pop_front();
        next_(who, std::make_shared<address_place>(weak_from_this(), at));
    } else if (--l->second.taken == 0) {
        lines_.erase(l);
    }
}

void address_lines::wait(ip_address const& at, std::shared_ptr<destination> d)
{
    lines_[at].waits.push_back({std::move(d), steady_clock::now()});
}

bool address_lines::is_wanted(ip_address const& at) const
{
    auto const l = lines_.find(at);
    return l != lines_.end() && !l->second.waits.empty();
}

std::vector<std::shared_ptr<destination>> address_lines::give_up(steady_time since)
{
    std::vector<std::shared_ptr<destination>> all;
    for (auto& [at, l] : lines_) {
        while (!l.waits.empty() && l.waits.front().since < since) {
            all.push_back(std::move(l.waits.front().who));
            l.waits.pop_front();
        }
    }
    return all;
}

}  // namespace postern::delivery
