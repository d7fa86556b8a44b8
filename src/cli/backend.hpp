// Where a command is performed: by the running server, else here, on the files.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "cli/application.hpp"
#include "config/settings.hpp"
#include "control/protocol.hpp"
#include "forwarding/book.hpp"

namespace postern::cli {

/// The configuration; when it is wrong, every problem goes to standard error, and there is none.
std::shared_ptr<config::settings const> load_settings(application const& app);

/// Which configuration is in force, as a sentence: the file's name, or that none was found.
std::string configuration_in_force(application const& app);

/// As perform(), but says nothing of a failure. For a question before the command itself.
control::outcome ask(application const& app, std::string_view command, boost::json::object const& arguments);

/// Performs a command. A wrong configuration is told already; the failure is then without text.
basic_result<boost::json::value, int> perform(application const& app, std::string_view command,
                                              boost::json::object const& arguments);

/// The domain of rewritten senders, as the settings want it.
void configure(forwarding::book& book, config::settings const& s);

}  // namespace postern::cli
