// Addresses that the Internet can lead to, as far as one can tell by looking at them.
#pragma once

#include "base/ip.hpp"

namespace postern {

/// Not of a private network, of carriers' and VPNs' (100.64.0.0/10), of tests of equipment, or multicast.
inline bool is_of_internet(ip_address const& a)
{
    static auto const apart = [] {
        std::vector<network> all;
        for (auto const* text : {"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "198.18.0.0/15", "224.0.0.0/3", "::/128",
                                 "100::/64", "ff00::/8"})
            all.push_back(*network::parse(text));
        return all;
    }();
    return !a.is_private() && !contains(apart, a);
}

}  // namespace postern
