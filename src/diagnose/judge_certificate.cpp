// The certificate that a server shows: whose it is, who vouches for it, until when.
#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "diagnose/judgement.hpp"

namespace postern::diagnose {
namespace {

// OpenSSL's numbers (x509_vfy.h), which the observations carry.
enum trust_error : int {
    not_yet_valid = 9,
    expired = 10,
    self_signed_leaf = 18,
    self_signed_in_chain = 19,
    no_issuer = 20,
    cant_verify_leaf = 21,
    revoked = 23,
    key_too_small = 66,
    ca_key_too_small = 67,
    digest_too_weak = 68
};

// Who opens TLS on the computer itself, and who does it for companies; as their certificates say.
constexpr std::array shields{"Avast",      "AVG",       "Kaspersky", "ESET",       "Bitdefender", "AdGuard",
                             "Norton Web", "BullGuard", "G DATA",    "McAfee Web", "Dr.Web",      "Avira"};
constexpr std::array inspectors{"Fortinet",   "FortiGate",      "Zscaler",        "Sophos",     "Palo Alto",
                                "Netskope",   "Cisco Umbrella", "Check Point",    "Blue Coat",  "Symantec SSL",
                                "WatchGuard", "SonicWall",      "Barracuda",      "Squid",      "mitmproxy",
                                "Proxy CA",   "SSL Inspection", "TLS Inspection", "Decryption", "Lightspeed",
                                "Securly",    "Untangle",       "pfSense",        "Forcepoint", "Smoothwall"};

// The certificate need not be bad, where the person knows it.
constexpr std::string_view of_own_server = "If the server is your own, name its certificate or authority: --ca FILE.";

bool is_of_word(char c) noexcept
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           static_cast<unsigned char>(c) >= 0x80;
}

/// Not in the middle of others: "ESET" is no part of "Reset GmbH".
bool has_words(std::string_view text, std::string_view words)
{
    for (std::size_t at = 0; at + words.size() <= text.size(); ++at) {
        auto const end = at + words.size();
        if (equal_ignoring_case(text.substr(at, words.size()), words) && (at == 0 || !is_of_word(text[at - 1])) &&
            (end == text.size() || !is_of_word(text[end])))
            return true;
    }
    return false;
}

template <std::size_t N>
bool names_one_of(std::string_view text, std::array<char const*, N> const& list)
{
    return std::any_of(list.begin(), list.end(), [&](auto const* n) { return has_words(text, n); });
}

std::string list_of(std::vector<std::string> const& names)
{
    std::string all;
    for (std::size_t i = 0; i < names.size() && i < 6; ++i) all += (i == 0 ? "" : ", ") + names[i];
    return names.size() > 6 ? all + ", ..." : all;
}

std::string names_of(net::shown_certificate const& c) { return c.names.empty() ? c.common_name : list_of(c.names); }

std::string day(wall_time t) { return to_rfc3339(t).substr(0, 10); }

std::string describe(net::shown_certificate const& c)
{
    return "certificate for " + names_of(c) + ", issued by " + c.issuer + ", valid from " + day(c.not_before) + " to " +
           day(c.not_after) + ", " + c.key_type + " " + std::to_string(c.key_bits) + ", " + c.signature;
}

/// "AB:CD:..." as people compare it.
std::string spoken(std::string const& hex)
{
    std::string all;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) all += (i == 0 ? "" : ":") + to_upper(hex.substr(i, 2));
    return all;
}

/// Why a new system refuses it though somebody vouches for it; empty: it does not.
std::string weakness_of(net::shown_certificate const& c, bool own_authority)
{
    constexpr auto longest = std::chrono::hours{24 * 825};
    if (c.key_type == "RSA" && c.key_bits != 0 && c.key_bits < 2048)
        return "its key has " + std::to_string(c.key_bits) + " bits";
    if (contains(c.signature, "sha1") || contains(c.signature, "md5")) return "it is signed with " + c.signature;
    if (c.names.empty()) return "it has its name only in the old place (CN), and no subjectAltName";
    if (!own_authority && c.not_after - c.not_before > longest) return "it is valid for too long a time";
    return {};
}

}  // namespace

