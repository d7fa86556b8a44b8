#include "base/fault.hpp"

#ifdef POSTERN_FAULT_POINTS

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/numbers.hpp"

namespace postern {
namespace {

struct wanted {
    std::string_view name;
    std::uint32_t count = 1;
};

// Read each time: a test sets it in a child process, long after the first point was passed.
wanted from_environment() noexcept
{
    char const* const text = std::getenv("POSTERN_CRASH");
    if (text == nullptr) return {};
    std::string_view const all = text;
    auto const colon = all.find(':');
    if (colon == std::string_view::npos) return {all};
    return {all.substr(0, colon), parse_number<std::uint32_t>(all.substr(colon + 1)).value_or(1)};
}

}  // namespace

void fault_point(char const* name) noexcept
{
    static std::atomic<std::uint32_t> hits = 0;
    wanted const w = from_environment();
    if (w.name.empty() || w.name != name) return;
    if (hits.fetch_add(1) + 1 == w.count) ::kill(::getpid(), SIGKILL);
}

}  // namespace postern

#endif
