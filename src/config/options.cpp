// The table of all options. One entry is all there is to declare for a new one: its
// default is what the member in settings.hpp begins with.
#include "config/issuer_options.hpp"
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
        "The ways of logging in that are offered, each only where it can succeed: see mechanisms.md. The "
        "-PLUS variants bind the login to the TLS connection; they are left out by default since some "
        "programs choose them and fail (mutt of Debian 12)."),
    setting<boolean, [](auto& s) -> auto& { return s.auth.basic_passwords; }>(
        "auth.basic_passwords", reload,
        "Whether accounts may log in with their own password. Where not, only app passwords, tokens and "
        "certificates are taken; see accounts.md. `postern domain basic-passwords` and `postern account "
        "basic-passwords` say otherwise for a domain and an account."),
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
    setting<boolean, [](auto& s) -> auto& { return s.auth.upgrade_hashes; }>(
        "auth.upgrade_hashes", restart,
        "After a log-in with a password whose hash was imported, the hash is made anew as argon2id, in "
        "the background. Switch it off while another program still reads the accounts' old hashes."),
    setting<number<1, 1000>, [](auto& s) -> auto& { return s.auth.failures; }>(
        "auth.failures", reload,
        "Failed log-ins after which a connection is closed."),
    setting<duration<0, minute>, [](auto& s) -> auto& { return s.auth.failure_delay; }>(
        "auth.failure_delay", reload,
        "How long a failed login waits for its answer."),
    setting<boolean, [](auto& s) -> auto& { return s.guard.enabled; }>(
        "guard.enabled", reload,
        "Whether those who guess at passwords are slowed and refused. `guard.deny` holds either way."),
    setting<number<1, 1000>, [](auto& s) -> auto& { return s.guard.delay_after; }>(
        "guard.delay_after", reload,
        "Different wrong log-ins from one address (IPv6: from its /64) after which failures wait ever "
        "longer: 1, 2, 4 ... seconds. The same wrong password again and again counts once."),
    setting<number<2, 10000>, [](auto& s) -> auto& { return s.guard.refuse_after; }>(
        "guard.refuse_after", reload,
        "Different wrong log-ins from one address after which it is refused for a while, but for accounts "
        "that logged in from there lately."),
    setting<number<2, 100000>, [](auto& s) -> auto& { return s.guard.network_refuse_after; }>(
        "guard.network_refuse_after", reload,
        "The same for the network around it, a /24 or, with IPv6, a /48."),
    setting<number<2, 100000>, [](auto& s) -> auto& { return s.guard.account_refuse_after; }>(
        "guard.account_refuse_after", reload,
        "Different wrong log-ins for one account, from anywhere, after which it is refused for a while, "
        "but from addresses where it logged in lately. From a quarter of it on failures wait longer."),
    setting<duration<minute, 30 * day>, [](auto& s) -> auto& { return s.guard.half_life; }>(
        "guard.half_life", reload,
        "After so long half of it is forgotten."),
    setting<duration<second, 30 * day>, [](auto& s) -> auto& { return s.guard.refuse_time; }>(
        "guard.refuse_time", reload,
        "How long the first refusal lasts. Each further one takes twice as long."),
    setting<duration<second, 30 * day>, [](auto& s) -> auto& { return s.guard.longest_refusal; }>(
        "guard.longest_refusal", reload,
        "How long a refusal lasts at most."),
    setting<duration<0, 5 * minute>, [](auto& s) -> auto& { return s.guard.longest_delay; }>(
        "guard.longest_delay", reload,
        "How long the answer to a failed log-in waits at most, besides `auth.failure_delay`."),
    setting<duration<minute, 365 * day>, [](auto& s) -> auto& { return s.guard.protect_time; }>(
        "guard.protect_time", reload,
        "How long a log-in keeps the address open for its account, whatever others do."),
    setting<list<network_item>, [](auto& s) -> auto& { return s.guard.deny; }>(
        "guard.deny", reload,
        "Networks whose connections are refused, on all listeners. More can be added while the server runs: "
        "`postern guard deny`. Of several networks that hold an address the smallest decides.",
        "[\"192.0.2.0/24\"]"),
    setting<list<network_item>, [](auto& s) -> auto& { return s.guard.allow; }>(
        "guard.allow", reload,
        "Networks that are never slowed or refused for wrong log-ins, such as webmail, behind which many "
        "people stand. More: `postern guard allow`."),
    setting<path, [](auto& s) -> auto& { return s.auth.client_authorities; }>(
        "auth.client_authorities", reload,
        "PEM file with the authorities whose certificates name an account by its address (rfc822Name in "
        "the subject's alternative names), for EXTERNAL. Only such as issue nothing to strangers. \"\": none.",
        "\"/etc/postern/people-ca.pem\""),
    setting<path, [](auto& s) -> auto& { return s.kerberos.keytab; }>(
        "kerberos.keytab", reload,
        "The file with this server's Kerberos keys, for GSSAPI; read again when it changes. The user that the "
        "server becomes has to be able to read it, and nobody else should. \"\": no Kerberos.",
        "\"/etc/postern/postern.keytab\""),
    setting<checked<kerberos_service, false>, [](auto& s) -> auto& { return s.kerberos.service; }>(
        "kerberos.service", reload,
        "The first part of the server's principals. Mail programs ask for tickets of `smtp/HOST`."),
    setting<checked<host_name, true>, [](auto& s) -> auto& { return s.kerberos.hostname; }>(
        "kerberos.hostname", reload,
        "The host for which tickets are taken. \"\": every host that the keytab has keys of the service for, "
        "which suits a server that is reached by several names.",
        "\"mail.example.com\""),
    setting<boolean, [](auto& s) -> auto& { return s.guard.watch_accounts; }>(
        "guard.watch_accounts", reload,
        "Whether accounts are judged by how they send: three signals, each against its number below, are summed "
        "up. At once the number the owner and the operator are warned, at twice new messages are held in the "
        "queue, at four times SMTP AUTH is switched off for the account. `postern guard lift ACCOUNT` undoes it."),
    setting<number<0, 1'000'000>, [](auto& s) -> auto& { return s.guard.suspicious_new_recipients; }>(
        "guard.suspicious_new_recipients", reload,
        "Recipients in an hour to whom the account never sent before. 0: this signal does not count."),
    setting<number<0, 200>, [](auto& s) -> auto& { return s.guard.suspicious_networks; }>(
        "guard.suspicious_networks", reload,
        "Networks (/24, or with IPv6 /48) from which an account is used in an hour. 0: does not count."),
    setting<number<0, 1'000'000>, [](auto& s) -> auto& { return s.guard.suspicious_bounces; }>(
        "guard.suspicious_bounces", reload,
        "Recipients in an hour that other servers refuse for good. 0: does not count."),
    setting<list<watched_account>, [](auto& s) -> auto& { return s.guard.trusted_accounts; }>(
        "guard.trusted_accounts", reload,
        "Accounts, or all of a domain, that are not judged by how they send, such as newsletters.",
        "[\"news@example.com\", \"@lists.example.com\"]"),
    setting<checked<mail_address, true>, [](auto& s) -> auto& { return s.guard.operator_address; }>(
        "guard.operator_address", reload,
        "Who is told of accounts that send suspiciously. \"\": the postmaster of the account's domain.",
        "\"admin@example.com\""),
    setting<list<network_item>, [](auto& s) -> auto& { return s.relay.networks; }>(
        "relay.networks", reload,
        "Clients that may send to anybody without logging in, as exact addresses or networks. Keep it"
        " as small as can be: a network that others can reach you through makes an open relay.",
        "[\"192.0.2.17\", \"2001:db8:1::/64\"]"),
    setting<boolean, [](auto& s) -> auto& { return s.relay.local_without_auth; }>(
        "relay.local_without_auth", reload,
        "Whether strangers may write to local recipients on listeners with role \"mx\", as a server "
        "that receives mail must allow. On listeners with role \"submission\" they never may."),
    setting<boolean, [](auto& s) -> auto& { return s.mx.checks; }>(
        "mx.checks", reload,
        "Whether strangers' mail is checked with SPF, DKIM and DMARC, and gets an Authentication-Results field. Set it "
        "to false where a milter does that."),
    setting<choice<dmarc_words>, [](auto& s) -> auto& { return s.mx.dmarc_reject; }>(
        "mx.dmarc_reject", reload,
        "What is done with mail that fails DMARC when its author's domain asks for `reject`: `refuse` it, `hold` it in "
        "the queue for you to look at, or `mark` it (`X-Spam-Flag: YES`) and deliver it."),
    setting<choice<dmarc_words>, [](auto& s) -> auto& { return s.mx.dmarc_quarantine; }>(
        "mx.dmarc_quarantine", reload, "The same where the author's domain asks for `quarantine`."),
    setting<choice<local_sender_words>, [](auto& s) -> auto& { return s.mx.local_senders; }>(
        "mx.local_senders", reload,
        "A stranger who sends as an address of a local domain: with `verify` refused unless SPF or DKIM proves it for "
        "that domain; with `accept` treated like all others."),
    setting<choice<dns_failure_words>, [](auto& s) -> auto& { return s.mx.dns_failure; }>(
        "mx.dns_failure", reload,
        "What is done when the DNS gives no answer that the verdict depends on: `defer` (451: the client tries again) "
        "or `accept`."),
    setting<duration<second, 5 * minute>, [](auto& s) -> auto& { return s.mx.check_timeout; }>(
        "mx.check_timeout", reload,
        "How long the checks of one message may take. What is not known then counts as an answer that the DNS did not "
        "give."),
    setting<number<1, 256>, [](auto& s) -> auto& { return s.mx.check_threads; }>(
        "mx.check_threads", restart, "Messages that are checked at the same time; as many again may wait, eight times over."),
    setting<number<0, 10000>, [](auto& s) -> auto& { return s.mx.tarpit_after; }>(
        "mx.tarpit_after", reload,
        "So many recipients may be refused in a stranger's session; each further refusal comes late. It makes guessing "
        "addresses slow. 0: never."),
    setting<duration<0, minute>, [](auto& s) -> auto& { return s.mx.tarpit_delay; }>(
        "mx.tarpit_delay", reload, "How late each of these refusals comes."),
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
    setting<checked<single_domain, true>, [](auto& s) -> auto& { return s.forwarding.srs_domain; }>(
        "forwarding.srs_domain", reload,
        "The domain of the sender addresses that forwarded mail gets (SRS), so that the next server's SPF check passes "
        "and bounces find their way back. Its mail has to arrive here. \"\": the hostname.",
        "\"srs.example.com\""),
    setting<duration<day, 365 * day>, [](auto& s) -> auto& { return s.forwarding.srs_lifetime; }>(
        "forwarding.srs_lifetime", reload,
        "How long bounces to such an address are taken. It should be longer than any server tries."),
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
    setting<choice<dkim_failure_words>, [](auto& s) -> auto& { return s.dkim.on_failure; }>(
        "dkim.on_failure", reload,
        "What becomes of a message that should be signed and can't be, because its key is unreadable: `send` lets it "
        "go unsigned, with a warning in the log; `defer` refuses it with 451, so that the client tries again later. "
        "Our own reports are sent either way."),
    setting<list<field_name_item>, [](auto& s) -> auto& { return s.dkim.unsigned_headers; }>(
        "dkim.unsigned_headers", reload,
        "Fields that are left unsigned, because somebody further on changes them: Amazon SES puts in a Message-ID and "
        "a Date of its own. From is signed in any case.",
        "[\"Message-ID\", \"Date\"]"),
    setting<choice<canonicalization_words>, [](auto& s) -> auto& { return s.dkim.canonicalization; }>(
        "dkim.canonicalization", reload,
        "What may happen to white space on the way, in header and body, without breaking the signature: `simple` "
        "allows nothing."),
    setting<duration<0, 365 * day>, [](auto& s) -> auto& { return s.dkim.lifetime; }>(
        "dkim.lifetime", reload,
        "After what time a signature says that it has expired. It should be longer than delivery.give_up_after. "
        "0: never.",
        "\"14 days\""),
    setting<list<name_server_item>, [](auto& s) -> auto& { return s.dns.servers; }>(
        "dns.servers", restart,
        "The name servers to ask. `[]`: those of /etc/resolv.conf, or where it has none, the world's from the root "
        "down.",
        "[\"127.0.0.1\", \"192.0.2.53:5353\"]"),
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

