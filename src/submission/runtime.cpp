#include "submission/runtime.hpp"

#include <algorithm>
#include <string_view>

#include "acme/shelf.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "filters/milter_run.hpp"
#include "mail/address.hpp"
#include "submission/program_socket.hpp"
#include "submission/server.hpp"

namespace postern::submission {
namespace {

result<std::vector<net::certificate_files>> find_certificates(config::settings const& s)
{
    auto files = acme::mail_certificates(s);
    if (files.empty()) {
        net::certificate_files const own{s.data_dir / "self-signed.crt", s.data_dir / "self-signed.key"};
        std::vector<std::string> names{s.hostname};
        for (auto const* also : {"localhost"})
            if (s.hostname != also) names.emplace_back(also);
        auto made = net::ensure_self_signed(own, names);
        if (!made) return std::move(made).error();
        log::event(log::level::warning, "self_signed_certificate",
                   {{"file", own.chain.string()},
                    {"made_now", *made},
                    {"remedy", s.acme.directory.empty()
                                   ? "mail programs will warn; set tls.certificate and tls.private_key to a real "
                                     "certificate, or [acme] to get one"
                                   : "mail programs will warn until the authority of acme.directory has given one"}});
        files.push_back(own);
    }
    return files;
}

constexpr long soon = 14;  // days

std::string remedy_for_age(long days_left)
{
    if (days_left >= soon) return {};
    if (days_left < 0) return "mail programs refuse it: renew the certificate, then reload";
    return "renew the certificate, then reload";
}

/// A certificate's name, which may begin with "*." for one label (RFC 6125 section 6.4.3).
bool covers(std::string_view name, std::string_view host)
{
    if (equal_ignoring_case(name, host)) return true;
    auto const dot = host.find('.');
    return name.starts_with("*.") && dot != std::string_view::npos &&
           equal_ignoring_case(name.substr(1), host.substr(dot));
}

/// Something to do when mail programs that connect to `hostname` would find no certificate for it, having these `names`.
std::string remedy_for_names(std::vector<std::string> const& all, std::string const& hostname, std::string& names)
{
    for (auto const& name : all) {
        if (covers(name, hostname)) return {};
        names += (names.empty() ? "" : ", ") + name;
    }
    return "mail programs that connect to " + hostname +
           " will warn: get a certificate for this name, or set hostname to one that the certificate has";
}

void log_certificates(std::vector<acme::good_pair const*> const& certificates, std::string const& hostname)
{
    std::vector<std::string> all;
    for (auto const* c : certificates) {
        auto const& facts = c->facts;
        all.insert(all.end(), facts.names.begin(), facts.names.end());
        bool const expired = facts.days_left < 0;
        log::event(facts.days_left < soon ? log::level::warning : log::level::info,
                   expired ? "certificate_expired" : "certificate",
                   {{"file", c->files.chain.string()},
                    {"name", facts.names.empty() ? std::string{} : facts.names.front()},
                    {"days_left", facts.days_left},
                    {"remedy", remedy_for_age(facts.days_left)}});
    }
    std::string names;
    if (auto const remedy = remedy_for_names(all, hostname, names); !remedy.empty())
        log::event(log::level::warning, "certificate_name",
                   {{"hostname", hostname}, {"names", names}, {"remedy", remedy}});
}

bool needs_certificates(config::settings const& s)
{
    return std::any_of(s.listeners.begin(), s.listeners.end(),
                       [](auto const& l) { return l.tls != config::tls_mode::none; });
}

}  // namespace

result<std::vector<std::string>> check_certificates(config::settings const& s)
{
    std::vector<std::string> weak;
    if (!needs_certificates(s)) return weak;
    auto const files = acme::mail_certificates(s);
    if (files.empty() && !s.acme.directory.empty()) return weak;  // it comes when `serve` runs
    if (files.empty()) {
        weak.emplace_back(
            "there is no certificate, so `serve` makes one of its own, and mail programs will warn; set "
            "tls.certificate and tls.private_key");
        return weak;
    }
    net::server_tls_options o;
    o.certificates = files;
    o.minimum = s.tls.minimum;
    if (auto loaded = net::make_server_tls(o); !loaded) return std::move(loaded).error();
    std::vector<std::string> all;
    for (auto const& f : files) {
        auto const facts = net::summarize(f.chain);
        if (facts) all.insert(all.end(), facts->names.begin(), facts->names.end());
        if (!facts || facts->days_left >= soon) continue;
        auto const age = facts->days_left < 0 ? std::string{"has expired"}
                                              : "expires in " + std::to_string(facts->days_left) + " days";
        weak.push_back("the certificate " + f.chain.string() + ' ' + age + ": " + remedy_for_age(facts->days_left));
    }
    std::string names;
    if (auto const remedy = remedy_for_names(all, s.hostname, names); !remedy.empty())
        weak.push_back("no certificate has the name " + s.hostname + ", only " + names + ": " + remedy);
    return weak;
}

result<std::shared_ptr<runtime const>> make_runtime(config::settings const& s, login::judges judges,
                                                    std::vector<std::string> const& addresses,
                                                    std::vector<std::uint16_t> const& ports, acme::good_pairs& kept)
{
    auto out = std::make_shared<runtime>();
    out->settings = s;
    std::vector<net::certificate_text> certificates;
    std::optional<decltype(find_certificates(s))::value_type> found;
    if (needs_certificates(s)) {
        auto listed = find_certificates(s);
        if (!listed) return std::move(listed).error();
        found = std::move(*listed);
        std::vector<acme::good_pair const*> good;
        for (auto const& files : *found) {
            auto const pair = kept.take(files);
            if (!pair) return pair.error();
            good.push_back(*pair);
            certificates.push_back((*pair)->text);
        }
        log_certificates(good, s.hostname);
    }
    for (std::size_t i = 0; i < s.listeners.size(); ++i) {
        listener_runtime l;
        l.configured = s.listeners[i];
        l.address = addresses[i];
        l.port = ports[i];
        l.session.hostname = s.hostname;
        l.session.role = l.configured.role;
        l.session.starttls = l.configured.tls == config::tls_mode::starttls;
        l.for_programs = is_program_socket(l.configured.address);
        // Who may open the socket is known by his user id, and needs no log-in.
        if (!l.for_programs)
            l.session.mechanisms = l.configured.mechanisms.empty() ? s.auth.mechanisms : l.configured.mechanisms;
        l.session.auth_equals = l.configured.auth_equals;
        l.wants_bindings = std::any_of(l.session.mechanisms.begin(), l.session.mechanisms.end(),
                                       [](auto const& m) { return m.ends_with("-PLUS"); });
        l.session.message_size = s.limits.message_size;
        l.session.recipients = s.limits.recipients;
        l.session.errors = s.limits.errors;
        l.session.pages = s.web.public_url.substr(0, s.web.public_url.find_last_not_of('/') + 1);
        l.session.auth_failures = s.auth.failures;
        l.session.priorities = l.session.deliver_by = true;
        l.session.priority_without_login = s.submission.priority_without_login;
        l.session.hold_most = s.submission.hold_at_most;
        l.milters = filters::milters_for(s, l.configured);
        if (l.configured.tls != config::tls_mode::none) {
            net::server_tls_options o;
            o.texts = certificates;
            o.minimum = s.tls.minimum;
            o.session_context = l.address;
            o.client_certificates = l.configured.client_certificates;
            o.client_authorities = s.auth.client_authorities;
            auto tls = net::make_server_tls(o);
            if (!tls) return std::move(tls).error();
            l.tls = std::move(*tls);
        }
        if (l.configured.role == config::role::submission && !l.for_programs) {
            if (out->login_port == 0) out->login_port = l.port;
            if (out->starttls_port == 0 && l.session.starttls) out->starttls_port = l.port;
        }
        out->listeners.push_back(std::move(l));
    }
    // Only now: what is in force until then goes on with what it has.
    if (found) kept.keep_only(*found);
    out->judges = std::move(judges);
    return std::shared_ptr<runtime const>{std::move(out)};
}

}  // namespace postern::submission
