// Where the web process finds the mail process.
#pragma once

#include <filesystem>

#include "config/settings.hpp"

namespace postern::control {

/// web.socket; else in data_dir, or in /run where the two have different users.
inline std::filesystem::path web_socket_path(config::settings const& s)
{
    if (!s.web.socket.empty()) return s.web.socket;
    bool const apart = !s.web.user.empty() && s.web.user != s.user;
    return apart ? std::filesystem::path{"/run/postern/web.sock"} : s.data_dir / "web.sock";
}

}  // namespace postern::control
