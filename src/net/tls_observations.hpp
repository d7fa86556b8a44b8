// What a client saw of a server's TLS, to explain it to people: the certificates as they were
// sent, what this machine thinks of them, alerts. Costly to gather, so gathered only where it is
// asked for (server_identity::observed); nothing here decides anything.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace postern::net {

/// One certificate of the chain. All texts are printable.
struct shown_certificate {
    std::string subject;             // "CN=mail.example.com,O=Example" (RFC 2253)
    std::string issuer;              // the same
    std::vector<std::string> names;  // dNSNames and addresses of the subjectAltName
    std::string common_name;         // of the subject; empty: none
    wall_time not_before{}, not_after{};
    std::string key_type;   // "RSA", "EC", "ED25519"
    int key_bits = 0;       // 2048, 256
    std::string signature;  // "sha256WithRSAEncryption", "ecdsa-with-SHA256"
    bool self_signed = false;
    bool authority = false;         // may sign others (basicConstraints CA)
    bool issuer_published = false;  // says where its issuer's certificate can be had, as public ones do
    std::string serial;             // hexadecimal, upper case
    std::string sha256;             // of the whole certificate, hexadecimal
};

/// What the server says of its certificate with the handshake (RFC 6066 section 8).
enum class stapled_status : std::uint8_t { none, good, revoked, unknown, unreadable };

struct tls_observations {
    std::vector<shown_certificate> chain;  // as sent, the server's own first

    bool trusted = false;  // an authority of this machine vouches for it, and now; names apart
    int trust_error = 0;   // X509_V_ERR_...; 0: none
    std::string untrusted_because{};
    bool name_fits = false;  // is for the name that was asked for
    std::string asked_for{};
    stapled_status stapled = stapled_status::none;

    std::string alert{};              // why the server ended it: "handshake_failure" (RFC 8446 section 6)
    bool wants_certificate = false;   // asked for one of ours
    std::string instead_of_record{};  // the first octets, where what came was no TLS: "220 m"
};

}  // namespace postern::net
