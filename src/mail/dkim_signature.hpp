// One DKIM-Signature field (RFC 6376 section 3.5) on its way: how long it will be is known
// with the header section, what it says with the end of the body. So it can be left room for
// in front of a message that streams through.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/signing_key.hpp"
#include "mail/dkim_canonical.hpp"

namespace postern::mail {

/// What is signed, and how; the same for every message.
struct dkim_rules {
    canonical_form header = canonical_form::relaxed;
    canonical_form body = canonical_form::relaxed;
    std::chrono::seconds lifetime{0};   // 0: a signature does not expire
    std::vector<std::string> fields;    // signed wherever they are
    std::vector<std::string> sealed{};  // signed once more than they are there: none can be added
};

/// The order of fields in h=, one entry for each that is there, then the sealed ones once more.
std::vector<std::string> signed_names(std::vector<header_field> const& fields, dkim_rules const& rules);

/// SHA-256 of what a signature covers: the fields that `names` lists, from the last one of each
/// name upwards, then the signature itself, whose octets end with an empty b=.
std::string header_digest(std::vector<header_field> const& fields, std::vector<std::string> const& names,
                          std::string_view signature, canonical_form form);

class dkim_signature {
public:
    dkim_signature(std::string_view domain, std::string_view selector, signing_key const& key, dkim_rules const& rules,
                   std::vector<header_field> const& fields, wall_time now);

    /// As long as finished(), with CRLF, under a name that nobody takes for a signature's.
    std::string placeholder() const;
    /// What the key has to sign, given the body's; once.
    std::string digest(std::string_view body_hash);
    std::string finished(std::string_view signature) const;

private:
    canonical_form form_;
    std::size_t signature_size_;
    hasher hash_;
    std::string text_;  // up to bh=, with digest() up to the empty b=
};

}  // namespace postern::mail
