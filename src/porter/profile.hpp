// Apple's configuration profile with a mail account (com.apple.mail.managed), and what sets up Thunderbird for Android: from
// facts to the text. Nobody signs here.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/secret.hpp"
#include "porter/facts.hpp"

namespace postern::porter {

struct profile_of {
    std::string address;
    std::string user_name;      // that stands beside the address in mails; may be empty
    secret password;            // of this device alone; empty: the device asks
    bool for_incoming = false;  // the incoming server takes that, too; else the device asks for the one there
};

/// A property list in XML, for who opens it to be asked whether they want it. Nothing: no incoming server is known, and no
/// account is without one. `random`: 32 octets, of which its UUIDs are made; the identifiers stay the same for an address,
/// so that a new profile takes the old one's place.
std::optional<secret> apple_profile(facts const& f, profile_of const& whose, std::string_view random);

/// The JSON that Thunderbird for Android reads from a QR code as an account to import. Without the password: it asks.
/// It works today, and is nobody's promised interface.
std::optional<std::string> android_payload(services const& s, profile_of const& whose);

}  // namespace postern::porter
