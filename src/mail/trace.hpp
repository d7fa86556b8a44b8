// Trace fields (RFC 5321 section 4.4): Received with the protocol names of RFC 3848 and
// RFC 6531, and the cipher suite of RFC 8314 section 4.3; Return-Path; Delivered-To.
// Whatever a client said is made harmless before it gets into them.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/ip.hpp"
#include "mail/address.hpp"

namespace postern::mail {

/// Views are borrowed for the call only. The account is not among the facts: readers
/// of a message have no business with the log-in name.
struct received_facts {
    std::string_view ehlo;         // argument of EHLO or HELO, as sent
    std::string_view client_name;  // reverse DNS; empty: not known
    ip_address client;
    std::string_view local_user;         // of a program of this machine: "user 33"; then there is no client
    bool hide_client = false;            // leaves EHLO argument, name and address out
    std::string_view hostname;           // ours
    std::string_view protocol;           // "ESMTPSA"
    std::string_view tls_version;        // "TLSv1.3"; empty: no TLS
    std::string_view tls_cipher;         // "TLS_AES_256_GCM_SHA384"
    int tls_bits = 0;                    // 0: not known
    std::string_view queue_id;           // "id"
    mailbox const* recipient = nullptr;  // "for": only when it is the only one
    bool utf8 = false;                   // SMTPUTF8: a `for` that is not ASCII may be written
    wall_time now;
};

/// "Received: ...", folded, with the last CRLF.
std::string received_field(received_facts const& facts);
/// The same at the end of a text that exists already.
void append_received_field(std::string& out, received_facts const& facts);

/// "Return-Path: <...>" with CRLF, for final delivery.
std::string return_path_field(path const& reverse_path);
/// "Delivered-To: ..." with CRLF (RFC 9228), for final delivery and against loops.
std::string delivered_to_field(mailbox const& recipient);

}  // namespace postern::mail
