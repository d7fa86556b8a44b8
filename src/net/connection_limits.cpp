#include "net/connection_limits.hpp"

namespace postern::net {

bool connection_limits::enter_total(std::uint32_t most) noexcept
{
    return total_.fetch_add(1, std::memory_order_relaxed) < most;
}

void connection_limits::leave_total() noexcept { total_.fetch_sub(1, std::memory_order_relaxed); }

connection_limits::shard& connection_limits::shard_of(ip_address const& key)
{
    std::size_t sum = 0;
    for (auto o : key.octets()) sum = sum * 31 + o;
    return shards_[sum % shards_.size()];
}

bool connection_limits::enter_address(ip_address const& client, std::uint32_t most)
{
    auto const key = customer_of(client);
    auto& s = shard_of(key);
    std::lock_guard const hold{s.lock};
    return s.count[key]++ < most;
}

void connection_limits::leave_address(ip_address const& client)
{
    auto const key = customer_of(client);
    auto& s = shard_of(key);
    std::lock_guard const hold{s.lock};
    if (auto const at = s.count.find(key); at != s.count.end() && --at->second == 0) s.count.erase(at);
}

}  // namespace postern::net
