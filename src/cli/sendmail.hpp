// postern sendmail: the classic program's options, for PHP, cron, git and whatever else
// sends by it.
#pragma once

#include <string>
#include <vector>

#include "cli/application.hpp"

namespace postern::cli {

/// Whether the program was called by one of its other names: sendmail, mailq, newaliases.
bool is_sendmail_name(std::string const& program);

/// Does it; gives an exit status of <sysexits.h>, which such callers know.
int run_sendmail(application const& app, std::string const& program, std::vector<std::string> const& arguments);

}  // namespace postern::cli
