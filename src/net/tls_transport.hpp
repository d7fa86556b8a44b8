// The socket as OpenSSL sees it. It reads from it at once, but what it writes is gathered,
// so that records which are made one after the other (a session ticket and the greeting,
// the last reply and close_notify) travel in one segment and cost one system call.
#pragma once

#include <string>

#include <openssl/types.h>

namespace postern::net {

struct tls_transport {
    int descriptor = -1;  // connected and non-blocking; not closed here
    std::string output;   // records that the owner has yet to send
};

/// A BIO over `transport`, which must outlive it. Null when there is no memory.
BIO* make_transport_bio(tls_transport& transport);

}  // namespace postern::net
