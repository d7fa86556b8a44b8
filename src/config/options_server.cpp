// The options of the server itself: who it is, where it listens, TLS, limits, the log.
#include "config/login_option_values.hpp"
#include "config/option_tables.hpp"
#include "config/option_values.hpp"

namespace postern::config {
namespace {

using namespace types;

// clang-format off
constexpr option table[] = {
    setting<checked<host_name, false>, [](auto& s) -> auto& { return s.hostname; }>(
        "hostname", reload,
        "The name of this server: in its greeting, in EHLO to other servers and in Received fields. "
        "It should be the machine's full name in the DNS, and the address's PTR record should lead "
        "back to it. Default: the machine's name.",
        "\"mail.example.com\""),
    setting<path, [](auto& s) -> auto& { return s.data_dir; }>(
        "data_dir", restart,
        "The folder of the queue, the accounts, the history and the self-signed certificate. Whoever "
        "can read it can read mail."),
    setting<number<0, 1024>, [](auto& s) -> auto& { return s.threads; }>(
        "threads", restart,
        "Threads that serve connections. 0: one for each processor core."),
    setting<checked<user_name, true>, [](auto& s) -> auto& { return s.user; }>(
        "user", restart,
        "Whom to become when started as root. \"\": stay who we are."),
    setting<path, [](auto& s) -> auto& { return s.tls.certificate; }>(
        "tls.certificate", reload,
        "PEM file with the certificate and, behind it, its chain. \"\": a self-signed certificate is "
        "made in data_dir, which mail programs warn about.",
        "\"/etc/postern/fullchain.pem\""),
    setting<path, [](auto& s) -> auto& { return s.tls.private_key; }>(
        "tls.private_key", reload,
        "PEM file with the certificate's private key. The user that the server becomes has to be able "
        "to read it, too, or a reload can't.",
        "\"/etc/postern/privkey.pem\""),
    setting<choice<tls_version_words>, [](auto& s) -> auto& { return s.tls.minimum; }>(
        "tls.minimum", reload,
        "The oldest version of TLS that is spoken with clients."),
    setting<list<domain_item>, [](auto& s) -> auto& { return s.domains.local; }>(
        "domains.local", reload,
        "Domains whose mail ends here, besides those of `postern domain add`.",
        "[\"example.com\"]"),
    setting<list<network_item>, [](auto& s) -> auto& { return s.relay.networks; }>(
        "relay.networks", reload,
        "Clients that may send to anybody without logging in, as exact addresses or networks. Keep it"
        " as small as can be: a network that others can reach you through makes an open relay.",
        "[\"192.0.2.17\", \"2001:db8:1::/64\"]"),
    setting<boolean, [](auto& s) -> auto& { return s.relay.local_without_auth; }>(
        "relay.local_without_auth", reload,
        "Whether strangers may write to local recipients on listeners with role \"mx\", as a server "
        "that receives mail must allow. On listeners with role \"submission\" they never may."),
    setting<size<kib, tib>, [](auto& s) -> auto& { return s.limits.message_size; }>(
        "limits.message_size", reload,
        "The largest message that is taken, as announced with SIZE. Attachments grow by a third on "
        "their way."),
    setting<number<1, 1000000>, [](auto& s) -> auto& { return s.limits.recipients; }>(
        "limits.recipients", reload,
        "Recipients of one message."),
    setting<number<1, 1000000>, [](auto& s) -> auto& { return s.limits.connections; }>(
        "limits.connections", reload,
        "Connections at one time."),
    setting<number<1, 1000000>, [](auto& s) -> auto& { return s.limits.connections_per_address; }>(
        "limits.connections_per_address", reload,
        "Connections at one time from one client address."),
    setting<number<1, 100000>, [](auto& s) -> auto& { return s.limits.errors; }>(
        "limits.errors", reload,
        "Refused commands after which a connection is closed."),
    setting<number<5, 10000>, [](auto& s) -> auto& { return s.limits.hops; }>(
        "limits.hops", reload,
        "Received fields in a message, from which on it counts as going round in circles."),
    setting<size<kib, 64 * mib>, [](auto& s) -> auto& { return s.limits.header_size; }>(
        "limits.header_size", reload,
        "The largest header section of a message."),
    setting<size<0, tib>, [](auto& s) -> auto& { return s.limits.free_space; }>(
        "limits.free_space", restart,
        "Room that has to be left on the disk of data_dir. Below it mail is put off with 452, and "
        "taken again by itself later."),
    setting<duration<second, day>, [](auto& s) -> auto& { return s.timeouts.command; }>(
        "timeouts.command", reload,
        "How long to wait for a command."),
    setting<duration<second, day>, [](auto& s) -> auto& { return s.timeouts.before_login; }>(
        "timeouts.before_login", reload,
        "The same on listeners with role \"submission\", until the client has logged in."),
    setting<duration<second, day>, [](auto& s) -> auto& { return s.timeouts.data; }>(
        "timeouts.data", reload,
        "How long to wait between two pieces of a message."),
    setting<duration<second, hour>, [](auto& s) -> auto& { return s.timeouts.handshake; }>(
        "timeouts.handshake", reload,
        "How long a TLS handshake may take."),
    setting<duration<second, 30 * day>, [](auto& s) -> auto& { return s.timeouts.session; }>(
        "timeouts.session", reload,
        "How long a connection may last in all."),
    setting<duration<0, minute>, [](auto& s) -> auto& { return s.timeouts.tls_peek; }>(
        "timeouts.tls_peek", reload,
        "Listeners with tls = \"starttls\" and role \"submission\" wait this long before their "
        "greeting and look whether the client begins with TLS; if so, it simply gets TLS. \"0s\": "
        "don't look."),
    setting<duration<second, hour>, [](auto& s) -> auto& { return s.timeouts.tls_hint; }>(
        "timeouts.tls_hint", reload,
        "On listeners with tls = \"implicit\": when the client has sent nothing for so long, it is "
        "told in the clear that this port wants TLS."),
    setting<duration<0, hour>, [](auto& s) -> auto& { return s.timeouts.drain; }>(
        "timeouts.drain", reload,
        "How long running transactions may go on after SIGTERM."),
    setting<checked<host_and_port, true>, [](auto& s) -> auto& { return s.metrics.address; }>(
        "metrics.address", restart,
        "Where numbers for Prometheus are served, over plain HTTP at /metrics: an address of this machine. "
        "\"\": nowhere. docs/operations.md says what there is.",
        "\"127.0.0.1:9154\""),
    setting<boolean, [](auto& s) -> auto& { return s.metrics.beyond_this_machine; }>(
        "metrics.beyond_this_machine", restart,
        "Allows an address that others can reach, too. Everybody there may then read the numbers; there is no login."),
    setting<choice<log_format_words>, [](auto& s) -> auto& { return s.log.format; }>(
        "log.format", reload,
        "Lines for people, or a JSON object on each line."),
    setting<choice<log_level_words>, [](auto& s) -> auto& { return s.log.level; }>(
        "log.level", reload,
        "What goes to standard error; the history in data_dir gets all but \"debug\"."),
    setting<size<64 * kib, tib>, [](auto& s) -> auto& { return s.log.history_size; }>(
        "log.history_size", reload,
        "Room for the history that `postern why` reads; the oldest goes first."),
};

constexpr basic_option<listener> listener_table[] = {
    entry<listener, checked<listen_address, false>, [](auto& l) -> auto& { return l.address; }>(
        "address", restart,
        "`127.0.0.1:587`, `[::1]:587`, or `:587` and `[::]:587` for every address of both families. Port 0 is any free one.",
        {}, first_version),
    entry<listener, choice<role_words>, [](auto& l) -> auto& { return l.role; }>(
        "role", restart,
        "`submission`: for people with an account, who have to log in (587, 465). `mx`: for other servers' mail to the "
        "local domains (25); people with an account may log in there as well.",
        {}, first_version),
    entry<listener, choice<tls_words>, [](auto& l) -> auto& { return l.tls; }>(
        "tls", restart,
        "`starttls`: begins in the clear and is upgraded. `implicit`: TLS from the first octet. `none`: no TLS at all.",
        {}, first_version),
    entry<listener, list<network_item>, [](auto& l) -> auto& { return l.proxy_networks; }>(
        "proxy_networks", restart,
        "Networks of proxies in front of this listener. Connections from them have to begin with a PROXY protocol header "
        "(version 1 or 2), which names the real client; from elsewhere a header is never taken, and others connect "
        "as themselves.",
        "[\"192.0.2.5\"]", first_version),
    entry<listener, list<mechanism_item>, [](auto& l) -> auto& { return l.mechanisms; }>(
        "mechanisms", restart,
        "The ways of logging in on this listener, in place of `auth.mechanisms`. `[]`: those.",
        "[\"SCRAM-SHA-1\", \"PLAIN\", \"LOGIN\"]", first_version),
    entry<listener, boolean, [](auto& l) -> auto& { return l.auth_equals; }>(
        "auth_equals", restart,
        "EHLO shows the mechanisms a second time as `AUTH=LOGIN ...`, the form from before the standard. Outlook "
        "Express and Outlook 98 to 2003 look for it; for everybody else it is no keyword.",
        "true", first_version),
    entry<listener, boolean, [](auto& l) -> auto& { return l.client_certificates; }>(
        "client_certificates", restart,
        "Clients are asked for a certificate, for the mechanism EXTERNAL. Those without one are served all the same. "
        "Some mail programs ask their user when a server asks them.",
        "true", first_version),
};

constexpr basic_option<certificate> certificate_table[] = {
    entry<certificate, path, [](auto& c) -> auto& { return c.chain; }>(
        "certificate", reload, "PEM file with a further certificate and its chain.", {}, first_version),
    entry<certificate, path, [](auto& c) -> auto& { return c.private_key; }>(
        "private_key", reload, "PEM file with its private key.", {}, first_version),
};

constexpr basic_option<sending_limit> sending_table[] = {
    entry<sending_limit, choice<limit_scope_words>, [](auto& l) -> auto& { return l.per; }>(
        "per", reload,
        "What is counted: the mail of each account, of each app password, of all accounts of a domain, or of each "
        "client address (IPv6: /64).",
        {}, first_version),
    entry<sending_limit, text, [](auto& l) -> auto& { return l.match; }>(
        "match", reload,
        "Whom it is for: an account (`ann@example.com`), the accounts of a domain (`@example.com`), with per = "
        "\"app_password\" those or one of them (`ann@example.com#7`), with per = \"domain\" a domain, with per = \"network\" a network. \"\": all who have no row of their own.",
        "\"ann@example.com\"", first_version),
    entry<sending_limit, number<0, 1'000'000'000>, [](auto& l) -> auto& { return l.messages_per_hour; }>(
        "messages_per_hour", reload, "Messages in an hour that begins with the first one. 0: no limit.", {},
        first_version),
    entry<sending_limit, number<0, 1'000'000'000>, [](auto& l) -> auto& { return l.messages_per_day; }>(
        "messages_per_day", reload, "The same for 24 hours.", {}, first_version),
    entry<sending_limit, number<0, 1'000'000'000>, [](auto& l) -> auto& { return l.recipients_per_hour; }>(
        "recipients_per_hour", reload, "Recipients of all messages in an hour. 0: no limit.", {}, first_version),
    entry<sending_limit, number<0, 1'000'000'000>, [](auto& l) -> auto& { return l.recipients_per_day; }>(
        "recipients_per_day", reload, "The same for 24 hours.", {}, first_version),
    entry<sending_limit, number<0, 1'000'000'000>, [](auto& l) -> auto& { return l.new_recipients_per_day; }>(
        "new_recipients_per_day", reload,
        "Recipients in 24 hours to whom the account has never sent before. 0: no limit.", {}, first_version),
};
// clang-format on

}  // namespace

std::span<option const> server_table() { return table; }
std::span<basic_option<listener> const> listener_options() { return listener_table; }
std::span<basic_option<certificate> const> certificate_options() { return certificate_table; }
std::span<basic_option<sending_limit> const> sending_options() { return sending_table; }

}  // namespace postern::config
