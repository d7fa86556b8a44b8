// What is asked for and answered over HTTP (RFC 9110), as values. Whoever answers is a function from a request to a
// response: it knows no socket, so tests are tables.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ip.hpp"
#include "base/secret.hpp"

namespace postern::http {

enum class method : std::uint8_t { get, head, post, put, patch, remove, options, other };

/// Names in lower case.
using fields = std::vector<std::pair<std::string, std::string>>;

struct request {
    http::method method = http::method::get;
    std::string host;   // of the URL, in lower case, without port; a name or an address
    std::string path;   // decoded, with no `.` or `..` or empty segment in it; begins with '/'
    std::string query;  // as it came, without '?'
    http::fields fields;
    secret body;  // may hold a password
    ip_address client;
    bool secure = true;  // over TLS
};

struct response {
    unsigned status = 200;
    http::fields fields;
    std::string body;
    bool holds_secret = false;  // the body: never cached, and wiped when it is sent
};

/// The first field of that name (in lower case); empty: there is none.
std::string_view find(fields const& f, std::string_view name) noexcept;

/// A parameter of a query or of a form (application/x-www-form-urlencoded): `+` and `%XX` decoded; nothing when it is not
/// there or is badly encoded.
std::optional<std::string> parameter(std::string_view query, std::string_view name);
/// The same, of which the name may have any letter case.
std::optional<std::string> parameter_ignoring_case(std::string_view query, std::string_view name);

/// `%XX` decoded; nothing for a bad escape or a NUL.
std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_space = false);
/// All but unreserved characters (RFC 3986 section 2.3) as `%XX`.
std::string percent_encoded(std::string_view text);

/// A cookie of that name (RFC 6265 section 5.4); empty: there is none.
std::string_view cookie(fields const& f, std::string_view name) noexcept;

/// For text and attribute values in HTML and XML: & < > " ' escaped, and what XML does not allow left out.
std::string escaped(std::string_view text);

/// Of the languages that we have, the one that an Accept-Language field likes best (RFC 9110 section 12.5.4); the first
/// when it likes none. `have` is not empty: "en", "de".
std::string_view preferred_language(std::string_view accept, std::vector<std::string_view> const& have) noexcept;

/// An answer with one body and its media type.
response answer(unsigned status, std::string_view media_type, std::string body);

}  // namespace postern::http
