// What the rows of [[route]] lead to, made ready for use beside them.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "config/settings.hpp"
#include "delivery/smart_host.hpp"
#include "delivery/target.hpp"

namespace postern::delivery {

struct way {
    enum class kind : std::uint8_t { mx, smart_host, place, refuse, hold };
    kind what = kind::mx;
    target to;                              // place
    std::shared_ptr<smart_host const> via;  // smart_host
};

using smart_hosts = std::vector<std::shared_ptr<smart_host const>>;

result<smart_hosts> make_smart_hosts(config::settings const& s);
/// One for each of s.routes.
result<std::vector<way>> make_ways(config::settings const& s, smart_hosts const& hosts);
/// The one with that address, or null.
std::shared_ptr<smart_host const> find_smart_host(smart_hosts const& hosts, target const& at);

}  // namespace postern::delivery