constexpr basic_option<bound_certificate> bound_certificate_table[] = {
    entry<bound_certificate, full_address, [](auto& c) -> auto& { return c.account; }>(
        "account", reload, "The account that logs in with it.", {}, first_version),
    entry<bound_certificate, key_digest, [](auto& c) -> auto& { return c.key; }>(
        "key", reload, "SHA-256 of the certificate's public key (SubjectPublicKeyInfo), in hexadecimal digits. A "
        "renewed certificate with the same key stays good, and no authority has to vouch for it.", {}, first_version),
};

constexpr basic_option<kerberos_realm> kerberos_realm_table[] = {
    entry<kerberos_realm, checked<realm_name, false>, [](auto& k) -> auto& { return k.realm; }>(
        "realm", reload, "The realm, in its letter case (Active Directory: the domain in capital letters).", {},
        first_version),
    entry<kerberos_realm, checked<single_domain, false>, [](auto& k) -> auto& { return k.domain; }>(
        "domain", reload, "The domain of its users' accounts.", {}, first_version),
};

constexpr basic_option<kerberos_principal> kerberos_principal_table[] = {
    entry<kerberos_principal, checked<principal_name, false>, [](auto& k) -> auto& { return k.principal; }>(
        "principal", reload,
        "The principal with its realm, as `klist` shows it. The letter case of the part before the `@` does not "
        "matter.", {}, first_version),
    entry<kerberos_principal, full_address, [](auto& k) -> auto& { return k.account; }>(
        "account", reload, "The account that logs in with its tickets.", {}, first_version),
};

