// Where the page of a sign-in leads back to: a port of this machine that waits for one answer (RFC 8252 section 7.3), and
// standard input, for a browser on another machine, whose address bar has the same answer.
#pragma once

#include <cstdint>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "control/local_socket.hpp"
#include "delivery/sign_in.hpp"

namespace postern::cli {

class landing {
public:
    static result<landing> open();

    std::uint16_t port() const noexcept { return port_; }
    /// The code, from wherever it comes first; what does not belong to the visit is passed over.
    result<secret> wait(delivery::page_visit const& visit, steady_time until);

private:
    landing(control::descriptor door, std::uint16_t port) : door_(std::move(door)), port_(port) {}

    control::descriptor door_;
    std::uint16_t port_ = 0;
};

}  // namespace postern::cli
