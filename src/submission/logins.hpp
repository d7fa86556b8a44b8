// Who is asked and told when somebody logs in, at whichever door.
#pragma once

#include "login/desk.hpp"
#include "submission/conduct_watch.hpp"
#include "submission/device_watch.hpp"

namespace postern::submission {

/// All four outlive what comes back.
login::services services_for_logins(directory::directory& accounts, guard::keeper& guard, conduct_watch& conduct,
                                    device_watch& devices);

}  // namespace postern::submission
