// A copy of a message for a server that takes no 8-bit or no binary content (RFC 6152 section 3). The
// message in the spool stays what it is. Reads and writes all of it, so not for the thread of deliveries.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "delivery/outcome.hpp"
#include "mail/conversion.hpp"
#include "signing/keyring.hpp"

namespace postern::delivery {

struct conversion {
    std::shared_ptr<converted_copy const> made;  // null: it can't be
    std::string problem;                         // why
    std::string signed_anew, broken;             // DKIM: by our key; whose signatures are no good any more
};

/// `keys`: of mail that we signed, and sign anew; null: not ours. `folder`: for what does not fit into
/// memory, while it lives. Errors: the disk.
result<conversion> convert(spool::content const& from, mail::content_need need,
                           std::shared_ptr<signing::keyring const> keys, std::filesystem::path const& folder,
                           wall_time now);

}  // namespace postern::delivery
