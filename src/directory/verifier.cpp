#include "directory/verifier.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <vector>

#include <crypt.h>

#include "base/base64.hpp"
#include "base/crypto.hpp"
#include "base/numbers.hpp"
#include "base/text.hpp"
#include "directory/argon2.hpp"
#include "directory/foreign_hash.hpp"
#include "directory/sha512_crypt.hpp"
#include "sasl/scram.hpp"

namespace postern::directory {
namespace {

constexpr std::size_t longest_verifier = 512;

struct scram_scheme {
    std::string_view prefix;
    std::string_view shown;
    hash with;
};
constexpr scram_scheme scram_schemes[] = {{"{SCRAM-SHA-256}", "scram-sha-256", hash::sha256},
                                          {"{SCRAM-SHA-512}", "scram-sha-512", hash::sha512},
                                          {"{SCRAM-SHA-1}", "scram-sha-1", hash::sha1}};

scram_scheme const* scram_scheme_of(std::string_view verifier) noexcept
{
    for (auto const& s : scram_schemes)
        if (verifier.starts_with(s.prefix)) return &s;
    return nullptr;
}
constexpr std::string_view crypt_alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

bool in_crypt_alphabet(std::string_view text)
{
    return text.find_first_not_of(crypt_alphabet) == std::string_view::npos;
}

/// The parts of a crypt(3) string: "$6$" | "rounds=5000$" | salt | hash.
struct crypt_parts {
    std::string_view id;      // with both dollars
    std::string_view params;  // with its dollar, or empty
    std::string_view salt;
    std::string_view hash;
};

std::optional<crypt_parts> split_sha_like(std::string_view text, std::string_view id, std::size_t longest_salt,
                                          std::size_t hash_size, bool rounds_allowed)
{
    crypt_parts p;
    p.id = text.substr(0, id.size());
    std::string_view rest = text.substr(id.size());
    if (rounds_allowed && rest.starts_with("rounds=")) {
        auto const end = rest.find('$');
        if (end == std::string_view::npos) return std::nullopt;
        p.params = rest.substr(0, end + 1);
        rest.remove_prefix(end + 1);
    }
    auto const end = rest.find('$');
    if (end > longest_salt) return std::nullopt;  // npos too
    p.salt = rest.substr(0, end);
    p.hash = rest.substr(end + 1);
    if (p.hash.size() != hash_size || !in_crypt_alphabet(p.hash)) return std::nullopt;
    return p;
}

/// yescrypt and scrypt: "$y$j9T$salt$hash", "$7$C6..../....SALT$hash" (params and salt in one).
std::optional<crypt_parts> split_memory_hard(std::string_view text, bool yescrypt)
{
    crypt_parts p;
    p.id = text.substr(0, 3);
    std::string_view rest = text.substr(3);
    if (yescrypt) {
        auto const end = rest.find('$');
        if (end > 32) return std::nullopt;  // npos too
        p.params = rest.substr(0, end + 1);
        rest.remove_prefix(end + 1);
    } else {
        if (rest.size() < 11) return std::nullopt;
        p.params = rest.substr(0, 11);
        rest.remove_prefix(11);
    }
    auto const end = rest.find('$');
    if (end > 86) return std::nullopt;  // npos too
    p.salt = rest.substr(0, end);
    p.hash = rest.substr(end + 1);
    if (p.hash.size() != 43 || !in_crypt_alphabet(p.hash)) return std::nullopt;
    return p;
}

std::optional<crypt_parts> split_bcrypt(std::string_view text)
{
    // "$2b$12$" 22 of salt, 31 of hash
    if (text.size() != 60 || text[6] != '$' || !in_crypt_alphabet(text.substr(7))) return std::nullopt;
    return crypt_parts{text.substr(0, 4), text.substr(4, 3), text.substr(7, 22), text.substr(29)};
}

std::optional<crypt_parts> split_crypt(std::string_view text)
{
    if (text.size() > longest_verifier) return std::nullopt;
    if (text.starts_with("$6$")) return split_sha_like(text, "$6$", 16, 86, true);
    if (text.starts_with("$5$")) return split_sha_like(text, "$5$", 16, 43, true);
    if (text.starts_with("$1$")) return split_sha_like(text, "$1$", 8, 22, false);
    if (text.starts_with("$2a$") || text.starts_with("$2b$") || text.starts_with("$2y$")) return split_bcrypt(text);
    if (text.starts_with("$y$")) return split_memory_hard(text, true);
    if (text.starts_with("$7$")) return split_memory_hard(text, false);
    return std::nullopt;
}

unsigned crypt_digit(char c)
{
    auto const at = crypt_alphabet.find(c);
    return at == std::string_view::npos ? 99u : static_cast<unsigned>(at);
}

/// Whether one check stays below a second or so and a quarter of a GiB: a verifier must
/// not become a way to stop the server.
bool affordable(crypt_parts const& p)
{
    if (p.params.starts_with("rounds=")) {
        auto const rounds = parse_number<std::uint32_t>(p.params.substr(7, p.params.size() - 8), 1'000'000);
        return rounds && *rounds >= 1000;
    }
    if (p.id.starts_with("$2")) {
        auto const cost = parse_number<std::uint32_t>(p.params.substr(0, 2), 15);
        return cost && *cost >= 4;
    }
    // Both count in powers of two: N blocks of 128 r octets each.
    if (p.id == "$y$") {
        if (p.params.size() != 4 || p.params[0] != 'j') return false;  // more parameters than the usual three
        unsigned const n = crypt_digit(p.params[1]) + 1;
        unsigned const r = crypt_digit(p.params[2]) + 1;
        return n <= 18 && r <= 64 && ((std::uint64_t{128} * r) << n) <= (256u << 20);
    }
    if (p.id == "$7$") {
        unsigned const n = crypt_digit(p.params[0]);
        unsigned const r = crypt_digit(p.params[1]);
        return n <= 20 && r >= 1 && r <= 63 && p.params.substr(2, 4) == "...." && crypt_digit(p.params[6]) <= 4 &&
               p.params.substr(7) == "...." && ((std::uint64_t{128} * r) << n) <= (256u << 20);
    }
    return true;
}

/// One SCRAM verifier as Dovecot writes it: iterations, salt, stored key, server key.
std::optional<sasl::scram_keys> parse_scram(std::string_view text, hash with)
{
    std::array<std::string_view, 4> part;
    for (std::size_t i = 0; i < part.size(); ++i) {
        auto const comma = text.find(',');
        if ((comma == std::string_view::npos) != (i == 3)) return std::nullopt;
        part[i] = text.substr(0, comma);
        text = i == 3 ? std::string_view{} : text.substr(comma + 1);
    }
    auto const iterations = parse_number<std::uint32_t>(part[0], sasl::scram::most_iterations);
    auto salt = base64_decode(part[1]);
    auto stored = base64_decode(part[2]);
    auto server = base64_decode(part[3]);
    std::size_t const size = digest_size(with);
    if (!iterations || *iterations < sasl::scram::fewest_iterations || !salt || salt->empty() || salt->size() > 64 ||
        !stored || stored->size() != size || !server || server->size() != size)
        return std::nullopt;
    sasl::scram_keys keys;
    keys.iterations = *iterations;
    keys.salt = std::move(*salt);
    keys.stored_key = std::move(*stored);
    keys.server_key = std::move(*server);
    keys.real = true;
    return keys;
}

std::string scram_verifier(scram_scheme const& s, sasl::scram_keys const& k)
{
    return std::string{s.prefix} + std::to_string(k.iterations) + "," + base64_encode(k.salt) + "," +
           base64_encode(k.stored_key) + "," + base64_encode(k.server_key);
}

/// No password has a NUL; HMAC, though, takes "x" and "x\0" for the same key.
bool has_nul(std::string_view password) { return password.find('\0') != std::string_view::npos; }

match check_crypt(std::string_view verifier, std::string_view password)
{
    // libcrypt would take any two letters for a DES salt.
    if (!split_crypt(verifier)) return match::failed;
    if (password.size() >= CRYPT_MAX_PASSPHRASE_SIZE || has_nul(password)) return match::no;
    // 32 KiB, too much for the stack; it stays with the thread.
    thread_local auto const data = std::make_unique<crypt_data>();
    std::string const setting{verifier};
    std::string phrase;
    phrase.reserve(CRYPT_MAX_PASSPHRASE_SIZE);
    phrase = password;
    char const* hashed = crypt_rn(phrase.c_str(), setting.c_str(), data.get(), sizeof(crypt_data));
    wipe(phrase.data(), phrase.size());
    if (hashed == nullptr) return match::failed;
    bool const same = equal_in_constant_time(hashed, verifier);
    wipe(data.get(), sizeof(crypt_data));
    return same ? match::yes : match::no;
}

/// "rounds=N$", or nothing for the scheme's own 5000. What libcrypt would raise or lower
/// never got past affordable().
std::uint32_t rounds_of(crypt_parts const& p)
{
    if (p.params.empty()) return 5000;
    return parse_number<std::uint32_t>(p.params.substr(7, p.params.size() - 8), 999'999'999).value_or(0);
}

/// "$6$": our own, some times faster than libcrypt's. The others go to check().
void check_sha512(std::span<check_request*> requests)
{
    std::vector<sha512::crypt_job> jobs;
    std::vector<check_request*> asked;
    for (auto* r : requests) {
        auto const p = split_crypt(r->verifier);
        bool const good = p && rounds_of(*p) >= 1000;
        bool const possible =
            r->password.size() < CRYPT_MAX_PASSPHRASE_SIZE && r->password.find('\0') == std::string_view::npos;
        r->found = good ? match::no : match::failed;
        if (!good || !possible) continue;
        jobs.push_back({r->password, p->salt, rounds_of(*p), {}});
        asked.push_back(r);
    }
    sha512::crypt_all(jobs);
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        std::string_view const stored = asked[i]->verifier.substr(asked[i]->verifier.rfind('$') + 1);
        asked[i]->found = equal_in_constant_time(jobs[i].hash, stored) ? match::yes : match::no;
    }
}

std::string random_crypt_text(std::size_t size)
{
    std::string text = random_octets(size);
    for (char& c : text) c = crypt_alphabet[static_cast<unsigned char>(c) % 64];
    return text;
}

}  // namespace