void judgement::judge_untrusted(talk_seen const& t, severity bad)
{
    auto const& seen = t.certificates;
    auto const& leaf = seen.chain.front();
    auto const evidence = describe(leaf) + "; " + seen.untrusted_because;
    values const named{{"issuer", leaf.issuer},
                       {"names", names_of(leaf)},
                       {"until", day(leaf.not_after)},
                       {"since", day(leaf.not_before)},
                       {"fingerprint", spoken(leaf.sha256)},
                       {"problem", seen.untrusted_because}};
    bool const unknown_issuer = seen.trust_error == self_signed_in_chain || seen.trust_error == no_issuer ||
                                seen.trust_error == cant_verify_leaf;
    bool const same_at_control =
        unknown_issuer && std::any_of(o.control.talks.begin(), o.control.talks.end(), [&](auto const& c) {
            return !c.certificates.chain.empty() && !c.certificates.trusted && !leaf.self_signed &&
                   c.certificates.chain.front().issuer == leaf.issuer;
        });
    // What a mail gateway shows of its own, self-signed, is the server itself.
    bool const of_shield = !leaf.self_signed && names_one_of(leaf.issuer, shields);
    bool const of_inspector = !leaf.self_signed && names_one_of(leaf.issuer, inspectors);
    if (of_shield) {
        add(rules::mail_shield, bad, step::tls, evidence, named);
    } else if (of_inspector) {
        add(rules::tls_intercepted, bad, step::tls,
            evidence + (same_at_control ? "; the control host shows one of the same issuer" : ""), named)
            .sure = same_at_control ? confidence::high : confidence::medium;
    } else if (seen.trust_error == revoked || seen.stapled == net::stapled_status::revoked) {
        add(rules::certificate_revoked, bad, step::tls, evidence, named);
    } else if (seen.trust_error == expired || (leaf.not_after < o.now && o.now != wall_time{})) {
        add(rules::certificate_expired, bad, step::tls, evidence, named);
    } else if (seen.trust_error == not_yet_valid) {
        add(rules::certificate_not_yet_valid, bad, step::tls, evidence, named);
    } else if (seen.trust_error == key_too_small || seen.trust_error == ca_key_too_small ||
               seen.trust_error == digest_too_weak) {
        add(rules::certificate_weak, bad, step::tls, evidence, named);
    } else if (same_at_control) {
        // Two servers of the same company's authority show that, too.
        add(rules::tls_intercepted, bad, step::tls, evidence + "; the control host shows one of the same issuer", named)
            .sure = confidence::medium;
    } else if (seen.trust_error == self_signed_leaf || leaf.self_signed) {
        add(rules::certificate_self_signed, bad, step::tls, evidence, named).more = of_own_server;
    } else if (seen.chain.size() == 1 && leaf.issuer_published) {
        // A public authority says where its certificate can be had. Some programs fetch it; most don't.
        add(rules::certificate_chain_short, bad, step::tls, evidence + "; only this certificate was sent", named).sure =
            confidence::medium;
    } else {
        add(rules::certificate_unknown_issuer, bad, step::tls, evidence, named).more = of_own_server;
    }
}

void judgement::judge_certificate(talk_seen const& t, severity bad)
{
    auto const& seen = t.certificates;
    if (seen.chain.empty()) return;
    auto const& leaf = seen.chain.front();
    auto const without_name =
        std::find_if(o.handshakes.begin(), o.handshakes.end(), [](auto const& h) { return h.version.empty(); });
    if (!seen.trusted) judge_untrusted(t, bad);
    // Nobody says whose it is, so its name does not matter.
    if (!seen.name_fits && (seen.trusted || !leaf.self_signed)) {
        auto const leads_elsewhere = std::any_of(o.certificate_names.begin(), o.certificate_names.end(),
                                                 [](auto const& n) { return n.exists && !n.leads_here; }) &&
                                     std::none_of(o.certificate_names.begin(), o.certificate_names.end(),
                                                  [](auto const& n) { return n.leads_here; });
        std::string suggestion;
        for (auto const& n : o.certificate_names)
            if (n.leads_here && suggestion.empty()) suggestion = n.name;
        if (suggestion.empty() && !leaf.names.empty() && leaf.names.front().find('*') == std::string::npos)
            suggestion = leaf.names.front();
        values const named{
            {"names", names_of(leaf)}, {"suggestion", suggestion}, {"problem", "it is right without its name"}};
        if (without_name != o.handshakes.end() && without_name->worked && without_name->name_fits)
            add(rules::certificate_depends_on_name, bad, step::tls, describe(leaf), named);
        else
            add(leads_elsewhere ? rules::certificate_other_server : rules::certificate_other_name, bad, step::tls,
                describe(leaf) + "; the name asked for is " + seen.asked_for, named);
    }
    if (seen.trusted && seen.stapled == net::stapled_status::revoked)
        add(rules::certificate_revoked, bad, step::tls, describe(leaf) + "; its stapled status says revoked");
    if (!t.trusted()) return;
    if (auto const why = weakness_of(leaf, o.person.own_authority); !why.empty())
        add(rules::certificate_weak, severity::warning, step::tls, describe(leaf), {{"problem", why}});
    if (without_name == o.handshakes.end() || (without_name->worked && without_name->name_fits)) return;
    auto const others = without_name->worked ? "others are shown that of " + without_name->names
                                             : "others get none: " + without_name->ended.problem;
    add(rules::certificate_depends_on_name, severity::warning, step::tls, "asked without its name: " + others,
        {{"problem", others}});
}

}  // namespace postern::diagnose
