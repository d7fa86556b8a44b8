#include "sasl/scram.hpp"

#include <algorithm>

#include "base/base64.hpp"
#include "base/numbers.hpp"
#include "base/text.hpp"
#include "sasl/client_mechanism.hpp"
#include "sasl/prepare.hpp"

namespace postern::sasl::scram {
namespace {

struct attribute {
    char name = 0;
    std::string_view value;
};

bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// The attribute at the front of `rest`, which then starts behind the comma that ends it
/// (or is done). attr-val = ALPHA "=" value; a value is not empty and has no comma.
bool take_attribute(std::string_view& rest, attribute& found, bool& last)
{
    auto const comma = rest.find(',');
    std::string_view const text = rest.substr(0, comma);
    last = comma == std::string_view::npos;
    rest = last ? std::string_view{} : rest.substr(comma + 1);
    if (text.size() < 3 || !is_letter(text[0]) || text[1] != '=') return false;
    found = {text[0], text.substr(2)};
    return true;
}

/// What every message must be: bounded UTF-8 without NUL.
bool is_message(std::string_view message)
{
    return !message.empty() && message.size() <= longest_message && message.find('\0') == std::string_view::npos &&
           is_utf8(message);
}

/// printable = %x21-2B / %x2D-7E
bool is_nonce(std::string_view text)
{
    if (text.empty() || text.size() > longest_nonce) return false;
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x21 && c <= 0x7e && c != ','; });
}

bool is_binding_name(std::string_view text)
{
    if (text.empty() || text.size() > 64) return false;
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '-'; });
}

/// Unknown extensions are ignored; "m" is the extension that must not be (RFC 5802 section 5.1).
bool extensions_allowed(std::string_view rest, bool any, char const*& why)
{
    while (any) {
        attribute a;
        bool last = false;
        if (!take_attribute(rest, a, last)) {
            why = "broken extension";
            return false;
        }
        if (a.name == 'm') {
            why = "mandatory extension";
            return false;
        }
        any = !last;
    }
    return true;
}

}  // namespace

std::string encode_name(std::string_view name)
{
    std::string out;
    for (char c : name) {
        if (c == ',')
            out += "=2C";
        else if (c == '=')
            out += "=3D";
        else
            out += c;
    }
    return out;
}

std::optional<std::string> decode_name(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == ',') return std::nullopt;
        if (text[i] != '=') {
            out += text[i];
            continue;
        }
        std::string_view const code = text.substr(i + 1, 2);
        if (code == "2C")
            out += ',';
        else if (code == "3D")
            out += '=';
        else
            return std::nullopt;
        i += 2;
    }
    if (!is_acceptable_name(out)) return std::nullopt;
    return out;
}

std::optional<client_first> parse_client_first(std::string_view message, char const*& why)
{
    client_first m;
    if (!is_message(message)) {
        why = "not a message";
        return std::nullopt;
    }
    // gs2-header = gs2-cbind-flag "," [authzid] ","
    std::string_view rest = message;
    auto comma = rest.find(',');
    std::string_view const flag = rest.substr(0, comma);
    if (comma == std::string_view::npos) {
        why = "no GS2 header";
        return std::nullopt;
    }
    if (flag == "n" || flag == "y") {
        m.flag = flag[0];
    } else if (flag.starts_with("p=") && is_binding_name(flag.substr(2))) {
        m.flag = 'p';
        m.binding = flag.substr(2);
    } else {
        why = "bad channel binding flag";
        return std::nullopt;
    }
    rest.remove_prefix(comma + 1);
    comma = rest.find(',');
    if (comma == std::string_view::npos) {
        why = "no GS2 header";
        return std::nullopt;
    }
    if (std::string_view const a = rest.substr(0, comma); !a.empty()) {
        auto const name = a.starts_with("a=") ? decode_name(a.substr(2)) : std::nullopt;
        if (!name) {
            why = "bad authorization identity";
            return std::nullopt;
        }
        m.authzid = *name;
    }
    rest.remove_prefix(comma + 1);
    m.gs2_header = message.substr(0, message.size() - rest.size());
    m.bare = rest;

    attribute a;
    bool last = false;
    if (!take_attribute(rest, a, last)) {
        why = "no user name";
        return std::nullopt;
    }
    if (a.name == 'm') {
        why = "mandatory extension";
        return std::nullopt;
    }
    auto const name = a.name == 'n' ? decode_name(a.value) : std::nullopt;
    if (!name) {
        why = "bad user name";
        return std::nullopt;
    }
    m.authcid = *name;
    if (last || !take_attribute(rest, a, last) || a.name != 'r' || !is_nonce(a.value)) {
        why = "bad nonce";
        return std::nullopt;
    }
    m.nonce = a.value;
    if (!extensions_allowed(rest, !last, why)) return std::nullopt;
    return m;
}

