#include "directory/key_set.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <boost/json.hpp>

#include "base/base64.hpp"
#include "base/freer.hpp"
#include "base/json.hpp"
#include "directory/token_claims.hpp"

namespace postern::directory {
namespace {

namespace json = boost::json;
using key_kind = key_set::key_kind;

constexpr std::size_t longest_document = 1 << 20;
constexpr std::size_t most_keys = 100;

using pkey_ptr = std::unique_ptr<EVP_PKEY, freer<EVP_PKEY_free>>;
using pkey_context_ptr = std::unique_ptr<EVP_PKEY_CTX, freer<EVP_PKEY_CTX_free>>;
using digest_context_ptr = std::unique_ptr<EVP_MD_CTX, freer<EVP_MD_CTX_free>>;
using builder_ptr = std::unique_ptr<OSSL_PARAM_BLD, freer<OSSL_PARAM_BLD_free>>;
using params_ptr = std::unique_ptr<OSSL_PARAM, freer<OSSL_PARAM_free>>;
using number_ptr = std::unique_ptr<BIGNUM, freer<BN_free>>;
using ecdsa_ptr = std::unique_ptr<ECDSA_SIG, freer<ECDSA_SIG_free>>;

struct algorithm {
    std::string_view name;
    signature_kind kind;
    key_kind key;
    EVP_MD const* (*digest)();  // null: the key's own
    bool pss;
};
constexpr std::array<algorithm, 10> algorithms{{
    {"RS256", signature_kind::rs256, key_kind::rsa, EVP_sha256, false},
    {"RS384", signature_kind::rs384, key_kind::rsa, EVP_sha384, false},
    {"RS512", signature_kind::rs512, key_kind::rsa, EVP_sha512, false},
    {"PS256", signature_kind::ps256, key_kind::rsa, EVP_sha256, true},
    {"PS384", signature_kind::ps384, key_kind::rsa, EVP_sha384, true},
    {"PS512", signature_kind::ps512, key_kind::rsa, EVP_sha512, true},
    {"ES256", signature_kind::es256, key_kind::p256, EVP_sha256, false},
    {"ES384", signature_kind::es384, key_kind::p384, EVP_sha384, false},
    {"ES512", signature_kind::es512, key_kind::p521, EVP_sha512, false},
    {"EdDSA", signature_kind::eddsa, key_kind::edwards, nullptr, false},
}};

struct curve {
    char const* name;
    key_kind kind;
    std::size_t size;  // octets of a coordinate, and of each half of a signature
};
constexpr std::array<curve, 3> curves{
    {{"P-256", key_kind::p256, 32}, {"P-384", key_kind::p384, 48}, {"P-521", key_kind::p521, 66}}};

algorithm const& algorithm_of(signature_kind kind)
{
    return *std::find_if(algorithms.begin(), algorithms.end(), [&](auto const& a) { return a.kind == kind; });
}

unsigned char const* octets_of(std::string_view text) { return reinterpret_cast<unsigned char const*>(text.data()); }

number_ptr number_from(std::string_view octets)
{
    return number_ptr{BN_bin2bn(octets_of(octets), static_cast<int>(octets.size()), nullptr)};
}

pkey_ptr make_key(char const* type, OSSL_PARAM_BLD* parts)
{
    params_ptr const params{OSSL_PARAM_BLD_to_param(parts)};
    pkey_context_ptr const context{EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr)};
    EVP_PKEY* key = nullptr;
    if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1)
        return nullptr;
    return pkey_ptr{key};
}

