#include "delivery/address_lines.hpp"

#include <utility>

namespace postern::delivery {

std::string line_of(endpoint const& at) { return endpoint{customer_of(at.address), at.port}.to_string(); }

address_place::~address_place()
{
    if (auto const lines = of.lock()) lines->leave(at);
}

std::shared_ptr<address_lines> address_lines::make(next_in_line next)
{
    return std::shared_ptr<address_lines>{new address_lines{std::move(next)}};
}

void address_lines::set_most(unsigned most)
{
    most_ = most;
    for (auto& [at, l] : lines_) {
        while (l.taken < most_ && !l.waits.empty()) {
            ++l.taken;
            hand_on(at, l);
        }
    }
}

std::shared_ptr<address_place> address_lines::take(std::string const& at)
{
    line& l = lines_[at];
    if (l.taken >= most_) return nullptr;
    ++l.taken;
    return std::make_shared<address_place>(weak_from_this(), at);
}

bool address_lines::is_full(std::string const& at) const
{
    auto const l = lines_.find(at);
    return l != lines_.end() && l->second.taken >= most_;
}

void address_lines::leave(std::string const& at)
{
    auto const l = lines_.find(at);
    if (!l->second.waits.empty() && l->second.taken <= most_) {
        // Handed on, so that nobody comes in between and nobody waits beside a free place.
        hand_on(at, l->second);
    } else if (--l->second.taken == 0) {
        lines_.erase(l);
    }
}

void address_lines::hand_on(std::string const& at, line& l)
{
    auto const who = std::move(l.waits.front().who);
    l.waits.pop_front();
    next_(who, std::make_shared<address_place>(weak_from_this(), at));
}

void address_lines::wait(std::string const& at, std::shared_ptr<destination> const& d)
{
    if (d->in_line) return;
    d->in_line = at;
    lines_[at].waits.push_back({d, steady_clock::now()});
}

bool address_lines::add(destination& d, std::size_t recipients, std::size_t most)
{
    line& l = lines_[*d.in_line];
    if (l.recipients + recipients > most) return false;
    l.recipients += recipients;
    recipients_ += recipients;
    d.recipients_in_line += recipients;
    return true;
}

void address_lines::emptied(destination& d)
{
    if (!d.in_line) return;
    auto const l = lines_.find(*d.in_line);
    if (l != lines_.end()) l->second.recipients -= d.recipients_in_line;
    recipients_ -= std::exchange(d.recipients_in_line, 0);
}

void address_lines::left(destination& d)
{
    emptied(d);
    d.in_line.reset();
}

bool address_lines::is_wanted(std::string const& at) const
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
    for (auto const& d : all) left(*d);
    return all;
}

}  // namespace postern::delivery
