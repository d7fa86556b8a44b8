// What a certificate authority answers (RFC 8555 section 7.1), read within bounds. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace postern::acme {

inline constexpr std::size_t longest_answer = 256u << 10;
inline constexpr std::size_t most_names = 100;  // of one certificate

/// An answer over HTTP, with the fields that count. No `status`: nobody answered, and `body` says why.
struct answer {
    long status = 0;
    std::string body{};
    std::string nonce{};     // Replay-Nonce
    std::string location{};  // absolute
    std::string retry_after{};
};

struct service_urls {
    std::string new_nonce, new_account, new_order;
    std::string renewal_info;  // RFC 9773; empty: not offered
    bool wants_external_account = false;
    std::vector<std::string> caa_identities;  // what CAA records call it (RFC 8555 section 7.1.1)
};

enum class state : std::uint8_t { pending, processing, ready, valid, invalid, other };

/// Why something was refused (RFC 7807), in what RFC 8555 section 6.7 knows of it.
struct problem {
    std::string type;                // "rateLimited": without urn:ietf:params:acme:error:; empty: not said
    std::string detail;              // printable
    std::vector<std::string> names;  // that its subproblems are about
};

struct order {
    acme::state state = state::other;
    std::vector<std::string> authorizations;  // URLs
    std::string finalize, certificate;        // URLs
    problem error;
};

struct challenge {
    std::string type, url, token;
    problem error;
};

struct authorization {
    acme::state state = state::other;
    std::string name;
    std::vector<acme::challenge> challenges;  // of the kinds that have a token
};

/// Nothing: it isn't one.
std::optional<service_urls> parse_directory(std::string_view body);
std::optional<order> parse_order(std::string_view body);
std::optional<authorization> parse_authorization(std::string_view body);
/// What is no problem document gives one without type, with the first of its text.
problem parse_problem(std::string_view body);
/// The window in which a certificate should be renewed (RFC 9773 section 4.2).
struct renewal_window {
    wall_time start, end;
};
std::optional<renewal_window> parse_renewal_window(std::string_view body);
/// Where it is asked for; `authority_key` and `serial` of the certificate, octets. Empty: it has none of them.
std::string renewal_url(service_urls const& d, std::string_view authority_key, std::string_view serial);

/// Retry-After (RFC 9110 section 10.2.3): seconds, or a date. Never negative, a week at most.
std::optional<std::chrono::seconds> parse_retry_after(std::string_view text, wall_time now);

}  // namespace postern::acme
