#include "porter/pace.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <string_view>

namespace postern::porter {

std::size_t pace::by_octets::operator()(ip_address const& a) const noexcept
{
    return std::hash<std::string_view>{}({reinterpret_cast<char const*>(a.octets().data()), a.octets().size()});
}

double pace::refilled(bucket const& b, steady_time now) const noexcept
{
    std::chrono::duration<double> const since = now - b.seen;
    return std::min(limits_.at_once, b.left + since.count() * limits_.a_second);
}

void pace::make_room(steady_time now)
{
    // Whose bucket is full again is like one who never asked.
    std::erase_if(buckets_, [&](auto const& one) { return refilled(one.second, now) >= limits_.at_once; });
    // A flood from everywhere: then nobody is remembered rather than somebody new turned away.
    if (buckets_.size() >= limits_.most) buckets_.clear();
}

bool pace::admit(ip_address const& client, steady_time now)
{
    if (client.is_loopback()) return true;
    auto const who = customer_of(client);
    if (buckets_.size() >= limits_.most && !buckets_.contains(who)) make_room(now);
    auto const [at, added] = buckets_.try_emplace(who, bucket{limits_.at_once, now});
    auto& b = at->second;
    b.left = refilled(b, now);
    b.seen = now;
    if (b.left < 1) return false;
    b.left -= 1;
    return true;
}

}  // namespace postern::porter
