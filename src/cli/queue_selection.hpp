// Which messages a command of `postern queue` is about: the same options for all of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <boost/json/object.hpp>

#include "cli/command_line.hpp"

namespace postern::cli {

struct queue_selection {
    std::string id, state, domain, sender, account, next_hop, older, younger;
    bool all = false;

    /// Whether anything but --all was given.
    bool chooses() const
    {
        for (auto const* given : {&id, &state, &domain, &sender, &account, &next_hop, &older, &younger})
            if (!given->empty()) return true;
        return false;
    }
    /// For the command; nothing, after complaining, when a value makes no sense.
    std::optional<boost::json::object> arguments() const;
};

/// Declares the options, and ID.
void add_selection(command c, queue_selection& to);

}  // namespace postern::cli
