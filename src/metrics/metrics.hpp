// The numbers of the running server in Prometheus' text format (0.0.4), over plain HTTP at
// /metrics. One request at a time, on a thread of its own, with a deadline: whoever hangs delays
// other scrapes by that much, and nothing else.
#pragma once

#include <memory>
#include <string>

#include "base/clock.hpp"
#include "delivery/service.hpp"
#include "guard/keeper.hpp"
#include "net/listener.hpp"
#include "spool/spool.hpp"
#include "submission/server.hpp"

namespace postern::metrics {

/// Where the numbers come from; they outlive who shows them.
struct sources {
    spool::spool& queue;
    delivery::service& delivery;
    submission::server& gate;
    guard::keeper& guard;
    std::string version;
    wall_time started;
};

class exporter {
public:
    virtual ~exporter() = default;
};

/// Serves on this listening socket until it goes.
std::unique_ptr<exporter> serve(net::socket_handle listening, sources from);

/// What is served.
std::string text_of(sources const& from);

}  // namespace postern::metrics
