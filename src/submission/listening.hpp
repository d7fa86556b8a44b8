// Where the server listens, as others tell of it.
#pragma once

#include <string>

namespace postern::submission {

struct listening {
    std::string address;  // with the real port, where port 0 was asked for
    std::string role, tls;
};

}  // namespace postern::submission
