#include "directory/foreign_hash.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include <openssl/evp.h>

#include "base/base64.hpp"
#include "base/hex.hpp"
#include "base/numbers.hpp"
#include "base/secret.hpp"

namespace postern::directory {
namespace {

constexpr std::uint32_t most_rounds = 2'000'000;  // of PBKDF2: some two seconds
constexpr std::size_t longest_salt = 128;
constexpr std::uint64_t most_memory = 256u << 20;
constexpr std::string_view crypt_alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

using algorithm = foreign_hash::algorithm;
using kind = foreign_hash::kind;

struct digest_scheme {
    std::string_view name;
    algorithm with;
    bool salted;
};
// Those with two names: the first is how we write them.
constexpr digest_scheme digest_schemes[] = {
    {"SHA", algorithm::sha1, false},      {"SHA1", algorithm::sha1, false},     {"SSHA", algorithm::sha1, true},
    {"SSHA1", algorithm::sha1, true},     {"SHA256", algorithm::sha256, false}, {"SSHA256", algorithm::sha256, true},
    {"SHA512", algorithm::sha512, false}, {"SSHA512", algorithm::sha512, true}, {"LDAP-MD5", algorithm::md5, false},
    {"PLAIN-MD5", algorithm::md5, false}, {"SMD5", algorithm::md5, true},
};

struct pbkdf2_scheme {
    std::string_view id;
    algorithm with;
};
constexpr pbkdf2_scheme pbkdf2_schemes[] = {
    {"$pbkdf2-sha512$", algorithm::sha512}, {"$pbkdf2-sha256$", algorithm::sha256}, {"$pbkdf2$", algorithm::sha1}};
constexpr std::string_view dovecot_pbkdf2 = "{PBKDF2}$1$";
constexpr std::string_view scrypt_id = "$scrypt$";
constexpr std::string_view apr1_id = "$apr1$";

digest_scheme const* find_digest(std::string_view name) noexcept
{
    auto const* found = std::find_if(std::begin(digest_schemes), std::end(digest_schemes),
                                     [&](digest_scheme const& s) { return s.name == name; });
    return found == std::end(digest_schemes) ? nullptr : found;
}

EVP_MD const* evp(algorithm a)
{
    switch (a) {
        case algorithm::md5: return EVP_md5();
        case algorithm::sha1: return EVP_sha1();
        case algorithm::sha256: return EVP_sha256();
        case algorithm::sha512: return EVP_sha512();
    }
    return nullptr;
}

std::size_t size_of(algorithm a) noexcept
{
    switch (a) {
        case algorithm::md5: return 16;
        case algorithm::sha1: return 20;
        case algorithm::sha256: return 32;
        case algorithm::sha512: return 64;
    }
    return 0;
}

unsigned char* octets_of(std::string& s) { return reinterpret_cast<unsigned char*>(s.data()); }
unsigned char const* octets_of(std::string_view s) { return reinterpret_cast<unsigned char const*>(s.data()); }

std::optional<std::string> digest(algorithm a, std::string_view octets)
{
    std::string out(size_of(a), '\0');
    // A library that was told to do without MD5 says no here.
    if (EVP_Digest(octets.data(), octets.size(), octets_of(out), nullptr, evp(a), nullptr) != 1) return std::nullopt;
    return out;
}

/// Base 64 without padding; with '.' for '+' where `dotted`.
std::string encode(std::string_view octets, bool dotted)
{
    std::string text = base64_encode(octets);
    while (!text.empty() && text.back() == '=') text.pop_back();
    if (dotted) std::replace(text.begin(), text.end(), '+', '.');
    return text;
}

std::optional<std::string> decode(std::string_view text, bool dotted)
{
    std::string plain{text};
    if (dotted) std::replace(plain.begin(), plain.end(), '.', '+');
    return decode_any_base64(plain);
}

/// Text up to the next `end`, which is taken too.
std::optional<std::string_view> take(std::string_view& text, char end)
{
    auto const stop = text.find(end);
    if (stop == std::string_view::npos) return std::nullopt;
    auto const found = text.substr(0, stop);
    text.remove_prefix(stop + 1);
    return found;
}

std::optional<foreign_hash> parse_pbkdf2(std::string_view text, algorithm with, bool of_dovecot)
{
    foreign_hash h;
    h.what = kind::pbkdf2;
    h.with = with;
    h.of_dovecot = of_dovecot;
    // Dovecot has the salt first, and takes its letters for the octets.
    auto const first = take(text, '$');
    if (!first) return std::nullopt;
    auto const second = take(text, '$');
    if (!second) return std::nullopt;
    auto const rounds = parse_number<std::uint32_t>(of_dovecot ? *second : *first, most_rounds);
    auto salt = of_dovecot ? std::optional<std::string>{*first} : decode(*second, true);
    auto hash = of_dovecot ? decode_hex(text) : decode(text, true);
    if (!rounds || *rounds == 0 || !salt || salt->size() > longest_salt || !hash || hash->size() != size_of(with))
        return std::nullopt;
    if (of_dovecot && (salt->empty() || salt->find_first_not_of(crypt_alphabet) != std::string::npos))
        return std::nullopt;
    h.rounds = *rounds;
    h.salt = std::move(*salt);
    h.hash = std::move(*hash);
    return h;
}

std::optional<std::uint32_t> take_number(std::string_view& text, std::string_view key, char end, std::uint32_t limit)
{
    if (!text.starts_with(key)) return std::nullopt;
    text.remove_prefix(key.size());
    auto const digits = take(text, end);
    if (!digits) return std::nullopt;
    return parse_number<std::uint32_t>(*digits, limit);
}

// "$scrypt$ln=16,r=8,p=1$salt$hash"
std::optional<foreign_hash> parse_scrypt(std::string_view text)
{
    foreign_hash h;
    h.what = kind::scrypt;
    auto const log_n = take_number(text, "ln=", ',', 20);
    auto const r = take_number(text, "r=", ',', 64);
    auto const p = take_number(text, "p=", '$', 16);
    if (!log_n || !r || !p || *log_n == 0 || *r == 0 || *p == 0) return std::nullopt;
    std::uint64_t const memory = (std::uint64_t{128} * *r) << *log_n;
    // Four times as much work as the dearest memory takes once.
    if (memory > most_memory || memory * *p > 4 * most_memory) return std::nullopt;
    auto const salt_text = take(text, '$');
    if (!salt_text) return std::nullopt;
    auto salt = decode(*salt_text, false);
    auto hash = decode(text, false);
    if (!salt || salt->size() > longest_salt || !hash || hash->size() < 16 || hash->size() > 64) return std::nullopt;
    h.rounds = *log_n;
    h.block = *r;
    h.lanes = *p;
    h.salt = std::move(*salt);
    h.hash = std::move(*hash);
    return h;
}

std::optional<foreign_hash> parse_apr1(std::string_view text)
{
    foreign_hash h;
    h.what = kind::apr1;
    h.with = algorithm::md5;
    auto const salt = take(text, '$');
    auto const bad = [](std::string_view s) { return s.find_first_not_of(crypt_alphabet) != std::string_view::npos; };
    if (!salt || salt->empty() || salt->size() > 8 || bad(*salt) || text.size() != 22 || bad(text)) return std::nullopt;
    h.salt = *salt;
    h.hash = text;
    return h;
}

/// The MD5 of FreeBSD's crypt with another magic: what Apache's htpasswd makes.
std::optional<std::string> apr1(std::string_view password, std::string_view salt)
{
    std::string text;
    text.reserve(4 * password.size() + 256);
    auto const wiped = [&text](std::optional<std::string> result) {
        wipe(text.data(), text.size());
        return result;
    };
    text = password;
    text += salt;
    text += password;
    auto mixed = digest(algorithm::md5, text);
    if (!mixed) return wiped(std::nullopt);
    text = password;
    text += apr1_id;
    text += salt;
    for (std::size_t left = password.size(); left > 0; left -= std::min<std::size_t>(left, 16))
        text += mixed->substr(0, std::min<std::size_t>(left, 16));
    for (std::size_t bits = password.size(); bits != 0; bits >>= 1) text += (bits & 1) != 0 ? '\0' : password[0];
    mixed = digest(algorithm::md5, text);
    for (unsigned i = 0; i < 1000 && mixed; ++i) {
        text = (i & 1) != 0 ? password : std::string_view{*mixed};
        if (i % 3 != 0) text += salt;
        if (i % 7 != 0) text += password;
        text += (i & 1) != 0 ? std::string_view{*mixed} : password;
        mixed = digest(algorithm::md5, text);
    }
    if (!mixed) return wiped(std::nullopt);
    std::string out;
    auto const put = [&](unsigned value, int characters) {
        for (; characters > 0; --characters, value >>= 6) out += crypt_alphabet[value & 63];
    };
    auto const octet = [&](std::size_t i) { return unsigned{static_cast<unsigned char>((*mixed)[i])}; };
    constexpr std::array<std::array<std::size_t, 3>, 5> order{
        {{0, 6, 12}, {1, 7, 13}, {2, 8, 14}, {3, 9, 15}, {4, 10, 5}}};
    for (auto const& three : order) put(octet(three[0]) << 16 | octet(three[1]) << 8 | octet(three[2]), 4);
    put(octet(11), 2);
    return wiped(std::move(out));
}

}  // namespace

std::optional<std::string> decode_any_base64(std::string_view text)
{
    if (text.ends_with('=')) return base64_decode(text);
    std::string padded{text};
    while (padded.size() % 4 != 0) padded += '=';
    return base64_decode(padded);
}

std::optional<std::string> decode_hex(std::string_view text)
{
    if (text.size() % 2 != 0) return std::nullopt;
    auto const digit = [](char c) {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        if (c >= 'A' && c <= 'F') return c - 'A' + 10;
        return -1;
    };
    std::string octets;
    octets.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        int const high = digit(text[i]);
        int const low = digit(text[i + 1]);
        if (high < 0 || low < 0) return std::nullopt;
        octets += static_cast<char>(high * 16 + low);
    }
    return octets;
}

