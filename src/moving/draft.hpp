// What comes out of reading another server's configuration: values for postern.toml, each
// with the place that it comes from, and everything that could not be carried over.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "moving/files.hpp"

namespace postern::moving {

/// How much a finding matters to somebody who is about to switch.
enum class weight : std::uint8_t {
    act,      // mail, log-ins or a protection would be lost: do something first
    differs,  // works, but not as before
    lost,     // has no counterpart
    fine,     // needs nothing
};

struct finding {
    weight how_much = weight::lost;
    place at;
    std::string name;
    std::string value;  // secrets blanked
    std::string why;    // and what to do
};

struct entry {
    std::string key;   // "limits.recipients"; within a row only "address"
    std::string toml;  // its value
    std::string from;  // the comment behind it
};

/// One table of a list: [[listener]], [[backend]], ...
struct row {
    std::string list;
    std::string from;
    std::vector<entry> entries;
    void set(std::string key, std::string toml, std::string from_where = {})
    {
        entries.push_back({std::move(key), std::move(toml), std::move(from_where)});
    }
    entry const* find(std::string_view key) const;
};

struct draft {
    std::vector<entry> entries;
    std::vector<row> rows;
    std::vector<finding> findings;
    std::vector<std::string> commands;  // of postern, to be run once it has its configuration

    /// The first one to set a key keeps it.
    void set(std::string_view key, std::string toml, std::string from);
    entry const* find(std::string_view key) const;
    void tell(weight how_much, place at, std::string name, std::string value, std::string why);
};

/// The configuration as text. Its comments say where each line comes from.
std::string to_toml(draft const& d, std::string_view origin);
/// The list of what was not carried over, heaviest first.
std::string to_report(draft const& d);
/// A shell script with the commands.
std::string to_script(draft const& d);

/// ["a", "b"] in TOML.
std::string toml_list(std::vector<std::string> const& texts);
/// A word for a shell.
std::string shell_word(std::string_view text);
std::string_view title_of(weight how_much) noexcept;
std::string_view name_of(weight how_much) noexcept;

}  // namespace postern::moving
