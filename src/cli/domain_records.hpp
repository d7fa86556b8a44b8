// What to publish in the DNS for a domain.
#pragma once

#include <string>

#include "cli/application.hpp"

namespace postern::cli {

int print_domain_records(application const& app, std::string const& domain, bool as_json);

}  // namespace postern::cli