std::size_t digest_size_of_scheme(std::string_view scheme) noexcept
{
    auto const* found = find_digest(scheme);
    return found == nullptr ? 0 : size_of(found->with);
}

std::optional<foreign_hash> digest_of_scheme(std::string_view scheme, std::string_view octets)
{
    auto const* found = find_digest(scheme);
    if (found == nullptr) return std::nullopt;
    std::size_t const size = size_of(found->with);
    if (octets.size() < size || octets.size() > size + longest_salt || (!found->salted && octets.size() != size))
        return std::nullopt;
    foreign_hash h;
    h.with = found->with;
    h.salted = found->salted;
    h.hash = octets.substr(0, size);
    h.salt = octets.substr(size);
    return h;
}

std::optional<foreign_hash> foreign_hash::parse(std::string_view text)
{
    if (text.starts_with(dovecot_pbkdf2))
        return parse_pbkdf2(text.substr(dovecot_pbkdf2.size()), algorithm::sha1, true);
    for (auto const& s : pbkdf2_schemes)
        if (text.starts_with(s.id)) return parse_pbkdf2(text.substr(s.id.size()), s.with, false);
    if (text.starts_with(scrypt_id)) return parse_scrypt(text.substr(scrypt_id.size()));
    if (text.starts_with(apr1_id)) return parse_apr1(text.substr(apr1_id.size()));
    if (!text.starts_with('{')) return std::nullopt;
    auto const end = text.find('}');
    if (end == std::string_view::npos) return std::nullopt;
    auto const octets = decode_any_base64(text.substr(end + 1));
    if (!octets) return std::nullopt;
    return digest_of_scheme(text.substr(1, end - 1), *octets);
}

