// postern domain records: what to publish in the DNS for a domain whose mail is this server's affair
#include <boost/json/array.hpp>

#include "base/text.hpp"
#include "cli/application.hpp"
#include "cli/backend.hpp"
#include "cli/domain_records.hpp"
#include "cli/output.hpp"
#include "doctor/published.hpp"
#include "mail/address.hpp"
#include "porter/pacc.hpp"
#include "porter/transfer.hpp"

namespace postern::cli {
namespace json = boost::json;
namespace {

/// The digests for mail programs' configuration: of what is announced by now, and of what will be. Without a database there
/// is nothing announced yet.
std::vector<std::string> configurations_of(application const& app, config::settings const& s, std::string const& domain)
{
    auto facts = porter::facts_of(s, {});
    if (auto const told = ask(app, "discovery facts", {}))
        if (auto whole = porter::facts_from(*told)) facts = std::move(*whole);
    return porter::pacc_records(facts, domain);
}

}  // namespace

int print_domain_records(application const& app, std::string const& written, bool as_json)
{
    auto const s = load_settings(app);
    if (!s) return call_was_wrong;
    auto const domain = mail::parse_domain(written);
    if (!domain) {
        complain('`' + printable(written, 100) + "` is not a domain; one looks like example.com");
        return call_was_wrong;
    }
    json::object about;
    about["domain"] = *domain;
    auto const keys = ask(app, "dkim show", about);
    // Without a key there is no record of one; anything else is told.
    if (!keys && keys.error().why != control::failure::kind::usage) note("no DKIM keys: " + keys.error().text);
    std::vector<std::pair<std::string, std::string>> published;
    if (keys && keys->is_array())
        for (auto const& k : keys->as_array())
            if (text_of(k, "state") != "retired" && !text_of(k, "value").empty())
                published.emplace_back(text_of(k, "name"), text_of(k, "value"));

    auto ours = doctor::server_of(*s);
    if (auto const told = ask(app, "acme authority", {}))
        if (auto const names = texts_of(*told, "names"); !names.empty()) ours.authority = names.front();
    auto const configurations = configurations_of(app, *s, *domain);
    auto const records = zone::all_records(*domain, ours, published, configurations);
    auto const policy = zone::sts_policy({ours.hostname});
    if (as_json) {
        json::array list;
        for (auto const& r : records)
            list.emplace_back(json::object{{"name", r.name},
                                           {"type", r.type},
                                           {"value", r.value},
                                           {"line", to_line(r)},
                                           {"purpose", doctor::purpose_of(r.what_for)}});
        json::object o;
        o["domain"] = *domain;
        o["records"] = std::move(list);
        o["mta_sts_policy"] = policy;
        print_json(json::value(std::move(o)));
        return all_is_well;
    }
    for (auto const need : {zone::need::mail_arrives, zone::need::mail_is_trusted, zone::need::clients_find_us,
                            zone::need::encryption_holds}) {
        print_line("; " + std::string{doctor::purpose_of(need)});
        for (auto const& r : records)
            if (r.what_for == need) print_line(to_line(r));
        if (need == zone::need::mail_is_trusted && published.empty())
            print_line("; the mail of " + *domain + " is not signed; `postern dkim create " + *domain +
                       "` makes keys and shows their records");
        if (need == zone::need::clients_find_us && configurations.size() > 1)
            print_line(
                "; of the two _ua-auto-config records the first is in force; with both published,"
                " `postern discovery publish` puts the second in its place");
        print_line("");
    }
    print_line("; the TLSA record counts where " + ours.hostname + " has DNSSEC, and holds as long as the key stays");
    if (ours.takes_mail) {
        print_line("; https://mta-sts." + *domain + "/.well-known/mta-sts.txt has to serve:");
        std::string_view rest = policy;
        while (!rest.empty()) {
            auto const end = rest.find("\r\n");
            print_line(";   " + std::string{rest.substr(0, end)});
            rest.remove_prefix(end + 2);
        }
    }
    return all_is_well;
}

}  // namespace postern::cli
