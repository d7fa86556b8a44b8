// What domains publish about their mail servers, as documents: Mozilla's autoconfig, Microsoft's Autodiscover (plain XML)
// and PACC. Read from octets that somebody else made: bounded, no DTD, no entities of their own. Asks nobody.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "providers/providers.hpp"

namespace postern::discovery {

inline constexpr std::size_t longest_document = 128u << 10;
inline constexpr std::size_t most_servers = 20;  // of one document; what is over that is left out

/// An outgoing server as a document names it.
struct published {
    std::string host;  // a domain in A-labels, lower-case
    std::uint16_t port = 0;
    providers::security how = providers::security::implicit_tls;
    std::string user;               // with %EMAILADDRESS% and the like; empty: not said
    std::vector<std::string> auth;  // "PLAIN", "CRAM-MD5", "OAUTH2", "NTLM", "GSSAPI"; empty: not said
};

struct document {
    std::vector<published> servers;
    std::string display_name;
    std::string problem;  // why it can't be used, or only in part; one printable line
};

/// Mozilla's config-v1.1.xml: its outgoing servers of type smtp.
document parse_autoconfig(std::string_view xml);

struct autodiscovered : document {
    std::string redirect_address;  // ask about this address instead
    std::string redirect_url;      // ask there instead
};
/// The response of plain Autodiscover (POX).
autodiscovered parse_autodiscover(std::string_view xml);
/// The request for it.
std::string autodiscover_request(std::string_view address);

/// draft-ietf-mailmaint-pacc: user-agent-configuration.json.
document parse_pacc(std::string_view json);
/// The digests of `_ua-auto-config` in a TXT record, as octets of SHA-256; nothing when it is another record.
std::optional<std::string> parse_pacc_record(std::string_view text);

/// Whether this is a web page rather than a document of these.
bool is_web_page(std::string_view body);

}  // namespace postern::discovery
