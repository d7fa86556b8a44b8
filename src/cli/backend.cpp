#include "cli/backend.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <thread>

#include <sys/stat.h>
#include <unistd.h>

#include "audit/book.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "cli/output.hpp"
#include "cli/privileges.hpp"
#include "cli/running_server.hpp"
#include "control/client.hpp"
#include "control/commands.hpp"
#include "control/instance_lock.hpp"

namespace postern::cli {
namespace {

using control::failure;

// An import of many passwords in the clear hashes each; all else is quick.
constexpr std::chrono::seconds patience{60}, patience_with_import{4 * 3600};
// Of a server between its lock and its control socket, or another command.
constexpr std::chrono::seconds patience_with_holder{10};

/// The files that a command works on, opened for it alone.
struct opened {
    std::unique_ptr<directory::directory> accounts;
    std::unique_ptr<spool::spool> queue;
    std::unique_ptr<signing::key_store> keys;
    std::unique_ptr<forwarding::book> forwards;
};

basic_result<opened, failure> open_files(config::settings const& s, control::command const& c)
{
    opened files;
    if (c.wants(control::needs::accounts)) {
        auto accounts = directory::open_embedded(accounts_of(s));
        if (!accounts) return control::to_failure(accounts.error());
        files.accounts = std::move(*accounts);
    }
    if (c.wants(control::needs::queue)) {
        spool::options o;
        o.folder = s.data_dir;
        o.free_space_floor = s.limits.free_space;
        o.log_size = 0;  // for a few changes, none is made ready
        auto queue = spool::open(o);
        if (!queue) return control::to_failure(queue.error());
        files.queue = std::move(*queue);
    }
    if (c.wants(control::needs::forwards)) {
        auto book = forwarding::book::open(s.data_dir, wall_clock::now());
        if (!book) return control::to_failure(book.error());
        files.forwards = std::move(*book);
        configure(*files.forwards, s);
    }
    if (c.wants(control::needs::keys)) files.keys = std::make_unique<signing::key_store>(s, nullptr);
    return files;
}

/// Who sits here. Asked before the process becomes anybody else; `from` is what the environment says.
control::caller caller_here()
{
    control::caller who;
    who.who = control::name_of_user(::getuid());
    char name[64];
    if (::ttyname_r(STDIN_FILENO, name, sizeof name) == 0) who.from = name;
    auto const add = [&](std::string_view what, char const* variable) {
        char const* const value = std::getenv(variable);
        if (!value || *value == '\0') return;
        if (!who.from.empty()) who.from += ", ";
        who.from += what;
        // Of SSH_CONNECTION, the client's address.
        who.from += printable(std::string_view{value}.substr(0, std::string_view{value}.find(' ')), 64);
    };
    add("sudo by ", "SUDO_USER");
    add("ssh from ", "SSH_CONNECTION");
    return who;
}

/// Nothing when another process has the files: a server that begins or ends, or another command.
std::optional<control::outcome> perform_here(std::shared_ptr<config::settings const> const& s,
                                             control::command const& command, boost::json::object const& arguments,
                                             control::caller const& who, std::string& holder)
{
    log::options quiet;
    quiet.level = log::level::warning;
    control::context c;
    c.settings = s;
    c.caller = who;
    std::unique_ptr<audit::book> audit;
    // What can't be opened is told where a row is missed.
    if (command.does == control::effect::changes || command.name == "audit list")
        if (auto opened = audit::book::open(s->data_dir)) audit = std::move(*opened);
    c.audit = audit.get();
    if (!command.wants(control::needs::accounts) && !command.wants(control::needs::queue) &&
        !command.wants(control::needs::keys)) {
        log::start(quiet);
        return control::run_command(c, command.name, arguments);
    }

    auto lock = control::instance_lock::take(s->data_dir, holder);
    if (!lock) return control::outcome{control::to_failure(lock.error())};
    if (!*lock) return std::nullopt;
    quiet.history = c.history();
    quiet.history_size = s->log.history_size;
    log::start(quiet);
    auto files = open_files(*s, command);
    if (!files) return control::outcome{std::move(files.error())};
    c.accounts = files->accounts.get();
    c.queue = files->queue.get();
    c.keys = files->keys.get();
    c.forwards = files->forwards.get();
    auto done = control::run_command(c, command.name, arguments);
    files->queue.reset();
    files->accounts.reset();
    log::stop();
    return done;
}

/// By the server if one runs, else here.
control::outcome perform_anywhere(std::shared_ptr<config::settings const> const& s, control::command const& command,
                                  boost::json::object const& arguments)
{
    auto const limit = command.name == "account import" ? patience_with_import : patience;
    auto const until = steady_clock::now() + patience_with_holder;
    bool ready = false;
    auto const who = caller_here();
    for (;;) {
        if (auto answer = control::ask_server(s->data_dir, command.name, arguments, limit, who.from))
            return std::move(*answer);
        if (command.wants_server()) {
            return failure{failure::kind::problem,
                           "no server runs on " + s->data_dir.string() + "; `postern serve` starts it",
                           {}};
        }
        if (!ready) {
            if (auto owned = own_data_dir(*s); !owned) return control::to_failure(owned.error());
            ready = true;
        }
        std::string holder;
        if (auto answer = perform_here(s, command, arguments, who, holder)) return std::move(*answer);
        if (steady_clock::now() >= until) {
            return failure{failure::kind::unavailable,
                           "another process" + (holder.empty() ? std::string{} : " (" + holder + ")") + " has " +
                               s->data_dir.string() +
                               " open, and does not answer at its control socket; try again, and look at the server's "
                               "log if that does not help",
                           {}};
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
}

}  // namespace

void configure(forwarding::book& book, config::settings const& s)
{
    book.configure(s.forwarding.srs_domain.empty() ? s.hostname : s.forwarding.srs_domain, s.forwarding.srs_lifetime);
}

std::shared_ptr<config::settings const> load_settings(application const& app)
{
    std::optional<std::filesystem::path> file;
    if (app.config) {
        file = *app.config;
    } else {
        file = config::find_file();
    }
    std::vector<config::problem> problems;
    auto s = config::load(file, problems);
    if (s) return std::make_shared<config::settings const>(std::move(*s));
    for (auto const& p : problems) complain(p.to_string());
    return nullptr;
}

std::string configuration_in_force(application const& app)
{
    auto const file = app.config ? std::optional<std::filesystem::path>{*app.config} : config::find_file();
    if (file) return "the configuration is " + file->string();
    return "no configuration was found, so the defaults hold: write /etc/postern/postern.toml, or name a file with "
           "--config";
}

control::outcome ask(application const& app, std::string_view name, boost::json::object const& arguments)
{
    auto const s = load_settings(app);
    if (!s) return failure{failure::kind::usage, "the configuration is wrong", {}};
    auto const* command = control::find_command(name);
    if (!command) return failure{failure::kind::usage, "there is no command " + std::string{name}, {}};
    return perform_anywhere(s, *command, arguments);
}

basic_result<boost::json::value, int> perform(application const& app, std::string_view name,
                                              boost::json::object const& arguments)
{
    auto const s = load_settings(app);
    if (!s) return call_was_wrong;
    auto const* command = control::find_command(name);
    if (!command) return fail({failure::kind::usage, "there is no command " + std::string{name}, {}});
    auto answer = perform_anywhere(s, *command, arguments);
    if (!answer) {
        // Most of what goes wrong then comes from it.
        if (answer.error().why != failure::kind::usage && !app.config && !config::find_file())
            answer.error().text += " (" + configuration_in_force(app) + ")";
        return fail(answer.error());
    }
    return std::move(*answer);
}

}  // namespace postern::cli
