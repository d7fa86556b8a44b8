// The tables of spool.db, and the one place that knows their version.
#pragma once

#include "store/sqlite.hpp"

namespace postern::spool {

inline constexpr std::int64_t page_size = 4096;

/// Opens (or makes) the database for its only writer. Errors: damaged, not ours, of a newer
/// version (then it is left untouched), no room.
/// The log is cut to `log_size` when it begins anew.
result<store::connection> open_for_writing(std::filesystem::path const& file, std::uint64_t log_size);
/// A further connection to a database that open_for_writing() has seen.
result<store::connection> open_for_reading(std::filesystem::path const& file);

/// Moves all of the write-ahead log into the database and fills its file with zeros, while
/// nobody else uses it. A commit that overwrites needs one write to the disk, one that makes
/// the file longer also changes of the file system's own (measured: 0.23 ms against 3.7 ms).
result<> renew_log(store::connection& writer, std::filesystem::path const& file, std::uint64_t log_size);

}  // namespace postern::spool
