// SASL mechanisms, RFC 4422: one exchange is one object, made for one AUTH command
// and thrown away at its end. A mechanism knows nothing of SMTP, of base64 or of
// where credentials are stored: it asks for what it needs, and the caller answers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/crypto.hpp"
#include "base/secret.hpp"

namespace postern::sasl {

inline constexpr std::string_view gssapi = "GSSAPI";

struct challenge {  // send it (possibly empty), await a response
    std::string octets;
};
struct verify_password {  // the caller asks the directory, then calls on_password()
    std::string authcid;
    std::string authzid;  // empty: derive it from authcid
    secret password;
};
struct fetch_scram {  // the caller asks the directory, then calls on_scram()
    std::string authcid;
    postern::hash hash;
};
struct fetch_cram {  // the caller asks the directory, then calls on_cram()
    std::string authcid;
};
struct verify_token {      // the caller asks who it is for; if it is refused, it calls on_token_refused()
    std::string identity;  // whom the client wants to be; empty: whoever the token is for
    secret token;          // empty: the client only asks what would be taken
};
struct context_step {  // GSSAPI: the caller asks the Kerberos library, then calls on_context()
    enum class kind : std::uint8_t {
        begin,   // a new security context takes the client's first token
        go_on,   // the same context takes the next one
        wrap,    // octets of ours to protect against changes
        unwrap,  // what the client protected so
    };
    kind what = kind::begin;
    std::string octets;
};
struct accepted {
    std::string authcid;
    std::string authzid{};  // empty: derive
    /// SCRAM, CRAM-MD5: what the proof was checked with. The account may have another one by now.
    std::string stored_key{};
    bool outside = false;  // EXTERNAL, GSSAPI: there is no such key
};
struct rejected {
    enum class reason {
        malformed,        // 501 5.5.2: the exchange breaks the mechanism's grammar
        bad_credentials,  // 535 5.7.8
        cancelled,        // 501 5.7.0: "*"
        channel_binding,  // 535 5.7.8, logged apart: bindings differ, downgrade flag
        unsure,           // 454 4.7.0: the proof does not fit what may be out of date
    };
    reason why;
    char const* detail;  // for the log only; a literal
};
using outcome =
    std::variant<challenge, verify_password, fetch_scram, fetch_cram, verify_token, context_step, accepted, rejected>;

/// The detail of rejected::reason::unsure.
inline constexpr char const* unsure_proof = "a back end can't be asked, and the proof does not fit what is remembered";

/// Further keys of an account that an exchange may be proven with, made with the same salt and
/// iterations.
struct scram_companion {
    std::string stored_key;
    std::string server_key;
};

/// RFC 5802 section 5: what the server keeps of a password. For an unknown account the
/// directory makes one up that is the same each time (`real` is false then), so that
/// the exchange does not tell.
struct scram_keys {
    std::string salt;
    std::uint32_t iterations = 0;
    std::string stored_key;
    std::string server_key;
    bool real = false;
    char const* note = "no such account";  // for the log, when not real; a literal
    /// Who knows better can't be asked: a proof that does not fit says nothing, whoever it is.
    bool unsure = false;
    /// Tried one by one when the above do not fit. Always as many, whoever it is: made-up ones fill up.
    std::shared_ptr<std::vector<scram_companion> const> companions{};
};

/// The same for CRAM-MD5: 32 octets, as make_cram_secret() gives them.
struct cram_keys {
    secret state;
    std::string stored_key{};  // what accepted::stored_key will be
    bool real = false;
    char const* note = "no such account";
    bool unsure = false;  // as in scram_keys
};

/// What the Kerberos library made of a context_step.
struct context_answer {
    enum class state : std::uint8_t {
        more,         // `octets` are for the client, whose answer the context needs
        established,  // the client is known; `octets`, if any, are for it first
        done,         // wrap, unwrap: `octets` are what was asked for
        defective,    // the client's octets are no token of Kerberos
        refused,      // they are, but not taken
    };
    state what = state::refused;
    std::string octets{};
    std::string principal{};           // established: whose ticket it is, "anna@EXAMPLE.COM"
    std::string account{};             // whose log-in that is; empty: nobody's, and `note` says why
    std::vector<std::string> names{};  // what else the client may call that account
    char const* note = "";             // why it was refused, for the log; a literal
};

/// Channel bindings of the connection, empty where there are none (RFC 9266, RFC 5929).
struct channel_bindings {
    std::string tls_exporter{};  // 32 octets
    std::string tls_server_end_point{};
    std::string tls_unique{};  // TLS 1.2 with the extended master secret only (RFC 7627, RFC 9266 section 3)

    bool any() const noexcept { return !tls_exporter.empty() || !tls_server_end_point.empty() || !tls_unique.empty(); }
};

/// What at least one account can log in with. What none can is not offered.
struct account_means {
    bool password = true;
    bool scram_sha1 = false;
    bool scram_sha256 = true;
    bool scram_sha512 = false;
    bool cram_md5 = false;
    bool token = false;
    bool ticket = false;  // Kerberos
};

/// What decides, besides the configuration, whether a mechanism can succeed.
struct circumstances {
    account_means accounts{};
    bool tls = false;
    bool bindings = false;     // the connection has channel bindings
    bool certificate = false;  // the client showed one that is some account's, or may be
};

class server_mechanism {
public:
    virtual ~server_mechanism() = default;
    virtual std::string_view name() const noexcept = 0;  // "SCRAM-SHA-256"
    /// First call: the initial response, or nothing when the client sent none; absent
    /// and empty ("=") differ (RFC 4954 section 4). Then one call per response.
    virtual outcome step(std::optional<std::string_view> response) = 0;
    /// Answer to fetch_scram. Other mechanisms are never asked.
    virtual outcome on_scram(scram_keys const& keys);
    /// Answer to fetch_cram.
    virtual outcome on_cram(cram_keys const& keys);
    /// Answer to verify_token when the token is not taken, with what to tell the client.
    virtual outcome on_token_refused(std::string_view json);
    /// Answer to context_step.
    virtual outcome on_context(context_answer const& answer);
    /// Whether the credentials were refused already, and the exchange only has to be ended.
    virtual bool refused() const noexcept { return false; }
    /// The identity that this exchange claims so far, for the log: never a secret.
    virtual std::string_view claimed() const noexcept = 0;
};

struct server_options {
    channel_bindings bindings{};
    bool plus_offered = false;            // a -PLUS variant was in the list the client saw: flag "y" is a downgrade
    std::string host{};                   // our name, for challenges
    std::vector<std::string> external{};  // accounts that the client's certificate is for
    bool external_unsure = false;         // it may be for further ones: who knows can't be asked
};

/// A new exchange for a mechanism by name (any letter case), or null if there is none of
/// that name.
std::unique_ptr<server_mechanism> make_server_mechanism(std::string_view name, server_options const& options);
/// Names that make_server_mechanism knows, strongest first.
std::vector<std::string_view> const& server_mechanisms();
/// Whether an exchange could end well: the channel is right for the mechanism, and some
/// account has what it takes.
bool can_succeed(std::string_view name, circumstances const& c) noexcept;
/// Whether the mechanism starts with a server challenge, so that an initial response is
/// an error (RFC 4954 section 4; LOGIN is the documented exception).
bool is_server_first(std::string_view name) noexcept;

}  // namespace postern::sasl
