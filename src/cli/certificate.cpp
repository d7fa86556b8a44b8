// postern certificate ...: what there is, and a renewal now
#include "cli/certificate.hpp"

#include <memory>

#include <boost/json/array.hpp>

#include "cli/application.hpp"
#include "cli/backend.hpp"
#include "cli/declaring.hpp"
#include "cli/output.hpp"

namespace postern::cli {
namespace json = boost::json;
namespace {

struct options {
    std::string name;
    bool json = false;
};

json::array const& list_in(json::value const& v, std::string_view key)
{
    static json::array const none;
    auto const* list = v.is_object() ? v.as_object().if_contains(key) : nullptr;
    return list && list->is_array() ? list->as_array() : none;
}

json::value const* failure_of(json::value const& row)
{
    auto const* f = row.is_object() ? row.as_object().if_contains("failure") : nullptr;
    return f && f->is_object() ? f : nullptr;
}

std::string day_of(std::string const& rfc3339) { return rfc3339.substr(0, std::string_view{"2026-11-22"}.size()); }

std::string days_of(json::value const& row)
{
    auto const days = text_of(row, "days_left");
    if (days.empty()) return "none yet";
    return days + (days == "1" ? " day left" : " days left");
}

void print_troubles(json::value const& row, std::string const& indent)
{
    if (auto const* f = failure_of(row)) {
        print_line(indent + text_of(*f, "text") + " (" + text_of(*f, "id") + ")");
        print_line(indent + text_of(*f, "remedy"));
        print_line(indent + "Tried at " + readable_time(text_of(*f, "at")) + ", next at " +
                   readable_time(text_of(*f, "next")));
    }
    auto const problem = text_of(row, "problem");
    if (!problem.empty()) print_line(indent + problem);
    for (auto const& out : list_in(row, "left_out"))
        print_line(indent + "without " + text_of(out, "name") + ": " + text_of(out, "problem"));
}

int list(application const& app, options const& o)
{
    auto done = perform(app, "certificate list", {});
    if (!done) return done.error();
    if (o.json) {
        print_json(*done);
        return all_is_well;
    }
    table rows{{"NAMES", "FOR", "FROM", "LEFT", "UNTIL", "NEXT RENEWAL"}};
    auto const& all = done->is_array() ? done->as_array() : json::array{};
    for (auto const& r : all)
        rows.add({joined(texts_of(r, "names")), text_of(r, "serves"), text_of(r, "source"), days_of(r),
                  day_of(text_of(r, "until")), day_of(text_of(r, "renewal"))});
    rows.print();
    for (auto const& r : all) {
        if (!failure_of(r) && text_of(r, "problem").empty() && list_in(r, "left_out").empty()) continue;
        print_line("");
        print_line(text_of(r, "id") + ":");
        print_troubles(r, "  ");
    }
    return all_is_well;
}

int renew(application const& app, options const& o)
{
    json::object about;
    if (!o.name.empty()) about["name"] = o.name;
    auto done = perform(app, "certificate renew", about);
    if (!done) return done.error();
    bool problems = false;
    auto const& all = done->is_array() ? done->as_array() : json::array{};
    for (auto const& r : all) problems = problems || failure_of(r) || text_of(r, "until").empty();
    if (o.json) {
        print_json(*done);
        return problems ? problem_found : all_is_well;
    }
    for (auto const& r : all) {
        print_line(certificate_line(r));
        print_troubles(r, "  ");
    }
    return problems ? problem_found : all_is_well;
}

}  // namespace

std::string certificate_line(json::value const& row)
{
    auto const names = texts_of(row, "names");
    auto line =
        (names.empty() ? text_of(row, "id") : joined(names)) + "  " + text_of(row, "source") + ", " + days_of(row);
    auto const renewal = text_of(row, "renewal");
    if (!renewal.empty()) line += ", next renewal " + day_of(renewal);
    if (auto const* f = failure_of(row)) line += "; not renewed: " + text_of(*f, "problem");
    auto const problem = text_of(row, "problem");
    if (!problem.empty()) line += "; " + problem;
    return line;
}

void add_certificate(command commands, application& app)
{
    auto o = std::make_shared<options>();
    declaring const declare{commands.add_subcommand("certificate", "Certificates: which there are, and a renewal now"),
                            app, o};
    declare("list", "All of them, and how long they hold", list);
    declare("renew", "Get those of ACME anew, now", renew).add_option("NAME", o->name, "Only the one with this name");
}

}  // namespace postern::cli
