// What the program asks of the machine it runs on.
#pragma once

#include <vector>

#include "base/ip.hpp"

namespace postern::cli {

/// Default gateways of both families, from the kernel's routing tables; none when they can't be read.
std::vector<ip_address> default_gateways();

/// As many open descriptors as the hard limit allows; gives the limit now in force.
std::uint64_t raise_descriptor_limit();

}  // namespace postern::cli
