// Dovecot's configuration, as versions 2.0 to 2.3 write it: settings and sections, over all
// included files. The files that passdbs name (dovecot-sql.conf.ext and the like) have the
// same form without sections.
#pragma once

#include "moving/files.hpp"

namespace postern::moving {

struct setting {
    std::string key;
    std::string value;  // unquoted, $names expanded
    place at;
    bool from_file = false;  // `= <path`
    bool hidden = false;     // doveconf did not show it
};

struct section {
    std::string kind;  // "passdb", "service", ...
    std::string name;  // "auth"
    place at;
    std::vector<setting> settings;
    std::vector<section> sections;

    /// The last one of this name; else nullptr.
    setting const* find(std::string_view key) const;
    std::string value(std::string_view key, std::string_view otherwise = {}) const;
    /// All directly in here of this kind, and of this name unless it is empty.
    std::vector<section const*> all(std::string_view of_kind, std::string_view named = {}) const;
};

/// The file and what it includes. Bounded: 16 files deep, 200 files, 20,000 settings, 32 sections deep.
basic_result<section, trouble> read_dovecot(files& disk, std::string const& path);
/// Text from elsewhere, such as the output of `doveconf -n`; `name` stands for it in messages.
basic_result<section, trouble> parse_dovecot(files& disk, std::string_view text, std::string const& name);

}  // namespace postern::moving
