// OAUTHBEARER (RFC 7628) and XOAUTH2 (Google's format, which Microsoft took over): the
// client sends a bearer token. Whether it is good is for the caller to find out. A refusal
// goes to the client as JSON in a challenge, which it answers with nothing of interest;
// only then comes the failure. Only under TLS. Both halves.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/secret.hpp"
#include "sasl/client_mechanism.hpp"
#include "sasl/mechanism.hpp"

namespace postern::sasl::oauth {

struct message {
    std::string identity;  // whom the client wants to be; empty: whoever the token is for
    secret token;          // empty: the client asks what it would take
};

/// RFC 7628 section 3.1. Nothing, and a literal reason, for what breaks the grammar.
std::optional<message> parse_oauthbearer(std::string_view text, char const*& why);
/// "user=" identity ^A "auth=Bearer " token ^A ^A
std::optional<message> parse_xoauth2(std::string_view text, char const*& why);

enum class format { oauthbearer, xoauth2 };
std::unique_ptr<server_mechanism> make_server(format f);
std::unique_ptr<client_mechanism> make_client(format f, client_credentials credentials);

/// b64token, RFC 6750 section 2.1.
bool is_token(std::string_view text);

}  // namespace postern::sasl::oauth
