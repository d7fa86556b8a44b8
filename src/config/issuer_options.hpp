// The options of an issuer of tokens, which are the same in [oauth] and in each of
// [[oauth.issuers]]. Used by options_login.cpp alone.
#pragma once

#include <array>
#include <type_traits>

#include "config/login_option_values.hpp"
#include "config/option_tables.hpp"

namespace postern::config::types {

template <class S>
constexpr auto& issuer_in(S& s)
{
    if constexpr (std::is_same_v<std::remove_const_t<S>, token_issuer>)
        return s;
    else
        return s.oauth;
}

/// `name` within the table; with its section for the settings.
template <class S, class Type, auto Get>
constexpr basic_option<S> issuer_option(std::string_view name, std::string_view doc, std::string_view example = {})
{
    constexpr std::string_view section = "oauth.";
    auto const shown = std::is_same_v<S, settings> ? name : name.substr(section.size());
    return entry<S, Type, [](auto& s) -> auto& { return Get(issuer_in(s)); }>(shown, true, doc, example, "0.1.0");
}

// clang-format off
template <class S>
constexpr auto make_issuer_options()
{
    return std::array{
        issuer_option<S, text, [](auto& i) -> auto& { return i.issuer; }>(
            "oauth.issuer",
            "What the tokens' `iss` has to be. \"\": tokens are not taken. Where it is an https URL, the keys and the "
            "introspection endpoint are found there: by /.well-known/openid-configuration behind it, or by "
            "/.well-known/oauth-authorization-server (RFC 8414).",
            "\"https://id.example.com/realms/mail\""),
        issuer_option<S, list<word_item>, [](auto& i) -> auto& { return i.audience; }>(
            "oauth.audience",
            "One of these has to be in the tokens' `aud`. Without it any token of the issuer would do, also one "
            "that a user gave to some other service; so it must be set.",
            "[\"postern\"]"),
        issuer_option<S, text, [](auto& i) -> auto& { return i.keys; }>(
            "oauth.keys",
            "The issuer's public keys (JWKS): an https URL, fetched every hour and whenever a token names a "
            "new key; or a file, read again when it changes. \"\": found by discovery.",
            "\"https://id.example.com/realms/mail/protocol/openid-connect/certs\""),
        issuer_option<S, choice<introspect_words>, [](auto& i) -> auto& { return i.introspect; }>(
            "oauth.introspect",
            "Which tokens the issuer is asked about (RFC 7662). `opaque`: those that are no JWTs, where one of the next "
            "four keys is set; else none. `all`: JWTs, too, once their signature and claims are found good, so that "
            "revoked ones are refused. `only`: all, and nothing is judged here."),
        issuer_option<S, checked<confidential_url, true>, [](auto& i) -> auto& { return i.introspection; }>(
            "oauth.introspection",
            "Where the issuer is asked about tokens. \"\": found by discovery.",
            "\"https://id.example.com/realms/mail/protocol/openid-connect/token/introspect\""),
        issuer_option<S, text, [](auto& i) -> auto& { return i.client_id; }>(
            "oauth.client_id",
            "As whom it is asked (HTTP Basic, with `client_secret`).",
            "\"postern\""),
        issuer_option<S, path, [](auto& i) -> auto& { return i.client_secret; }>(
            "oauth.client_secret",
            "File whose first line is the password for that. It is read for each question.",
            "\"/etc/postern/oauth-secret\""),
        issuer_option<S, path, [](auto& i) -> auto& { return i.bearer; }>(
            "oauth.bearer",
            "In place of those two: file whose first line is a bearer token for asking."),
        issuer_option<S, duration<0, 60 * minute>, [](auto& i) -> auto& { return i.cache_life; }>(
            "oauth.cache_life",
            "How long the issuer's word on a token counts at most, and so how long a revoked one may still be taken; "
            "never beyond the token's end. That a token is refused counts for 10 seconds at most. 0: each log-in asks."),
        issuer_option<S, duration<100, minute>, [](auto& i) -> auto& { return i.timeout; }>(
            "oauth.timeout",
            "How long the issuer may take for its word. After that the client gets 454 and tries again later."),
        issuer_option<S, path, [](auto& i) -> auto& { return i.authorities; }>(
            "oauth.authorities",
            "PEM file with the authorities that vouch for the servers of these URLs. \"\": those of the system.",
            "\"/etc/postern/internal-ca.pem\""),
        issuer_option<S, text, [](auto& i) -> auto& { return i.scope; }>(
            "oauth.scope",
            "What has to be in the tokens' `scope` (or `scp`). \"\": anything.",
            "\"smtp\""),
        issuer_option<S, text, [](auto& i) -> auto& { return i.account_claim; }>(
            "oauth.account_claim",
            "The claim that names the account by its address. An `email` that the token calls unverified is not taken."),
        issuer_option<S, duration<0, 10 * minute>, [](auto& i) -> auto& { return i.clock_skew; }>(
            "oauth.clock_skew",
            "How far the issuer's clock and ours may differ."),
    };
}
// clang-format on

}  // namespace postern::config::types
