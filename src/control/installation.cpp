// domain check: what a domain should have, and what is found
#include <chrono>

#include <boost/json/array.hpp>

#include "acme/names.hpp"
#include "acme/office.hpp"
#include "base/text.hpp"
#include "console/logins.hpp"
#include "control/commands.hpp"
#include "control/own_names.hpp"
#include "directory/directory.hpp"
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

/// Of the domain, and of the pages: those that the authority is asked for.
doctor::certificates_wanted certificates_for(context const& c, std::string const& domain, zone::server const& ours)
{
    doctor::certificates_wanted w;
    if (c.certificates == nullptr) return w;
    auto known = c.certificates->authority();
    w.from = {std::move(known.names), std::move(known.account), acme::kinds_of_proof(*c.settings)};
    if (w.from.names.empty() && !ours.authority.empty()) w.from.names.push_back(ours.authority);
    for (auto const& one : c.certificates->list())
        for (auto const& name : one.names)
            if (one.source == "acme" && (name == domain || name.ends_with('.' + domain))) w.names.push_back(name);
    return w;
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
    auto ours = doctor::server_of(*c.settings);
    auto const certified = certificates_for(c, *domain, ours);
    if (!certified.from.names.empty()) ours.authority = certified.from.names.front();
    auto const wanted = zone::all_records(*domain, ours, keys, configurations_of(c, *domain));
    json::array list;
    for (auto const& r : doctor::look_up(*c.settings, wanted, patience_with_names, certified))
        list.emplace_back(describe(r));
    json::object o;
    o["domain"] = *domain;
    o["records"] = std::move(list);
    o["mta_sts_policy"] = zone::sts_policy({ours.hostname});
    return json::value(std::move(o));
}

}  // namespace postern::control
