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

void waiting_line::came(job const& j)
{
    auto const before = beyond();
    ++size_;
    recipients_ += j.recipients.size();
    if (beyond_ != nullptr) *beyond_ += beyond() - before;
}

void waiting_line::went(std::size_t jobs, std::size_t recipients)
{
    auto const before = beyond();
    size_ -= jobs;
    recipients_ -= recipients;
    if (beyond_ != nullptr) *beyond_ -= before - beyond();
}

void waiting_line::add(job j)
{
    came(j);
    auto& l = levels_[level_of(j)];
    if (!l) l.emplace();
    auto name = spool::sender_of(*j.of->what);
    auto const [at, is_new] = l->by_name.try_emplace(std::move(name));
    if (is_new) {
        l->turns.push_back({at->first, {}});
        at->second = std::prev(l->turns.end());
    }
    at->second->jobs.push_back(std::move(j));
}

void waiting_line::put_back(job j)
{
    came(j);
    returned_.push_front(std::move(j));
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
    job j = take_next();
    went(1, j.recipients.size());
    return j;
}

job waiting_line::take_next()
{
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
    went(size_, recipients_);
    return all;
}

void waiting_line::remove_if(std::function<bool(job const&)> const& unwanted)
{
    std::size_t jobs = 0, recipients = 0;
    auto const is_unwanted = [&](job const& j) {
        if (!unwanted(j)) return false;
        ++jobs;
        recipients += j.recipients.size();
        return true;
    };
    std::erase_if(returned_, is_unwanted);
    for (auto& l : levels_) {
        if (!l) continue;
        for (auto s = l->turns.begin(); s != l->turns.end();) {
            std::erase_if(s->jobs, is_unwanted);
            auto const here = s++;
            if (!here->jobs.empty()) continue;
            l->by_name.erase(here->name);
            l->turns.erase(here);
        }
        if (l->turns.empty()) l.reset();
    }
    went(jobs, recipients);
}

}  // namespace postern::delivery
