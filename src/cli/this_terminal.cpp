#include "cli/this_terminal.hpp"

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include <sys/ioctl.h>
#include <unistd.h>

#include "base/numbers.hpp"

namespace postern::cli {
namespace {

constexpr std::size_t usual_width = 80, widest = 110, narrowest = 40;

std::string_view variable(char const* name)
{
    char const* const value = std::getenv(name);
    return value == nullptr ? std::string_view{} : std::string_view{value};
}

terminal::painter paint_for(int output, bool no_colour)
{
    terminal::surroundings s;
    s.is_terminal = ::isatty(output) == 1;
    s.no_colour = no_colour || !variable("NO_COLOR").empty();
    s.term = variable("TERM");
    return terminal::painter{terminal::has_colours(s)};
}

}  // namespace

terminal::painter paint_for_this_terminal(bool no_colour) { return paint_for(STDOUT_FILENO, no_colour); }

terminal::painter paint_for_complaints() { return paint_for(STDERR_FILENO, false); }

std::size_t width_of_this_terminal()
{
    if (auto const said = parse_number<std::size_t>(variable("COLUMNS")); said && *said > 0)
        return std::clamp(*said, narrowest, widest);
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return std::clamp<std::size_t>(size.ws_col, narrowest, widest);
    return usual_width;
}

}  // namespace postern::cli