std::string scheme_of(std::string_view verifier)
{
    if (verifier.starts_with("$argon2id$")) return "argon2id";
    if (verifier.starts_with("$argon2i$")) return "argon2i";
    if (auto const* s = scram_scheme_of(verifier)) return std::string{s->shown};
    if (auto const p = split_crypt(verifier)) return std::string{p->id};
    if (auto const f = foreign_hash::parse(verifier)) return f->scheme();
    return "unknown";
}

std::string cost_of(std::string_view verifier)
{
    if (verifier.starts_with("$argon2"))
        return std::string{verifier.substr(0, verifier.find('$', verifier.find("p=")))};
    if (scram_scheme_of(verifier) != nullptr) return std::string{verifier.substr(0, verifier.find(','))};
    if (auto const p = split_crypt(verifier)) return std::string{p->id} + std::string{p->params};
    if (auto const f = foreign_hash::parse(verifier)) return f->cost();
    return "unknown";
}

bool is_current(std::string_view verifier)
{
    auto const p = argon2::parse(verifier);
    argon2::parameters const ours;
    return p && p->cost.id && p->cost.memory >= ours.memory && p->cost.passes >= ours.passes && p->hash.size() >= 32;
}

std::string make_verifier(std::string_view prepared)
{
    argon2::parsed p;
    p.salt = random_octets(16);
    auto hash = argon2::compute(p.cost, prepared, p.salt, 32);
    if (!hash) return {};
    p.hash = std::move(*hash);
    return argon2::to_string(p);
}

