// The two ends of a check, side by side: what left the client and what reached the server, and what lies
// between them. Pure; the client's observations are handed in, the server's come from its record.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ip.hpp"
#include "catalogue/verdict.hpp"
#include "witness/sighting.hpp"

namespace postern::witness {

/// One session of the check, as the client saw it.
struct departure {
    unsigned number = 0;          // of its mark
    endpoint at;                  // where it connected to
    std::optional<endpoint> own;  // its end of the connection, when there was one
    bool connected = false;
    bool spoke = false;      // something greeted or answered EHLO
    std::string greeted;     // the host name of the greeting
    std::string hello_name;  // what EHLO said
    hello clear, secured;    // `name` empty: what was announced, before TLS and within it
    bool implicit = false;   // TLS from the first octet
    std::string tls_version, cipher;
    std::string certificate;  // SHA-256, hexadecimal; empty: no TLS
};

/// What lies between, of all sessions: each thing once, the gravest first.
struct difference {
    catalogue::rule const* why = nullptr;
    std::vector<catalogue::evidence> values;
    unsigned number = 0;  // of the session that shows it
};

/// `server`: its name, for the texts.
std::vector<difference> compare(std::string const& server, std::vector<departure> const& left,
                                std::vector<sighting> const& arrived);

/// The two columns of a report: a line each, the thing, the client's side, the server's side.
struct row {
    std::string what, here, there;
    bool differs = false;
};
std::vector<row> side_by_side(departure const& left, sighting const* arrived);

}  // namespace postern::witness
