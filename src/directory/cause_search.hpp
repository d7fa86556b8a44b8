// Looks for the cause of a log-in that failed, after it was answered: other spellings of the name,
// and of the password against the present and the previous verifier. Each hash is a task of its
// own for a pool that has nothing else to do. As many are made whether there is such an account
// or not, so that nobody learns that from how busy the server is.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/secret.hpp"
#include "directory/login_cause.hpp"

namespace postern::directory {

/// What else a password may have been meant to be. Depends on nothing but the password.
struct meant_password {
    secret octets;  // prepared
    login_cause cause;
};
std::vector<meant_password> meant_passwords(secret const& sent);
/// A name without the blanks that are in it; empty: there are none.
std::string without_blanks(std::string_view name);

class cause_search : public std::enable_shared_from_this<cause_search> {
public:
    struct finding {
        login_cause cause = login_cause::none;
        std::string detail;
    };
    struct parts {
        std::function<finding()> look_at_name;            // reads the database; none: the name is right
        std::function<void(std::function<void()>)> idle;  // may drop what it is given
        std::function<void(login_cause)> remember;
        std::string verifier, previous;  // of the account, or of one that nobody has
        secret password;                 // empty: it was not seen
        login_cause otherwise = login_cause::none;
    };
    explicit cause_search(parts p) : parts_(std::move(p)) {}

    /// The handler is called once, later, or never when there is too much else to do.
    void begin(cause_handler handler);

private:
    void look_at_name();
    void next();
    void report();

    parts parts_;
    cause_handler handler_;
    std::vector<meant_password> meant_;
    std::size_t at_ = 0;
    finding found_;
};

}  // namespace postern::directory
