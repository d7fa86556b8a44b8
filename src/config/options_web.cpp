// The options of the web pages and of what they tell mail programs: [web], [setup], [acme].
#include "config/login_option_values.hpp"
#include "config/option_tables.hpp"
#include "config/option_values.hpp"

namespace postern::config {
namespace {

using namespace types;

// clang-format off
constexpr option table[] = {
    setting<checked<host_and_port, true>, [](auto& s) -> auto& { return s.web.address; }>(
        "web.address", restart,
        "Where the web pages are served (HTTPS): the help centre, the account pages, the console, and what mail "
        "programs ask for their settings. \"\": nowhere."),
    setting<checked<host_and_port, true>, [](auto& s) -> auto& { return s.web.http_address; }>(
        "web.http_address", restart,
        "Where plain HTTP is answered: it leads to HTTPS, tells old mail programs their settings, and proves our names "
        "to a certificate authority. \"\": nowhere.",
        "\"[::]:80\""),
    setting<checked<web_url, true>, [](auto& s) -> auto& { return s.web.public_url; }>(
        "web.public_url", reload,
        "The address of the web pages as people see it. \"\": https:// and the hostname.",
        "\"https://mail.example.com\""),
    setting<path, [](auto& s) -> auto& { return s.web.certificate; }>(
        "web.certificate", reload,
        "PEM file with the certificate of the web pages, and those that lead to its authority. \"\": that of "
        "`acme`, else that of `tls`.",
        "\"/etc/postern/web-fullchain.pem\""),
    setting<path, [](auto& s) -> auto& { return s.web.private_key; }>(
        "web.private_key", reload,
        "PEM file with its key.",
        "\"/etc/postern/web-privkey.pem\""),
    setting<text, [](auto& s) -> auto& { return s.web.user; }>(
        "web.user", restart,
        "Whom the process that serves the pages becomes when `serve` was started as root: somebody who may read neither "
        "data_dir nor any key. \"\": the server's own user.",
        "\"postern-web\""),
    setting<path, [](auto& s) -> auto& { return s.web.socket; }>(
        "web.socket", restart,
        "Unix socket by which that process asks the server. \"\": web.sock in data_dir, or /run/postern/web.sock when "
        "the two have different users.",
        "\"/run/postern/web.sock\""),
    setting<duration<10 * minute, 30 * day>, [](auto& s) -> auto& { return s.web.session_life; }>(
        "web.session_life", reload,
        "How long somebody who signed in stays so without doing anything."),
    setting<checked<host_and_port, true>, [](auto& s) -> auto& { return s.setup.imap; }>(
        "setup.imap", reload,
        "The IMAP server, host:port, that mail programs are told. Thunderbird takes no answer without one of "
        "`imap` and `pop3`.",
        "\"imap.example.com:993\""),
    setting<checked<host_and_port, true>, [](auto& s) -> auto& { return s.setup.pop3; }>(
        "setup.pop3", reload,
        "The POP3 server, likewise.",
        "\"pop.example.com:995\""),
    setting<text, [](auto& s) -> auto& { return s.setup.name; }>(
        "setup.name", reload,
        "What people know the service as; mail programs show it. \"\": the mail domain.",
        "\"Example Mail\""),
    setting<checked<mail_address, true>, [](auto& s) -> auto& { return s.setup.contact; }>(
        "setup.contact", reload,
        "Whom people can ask for help. \"\": postmaster at their own domain.",
        "\"help@example.com\""),
    setting<checked<web_url, true>, [](auto& s) -> auto& { return s.acme.directory; }>(
        "acme.directory", reload,
        "The directory of a certificate authority that speaks ACME (RFC 8555). Certificates are then got and renewed "
        "by themselves. \"\": none.",
        "\"https://acme-v02.api.letsencrypt.org/directory\""),
    setting<boolean, [](auto& s) -> auto& { return s.acme.agree; }>(
        "acme.agree", reload,
        "That you agree to the authority's terms of service.",
        "true"),
    setting<checked<mail_address, true>, [](auto& s) -> auto& { return s.acme.contact; }>(
        "acme.contact", reload,
        "Whom the authority may write to.",
        "\"postmaster@example.com\""),
    setting<list<domain_item>, [](auto& s) -> auto& { return s.acme.names; }>(
        "acme.names", reload,
        "For which names. []: the hostname, the host of web.public_url, and of each local domain those of "
        "autoconfig, autodiscover, ua-auto-config and mta-sts that lead to this server.",
        "[\"mail.example.com\", \"autoconfig.example.com\"]"),
    setting<choice<acme_challenge_words>, [](auto& s) -> auto& { return s.acme.challenge; }>(
        "acme.challenge", reload,
        "How the names are proven: `http-01` at port 80, `tls-alpn-01` at port 443; `auto`: whichever we listen for."),
    setting<text, [](auto& s) -> auto& { return s.acme.external_account; }>(
        "acme.external_account", reload,
        "The key identifier of External Account Binding, where the authority wants one.",
        "\"kid-1\""),
    setting<path, [](auto& s) -> auto& { return s.acme.external_key_file; }>(
        "acme.external_key_file", reload,
        "File with its key, in base64url as the authority gave it.",
        "\"/etc/postern/acme-eab.key\""),
    setting<path, [](auto& s) -> auto& { return s.acme.authorities; }>(
        "acme.authorities", reload,
        "PEM file with the authorities that vouch for the ACME server itself. \"\": those of the system.",
        "\"/etc/postern/internal-ca.pem\""),
};
// clang-format on

}  // namespace

std::span<option const> web_table() { return table; }

}  // namespace postern::config
