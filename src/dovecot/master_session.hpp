// The server half of Dovecot's master and userdb protocol, version 1.1: other parts of
// Dovecot ask whether there is a user, who all the users are, and whose a log-in was that a
// login process took. No secret is given out. A state machine without a socket; who asks
// waits for the answer before it asks again, so there is one question at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dovecot/lines.hpp"

namespace postern::dovecot {

struct lookup {
    enum class kind : std::uint8_t {
        none,   // no complete line, or the connection is broken
        user,   // USER: where does mail for this name go?
        pass,   // PASS: the same, as a passdb would answer
        login,  // REQUEST: whose log-in was that?
        list,   // LIST
    };
    kind what = kind::none;
    std::uint32_t id = 0;
    std::string name;
    // REQUEST
    std::uint32_t process = 0, login_id = 0;
    std::string cookie;
};

class master_session {
public:
    explicit master_session(std::uint32_t process) : process_(process) {}

    void on_connect();
    /// The next question off the front of `in`.
    lookup on_input(std::string_view& in);
    /// The answer to each but `list`; no name: there is no such user.
    void answer(lookup const& asked, std::optional<std::string> const& account);
    void answer_list(lookup const& asked, std::vector<std::string> const& accounts);
    /// Nobody can tell.
    void answer_unavailable(lookup const& asked);

    std::string& output() noexcept { return output_; }
    std::string_view broken() const noexcept { return broken_; }
    bool greeted() const noexcept { return greeted_; }

private:
    lookup take(std::string_view line);
    lookup breaks(char const* why);
    std::string& begin(std::string_view verb, lookup const& asked);

    std::uint32_t const process_;
    std::string output_;
    std::string_view broken_;
    bool greeted_ = false;
};

}  // namespace postern::dovecot
