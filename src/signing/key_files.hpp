// The folder data_dir/dkim: which keys there are (keys.json), and each private key in a file of
// its own that only its owner can read. Every file is replaced as a whole.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/signing_key.hpp"

namespace postern::signing {

/// `waiting`: published, perhaps, but not used yet. `retired`: not used any more; it stays in the
/// DNS for the sake of mail that is on its way.
enum class key_state : std::uint8_t { waiting, active, retired };

struct key_row {
    std::string domain, selector;
    signing_key::kind kind = signing_key::kind::rsa;
    key_state state = key_state::waiting;
    wall_time created;
    wall_time changed;  // into this state
};

inline constexpr std::size_t most_keys = 1000;

/// Nothing there: no rows.
result<std::vector<key_row>> read_rows(std::filesystem::path const& folder);
/// Makes the folder where it is missing.
result<> write_rows(std::filesystem::path const& folder, std::vector<key_row> const& rows);

std::filesystem::path key_path(std::filesystem::path const& folder, std::string_view domain, std::string_view selector);
result<signing_key> read_key(std::filesystem::path const& file);
result<> write_key(std::filesystem::path const& folder, key_row const& row, signing_key const& key);
void remove_key(std::filesystem::path const& folder, key_row const& row);

std::string_view to_string(key_state s) noexcept;
std::string_view to_string(signing_key::kind k) noexcept;

}  // namespace postern::signing
