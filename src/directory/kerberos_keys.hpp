// The keys of a keytab that a client of ours could have a ticket for, in memory, ready to
// accept tickets with.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <gssapi/gssapi.h>

#include "base/result.hpp"
#include "directory/kerberos.hpp"

namespace postern::directory {

struct kerberos_keys {
    gss_cred_id_t credentials = GSS_C_NO_CREDENTIAL;
    std::int64_t count = 0;
    std::string names;  // "smtp/mail.example.com@EXAMPLE.COM (kvno 3)", ..., for the log
    bool open_to_all = false;

    kerberos_keys() = default;
    ~kerberos_keys();
    kerberos_keys(kerberos_keys const&) = delete;
    kerberos_keys& operator=(kerberos_keys const&) = delete;
};

/// May wait for whoever writes the file.
result<std::shared_ptr<kerberos_keys const>> read_keys(kerberos_options const& o);

}  // namespace postern::directory