pkey_ptr read_rsa(json::object const& o)
{
    auto const n = decode_base64url(text_in(o, "n"));
    auto const e = decode_base64url(text_in(o, "e"));
    // 2048 bits and more; 8192 and less, since a check of a huge one costs seconds.
    if (!n || !e || n->size() < 256 || n->size() > 1024 || e->empty() || e->size() > 8) return nullptr;
    auto const modulus = number_from(*n);
    auto const exponent = number_from(*e);
    builder_ptr const parts{OSSL_PARAM_BLD_new()};
    if (!modulus || !exponent || !parts || BN_num_bits(modulus.get()) < 2048 ||
        OSSL_PARAM_BLD_push_BN(parts.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
        OSSL_PARAM_BLD_push_BN(parts.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1)
        return nullptr;
    return make_key("RSA", parts.get());
}

pkey_ptr read_ec(json::object const& o, key_kind& kind)
{
    auto const* const c =
        std::find_if(curves.begin(), curves.end(), [&](auto const& known) { return text_in(o, "crv") == known.name; });
    if (c == curves.end()) return nullptr;
    auto const x = decode_base64url(text_in(o, "x"));
    auto const y = decode_base64url(text_in(o, "y"));
    if (!x || !y || x->size() != c->size || y->size() != c->size) return nullptr;
    std::string const point = '\x04' + *x + *y;
    builder_ptr const parts{OSSL_PARAM_BLD_new()};
    if (!parts || OSSL_PARAM_BLD_push_utf8_string(parts.get(), OSSL_PKEY_PARAM_GROUP_NAME, c->name, 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(parts.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1)
        return nullptr;
    kind = c->kind;
    return make_key("EC", parts.get());
}

pkey_ptr read_edwards(json::object const& o)
{
    auto const x = decode_base64url(text_in(o, "x"));
    bool const small = text_in(o, "crv") == "Ed25519";
    if (!small && text_in(o, "crv") != "Ed448") return nullptr;
    if (!x || x->size() != (small ? 32u : 57u)) return nullptr;
    return pkey_ptr{
        EVP_PKEY_new_raw_public_key(small ? EVP_PKEY_ED25519 : EVP_PKEY_ED448, nullptr, octets_of(*x), x->size())};
}

/// RFC 7518 section 3.4: r and s, each as long as a coordinate; OpenSSL wants them in DER.
std::string to_der(std::string_view signature, std::size_t half)
{
    if (signature.size() != 2 * half) return {};
    ecdsa_ptr const pair{ECDSA_SIG_new()};
    auto r = number_from(signature.substr(0, half));
    auto s = number_from(signature.substr(half));
    if (!pair || !r || !s || ECDSA_SIG_set0(pair.get(), r.get(), s.get()) != 1) return {};
    static_cast<void>(r.release());
    static_cast<void>(s.release());
    int const size = i2d_ECDSA_SIG(pair.get(), nullptr);
    if (size <= 0) return {};
    std::string der(static_cast<std::size_t>(size), '\0');
    auto* out = reinterpret_cast<unsigned char*>(der.data());
    i2d_ECDSA_SIG(pair.get(), &out);
    return der;
}

bool signature_is_good(EVP_PKEY* key, algorithm const& a, std::string_view text, std::string_view signature)
{
    std::string der;
    if (auto const* const c =
            std::find_if(curves.begin(), curves.end(), [&](auto const& known) { return known.kind == a.key; });
        c != curves.end()) {
        der = to_der(signature, c->size);
        signature = der;
    }
    digest_context_ptr const context{EVP_MD_CTX_new()};
    EVP_PKEY_CTX* parameters = nullptr;  // the context's
    EVP_MD const* const md = a.digest == nullptr ? nullptr : a.digest();
    bool good =
        !signature.empty() && context && EVP_DigestVerifyInit(context.get(), &parameters, md, nullptr, key) == 1;
    // RFC 7518 section 3.5: MGF1 with the same hash, which is the default, and a salt as long.
    if (good && a.pss)
        good = EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1;
    good = good &&
           EVP_DigestVerify(context.get(), octets_of(signature), signature.size(), octets_of(text), text.size()) == 1;
    ERR_clear_error();
    return good;
}

}  // namespace

std::optional<std::string> decode_base64url(std::string_view text)
{
    std::string usual;
    usual.reserve(text.size() + 3);
    for (char const c : text) {
        if (c == '+' || c == '/' || c == '=') return std::nullopt;
        usual += c == '-' ? '+' : c == '_' ? '/' : c;
    }
    while (usual.size() % 4 != 0) usual += '=';
    return base64_decode(usual);
}

std::optional<signature_kind> signature_kind_of(std::string_view name)
{
    auto const* const a =
        std::find_if(algorithms.begin(), algorithms.end(), [&](auto const& known) { return known.name == name; });
    if (a == algorithms.end()) return std::nullopt;
    return a->kind;
}

result<key_set> key_set::parse(std::string_view text)
{
    auto const bad = [](char const* why) { return error{{4, 3, 0}, "Tokens can't be checked now", why}; };
    if (text.size() > longest_document) return bad("the key set is larger than 1 MiB");
    auto const document = parse_object(text);
    if (!document) return bad("the key set is no JSON object");
    auto const* const list = document->if_contains("keys");
    if (list == nullptr || !list->is_array()) return bad("the key set has no list \"keys\"");
    if (list->get_array().size() > most_keys) return bad("the key set has more than 100 keys");
    key_set set;
    for (auto const& item : list->get_array()) {
        if (!item.is_object()) continue;
        auto const& o = item.get_object();
        if (auto const use = text_in(o, "use"); !use.empty() && use != "sig") continue;
        key k{std::string{text_in(o, "kid")}, key_kind::rsa, std::nullopt, {}};
        auto const type = text_in(o, "kty");
        pkey_ptr handle;
        if (type == "RSA") {
            handle = read_rsa(o);
        } else if (type == "EC") {
            handle = read_ec(o, k.kind);
        } else if (type == "OKP") {
            handle = read_edwards(o);
            k.kind = key_kind::edwards;
        }
        if (auto const name = text_in(o, "alg"); !name.empty()) {
            k.only = signature_kind_of(name);
            if (!k.only || algorithm_of(*k.only).key != k.kind) continue;
        }
        if (!handle) continue;
        k.handle = std::shared_ptr<void>{handle.release(), [](void* p) { EVP_PKEY_free(static_cast<EVP_PKEY*>(p)); }};
        set.keys_.push_back(std::move(k));
    }
    ERR_clear_error();
    if (set.keys_.empty()) return bad("the key set has no key of a kind that is taken");
    return set;
}

key_set::found key_set::verify(signature_kind kind, std::string_view id, std::string_view signed_text,
                               std::string_view signature) const
{
    auto const& a = algorithm_of(kind);
    bool fits = false;
    for (auto const& k : keys_) {
        if (k.kind != a.key || (k.only && *k.only != kind) || (!id.empty() && k.id != id)) continue;
        fits = true;
        if (signature_is_good(static_cast<EVP_PKEY*>(k.handle.get()), a, signed_text, signature)) return found::good;
    }
    return fits ? found::bad : found::no_such_key;
}

}  // namespace postern::directory
