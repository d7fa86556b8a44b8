// domain check, certificates: what this installation should have, and what is found
#include <algorithm>
#include <chrono>

#include <boost/json/array.hpp>

#include "base/text.hpp"
#include "console/logins.hpp"
#include "control/commands.hpp"
#include "control/own_names.hpp"
#include "directory/directory.hpp"
#include "doctor/gather.hpp"
#include "doctor/published.hpp"
#include "mail/address.hpp"

namespace postern::control {
namespace json = boost::json;
namespace {

constexpr std::chrono::seconds patience_with_names{8};

json::object describe(doctor::published_record const& r)
{
    json::object o;
    o["name"] = r.wanted.name;
    o["type"] = r.wanted.type;
    o["value"] = r.wanted.value;
    o["line"] = to_line(r.wanted);
    o["purpose"] = doctor::purpose_of(r.wanted.what_for);
    json::array found;
    for (auto const& text : r.found) found.emplace_back(text);
    o["found"] = std::move(found);
    o["state"] = to_string(r.state);
    o["problem"] = r.problem;
    return o;
}

json::value time_or_null(wall_time t)
{
    if (t == wall_time{}) return nullptr;
    return json::value(to_rfc3339(t));
}

json::object describe(doctor::certificate_facts const& f, std::string_view used_for)
{
    json::object o;
    o["file"] = f.file;
    o["used_for"] = used_for;
    o["problem"] = f.problem;
    json::array names;
    for (auto const& n : f.names) names.emplace_back(n);
    o["names"] = std::move(names);
    o["not_before"] = time_or_null(f.not_before);
    o["not_after"] = time_or_null(f.not_after);
    o["days_left"] = nullptr;
    if (f.not_after != wall_time{})
        o["days_left"] = std::chrono::floor<std::chrono::days>(f.not_after - wall_clock::now()).count();
    o["self_signed"] = f.self_signed;
    o["trusted"] = f.trusted;
    o["why_untrusted"] = f.why_untrusted;
    o["sha256"] = f.sha256;
    return o;
}

void add_certificates(config::settings const& s, std::string_view used_for, json::array& list)
{
    doctor::facts f;
    f.settings = s;
    gather_certificates(f);
    for (auto const& one : f.certificates) list.emplace_back(describe(one, used_for));
}

}  // namespace

outcome domain_check(context& c, arguments a)
{
    auto const written = a.text("domain");
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto const domain = mail::parse_domain(written);
    if (!domain)
        return failure{
            failure::kind::usage, "`" + printable(written, 100) + "` is not a domain; one looks like example.com", {}};
    auto const local = c.accounts->is_local(*domain);
    if (!local) return to_failure(local.error());
    if (!*local) return not_there(*domain + " is not a local domain");
    json::object about;
    about["domain"] = *domain;
    std::vector<std::pair<std::string, std::string>> keys;
    if (auto const shown = dkim_show(c, arguments{about}); shown && shown->is_array())
        for (auto const& k : shown->as_array()) {
            auto const value = console::text_in(k.as_object(), "value");
            if (!value.empty() && console::text_in(k.as_object(), "state") != "retired")
                keys.emplace_back(console::text_in(k.as_object(), "name"), value);
        }
    auto const ours = doctor::server_of(*c.settings);
    auto const wanted = zone::all_records(*domain, ours, keys, configurations_of(c, *domain));
    json::array list;
    for (auto const& r : doctor::look_up(*c.settings, wanted, patience_with_names)) list.emplace_back(describe(r));
    json::object o;
    o["domain"] = *domain;
    o["records"] = std::move(list);
    o["mta_sts_policy"] = zone::sts_policy({ours.hostname});
    return json::value(std::move(o));
}

outcome certificates(context& c, arguments a)
{
    if (auto wrong = a.problem()) return std::move(*wrong);
    json::array list;
    auto const& s = *c.settings;
    add_certificates(s, "mail", list);
    if (!s.web.certificate.empty()) {
        // The pages' own, looked at as those of mail are.
        config::settings pages;
        pages.hostname = s.hostname;
        pages.data_dir = s.data_dir;
        pages.tls.certificate = s.web.certificate;
        pages.tls.private_key = s.web.private_key;
        add_certificates(pages, "web", list);
    }
    return json::value(std::move(list));
}

}  // namespace postern::control