constexpr basic_option<backend> backend_table[] = {
    entry<backend, checked<backend_name, false>, [](auto& b) -> auto& { return b.name; }>(
        "name", restart,
        "What the log and `postern status` call it.",
        "\"system\"", first_version),
    entry<backend, choice<backend_type_words>, [](auto& b) -> auto& { return b.type; }>(
        "type", restart,
        "Where the users come from. `files`: a file of another program, which is read again whenever it changes. "
        "`pam`: the system's PAM. `dovecot`: Dovecot's auth process. `postgresql`: a database, by queries of yours. "
        "`ldap`: an LDAP directory.",
        {}, first_version),
    entry<backend, path, [](auto& b) -> auto& { return b.path; }>(
        "path", restart,
        "The file, or Dovecot's auth socket. The user that the server becomes has to be able to read it, or connect "
        "to it.",
        "\"/etc/dovecot/users\"", first_version),
    entry<backend, choice<file_format_words>, [](auto& b) -> auto& { return b.format; }>(
        "format", restart,
        "How the file is written: Dovecot's passwd-file, Apache's htpasswd, or the system's shadow.",
        {}, first_version),
    entry<backend, checked<single_domain, true>, [](auto& b) -> auto& { return b.domain; }>(
        "domain", restart,
        "The domain of users whose names are no addresses: `anna` is anna@example.com then, and may log in with or "
        "without the domain.",
        "\"example.com\"", first_version),
    entry<backend, checked<scheme_name, true>, [](auto& b) -> auto& { return b.scheme; }>(
        "scheme", restart,
        "The password scheme of hashes that say nothing about themselves, as Dovecot's `scheme` argument.",
        "\"SHA256\"", first_version),
    entry<backend, path, [](auto& b) -> auto& { return b.users; }>(
        "users", restart,
        "Dovecot's userdb socket, which tells who may get mail. Without it only those of Dovecot's users get any that "
        "other back ends know.",
        "\"/run/dovecot/postern-userdb\"", first_version),
    entry<backend, checked<service_name, false>, [](auto& b) -> auto& { return b.service; }>(
        "service", restart,
        "The PAM service: a file in /etc/pam.d.",
        {}, first_version),
    entry<backend, duration<100, minute>, [](auto& b) -> auto& { return b.timeout; }>(
        "timeout", restart,
        "How long another program may take for an answer. After that the client gets 454 and tries again later.",
        {}, first_version),
    entry<backend, number<1, 64>, [](auto& b) -> auto& { return b.threads; }>(
        "threads", restart,
        "Questions to another program at one time; each thread keeps a connection of its own. 256 more may wait.",
        {}, first_version),
    entry<backend, checked<connection_text, true>, [](auto& b) -> auto& { return b.connection; }>(
        "connection", restart,
        "Where PostgreSQL is: a connection string or URI of libpq, without the password.",
        "\"host=db.example.com dbname=mail user=postern sslmode=verify-full\"", first_version),
    entry<backend, path, [](auto& b) -> auto& { return b.password_file; }>(
        "password_file", restart,
        "The file with the password that Postern itself connects with, in its first line; read anew for each connection. "
        "Without it libpq looks where it always does (`passfile`, `PGPASSFILE`, a client certificate).",
        "\"/etc/postern/postgresql.password\"", first_version),
    entry<backend, text, [](auto& b) -> auto& { return b.user_query; }>(
        "user_query", restart,
        "SELECT of the user whose log-in name is $1: a column `password`, and where there are such, `address`, "
        "`enabled`, `smtp_auth`, `scram_sha_1`, `scram_sha_256`, `scram_sha_512`.",
        "\"SELECT password, enabled FROM users WHERE address = $1\"", first_version),
    entry<backend, text, [](auto& b) -> auto& { return b.recipient_query; }>(
        "recipient_query", restart,
        "SELECT of the account that gets mail for the address $1: one column, the account's address. Without it, "
        "whoever `user_query` finds gets mail.",
        "\"SELECT account FROM aliases WHERE alias = $1\"", first_version),
    entry<backend, text, [](auto& b) -> auto& { return b.aliases_query; }>(
        "aliases_query", restart,
        "SELECT of the further addresses of the user whose log-in name is $1: one column, any number of rows.",
        "\"SELECT alias FROM aliases WHERE account = $1\"", first_version),
    entry<backend, text, [](auto& b) -> auto& { return b.senders_query; }>(
        "senders_query", restart,
        "SELECT of what the user whose log-in name is $1 may send as besides: addresses, or `@example.com` for all of "
        "a domain.",
        "\"SELECT sender FROM grants WHERE account = $1\"", first_version),
    entry<backend, text, [](auto& b) -> auto& { return b.update_query; }>(
        "update_query", restart,
        "UPDATE that gives the user whose log-in name is $1 the better hash $2, where the old one still is $3. "
        "Without it hashes stay as they are.",
        "\"UPDATE users SET password = $2 WHERE address = $1 AND password = $3\"", first_version),
    entry<backend, duration<1000, 10 * minute>, [](auto& b) -> auto& { return b.remember; }>(
        "remember", restart,
        "So long what the database said of a user is good for log-ins with the right password and for mail in open "
        "sessions. A password that does not fit, and a name that was not found, are looked up again at once.",
        {}, first_version),
    entry<backend, list<ldap_url_item>, [](auto& b) -> auto& { return b.ldap.urls; }>(
        "urls", restart,
        "The LDAP servers, tried in this order: `ldap://HOST`, `ldaps://HOST` or `ldapi://SOCKET`, the path with %2F "
        "for each slash.",
        "[\"ldaps://ldap.example.com\"]", first_version),
    entry<backend, choice<ldap_tls_words>, [](auto& b) -> auto& { return b.ldap.tls; }>(
        "tls", restart,
        "On `ldap://`: `starttls`, or `none`. The server's certificate is always verified.",
        {}, first_version),
    entry<backend, boolean, [](auto& b) -> auto& { return b.ldap.plaintext; }>(
        "plaintext", restart,
        "Whether passwords may travel unencrypted to an LDAP server on another machine.",
        {}, first_version),
    entry<backend, path, [](auto& b) -> auto& { return b.ldap.authorities; }>(
        "authorities", restart,
        "The authorities (PEM) that LDAP servers' certificates may come from. \"\": those of the system.",
        "\"/etc/postern/ldap-ca.pem\"", first_version),
    entry<backend, text, [](auto& b) -> auto& { return b.ldap.service_dn; }>(
        "service_dn", restart,
        "Whom to bind as for searches in LDAP, with the password in `password_file`. \"\": nobody (anonymous).",
        "\"cn=postern,ou=services,dc=example,dc=com\"", first_version),
    entry<backend, text, [](auto& b) -> auto& { return b.ldap.base; }>(
        "base", restart,
        "Below which entry of LDAP the users are.",
        "\"ou=people,dc=example,dc=com\"", first_version),
    entry<backend, checked<ldap_filter, true>, [](auto& b) -> auto& { return b.ldap.filter; }>(
        "filter", restart,
        "What finds the LDAP entry of who logs in: %u is the whole address, %n what is before the @, %d the domain, "
        "%% a %. What stands for them is escaped.",
        "\"(&(objectClass=inetOrgPerson)(mail=%u))\"", first_version),
    entry<backend, checked<ldap_filter, true>, [](auto& b) -> auto& { return b.ldap.recipient_filter; }>(
        "recipient_filter", restart,
        "The same for who gets mail for an address; \"\": as `filter`.",
        "\"(&(objectClass=inetOrgPerson)(|(mail=%u)(mailAlternateAddress=%u)))\"", first_version),
    entry<backend, choice<ldap_password_words>, [](auto& b) -> auto& { return b.ldap.passwords; }>(
        "passwords", restart,
        "`bind`: the LDAP server verifies the password, by a bind as the user. `fetch`: Postern reads the hash and "
        "verifies it itself, which makes SCRAM possible.",
        {}, first_version),
    entry<backend, checked<ldap_name_pattern, true>, [](auto& b) -> auto& { return b.ldap.bind_dn; }>(
        "bind_dn", restart,
        "The DN of who logs in, when it follows from the name: no search then, and no `filter`. %-letters as in "
        "`filter`.",
        "\"uid=%n,ou=people,dc=example,dc=com\"", first_version),
    entry<backend, text, [](auto& b) -> auto& { return b.ldap.decoy_dn; }>(
        "decoy_dn", restart,
        "An entry whose password nobody knows: bound as for names that nobody has, so that these take as long as a "
        "wrong password.",
        "\"cn=decoy,ou=services,dc=example,dc=com\"", first_version),
    entry<backend, checked<ldap_attribute, false>, [](auto& b) -> auto& { return b.ldap.password_attribute; }>(
        "password_attribute", restart,
        "With `fetch`: where the hash is.",
        {}, first_version),
    entry<backend, checked<ldap_attribute, true>, [](auto& b) -> auto& { return b.ldap.address_attribute; }>(
        "address_attribute", restart,
        "The attribute with the user's address; of several values, the first, and the others are aliases. \"\": the "
        "address is the name that was given.",
        {}, first_version),
    entry<backend, checked<ldap_attribute, true>, [](auto& b) -> auto& { return b.ldap.aliases_attribute; }>(
        "aliases_attribute", restart,
        "An attribute with further addresses that the user may send as.",
        "\"mailAlternateAddress\"", first_version),
    entry<backend, checked<ldap_attribute, true>, [](auto& b) -> auto& { return b.ldap.smtp_auth_attribute; }>(
        "smtp_auth_attribute", restart,
        "An attribute that switches logging in here off for a user, when it is FALSE, no, off, disabled or 0.",
        "\"mailSmtpAuth\"", first_version),
};

