#include "moving/plan.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "mail/address.hpp"
#include "moving/planner.hpp"

namespace postern::moving {

setting const* planner::take(std::string_view key)
{
    if (!has_dovecot()) return nullptr;
    for (auto const& s : dovecot().settings)
        if (s.key == key) seen.insert(&s);
    return dovecot().find(key);
}

place planner::where(std::string_view parameter) const
{
    auto const* set = from.postfix->main.find(parameter);
    return set == nullptr ? place{from.postfix->main_file, 0} : set->at;
}

std::string planner::origin(std::string_view parameter) const
{
    auto const* set = from.postfix->main.find(parameter);
    if (set == nullptr) return "Postfix's default of " + std::string(parameter);
    return set->at.to_string() + ": " + std::string(parameter) + " = " + printable(blanked(parameter, set->value), 150);
}

void planner::tell_parameter(weight w, std::string_view name, std::string why)
{
    auto const* set = main().find(name);
    main().mark(name);
    out.tell(w, where(name), std::string(name), set ? blanked(name, set->value) : blanked(name, main().value(name)),
             std::move(why));
}

void planner::tell_setting(weight w, setting const& s, std::string why)
{
    seen.insert(&s);
    out.tell(w, s.at, s.key, blanked(s.key, s.value), std::move(why));
}

std::optional<std::vector<table_row>> planner::rows_of(std::string_view table, std::string_view parameter,
                                                       std::string const& if_not)
{
    auto const t = split_table(table);
    main().mark(parameter);
    if (t.path.empty()) {
        out.tell(weight::act, where(parameter), std::string(parameter), blanked(parameter, table),
                 "This table is not plain text, so it was not read. " + if_not);
        return std::nullopt;
    }
    auto const content = disk.read(t.path, longest_table);
    if (!content) {
        out.tell(weight::act, where(parameter), std::string(parameter), blanked(parameter, table),
                 t.path + ": " + content.error().why + ". " + if_not);
        return std::nullopt;
    }
    auto rows =
        parameter == "alias_maps" ? parse_aliases(content->reveal(), t.path) : parse_table(content->reveal(), t.path);
    if (!rows) {
        out.tell(weight::act, rows.error().at, std::string(parameter), blanked(parameter, table),
                 rows.error().text + ". " + if_not);
        return std::nullopt;
    }
    return *rows;
}

std::string planner::dovecot_base()
{
    auto const* set = take("base_dir");
    auto base = set == nullptr ? std::string{"/run/dovecot"} : set->value;
    while (base.size() > 1 && base.ends_with('/')) base.pop_back();
    return base;
}

std::string planner::origin_domain()
{
    auto value = main().take("myorigin");
    if (!value.starts_with('/')) return value;
    auto const content = disk.read(value, longest_configuration);
    if (!content) return {};
    std::string_view const text = content->reveal();
    return std::string(trimmed(text.substr(0, text.find('\n'))));
}

std::string planner::users_domain()
{
    if (auto const* realm = take("auth_default_realm"); realm != nullptr && mail::parse_domain(realm->value))
        return *mail::parse_domain(realm->value);
    auto const local = [&](std::string const& domain) {
        return std::find(domains.begin(), domains.end(), domain) != domains.end();
    };
    if (has_postfix())
        for (auto const& candidate : {origin_domain(), main().value("mydomain")})
            if (auto const domain = mail::parse_domain(candidate); domain && local(*domain)) return *domain;
    auto const whole =
        std::find_if(domains.begin(), domains.end(), [](auto const& d) { return d.find('.') != std::string::npos; });
    if (whole != domains.end()) return *whole;
    if (has_postfix())
        if (auto const domain = mail::parse_domain(origin_domain()); domain && !is_local_name(*domain)) return *domain;
    return {};
}

bool is_local_name(std::string_view domain)
{
    return domain == "localhost" || domain.starts_with("localhost.") || domain.ends_with(".localdomain") ||
           domain == "localdomain";
}

std::string blanked(std::string_view name, std::string_view value)
{
    auto const low = to_lower(name);
    for (std::string_view const part :
         {"password", "passwd", "secret", "dnpass", "passphrase", "nonce", "connect", "api_key"}) {
        if (low.find(part) == std::string::npos) continue;
        // A table's name and a query say no secret.
        bool const harmless = low.ends_with("_query") || (low.ends_with("_maps") && !value.starts_with("static:") &&
                                                          !value.starts_with("inline:"));
        if (!value.empty() && !harmless) return "(not shown)";
    }
    return std::string(value);
}

draft plan(sources& from, files& disk, wishes const& w)
{
    planner p{from, disk, w, {}, {}};
    plan_domains(p);
    plan_listeners(p);
    plan_access(p);
    plan_tls(p);
    plan_limits(p);
    plan_delivery(p);
    plan_users(p);
    plan_aliases(p);
    plan_rest(p);
    drop_what_is_refused(p);
    return std::move(p.out);
}

}  // namespace postern::moving
