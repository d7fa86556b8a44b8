// How a file of users is written, when it is not one of ours.
#pragma once

#include <cstdint>
#include <string>

namespace postern::directory {

struct file_format {
    enum class kind : std::uint8_t {
        dovecot,   // passwd-file: name:{SCHEME}hash:uid:gid:gecos:home:shell:extra fields
        htpasswd,  // name:hash, of Apache
        shadow,    // name:hash:last change:min:max:warn:inactive:expires:
    };
    kind what = kind::dovecot;
    std::string domain;  // names without "@" belong there; "": there must be none
    std::string scheme;  // of hashes without a {SCHEME} or "$"; "": there must be none
};

}  // namespace postern::directory
