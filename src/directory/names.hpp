// Log-in names as they are compared: a full address, in one spelling.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "mail/address.hpp"

namespace postern::directory {

/// What two spellings of one of our addresses share: prepared as a user name (RFC 8265 section 3.3).
std::string address_key(mail::mailbox const& address);
/// The key of an account's address, or nothing when the text is not a full address.
std::optional<std::string> login_key(std::string_view text);
/// The same for names that need not be addresses: what made-up SCRAM keys depend on.
std::string any_name_key(std::string_view text);
/// What a command says that needs a full address and was given this.
error bad_address(std::string_view text);
/// Whether a client that logs in as `authcid` wants to act as that; without a wish it does.
bool is_same_name(std::string_view authzid, std::string_view authcid);

/// What a name that a client sent may be, likeliest first, each once.
struct name_candidate {
    std::string key;
    char const* form;  // "prepared", "raw", "latin1": for the log
};
std::vector<name_candidate> name_candidates(std::string_view text);

/// "address" or "@domain", as compared with a sender or a recipient.
std::optional<std::string> sender_key(std::string_view text);

/// "me@" of the sub-address "me+shop@", for the delimiter '+'; nothing for other addresses.
std::optional<mail::mailbox> without_detail(mail::mailbox const& address, char delimiter);

}  // namespace postern::directory
