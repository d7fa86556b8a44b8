// One request as it comes in, read by Boost.Beast's parser, which stays behind this header. What is given to it has been
// looked over by look_at_head().
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "base/secret.hpp"
#include "http/message.hpp"

namespace postern::web {

enum class body_state { incomplete, complete, malformed, too_large };

class incoming {
public:
    incoming();
    ~incoming();
    incoming(incoming const&) = delete;
    incoming& operator=(incoming const&) = delete;

    /// The whole head. False: it is no request, or is not clear about where it goes.
    bool read_head(std::string_view head);

    /// Method, host, path, query, fields; its body only by take_body().
    http::request& request() noexcept;
    bool stays_open() const noexcept;      // the client wants to go on after it
    bool is_old() const noexcept;          // HTTP/1.0
    bool wants_continue() const noexcept;  // waits for "100 Continue" before it sends the body

    /// Takes from the front of `octets` what belongs to the body; `taken` says how many. Call it once with nothing to
    /// learn whether there is a body at all.
    body_state read_body(std::string_view octets, std::size_t limit, std::size_t& taken);
    secret take_body();

private:
    struct state;
    std::unique_ptr<state> state_;
};

}  // namespace postern::web
