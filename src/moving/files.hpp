// What the readers of other programs' configuration see of the machine: files by name. The
// command line gives them the disk; tests and fuzzers give them a table.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace postern::moving {

/// Where something stands.
struct place {
    std::string file;
    unsigned line = 0;
    /// "/etc/postfix/main.cf:12"
    std::string to_string() const { return line == 0 ? file : file + ':' + std::to_string(line); }
    friend bool operator==(place const&, place const&) = default;
};

/// Why a configuration could not be read at all.
struct trouble {
    place at;
    std::string text;
    std::string to_string() const { return at.to_string() + ": " + text; }
};

struct unreadable {
    bool missing = false;
    std::string why;
};

inline constexpr std::size_t longest_configuration = 1u << 20;
inline constexpr std::size_t longest_table = 16u << 20;

class files {
public:
    virtual ~files() = default;
    /// The text of a file of at most `limit` octets. It may hold passwords.
    virtual basic_result<secret, unreadable> read(std::string const& path, std::size_t limit) = 0;
    /// The names in a folder, sorted; none when it can't be read.
    virtual std::vector<std::string> names(std::string const& folder) = 0;
};

}  // namespace postern::moving
