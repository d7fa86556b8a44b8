// The options of logging in: [auth], [guard], [kerberos], [oauth] and [[auth_socket]].
#include "config/issuer_options.hpp"
#include "config/login_option_values.hpp"
#include "config/option_tables.hpp"

namespace postern::config {
namespace {

using namespace types;

// clang-format off
constexpr option table[] = {
    setting<list<mechanism_item>, [](auto& s) -> auto& { return s.auth.mechanisms; }>(
        "auth.mechanisms", reload,
        "The ways of logging in that are offered, each only where it can succeed: see mechanisms.md. The "
        "-PLUS variants bind the login to the TLS connection; they are left out by default since some "
        "programs choose them and fail (mutt of Debian 12)."),
    setting<boolean, [](auto& s) -> auto& { return s.auth.basic_passwords; }>(
        "auth.basic_passwords", reload,
        "Whether accounts may log in with their own password. Where not, only app passwords, tokens, certificates "
        "and Kerberos tickets are taken; see accounts.md. `postern domain basic-passwords` and `postern account "
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
    setting<path, [](auto& s) -> auto& { return s.auth.client_authorities; }>(
        "auth.client_authorities", reload,
        "PEM file with the authorities whose certificates name an account by its address (rfc822Name in "
        "the subject's alternative names), for EXTERNAL. Only such as issue nothing to strangers. \"\": none.",
        "\"/etc/postern/people-ca.pem\""),
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
// clang-format on

constexpr auto issuer_table = make_issuer_options<token_issuer>();

// One issuer is what nearly everybody has: its options stand in [oauth].
constexpr auto single_issuer_table = make_issuer_options<settings>();

}  // namespace

std::span<option const> login_table() { return table; }
std::span<option const> oauth_table() { return single_issuer_table; }
std::span<basic_option<bound_certificate> const> bound_certificate_options() { return bound_certificate_table; }
std::span<basic_option<kerberos_realm> const> kerberos_realm_options() { return kerberos_realm_table; }
std::span<basic_option<kerberos_principal> const> kerberos_principal_options() { return kerberos_principal_table; }
std::span<basic_option<auth_socket> const> auth_socket_options() { return auth_socket_table; }
std::span<basic_option<token_issuer> const> issuer_options() { return issuer_table; }

}  // namespace postern::config
