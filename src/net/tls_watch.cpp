#include "net/tls_watch.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <memory>

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include "base/hex.hpp"
#include "base/ip.hpp"
#include "base/text.hpp"
#include "net/tls_context.hpp"

namespace postern::net {
namespace {

// A chain that is longer is sent to tire us.
constexpr int most_certificates = 10;
constexpr int most_names = 100;
constexpr int usual_level = 2;  // of Debian: RSA from 2048 bits, no SHA-1
constexpr std::size_t longest_text = 300;

template <auto release>
struct released_by {
    template <class T>
    void operator()(T* what) const noexcept
    {
        release(what);
    }
};
template <class T, auto release>
using owned = std::unique_ptr<T, released_by<release>>;

std::string text_of(unsigned char const* octets, int size)
{
    return printable({reinterpret_cast<char const*>(octets), static_cast<std::size_t>(size)}, longest_text);
}

std::string name_of(X509_NAME const* name)
{
    owned<BIO, BIO_free> const out{BIO_new(BIO_s_mem())};
    if (!out || X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0) return {};
    char* at = nullptr;
    auto const size = BIO_ctrl(out.get(), BIO_CTRL_INFO, 0, &at);
    return size > 0 ? printable({at, static_cast<std::size_t>(size)}, longest_text) : std::string{};
}

std::string common_name_of(X509* certificate)
{
    char common[256] = {};
    int const size =
        X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, common, sizeof common);
    return size > 0 ? printable({common, static_cast<std::size_t>(size)}, longest_text) : std::string{};
}

std::string address_of(ASN1_OCTET_STRING const* octets)
{
    auto const* const at = ASN1_STRING_get0_data(octets);
    if (ASN1_STRING_length(octets) == 4)
        return ip_address::v4(std::uint32_t{at[0]} << 24 | std::uint32_t{at[1]} << 16 | std::uint32_t{at[2]} << 8 |
                              at[3])
            .to_string();
    if (ASN1_STRING_length(octets) != 16) return {};
    std::array<std::uint8_t, 16> all{};
    std::copy_n(at, all.size(), all.begin());
    return ip_address::v6(all).to_string();
}

std::vector<std::string> names_of(X509* certificate)
{
    std::vector<std::string> found;
    owned<GENERAL_NAMES, GENERAL_NAMES_free> const all{
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr))};
    for (int i = 0; i < std::min(sk_GENERAL_NAME_num(all.get()), most_names); ++i) {
        GENERAL_NAME const* const name = sk_GENERAL_NAME_value(all.get(), i);
        if (name->type == GEN_DNS)
            found.push_back(text_of(ASN1_STRING_get0_data(name->d.dNSName), ASN1_STRING_length(name->d.dNSName)));
        if (name->type == GEN_IPADD) found.push_back(address_of(name->d.iPAddress));
    }
    return found;
}

wall_time time_of(ASN1_TIME const* when)
{
    std::tm parts{};
    if (ASN1_TIME_to_tm(when, &parts) != 1) return {};
    // Years up to 9999, which the clock can't count.
    constexpr std::int64_t most = INT64_MAX / 1'000'000;
    return from_microseconds(std::clamp<std::int64_t>(::timegm(&parts), -most, most) * 1'000'000);
}

std::string serial_of(X509* certificate)
{
    owned<BIGNUM, BN_free> const number{ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr)};
    if (!number) return {};
    char* const digits = BN_bn2hex(number.get());
    std::string const serial = digits != nullptr ? std::string{digits}.substr(0, 80) : std::string{};
    OPENSSL_free(digits);
    return serial;
}

