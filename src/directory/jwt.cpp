#include "directory/jwt.hpp"

#include <algorithm>
#include <cmath>

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <boost/json.hpp>

#include "base/base64.hpp"

namespace postern::directory {
namespace {

namespace json = boost::json;
using state = token_judgement::state;

constexpr std::size_t longest_token = 12'288;
constexpr std::size_t longest_document = 1 << 20;
constexpr std::size_t most_keys = 100;

template <auto Free>
struct freer {
    template <class T>
    void operator()(T* p) const noexcept
    {
        Free(p);
    }
};
using pkey_ptr = std::unique_ptr<EVP_PKEY, freer<EVP_PKEY_free>>;
using pkey_context_ptr = std::unique_ptr<EVP_PKEY_CTX, freer<EVP_PKEY_CTX_free>>;
using digest_context_ptr = std::unique_ptr<EVP_MD_CTX, freer<EVP_MD_CTX_free>>;
using builder_ptr = std::unique_ptr<OSSL_PARAM_BLD, freer<OSSL_PARAM_BLD_free>>;
using params_ptr = std::unique_ptr<OSSL_PARAM, freer<OSSL_PARAM_free>>;
using number_ptr = std::unique_ptr<BIGNUM, freer<BN_free>>;
using ecdsa_ptr = std::unique_ptr<ECDSA_SIG, freer<ECDSA_SIG_free>>;

unsigned char const* octets_of(std::string_view text) { return reinterpret_cast<unsigned char const*>(text.data()); }

/// RFC 7515 section 2: the URL alphabet, no padding, nothing else.
std::optional<std::string> decode_url(std::string_view text)
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

std::optional<json::object> parse_object(std::string_view text)
{
    json::error_code failed;
    json::parse_options options;
    options.max_depth = 16;
    auto value = json::parse(json::string_view{text.data(), text.size()}, failed, {}, options);
    if (failed || !value.is_object()) return std::nullopt;
    return std::move(value.get_object());
}

/// A member that is text; empty when there is none.
std::string_view text_of(json::object const& o, std::string_view name)
{
    auto const* const value = o.if_contains(json::string_view{name.data(), name.size()});
    if (value == nullptr || !value->is_string()) return {};
    auto const& text = value->get_string();
    return {text.data(), text.size()};
}

/// Seconds since 1970, RFC 7519 section 2; nothing when it is no number that makes sense.
std::optional<std::int64_t> time_of(json::value const& v)
{
    constexpr double most = 1e11;
    double seconds = 0;
    if (v.is_int64())
        seconds = static_cast<double>(v.get_int64());
    else if (v.is_uint64())
        seconds = static_cast<double>(v.get_uint64());
    else if (v.is_double())
        seconds = v.get_double();
    else
        return std::nullopt;
    if (!std::isfinite(seconds) || seconds < 0 || seconds > most) return std::nullopt;
    return static_cast<std::int64_t>(seconds);
}

/// Whether a member is the word, or a list that has it.
bool names_one_of(json::value const* v, std::vector<std::string> const& wanted)
{
    if (v == nullptr) return false;
    auto const is_wanted = [&](json::value const& item) {
        return item.is_string() && std::any_of(wanted.begin(), wanted.end(), [&](std::string const& w) {
                   auto const& text = item.get_string();
                   return std::string_view{text.data(), text.size()} == w;
               });
    };
    if (v->is_array()) return std::any_of(v->get_array().begin(), v->get_array().end(), is_wanted);
    return is_wanted(*v);
}

/// The same where a text is a list of words (RFC 6749 section 3.3), or there is a list.
bool has_scope(json::value const* v, std::string_view wanted)
{
    if (v == nullptr) return false;
    if (!v->is_string()) return names_one_of(v, {std::string{wanted}});
    std::string_view rest{v->get_string().data(), v->get_string().size()};
    while (!rest.empty()) {
        auto const end = std::min(rest.find(' '), rest.size());
        if (rest.substr(0, end) == wanted) return true;
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return false;
}

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
    auto const n = decode_url(text_of(o, "n"));
    auto const e = decode_url(text_of(o, "e"));
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

pkey_ptr read_p256(json::object const& o)
{
    auto const x = decode_url(text_of(o, "x"));
    auto const y = decode_url(text_of(o, "y"));
    if (text_of(o, "crv") != "P-256" || !x || !y || x->size() != 32 || y->size() != 32) return nullptr;
    std::string const point = '\x04' + *x + *y;
    builder_ptr const parts{OSSL_PARAM_BLD_new()};
    if (!parts || OSSL_PARAM_BLD_push_utf8_string(parts.get(), OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(parts.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1)
        return nullptr;
    return make_key("EC", parts.get());
}

pkey_ptr read_ed25519(json::object const& o)
{
    auto const x = decode_url(text_of(o, "x"));
    if (text_of(o, "crv") != "Ed25519" || !x || x->size() != 32) return nullptr;
    return pkey_ptr{EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, octets_of(*x), x->size())};
}

/// RFC 7518 section 3.4: r and s, 32 octets each; OpenSSL wants them in DER.
std::string to_der(std::string_view signature)
{
    if (signature.size() != 64) return {};
    ecdsa_ptr const pair{ECDSA_SIG_new()};
    auto r = number_from(signature.substr(0, 32));
    auto s = number_from(signature.substr(32));
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

bool signature_is_good(EVP_PKEY* key, signature_kind kind, std::string_view text, std::string_view signature)
{
    std::string const der = kind == signature_kind::es256 ? to_der(signature) : std::string{};
    if (kind == signature_kind::es256) signature = der;
    digest_context_ptr const context{EVP_MD_CTX_new()};
    EVP_MD const* const md = kind == signature_kind::eddsa ? nullptr : EVP_sha256();
    bool const good =
        !signature.empty() && context && EVP_DigestVerifyInit(context.get(), nullptr, md, nullptr, key) == 1 &&
        EVP_DigestVerify(context.get(), octets_of(signature), signature.size(), octets_of(text), text.size()) == 1;
    ERR_clear_error();
    return good;
}

std::optional<signature_kind> kind_of(std::string_view algorithm)
{
    if (algorithm == "RS256") return signature_kind::rs256;
    if (algorithm == "ES256") return signature_kind::es256;
    if (algorithm == "EdDSA") return signature_kind::eddsa;
    return std::nullopt;
}

token_judgement refused(char const* why, state what = state::refused) { return {what, {}, why}; }

/// The claims of a token whose signature is good.
token_judgement judge_claims(json::object const& claims, token_rules const& rules, std::int64_t now)
{
    if (text_of(claims, "iss") != rules.issuer) return refused("another issuer");
    if (!rules.audience.empty() && !names_one_of(claims.if_contains("aud"), rules.audience))
        return refused("for another audience");

    auto const skew = rules.skew.count();
    auto const* const exp = claims.if_contains("exp");
    auto const end = exp != nullptr ? time_of(*exp) : std::nullopt;
    if (!end) return refused("no time of expiry");
    if (*end + skew <= now) return refused("expired");
    if (auto const* const nbf = claims.if_contains("nbf")) {
        auto const begin = time_of(*nbf);
        if (!begin) return refused("a time that is none");
        if (*begin - skew > now) return refused("not valid yet");
    }

    auto const account = text_of(claims, rules.account_claim);
    if (account.empty() || account.size() > 255) return refused("no account in the token");
    // An address that the issuer did not check is anybody's.
    if (rules.account_claim == "email")
        if (auto const* const verified = claims.if_contains("email_verified");
            verified != nullptr && verified->is_bool() && !verified->get_bool())
            return refused("the address in the token is not verified");

    // Last: who gets this answer may get another token.
    if (!rules.scope.empty() && !has_scope(claims.if_contains("scope"), rules.scope) &&
        !has_scope(claims.if_contains("scp"), rules.scope))
        return refused("the scope is missing", state::insufficient_scope);
    return {state::good, std::string{account}, "token"};
}

}  // namespace

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
        if (auto const use = text_of(o, "use"); !use.empty() && use != "sig") continue;
        auto const type = text_of(o, "kty");
        key k{std::string{text_of(o, "kid")}, signature_kind::rs256, {}};
        pkey_ptr handle;
        char const* algorithm = "RS256";
        if (type == "RSA") {
            handle = read_rsa(o);
        } else if (type == "EC") {
            handle = read_p256(o);
            k.kind = signature_kind::es256;
            algorithm = "ES256";
        } else if (type == "OKP") {
            handle = read_ed25519(o);
            k.kind = signature_kind::eddsa;
            algorithm = "EdDSA";
        }
        if (auto const alg = text_of(o, "alg"); !alg.empty() && alg != algorithm) continue;
        if (!handle) continue;
        k.handle = std::shared_ptr<void>{handle.release(), [](void* p) { EVP_PKEY_free(static_cast<EVP_PKEY*>(p)); }};
        set.keys_.push_back(std::move(k));
    }
    ERR_clear_error();
    if (set.keys_.empty()) return bad("the key set has no key for RS256, ES256 or EdDSA");
    return set;
}

key_set::found key_set::verify(signature_kind kind, std::string_view id, std::string_view signed_text,
                               std::string_view signature) const
{
    bool fits = false;
    for (auto const& k : keys_) {
        if (k.kind != kind || (!id.empty() && k.id != id)) continue;
        fits = true;
        if (signature_is_good(static_cast<EVP_PKEY*>(k.handle.get()), kind, signed_text, signature)) return found::good;
    }
    return fits ? found::bad : found::no_such_key;
}

token_judgement judge_token(std::string_view token, key_set const& keys, token_rules const& rules, wall_time now)
{
    if (token.size() > longest_token) return refused("too long");
    auto const first = token.find('.');
    auto const second = first == std::string_view::npos ? first : token.find('.', first + 1);
    if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos)
        return refused("not three parts");
    auto const header_text = decode_url(token.substr(0, first));
    auto const claims_text = decode_url(token.substr(first + 1, second - first - 1));
    auto const signature = decode_url(token.substr(second + 1));
    if (!header_text || !claims_text || !signature) return refused("not base64url");

    auto const header = parse_object(*header_text);
    if (!header) return refused("the header is no JSON object");
    // RFC 7515 section 4.1.11: what we must understand and don't.
    if (header->if_contains("crit") != nullptr) return refused("a critical extension");
    auto const kind = kind_of(text_of(*header, "alg"));
    if (!kind) return refused("an algorithm that is not taken");
    switch (keys.verify(*kind, text_of(*header, "kid"), token.substr(0, second), *signature)) {
        case key_set::found::good: break;
        case key_set::found::bad: return refused("the signature is wrong");
        case key_set::found::no_such_key: return refused("signed with an unknown key", state::unknown_key);
    }
    auto const claims = parse_object(*claims_text);
    if (!claims) return refused("the claims are no JSON object");
    auto const seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
    return judge_claims(*claims, rules, seconds);
}

}  // namespace postern::directory
