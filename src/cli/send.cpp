#include "cli/send.hpp"

#include <algorithm>

#include "base/numbers.hpp"
#include "base/text.hpp"
#include "base/whole_file.hpp"
#include "cli/application.hpp"
#include "cli/output.hpp"
#include "cli/password.hpp"
#include "cli/this_terminal.hpp"
#include "mail/mime_message.hpp"

namespace postern::cli {
namespace {

error wrong(std::string text) { return {{5, 5, 4}, "", std::move(text)}; }

result<client::tls_mode> parse_tls(std::string const& text)
{
    if (text.empty() || text == "auto") return client::tls_mode::automatic;
    if (text == "implicit") return client::tls_mode::implicit;
    if (text == "starttls") return client::tls_mode::starttls;
    if (text == "none") return client::tls_mode::none;
    return wrong("--tls takes auto, implicit, starttls or none");
}

/// HOST, HOST:PORT, an address, [ADDRESS]:PORT.
result<std::vector<client::route>> parse_server(std::string const& text, client::tls_mode tls, bool with_login)
{
    if (ip_address::parse(text)) return client::usual_routes(text, tls, with_login);
    if (auto const place = endpoint::parse(text))
        return std::vector<client::route>{{place->address.to_string(), place->port, tls}};
    auto const colon = text.rfind(':');
    auto const host = text.substr(0, colon);
    if (host.empty() || host.find_first_of(":/@[] ") != std::string::npos || !mail::parse_domain(host))
        return wrong("\"" + printable(text, 200) + "\" is no server: it has to look like mail.example.com:587");
    if (colon == std::string::npos) return client::usual_routes(host, tls, with_login);
    auto const port = parse_number<std::uint16_t>(std::string_view{text}.substr(colon + 1));
    if (!port || *port == 0) return wrong("\"" + printable(text.substr(colon + 1), 20) + "\" is no port");
    return std::vector<client::route>{{host, *port, tls}};
}

/// Where the sender's provider wants mail to be sent.
result<std::vector<client::route>> routes_of_sender(send_options const& o)
{
    auto const from = mail::parse_named_mailbox(o.from.empty() ? o.user : o.from);
    if (!from) return wrong("which server? Give --server HOST[:PORT], or --from ADDRESS, whose domain may say it");
    if (!o.tls.empty()) return wrong("--tls goes with --server: what is found says how it is encrypted");
    return find_routes(from->address.to_string(), o.quiet || o.json);
}

result<client::identity> read_identity(send_options const& o)
{
    client::identity who;
    who.user = o.user;
    who.authzid = o.authzid;
    for (auto const& m : o.mechanisms) who.mechanisms.push_back(to_upper(m));
    // Elsewhere the certificate is only shown.
    who.certificate = !o.certificate.empty() && who.allows("EXTERNAL");
    if (o.token_file) {
        auto token = read_secret_line(*o.token_file);
        if (!token) return std::move(token).error();
        who.token = std::move(*token);
        if (who.user.empty()) return wrong("--token-file needs --user: whose token it is");
        return who;
    }
    // A certificate and a ticket need no password.
    bool const without =
        std::ranges::all_of(who.mechanisms, [](auto const& m) { return m == "EXTERNAL" || m == sasl::gssapi; });
    bool const has_password = o.password_stdin || o.password_file;
    if (!has_password && ((without && !who.mechanisms.empty()) || who.user.empty())) return who;
    if (who.user.empty()) return wrong("there is a password, but no --user whose it is");
    password_source from;
    from.from_stdin = o.password_stdin;
    from.file = o.password_file;
    auto password = read_present_password(from, "Password of " + printable(who.user, 100) + ": ");
    if (!password) return wrong(password.error().text);
    who.password = std::move(*password);
    return who;
}

result<send_plan> make_plan(send_options& o)
{
    if (auto read = read_send_settings(o); !read) return std::move(read).error();
    send_plan p;
    auto const tls = parse_tls(o.tls);
    if (!tls) return tls.error();
    bool const with_login = !o.user.empty() || !o.mechanisms.empty();
    auto routes = o.server.empty() ? routes_of_sender(o) : parse_server(o.server, *tls, with_login);
    if (!routes) return std::move(routes).error();
    p.how.routes = std::move(*routes);
    auto who = read_identity(o);
    if (!who) return std::move(who).error();
    p.how.who = std::move(*who);
    p.how.trusts.authorities = o.authorities;
    if (o.certificate.empty() != o.key.empty()) return wrong("--certificate and --key go together");
    p.how.trusts.own = {o.certificate, o.key};
    p.how.trusts.unverified = o.no_verify || o.insecure_unverified;
    p.how.trusts.password_to_unverified = o.insecure_unverified;
    p.how.trusts.password_in_clear = o.insecure_clear;
    if (!o.hello.empty() && !client::is_hello_name(o.hello))
        return wrong("\"" + printable(o.hello, 100) + "\" is no name for EHLO: it has to be one word");
    p.how.hello = o.hello;
    p.how.patience = std::chrono::seconds{o.timeout.value_or(30)};
    p.how.content_patience = std::max<steady_clock::duration>(p.how.patience, std::chrono::minutes{10});
    p.how.pipelining = !o.no_pipelining;
    p.how.chunking = o.chunking;
    p.repeat = o.repeat;
    p.connections = o.connections;
    auto context = net::make_client_tls(o.authorities, p.how.trusts.own);
    if (!context) return std::move(context).error();
    p.tls = std::move(*context);
    auto mail = prepare_mail(o);
    if (!mail) return std::move(mail).error();
    p.mail = std::move(*mail);
    return p;
}

int run(send_options& o)
{
    auto const plan = make_plan(o);
    if (!plan) {
        complain(plan.error().logged);
        return call_was_wrong;
    }
    auto const paint = paint_for_this_terminal();
    if (plan->repeat > 1) {
        auto const r = send_many(*plan, progress_bar(plan->repeat, !o.quiet && !o.json));
        if (o.json) {
            print_as_json(r);
        } else if (!o.quiet || r.failed != 0) {
            show(r, paint);
        }
        return exit_status(r);
    }
    std::function<void(client::transcript_line const&)> watcher;
    if (!o.quiet && !o.json) watcher = [&paint](auto const& line) { print_line(shown(line, paint)); };
    auto const r = send_once(*plan, std::move(watcher));
    if (o.json) {
        print_as_json(r);
    } else {
        show(r, o.quiet, paint);
    }
    return exit_status(r);
}

void add_message_options(command c, send_options& o)
{
    c.add_option("--from", o.from, "The sender, also \"Anna <anna@example.com>\"; else --user").type_name("ADDRESS");
    c.add_option("--to", o.to, "To whom; several with commas, or again").type_name("ADDRESS");
    c.add_option("--cc", o.cc, "A copy, which all see").type_name("ADDRESS");
    c.add_option("--bcc", o.bcc, "A copy, which nobody else sees").type_name("ADDRESS");
    c.add_option("--subject", o.subject, "The subject").type_name("TEXT");
    c.add_option("--body", o.body, "The text").type_name("TEXT");
    c.add_option("--body-file", o.body_file, "The text is in FILE; -: on standard input").type_name("FILE");
    c.add_option("--charset", o.charset, "Of the text; else ASCII or UTF-8, as it is").type_name("NAME");
    c.add_option("--attach", o.attachments, "Attach FILE; again for more").type_name("FILE");
    c.add_option("--header", o.fields, "One more header field, \"Name: value\"; again for more").type_name("FIELD");
    c.add_option("--message", o.message_file, "A whole message, header and all; -: on standard input")
        .type_name("FILE");
}

void add_server_options(command c, send_options& o)
{
    c.add_option("--server", o.server,
                 "The server; without a port 465 and 587, or 25 without --user. Else found from --from")
        .type_name("HOST[:PORT]");
    c.add_option("--settings", o.settings, "What no option says is in this TOML file").type_name("FILE");
    c.add_option("--tls", o.tls, "auto, implicit (as on 465), starttls (as on 587), none").type_name("HOW");
    c.add_option("--ca", o.authorities, "Trust the authorities in this PEM file, not the system's").type_name("FILE");
    c.add_option("--certificate", o.certificate, "Our certificate, PEM").type_name("FILE");
    c.add_option("--key", o.key, "Its private key, PEM").type_name("FILE");
    c.add_flag("--no-verify", o.no_verify, "Go on when the server's certificate is wrong; no password is sent then");
    c.add_option("--hello", o.hello, "Our name for EHLO").type_name("NAME");
    c.add_option("--timeout", o.timeout, "Seconds that a reply may take").between(1, 3600);
}

void add_login_options(command c, send_options& o)
{
    c.add_option("--user", o.user, "The login name, often the whole address").type_name("NAME");
    auto const from_stdin =
        c.add_flag("--password-stdin", o.password_stdin, "The password: first line of standard input");
    auto const from_file =
        c.add_option("--password-file", o.password_file, "The password: first line of FILE").type_name("FILE");
    auto const token =
        c.add_option("--token-file", o.token_file, "An OAuth access token: first line of FILE").type_name("FILE");
    from_stdin.excludes(from_file).excludes(token);
    from_file.excludes(token);
    c.add_option("--mechanism", o.mechanisms,
                 "Log in by this one only; again for more. GSSAPI: with the Kerberos ticket that you have")
        .type_name("NAME");
    c.add_option("--authzid", o.authzid, "Act for this user (SASL authorisation identity)").type_name("NAME");
    c.add_flag("--insecure-cleartext-password", o.insecure_clear, "Log in even without encryption");
    c.add_flag("--insecure-unverified-password", o.insecure_unverified,
               "Log in even where the certificate is wrong: whoever holds it may read the password");
}

void add_protocol_options(command c, send_options& o)
{
    c.add_option("--notify", o.notify, "Delivery reports: never, or a list of success, failure, delay")
        .type_name("WHEN");
    c.add_option("--ret", o.ret, "What reports contain: full or headers").type_name("WHAT");
    c.add_option("--envid", o.envelope_id, "The envelope's id in reports").type_name("ID");
    c.add_option("--orcpt", o.original_recipient, "The original recipient for reports").type_name("ADDRESS");
    c.add_flag("--smtputf8", o.smtputf8, "Header in UTF-8, with SMTPUTF8");
    c.add_flag("--chunking", o.chunking, "BDAT in place of DATA, where it is offered");
    c.add_flag("--require-tls", o.require_tls, "TLS all the way, or not at all (REQUIRETLS)");
    c.add_flag("--no-pipelining", o.no_pipelining, "Wait for the reply to each command");
    c.add_option("--repeat", o.repeat, "Send it so many times").between(1, 1'000'000);
    c.add_option("--connections", o.connections, "With --repeat: over so many connections at once").between(1, 1000);
    c.add_flag("--quiet", o.quiet, "Say nothing when all is well");
    c.add_flag("--json", o.json, "For programs: one object with all of it");
}

}  // namespace

void add_send(command commands)
{
    auto o = std::make_shared<send_options>();
    auto const c = commands.add_subcommand("send", "Send a mail as a mail program does, and show the dialogue");
    add_message_options(c, *o);
    add_server_options(c, *o);
    add_login_options(c, *o);
    add_protocol_options(c, *o);
    c.footer(
        "Exit status: 0 sent; 1 not sent, or not to all; 2 the call was wrong. --json says whether it may work later.");
    c.does([o] { return run(*o); });
}

}  // namespace postern::cli
