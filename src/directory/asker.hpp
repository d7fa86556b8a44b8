// What asks another program about users: one connection, or what stands for it, of one
// thread. Some programs judge a password, some tell how a user is stored; a back end does
// one of the two. Blocks, until a deadline at most; knows nothing of threads or caches.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"

namespace postern::directory {

/// What a program tells of a user besides the password.
struct user_facts {
    std::string name;  // how it calls the user; empty: as it was asked
    bool smtp_auth = true;
    std::vector<std::string> aliases;  // further addresses of the user
    std::vector<std::string> send_as;  // "address", or "@domain"
};

/// What another program said about a name and a password.
struct judgement {
    enum class kind : std::uint8_t {
        right,
        disabled,  // right, but the user is switched off there
        refused,   // wrong, or no such user: few tell which
    };
    kind what = kind::refused;
    user_facts user{};
    std::string cause{};  // for the log, where there is more to say
};

/// A user as another program stores it.
struct stored_user {
    user_facts user{};
    bool enabled = true;
    /// Why nobody can log in as the user, where what is stored contradicts itself: for the log, and then to be
    /// mended by the operator.
    std::string problem{};
    /// As read_import() reads them. Several are the same password in several forms; of those that
    /// are no SCRAM keys, the first that can be read counts.
    std::vector<secret> passwords{};
};

class asker {
public:
    virtual ~asker() = default;

    /// Of programs that judge.
    virtual result<judgement> verify(std::string const& name, secret const& password, steady_time deadline);
    /// Of programs that tell. Nothing: no such user. Of those that judge, if they can say: without passwords.
    virtual result<std::optional<stored_user>> fetch(std::string const& name, steady_time deadline);
    /// Puts a better hash of the same password in the place of `old`, a text that fetch() gave.
    /// False: there is no such user with that text any more.
    virtual result<bool> replace_password(std::string const& name, secret const& old, secret const& fresh,
                                          steady_time deadline);
    /// Who gets mail for the address: the program's name of the user, or nothing when it has none such.
    virtual result<std::optional<std::string>> look_up(std::string const& address, steady_time deadline) = 0;

    /// Whether it would answer now; nothing: can't be told without a user and a password.
    virtual std::optional<result<>> probe(steady_time deadline);
    /// After an error: whether any other question would have failed as well.
    virtual bool lost() const { return true; }
};

}  // namespace postern::directory
