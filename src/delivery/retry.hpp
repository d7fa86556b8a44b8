// When to try again (RFC 5321 section 4.5.4.1). Depends on the age of the message, not
// on the number of attempts: an attempt that was over at once, because the host was just
// found dead for another message, or an operator's "retry now" does not stretch the waits.
#pragma once

#include <chrono>
#include <vector>

namespace postern::delivery {

/// The waits when the configuration gives none.
std::vector<std::chrono::seconds> default_waits();

/// How long to wait after a failed attempt of a message of this age. The waits follow each
/// other from the message's arrival; the last one repeats. `random` is in [0, 1): the wait is
/// spread by a tenth to both sides, so that what failed together does not come back together.
std::chrono::milliseconds next_wait(std::vector<std::chrono::seconds> const& waits, std::chrono::seconds age,
                                    double random);

}  // namespace postern::delivery
