#include "cli/command_line.hpp"

#include <cstdint>
#include <optional>
#include <utility>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

namespace postern::cli {

option option::required() const
{
    o_->required();
    return *this;
}

option option::type_name(std::string const& name) const
{
    o_->type_name(name);
    return *this;
}

option option::excludes(option other) const
{
    o_->excludes(other.o_);
    return *this;
}

option option::take_all() const
{
    o_->take_all();
    return *this;
}

option option::between(long least, long most) const
{
    o_->check(CLI::Range(least, most).description(std::to_string(least) + " to " + std::to_string(most)));
    return *this;
}

option option::one_of(std::vector<std::string> const& values) const
{
    o_->check(CLI::IsMember(values));
    return *this;
}

option option::show_default() const
{
    o_->capture_default_str();
    return *this;
}

option option::hidden() const
{
    o_->group("");
    return *this;
}

command command::add_subcommand(std::string const& name, std::string const& help) const
{
    auto const there = c_->get_subcommands([&](CLI::App const* one) { return one->get_name() == name; });
    return {there.empty() ? *c_->add_subcommand(name, help) : *there.front(), *chosen_};
}

template <class Value>
option command::add_option(std::string const& names, Value& value, std::string const& help) const
{
    return option{*c_->add_option(names, value, help)};
}

option command::add_flag(std::string const& names, bool& value, std::string const& help) const
{
    return option{*c_->add_flag(names, value, help)};
}

command command::does(std::function<int()> act) const
{
    // Called for the commands below it, too, after theirs.
    c_->callback([c = c_, chosen = chosen_, act = std::move(act)] {
        if (c->get_subcommands().empty()) *chosen = act;
    });
    return *this;
}

command command::require_subcommand() const
{
    c_->require_subcommand(1);
    return *this;
}

command command::footer(std::string const& text) const
{
    c_->footer(text);
    return *this;
}

command command::hidden() const
{
    c_->group("");
    return *this;
}

template option command::add_option(std::string const&, std::string&, std::string const&) const;
template option command::add_option(std::string const&, std::optional<std::string>&, std::string const&) const;
template option command::add_option(std::string const&, std::vector<std::string>&, std::string const&) const;
template option command::add_option(std::string const&, int&, std::string const&) const;
template option command::add_option(std::string const&, unsigned&, std::string const&) const;
template option command::add_option(std::string const&, std::optional<unsigned>&, std::string const&) const;
template option command::add_option(std::string const&, std::uint16_t&, std::string const&) const;
template option command::add_option(std::string const&, std::optional<std::uint16_t>&, std::string const&) const;
template option command::add_option(std::string const&, std::uint64_t&, std::string const&) const;
template option command::add_option(std::string const&, std::optional<std::uint64_t>&, std::string const&) const;

}  // namespace postern::cli
