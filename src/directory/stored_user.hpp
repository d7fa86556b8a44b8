// From what another program tells of a user to an account with what verifies its password.
#pragma once

#include <memory>
#include <string>

#include "directory/asker.hpp"
#include "directory/store.hpp"

namespace postern::directory {

/// `address`: the user's, as login_key(). Addresses among the facts that are none are left out.
/// A user without a password that can be verified has an account that no password fits, with
/// the `problem`.
std::shared_ptr<stored_account> account_of(stored_user const& told, std::string const& address);

/// Takes the SCRAM keys that the verifier is, if it is. Whether it is.
bool take_scram(std::string const& verifier, stored_account& a);

/// The facts into an account.
void take_facts(user_facts const& facts, account& who);

}  // namespace postern::directory
