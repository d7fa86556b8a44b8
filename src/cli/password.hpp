// Where a new password comes from: never from the command line, which others can see.
#pragma once

#include <optional>
#include <string>

#include "base/secret.hpp"
#include "cli/command_line.hpp"
#include "control/protocol.hpp"

namespace postern::cli {

struct password_source {
    bool from_stdin = false;          // --password-stdin: its first line
    std::optional<std::string> file;  // --password-file FILE: its first line
    bool generate = false;            // --generate: made here, printed once
};

void add_password_options(command c, password_source& source);

struct new_password {
    secret text;
    bool generated = false;
};
/// One that exists already: from standard input, a file, or asked for once at the terminal.
basic_result<secret, control::failure> read_present_password(password_source const& source, std::string const& prompt);
/// Asks at the terminal, twice, when no option says where from.
basic_result<new_password, control::failure> read_password(password_source const& source);

}  // namespace postern::cli
