// Postfix's master.cf: its services, with the parameters that each overrides.
#pragma once

#include "moving/main_cf.hpp"

namespace postern::moving {

struct service {
    std::string name;  // "submission", "127.0.0.1:10025"
    std::string type;  // "inet", "unix", ...
    std::string command;
    std::vector<parameter> overrides;    // -o
    std::vector<std::string> arguments;  // the others
    place at;
};

basic_result<std::vector<service>, trouble> parse_master_cf(std::string_view text, std::string const& file);

/// Whether a line is one of master.cf, as `postconf -M` prints it.
bool is_service_line(std::string_view line);

}  // namespace postern::moving
