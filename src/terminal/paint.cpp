#include "terminal/paint.hpp"

namespace postern::terminal {
namespace {

// Colours of the terminal's own palette, so that they can be read on whatever ground it has.
std::string_view code_of(colour c) noexcept
{
    switch (c) {
        case colour::good: return "32";
        case colour::warning: return "33";
        case colour::bad: return "1;31";
        case colour::quiet: return "2";
        case colour::strong: return "1";
    }
    return "0";
}

}  // namespace

bool has_colours(surroundings const& s) noexcept
{
    return s.is_terminal && !s.no_colour && !s.term.empty() && s.term != "dumb";
}

std::string painter::operator()(colour c, std::string_view text) const
{
    std::string painted;
    if (colours_) ((painted += "\x1b[") += code_of(c)) += 'm';
    painted += text;
    if (colours_) painted += "\x1b[0m";
    return painted;
}

}  // namespace postern::terminal
