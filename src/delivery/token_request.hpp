// A question to a token endpoint, or to its neighbours (RFC 6749 section 4, RFC 8628 section 3): a form that may hold
// secrets, sent with POST.
#pragma once

#include <atomic>
#include <string>
#include <string_view>

#include "delivery/smart_host.hpp"
#include "directory/web_client.hpp"

namespace postern::delivery {

class token_request {
public:
    /// With the client's id, and its secret where it has one. Errors: the file can't be read.
    static result<token_request> make(identity const& who);

    token_request& add(std::string_view name, std::string_view value);
    /// Once; blocks.
    result<directory::web_client::answer> send(directory::web_client& web, identity const& who, std::string const& url,
                                               std::atomic<bool> const& stop);

private:
    token_request() = default;
    secret form_;
};

}  // namespace postern::delivery
