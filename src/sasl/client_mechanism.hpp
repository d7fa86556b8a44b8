// The client halves of the mechanisms: what proves our identity to a smart host, and
// what tests and the checker speak with. One object for one AUTH command. As little
// of SMTP and base64 in here as in the server halves.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/secret.hpp"
#include "sasl/mechanism.hpp"

namespace postern::sasl {

struct respond {  // send it; as the initial response when nothing was received yet
    std::string octets;
};
struct await_challenge {};  // server-first mechanism: AUTH goes without initial response
struct abandon {            // send "*": the server breaks the mechanism's rules, or can't prove itself
    char const* why;        // without secrets; a literal, or it lives as long as the mechanism
};
/// abandon::why of SCRAM, where the server does not prove that it knows the password, and where it says "e=".
inline constexpr char server_unproven[] = "the server does not know the password";
inline constexpr char proof_refused[] = "the server refuses the proof";
using client_action = std::variant<respond, await_challenge, abandon>;

class client_mechanism {
public:
    virtual ~client_mechanism() = default;
    virtual std::string_view name() const noexcept = 0;
    /// First without a challenge, then once per challenge. SCRAM derives keys in here
    /// (up to 600,000 iterations, half a second): not for an event loop's thread.
    virtual client_action step(std::optional<std::string_view> challenge) = 0;
    /// Whether success may be believed now: a server that says 235 before it proved in
    /// SCRAM that it knows the password does not.
    virtual bool finished() const noexcept = 0;
    /// Whether step() works so long that a thread of its own has to do it.
    virtual bool works_long() const noexcept { return false; }
    /// What the server said against a token, in JSON as it came (RFC 7628 section 3.2.2); or empty.
    virtual std::string_view server_error() const noexcept { return {}; }
};

/// What we have to log in with; mechanisms that need what is not there are not used.
struct client_credentials {
    std::string authcid;
    std::string authzid;       // empty: derived from authcid
    secret password;           // empty: there is none
    secret token{};            // OAuth access token; empty: there is none
    bool certificate = false;  // shown in the TLS handshake
    std::string host{};        // of the server, for OAUTHBEARER
    std::uint16_t port = 0;
};

struct client_options {
    channel_bindings bindings;
    bool plus_offered = false;  // the server's list has a -PLUS variant
};

/// A new exchange for a mechanism by name (any letter case). Null if there is none of
/// that name, or none that works here: a -PLUS variant without channel bindings, names
/// and passwords that the mechanism can't carry.
std::unique_ptr<client_mechanism> make_client_mechanism(std::string_view name, client_credentials credentials,
                                                        client_options const& options);

/// Which kinds of credentials there are.
struct client_means {
    bool password = true;
    bool token = false;
    bool certificate = false;
};

/// The strongest mechanism of the server's list that works here; empty if none does. `allowed`: only
/// one of these; empty: any.
std::string_view choose_mechanism(std::vector<std::string> const& offered, client_options const& options,
                                  client_means const& means = {}, std::vector<std::string> const& allowed = {});

}  // namespace postern::sasl
