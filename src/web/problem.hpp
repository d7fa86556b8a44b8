// What the web process itself refuses, in plain words: as a page for people, as JSON for programs (below /api/).
#pragma once

#include <string_view>

#include "control/protocol.hpp"
#include "http/message.hpp"

namespace postern::web {

struct problem {
    unsigned status;
    std::string_view rule;  // for programs: "web-not-found"
    std::string_view title;
    std::string_view text;  // what it means, and what to do
};

namespace problems {
extern problem const malformed, unknown_host, not_found, wrong_method, too_slow, too_large, head_too_large, failed,
    not_done, signed_out, forbidden, put_off, unavailable;
}

/// Made for who asked: `path` decides between the two forms.
http::response answer_for(problem const& p, std::string_view path);
/// For handlers of pages: what the mail process would not do. When it can't be asked: 503 with Retry-After.
http::response answer_for(control::failure const& f, std::string_view path);

}  // namespace postern::web
