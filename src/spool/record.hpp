// The envelope of a message as octets: every text with its length before it, a version
// at the start and a checksum at the end, so that a damaged one is known for what it is
// and never delivered to somebody else.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "spool/spool.hpp"

namespace postern::spool {

/// Finds every single flipped bit; not meant against intent.
std::uint64_t checksum(std::string_view octets, std::uint64_t seed = 0) noexcept;

/// What is stored beside the columns of the row (queue_id, accepted_at, size).
std::string encode(message const& m, std::uint64_t content_checksum);

/// Fills in what encode() stored; queue_id, accepted_at and size of `m` must be the row's.
/// False when anything about it is not as it was written.
bool decode(std::string_view octets, message& m, std::uint64_t& content_checksum);

}  // namespace postern::spool
