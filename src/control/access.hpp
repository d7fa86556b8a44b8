// Who may have a command done, and for whom. Whoever can open the control socket may do everything; through
// the web socket each command of the table says who may. The decision is made here and nowhere else,
// before the command runs.
//
// A command for accounts themselves (`own`) is given the login name (`address`) of whoever is signed in, by this code:
// a request that names an address asks as somebody with a role, and is judged as such.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <boost/json/object.hpp>

#include "directory/role.hpp"
#include "visits/book.hpp"

namespace postern::control {

struct command;
struct context;
struct failure;

struct admission {
    enum class kind : std::uint8_t { undecided, nobody, anyone, signed_in };
    kind whom = kind::undecided;
    bool own = false;                               // whoever is signed in, for the own account
    directory::role least = directory::role::none;  // for any account; none: nobody by a role
};

namespace doors {
inline constexpr admission nobody{admission::kind::nobody};
inline constexpr admission anyone{admission::kind::anyone};
inline constexpr admission own{admission::kind::signed_in, true};
inline constexpr admission readers{admission::kind::signed_in, false, directory::role::reader};
inline constexpr admission operators{admission::kind::signed_in, false, directory::role::operating};
inline constexpr admission owners{admission::kind::signed_in, false, directory::role::owner};
constexpr admission own_or(admission by_role) { return {by_role.whom, true, by_role.least}; }
}  // namespace doors

/// Who asks.
struct caller {
    enum class door : std::uint8_t { terminal, web };
    door through = door::terminal;
    std::string who;   // the user of the machine, or the account; empty: nobody is signed in
    std::string from;  // the terminal, as it is told; or the client's address
    std::optional<visits::visit> visit{};
    /// Set by admit(): the command acts on the own account, and the role does not matter.
    bool for_itself = false;

    /// Who made or changed something, as accounts keep it: "operator", "account", or the operator's address.
    std::string by() const;
};

/// "root", or "uid 1000" where that has no name.
std::string name_of_user(std::uint32_t uid);

/// Finds who is signed in, and that it still holds: the account is there, enabled, and has the password
/// and the role that it had. Else the visit ends, and nobody is signed in. An error: nobody can tell. `what` is asked for;
/// null: nothing that there is.
std::optional<failure> find_visitor(context& c, std::string_view token, command const* what);

/// Whether the caller, who came by the web socket, may have that done with these arguments. Adds the own address where
/// the command is one's own affair.
std::optional<failure> admit(context& c, command const& what, boost::json::object& given);

/// Of a rule of the catalogue that says why.
failure signed_out();
failure not_allowed();

}  // namespace postern::control
