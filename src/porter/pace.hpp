// How often one client may ask: a bounded table of buckets, over a clock that it is given. Not safe for several threads
// at once.
#pragma once

#include <unordered_map>

#include "base/clock.hpp"
#include "base/ip.hpp"

namespace postern::porter {

class pace {
public:
    struct limits {
        double at_once = 100;      // questions that may come together
        double a_second = 10;      // in the long run
        std::size_t most = 32768;  // clients that are remembered
    };
    pace() : pace(limits{}) {}
    explicit pace(limits l) : limits_(l) {}

    /// Counted for the customer (of IPv6, the /64). This machine's own proxies and programs are never too many.
    bool admit(ip_address const& client, steady_time now);
    std::size_t remembered() const noexcept { return buckets_.size(); }

private:
    struct bucket {
        double left;
        steady_time seen;
    };
    struct by_octets {
        std::size_t operator()(ip_address const& a) const noexcept;
    };
    double refilled(bucket const& b, steady_time now) const noexcept;
    void make_room(steady_time now);

    limits limits_;
    std::unordered_map<ip_address, bucket, by_octets> buckets_;
};

}  // namespace postern::porter
