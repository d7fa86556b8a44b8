// Where the web process has its certificates from, and how it comes to new ones: it looks every two seconds. The mail
// process has them, by the command `web certificates`; while it can't be asked, files are read where that may be done.
//
//     {"version":"VERSION"}                            what there is; absent at first
//     {"version":"VERSION","changed":true,             false: all is as it was, and the rest is not there
//      "certificates":[{"certificate":"PEM","private_key":"PEM"}],   the first for those who name nobody that we know
//      "proofs":[{"certificate":"PEM","private_key":"PEM"}]}         for tls-alpn-01 (RFC 8737)
#pragma once

#include <cstdint>
#include <optional>

#include "net/tls.hpp"
#include "web/server.hpp"

namespace postern::web {

struct certificate_options {
    std::optional<net::certificate_files> own;  // [web] certificate, where we may read it
    std::uint16_t https_port = 443;             // as people see it
};

/// Goes on as long as the server. Until there is a first certificate, connections wait.
net::awaitable<void> keep_certificates(server* pages, certificate_options o, server_link* mail);

}  // namespace postern::web
