// Roles, which are few: all of them are in memory, and read anew whenever the database changes.
#include "directory/embedded.hpp"
#include "directory/names.hpp"
#include "directory/role.hpp"

namespace postern::directory {

std::string_view to_string(role r) noexcept
{
    switch (r) {
        case role::reader: return "reader";
        case role::operating: return "operator";
        case role::owner: return "owner";
        case role::none: break;
    }
    return "none";
}

std::optional<role> parse_role(std::string_view word) noexcept
{
    for (auto const r : {role::none, role::reader, role::operating, role::owner})
        if (word == to_string(r)) return r;
    return std::nullopt;
}

result<> embedded::refresh_roles()
{
    auto rows = store_->list_roles();
    if (!rows) return std::move(rows).error();
    roles_.set(std::make_shared<role_map const>(std::move(*rows)));
    return done{};
}

role embedded::role_of(account const& who) const
{
    auto const all = roles_.get();
    auto const found = all->find(who.address);
    return found == all->end() ? role::none : found->second;
}

result<> embedded::set_role(account const& who, role r) { return changed(store_->set_role(who.address, r)); }

}  // namespace postern::directory
