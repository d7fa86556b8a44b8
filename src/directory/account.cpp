#include <algorithm>

#include "directory/directory.hpp"
#include "directory/names.hpp"

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
    auto const whole = without_detail(sender, recipient_delimiter);
    return whole && owns(whole->key());
}

}  // namespace postern::directory
