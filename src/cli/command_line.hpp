// Declaring commands and options. CLI11 does the work, behind this: it is compiled in two places, not with every command.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace postern::cli {

/// An option, a flag or a positional argument that was declared. Each call gives it back, for the next.
class option {
public:
    explicit option(CLI::Option& o) : o_(&o) {}
    option required() const;
    option type_name(std::string const& name) const;
    option excludes(option other) const;
    /// All values of `--name A B`, not only the last.
    option take_all() const;
    option between(long least, long most) const;
    option one_of(std::vector<std::string> const& values) const;
    option show_default() const;
    /// It works, and no help tells of it.
    option hidden() const;

private:
    CLI::Option* o_;
};

/// A command, with what is declared below it. A handle: the whole lives in main().
class command {
public:
    /// `chosen`: where the command that the command line names leaves what to do.
    command(CLI::App& c, std::function<int()>& chosen) : c_(&c), chosen_(&chosen) {}
    /// The command of that name below this one; several may declare theirs below the same.
    command add_subcommand(std::string const& name, std::string const& help) const;
    /// `value` has to live until the command line is read. For the types of command_line.cpp's end.
    template <class Value>
    option add_option(std::string const& names, Value& value, std::string const& help = {}) const;
    option add_flag(std::string const& names, bool& value, std::string const& help) const;
    /// What to do when the command line names this command and none below it; gives the exit status.
    command does(std::function<int()> act) const;
    /// One of the commands below it has to be named.
    command require_subcommand() const;
    command footer(std::string const& text) const;
    command hidden() const;

private:
    CLI::App* c_;
    std::function<int()>* chosen_;
};

}  // namespace postern::cli
