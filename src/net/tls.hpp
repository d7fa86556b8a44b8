// TLS settings: certificates and keys by name, tickets, versions. Made once, shared by
// all connections of a listener, replaced as a whole at a reload.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"

namespace postern::net {

struct certificate_files {
    std::filesystem::path chain;        // PEM, leaf first
    std::filesystem::path private_key;  // PEM
};

/// The same as text, for who may not read the files.
struct certificate_text {
    std::string chain;   // PEM, leaf first
    secret private_key;  // PEM
};

struct server_tls_options {
    std::vector<certificate_files> certificates;  // the first is the default; ECDSA and RSA may stand side by
                                                  // side; others are chosen by SNI
    std::vector<certificate_text> texts{};        // after those
    std::string minimum = "1.2";
    std::string session_context;               // keeps tickets of one listener out of another
    bool client_certificates = false;          // ask clients for one; whoever has none is served, too
    std::filesystem::path client_authorities;  // PEM; empty: none is trusted
    /// What is spoken behind TLS (ALPN, RFC 7301): "http/1.1". A client that offers other protocols only is refused, one
    /// that offers none is not. Empty: ALPN is not looked at.
    std::string protocol{};
    /// For who asks for a name with the protocol "acme-tls/1" (RFC 8737): proof that the name is ours. Wants `protocol`.
    std::vector<certificate_text> challenges{};
};

class tls_context;
struct certificate_pin;  // net/stream.hpp

/// Errors name the file and say what to do ("private key ... does not belong to certificate ...").
result<std::shared_ptr<tls_context>> make_server_tls(server_tls_options const& o);
/// For connecting to others; trusts the system's certificates, or those of a PEM file.
result<std::shared_ptr<tls_context>> make_client_tls(std::filesystem::path const& authorities = {});

/// Whether a TLSA record can decide anything (RFC 7672 section 3.1): usage 2 or 3, and data that fits.
bool is_usable_pin(certificate_pin const& pin);

/// For one server: trusts the authorities of a PEM file (empty: the system's), and shows a certificate
/// of ours when it is asked for one (empty: none).
result<std::shared_ptr<tls_context>> make_client_tls(std::filesystem::path const& authorities,
                                                     certificate_files const& own);

/// Makes a self-signed ECDSA P-256 certificate for the names, valid ten years, unless both files
/// are there already. True when it was made now.
result<bool> ensure_self_signed(certificate_files const& files, std::vector<std::string> const& names);

/// Facts about the first certificate of a file.
struct certificate_summary {
    std::vector<std::string> names;
    long days_left = 0;
    bool self_signed = false;
    wall_time not_before{}, not_after{};
    std::string serial, authority_key;  // octets, as RFC 9773 section 4.1 wants them; empty: not there
};
result<certificate_summary> summarize(std::filesystem::path const& chain);

}  // namespace postern::net