std::optional<server_first> parse_server_first(std::string_view message, char const*& why)
{
    server_first m;
    attribute a;
    bool last = false;
    std::string_view rest = message;
    if (!is_message(message) || !take_attribute(rest, a, last)) {
        why = "not a message";
        return std::nullopt;
    }
    if (a.name == 'm') {
        why = "mandatory extension";
        return std::nullopt;
    }
    if (a.name != 'r' || !is_nonce(a.value)) {
        why = "bad nonce";
        return std::nullopt;
    }
    m.nonce = a.value;
    if (last || !take_attribute(rest, a, last) || a.name != 's') {
        why = "no salt";
        return std::nullopt;
    }
    auto salt = base64_decode(a.value);
    if (!salt || salt->empty() || salt->size() > longest_salt) {
        why = "bad salt";
        return std::nullopt;
    }
    m.salt = std::move(*salt);
    if (last || !take_attribute(rest, a, last) || a.name != 'i') {
        why = "no iteration count";
        return std::nullopt;
    }
    auto const iterations = parse_number<std::uint32_t>(a.value);
    if (!iterations || *iterations < fewest_iterations || *iterations > most_iterations) {
        why = "iteration count out of bounds";
        return std::nullopt;
    }
    m.iterations = *iterations;
    if (!extensions_allowed(rest, !last, why)) return std::nullopt;
    return m;
}

std::optional<client_final> parse_client_final(std::string_view message, char const*& why)
{
    client_final m;
    attribute a;
    bool last = false;
    std::string_view rest = message;
    if (!is_message(message) || !take_attribute(rest, a, last)) {
        why = "not a message";
        return std::nullopt;
    }
    auto binding = a.name == 'c' ? base64_decode(a.value) : std::nullopt;
    if (!binding) {
        why = "no channel binding";
        return std::nullopt;
    }
    m.binding = std::move(*binding);
    if (last || !take_attribute(rest, a, last) || a.name != 'r' || !is_nonce(a.value)) {
        why = "bad nonce";
        return std::nullopt;
    }
    m.nonce = a.value;
    // Extensions, then the proof, which is the last of all.
    std::size_t proof_at = 0;
    for (;;) {
        proof_at = message.size() - rest.size();
        if (last || !take_attribute(rest, a, last)) {
            why = "no proof";
            return std::nullopt;
        }
        if (a.name == 'p') break;
        if (a.name == 'm') {
            why = "mandatory extension";
            return std::nullopt;
        }
    }
    auto proof = last ? base64_decode(a.value) : std::nullopt;
    if (!proof) {
        why = "bad proof";
        return std::nullopt;
    }
    m.proof = std::move(*proof);
    m.without_proof = message.substr(0, proof_at - 1);  // not the comma before it
    return m;
}

std::optional<std::string> parse_server_final(std::string_view message, char const*& why)
{
    attribute a;
    bool last = false;
    std::string_view rest = message;
    if (!is_message(message) || !take_attribute(rest, a, last)) {
        why = "not a message";
        return std::nullopt;
    }
    if (a.name == 'e') {
        why = proof_refused;
        return std::nullopt;
    }
    auto signature = a.name == 'v' ? base64_decode(a.value) : std::nullopt;
    if (!signature) {
        why = "no server signature";
        return std::nullopt;
    }
    if (!extensions_allowed(rest, !last, why)) return std::nullopt;
    return signature;
}

std::string make_nonce() { return base64_encode(random_octets(18)); }

secret salted_password(hash h, std::string_view prepared, std::string_view salt, std::uint32_t iterations)
{
    std::string octets = pbkdf2(h, prepared, salt, iterations);
    return secret::take(octets);
}

scram_keys derive_keys(hash h, secret const& salted, std::string_view salt, std::uint32_t iterations)
{
    scram_keys keys;
    keys.salt = salt;
    keys.iterations = iterations;
    std::string client_key = hmac(h, salted.reveal(), "Client Key");
    keys.stored_key = digest(h, client_key);
    wipe(client_key.data(), client_key.size());
    keys.server_key = hmac(h, salted.reveal(), "Server Key");
    keys.real = true;
    return keys;
}

std::string client_proof(hash h, secret const& salted, std::string_view auth_message)
{
    std::string key = hmac(h, salted.reveal(), "Client Key");
    std::string proof = hmac(h, digest(h, key), auth_message);
    for (std::size_t i = 0; i < proof.size(); ++i) proof[i] = static_cast<char>(proof[i] ^ key[i]);
    wipe(key.data(), key.size());
    return proof;
}

bool proof_matches(hash h, std::string_view stored_key, std::string_view auth_message, std::string_view proof)
{
    std::string key = hmac(h, stored_key, auth_message);
    if (proof.size() != key.size()) return false;
    for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<char>(key[i] ^ proof[i]);
    bool const same = equal_in_constant_time(digest(h, key), stored_key);
    wipe(key.data(), key.size());
    return same;
}

std::string const* find_binding(channel_bindings const& bindings, std::string_view type) noexcept
{
    // tls-unique is there only where it binds: whoever filled it in looked at RFC 9266
    // section 3 and RFC 7627.
    std::string const* octets = nullptr;
    if (type == "tls-exporter") octets = &bindings.tls_exporter;
    if (type == "tls-server-end-point") octets = &bindings.tls_server_end_point;
    if (type == "tls-unique") octets = &bindings.tls_unique;
    return octets != nullptr && !octets->empty() ? octets : nullptr;
}

std::string_view mechanism_name(hash h, bool plus) noexcept
{
    switch (h) {
        case hash::sha1: return plus ? "SCRAM-SHA-1-PLUS" : "SCRAM-SHA-1";
        case hash::sha256: return plus ? "SCRAM-SHA-256-PLUS" : "SCRAM-SHA-256";
        case hash::sha512: return plus ? "SCRAM-SHA-512-PLUS" : "SCRAM-SHA-512";
    }
    return "";
}

}  // namespace postern::sasl::scram
