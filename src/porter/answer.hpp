// Discovery: from facts and a question over HTTP to the answer. It is the same for addresses that exist and that don't,
// asks nobody who they are, and takes what programs send besides (an Authorization field, a password in the body) for
// nothing.
#pragma once

#include <optional>

#include "base/clock.hpp"
#include "http/message.hpp"
#include "porter/facts.hpp"
#include "porter/note.hpp"

namespace postern::porter {

struct answered {
    http::response response;
    porter::note note;
};

/// Nothing: it is no question to the porter. Some are answered over plain HTTP too (`request::secure`); the rest is led to
/// HTTPS.
std::optional<answered> answer(facts const& f, http::request const& r, wall_time now);

/// For who asks too often; `a` is what would have been said.
answered too_often(answered a);

}  // namespace postern::porter
