#include "control/access.hpp"

#include <pwd.h>

#include "catalogue/verdict.hpp"
#include "control/commands.hpp"
#include "directory/directory.hpp"
#include "directory/names.hpp"
#include "visits/book.hpp"

namespace postern::control {
namespace json = boost::json;
namespace {

namespace rules = catalogue::rules;

failure refusal(failure::kind why, catalogue::rule const& r)
{
    return {why, std::string{r.reply}, {}, std::string{r.name}};
}

/// Whether whoever has that name, address or alias has a role.
result<bool> is_powerful(context& c, std::string const& name)
{
    auto const has_role = [&](result<std::shared_ptr<directory::account const>> const& found) -> result<bool> {
        if (!found) return found.error();
        return *found && c.accounts->role_of(**found) != directory::role::none;
    };
    c.accounts->wait_for_login(name);
    auto powerful = has_role(c.accounts->find_account(name));
    auto const address = mail::parse_mailbox(directory::login_key(name).value_or(name));
    if (!powerful || *powerful || !address) return powerful;
    c.accounts->wait_for_address(*address);
    powerful = has_role(c.accounts->find_owner(*address));
    if (!powerful || *powerful) return powerful;
    return has_role(c.accounts->find_recipient(*address));
}

/// Who may act on others acts on accounts that have no role, whichever of their addresses is named: or a new password
/// for the owner would make an owner of an operator. Nor does such an account get the address of one that has a role, or
/// a whole domain, where one may have its address. An owner may act on all.
std::optional<failure> spare_the_powerful(context& c, json::object const& given)
{
    if (!given.contains("address") || c.caller.visit->role == directory::role::owner) return std::nullopt;
    for (char const* const key : {"address", "alias", "sender"}) {
        auto const* const named = given.if_contains(key);
        if (!named || !named->is_string()) continue;
        std::string const name{named->as_string()};
        if (name.starts_with('@')) return not_allowed();
        auto const powerful = is_powerful(c, name);
        if (!powerful) return to_failure(powerful.error());
        if (*powerful) return not_allowed();
    }
    return std::nullopt;
}

}  // namespace

failure signed_out() { return refusal(failure::kind::signed_out, rules::web_signed_out); }
failure not_allowed() { return refusal(failure::kind::forbidden, rules::web_not_allowed); }

std::string name_of_user(std::uint32_t uid)
{
    std::vector<char> room(1 << 14);
    passwd entry{};
    passwd* found = nullptr;
    bool const known = ::getpwuid_r(uid, &entry, room.data(), room.size(), &found) == 0 && found;
    return known ? std::string{entry.pw_name} : "uid " + std::to_string(uid);
}

std::string caller::by() const
{
    if (through == door::terminal) return "operator";
    return for_itself ? "account" : who;
}

std::optional<failure> find_visitor(context& c, std::string_view token, command const* what)
{
    auto const now = wall_clock::now();
    bool const uses = !what || what->does != effect::follows;
    auto v = uses ? c.visits->use(token, c.visit_bounds(), now) : c.visits->look(token, c.visit_bounds(), now);
    if (!v) return std::nullopt;
    c.accounts->wait_for_login(v->login);
    auto const found = c.accounts->find_account(v->login);
    if (!found) return to_failure(found.error());
    auto const& account = *found;
    bool const holds = account && account->address == v->account && account->enabled &&
                       account->password_set == v->password_set && c.accounts->role_of(*account) == v->role;
    if (!holds) {
        c.visits->end(token);
        return std::nullopt;
    }
    c.caller.who = v->account;
    c.caller.visit = std::move(v);
    return std::nullopt;
}

std::optional<failure> admit(context& c, command const& what, json::object& given)
{
    using kind = admission::kind;
    auto const& door = what.web;
    if (door.whom == kind::anyone) return std::nullopt;
    if (door.whom != kind::signed_in) return not_allowed();
    auto const& visit = c.caller.visit;
    if (!visit) return signed_out();
    if (door.own && !given.contains("address")) {
        given["address"] = visit->login;
        c.caller.for_itself = true;
        return std::nullopt;
    }
    if (door.least == directory::role::none || visit->role < door.least) return not_allowed();
    return what.does == effect::changes ? spare_the_powerful(c, given) : std::nullopt;
}

}  // namespace postern::control
