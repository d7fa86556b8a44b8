// The tables of spool.db, and the one place that knows their version.
#pragma once

#include "spool/sqlite.hpp"

namespace postern::spool {

/// How far the write-ahead log may grow. Its file is filled with zeros up to here at the
/// start: a commit that overwrites needs one write to the disk, one that makes the file
/// longer also the file system's journal (measured: 0.23 ms against 3.7 ms).
inline constexpr std::int64_t wal_size = 32 << 20;
inline constexpr std::int64_t page_size = 4096;

/// Opens (or makes) the database for its only writer. Errors: damaged, not ours, of a newer
/// version (then it is left untouched), no room.
result<connection> open_for_writing(std::filesystem::path const& file);
/// A further connection to a database that open_for_writing() has seen.
result<connection> open_for_reading(std::filesystem::path const& file);

/// Moves all of the write-ahead log into the database and fills its file with zeros, while
/// nobody else uses it.
result<> renew_wal(connection& writer, std::filesystem::path const& file);

}  // namespace postern::spool
