// Whoever wants to hear of events as they happen, besides the log's own sinks. One for the process.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/log.hpp"

namespace postern::log {

class listener {
public:
    virtual ~listener() = default;
    /// Asked for every event, from any thread: what nobody wants costs this much. Events of level debug are not told.
    /// Also called a moment after listen() has named somebody else, so a listener lives as long as the process.
    virtual bool wants(std::string_view name) const noexcept = 0;
    /// One call at a time, in the order of the history; under the log's lock, so it is quick and logs nothing.
    /// `json`: the event as in the history, with its line end.
    virtual void on_event(std::string_view name, field const* fields, std::size_t count,
                          std::string_view json) noexcept = 0;
};

/// Null: nobody. When it returns, nobody is in on_event() of the one before.
void listen(listener* to);

}  // namespace postern::log
