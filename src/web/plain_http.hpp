// What is said to those who come without TLS: where the same is to be had with it.
#pragma once

#include <cstdint>

#include "http/message.hpp"

namespace postern::web {

/// RFC 9110 section 15.4.9: 308, so that what was posted is posted again. `port`: of HTTPS as people see it.
http::response lead_to_https(http::request const& r, std::uint16_t port);

}  // namespace postern::web
