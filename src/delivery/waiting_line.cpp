#include "delivery/waiting_line.hpp"

#include <algorithm>
#include <utility>

namespace postern::delivery {
namespace {

// One turn of so many is the turn of who has waited longest, whatever its priority.
constexpr unsigned turns_by_priority = 7;

std::size_t level_of(job const& j)
{
    return static_cast<std::size_t>(9 - std::clamp<int>(j.of->what->env.priority, -9, 9));
}

}  // namespace

void waiting_line::add(job j)
{
    auto& l = levels_[level_of(j)];
    if (!l) l.emplace();
    auto name = spool::sender_of(*j.of->what);
    auto const [at, is_new] = l->by_name.try_emplace(std::move(name));
    if (is_new) {
        l->turns.push_back({at->first, {}});
        at->second = std::prev(l->turns.end());
    }
    at->second->jobs.push_back(std::move(j));
    ++size_;
}

void waiting_line::put_back(job j)
{
    returned_.push_front(std::move(j));
    ++size_;
}

std::size_t waiting_line::next_level() const
{
    std::optional<std::size_t> highest, longest;
    for (std::size_t i = 0; i < levels; ++i) {
        if (!levels_[i]) continue;
        if (!highest) highest = i;
        auto const since = levels_[i]->turns.front().jobs.front().since;
        if (!longest || since < levels_[*longest]->turns.front().jobs.front().since) longest = i;
    }
    return turns_ < turns_by_priority ? *highest : *longest;
}

job waiting_line::take()
{
    --size_;
    if (!returned_.empty()) {
        job j = std::move(returned_.front());
        returned_.pop_front();
        return j;
    }
    auto& l = levels_[next_level()];
    turns_ = turns_ < turns_by_priority ? turns_ + 1 : 0;
    sender& s = l->turns.front();
    job j = std::move(s.jobs.front());
    s.jobs.pop_front();
    if (!s.jobs.empty()) {
        l->turns.splice(l->turns.end(), l->turns, l->turns.begin());
    } else {
        l->by_name.erase(s.name);
        l->turns.pop_front();
        if (l->turns.empty()) l.reset();
    }
    return j;
}

steady_time waiting_line::next_since() const
{
    if (!returned_.empty()) return returned_.front().since;
    return levels_[next_level()]->turns.front().jobs.front().since;
}

std::vector<job> waiting_line::take_all()
{
    std::vector<job> all;
    all.reserve(size_);
    std::move(returned_.begin(), returned_.end(), std::back_inserter(all));
    returned_.clear();
    for (auto& l : levels_) {
        if (!l) continue;
        for (auto& s : l->turns) std::move(s.jobs.begin(), s.jobs.end(), std::back_inserter(all));
        l.reset();
    }
    size_ = 0;
    return all;
}

void waiting_line::remove_if(std::function<bool(job const&)> const& unwanted)
{
    size_ -= std::erase_if(returned_, unwanted);
    for (auto& l : levels_) {
        if (!l) continue;
        for (auto s = l->turns.begin(); s != l->turns.end();) {
            size_ -= std::erase_if(s->jobs, unwanted);
            auto const here = s++;
            if (!here->jobs.empty()) continue;
            l->by_name.erase(here->name);
            l->turns.erase(here);
        }
        if (l->turns.empty()) l.reset();
    }
}

}  // namespace postern::delivery
