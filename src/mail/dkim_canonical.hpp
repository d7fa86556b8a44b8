// The canonical forms of header fields and bodies that DKIM signs (RFC 6376 section 3.4).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/crypto.hpp"
#include "mail/header_section.hpp"

namespace postern::mail {

enum class canonical_form : std::uint8_t { simple, relaxed };

/// The field with its CRLF.
std::string canonical_field(header_field const& f, canonical_form form);

/// SHA-256 of a body that comes in pieces cut anywhere. Memory does not depend on its size.
/// Only CRLF ends a line; in binary content (RFC 3030) other CRs and LFs are octets like any.
class body_hasher {
public:
    explicit body_hasher(canonical_form form) : form_(form) {}
    void add(std::string_view piece);
    /// The body has ended.
    std::string finish();

private:
    void put(std::string_view octets);
    void begin_text();

    canonical_form form_;
    hasher hash_{hash::sha256};
    std::array<char, 4096> buffer_{};
    std::size_t filled_ = 0;
    std::uint64_t line_ends_ = 0;  // seen, but perhaps at the end of the body
    bool blank_ = false;           // relaxed: blanks seen that may end a line
    bool after_cr_ = false;
    bool has_text_ = false;
};

}  // namespace postern::mail
