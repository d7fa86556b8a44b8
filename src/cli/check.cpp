// postern check: finds out what is wrong with a mail account, from where the person sits
#include "cli/check.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "base/text.hpp"
#include "cli/application.hpp"
#include "cli/backend.hpp"
#include "cli/check_record.hpp"
#include "cli/output.hpp"
#include "diagnose/judge.hpp"
#include "setup/programs.hpp"

namespace postern::cli {
namespace {

int complain_about(error const& e)
{
    complain(e.logged);
    return call_was_wrong;
}

result<std::optional<endpoint>> name_server_of(check_options const& o)
{
    if (o.name_server.empty()) return std::optional<endpoint>{};
    if (auto const both = endpoint::parse(o.name_server)) return std::optional{*both};
    if (auto const address = ip_address::parse(o.name_server)) return std::optional{endpoint{*address, 53}};
    return error{{5, 5, 4}, "", "--dns takes the address of a name server, as in 192.0.2.1 or 192.0.2.1:53"};
}

providers::security security_of(diagnose::tls_way way)
{
    switch (way) {
        case diagnose::tls_way::clear: return providers::security::none;
        case diagnose::tls_way::starttls: return providers::security::starttls;
        case diagnose::tls_way::implicit: break;
    }
    return providers::security::implicit_tls;
}

/// How the person's program is set up for what works.
void add_program(diagnose::page& page, setup::program const& p, diagnose::observations const& seen)
{
    setup::values v;
    v.server = seen.person.host;
    if (auto const* const t = seen.talk()) {
        v.port = t->at.port;
        v.how = security_of(t->way);
    }
    v.address = seen.person.address.empty() ? seen.mine.from : seen.person.address;
    v.user =
        seen.is_in() ? seen.logins[*seen.logged_in].user : (seen.person.user.empty() ? v.address : seen.person.user);
    page.program = setup::instructions(p, v);
}

int list_programs()
{
    for (auto const& p : setup::all()) print_line(std::string{p.id} + "  " + std::string{p.name});
    return all_is_well;
}

/// Why a message waits, if the server of this machine has it.
std::string record_of(application const& app, std::string const& queue_id)
{
    boost::json::object arguments;
    arguments["id"] = queue_id;
    auto const told = ask(app, "why", arguments);
    if (!told || !told.value().is_object()) return {};
    std::string last;
    if (auto const* events = told.value().as_object().if_contains("events"); events != nullptr && events->is_array())
        for (auto const& e : events->as_array()) {
            auto const what = text_of(e, "event");
            if (what == "delivered") return {};
            if (what == "deferred" || what == "accepted") last = what + ": " + text_of(e, "reply");
        }
    return last;
}

int run(application const& app, check_options const& o)
{
    if (o.list_programs) return list_programs();
    if (o.who.empty()) {
        complain("whom? Give a mail address, a host, or HOST:PORT");
        return call_was_wrong;
    }
    setup::program const* program = nullptr;
    if (!o.program.empty() && (program = setup::find(o.program)) == nullptr) {
        complain("no mail program is known as \"" + printable(o.program, 100) + "\"; --list-clients lists them");
        return call_was_wrong;
    }
    auto plan = make_check_plan(o);
    if (!plan) return complain_about(plan.error());
    auto code = check_code_for(app, o);
    if (!code) return fail(code.error());
    plan->person.check_code = *code;
    auto const name_server = name_server_of(o);
    if (!name_server) return complain_about(name_server.error());
    auto tls = net::make_client_tls(o.authorities);
    if (!tls) return complain_about(tls.error());

    boost::asio::io_context context{1};
    dns::options names;
    names.limit = std::chrono::seconds{4};
    if (*name_server) names.servers = {**name_server};
    auto resolver = dns::make_resolver(context.get_executor(), names);
    if (!resolver) return complain_about(resolver.error());

    check_screen screen{o};
    diagnose::tools with;
    with.executor = context.get_executor();
    with.resolver = std::shared_ptr<dns::resolver>{std::move(*resolver)};
    with.tls = std::move(*tls);
    with.authorities = o.authorities;
    with.asks_system = o.name_server.empty();
    with.finished = [&screen](diagnose::step s, auto const& seen) { screen.show(s, seen); };
    with.may_send = [&screen, &context](auto const& from, auto const& to) {
        return screen.ask(context.get_executor(),
                          "Send a test mail from " + printable(from, 200) + " to " + printable(to, 200) + "?");
    };
    with.server_record = [&app](std::string const& id) { return record_of(app, id); };
    if (o.with_server) with.read_record = [&app, &code] { return record_at_server(app, *code); };
    diagnose::observations seen;
    bool ended = false;
    boost::asio::co_spawn(context, diagnose::examine(std::move(with), std::move(plan->person), std::move(plan->who)),
                          [&](std::exception_ptr failed, diagnose::observations all) {
                              if (failed) std::rethrow_exception(failed);
                              seen = std::move(all);
                              ended = true;
                              context.stop();
                          });
    context.run();
    if (!ended) return call_was_wrong;
    auto const verdict = diagnose::judge(seen);
    if (program != nullptr) add_program(screen.page(), *program, seen);
    if (o.json) {
        auto report = diagnose::to_json(seen, verdict);
        if (program != nullptr) {
            boost::json::array lines;
            for (auto const& line : screen.page().program) lines.emplace_back(line);
            report.as_object()["client"] = {{"id", program->id}, {"name", program->name}, {"steps", std::move(lines)}};
        }
        print_json(report);
    } else {
        screen.finish(seen, verdict);
    }
    return verdict.how == diagnose::outcome::failure ? problem_found : all_is_well;
}

void add_account_options(command c, check_options& o)
{
    c.add_option("--user", o.user,
                 "The login name; else the address. Its password is asked for, or given by an option");
    c.add_option("--user-form", o.user_form, "The login name is the whole address, or its local part")
        .type_name("address|local");
    auto const from_stdin =
        c.add_flag("--password-stdin", o.password.from_stdin, "The password: first line of standard input");
    auto const from_file =
        c.add_option("--password-file", o.password.file, "The password: first line of FILE").type_name("FILE");
    auto const token =
        c.add_option("--token-file", o.token_file, "An OAuth access token: first line of FILE").type_name("FILE");
    from_stdin.excludes(from_file).excludes(token);
    from_file.excludes(token);
    c.add_option("--mechanism", o.mechanism, "Log in by this one only. GSSAPI: with the Kerberos ticket that you have")
        .type_name("NAME");
    c.add_flag("--insecure-cleartext-password", o.insecure_clear, "Log in even without encryption");
    c.add_flag("--insecure-unverified-password", o.insecure_unverified,
               "Log in even where the certificate is wrong: whoever holds it may read the password");
}

void add_server_options(command c, check_options& o)
{
    c.add_option("--server", o.server, "The server, whatever was found").type_name("HOST[:PORT]");
    c.add_option("--port", o.port, "The port");
    c.add_option("--tls", o.tls, "auto, implicit (as on 465), starttls (as on 587), none").type_name("HOW");
    c.add_option("--ca", o.authorities, "Trust the authorities in this PEM file, not the system's").type_name("FILE");
    c.add_option("--dns", o.name_server, "Ask this name server, not the system's").type_name("ADDRESS[:PORT]");
    c.add_option("--control", o.control, "A mail server of yours elsewhere, to tell a blocked port from a closed one")
        .type_name("HOST");
    c.add_flag("--captive-portal", o.portal, "See whether the network wants a sign-in first (asks a web server)");
    c.add_option("--timeout", o.timeout, "Seconds for all but the arrival").between(1, 600);
}

void add_mail_options(command c, check_options& o)
{
    c.add_option("--from", o.from, "The sender of the test; else the address or the login name").type_name("ADDRESS");
    c.add_option("--to", o.to, "Its recipient; else the sender").type_name("ADDRESS");
    c.add_option("--outside", o.outside, "An address of somebody else: is mail to it taken? Nothing is sent there")
        .type_name("ADDRESS");
    c.add_flag("--send", o.send, "Send a test mail. On a terminal, else, you are asked");
    c.add_option("--imap", o.imap, "Look for it in the mailbox, over IMAP with TLS").type_name("HOST[:PORT]");
    c.add_option("--pop3", o.pop3, "... over POP3 with TLS").type_name("HOST[:PORT]");
    c.add_option("--maildir", o.maildir, "... in this Maildir").type_name("DIRECTORY");
    c.add_option("--wait", o.wait, "Seconds for the arrival").between(1, 3600);
}

}  // namespace

void add_check(command commands, application& app)
{
    auto o = std::make_shared<check_options>();
    auto const c = commands.add_subcommand("check", "Find out why mail can't be sent: a server, or a whole account");
    c.add_option("WHO", o->who, "A mail address, a host, or HOST:PORT");
    add_account_options(c, *o);
    add_server_options(c, *o);
    add_mail_options(c, *o);
    c.add_option("--client", o->program, "Say what to change in this mail program").type_name("NAME");
    c.add_flag("--list-clients", o->list_programs, "The mail programs that are known");
    auto const here = c.add_flag("--with-server", o->with_server,
                                 "On the server's machine: compare both ends, what left here and what reached it");
    c.add_option("--with-code", o->code, "The same from elsewhere, with a code that the server's operator made")
        .type_name("CODE")
        .excludes(here);
    c.add_flag("-v,--verbose", o->verbose, "Show all that was said");
    c.add_flag("--no-color", o->no_colour, "No colours; the same as NO_COLOR=1");
    c.add_flag("--json", o->json, "For programs: one object with all of it");
    c.footer("Exit status: 0 all is well, or only warnings; 1 something does not work; 2 the call was wrong.");
    c.does([&app, o] { return run(app, *o); });
}

}  // namespace postern::cli
