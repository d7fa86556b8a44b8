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

/// A certificate and its key, of [tls] or [web].
struct operator_files {
    net::certificate_files files;
    bool for_mail;
};
std::vector<operator_files> files_of_operator(config::settings const& s);

class file_watch {
public:
    struct news {
        bool any = false;   // a pair has changed since the last look, and is whole
        bool mail = false;  // one of the mail ports has
    };

    /// Each pair by itself. Other files than before are no change, but may have to wait.
    news look(config::settings const& s);
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

}  // namespace postern::acme
