// Certificates, and the oldest version of TLS.
#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "config/values.hpp"
#include "moving/planner.hpp"

namespace postern::moving {
namespace {

struct pair {
    std::string certificate, key, from;
};

bool is_file(std::string const& text) { return text.starts_with('/'); }

// "rsachain.pem, eckey.pem, eccerts.pem": a key comes before its certificates, in the same file
// or the one before.
std::vector<pair> chains(planner& p, std::string const& value)
{
    std::vector<pair> list;
    std::string waiting;
    for (auto const& file : words(value)) {
        auto const content = p.disk.read(file, longest_configuration);
        if (!content) {
            p.tell_parameter(weight::act, "smtpd_tls_chain_files",
                             file + ": " + content.error().why + ". Set tls.certificate and tls.private_key.");
            return {};
        }
        bool const key = content->reveal().find("PRIVATE KEY-----") != std::string_view::npos;
        bool const certificate = content->reveal().find("BEGIN CERTIFICATE-----") != std::string_view::npos;
        if (key) waiting = file;
        if (certificate && !waiting.empty()) {
            list.push_back({file, waiting, p.origin("smtpd_tls_chain_files")});
            waiting.clear();
        }
    }
    return list;
}

std::vector<pair> of_postfix(planner& p)
{
    auto& main = p.main();
    std::vector<pair> list;
    if (auto const files = main.take("smtpd_tls_chain_files"); !files.empty()) list = chains(p, files);
    constexpr std::pair<std::string_view, std::string_view> kinds[] = {
        {"smtpd_tls_cert_file", "smtpd_tls_key_file"}, {"smtpd_tls_eccert_file", "smtpd_tls_eckey_file"}};
    for (auto const& [certificate, key] : kinds) {
        auto const file = main.take(certificate);
        auto const key_file = main.take(key);
        if (main.find("smtpd_tls_chain_files") == nullptr && is_file(file) && is_file(key_file))
            list.push_back({file, key_file, p.origin(certificate)});
    }
    if (auto const sni = main.take("tls_server_sni_maps"); !sni.empty())
        p.tell_parameter(weight::act, "tls_server_sni_maps",
                         "Add a [[tls.certificates]] table for each certificate; Postern finds the one by its names.");
    return list;
}

void of_dovecot(planner& p, section const& s, std::vector<pair>& list)
{
    auto const* certificate = s.find("ssl_cert");
    auto const* key = s.find("ssl_key");
    for (auto const& one : s.settings)
        if (one.key == "ssl_cert" || one.key == "ssl_key") p.seen.insert(&one);
    if (certificate == nullptr || !certificate->from_file || !is_file(certificate->value)) return;
    auto const known =
        std::find_if(list.begin(), list.end(), [&](auto const& one) { return one.certificate == certificate->value; });
    if (known != list.end()) return;
    if (key == nullptr || key->hidden || !key->from_file || !is_file(key->value)) {
        p.out.tell(weight::act, certificate->at, "ssl_cert", certificate->value,
                   "Its key is not known (doveconf shows it with -P). Set tls.certificate and tls.private_key.");
        return;
    }
    list.push_back({certificate->value, key->value, certificate->at.to_string() + ": ssl_cert"});
}

void certificates(planner& p)
{
    std::vector<pair> list;
    if (p.has_postfix()) list = of_postfix(p);
    if (p.has_dovecot() && list.empty()) {
        of_dovecot(p, p.dovecot(), list);
        for (auto const* s : p.dovecot().all("local_name")) {
            p.seen.insert(s);
            of_dovecot(p, *s, list);
        }
    }
    for (std::size_t i = 0; i < list.size(); ++i) {
        auto const& one = list[i];
        if (i == 0) {
            p.out.set("tls.certificate", config::quote(one.certificate), one.from);
            p.out.set("tls.private_key", config::quote(one.key), {});
            continue;
        }
        row r{"tls.certificates", one.from, {}};
        r.set("certificate", config::quote(one.certificate));
        r.set("private_key", config::quote(one.key));
        p.out.rows.push_back(std::move(r));
    }
    if (list.empty())
        p.out.tell(weight::act, {}, "no certificate", "",
                   "None was found, so Postern makes a self-signed one, which mail programs warn about. Set "
                   "tls.certificate and tls.private_key.");
    else
        p.out.tell(weight::act, {}, "private key", list.front().key,
                   "The user postern has to be able to read it: setfacl -m u:postern:r FILE (and x on its folders), or "
                   "a copy that is renewed along with it. `postern config check` tries.");
}

// The oldest of "!SSLv2, !SSLv3, !TLSv1", ">=TLSv1.2", "TLSv1.2 TLSv1.3": 0 for TLS 1.0 to 3 for 1.3.
std::optional<unsigned> oldest(std::string const& value)
{
    constexpr std::array<std::string_view, 4> versions{"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"};
    std::array<bool, 4> named{}, excluded{};
    unsigned least = 0;
    bool any_named = false;
    std::string list = value;
    std::replace(list.begin(), list.end(), ':', ' ');
    for (auto word : words(list)) {
        bool const without = word.starts_with('!');
        if (without) word.erase(0, 1);
        bool const from = word.starts_with(">=");
        if (from) word.erase(0, 2);
        if (word.starts_with("<=")) continue;
        for (unsigned i = 0; i < versions.size(); ++i) {
            if (!equal_ignoring_case(word, versions[i]) && !(i == 0 && equal_ignoring_case(word, "TLSv1.0"))) continue;
            if (from) least = i;
            if (without) excluded[i] = true;
            if (!from && !without) any_named = named[i] = true;
        }
    }
    for (unsigned i = least; i < versions.size(); ++i)
        if (!excluded[i] && (!any_named || named[i])) return i;
    return std::nullopt;
}

void minimum(planner& p)
{
    auto const decide = [&](std::optional<unsigned> version, std::string const& from, place const& at,
                            std::string const& name, std::string const& value) {
        if (!version) return;
        if (*version >= 2) p.out.set("tls.minimum", *version == 3 ? "\"1.3\"" : "\"1.2\"", from);
        if (*version < 2)
            p.out.tell(weight::differs, at, name, value,
                       "TLS 1.0 and 1.1 were allowed; Postern speaks 1.2 and 1.3 only, so very old devices fail.");
    };
    if (p.has_postfix()) {
        bool told = false;
        for (std::string_view const name : {"smtpd_tls_mandatory_protocols", "smtpd_tls_protocols"}) {
            auto const value = p.main().take(name);
            if (p.main().find(name) == nullptr) continue;
            if (told) {
                p.tell_parameter(weight::fine, name, "Postern has one tls.minimum for all, from the other list.");
                continue;
            }
            told = true;
            decide(oldest(value), p.origin(name), p.where(name), std::string(name), value);
        }
        return;
    }
    for (std::string_view const name : {"ssl_min_protocol", "ssl_protocols"})
        if (auto const* s = p.take(name))
            decide(oldest(name == "ssl_min_protocol" ? ">=" + s->value : s->value), s->at.to_string(), s->at, s->key,
                   s->value);
}

}  // namespace

void plan_tls(planner& p)
{
    certificates(p);
    minimum(p);
    if (!p.has_postfix()) return;
    auto const require = p.main().value("smtpd_tls_security_level");
    if (require != "none" && !require.empty()) return;
    p.main().mark("smtpd_tls_security_level");
    p.out.tell(weight::differs, p.where("smtpd_tls_security_level"), "smtpd_tls_security_level",
               require.empty() ? "not set" : require,
               "Postern offers TLS on every listener but those with tls = \"none\".");
}

}  // namespace postern::moving
