// The options of [[backend]]: where users come from besides the embedded directory.
#include "config/backend_option_values.hpp"
#include "config/option_tables.hpp"

namespace postern::config {
namespace {

using namespace types;

// clang-format off
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
// clang-format on

}  // namespace

std::span<basic_option<backend> const> backend_options() { return backend_table; }

}  // namespace postern::config
