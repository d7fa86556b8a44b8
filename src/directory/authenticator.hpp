// Back ends that have to be asked: PAM, Dovecot, PostgreSQL, LDAP. They wait for other programs, so
// every question has a deadline and runs on threads of the back end's own, and nobody else
// waits: answers come to handlers. Two kinds: those that judge a password, and those that tell
// how a user is stored, so that Postern verifies and SCRAM works. Some that judge can also say, without a
// password, whether there is such a user.
//
// What was told is remembered for a while. Names that strangers choose can't push out those of
// users, and "no such user" is only good for a burst of questions: whoever was made a moment ago
// can log in. While the back end is down, users that are known stay known for some minutes.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/crypto.hpp"
#include "directory/asker.hpp"
#include "directory/backend.hpp"

namespace postern::directory {

class authenticator : public back_end {
public:
    using entry = std::shared_ptr<stored_account const>;
    using verdict_handler = std::function<void(result<judgement>)>;
    using entry_handler = std::function<void(result<entry>)>;
    using recipient_handler = std::function<void(result<std::optional<std::string>>)>;

    /// Whether the name, as any_name_key() gives it, can be one of its users at all.
    virtual bool covers(std::string_view name) const = 0;
    /// Whether it tells how users are stored (fetch), or judges (verify).
    virtual bool tells() const = 0;
    /// Whether it can be asked without a password who has a name (fetch). Those that tell can.
    virtual bool recognises() const = 0;
    /// The address that a name stands for, if that is one.
    virtual std::string address_of(std::string_view name) const = 0;
    /// Why nobody can be asked about at this moment, as far as that is known.
    virtual std::optional<error> out_of_reach() const = 0;

    /// Calls the handler once, later, with an address as the user's name.
    virtual void verify(std::string_view name, secret password, verdict_handler handler) = 0;
    /// Calls the handler once: at once when the answer is known, else later. Null: no such user. Of those that
    /// judge: a user that no password fits.
    virtual void fetch(std::string_view name, freshness how, entry_handler handler) = 0;
    /// What fetch() said a moment ago, from memory; an error when that is not known (any more).
    virtual result<entry> fetched(std::string_view name) = 0;
    /// What fetch() said last that was not "no such user", however long ago; null: nothing.
    virtual entry last_told(std::string_view name) = 0;
    /// The address of the account that gets mail for this one: as fetch() and fetched().
    virtual void look_up(std::string_view address, recipient_handler handler) = 0;
    virtual result<std::optional<std::string>> looked_up(std::string_view address) = 0;

    /// What names that it has no user for are checked against: costs what most users' passwords
    /// do. Empty while it told of none.
    virtual std::string dummy() const = 0;
    /// Whether made-up SCRAM keys shall look like those of its users: those have so many
    /// iterations, and a salt of that size. Nothing while it told of none.
    virtual std::optional<scram_shape> usual_shape(hash h) const = 0;

    /// What it found before a restart; `changed` is told what to keep for the next one, in the background.
    virtual void keep_usual(std::string_view known, std::function<void(std::string const& text)> changed) = 0;

    /// Whether better hashes can be given to it.
    virtual bool takes_hashes() const = 0;
    /// Gives it one of the password that `of` has, in the background. False for the handler:
    /// somebody else changed it meanwhile.
    virtual void replace_password(entry const& of, std::string const& verifier,
                                  std::function<void(result<bool>)> handler) = 0;
    virtual void stop() = 0;
};

std::unique_ptr<authenticator> make_authenticator(backend_options const& o,
                                                  std::function<std::unique_ptr<asker>()> make_asker);

std::unique_ptr<asker> make_pam_asker(backend_options const& o);
std::unique_ptr<asker> make_dovecot_asker(backend_options const& o);
std::unique_ptr<asker> make_postgres_asker(backend_options const& o);
/// They share what they know of the servers.
std::function<std::unique_ptr<asker>()> ldap_askers(backend_options const& o);

}  // namespace postern::directory
