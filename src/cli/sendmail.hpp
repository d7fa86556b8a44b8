// postern sendmail: the classic program's options, for PHP, cron, git and whatever else
// sends by it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/application.hpp"

namespace postern::cli {

/// Does it where the program was called by one of its other names (sendmail, mailq, newaliases)
/// or as `postern [--config FILE] sendmail ...`, whose options follow rules of their own. Gives an
/// exit status of <sysexits.h>, which such callers know; nothing where another command is meant.
std::optional<int> run_as_sendmail(std::vector<std::string> const& words);

}  // namespace postern::cli
