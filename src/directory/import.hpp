// Accounts from another system's file, as the database takes them.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "directory/file_format.hpp"
#include "directory/store.hpp"

namespace postern::directory {

/// The salt and the iterations that SCRAM keys are made with. Any thread may call.
using salt_chooser = std::function<scram_salt(std::string const& address, hash h)>;

/// The accounts of a file, passwords hashed (with several threads when there are many in
/// the clear). `problems` names each bad line; then the list is of no use.
std::vector<imported_account> read_passwd_file(std::string_view text, file_format const& format,
                                               std::span<hash const> scram_hashes, salt_chooser const& salt_of,
                                               std::vector<std::string>& problems);

/// What a password is kept as: argon2id and SCRAM keys. Empty verifier: no memory.
new_credentials make_credentials(std::string const& address, secret const& password, std::span<hash const> scram_hashes,
                                 salt_chooser const& salt_of);

/// A password in the clear, of others, is kept as a digest: a dump of our memory need not have it.
std::string digest_verifier(secret const& password);

inline constexpr std::uint32_t scram_iterations = 10'000;
inline constexpr std::size_t scram_salt_size = 16;

/// SCRAM keys, with our own iteration count if none is named.
sasl::scram_keys make_scram_keys(hash h, std::string_view password, std::string_view salt,
                                 std::uint32_t iterations = scram_iterations);

}  // namespace postern::directory
