// What is the same for every directory.
#include "directory/directory.hpp"

#include "directory/names.hpp"

namespace postern::directory {

result<login> directory::admit(std::string_view address, std::string_view authzid, std::string cause)
{
    if (!authzid.empty() && any_name_key(authzid) != any_name_key(address))
        return login{login_state::bad_credentials, nullptr, "the authorization identity is someone else"};
    auto found = find_account(address);
    if (!found) return std::move(found).error();
    if (!*found) return login{login_state::bad_credentials, nullptr, "no such account"};
    auto const state = !(*found)->enabled     ? login_state::disabled
                       : !(*found)->smtp_auth ? login_state::smtp_auth_off
                                              : login_state::accepted;
    return login{state, std::move(*found), std::move(cause)};
}

}  // namespace postern::directory
