// What the parts of `postern check` share.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cli/password.hpp"
#include "diagnose/examiner.hpp"
#include "diagnose/report.hpp"

namespace postern::cli {

/// The command line as it was given.
struct check_options {
    std::string who;
    std::string server, user, user_form, tls = "auto", mechanism, from, to, outside, control;
    std::optional<std::uint16_t> port;
    password_source password;
    std::optional<std::string> token_file;
    std::string authorities, name_server;
    std::string imap, pop3, maildir;
    std::string code;
    bool with_server = false;
    std::string program;
    bool list_programs = false, send = false, json = false, no_colour = false, verbose = false;
    bool insecure_clear = false, insecure_unverified = false, portal = false;
    unsigned timeout = 30, wait = 60;
};

struct check_plan {
    diagnose::given person;
    diagnose::credentials who;
};
/// Asks for the password, where one is wanted.
result<check_plan> make_check_plan(check_options const& o);

/// Draws the steps as they come, where there is a terminal.
class check_screen {
public:
    explicit check_screen(check_options const& o);

    diagnose::page const& page() const noexcept { return page_; }
    diagnose::page& page() noexcept { return page_; }
    bool live() const noexcept { return live_; }
    /// So far, up to a step.
    void show(diagnose::step reached, diagnose::observations const& seen);
    /// All of it, in the place of what was drawn.
    void finish(diagnose::observations const& seen, diagnose::diagnosis const& d);
    /// A question with yes or no; only on a terminal. All else goes on meanwhile, and draws nothing.
    boost::asio::awaitable<bool> ask(boost::asio::any_io_executor executor, std::string question);

private:
    void erase();

    diagnose::page page_;
    bool live_ = false, asking_ = false;
    std::size_t drawn_ = 0;
};

}  // namespace postern::cli
