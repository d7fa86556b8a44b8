// HMAC-MD5, RFC 2104 and RFC 1321, for CRAM-MD5 alone: nothing else may use it. OpenSSL's
// does not show its inner state, and the state is what we keep instead of the password.
#pragma once

#include <string>
#include <string_view>

namespace postern {

inline constexpr std::size_t hmac_md5_key_size = 32;

/// What HMAC makes of a key before any text: the outer and the inner MD5 state, each 16
/// octets. Does not lead back to the key except by guessing. Dovecot's {CRAM-MD5} is the
/// same in hexadecimal digits.
std::string hmac_md5_key(std::string_view key);
/// The code of a text, 16 octets, by such a state (of hmac_md5_key_size octets).
std::string hmac_md5(std::string_view key_state, std::string_view text);

}  // namespace postern