std::string foreign_hash::scheme() const
{
    switch (what) {
        case kind::apr1: return std::string{apr1_id};
        case kind::scrypt: return "scrypt";
        case kind::pbkdf2:
            if (of_dovecot) return "PBKDF2";
            for (auto const& s : pbkdf2_schemes)
                if (s.with == with) return std::string{s.id.substr(1, s.id.size() - 2)};
            break;
        case kind::digest:
            for (auto const& s : digest_schemes)
                if (s.with == with && s.salted == salted) return std::string{s.name};
            break;
    }
    return "unknown";
}

std::string foreign_hash::cost() const
{
    switch (what) {
        case kind::apr1: return std::string{apr1_id};
        case kind::scrypt:
            return std::string{scrypt_id} + "ln=" + std::to_string(rounds) + ",r=" + std::to_string(block) +
                   ",p=" + std::to_string(lanes) + "$";
        case kind::pbkdf2: return "$" + scheme() + "$" + std::to_string(rounds) + "$";
        case kind::digest: break;
    }
    return "{" + scheme() + "}";
}

std::string foreign_hash::to_string() const
{
    switch (what) {
        case kind::apr1: return cost() + salt + "$" + hash;
        case kind::scrypt: return cost() + encode(salt, false) + "$" + encode(hash, false);
        case kind::pbkdf2:
            if (of_dovecot)
                return std::string{dovecot_pbkdf2} + salt + "$" + std::to_string(rounds) + "$" + to_hex(hash);
            return cost() + encode(salt, true) + "$" + encode(hash, true);
        case kind::digest: break;
    }
    return cost() + base64_encode(hash + salt);
}

std::optional<std::string> foreign_hash::compute(std::string_view password) const
{
    if (what == kind::apr1) return apr1(password, salt);
    if (what == kind::digest) {
        std::string text;
        text.reserve(password.size() + salt.size());
        text = password;
        text += salt;
        auto made = digest(with, text);
        wipe(text.data(), text.size());
        return made;
    }
    std::string out(hash.size(), '\0');
    if (what == kind::scrypt) {
        // A little more than the algorithm's own memory, which OpenSSL counts exactly.
        if (EVP_PBE_scrypt(password.data(), password.size(), octets_of(std::string_view{salt}), salt.size(),
                           std::uint64_t{1} << rounds, block, lanes, most_memory + (16u << 20), octets_of(out),
                           out.size()) != 1)
            return std::nullopt;
        return out;
    }
    if (PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), octets_of(std::string_view{salt}),
                          static_cast<int>(salt.size()), static_cast<int>(rounds), evp(with),
                          static_cast<int>(out.size()), octets_of(out)) != 1)
        return std::nullopt;
    return out;
}

}  // namespace postern::directory
