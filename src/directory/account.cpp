#include <algorithm>

#include "directory/directory.hpp"
#include "directory/names.hpp"

namespace postern::directory {

account::claim account::claim_to(mail::mailbox const& sender) const
{
    auto const owns = [this](std::string const& key) {
        return key == address || std::find(aliases.begin(), aliases.end(), key) != aliases.end();
    };
    std::string const key = address_key(sender);
    if (owns(key)) return claim::own_or_granted;
    for (auto const& grant : send_as) {
        if (grant == key) return claim::own_or_granted;
        if (grant.starts_with('@') && std::string_view{grant}.substr(1) == sender.domain) return claim::own_or_granted;
    }
    auto const whole = without_detail(sender, recipient_delimiter);
    return whole && owns(address_key(*whole)) ? claim::sub_address : claim::none;
}

result<bool> directory::may_send_as(account const& who, mail::mailbox const& sender)
{
    auto const claim = who.claim_to(sender);
    if (claim != account::claim::sub_address) return claim == account::claim::own_or_granted;
    // "me+shop@" reaches the same account, unless somebody has just that address.
    auto const owner = find_owner(sender);
    if (!owner) return owner.error();
    return *owner == nullptr || (*owner)->address == who.address;
}

}  // namespace postern::directory
