// How the log is written, from the words of the configuration.
#pragma once

#include <string_view>

#include "base/log.hpp"

namespace postern::cli {

/// Without a history.
inline log::options log_options_of(std::string_view format, std::string_view level)
{
    log::options o;
    o.format = format == "json" ? log::format::json : log::format::text;
    o.level = level == "error"     ? log::level::error
              : level == "warning" ? log::level::warning
              : level == "debug"   ? log::level::debug
                                   : log::level::info;
    return o;
}

}  // namespace postern::cli
