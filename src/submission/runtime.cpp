#include "submission/runtime.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "mail/address.hpp"

namespace postern::submission {
namespace {

result<std::vector<net::certificate_files>> find_certificates(config::settings const& s)
{
    std::vector<net::certificate_files> files;
    if (!s.tls.certificate.empty()) {
        files.push_back({s.tls.certificate, s.tls.private_key});
    } else if (s.tls.more.empty()) {
        net::certificate_files const own{s.data_dir / "self-signed.crt", s.data_dir / "self-signed.key"};
        std::vector<std::string> names{s.hostname};
        for (auto const* also : {"localhost"})
            if (s.hostname != also) names.emplace_back(also);
        auto made = net::ensure_self_signed(own, names);
        if (!made) return std::move(made).error();
        log::event(
            log::level::warning, "self_signed_certificate",
            {{"file", own.chain.string()},
             {"made_now", *made},
             {"remedy", "mail programs will warn; set tls.certificate and tls.private_key to a real certificate"}});
        files.push_back(own);
    }
    for (auto const& c : s.tls.more) files.push_back({c.chain, c.private_key});
    return files;
}

void log_certificates(std::vector<net::certificate_files> const& files)
{
    constexpr long soon = 14;
    for (auto const& f : files) {
        auto const facts = net::summarize(f.chain);
        if (!facts) continue;
        bool const expired = facts->days_left < 0;
        log::event(facts->days_left < soon ? log::level::warning : log::level::info,
                   expired ? "certificate_expired" : "certificate",
                   {{"file", f.chain.string()},
                    {"name", facts->names.empty() ? std::string{} : facts->names.front()},
                    {"days_left", facts->days_left}});
    }
}

std::shared_ptr<directory::token_verifier> make_tokens(config::settings const& s)
{
    if (s.oauth.issuer.empty()) return nullptr;
    directory::token_options o;
    o.rules = {s.oauth.issuer, s.oauth.audience, s.oauth.scope, s.oauth.account_claim, s.oauth.clock_skew};
    return std::make_shared<directory::token_verifier>(std::move(o),
                                                       directory::make_key_source(s.oauth.keys, s.oauth.authorities));
}

}  // namespace

result<std::shared_ptr<runtime const>> make_runtime(config::settings const& s,
                                                    std::vector<std::string> const& addresses,
                                                    std::vector<std::uint16_t> const& ports)
{
    auto out = std::make_shared<runtime>();
    out->settings = s;
    bool const needs_tls = std::any_of(s.listeners.begin(), s.listeners.end(),
                                       [](auto const& l) { return l.tls != config::tls_mode::none; });
    std::vector<net::certificate_files> certificates;
    if (needs_tls) {
        auto found = find_certificates(s);
        if (!found) return std::move(found).error();
        certificates = std::move(*found);
        log_certificates(certificates);
    }
    for (std::size_t i = 0; i < s.listeners.size(); ++i) {
        listener_runtime l;
        l.configured = s.listeners[i];
        l.address = addresses[i];
        l.port = ports[i];
        l.session.hostname = s.hostname;
        l.session.role = l.configured.role;
        l.session.starttls = l.configured.tls == config::tls_mode::starttls;
        l.session.mechanisms = l.configured.mechanisms.empty() ? s.auth.mechanisms : l.configured.mechanisms;
        l.session.auth_equals = l.configured.auth_equals;
        l.wants_bindings = std::any_of(l.session.mechanisms.begin(), l.session.mechanisms.end(),
                                       [](auto const& m) { return m.ends_with("-PLUS"); });
        l.session.message_size = s.limits.message_size;
        l.session.recipients = s.limits.recipients;
        l.session.errors = s.limits.errors;
        l.session.auth_failures = s.auth.failures;
        if (l.configured.tls != config::tls_mode::none) {
            net::server_tls_options o;
            o.certificates = certificates;
            o.minimum = s.tls.minimum;
            o.session_context = l.address;
            o.client_certificates = l.configured.client_certificates;
            o.client_authorities = s.auth.client_authorities;
            auto tls = net::make_server_tls(o);
            if (!tls) return std::move(tls).error();
            l.tls = std::move(*tls);
        }
        if (l.configured.role == config::role::submission) {
            if (out->login_port == 0) out->login_port = l.port;
            if (out->starttls_port == 0 && l.session.starttls) out->starttls_port = l.port;
        }
        out->listeners.push_back(std::move(l));
    }
    out->tokens = make_tokens(s);
    return std::shared_ptr<runtime const>{std::move(out)};
}

}  // namespace postern::submission
