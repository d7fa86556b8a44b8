// The user agents' configuration of draft-ietf-mailmaint-pacc: a document whose digest is in the DNS, so that nobody on the
// way to it can change it. What is asked for must be, octet by octet, what was announced: the digest in the DNS and in
// caches lives on for a while. Hence a document follows changes of the settings only when the operator has published the
// new digest beside the old one and says so; golden tests hold the form itself.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "porter/facts.hpp"

namespace postern::porter {

inline constexpr std::string_view pacc_path = "/.well-known/user-agent-configuration.json";

/// Its protocols have TLS from the start at their usual ports; others are left out.
std::string pacc(services const& s, std::string_view domain);
/// Nothing that the document could say of sending: then there is no reason to publish it.
bool says_nothing(services const& s) noexcept;

/// "v=UAAC1; a=sha256; d=..."
std::string pacc_record(std::string_view document);
/// The texts to have at _ua-auto-config.DOMAIN: of what is announced and, when the settings have changed since, of what
/// will be.
std::vector<std::string> pacc_records(facts const& f, std::string_view domain);

}  // namespace postern::porter
