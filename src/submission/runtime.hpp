// What sessions look things up in: the settings in force, made ready for use. Never
// changed; a reload makes a new one, and running sessions keep theirs.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "acme/good_pairs.hpp"
#include "base/result.hpp"
#include "config/settings.hpp"
#include "directory/directory.hpp"
#include "login/judges.hpp"
#include "net/tls.hpp"
#include "smtp/server_session.hpp"
#include "spool/spool.hpp"

namespace postern::submission {

struct listener_runtime {
    config::listener configured;
    std::string address;  // as bound: "[::]:587"
    std::uint16_t port = 0;
    smtp::server_settings session;
    std::shared_ptr<net::tls_context> tls;  // null where `tls = "none"`
    bool wants_bindings = false;            // a -PLUS mechanism is configured
    bool for_programs = false;              // of this machine: a Unix socket
    std::vector<config::milter> milters;    // that see its mail
};

struct runtime {
    config::settings settings;
    std::vector<listener_runtime> listeners;
    login::judges judges;
    std::uint16_t login_port = 0;  // where a client can log in, for remedies; 0: nowhere
    std::uint16_t starttls_port = 0;
};

/// Loads the certificates (makes a self-signed one where none is configured); one of `kept` stays in force where its files
/// are no good any more. `addresses` and `ports` are those of the listeners as bound, in the order of the settings.
result<std::shared_ptr<runtime const>> make_runtime(config::settings const& s, login::judges judges,
                                                    std::vector<std::string> const& addresses,
                                                    std::vector<std::uint16_t> const& ports, acme::good_pairs& kept);

}  // namespace postern::submission
