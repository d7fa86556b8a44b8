// Password verifiers: the strings that the database keeps instead of passwords. Ours
// are argon2id; imported ones stay what they were until their owner logs in: crypt(3)
// strings, Argon2, SCRAM keys and what foreign_hash.hpp lists.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/crypto.hpp"
#include "base/secret.hpp"
#include "sasl/mechanism.hpp"

namespace postern::directory {

/// What a person calls it: "argon2id", "$6$", "$2b$", "scram-sha-256".
std::string scheme_of(std::string_view verifier);
/// The verifier without salt and hash: what its check costs. "$6$rounds=5000$", "$2b$12$".
std::string cost_of(std::string_view verifier);

/// Whether it is what make_verifier() would make now, or dearer.
bool is_current(std::string_view verifier);
/// argon2id with our own costs, of an already prepared password. Empty: no memory.
std::string make_verifier(std::string_view prepared);

enum class match : std::uint8_t { yes, no, failed };  // failed: no memory, or a verifier that can't be read
match check(std::string_view verifier, std::string_view password);

struct check_request {
    std::string_view verifier;
    std::string_view password;
    match found = match::failed;  // out
};
/// Several at once: those that runs_together() names run side by side in the lanes of a vector.
void check_all(std::span<check_request> requests);
bool runs_together(std::string_view verifier) noexcept;
/// Whether the two may share a call: neither waits long for the other.
bool run_together(std::string_view one, std::string_view other);
/// How many of them run best together (1 where nothing does), and from how many on.
struct company {
    unsigned most;
    unsigned least;
};
company best_company() noexcept;

/// A verifier of the same cost that no password matches: what unknown accounts are
/// checked against, so that they take as long.
std::string make_dummy(std::string_view verifier);

/// RFC 5802 keys as a verifier ("{SCRAM-SHA-256}4096,salt,stored,server"), or not `real`.
sasl::scram_keys scram_keys_of(std::string_view verifier, hash h = hash::sha256);

struct import_reading {
    std::string verifier;   // as stored; empty when the password is in the clear
    secret password;        // {PLAIN}: to be hashed
    char const* problem{};  // a literal; null when all is well
    std::string scheme;     // of {SCHEME}, when that is the problem
};
/// A hash from another system's password file.
import_reading read_import(std::string_view text);

}  // namespace postern::directory
