// Notices when files of certificates were changed by others, and tells whether they are whole: a certificate and the key
// that belongs to it. What was written half is looked at again until it is. Used by one thread; asks by looking,
// since the files are often links to others in other folders.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "config/settings.hpp"
#include "directory/file_mark.hpp"
#include "net/tls.hpp"

namespace postern::acme {

class file_watch {
public:
    enum class finding : std::uint8_t {
        same,
        changed,  // and whole
        waits,    // changed, and not whole
    };

    /// Since the last look. Other files than before are no change, but may have to wait.
    finding look(config::settings const& s);
    /// Of a certificate's file; empty: it is in force as it is.
    std::string problem_of(std::filesystem::path const& chain) const;

private:
    struct pair {
        net::certificate_files files;
        directory::file_mark chain, key;
        bool waits = false;
        bool told = false;
        std::string problem{};
    };
    std::vector<pair> pairs_;
};

/// Of [tls] and [web].
std::vector<net::certificate_files> files_of_operator(config::settings const& s);

}  // namespace postern::acme
