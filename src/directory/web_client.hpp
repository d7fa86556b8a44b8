// Questions to a web server over HTTPS: one at a time, on a connection that is kept. Blocks;
// for threads that have nothing else to do. Nothing is redirected: what is confidential
// goes where the configuration says, or nowhere.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace postern::directory {

class web_client {
public:
    struct request {
        std::string url;                    // is_confidential_url(), or it is not asked
        bool may_be_plain = false;          // http to anybody, too: for what is no secret and no proof
        std::filesystem::path authorities;  // PEM: who may vouch for the server; empty: the system's
        secret form;                        // sent with POST; empty: GET
        std::string body, body_type;        // sent with POST instead: any octets, and their Content-Type
        std::string resolved;               // "host:port:address,address": where the host is; empty: asks the system
        std::string user;                   // with the password, when not empty (RFC 7617)
        secret password;
        secret bearer;                    // instead (RFC 6750)
        bool only_fields = false;         // HEAD instead of GET
        std::vector<std::string> fields;  // of the answer's header that the asker wants to see
        std::chrono::milliseconds timeout{10'000};
        std::size_t longest = 1 << 20;  // a longer answer is a failure
    };
    struct answer {
        long status = 0;  // of HTTP
        std::string body;
        std::string type;                 // Content-Type, as it was said
        std::string redirect;             // where the server would rather have us ask; not followed
        std::vector<std::string> fields;  // in the order in which they were wished for; empty: it is not there
    };

    web_client();
    ~web_client();
    web_client(web_client const&) = delete;
    web_client& operator=(web_client const&) = delete;

    /// Ends early when `stop` becomes true. An error's code is 4.7.5 when nobody vouches for the server.
    result<answer> ask(request const& r, std::atomic<bool> const& stop);

private:
    struct closer {
        void operator()(void* handle) const noexcept;
    };
    std::unique_ptr<void, closer> handle_;  // CURL
};

/// `application/x-www-form-urlencoded`, one value.
std::string form_encoded(std::string_view text);
/// The same behind what is in `out`, without a copy: room for three times as many octets may be made before, so
/// that a secret stays in one place.
void append_form_encoded(std::string& out, std::string_view text);

}  // namespace postern::directory
