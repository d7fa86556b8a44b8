// What the guard counted, on disk (guard.db), so that a restart does not begin limits anew.
// Written off the way of messages: a thread takes what changed every few seconds and stores
// it in one transaction. After a crash some seconds of counting are missing.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "guard/conduct.hpp"
#include "guard/sending.hpp"

namespace postern::ledger {

struct options {
    std::filesystem::path folder;  // holds guard.db
    std::chrono::milliseconds interval{2000};
    std::size_t rows_at_once = 20'000;  // of each kind, in one interval
};

class ledger {
public:
    virtual ~ledger() = default;  // stores what is left
    virtual guard::sending_book& sending() = 0;
    virtual guard::conduct_book& conduct() = 0;
    /// Stores all that changed until now.
    virtual result<> flush() = 0;
};

/// Opens or creates the file and reads it. What can't be used (damaged, of a later version) is
/// put aside as guard.db.bad, and counting begins anew.
result<std::unique_ptr<ledger>> open(options o);

}  // namespace postern::ledger