match check(std::string_view verifier, std::string_view password)
{
    if (verifier.starts_with("$argon2")) {
        auto const p = argon2::parse(verifier);
        if (!p) return match::failed;
        auto const hash = argon2::compute(p->cost, password, p->salt, p->hash.size());
        if (!hash) return match::failed;
        return equal_in_constant_time(*hash, p->hash) ? match::yes : match::no;
    }
    if (auto const* s = scram_scheme_of(verifier)) {
        auto const keys = parse_scram(verifier.substr(s->prefix.size()), s->with);
        if (!keys) return match::failed;
        if (has_nul(password)) return match::no;
        auto const salted = sasl::scram::salted_password(s->with, password, keys->salt, keys->iterations);
        auto const made = sasl::scram::derive_keys(s->with, salted, keys->salt, keys->iterations);
        return equal_in_constant_time(made.stored_key, keys->stored_key) ? match::yes : match::no;
    }
    if (auto const f = foreign_hash::parse(verifier)) {
        if (has_nul(password)) return match::no;
        auto const made = f->compute(password);
        if (!made) return match::failed;
        return equal_in_constant_time(*made, f->hash) ? match::yes : match::no;
    }
    if (runs_together(verifier)) {
        check_request one{verifier, password};
        check_all({&one, 1});
        return one.found;
    }
    return check_crypt(verifier, password);
}

