#include <algorithm>

#include "directory/directory.hpp"

namespace postern::directory {

bool account::may_send_as(mail::mailbox const& sender) const
{
    auto const owns = [this](std::string const& key) {
        return key == address || std::find(aliases.begin(), aliases.end(), key) != aliases.end();
    };
    std::string const key = sender.key();
    if (owns(key)) return true;
    for (auto const& grant : send_as) {
        if (grant == key) return true;
        if (grant.starts_with('@') && std::string_view{grant}.substr(1) == sender.domain) return true;
    }
    // A sub-address of one's own ("me+shop@") reaches the same account.
    auto const plus = sender.local_part.find('+');
    if (plus == std::string::npos || plus == 0) return false;
    return owns(mail::mailbox{sender.local_part.substr(0, plus), sender.domain}.key());
}

}  // namespace postern::directory
