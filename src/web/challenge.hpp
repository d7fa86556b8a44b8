// What a certificate authority asks to see that a name is ours (RFC 8555 section 8.3), at plain HTTP.
#pragma once

#include "web/router.hpp"

namespace postern::web {

void add_challenge(router& table);

}  // namespace postern::web