bool runs_together(std::string_view verifier) noexcept { return verifier.starts_with("$6$"); }

bool run_together(std::string_view one, std::string_view other)
{
    return runs_together(one) && runs_together(other) && cost_of(one) == cost_of(other);
}

company best_company() noexcept { return {sha512::best_engine().lanes, sha512::best_engine().worthy}; }

void check_all(std::span<check_request> requests)
{
    std::vector<check_request*> side_by_side;
    for (auto& r : requests) {
        if (runs_together(r.verifier))
            side_by_side.push_back(&r);
        else
            r.found = check(r.verifier, r.password);
    }
    if (!side_by_side.empty()) check_sha512(side_by_side);
}

std::string make_dummy(std::string_view verifier)
{
    if (auto p = argon2::parse(verifier)) {
        p->salt = random_octets(p->salt.size());
        p->hash = random_octets(p->hash.size());
        return argon2::to_string(*p);
    }
    if (auto const* s = scram_scheme_of(verifier)) {
        if (auto keys = parse_scram(verifier.substr(s->prefix.size()), s->with)) {
            keys->salt = random_octets(keys->salt.size());
            keys->stored_key = random_octets(keys->stored_key.size());
            keys->server_key = random_octets(keys->server_key.size());
            return scram_verifier(*s, *keys);
        }
    }
    if (auto f = foreign_hash::parse(verifier)) {
        // Salts that are text stay, as below.
        if (f->what != foreign_hash::kind::apr1 && !f->of_dovecot) f->salt = random_octets(f->salt.size());
        f->hash =
            f->what == foreign_hash::kind::apr1 ? random_crypt_text(f->hash.size()) : random_octets(f->hash.size());
        return f->to_string();
    }
    if (auto const p = split_crypt(verifier)) {
        // The salt may stay: it is never shown, and some schemes are picky about theirs.
        std::string dummy{verifier.substr(0, verifier.size() - p->hash.size())};
        return dummy + random_crypt_text(p->hash.size());
    }
    argon2::parsed p;
    p.salt = random_octets(16);
    p.hash = random_octets(32);
    return argon2::to_string(p);
}

sasl::scram_keys scram_keys_of(std::string_view verifier, hash h)
{
    auto const* s = scram_scheme_of(verifier);
    if (s == nullptr || s->with != h) return {};
    return parse_scram(verifier.substr(s->prefix.size()), s->with).value_or(sasl::scram_keys{});
}

