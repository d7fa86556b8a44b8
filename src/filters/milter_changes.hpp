// What a milter wants done, done to message and envelope: all of it or, where some of it can't be,
// none.
#pragma once

#include <memory>
#include <string>

#include "filters/draft.hpp"
#include "mail/envelope.hpp"
#include "milter/session.hpp"

namespace postern::filters {

/// `body`: the new one, complete; null: it stays. Gives what can't be done, or nothing.
std::string apply(milter::changes const& wanted, std::unique_ptr<spool::content_writer> body, mail::envelope& env,
                  draft& message);

}  // namespace postern::filters
