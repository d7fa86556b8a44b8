#include "acme/jws.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/base64.hpp"
#include "base/crypto.hpp"

namespace postern::acme {
namespace json = boost::json;
namespace {

template <class Sign>
json::object sign(json::object header, std::string_view payload, Sign what)
{
    auto const protect = base64url_encode(json::serialize(header));
    auto const body = base64url_encode(payload);
    json::object o;
    o["protected"] = protect;
    o["payload"] = body;
    o["signature"] = base64url_encode(what(protect + '.' + body));
    return o;
}

}  // namespace

std::string signed_request(ec_key const& key, std::string_view account, std::string_view url, std::string_view nonce,
                           std::string_view payload)
{
    json::object header;
    header["alg"] = "ES256";
    if (account.empty()) {
        header["jwk"] = json::parse(key.jwk());
    } else {
        header["kid"] = account;
    }
    header["nonce"] = nonce;
    header["url"] = url;
    return json::serialize(
        sign(std::move(header), payload, [&](std::string const& octets) { return key.sign(octets); }));
}

std::string external_binding(ec_key const& account_key, std::string_view key_id, std::string_view mac_key,
                             std::string_view new_account_url)
{
    json::object header;
    header["alg"] = "HS256";
    header["kid"] = key_id;
    header["url"] = new_account_url;
    return json::serialize(sign(std::move(header), account_key.jwk(),
                                [&](std::string const& octets) { return hmac(hash::sha256, mac_key, octets); }));
}

}  // namespace postern::acme