std::string hash_of(X509* certificate)
{
    unsigned char octets[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (X509_digest(certificate, EVP_sha256(), octets, &size) != 1) return {};
    return to_hex({reinterpret_cast<char const*>(octets), size});
}

/// Over the web (RFC 5280 section 4.2.2.1): a place for OCSP, or a directory of a company's own, is not that.
bool publishes_issuer(X509 const* certificate)
{
    auto* const all =
        static_cast<AUTHORITY_INFO_ACCESS*>(X509_get_ext_d2i(certificate, NID_info_access, nullptr, nullptr));
    bool found = false;
    for (int i = 0; all != nullptr && i < sk_ACCESS_DESCRIPTION_num(all); ++i) {
        auto const* const one = sk_ACCESS_DESCRIPTION_value(all, i);
        if (OBJ_obj2nid(one->method) != NID_ad_ca_issuers || one->location->type != GEN_URI) continue;
        auto const* const uri = one->location->d.uniformResourceIdentifier;
        std::string_view const text{reinterpret_cast<char const*>(ASN1_STRING_get0_data(uri)),
                                    static_cast<std::size_t>(ASN1_STRING_length(uri))};
        found = found || text.starts_with("http://") || text.starts_with("https://");
    }
    AUTHORITY_INFO_ACCESS_free(all);
    return found;
}

shown_certificate show(X509* certificate)
{
    shown_certificate c;
    c.subject = name_of(X509_get_subject_name(certificate));
    c.issuer = name_of(X509_get_issuer_name(certificate));
    c.names = names_of(certificate);
    c.common_name = common_name_of(certificate);
    c.not_before = time_of(X509_get0_notBefore(certificate));
    c.not_after = time_of(X509_get0_notAfter(certificate));
    if (EVP_PKEY const* const key = X509_get0_pubkey(certificate)) {
        char const* const type = EVP_PKEY_get0_type_name(key);
        c.key_type = type != nullptr ? type : "unknown";
        c.key_bits = EVP_PKEY_get_bits(key);
    }
    char const* const signature = OBJ_nid2ln(X509_get_signature_nid(certificate));
    c.signature = signature != nullptr ? signature : "unknown";
    c.self_signed = X509_self_signed(certificate, 1) == 1;
    c.authority = X509_check_ca(certificate) == 1;
    c.issuer_published = publishes_issuer(certificate);
    c.serial = serial_of(certificate);
    c.sha256 = hash_of(certificate);
    return c;
}

// As the handshake does it, but for the name, which is a matter of its own.
int trouble_with(SSL* ssl, X509* leaf, STACK_OF(X509) * chain)
{
    owned<X509_STORE_CTX, X509_STORE_CTX_free> const check{X509_STORE_CTX_new()};
    if (!check || X509_STORE_CTX_init(check.get(), SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl)), leaf, chain) != 1 ||
        X509_STORE_CTX_set_default(check.get(), "ssl_server") != 1)
        return X509_V_ERR_UNSPECIFIED;
    // Where the handshake was told to take what is broken, that says nothing of trust.
    int const level = SSL_get_security_level(ssl);
    X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(check.get()), level == 0 ? usual_level : level);
    if (X509_verify_cert(check.get()) == 1) return X509_V_OK;
    return X509_STORE_CTX_get_error(check.get());
}

bool is_for(X509* leaf, std::string const& name)
{
    if (ip_address::parse(name)) return X509_check_ip_asc(leaf, name.c_str(), 0) == 1;
    return X509_check_host(leaf, name.data(), name.size(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, nullptr) == 1;
}

// The issuer of the first among the others.
X509* issuer_of(X509* leaf, STACK_OF(X509) * chain)
{
    for (int i = 1; i < sk_X509_num(chain); ++i)
        if (X509_check_issued(sk_X509_value(chain, i), leaf) == X509_V_OK) return sk_X509_value(chain, i);
    return nullptr;
}

stapled_status stapled_in(SSL* ssl, X509* leaf, STACK_OF(X509) * chain)
{
    unsigned char const* at = nullptr;
    auto const size = SSL_ctrl(ssl, SSL_CTRL_GET_TLSEXT_STATUS_REQ_OCSP_RESP, 0, &at);
    if (size <= 0 || at == nullptr) return stapled_status::none;
    owned<OCSP_RESPONSE, OCSP_RESPONSE_free> const response{d2i_OCSP_RESPONSE(nullptr, &at, size)};
    if (!response || OCSP_response_status(response.get()) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
        return stapled_status::unreadable;
    owned<OCSP_BASICRESP, OCSP_BASICRESP_free> const basic{OCSP_response_get1_basic(response.get())};
    X509* const issuer = issuer_of(leaf, chain);
    if (!basic || issuer == nullptr) return stapled_status::unreadable;
    if (OCSP_basic_verify(basic.get(), chain, SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl)), 0) != 1)
        return stapled_status::unreadable;
    owned<OCSP_CERTID, OCSP_CERTID_free> const id{OCSP_cert_to_id(nullptr, leaf, issuer)};
    int status = -1;
    int reason = -1;
    if (!id || OCSP_resp_find_status(basic.get(), id.get(), &status, &reason, nullptr, nullptr, nullptr) != 1)
        return stapled_status::unreadable;
    return status == V_OCSP_CERTSTATUS_GOOD      ? stapled_status::good
           : status == V_OCSP_CERTSTATUS_REVOKED ? stapled_status::revoked
                                                 : stapled_status::unknown;
}

