// How many connections there are, in total and from one address (IPv6: one /64, which
// is what one customer has). Used by all I/O threads.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>

#include "base/ip.hpp"

namespace postern::net {

class connection_limits {
public:
    /// Counts one more in total. True when there is room; leave_total() either way.
    bool enter_total(std::uint32_t most) noexcept;
    void leave_total() noexcept;
    /// Counts one more from this address. True when there is room; leave_address() either way.
    bool enter_address(ip_address const& client, std::uint32_t most);
    void leave_address(ip_address const& client);

    std::uint32_t total() const noexcept { return total_.load(std::memory_order_relaxed); }

private:
    struct shard {
        std::mutex lock;
        std::map<ip_address, std::uint32_t> count;
    };
    shard& shard_of(ip_address const& key);

    std::atomic<std::uint32_t> total_{0};
    std::array<shard, 16> shards_;
};

}  // namespace postern::net
