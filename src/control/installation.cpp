// domain check: what a domain should have, and what is found
#include <chrono>

#include <boost/json/array.hpp>

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

}  // namespace postern::control
