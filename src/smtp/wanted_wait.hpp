// How soon a server wants to see mail again that it put off: greylisting refuses the first attempt
// of each stranger, and often says in words when the second one is welcome.
#pragma once

#include <chrono>
#include <optional>

#include "smtp/reply_parser.hpp"

namespace postern::smtp {

/// Of a temporary reply: the time that it names ("try again in 300 seconds"), some minutes where
/// it is greylisting that names none, else nothing. Between ten seconds and an hour.
std::optional<std::chrono::seconds> wanted_wait(reply const& r);

}  // namespace postern::smtp
