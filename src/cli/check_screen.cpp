#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string>

#include <sys/ioctl.h>
#include <unistd.h>

#include "base/numbers.hpp"
#include "cli/check.hpp"
#include "cli/output.hpp"
#include "diagnose/judge.hpp"
#include "terminal/width.hpp"

namespace postern::cli {
namespace {

constexpr std::size_t usual_width = 80, widest = 110, narrowest = 40;

std::string_view variable(char const* name)
{
    char const* const value = std::getenv(name);
    return value == nullptr ? std::string_view{} : std::string_view{value};
}

std::size_t width_of_terminal()
{
    if (auto const said = parse_number<std::size_t>(variable("COLUMNS")); said && *said > 0)
        return std::clamp(*said, narrowest, widest);
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return std::clamp<std::size_t>(size.ws_col, narrowest, widest);
    return usual_width;
}

void print_all(std::vector<std::string> const& lines)
{
    for (auto const& line : lines) print_line(line);
    std::fflush(stdout);
}

}  // namespace

check_screen::check_screen(check_options const& o)
{
    terminal::surroundings s;
    s.is_terminal = ::isatty(STDOUT_FILENO) == 1;
    s.no_colour = o.no_colour || !variable("NO_COLOR").empty();
    s.term = variable("TERM");
    page_.paint = terminal::painter{terminal::has_colours(s)};
    page_.width = width_of_terminal();
    page_.dialogue = o.verbose;
    // What is drawn is drawn over again: that takes a terminal that can move its cursor.
    live_ = s.is_terminal && !o.json && !s.term.empty() && s.term != "dumb";
}

void check_screen::erase()
{
    if (drawn_ != 0) print("\x1b[" + std::to_string(drawn_) + "A\r\x1b[J");
    drawn_ = 0;
}

void check_screen::show(diagnose::step reached, diagnose::observations const& seen)
{
    if (!live_) return;
    auto lines = diagnose::step_lines(diagnose::judge(seen), page_, reached);
    lines.push_back(page_.paint(terminal::colour::quiet, "..."));
    erase();
    drawn_ = lines.size();
    print_all(lines);
}

void check_screen::finish(diagnose::observations const& seen, diagnose::diagnosis const& d)
{
    erase();
    print_all(diagnose::step_lines(d, page_, diagnose::step::headers));
    print_all(diagnose::result_lines(seen, d, page_));
}

bool check_screen::ask(std::string const& question)
{
    if (::isatty(STDIN_FILENO) != 1 || !live_) return false;
    print(question + " [y/N] ");
    std::fflush(stdout);
    drawn_ = 0;
    std::string answer;
    return static_cast<bool>(std::getline(std::cin, answer)) && (answer == "y" || answer == "Y" || answer == "yes");
}

}  // namespace postern::cli
