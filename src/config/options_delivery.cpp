// The options of what becomes of a message: [delivery], [submission], [dkim], [dns].
#include "config/option_tables.hpp"
#include "config/option_values.hpp"

namespace postern::config {
namespace {

using namespace types;

// clang-format off
constexpr option table[] = {
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
    setting<duration<0, 365 * day>, [](auto& s) -> auto& { return s.submission.hold_at_most; }>(
        "submission.hold_at_most", reload,
        "How far ahead people who log in may have a message sent later (FUTURERELEASE). 0: not at all."),
    setting<boolean, [](auto& s) -> auto& { return s.submission.priority_without_login; }>(
        "submission.priority_without_login", reload,
        "Whether clients that did not log in may ask for a priority above 0 (MT-PRIORITY), too. Otherwise it is "
        "lowered."),
    setting<boolean, [](auto& s) -> auto& { return s.submission.check_header_from; }>(
        "submission.check_header_from", reload,
        "Whether the From and Sender fields, too, have to be addresses of the account that logged in."),
    setting<path, [](auto& s) -> auto& { return s.sendmail.socket; }>(
        "sendmail.socket", restart,
        "The Unix socket at which the server takes the mail of this machine's programs, from `postern sendmail`. Who "
        "may open it may send to anybody. Where the folder of the default is missing there is no socket. \"\": none."),
    setting<checked<file_mode, false>, [](auto& s) -> auto& { return s.sendmail.mode; }>(
        "sendmail.mode", restart,
        "Who may open it: `0666` everybody on this machine, `0660` the members of a group."),
    setting<checked<user_name, true>, [](auto& s) -> auto& { return s.sendmail.group; }>(
        "sendmail.group", restart,
        "The group to which the socket belongs. Without a start as root the server's user has to be in it. \"\": the "
        "server's.",
        "\"www-data\""),
    setting<checked<single_domain, true>, [](auto& s) -> auto& { return s.sendmail.domain; }>(
        "sendmail.domain", reload,
        "The domain of names that programs give without one, such as `root`. \"\": the hostname.",
        "\"example.com\""),
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
    setting<text, [](auto& s) -> auto& { return s.dns.trust_anchor; }>(
        "dns.trust_anchor", restart,
        "File with the keys that DNSSEC begins from. An answer that does not hold is then never used, and its mail "
        "waits. \"\": those of Debian's package dns-root-data, where it is installed; and as long as the name servers "
        "hand on no signatures at all, answers are used without, and DANE is off. \"none\": no DNSSEC.",
        "\"/var/lib/unbound/root.key\""),
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
// clang-format on

}  // namespace

std::span<option const> delivery_table() { return table; }
std::span<basic_option<dkim_key> const> dkim_key_options() { return dkim_key_table; }

}  // namespace postern::config