constexpr basic_option<auth_socket> auth_socket_table[] = {
    entry<auth_socket, path, [](auto& a) -> auto& { return a.path; }>(
        "path", reload,
        "The Unix socket. Its folder has to be there, and the user that the server becomes has to be able to write to it.",
        "\"/run/postern/auth\"", first_version),
    entry<auth_socket, checked<loopback_address, true>, [](auto& a) -> auto& { return a.address; }>(
        "address", reload,
        "In place of `path`, a port of this machine alone. Everybody on the machine can then try passwords there and "
        "say from which address; prefer `path`. For role = \"auth\" only.",
        "\"127.0.0.1:12345\"", first_version),
    entry<auth_socket, choice<auth_role_words>, [](auto& a) -> auto& { return a.role; }>(
        "role", reload,
        "`auth`: log-ins are checked, for Postfix, Exim and Dovecot's login processes. `master`: Dovecot's other "
        "processes ask which users there are, and whose a log-in was.",
        {}, first_version),
    entry<auth_socket, list<mechanism_item>, [](auto& a) -> auto& { return a.mechanisms; }>(
        "mechanisms", reload,
        "The ways of logging in that are offered there, in place of `auth.mechanisms`. `[]`: those. What needs our own "
        "TLS (-PLUS, EXTERNAL) is left out.",
        "[\"PLAIN\", \"LOGIN\"]", first_version),
    entry<auth_socket, checked<user_name, true>, [](auto& a) -> auto& { return a.owner; }>(
        "owner", reload,
        "The user to whom the socket belongs; another one than the server's takes a start as root. \"\": the "
        "server's.",
        "\"postfix\"", first_version),
    entry<auth_socket, checked<user_name, true>, [](auto& a) -> auto& { return a.group; }>(
        "group", reload,
        "The group to which the socket belongs. Without a start as root the server's user has to be in it. \"\": the "
        "owner's.",
        "\"postfix\"", first_version),
    entry<auth_socket, checked<file_mode, false>, [](auto& a) -> auto& { return a.mode; }>(
        "mode", reload,
        "Who may connect: `0600` the owner, `0660` the group, too.",
        {}, first_version),
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

constexpr auto issuer_table = make_issuer_options<token_issuer>();

// One issuer is what nearly everybody has: its options stand in [oauth].
constexpr auto whole_table = [] {
    constexpr auto of_oauth = make_issuer_options<settings>();
    std::array<option, std::size(table) + of_oauth.size()> all{};
    std::copy(of_oauth.begin(), of_oauth.end(), std::copy(std::begin(table), std::end(table), all.begin()));
    return all;
}();

constexpr basic_option<milter> milter_table[] = {
    entry<milter, checked<backend_name, false>, [](auto& m) -> auto& { return m.name; }>(
        "name", reload, "What the log and refusals call it.", "\"rspamd\"", first_version),
    entry<milter, checked<milter_address, false>, [](auto& m) -> auto& { return m.address; }>(
        "address", reload,
        "Where it listens. The user that the server becomes has to be able to connect to the socket.",
        "\"unix:/run/rspamd/milter.sock\"", first_version),
    entry<milter, list<role_item>, [](auto& m) -> auto& { return m.roles; }>(
        "roles", reload, "Which listeners' mail it sees, by their role.", {}, first_version),
    entry<milter, list<listen_address_item>, [](auto& m) -> auto& { return m.listeners; }>(
        "listeners", reload, "Only those of them with these addresses, as they stand there. Empty: all.", "[\":25\"]",
        first_version),
    entry<milter, duration<100, 10 * minute>, [](auto& m) -> auto& { return m.timeout; }>(
        "timeout", reload,
        "How long it may take for one answer, and a connection to it to come about or become free.", {}, first_version),
    entry<milter, choice<milter_failure_words>, [](auto& m) -> auto& { return m.on_failure; }>(
        "on_failure", reload,
        "What is done with mail when it doesn't answer, or not in its protocol: `accept` without it, `defer` (451) or "
        "`refuse` (554).", {}, first_version),
    entry<milter, number<1, 10000>, [](auto& m) -> auto& { return m.connections; }>(
        "connections", reload,
        "The most connections to it, divided among the threads. When all are busy, mail waits, as long as an answer may "
        "take.", {}, first_version),
};

constexpr basic_option<dkim_key> dkim_key_table[] = {
    entry<dkim_key, checked<single_domain, false>, [](auto& k) -> auto& { return k.domain; }>(
        "domain", reload, "The domain of the From field, and of the signature.", "\"example.com\"", first_version),
    entry<dkim_key, checked<selector_name, false>, [](auto& k) -> auto& { return k.selector; }>(
        "selector", reload, "Where the public key is in the DNS: SELECTOR._domainkey.DOMAIN.", "\"mail\"",
        first_version),
    entry<dkim_key, path, [](auto& k) -> auto& { return k.private_key; }>(
        "private_key", reload,
        "PEM file with the private key: RSA of 1024 to 4096 bits, or Ed25519. The user that the server becomes has "
        "to be able to read it.",
        "\"/etc/opendkim/keys/example.com/mail.private\"", first_version),
};

constexpr section section_table[] = {
    {"", "These stand before the first section."},
    {"tls", "Encryption. Files are read at the start and at a reload (SIGHUP)."},
    {"domains", "What is local."},
    {"auth", "Logging in."},
    {"guard", "Keeping out those who guess at passwords; docs/guard.md explains how."},
    {"oauth", "Tokens of an OAuth 2 or OpenID issuer in place of passwords: for OAUTHBEARER and XOAUTH2."},
    {"kerberos", "Tickets of a Kerberos realm or of Active Directory in place of passwords: for GSSAPI."},
    {"relay", "Who may send without logging in."},
    {"mx", "Mail from strangers to local recipients; docs/incoming.md explains the checks."},
    {"limits", "Sizes are octets, or text with KiB, MiB or GiB."},
    {"timeouts", "Durations are seconds, or text with ms, s, m, h or d."},
    {"delivery", "Where mail goes."},
    {"forwarding", "Mail that goes on to other addresses: `postern forward`, docs/incoming.md."},
    {"submission", "What is done with mail that people send."},
    {"dkim", "Signing the mail that people send; docs/dkim.md explains how. It begins with `postern dkim create DOMAIN`."},
    {"dns", "How names are looked up."},
    {"web", "Web pages, of a later version."},
    {"setup", "What the setup pages tell mail programs besides our own ports; of a later version."},
    {"log", "Standard error, and the history that `postern why` reads."},
};
// clang-format on

}  // namespace

