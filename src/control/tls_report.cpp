// tls-report list, show, send
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>

#include "base/text.hpp"
#include "control/commands.hpp"
#include "escort/office.hpp"

namespace postern::control {
namespace json = boost::json;
namespace {

std::string text_of_day(std::int64_t day)
{
    return to_rfc3339(escort::begin_of_day(day)).substr(0, std::string_view{"2026-11-22"}.size());
}

}  // namespace

outcome tls_report_list(context& c, arguments a)
{
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto const days = c.security->days();
    if (!days) return to_failure(days.error());
    json::array list;
    for (auto const& d : *days) {
        json::object o;
        o["day"] = text_of_day(d.day);
        o["domain"] = d.domain;
        o["good"] = d.good;
        o["bad"] = d.bad;
        list.push_back(std::move(o));
    }
    return json::value(std::move(list));
}

outcome tls_report_show(context& c, arguments a)
{
    auto const written = a.text("domain");
    auto const domain = mail::parse_domain(written);
    if (!domain) a.wrong("`" + printable(written, 100) + "` is not a domain; one looks like example.com");
    auto const day = a.optional_text("day", 10);
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto const days = c.security->days();
    if (!days) return to_failure(days.error());
    json::array list;
    for (auto const& d : *days) {
        if (d.domain != *domain || (day && *day != text_of_day(d.day))) continue;
        auto const report = c.security->report(d.day, d.domain);
        if (!report) return to_failure(report.error());
        list.push_back(json::parse(*report));
    }
    if (list.empty())
        return failure{failure::kind::problem,
                       "nothing is counted for " + *domain + (day ? " on " + printable(*day, 10) : std::string{}) +
                           " that was not reported yet",
                       {}};
    return json::value(std::move(list));
}

outcome tls_report_send(context& c, arguments a)
{
    bool const today = a.flag("today");
    if (auto wrong = a.problem()) return std::move(*wrong);
    auto const sent = c.security->send_now(today);
    if (!sent) return to_failure(sent.error());
    json::array list;
    for (auto const& s : *sent) {
        json::object o;
        o["day"] = text_of_day(s.day);
        o["domain"] = s.domain;
        o["wanted"] = s.wanted;
        json::array places;
        for (auto const& p : s.places) places.emplace_back(p);
        o["to"] = std::move(places);
        if (!s.problem.empty()) o["problem"] = printable(s.problem);
        list.push_back(std::move(o));
    }
    return json::value(std::move(list));
}

}  // namespace postern::control
