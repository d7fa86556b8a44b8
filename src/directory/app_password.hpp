// App passwords: further passwords of an account, one for each device or program, each with
// limits of its own. Made here and never chosen by people: 16 letters and digits, 80 bits. Nobody
// can try those out, so a fast keyed hash keeps them, and a log-in with one costs next to nothing.
// No more, since many printers take no more; without l, o, 0 and 1, which look like others. Read in
// any letter case, with or without what stands between the groups. Those that were made in an
// earlier form, 24 letters, go on working.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/crypto.hpp"
#include "base/ip.hpp"
#include "base/secret.hpp"
#include "mail/address.hpp"

namespace postern::directory {

/// An account can have so many that work; the oldest of the others go when there are more.
inline constexpr std::size_t most_app_passwords = 25;
inline constexpr std::size_t most_app_passwords_kept = 100;
inline constexpr std::size_t most_limits = 50;  // of each kind
inline constexpr std::size_t longest_label = 64;

/// Where nothing is said of a kind, everything is allowed.
struct app_password_limits {
    std::vector<network> networks;        // from where it may log in
    std::vector<std::string> senders;     // "address" as key, or "@domain": besides what the account may
    std::vector<std::string> recipients;  // the same

    bool allow_client(ip_address const& a) const;
    bool allow_sender(mail::mailbox const& m) const;
    bool allow_recipient(mail::mailbox const& m) const;
};

struct app_password {
    std::int64_t id = 0;  // names it in the log and in commands; never used twice
    std::string label;
    std::string verifier;
    wall_time created;
    std::string created_by;
    std::optional<wall_time> expires, revoked, last_used;
    std::string last_client;
    app_password_limits limits;
    std::vector<hash> scram_hashes;  // those that it can be used with

    bool expired(wall_time now) const { return expires && *expires <= now; }
    bool works(wall_time now) const { return !revoked && !expired(now); }
};

/// A new one, as it is shown: "kd7x-wpu4-...".
secret make_app_password();
/// The symbols alone, in lower case; nothing when the text can't be an app password.
std::optional<secret> read_app_password(std::string_view text);
/// The texts that a program may be given for it and uses as they are: as shown, and the letters
/// alone. For SCRAM, where the server does not get to see what was entered.
std::vector<secret> written_forms(secret const& letters);
/// What is kept of its letters. `key`: the account database's secret, so that both are restored
/// from the same backup. Bound to the owner, so that the rows of two can't be swapped: the number of an
/// account, or the address of a back end's user.
std::string app_password_verifier(std::string_view key, std::string_view owner, secret const& letters);

}  // namespace postern::directory
