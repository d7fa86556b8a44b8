#include "submission/logins.hpp"

namespace postern::submission {

login::services services_for_logins(directory::directory& accounts, guard::keeper& guard, conduct_watch& conduct,
                                    device_watch& devices)
{
    return {accounts, guard,
            [&conduct](config::settings const& s, std::string const& account, ip_address const& from) {
                conduct.on_login(s, account, from);
            },
            [&devices](config::settings const& s, login::forgotten_device d) {
                devices.on_forgotten(std::move(d), s.hostname, steady_clock::now());
            }};
}

}  // namespace postern::submission
