// domain add, list, remove, basic-passwords
#include <algorithm>

#include <boost/json/array.hpp>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "control/commands.hpp"
#include "directory/directory.hpp"

namespace postern::control {
namespace json = boost::json;
namespace {

std::string read_domain(arguments& a)
{
    auto const written = a.text("domain");
    auto domain = mail::parse_domain(written);
    if (!domain && written.ends_with('.') && mail::parse_domain(written.substr(0, written.size() - 1))) {
        a.wrong("`" + printable(written, 100) + "`: leave out the dot at the end");
        return {};
    }
    if (!domain) {
        a.wrong("`" + printable(written, 100) + "` is not a domain; one looks like example.com");
        return {};
    }
    return std::move(*domain);
}

bool is_configured(context const& c, std::string_view domain)
{
    auto const& local = c.settings->domains.local;
    return std::any_of(local.begin(), local.end(),
                       [&](std::string const& one) { return mail::parse_domain(one) == domain; });
}

/// `basic_passwords`: of domains that have a setting of their own.
json::value describe(context const& c, std::string_view domain)
{
    json::object o;
    o["domain"] = domain;
    o["configured"] = is_configured(c, domain);
    o["basic_passwords"] = nullptr;
    for (auto const& [name, setting] : c.accounts->domain_basic_passwords()) {
        if (name != domain) continue;
        json::object b;
        b["allowed"] = setting.allowed;
        b["by"] = setting.by;
        b["since"] = to_rfc3339(setting.since);
        o["basic_passwords"] = std::move(b);
    }
    return o;
}

}  // namespace

outcome domain_add(context& c, arguments a)
{
    auto const domain = read_domain(a);
    if (domain.find('.') == std::string::npos)
        a.wrong("`" + domain + "` has no dot: mail addresses need a full domain, such as example.com");
    if (auto wrong = a.problem()) return std::move(*wrong);
    if (auto added = c.accounts->add_domain(domain); !added) return to_failure(added.error());
    log::event(log::level::info, "domain_changed", {{"domain", domain}, {"change", "added"}});
    return describe(c, domain);
}

/// Also of domains that are not local: users of back ends may have them.
outcome domain_basic_passwords(context& c, arguments a)
{
    auto const domain = read_domain(a);
    auto const allowed = a.on_off_or_inherit("state");
    if (auto wrong = a.problem()) return std::move(*wrong);
    if (auto set = c.accounts->set_domain_basic_passwords(domain, allowed, c.caller.by()); !set)
        return to_failure(set.error());
    log::event(log::level::info, "domain_changed",
               {{"domain", domain},
                {"change", !allowed   ? "basic passwords inherited"
                           : *allowed ? "basic passwords on"
                                      : "basic passwords off"}});
    return describe(c, domain);
}

outcome domain_list(context& c, arguments a)
{
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto all = c.accounts->list_domains();
    if (!all) return to_failure(all.error());
    json::array list;
    for (auto const& one : *all) list.push_back(describe(c, one));
    return json::value(std::move(list));
}

outcome domain_remove(context& c, arguments a)
{
    auto const domain = read_domain(a);
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto all = c.accounts->list_domains();
    if (!all) return to_failure(all.error());
    if (std::find(all->begin(), all->end(), domain) == all->end()) {
        return failure{failure::kind::usage,
                       domain + " is not a local domain; `postern domain list` shows all",
                       {},
                       std::string{not_there_rule}};
    }
    if (is_configured(c, domain)) {
        return failure{failure::kind::usage,
                       domain + " comes from the configuration: take it out of domains.local and reload",
                       {}};
    }
    if (auto removed = c.accounts->remove_domain(domain); !removed) return to_failure(removed.error());
    log::event(log::level::info, "domain_changed", {{"domain", domain}, {"change", "removed"}});
    json::object o;
    o["domain"] = domain;
    o["removed"] = true;
    return json::value(std::move(o));
}

}  // namespace postern::control
