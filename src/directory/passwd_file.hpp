// Reads a file of users as other programs keep it. Used by the import, and by the back end
// that reads such a file again and again.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "directory/file_format.hpp"
#include "directory/verifier.hpp"

namespace postern::directory {

struct passwd_line {
    std::size_t number = 0;
    std::string shown;               // the name as in the file, safe to print
    std::string address;             // as login_key()
    import_reading reading;          // may have a problem
    bool locked = false;             // no password at all ("*", "!", "x", nothing): a user, but not one who logs in
    bool may_log_in = true;          // false: "nologin", or expired
    bool bound_to_networks = false;  // Dovecot's allow_nets: more than we can check
};

/// `problems` gets what breaks the format: "line 3: ...". `now`: when accounts of shadow expire.
std::vector<passwd_line> read_passwd_lines(std::string_view text, file_format const& format, wall_time now,
                                           std::vector<std::string>& problems);

/// Whether what stands in the place of a hash says that there is no password.
bool is_locked(std::string_view hash, file_format::kind k = file_format::kind::dovecot);

}  // namespace postern::directory
