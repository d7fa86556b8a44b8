// Whether what the DNS has is what a verifier needs for a key.
#pragma once

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.hpp"
#include "dns/resolver.hpp"
#include "signing/key_store.hpp"

namespace postern::signing {

enum class published : std::uint8_t {
    matches,
    testing,  // it matches, but tells verifiers not to rely on it (t=y)
    missing,
    differs,
    revoked,
    several,  // what verifiers do then is undefined
    unusable,
    unknown,  // nobody answered
};

std::string_view to_string(published p) noexcept;

struct record_check {
    published what = published::unknown;
    std::string found;    // in the DNS; may be empty
    std::string problem;  // why nothing is known
};

record_check compare(dns::txt_answer const& answer, key_view const& key);
/// Asks for the record of every key at the same time. Waits, but not for longer than the limit, nor
/// when it is told to stop.
std::vector<record_check> check_records(config::settings const& s, std::vector<key_view> const& keys,
                                        std::chrono::seconds limit, std::stop_token const& stop = {});

}  // namespace postern::signing
