// Gives mail up before its time: the operator wants it so. Senders get the report that they would
// have got in the end. Works with and without a running service; waits for the spool.
#pragma once

#include <cstdint>

#include "base/result.hpp"
#include "config/settings.hpp"
#include "signing/signer.hpp"
#include "spool/spool.hpp"

namespace postern::delivery {

struct expired_portion {
    std::uint64_t messages = 0, recipients = 0;
    std::uint64_t busy = 0;  // left alone, since they are being delivered
    std::int64_t after = 0;  // where the next portion begins
    bool finished = false;
};

/// Of the next f.limit messages that match, those recipients that do. `signer`: null, or who signs
/// reports.
result<expired_portion> expire(spool::spool& queue, spool::filter const& f, config::settings const& s,
                               signing::signer* signer);

}  // namespace postern::delivery
