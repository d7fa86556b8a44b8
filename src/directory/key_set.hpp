// The public keys of an issuer (JWKS, RFC 7517), and whether one of them made a signature.
// Each algorithm (RFC 7518, RFC 8037) only with the kind of key that belongs to it; never
// "none", never a shared secret.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace postern::directory {

enum class signature_kind : std::uint8_t { rs256, rs384, rs512, ps256, ps384, ps512, es256, es384, es512, eddsa };
/// Of the header's "alg"; nothing for all that is not taken.
std::optional<signature_kind> signature_kind_of(std::string_view algorithm);

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

    enum class key_kind : std::uint8_t { rsa, p256, p384, p521, edwards };

private:
    struct key {
        std::string id;
        key_kind kind;
        std::optional<signature_kind> only;  // the key's "alg"
        std::shared_ptr<void> handle;        // EVP_PKEY
    };
    std::vector<key> keys_;
};

/// RFC 7515 section 2: the URL alphabet, no padding, nothing else.
std::optional<std::string> decode_base64url(std::string_view text);

}  // namespace postern::directory
