#include "control/access.hpp"

#include <pwd.h>

#include "catalogue/verdict.hpp"
#include "control/commands.hpp"
#include "directory/directory.hpp"
#include "visits/book.hpp"

namespace postern::control {
namespace json = boost::json;
namespace {

namespace rules = catalogue::rules;

failure refusal(failure::kind why, catalogue::rule const& r)
{
    return {why, std::string{r.reply}, {}, std::string{r.name}};
}

/// Who may act on others acts on accounts that have no role, whichever of their addresses is named: or a new password
/// for the owner would make an owner of an operator. An owner may act on all.
std::optional<failure> spare_the_powerful(context& c, json::object& given)
{
    auto* const named = given.if_contains("address");
    if (!named || !named->is_string() || c.caller.visit->role == directory::role::owner) return std::nullopt;
    std::string const name{named->as_string()};
    auto const is_powerful = [&](result<std::shared_ptr<directory::account const>> const& found) -> result<bool> {
        if (!found) return found.error();
        return *found && c.accounts->role_of(**found) != directory::role::none;
    };
    c.accounts->wait_for_login(name);
    auto const account = c.accounts->find_account(name);
    auto powerful = is_powerful(account);
    if (auto const address = mail::parse_mailbox(name); powerful && !*powerful && address) {
        c.accounts->wait_for_address(*address);
        powerful = is_powerful(c.accounts->find_owner(*address));
        if (powerful && !*powerful) powerful = is_powerful(c.accounts->find_recipient(*address));
    }
    if (!powerful) return to_failure(powerful.error());
    if (*powerful) return not_allowed();
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

std::optional<failure> find_visitor(context& c, std::string_view token)
{
    auto const now = wall_clock::now();
    auto v = c.visits->use(token, c.visit_bounds(), now);
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