import_reading read_import(std::string_view text)
{
    import_reading r;
    auto fail = [&r](char const* why) {
        r.problem = why;
        return r;
    };
    std::string scheme = "CRYPT";
    if (text.starts_with('{')) {
        auto const end = text.find('}');
        if (end == std::string_view::npos) return fail("a { without }");
        scheme = to_upper(text.substr(1, end - 1));
        text.remove_prefix(end + 1);
    }
    if (text.empty()) return fail("the password hash is missing");
    if (text.size() > 2 * longest_verifier) return fail("the password hash is too long");

    // Dovecot's "{SCHEME.HEX}" and "{SCHEME.B64}": the octets, written in another way.
    secret decoded;
    bool const in_octets = scheme.ends_with(".HEX") || scheme.ends_with(".B64") || scheme.ends_with(".BASE64");
    if (in_octets) {
        auto octets = scheme.ends_with(".HEX") ? decode_hex(text) : decode_any_base64(text);
        if (!octets) return fail("the hash is not written as its scheme says");
        decoded = secret::take(*octets);
        text = decoded.reveal();
        scheme.resize(scheme.rfind('.'));
        if (text.empty()) return fail("the password hash is missing");
    }
    if (scheme == "PLAIN" || scheme == "CLEARTEXT" || scheme == "CLEAR") {
        if (text.size() > 255) return fail("the password is longer than 255 octets");
        if (text.find_first_of(std::string_view{"\0\n\r", 3}) != std::string_view::npos)
            return fail("the password has control characters");
        r.password = secret{text};
        return r;
    }
    for (auto const& s : scram_schemes) {
        if (scheme != s.prefix.substr(1, s.prefix.size() - 2)) continue;
        auto const keys = parse_scram(text, s.with);
        if (!keys) return fail("not a SCRAM verifier, or its iterations are not 4096 to 600000");
        r.verifier = scram_verifier(s, *keys);
        return r;
    }
    if (std::string_view{"!*"}.find(text.front()) != std::string_view::npos && !in_octets)
        return fail("a locked password; leave the line out");
    // Dovecot calls three things so.
    if (scheme == "MD5") scheme = text.starts_with("$1$") ? "MD5-CRYPT" : "PLAIN-MD5";
    if (std::size_t const size = digest_size_of_scheme(scheme); size != 0) {
        std::optional<std::string> octets;
        if (in_octets)
            octets = std::string{text};
        else if (text.size() == 2 * size && decode_hex(text))
            octets = decode_hex(text);
        else
            octets = decode_any_base64(text);
        auto const f = octets ? digest_of_scheme(scheme, *octets) : std::nullopt;
        if (!f) return fail("the hash does not fit its scheme");
        r.verifier = f->to_string();
        return r;
    }

    struct known {
        std::string_view scheme;
        std::string_view begin;   // what the hash must start with
        std::string_view prefix;  // what must stand before it to be told from others
    };
    static constexpr known schemes[] = {{"CRYPT", "$", ""},
                                        {"SHA512-CRYPT", "$6$", ""},
                                        {"SHA256-CRYPT", "$5$", ""},
                                        {"MD5-CRYPT", "$1$", ""},
                                        {"BLF-CRYPT", "$2", ""},
                                        {"ARGON2ID", "$argon2id$", ""},
                                        {"ARGON2I", "$argon2i$", ""},
                                        {"ARGON2", "$argon2", ""},
                                        {"PBKDF2", "$1$", "{PBKDF2}"},
                                        {"PBKDF2-SHA1", "", "$pbkdf2$"},
                                        {"PBKDF2-SHA256", "", "$pbkdf2-sha256$"},
                                        {"PBKDF2-SHA512", "", "$pbkdf2-sha512$"}};
    auto const* found =
        std::find_if(std::begin(schemes), std::end(schemes), [&](known const& k) { return k.scheme == scheme; });
    if (found == std::end(schemes)) {
        r.scheme = scheme;
        return fail("a password scheme that Postern can't verify");
    }
    if (text.starts_with('!') || text.starts_with('*')) return fail("a locked password; leave the line out");
    if (!text.starts_with(found->begin))
        return fail(scheme == "CRYPT" ? "not a crypt(3) string that Postern can verify"
                                      : "the hash does not fit its scheme");
    if (text.find_first_of("\n\r:") != std::string_view::npos || !is_ascii(text))
        return fail("not a hash that Postern can verify");

    std::string const whole = std::string{found->prefix} + std::string{text};
    if (whole.starts_with("$argon2")) {
        auto const p = argon2::parse(whole);
        if (!p) return fail("not an Argon2 verifier, or it takes more than 256 MiB, 64 passes or 16 lanes");
        r.verifier = argon2::to_string(*p);
        return r;
    }
    if (whole.starts_with("$scrypt$") || whole.starts_with("$pbkdf2") || whole.starts_with("$apr1$") ||
        !found->prefix.empty()) {
        auto const f = foreign_hash::parse(whole);
        if (!f) return fail("not a hash of its scheme, or its check would take too long or too much memory");
        r.verifier = f->to_string();
        return r;
    }
    auto const p = split_crypt(whole);
    if (!p) return fail("not a crypt(3) string that Postern can verify");
    if (!affordable(*p)) return fail("a check of this hash would take too long or too much memory");
    r.verifier = whole;
    return r;
}

}  // namespace postern::directory
