// The options of [[route]], [[smart_host]] and [[smart_host.logins]].
#include <algorithm>
#include <array>

#include "config/option_tables.hpp"
#include "config/route_values.hpp"

namespace postern::config {
namespace {

using namespace types;

// clang-format off
constexpr basic_option<route> route_table[] = {
    entry<route, list<recipient_pattern>, [](auto& r) -> auto& { return r.recipients; }>(
        "recipients", reload,
        "Whose mail it is for: domains, with a dot in front all domains below one, or single addresses. `[]`: all that "
        "leaves; mail for local domains takes a route only where `recipients` names them.",
        "[\"example.net\", \".example.org\", \"ann@example.com\"]", first_version),
    entry<route, list<sender_pattern>, [](auto& r) -> auto& { return r.senders; }>(
        "senders", reload,
        "Whose mail by its envelope sender: addresses, or `@example.com` for all of a domain; `<>` is for reports, "
        "which have none. `[]`: anybody's.",
        "[\"@example.com\"]", first_version),
    entry<route, list<watched_account>, [](auto& r) -> auto& { return r.accounts; }>(
        "accounts", reload,
        "Whose mail by the account that logged in to send it, or all accounts of a domain. `[]`: anybody's.",
        "[\"news@example.com\"]", first_version),
    entry<route, checked<route_target, false>, [](auto& r) -> auto& { return r.to; }>(
        "to", reload,
        "Where to: `mx` (the recipient domain's own servers), `smart_host:NAME`, `smtp:HOST:PORT`, `lmtp:HOST:PORT`, "
        "`lmtp:unix:PATH`, `maildir:PATH`, `refuse`, or `hold` (new mail waits until `postern queue release`).",
        "\"smart_host:provider\"", first_version),
    entry<route, checked<refusal_text, true>, [](auto& r) -> auto& { return r.text; }>(
        "text", reload,
        "With to = \"refuse\": what the refusal says, in one line.",
        "\"Mail to this domain is not allowed from here\"", first_version),
};

constexpr basic_option<smart_host> smart_host_table[] = {
    entry<smart_host, checked<backend_name, false>, [](auto& h) -> auto& { return h.name; }>(
        "name", reload, "What routes and the log call it.", "\"provider\"", first_version),
    entry<smart_host, checked<host_and_port, false>, [](auto& h) -> auto& { return h.address; }>(
        "address", reload,
        "The server, host:port. Where delivery.smart_host has the same address, what stands here holds for it.",
        "\"smtp.example.net:587\"", first_version),
    entry<smart_host, choice<tls_words>, [](auto& h) -> auto& { return h.tls; }>(
        "tls", reload,
        "`starttls` (ports 587 and 25) or `implicit` (port 465); its certificate has to be good. `none`: in the clear, "
        "without a login, unless `plaintext` allows one.",
        {}, first_version),
    entry<smart_host, path, [](auto& h) -> auto& { return h.authorities; }>(
        "authorities", reload,
        "PEM file with the authorities that the server's certificate may come from, and that of `token_url`. \"\": those "
        "of the system.",
        "\"/etc/postern/internal-ca.pem\"", first_version),
    entry<smart_host, boolean, [](auto& h) -> auto& { return h.plaintext; }>(
        "plaintext", reload,
        "With tls = \"none\": log in all the same. Only where the address is one of this machine's own (127.0.0.1, ::1).",
        "true", first_version),
    entry<smart_host, number<0, 10000>, [](auto& h) -> auto& { return h.connections; }>(
        "connections", reload,
        "Connections at one time for each login. 0: delivery.connections_per_host.", "5", first_version),
    entry<smart_host, number<0, 1'000'000>, [](auto& h) -> auto& { return h.messages_per_connection; }>(
        "messages_per_connection", reload, "Messages over one connection. 0: no limit.", "100", first_version),
    entry<smart_host, number<0, 1'000'000>, [](auto& h) -> auto& { return h.messages_per_minute; }>(
        "messages_per_minute", reload,
        "Messages in a minute, for each login; what is more waits for its turn. 0: no limit.", "30", first_version),
    entry<smart_host, number<0, 1'000'000'000>, [](auto& h) -> auto& { return h.messages_per_day; }>(
        "messages_per_day", reload,
        "Messages in 24 hours, for each login; what is more waits. 0: no limit. The count begins anew when the server "
        "starts.", "2000", first_version),
};

template <class S>
constexpr auto make_login_options()
{
    return std::array{
        entry<S, text, [](auto& l) -> auto& { return l.user; }>(
            "user", reload,
            "The name to log in with. \"\": no login.", "\"office@example.com\"", first_version),
        entry<S, hidden_text, [](auto& l) -> auto& { return l.password; }>(
            "password", reload,
            "The password or API key. `password_file` keeps it out of the configuration.",
            "\"the provider's app password\"", first_version),
        entry<S, path, [](auto& l) -> auto& { return l.password_file; }>(
            "password_file", reload,
            "The file whose first line is the password; read anew for each connection. The user that the server "
            "becomes has to be able to read it, and nobody else should.",
            "\"/etc/postern/provider.password\"", first_version),
        entry<S, list<client_mechanism_item>, [](auto& l) -> auto& { return l.mechanisms; }>(
            "mechanisms", reload,
            "The ways of logging in that may be used. `[]`: all that fit what is configured; the strongest that the "
            "server offers is taken.",
            "[\"PLAIN\", \"LOGIN\"]", first_version),
        entry<S, path, [](auto& l) -> auto& { return l.certificate; }>(
            "certificate", reload,
            "PEM file with the certificate to show to the server, and its chain; for EXTERNAL.",
            "\"/etc/postern/client.pem\"", first_version),
        entry<S, path, [](auto& l) -> auto& { return l.client_key; }>(
            "private_key", reload, "PEM file with its private key.", "\"/etc/postern/client.key\"", first_version),
        entry<S, path, [](auto& l) -> auto& { return l.token_file; }>(
            "token_file", reload,
            "The file whose first line is an OAuth access token that another program keeps fresh; for OAUTHBEARER and "
            "XOAUTH2.",
            "\"/run/tokens/provider\"", first_version),
        entry<S, checked<confidential_url, true>, [](auto& l) -> auto& { return l.token_url; }>(
            "token_url", reload,
            "Instead of `token_file`: the token endpoint where Postern gets access tokens itself.",
            "\"https://oauth2.googleapis.com/token\"", first_version),
        entry<S, text, [](auto& l) -> auto& { return l.client_id; }>(
            "client_id", reload, "As what Postern is registered there.", "\"1234.apps.googleusercontent.com\"",
            first_version),
        entry<S, path, [](auto& l) -> auto& { return l.client_secret_file; }>(
            "client_secret_file", reload,
            "The file whose first line is the secret of that registration. \"\": it has none.",
            "\"/etc/postern/provider.client-secret\"", first_version),
        entry<S, path, [](auto& l) -> auto& { return l.refresh_token_file; }>(
            "refresh_token_file", reload,
            "The file whose first line is the refresh token that came from signing in once. When the endpoint gives a "
            "new one, that is kept in data_dir. \"\": the registration itself is who logs in (client credentials).",
            "\"/etc/postern/provider.refresh-token\"", first_version),
        entry<S, text, [](auto& l) -> auto& { return l.scope; }>(
            "scope", reload, "What the token is to be good for.", "\"https://mail.google.com/\"", first_version),
    };
}

template <std::size_t N, std::size_t M, class S>
constexpr std::array<basic_option<S>, N + M> joined(basic_option<S> const (&first)[N],
                                                    std::array<basic_option<S>, M> const& second)
{
    std::array<basic_option<S>, N + M> all{};
    std::copy(second.begin(), second.end(), std::copy(std::begin(first), std::end(first), all.begin()));
    return all;
}

constexpr auto whole_smart_host_table = joined(smart_host_table, make_login_options<smart_host>());

constexpr basic_option<smart_host_login> senders_of_login[] = {
    entry<smart_host_login, list<sender_pattern>, [](auto& l) -> auto& { return l.senders; }>(
        "senders", reload,
        "Whose mail, by its envelope sender, goes out with this login: addresses, or `@example.com` for all of a "
        "domain. An address goes before its domain.",
        "[\"ann@example.com\"]", first_version),
};
constexpr auto whole_login_table = joined(senders_of_login, make_login_options<smart_host_login>());
// clang-format on

}  // namespace

std::span<basic_option<route> const> route_options() { return route_table; }
std::span<basic_option<smart_host> const> smart_host_options() { return whole_smart_host_table; }
std::span<basic_option<smart_host_login> const> smart_host_login_options() { return whole_login_table; }

}  // namespace postern::config
