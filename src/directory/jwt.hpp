// JSON Web Tokens (RFC 7519) signed by an issuer, checked with its published keys
// (RFC 7517). Pure: the keys, the rules and the time come in, a judgement goes out. What
// is not here: fetching the keys (token_keys.hpp), and whose login it is.
//
// Three algorithms, each only with the kind of key that belongs to it: RS256 (RSA of 2048
// bits and more), ES256 (P-256), EdDSA (Ed25519). Never "none", never a shared secret.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace postern::directory {

struct token_rules {
    std::string issuer;                 // what "iss" must be
    std::vector<std::string> audience;  // one of them must be in "aud"; empty: not looked at
    std::string scope;                  // must be among "scope" (or "scp"); empty: not looked at
    std::string account_claim = "email";
    std::chrono::seconds skew{60};  // how far the clocks may differ
};

enum class signature_kind { rs256, es256, eddsa };

/// The issuer's keys.
class key_set {
public:
    /// A JWKS document. Keys of other kinds and uses are left out; one without any usable key
    /// is an error, and so is one of more than 100 keys.
    static result<key_set> parse(std::string_view json);

    enum class found { good, bad, no_such_key };
    /// `id`: of the token's header, possibly empty: then any key of the kind may fit.
    found verify(signature_kind kind, std::string_view id, std::string_view signed_text,
                 std::string_view signature) const;
    std::size_t size() const noexcept { return keys_.size(); }

private:
    struct key {
        std::string id;
        signature_kind kind;
        std::shared_ptr<void> handle;  // EVP_PKEY
    };
    std::vector<key> keys_;
};

struct token_judgement {
    enum class state {
        good,
        refused,
        insufficient_scope,
        unknown_key,  // nothing wrong but that the key is not in the set: perhaps it is a new one
    };
    state what = state::refused;
    std::string account;   // when good: the value of the claim
    char const* why = "";  // for the log; a literal
};

/// Looks at every part in turn; nothing of a token that fails gets out but the reason.
token_judgement judge_token(std::string_view token, key_set const& keys, token_rules const& rules, wall_time now);

}  // namespace postern::directory
