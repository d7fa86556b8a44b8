// What an issuer says about itself: the metadata document of RFC 8414 and of OpenID
// Connect Discovery. The reading is pure; discovery fetches, and keeps what it found.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace postern::directory {

class web_client;

struct issuer_metadata {
    std::string keys;           // jwks_uri; empty: none
    std::string introspection;  // introspection_endpoint; empty: none
};

/// At most 256 KiB. The document has to be about this very issuer (RFC 8414 section 3.3),
/// and what it leads to has to be confidential; within this machine only when the issuer is.
result<issuer_metadata> parse_metadata(std::string_view json, std::string_view issuer);

/// Where the document may be: OpenID's place, then that of RFC 8414 section 3.1.
std::array<std::string, 2> metadata_urls(std::string_view issuer);

class discovery {
public:
    discovery(std::string issuer, std::filesystem::path authorities, std::chrono::milliseconds timeout);

    /// Blocks while it fetches. What was found less than `age` ago does; when the issuer
    /// can't be asked, what was found less than a day ago.
    result<issuer_metadata> find(web_client& client, std::chrono::seconds age, std::atomic<bool> const& stop);
    /// Where the document was found; OpenID's place before that. Never blocks for long.
    std::string document() const;

private:
    result<issuer_metadata> fetch(web_client& client, std::atomic<bool> const& stop);

    std::string const issuer_;
    std::filesystem::path const authorities_;
    std::chrono::milliseconds const timeout_;

    std::mutex fetching_;  // one at a time; the others take what it found
    std::optional<issuer_metadata> found_;
    steady_time found_at_{};
    std::optional<error> failure_;  // of the last fetch
    steady_time failed_at_{};

    mutable std::mutex place_lock_;
    std::string place_;
};

}  // namespace postern::directory
