// The Sender Rewriting Scheme: the sender of mail that is forwarded becomes an address of the
// forwarder, from which the forwarder alone can tell whose it was. SRS0 holds the whole address,
// SRS1 that of a forwarder before us, so that an address never grows with each hop.
//
//     SRS0=HASH=DAY=domain=local@ours      SRS1=HASH=other.forwarder=...@ours
//
// The hash, keyed with secrets of this server, makes sure that nobody else can have mail carried.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/secret.hpp"
#include "mail/address.hpp"

namespace postern::mail {

/// Whether it is of that form, whoever made it.
bool is_srs(mailbox const& address) noexcept;

/// `sender` as an address of `domain`. Nothing when it would be too long (RFC 5321 section 4.5.3.1.1:
/// 64 octets before the @).
std::optional<mailbox> srs_forward(mailbox const& sender, std::string const& domain, secret const& key, wall_time now);

struct srs_origin {
    enum class state : std::uint8_t { good, malformed, forged, expired };
    state what = state::malformed;
    mailbox address;  // when good
};

/// Whose address it was. `keys`: all that are still good.
srs_origin srs_reverse(mailbox const& address, std::vector<secret> const& keys, std::chrono::hours lifetime,
                       wall_time now);

}  // namespace postern::mail
