// How a group of commands ("postern queue list", "postern queue show") is declared: each has --json,
// and stores what to do when the command line chose it.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "cli/application.hpp"

namespace postern::cli {

/// `Options`: what the group's commands are given; has `json`.
template <class Options>
class declaring {
public:
    declaring(command group, application& app, std::shared_ptr<Options> o) : group_(group), app_(app), o_(std::move(o))
    {
        group_.require_subcommand();
    }

    /// `act` is called with the application and the options, and gives the exit status.
    template <class Act>
    command operator()(char const* name, char const* help, Act act) const
    {
        auto const c = group_.add_subcommand(name, help);
        c.add_flag("--json", o_->json, "For programs");
        return c.does([&app = app_, o = o_, act] { return act(app, *o); });
    }

    /// The same for a command about one account; `Options` has `address`.
    template <class Act>
    command for_account(char const* name, char const* help, Act act) const
    {
        auto const c = (*this)(name, help, std::move(act));
        c.add_option("ADDRESS", o_->address, "The account: its address, which is its login name").required();
        return c;
    }

private:
    command group_;
    application& app_;
    std::shared_ptr<Options> o_;
};

}  // namespace postern::cli
