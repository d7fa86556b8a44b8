#include "cli/sendmail.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include <poll.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/text.hpp"
#include "cli/backend.hpp"
#include "cli/local_smtp.hpp"
#include "cli/output.hpp"
#include "sendmail/message.hpp"
#include "sendmail/options.hpp"

namespace postern::cli {
namespace {

int say(std::string_view text, int status)
{
    complain(text);
    return status;
}

int say(error const& e)
{
    return say(e.logged, e.code.klass == 4 ? EX_TEMPFAIL : e.code.subject == 1 ? EX_USAGE : EX_DATAERR);
}

struct caller {
    std::string name = "nobody", full_name;
};

/// Who runs this, and the full name that the system has of them.
caller who_calls()
{
    caller c;
    std::vector<char> room(1 << 14);
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwuid_r(::getuid(), &entry, room.data(), room.size(), &found) != 0 || found == nullptr) return c;
    c.name = entry.pw_name;
    std::string_view const gecos = entry.pw_gecos == nullptr ? "" : entry.pw_gecos;
    c.full_name = gecos.substr(0, gecos.find(','));
    return c;
}

/// All of standard input, or up to the dot.
result<std::string> read_message(bool dot_ends, std::size_t limit)
{
    sendmail::line_gatherer text{dot_ends, limit};
    std::array<char, 64 << 10> octets{};
    while (!text.ended() && !text.too_long()) {
        auto const n = ::read(STDIN_FILENO, octets.data(), octets.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return error{{4, 3, 0}, "", std::string{"can't read the message: "} + std::strerror(errno)};
        if (n == 0) break;
        text.add({octets.data(), static_cast<std::size_t>(n)});
    }
    text.finish();
    if (text.too_long())
        return error{{5, 3, 4},
                     "",
                     "the message is longer than " + std::to_string(limit >> 20) +
                         " MiB, which limits.message_size allows; nothing was sent"};
    return text.take();
}

/// What became of each; the caller is a program, so the status counts most.
int tell(std::vector<mail::recipient> const& to, std::vector<smtp::recipient_result> const& fates, bool verbose)
{
    int status = EX_OK;
    for (std::size_t i = 0; i < fates.size() && i < to.size(); ++i) {
        auto const& f = fates[i];
        auto const line = to[i].forward_path.to_string() + ": " + f.said.to_string();
        if (f.what == smtp::fate::accepted) {
            if (verbose) print_line(line);
            continue;
        }
        complain(line);
        if (f.what == smtp::fate::refused) {
            if (status != EX_TEMPFAIL) status = f.said.status.subject == 1 ? EX_NOUSER : EX_UNAVAILABLE;
        } else {
            status = EX_TEMPFAIL;
        }
    }
    return status;
}

int deliver(config::settings const& s, sendmail::options const& o)
{
    auto const me = who_calls();
    auto const& origin = s.sendmail.domain.empty() ? s.hostname : s.sendmail.domain;
    mail::envelope env;
    if (o.sender && o.sender->empty()) {
        env.reverse_path.null = true;
    } else {
        auto sender = sendmail::parse_address(o.sender.value_or(me.name), origin);
        if (!sender) return say(sender.error());
        env.reverse_path.address = std::move(*sender);
    }
    for (auto const& given : o.recipients) {
        auto to = sendmail::parse_address(given, origin);
        if (!to) return say(to.error());
        env.recipients.push_back({std::move(*to), o.notify, {}});
    }
    if (env.recipients.empty() && !o.from_header)
        return say("whom is it for? Give addresses, or -t to take those of the header", EX_USAGE);

    auto text = read_message(!o.dot_is_text, s.limits.message_size);
    if (!text) return say(text.error());
    sendmail::request asked;
    asked.origin = origin;
    // Of the null reverse-path, too, somebody is the author.
    asked.from = env.reverse_path.null ? "MAILER-DAEMON@" + origin : env.reverse_path.to_string();
    asked.full_name = !o.full_name.empty() ? o.full_name : o.sender ? std::string{} : me.full_name;
    asked.to_header = o.from_header;
    auto message = sendmail::prepare(std::move(*text), asked);
    if (!message) return say(message.error());
    for (auto& to : message->recipients) env.recipients.push_back({std::move(to), o.notify, {}});
    if (env.recipients.empty()) return say("the header names no recipient: To, Cc and Bcc are empty", EX_NOINPUT);
    env.ret = o.ret;
    env.envelope_id = o.envelope_id;
    if (message->eight_bit) env.body = mail::body_type::eight_bit_mime;
    env.smtputf8 = message->utf8_header;
    for (auto const& to : env.recipients) env.smtputf8 = env.smtputf8 || to.forward_path.needs_smtputf8();
    env.smtputf8 = env.smtputf8 || (!env.reverse_path.null && env.reverse_path.address.needs_smtputf8());

    auto server = connect_to_server(s.sendmail.socket.string());
    if (!server) return say(server.error());
    std::size_t taken = 0;
    auto const fates = submit(*server, s.hostname, env, message->content, message->utf8_header, taken);
    if (!fates) {
        if (taken != 0) complain(std::to_string(taken) + " recipients were taken before");
        return say(fates.error());
    }
    return tell(env.recipients, *fates, o.verbose);
}

/// -bs: whoever called speaks SMTP with the server, which knows who that is.
int talk(config::settings const& s)
{
    auto const server = connect_to_server(s.sendmail.socket.string());
    if (!server) return say(server.error());
    std::array<pollfd, 2> wait{{{STDIN_FILENO, POLLIN, 0}, {server->get(), POLLIN, 0}}};
    std::array<char, 64 << 10> octets{};
    for (;;) {
        // The server's own deadlines end what hangs.
        if (::poll(wait.data(), wait.size(), -1) < 0 && errno != EINTR) return EX_OSERR;
        if (wait[0].revents != 0) {
            auto const n = ::read(STDIN_FILENO, octets.data(), octets.size());
            if (n <= 0) {
                // Nothing more comes; what the server still says is passed on.
                wait[0].fd = -1;
                ::shutdown(server->get(), SHUT_WR);
            } else if (auto sent = control::write_all(server->get(), {octets.data(), static_cast<std::size_t>(n)},
                                                      steady_clock::now() + std::chrono::minutes{2});
                       !sent) {
                return say(sent.error().logged, EX_TEMPFAIL);
            }
        }
        if (wait[1].revents != 0) {
            auto const n = ::recv(server->get(), octets.data(), octets.size(), 0);
            if (n <= 0) return EX_OK;
            for (std::size_t at = 0; at < static_cast<std::size_t>(n);) {
                auto const written = ::write(STDOUT_FILENO, octets.data() + at, static_cast<std::size_t>(n) - at);
                if (written <= 0) return EX_IOERR;
                at += static_cast<std::size_t>(written);
            }
        }
    }
}

int run_sendmail(application const& app, std::string const& program, std::vector<std::string> const& arguments)
{
    auto const o = sendmail::parse_options(program, arguments);
    if (!o) return say(o.error().logged, EX_USAGE);
    // Addresses and aliases are Postern's accounts, always up to date.
    if (o->mode == sendmail::mode::new_aliases) return EX_OK;
    auto here = app;
    if (!o->configuration.empty()) here.config = o->configuration;
    if (o->mode == sendmail::mode::list_queue) return list_queue(here) == all_is_well ? EX_OK : EX_UNAVAILABLE;
    if (o->mode == sendmail::mode::run_queue) return retry_queue(here) == all_is_well ? EX_OK : EX_UNAVAILABLE;
    auto const s = load_settings(here);
    if (!s) return EX_CONFIG;
    return o->mode == sendmail::mode::talk_smtp ? talk(*s) : deliver(*s, *o);
}

}  // namespace

std::optional<int> run_as_sendmail(std::vector<std::string> const& words)
{
    if (words.empty()) return std::nullopt;
    std::string const program = std::filesystem::path{words[0]}.filename();
    application app;
    if (program == "sendmail" || program == "mailq" || program == "newaliases")
        return run_sendmail(app, program, {words.begin() + 1, words.end()});
    constexpr std::string_view config = "--config";
    std::size_t at = 1;
    if (at + 1 < words.size() && words[at] == config) {
        app.config = words[at + 1];
        at += 2;
    } else if (at < words.size() && words[at].starts_with(std::string{config} + "=")) {
        app.config = words[at].substr(config.size() + 1);
        ++at;
    }
    if (at >= words.size() || words[at] != "sendmail") return std::nullopt;
    // That is for the list of commands.
    if (at + 1 < words.size() && words[at + 1] == "--help") return std::nullopt;
    return run_sendmail(app, "sendmail", {words.begin() + static_cast<std::ptrdiff_t>(at) + 1, words.end()});
}

void add_sendmail(command commands, application& app)
{
    auto const c = commands.add_subcommand("sendmail", "Send a message as the classic sendmail program does");
    c.footer(
        "The message comes from standard input. -t: to whom the header says; -i: a line with a dot alone is text; "
        "-f ADDRESS: the sender; -F NAME: the sender's name; -bs: SMTP; -bp: the queue; -q: try again now; -N, -R, -V: "
        "delivery reports. ADDRESS ...: to whom.");
    // Without options and addresses there is nothing to send; with them run_as_sendmail() had it.
    c.does([&app] { return run_sendmail(app, "sendmail", {}); });
}

}  // namespace postern::cli
