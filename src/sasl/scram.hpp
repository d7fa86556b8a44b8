// SCRAM, RFC 5802 and RFC 7677, with any of our hashes: the messages and the arithmetic that both halves
// share. Knows no exchange: scram_server.cpp and scram_client.cpp do.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/crypto.hpp"
#include "base/secret.hpp"
#include "sasl/client_mechanism.hpp"
#include "sasl/mechanism.hpp"

namespace postern::sasl::scram {

inline constexpr std::size_t longest_message = 12'288;  // what an exchange line may have (RFC 4954 section 4)
inline constexpr std::size_t longest_nonce = 512;
inline constexpr std::size_t longest_salt = 256;
// RFC 7677 section 4 asks for at least 4096. The upper bound keeps a hostile server from
// stopping a client for hours.
inline constexpr std::uint32_t fewest_iterations = 4'096;
inline constexpr std::uint32_t most_iterations = 600'000;

/// RFC 5802 section 5.1: "," and "=" in names are written "=2C" and "=3D".
std::string encode_name(std::string_view name);
/// Nothing where "=" stands before anything else, or the name is not acceptable.
std::optional<std::string> decode_name(std::string_view text);

struct client_first {
    char flag = 'n';      // 'n': no binding, 'y': the client could but thinks we can't, 'p': bound
    std::string binding;  // with 'p': the type's name
    std::string authzid;
    std::string authcid;
    std::string nonce;
    std::string gs2_header;  // up to and with the second comma
    std::string bare;        // what follows it
};
struct server_first {
    std::string nonce;
    std::string salt;  // octets
    std::uint32_t iterations = 0;
};
struct client_final {
    std::string binding;  // octets of "c="
    std::string nonce;
    std::string proof;          // octets
    std::string without_proof;  // the message up to ",p="
};

/// The parsers give nothing and a literal reason for what breaks the grammar.
std::optional<client_first> parse_client_first(std::string_view message, char const*& why);
std::optional<server_first> parse_server_first(std::string_view message, char const*& why);
std::optional<client_final> parse_client_final(std::string_view message, char const*& why);
/// Octets of the server's signature, from "v=...".
std::optional<std::string> parse_server_final(std::string_view message, char const*& why);

/// A nonce of our own: 18 random octets as base64.
std::string make_nonce();

/// SaltedPassword, RFC 5802 section 3, of an already prepared password.
secret salted_password(hash h, std::string_view prepared, std::string_view salt, std::uint32_t iterations);
/// What a server keeps, from a salted password.
scram_keys derive_keys(hash h, secret const& salted, std::string_view salt, std::uint32_t iterations);
/// ClientProof: what shows that the client knows the salted password.
std::string client_proof(hash h, secret const& salted, std::string_view auth_message);
/// Whether a proof belongs to the stored key, in constant time.
bool proof_matches(hash h, std::string_view stored_key, std::string_view auth_message, std::string_view proof);

/// Octets of the binding of that type, or nothing when the connection has none.
std::string const* find_binding(channel_bindings const& bindings, std::string_view type) noexcept;

std::unique_ptr<server_mechanism> make_server(hash h, bool plus, server_options const& options);
std::unique_ptr<client_mechanism> make_client(hash h, bool plus, client_credentials credentials,
                                              client_options const& options);
/// The same with a nonce that tests choose.
std::unique_ptr<client_mechanism> make_client(hash h, bool plus, client_credentials credentials,
                                              client_options const& options, std::string nonce);
std::unique_ptr<server_mechanism> make_server(hash h, bool plus, server_options const& options, std::string nonce);

/// "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", ...
std::string_view mechanism_name(hash h, bool plus) noexcept;

}  // namespace postern::sasl::scram
