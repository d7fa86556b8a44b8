// Performs what a client session wants done about its login: finds the credentials and the
// mechanism, and has a thread work out answers that take long.
#pragma once

#include <filesystem>

#include "delivery/connection.hpp"
#include "delivery/token_desk.hpp"
#include "delivery/workers.hpp"

namespace postern::delivery {

/// The threads behind log-ins; goes after all that awaits one.
struct login_help {
    explicit login_help(std::filesystem::path const& data_dir) : tokens(data_dir / "tokens") {}
    token_desk tokens;
    workers threads{1};
};

/// After smtp::choose_login.
net::awaitable<void> choose_login(std::shared_ptr<link> l);
/// After smtp::answer_challenge.
net::awaitable<void> answer_challenge(std::shared_ptr<link> l);
/// Tells the log how it ended; a token that was refused is not used again.
void login_ended(link& l);

}  // namespace postern::delivery
