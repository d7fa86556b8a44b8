// Named points at which the soak run kills the program, to prove that a crash there
// loses nothing. Only in builds with POSTERN_FAULT_POINTS; compiled to nothing else.
#pragma once

namespace postern {

#ifdef POSTERN_FAULT_POINTS
inline constexpr bool has_fault_points = true;
/// POSTERN_CRASH=name[:count] makes the count-th call with this name (from 1; the first
/// when no count is given) end the process with SIGKILL.
void fault_point(char const* name) noexcept;
#else
inline constexpr bool has_fault_points = false;
inline void fault_point(char const*) noexcept {}
#endif

}  // namespace postern
