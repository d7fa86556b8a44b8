#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include <unistd.h>

#include "cli/check.hpp"
#include "cli/output.hpp"
#include "cli/this_terminal.hpp"
#include "client/on_thread.hpp"
#include "diagnose/judge.hpp"

namespace postern::cli {
namespace {

void print_all(std::vector<std::string> const& lines)
{
    for (auto const& line : lines) print_line(line);
    std::fflush(stdout);
}

}  // namespace

check_screen::check_screen(check_options const& o)
{
    page_.paint = paint_for_this_terminal(o.no_colour);
    page_.width = width_of_this_terminal();
    page_.dialogue = o.verbose;
    // What is drawn is drawn over again: that takes a terminal that can move its cursor.
    char const* const term = std::getenv("TERM");
    bool const moves = term != nullptr && *term != '\0' && std::string_view{term} != "dumb";
    live_ = ::isatty(STDOUT_FILENO) == 1 && moves && !o.json;
}

void check_screen::erase()
{
    if (drawn_ != 0) print("\x1b[" + std::to_string(drawn_) + "A\r\x1b[J");
    drawn_ = 0;
}

void check_screen::show(diagnose::step reached, diagnose::observations const& seen)
{
    if (!live_ || asking_) return;
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

boost::asio::awaitable<bool> check_screen::ask(boost::asio::any_io_executor executor, std::string question)
{
    if (::isatty(STDIN_FILENO) != 1 || !live_) co_return false;
    print(question + " [y/N] ");
    std::fflush(stdout);
    drawn_ = 0;
    asking_ = true;
    bool const yes = co_await client::on_thread<bool>(executor, [] {
        std::string answer;
        return static_cast<bool>(std::getline(std::cin, answer)) && (answer == "y" || answer == "Y" || answer == "yes");
    });
    asking_ = false;
    co_return yes;
}

}  // namespace postern::cli
