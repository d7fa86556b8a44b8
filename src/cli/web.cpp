// postern web: the process that serves the pages. `serve` starts it by itself (cli/web_keeper.hpp); it also runs as a
// service of its own. It has no password, no key of the mail ports and no message: it asks the mail process.
#include <algorithm>
#include <csignal>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "base/log.hpp"
#include "cli/application.hpp"
#include "cli/backend.hpp"
#include "cli/log_options.hpp"
#include "cli/output.hpp"
#include "cli/privileges.hpp"
#include "cli/supervisor.hpp"
#include "cli/web_keeper.hpp"
#include "cli/web_sockets.hpp"
#include "control/commands.hpp"
#include "control/web_door.hpp"
#include "web/certificates.hpp"
#include "web/server.hpp"
#include "web/site.hpp"

namespace postern::cli {
namespace {

/// What we may read ourselves.
std::optional<net::certificate_files> own_certificate(std::string const& chain, std::string const& key)
{
    if (chain.empty() || ::access(key.c_str(), R_OK) != 0) return std::nullopt;
    return net::certificate_files{chain, key};
}

unsigned thread_count() { return std::min(web_sockets_each, std::max(1u, std::thread::hardware_concurrency())); }

/// What of the settings concerns this process: it need not be able to read them.
struct plan {
    web_sockets sockets;
    std::string mail_socket;
    web::certificate_options certificates;
    std::string user;  // whom to become, as root
};

std::optional<plan> plan_of_keeper(web_arguments const& o)
{
    plan p;
    p.sockets = inherited_web_sockets();
    p.mail_socket = o.socket;
    p.certificates.https_port = o.https_port;
    p.certificates.own = own_certificate(o.certificate, o.private_key);
    return p;
}

std::optional<plan> plan_of_settings(application const& app, web_arguments& o)
{
    auto const s = load_settings(app);
    if (!s) return std::nullopt;
    o.log_format = s->log.format;
    o.log_level = s->log.level;
    plan p;
    p.user = s->web.user.empty() ? s->user : s->web.user;
    p.sockets = inherited_web_sockets();
    if (p.sockets.https.empty() && p.sockets.http.empty()) {
        auto bound = bind_web_sockets(*s);
        if (!bound) {
            complain(bound.error().logged);
            return std::nullopt;
        }
        p.sockets = std::move(*bound);
    }
    p.mail_socket = control::web_socket_path(*s).string();
    p.certificates.https_port = https_port_of(*s);
    // Where there are certificates of ACME besides, the mail process has all of them.
    if (s->acme.directory.empty())
        p.certificates.own = own_certificate(s->web.certificate.string(), s->web.private_key.string());
    return p;
}

void log_listening(std::vector<net::socket_handle> const& sockets, char const* role)
{
    std::string last;
    for (auto const& socket : sockets) {
        auto address = net::bound_address(socket.get());
        if (address != last) log::event(log::level::info, "web_listening", {{"address", address}, {"role", role}});
        last = std::move(address);
    }
}

/// For the process that may have to be the keeper one day.
web_sockets copy_of(web_sockets const& sockets)
{
    web_sockets out;
    for (auto const& s : sockets.https) out.https.emplace_back(::fcntl(s.get(), F_DUPFD_CLOEXEC, 0));
    for (auto const& s : sockets.http) out.http.emplace_back(::fcntl(s.get(), F_DUPFD_CLOEXEC, 0));
    return out;
}

int serve_pages(application const& app, web_arguments o)
{
    std::signal(SIGPIPE, SIG_IGN);
    sigset_t wanted;
    sigemptyset(&wanted);
    for (int const s : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&wanted, s);
    if (o.tie >= 0) sigaddset(&wanted, keeper_is_gone);
    ::pthread_sigmask(SIG_BLOCK, &wanted, nullptr);

    auto p = o.socket.empty() ? plan_of_settings(app, o) : plan_of_keeper(o);
    if (!p) return call_was_wrong;
    if (p->sockets.https.empty()) {
        complain("there is no address to serve at: set web.address");
        return call_was_wrong;
    }
    if (auto dropped = drop_privileges(p->user); !dropped) return fail(control::to_failure(dropped.error()));
    log::start(log_options_of(o.log_format, o.log_level));
    log_listening(p->sockets.https, "https");
    log_listening(p->sockets.http, "http");
    auto const kept = o.tie >= 0 ? copy_of(p->sockets) : web_sockets{};
    auto const table = web::make_site();
    web::server_options how;
    how.https = std::move(p->sockets.https);
    how.http = std::move(p->sockets.http);
    how.mail_socket = std::move(p->mail_socket);
    how.threads = thread_count();
    auto pages = web::make_server(table, std::move(how));
    pages->run([pages = pages.get(), certificates = p->certificates](web::server_link& mail) {
        return web::keep_certificates(pages, certificates, &mail);
    });
    notify_ready("Serves the pages");

    int number = 0;
    for (;;) {
        if (::sigwait(&wanted, &number) != 0) continue;
        // Certificates are looked at all the time; there is nothing else to read again.
        if (number != SIGHUP) break;
    }
    notify_stopping();
    pages->drain();
    log::event(log::level::info, "web_stopped");
    if (number == keeper_is_gone) {
        pages.reset();
        keep_web(o, kept);
    }
    log::stop();
    return all_is_well;
}

}  // namespace

void add_web(command commands, application& app)
{
    auto o = std::make_shared<web_arguments>();
    auto const c = commands.add_subcommand("web", "Serve the web pages; `serve` starts it by itself");
    c.add_option("--socket", o->socket, "The mail process's web socket; then no configuration is read").hidden();
    c.add_option("--log-format", o->log_format).hidden();
    c.add_option("--log-level", o->log_level).hidden();
    c.add_option("--https-port", o->https_port).hidden();
    c.add_option("--certificate", o->certificate).hidden();
    c.add_option("--private-key", o->private_key).hidden();
    c.add_option("--tie", o->tie).hidden();
    c.does([&app, o] { return serve_pages(app, *o); });
}

}  // namespace postern::cli
