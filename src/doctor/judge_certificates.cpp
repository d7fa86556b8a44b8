#include <algorithm>

#include "base/text.hpp"
#include "doctor/judge.hpp"
#include "doctor/words.hpp"

namespace postern::doctor {
namespace rules = catalogue::rules;
namespace {

constexpr std::chrono::hours soon{14 * 24};
constexpr std::chrono::hours very_soon{3 * 24};

void judge_dates(facts const& f, certificate_facts const& c, report& r)
{
    if (c.not_after <= f.now) {
        r.add({area::certificate,
               severity::failure,
               &rules::own_certificate_expired,
               {{"listener", c.file}, {"until", readable(c.not_after)}},
               {}});
        return;
    }
    auto const left = c.not_after - f.now;
    if (left < soon) {
        r.add({area::certificate,
               left < very_soon ? severity::failure : severity::warning,
               &rules::own_certificate_expires,
               {{"listener", c.file}, {"time", readable(left)}},
               {}});
        return;
    }
    if (c.not_before > f.now) {
        r.add({area::certificate,
               severity::failure,
               &rules::own_certificate_untrusted,
               {{"listener", c.file},
                {"problem", "it is valid from " + readable(c.not_before) + " on only, or the clock is wrong"},
                {"name", f.settings.hostname}},
               {}});
        return;
    }
    r.good(area::certificate, c.file + " is valid until " + readable(c.not_after));
}

void judge_trust(facts const& f, certificate_facts const& c, report& r)
{
    if (c.trusted) {
        r.good(area::certificate, c.file + " has its chain, and this machine's authorities vouch for it");
    } else if (c.chain_short) {
        r.add({area::certificate, severity::failure, &rules::own_certificate_chain, {{"listener", c.file}}, {}});
    } else {
        r.add({area::certificate,
               severity::warning,
               &rules::own_certificate_untrusted,
               {{"listener", c.file},
                {"problem", c.self_signed ? "it is self-signed" : c.why_untrusted},
                {"name", f.settings.hostname}},
               {}});
    }
}

/// What clients are told to connect to.
void judge_names_in(facts const& f, report& r)
{
    auto const& host = f.settings.hostname;
    std::vector<std::string> names;
    bool readable_one = false;
    for (auto const& c : f.certificates) {
        if (!c.problem.empty()) continue;
        readable_one = true;
        names.insert(names.end(), c.names.begin(), c.names.end());
    }
    if (!readable_one) return;
    auto const file = f.certificates.front().file;
    if (covers(names, host)) {
        r.good(area::certificate, "there is a certificate with the name " + host);
        return;
    }
    r.add({area::certificate,
           severity::failure,
           &rules::own_certificate_name,
           {{"listener", file}, {"name", host}, {"names", names.empty() ? "none" : joined(names)}},
           {}});
}

/// What is shown is what the file has, or the server was not told of a new one.
void judge_shown(facts const& f, report& r)
{
    for (auto const& tried : f.reached) {
        if (tried.certificate.empty() || f.certificates.empty()) continue;
        bool const known = std::ranges::any_of(
            f.certificates, [&](auto const& c) { return !c.problem.empty() || c.sha256 == tried.certificate; });
        if (known) continue;
        r.add({area::certificate,
               severity::failure,
               &rules::own_certificate_stale,
               {{"listener", tried.listener}, {"name", f.certificates.front().file}},
               {"systemctl reload postern"}});
        return;
    }
}

bool is_looked_at(facts const& f, std::string const& file)
{
    return std::ranges::any_of(f.certificates, [&](auto const& c) { return c.file == file; });
}

/// Those that the server gets itself, and files that it can't take up.
void judge_kept(facts const& f, report& r)
{
    for (auto const& c : f.server.certificates) {
        auto const name = c.names.empty() ? c.file : joined(c.names);
        bool const urgent = !c.days_left || std::chrono::days{*c.days_left} < soon;
        if (auto const* const rule = c.rule.empty() ? nullptr : catalogue::find(c.rule)) {
            r.add({area::certificate,
                   urgent ? severity::failure : severity::warning,
                   rule,
                   {{"name", name}, {"problem", c.problem}},
                   {}});
        } else if (!c.problem.empty() && !is_looked_at(f, c.file)) {
            r.add({area::certificate,
                   severity::failure,
                   &rules::own_certificate_unreadable,
                   {{"listener", c.file}, {"problem", c.problem}},
                   {}});
        }
        // Of names that nobody asked for it is no finding.
        for (auto const& [left, why] : c.left_out) {
            bool const listed = std::ranges::any_of(f.settings.acme.names,
                                                    [&](auto const& one) { return equal_ignoring_case(one, left); });
            if (!listed) continue;
            r.add({area::certificate,
                   severity::warning,
                   &rules::acme_name_left_out,
                   {{"name", left}, {"problem", why}},
                   {}});
        }
    }
}

}  // namespace

bool covers(std::vector<std::string> const& names, std::string_view host)
{
    return std::ranges::any_of(names, [&](std::string const& name) {
        if (!name.starts_with("*.")) return equal_ignoring_case(name, host);
        auto const dot = host.find('.');
        return dot != std::string_view::npos && dot != 0 &&
               equal_ignoring_case(std::string_view{name}.substr(1), host.substr(dot));
    });
}

void judge_certificates(facts const& f, report& r)
{
    for (auto const& c : f.certificates) {
        if (!c.problem.empty()) {
            r.add({area::certificate,
                   severity::failure,
                   &rules::own_certificate_unreadable,
                   {{"listener", c.file}, {"problem", c.problem}},
                   {}});
            continue;
        }
        judge_dates(f, c, r);
        judge_trust(f, c, r);
    }
    judge_names_in(f, r);
    judge_shown(f, r);
    judge_kept(f, r);
}

}  // namespace postern::doctor
