// Names that can't be guessed: of sessions (what a refusal ends in) and of messages.
#pragma once

#include <string>
#include <string_view>

namespace postern {

/// Twelve characters of a base-32 alphabet without look-alikes (no I, L, O, U),
/// 60 random bits. Safe to call from several threads.
std::string make_session_id();

/// Thirteen characters: a `Q` and 60 random bits, so that the two kinds can be told apart.
std::string make_queue_id();

/// Whether the text has the form of either kind, an optional ".N" (the N-th refusal
/// of a session) at the end; letter case does not count.
bool looks_like_id(std::string_view text) noexcept;

}  // namespace postern