std::span<option const> options() { return whole_table; }
std::span<basic_option<listener> const> listener_options() { return listener_table; }
std::span<basic_option<certificate> const> certificate_options() { return certificate_table; }
std::span<basic_option<bound_certificate> const> bound_certificate_options() { return bound_certificate_table; }
std::span<basic_option<kerberos_realm> const> kerberos_realm_options() { return kerberos_realm_table; }
std::span<basic_option<kerberos_principal> const> kerberos_principal_options() { return kerberos_principal_table; }
std::span<basic_option<backend> const> backend_options() { return backend_table; }
std::span<basic_option<auth_socket> const> auth_socket_options() { return auth_socket_table; }
std::span<basic_option<milter> const> milter_options() { return milter_table; }
std::span<basic_option<sending_limit> const> sending_options() { return sending_table; }
std::span<basic_option<token_issuer> const> issuer_options() { return issuer_table; }
std::span<basic_option<dkim_key> const> dkim_key_options() { return dkim_key_table; }
std::span<section const> sections() { return section_table; }

std::string_view section_of(std::string_view name) noexcept
{
    auto const dot = name.find('.');
    return dot == std::string_view::npos ? std::string_view{} : name.substr(0, dot);
}

std::string_view last_part(std::string_view name) noexcept { return name.substr(name.rfind('.') + 1); }

std::vector<network> loopback() { return {*network::parse("127.0.0.0/8"), *network::parse("::1")}; }

std::vector<listener> default_listeners()
{
    return {{":465", role::submission, tls_mode::implicit, {}, {}, false, false},
            {":587", role::submission, tls_mode::starttls, {}, {}, false, false},
            {":25", role::mx, tls_mode::starttls, {}, {}, false, false}};
}

}  // namespace postern::config
