// Log-ins that wait to be fetched: a login process of Dovecot proves who somebody is on one
// connection, the process that serves the mailbox asks on another one who it was. It has to
// know the cookie of the first connection, which only that one was told.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace postern::dovecot {

class login_register {
public:
    struct login {
        std::uint32_t process = 0;  // of the login process, as it says
        std::uint32_t id = 0;       // of the request, as it says
        std::string cookie;
        std::string account;
    };
    void add(login l, steady_time now);
    /// Once, and not after `fetch_within`.
    std::optional<std::string> take(std::uint32_t process, std::uint32_t id, std::string_view cookie, steady_time now);
    std::size_t size() const noexcept { return waiting_.size(); }

    static constexpr std::chrono::seconds fetch_within{60};
    static constexpr std::size_t most = 4096;

private:
    struct entry {
        login what;
        steady_time until;
    };
    std::deque<entry> waiting_;  // the oldest first
};

}  // namespace postern::dovecot
