// The table of all options. One entry is all there is to declare for a new one: its
// default is what the member in settings.hpp begins with.
#include "config/option_values.hpp"

namespace postern::config {
namespace {

using namespace types;

constexpr bool reload = true;
constexpr bool restart = false;
constexpr std::string_view first_version = "0.1.0";

constexpr std::int64_t second = 1000;
constexpr std::int64_t minute = 60 * second;
constexpr std::int64_t hour = 60 * minute;
constexpr std::int64_t day = 24 * hour;
constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t mib = 1024 * kib;
constexpr std::uint64_t tib = mib * mib;

// Type reads and writes what Get finds in an S.
template <class S, class Type, auto Get>
constexpr basic_option<S> entry(std::string_view name, bool taken_up, std::string_view doc, std::string_view example,
                                std::string_view since)
{
    return {name,
            Type::name,
            example,
            taken_up,
            since,
            doc,
            [](S& s, node const& n, reader& r) { Type::read(Get(s), n, r); },
            [](S const& s) { return Type::write(Get(s)); }};
}

template <class Type, auto Get>
constexpr option setting(std::string_view name, bool taken_up, std::string_view doc, std::string_view example = {},
                         std::string_view since = first_version)
{
    return entry<settings, Type, Get>(name, taken_up, doc, example, since);
}

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
    setting<list<mechanism_item>, [](auto& s) -> auto& { return s.auth.mechanisms; }>(
        "auth.mechanisms", reload,
        "The ways of logging in that are offered. SCRAM-SHA-256-PLUS binds the login to the TLS "
        "connection; it is left out by default since some programs choose it and fail (mutt of Debian"
        " 12)."),
    setting<boolean, [](auto& s) -> auto& { return s.auth.require_tls; }>(
        "auth.require_tls", reload,
        "Log-ins are neither offered nor taken on a connection without TLS."),
    setting<list<network_item>, [](auto& s) -> auto& { return s.auth.plaintext_networks; }>(
        "auth.plaintext_networks", reload,
        "Networks whose clients may log in without TLS, such as one old printer. Everybody on the way"
        " can then read its password.",
        "[\"192.0.2.17\"]"),
    setting<number<0, 1024>, [](auto& s) -> auto& { return s.auth.hash_threads; }>(
        "auth.hash_threads", restart,
        "Threads that check password hashes. 0: one for each processor core."),
    setting<number<1, 1000000>, [](auto& s) -> auto& { return s.auth.hash_queue; }>(
        "auth.hash_queue", restart,
        "Log-ins that may wait for such a thread. When more come, they get 454 and try again later."),
    setting<duration<0, day>, [](auto& s) -> auto& { return s.auth.cache_life; }>(
        "auth.cache_life", restart,
        "How long a password that was right is remembered (as a keyed hash in memory), so that a "
        "client that logs in for each mail costs little. A changed password is forgotten at once. "
        "\"0s\": not at all."),
    setting<number<1, 1000>, [](auto& s) -> auto& { return s.auth.failures; }>(
        "auth.failures", reload,
        "Failed log-ins after which a connection is closed."),
    setting<duration<0, minute>, [](auto& s) -> auto& { return s.auth.failure_delay; }>(
        "auth.failure_delay", reload,
        "How long a failed login waits for its answer."),
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
    setting<checked<local_delivery, false>, [](auto& s) -> auto& { return s.delivery.local; }>(
        "delivery.local", reload,
        "Where mail for local recipients goes: `maildir:PATH` (%d is the domain, %n the part before "
        "the @, %u both), `lmtp:HOST:PORT`, `lmtp:unix:PATH` or `smtp:HOST:PORT`."),
    setting<checked<host_and_port, true>, [](auto& s) -> auto& { return s.delivery.smart_host; }>(
        "delivery.smart_host", reload,
        "The server that takes all mail for other domains, as host:port. \"\": mail goes to each "
        "domain's own servers (MX).",
        "\"smtp.example.net:25\""),
    setting<list<wait_item>, [](auto& s) -> auto& { return s.delivery.retry; }>(
        "delivery.retry", reload,
        "How long to wait between the attempts to deliver a message; the last one repeats."),
    setting<duration<minute, 30 * day>, [](auto& s) -> auto& { return s.delivery.give_up_after; }>(
        "delivery.give_up_after", reload,
        "How long to try before the message goes back to its sender with a report."),
    setting<duration<0, 30 * day>, [](auto& s) -> auto& { return s.delivery.delay_notice_after; }>(
        "delivery.delay_notice_after", reload,
        "After how long the sender is told, once, that a message is still waiting, unless the sender "
        "asked for no such notice (NOTIFY). Mail that came neither with a login nor from "
        "`relay.networks` gets a notice only if it asks for one: its sender may be forged. 0: never. "
        "When a reload changes it, mail that waits already and is next tried after the new time gets "
        "no notice, and mail that had one may get a second if the time is longer."),
    setting<number<1, 10000>, [](auto& s) -> auto& { return s.delivery.connections_per_host; }>(
        "delivery.connections_per_host", reload,
        "Connections at one time to one other server: one port of an address (IPv6: of a /64), "
        "whichever domains' mail they carry."),
    setting<number<1, 100000>, [](auto& s) -> auto& { return s.delivery.concurrency; }>(
        "delivery.concurrency", reload,
        "Deliveries at one time. Half of them at most go to domains whose servers have not taken a "
        "message lately, or failed the last time."),
    setting<boolean, [](auto& s) -> auto& { return s.delivery.require_tls; }>(
        "delivery.require_tls", reload,
        "Never talk to the smart host without TLS."),
    setting<boolean, [](auto& s) -> auto& { return s.submission.hide_client_address; }>(
        "submission.hide_client_address", reload,
        "Leave the address of clients that have logged in out of the Received field."),
    setting<delimiter, [](auto& s) -> auto& { return s.submission.recipient_delimiter; }>(
        "submission.recipient_delimiter", reload,
        "What parts a local address from a detail that its owner made up: mail to "
        "anna+shop@example.com is for anna@example.com. \"\": nothing."),
    setting<boolean, [](auto& s) -> auto& { return s.submission.check_header_from; }>(
        "submission.check_header_from", reload,
        "Whether the From and Sender fields, too, have to be addresses of the account that logged in."),
    setting<checked<host_and_port, true>, [](auto& s) -> auto& { return s.web.address; }>(
        "web.address", restart,
        "Where the web pages are served (HTTPS). \"\": nowhere. The pages come with a later version; "
        "until then the value is not used."),
    setting<checked<web_url, true>, [](auto& s) -> auto& { return s.web.public_url; }>(
        "web.public_url", reload,
        "The address of the web pages as people see it. Not used before the pages are there.",
        "\"https://mail.example.com\""),
    setting<checked<host_and_port, true>, [](auto& s) -> auto& { return s.setup.imap; }>(
        "setup.imap", reload,
        "The IMAP server, host:port, that the setup pages tell mail programs. The pages come with a "
        "later version; until then the value is not used.",
        "\"imap.example.com:993\""),
    setting<checked<host_and_port, true>, [](auto& s) -> auto& { return s.setup.pop3; }>(
        "setup.pop3", reload,
        "The POP3 server, likewise.",
        "\"pop.example.com:995\""),
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
};

constexpr basic_option<certificate> certificate_table[] = {
    entry<certificate, path, [](auto& c) -> auto& { return c.chain; }>(
        "certificate", reload, "PEM file with a further certificate and its chain.", {}, first_version),
    entry<certificate, path, [](auto& c) -> auto& { return c.private_key; }>(
        "private_key", reload, "PEM file with its private key.", {}, first_version),
};

constexpr section section_table[] = {
    {"", "These stand before the first section."},
    {"tls", "Encryption. Files are read at the start and at a reload (SIGHUP)."},
    {"domains", "What is local."},
    {"auth", "Logging in."},
    {"relay", "Who may send without logging in."},
    {"limits", "Sizes are octets, or text with KiB, MiB or GiB."},
    {"timeouts", "Durations are seconds, or text with ms, s, m, h or d."},
    {"delivery", "Where mail goes."},
    {"submission", "What is done with mail that people send."},
    {"web", "Web pages, of a later version."},
    {"setup", "What the setup pages tell mail programs besides our own ports; of a later version."},
    {"log", "Standard error, and the history that `postern why` reads."},
};
// clang-format on

}  // namespace

std::span<option const> options() { return table; }
std::span<basic_option<listener> const> listener_options() { return listener_table; }
std::span<basic_option<certificate> const> certificate_options() { return certificate_table; }
std::span<section const> sections() { return section_table; }

std::string_view section_of(std::string_view name) noexcept
{
    auto const dot = name.find('.');
    return dot == std::string_view::npos ? std::string_view{} : name.substr(0, dot);
}

std::string_view last_part(std::string_view name) noexcept { return name.substr(name.rfind('.') + 1); }

std::vector<listener> default_listeners()
{
    return {{":465", role::submission, tls_mode::implicit, {}},
            {":587", role::submission, tls_mode::starttls, {}},
            {":25", role::mx, tls_mode::starttls, {}}};
}

}  // namespace postern::config
