// Places that mail is handed over to, as the configuration writes them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace postern::delivery {

enum class transport : std::uint8_t { smtp, lmtp, maildir };

struct target {
    transport how = transport::smtp;
    std::string host;  // name or address
    std::uint16_t port = 0;
    std::string socket;  // LMTP over a Unix socket
    std::string folder;  // Maildir, with %d %n %u %%

    /// As written: "lmtp:127.0.0.1:24".
    std::string to_string() const;
    friend bool operator==(target const&, target const&) = default;
};

/// [delivery] local: "maildir:/path/%d/%n", "lmtp:HOST:PORT", "lmtp:unix:/path", "smtp:HOST:PORT".
/// Errors say what is wrong with it.
result<target> parse_local(std::string_view text);
/// [delivery] smart_host: "host", "host:port", "[2001:db8::1]:25". Without a port: 25.
result<target> parse_smart_host(std::string_view text);

}  // namespace postern::delivery
