// One document over HTTPS: the issuer's keys. Blocks; for a thread that has nothing else
// to do.
#pragma once

#include <atomic>
#include <filesystem>
#include <string>

#include "base/result.hpp"

namespace postern::directory {

/// `authorities`: PEM file of who may vouch for the server; empty: the system's. At most
/// 1 MiB, 10 seconds, no redirection to anything but HTTPS. Ends early when `stop` becomes
/// true.
result<std::string> fetch_https(std::string const& url, std::filesystem::path const& authorities,
                                std::atomic<bool> const& stop);

}  // namespace postern::directory