// "handshake failure" as RFC 8446 writes it.
std::string alert_name(int number)
{
    std::string name = SSL_alert_desc_string_long(number);
    std::replace(name.begin(), name.end(), ' ', '_');
    return name;
}

tls_watch* watch_of(SSL const* ssl) { return static_cast<tls_watch*>(SSL_get_ex_data(ssl, 0)); }

void on_progress(SSL const* ssl, int where, int value)
{
    constexpr int close_notify = 0;
    bool const received = (where & SSL_CB_READ_ALERT) == SSL_CB_READ_ALERT;
    if (received && (value & 0xff) != close_notify) watch_of(ssl)->alert = value & 0xff;
}

void on_message(int written, int, int type, void const* octets, std::size_t size, SSL*, void* watch)
{
    if (written != 0 || type != SSL3_RT_HEADER || size == 0) return;
    auto const first = *static_cast<unsigned char const*>(octets);
    auto& seen = static_cast<tls_watch*>(watch)->instead_of_record;
    bool const record = first >= SSL3_RT_CHANGE_CIPHER_SPEC && first <= SSL3_RT_APPLICATION_DATA;
    if (!record && seen.empty()) seen.assign(static_cast<char const*>(octets), size);
}

}  // namespace

void watch_server(SSL* ssl, tls_watch& watch)
{
    SSL_set_ex_data(ssl, 0, &watch);
    SSL_set_info_callback(ssl, on_progress);
    SSL_set_msg_callback(ssl, on_message);
    SSL_ctrl(ssl, SSL_CTRL_SET_MSG_CALLBACK_ARG, 0, &watch);
    SSL_set_cert_cb(
        ssl,
        [](SSL*, void* mine) {
            static_cast<tls_watch*>(mine)->wants_certificate = true;
            return 1;
        },
        &watch);
    SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_STATUS_REQ_TYPE, TLSEXT_STATUSTYPE_ocsp, nullptr);
}

tls_observations observe_server(SSL* ssl, std::string const& name, tls_watch const& watch)
{
    tls_observations seen;
    if (watch.alert >= 0) seen.alert = alert_name(watch.alert);
    seen.wants_certificate = watch.wants_certificate;
    seen.instead_of_record = printable(watch.instead_of_record, 40);
    seen.asked_for = printable(name, 255);
    STACK_OF(X509)* const chain = SSL_get_peer_cert_chain(ssl);
    X509* const leaf = SSL_get0_peer_certificate(ssl);
    for (int i = 0; i < std::min(sk_X509_num(chain), most_certificates); ++i)
        seen.chain.push_back(show(sk_X509_value(chain, i)));
    if (leaf != nullptr) {
        seen.trust_error = trouble_with(ssl, leaf, chain);
        seen.trusted = seen.trust_error == X509_V_OK;
        if (!seen.trusted) seen.untrusted_because = X509_verify_cert_error_string(seen.trust_error);
        seen.name_fits = is_for(leaf, name);
        seen.stapled = stapled_in(ssl, leaf, chain);
    }
    ERR_clear_error();
    return seen;
}

}  // namespace postern::net
