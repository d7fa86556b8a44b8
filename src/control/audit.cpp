// audit list
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "audit/book.hpp"
#include "base/text.hpp"
#include "config/values.hpp"
#include "control/commands.hpp"

namespace postern::control {
namespace json = boost::json;
namespace {

json::object describe(audit::row const& r)
{
    json::object o;
    o["number"] = r.number;
    o["time"] = to_rfc3339(r.time);
    o["through"] = r.through;
    o["who"] = r.who;
    o["role"] = nullptr;
    if (!r.role.empty()) o["role"] = r.role;
    o["from"] = r.from;
    o["command"] = r.command;
    o["account"] = nullptr;
    if (!r.account.empty()) o["account"] = r.account;
    json::error_code wrong;
    auto arguments = json::parse(r.arguments, wrong);
    o["arguments"] = wrong ? json::value(json::object{}) : std::move(arguments);
    o["outcome"] = r.outcome;
    return o;
}

}  // namespace

outcome audit_list(context& c, arguments a)
{
    audit::filter f;
    f.account = to_lower(a.optional_text("account", 320).value_or(""));
    if (auto const since = a.optional_text("since", 64)) {
        auto const time = config::parse_duration(*since);
        if (!time || time->count() <= 0) {
            a.wrong("`" + printable(*since, 64) + "` is not a time such as 7d");
        } else {
            f.since = wall_clock::now() - *time;
        }
    }
    if (auto const before = a.optional_number("before", INT64_MAX)) f.before = static_cast<std::int64_t>(*before);
    f.most = a.optional_number("limit", 10'000).value_or(200);
    if (auto wrong = a.problem()) return std::move(*wrong);
    if (!c.audit) return failure{failure::kind::unavailable, "the audit log can't be read; the log says why", {}};
    auto rows = c.audit->list(f);
    if (!rows) return to_failure(rows.error());
    json::array list;
    for (auto const& r : *rows) list.emplace_back(describe(r));
    return json::value(std::move(list));
}

}  // namespace postern::control
