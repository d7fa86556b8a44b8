// Colours of a terminal, where there is one that has them and nobody asked for none.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace postern::terminal {

enum class colour : std::uint8_t { good, warning, bad, quiet, strong };

/// What decides whether there are colours.
struct surroundings {
    bool is_terminal = false;
    bool no_colour = false;  // $NO_COLOR is set and not empty, or an option says so
    std::string_view term;   // $TERM
};
bool has_colours(surroundings const& s) noexcept;

class painter {
public:
    explicit painter(bool colours) : colours_(colours) {}
    /// The text in a colour, or as it is.
    std::string operator()(colour c, std::string_view text) const;
    bool colours() const noexcept { return colours_; }

private:
    bool colours_;
};

}  // namespace postern::terminal
