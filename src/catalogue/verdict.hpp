// A decision with its reason: what every answer of ours to a request comes from.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catalogue/catalogue.hpp"
#include "catalogue/rules.hpp"  // generated from failures.toml: one `rule const&` per row, rules::relay_needs_login

namespace postern::catalogue {

enum class decision { accept, refuse, defer };

struct evidence {
    std::string key;
    std::string value;
};

/// accept: `why` names the rule that allowed it, or is null. refuse (5xx) and defer
/// (4xx): `why` is the rule whose code, status and text make the reply.
struct verdict {
    decision what = decision::accept;
    rule const* why = nullptr;
    std::string text;             // the rule's reply with its placeholders filled; shown to the client
    std::vector<evidence> facts;  // for the log, never for the client

    bool accepted() const noexcept { return what == decision::accept; }
};

/// A text of a rule with its {placeholders} filled by `values`, each made printable ASCII and cut to 100 octets; one
/// without a value becomes nothing.
std::string fill(std::string_view pattern, std::vector<evidence> const& values);

/// The verdict that a rule's own reply code asks for (4xx: defer, 5xx: refuse).
/// `values` fill the reply, and are evidence too.
verdict make_verdict(rule const& why, std::vector<evidence> values = {});
verdict make_verdict(rule&& why, std::vector<evidence> values = {}) = delete;  // the verdict would point to nothing

/// Whether it says that somebody is not who he claims to be, whatever was shown as proof: then it is told late,
/// and counted.
inline bool is_failed_proof(rule const& r) noexcept
{
    return &r == &rules::auth_failed || &r == &rules::auth_ticket_refused;
}

/// "550 5.7.1 Relaying ... (K7Q2M9TX4WZA.1)\r\n": the reply's line or, where the text
/// is longer than a reply line may be (512 octets, RFC 5321 section 4.5.3.1.5), lines.
/// `id` may be empty.
std::string to_reply(verdict const& v, std::string_view id);

}  // namespace postern::catalogue
