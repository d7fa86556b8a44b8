// What the server saw of one session that a check marked. Nothing of it is secret from who has the
// code: no account, no password, only what the client itself said and was told.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/array.hpp>

#include "base/clock.hpp"

namespace postern::witness {

/// The first word of the client, and what was announced to it.
struct hello {
    bool said = false;
    bool extended = false;  // EHLO, not HELO
    std::string name;       // as it came
    bool starttls = false;  // announced
    std::vector<std::string> mechanisms;
    friend bool operator==(hello const&, hello const&) = default;
};

struct sighting {
    unsigned number = 0;  // of the mark
    std::string session;  // the server's id of it
    wall_time began{};
    std::string listener;  // "[::]:587"
    std::string role;      // "submission", "mx"
    std::string client;    // address and port that it came from
    std::string server;    // address and port that it came to
    std::string greeted;   // the host name of the greeting
    hello clear, secured;  // before TLS, and within it
    bool starttls_asked = false;
    bool implicit = false;  // TLS came first
    std::string tls_version, cipher, server_name;
    std::string certificate;            // SHA-256 of what was shown, hexadecimal
    std::string problem;                // of the handshake
    std::vector<std::string> tried;     // mechanisms
    std::vector<std::string> verdicts;  // rules of refusals
    bool logged_in = false;
    bool over = false;
    friend bool operator==(sighting const&, sighting const&) = default;
};

// Less than what clients take for one reply (smtp/reply_parser.hpp).
inline constexpr std::size_t longest_record = 28u << 10;
/// Of each list in a sighting.
inline constexpr std::size_t most_items = 20;

boost::json::array to_json(std::vector<sighting> const& all);
/// What a server told, which may be anybody's: bounded and strict. `json` is of at most
/// `longest_record` octets.
std::optional<std::vector<sighting>> parse_record(std::string_view json);

}  // namespace postern::witness
