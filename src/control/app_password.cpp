// account app-password add, list, revoke
#include <boost/json/array.hpp>

#include "base/log.hpp"
#include "base/numbers.hpp"
#include "base/text.hpp"
#include "config/values.hpp"
#include "control/commands.hpp"
#include "control/json_memory.hpp"
#include "directory/directory.hpp"

namespace postern::control {
namespace json = boost::json;
namespace {

constexpr std::chrono::hours longest_life{24 * 366 * 100};

template <class List, class Print>
json::array list_of(List const& list, Print print)
{
    json::array a;
    for (auto const& one : list) a.emplace_back(print(one));
    return a;
}

json::value time_or_null(std::optional<wall_time> t)
{
    if (!t) return nullptr;
    return json::value(to_rfc3339(*t));
}

std::string_view state_of(directory::app_password const& p, wall_time now)
{
    return p.revoked ? "revoked" : p.expired(now) ? "expired" : "works";
}

json::object describe(directory::app_password const& p, wall_time now)
{
    auto const as_it_is = [](std::string const& text) { return json::string{text}; };
    json::object o;
    o["id"] = p.id;
    o["label"] = p.label;
    o["state"] = state_of(p, now);
    o["networks"] = list_of(p.limits.networks, [](network const& n) { return json::string{n.to_string()}; });
    o["senders"] = list_of(p.limits.senders, as_it_is);
    o["recipients"] = list_of(p.limits.recipients, as_it_is);
    o["created"] = to_rfc3339(p.created);
    o["created_by"] = p.created_by;
    o["expires"] = time_or_null(p.expires);
    o["revoked"] = time_or_null(p.revoked);
    o["last_used"] = time_or_null(p.last_used);
    o["last_client"] = p.last_client;
    o["scram"] = !p.scram_hashes.empty();
    return o;
}

/// "2027-01-31": until the end of that day, UTC.
std::optional<wall_time> end_of_day(std::string_view text)
{
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
    auto const year = parse_number<unsigned>(text.substr(0, 4), 2200);
    auto const month = parse_number<unsigned>(text.substr(5, 2), 12);
    auto const day = parse_number<unsigned>(text.substr(8, 2), 31);
    if (!year || !month || !day) return std::nullopt;
    std::chrono::year_month_day const date{std::chrono::year{static_cast<int>(*year)}, std::chrono::month{*month},
                                           std::chrono::day{*day}};
    if (!date.ok()) return std::nullopt;
    return std::chrono::sys_days{date} + std::chrono::days{1};
}

std::optional<wall_time> read_expiry(arguments& a, wall_time now)
{
    auto const text = a.optional_text("expires", 64);
    if (!text) return std::nullopt;
    if (auto const day = end_of_day(*text)) return day;
    auto const time = config::parse_duration(*text);
    if (time && time->count() > 0 && *time <= longest_life) return now + *time;
    a.wrong("`" + printable(*text, 64) + "` is neither a date such as 2027-01-31 nor a time such as 90d");
    return std::nullopt;
}

std::vector<network> read_networks(arguments& a)
{
    std::vector<network> list;
    for (auto const& text : a.texts("networks", directory::most_limits, 64)) {
        std::string why;
        if (auto n = config::parse_network(text, why))
            list.push_back(*n);
        else
            a.wrong("`" + printable(text, 64) + "` is not a network: " + why);
    }
    return list;
}

}  // namespace

outcome app_password_add(context& c, arguments a)
{
    auto const now = wall_clock::now();
    auto const address = a.text("address");
    directory::new_app_password wanted;
    wanted.label = a.text("label");
    wanted.created_by = c.caller.by();
    wanted.expires = read_expiry(a, now);
    wanted.limits.networks = read_networks(a);
    wanted.limits.senders = a.texts("senders", directory::most_limits);
    wanted.limits.recipients = a.texts("recipients", directory::most_limits);
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto made = c.accounts->add_app_password(address, wanted);
    if (!made) return to_failure(made.error());
    auto const& name = made->address;
    auto all = c.accounts->list_app_passwords(name);
    if (!all) return to_failure(all.error());
    log::event(log::level::info, "account_changed",
               {{"account", name},
                {"change", "app password added"},
                {"app_password", made->id},
                {"label", wanted.label},
                {"by", wanted.created_by}});
    json::object o{wiping_storage()};
    for (auto const& p : *all)
        if (p.id == made->id)
            for (auto const& [key, value] : describe(p, now)) o[key] = value;
    o["address"] = name;
    o["password"] = made->text.reveal();
    return json::value(std::move(o));
}

outcome app_password_list(context& c, arguments a)
{
    auto const address = a.text("address");
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto all = c.accounts->list_app_passwords(address);
    if (!all) return to_failure(all.error());
    auto const now = wall_clock::now();
    json::array list;
    for (auto const& p : *all) list.emplace_back(describe(p, now));
    return json::value(std::move(list));
}

outcome app_password_revoke(context& c, arguments a)
{
    auto const address = a.text("address");
    auto const id = a.optional_number("id", INT64_MAX);
    if (!id) a.wrong("the app password's id is missing");
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto const number = static_cast<std::int64_t>(*id);
    if (auto revoked = c.accounts->revoke_app_password(address, number); !revoked) return to_failure(revoked.error());
    c.accounts->wait_for_login(address);
    auto const account = c.accounts->find_account(address);
    auto const name = account && *account ? (*account)->address : address;
    log::event(
        log::level::info, "account_changed",
        {{"account", name}, {"change", "app password revoked"}, {"app_password", number}, {"by", c.caller.by()}});
    json::object o;
    o["address"] = name;
    o["id"] = number;
    o["revoked"] = true;
    return json::value(std::move(o));
}

}  // namespace postern::control
