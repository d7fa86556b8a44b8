// postern doctor: looks over the operator's own installation, from the inside
#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <thread>

#include <boost/json/array.hpp>

#include "cli/application.hpp"
#include "cli/backend.hpp"
#include "cli/doctor_questions.hpp"
#include "cli/machine.hpp"
#include "cli/output.hpp"
#include "cli/this_terminal.hpp"
#include "doctor/gather.hpp"
#include "terminal/width.hpp"

namespace postern::cli {
namespace json = boost::json;
namespace rules = catalogue::rules;
namespace {

using doctor::area;
using doctor::severity;
using terminal::colour;

constexpr std::chrono::seconds dns_limit{5}, door_limit{5};

struct options {
    std::vector<std::string> only;
    std::string clock_from;
    bool json = false;
};

std::set<area> wanted(std::vector<std::string> const& names)
{
    std::set<area> areas;
    for (auto const a : doctor::all_areas)
        if (names.empty() || std::ranges::find(names, to_string(a)) != names.end()) areas.insert(a);
    return areas;
}

/// We ask our name servers, and the server meanwhile asks its own about its keys.
void look_names_up(application const& app, std::set<area> const& areas, doctor::facts& f)
{
    std::vector<std::string> domains;
    for (auto const& d : f.domains) domains.push_back(d.domain);
    std::map<std::string, doctor::domain_facts> keys;
    {
        std::jthread const other{[&] {
            if (areas.contains(area::dns)) keys = ask_for_keys(app, domains);
        }};
        gather_names(f, dns_limit);
    }
    for (auto& d : f.domains) {
        auto const found = keys.find(d.domain);
        if (found == keys.end()) continue;
        d.keys = std::move(found->second.keys);
        d.keys_known = found->second.keys_known;
    }
}

doctor::facts gather(application const& app, config::settings const& s, options const& o, std::set<area> const& areas)
{
    doctor::facts f;
    f.settings = s;
    f.now = wall_clock::now();
    ask_for_facts(app, areas, f);
    gather_certificates(f);
    gather_machine(f, areas.contains(area::clock) ? o.clock_from : "");
    f.machine.gateways = default_gateways();
    if (areas.contains(area::dns) || areas.contains(area::ports)) look_names_up(app, areas, f);
    if (areas.contains(area::ports) || areas.contains(area::certificate)) gather_reach(f, door_limit);
    if (areas.contains(area::relay) && f.server.running) gather_relay(f, door_limit);
    if (areas.contains(area::relay) && !f.server.running)
        f.not_looked_at.push_back({"relay", "tricks at the listeners", "no server runs that they could be tried at"});
    return f;
}

doctor::report judge(doctor::facts const& f, std::set<area> const& areas)
{
    doctor::report r;
    judge_server(f, r);
    judge_certificates(f, r);
    if (areas.contains(area::dns)) {
        judge_names(f, r);
        judge_domains(f, r);
    }
    if (areas.contains(area::ports)) judge_reach(f, r);
    if (areas.contains(area::relay)) judge_relay(f, r);
    judge_machine(f, r);
    judge_configuration(f, r);
    std::erase_if(r.findings, [&](auto const& one) { return !areas.contains(one.where); });
    std::erase_if(r.well, [&](auto const& one) { return !areas.contains(one.where); });
    // The worst first; within that, as they were found.
    std::ranges::stable_sort(r.findings, [](auto const& a, auto const& b) { return a.how_bad > b.how_bad; });
    return r;
}

/// The lines themselves stand below each finding, whole.
std::string remedy_of(doctor::finding const& f)
{
    auto values = f.values;
    for (auto& v : values)
        if (v.key == "record" && !f.change.empty() && v.value == f.change.front()) v.value = "what stands below";
    return fill(f.why->operator_remedy, values);
}

std::string counted(std::size_t n, std::string_view what)
{
    return std::to_string(n) + ' ' + std::string{what} + (n == 1 ? "" : "s");
}

std::string headline_of(doctor::report const& r)
{
    std::size_t failures = 0, warnings = 0, hints = 0;
    for (auto const& f : r.findings)
        ++(f.how_bad == severity::failure ? failures : f.how_bad == severity::warning ? warnings : hints);
    std::string text;
    auto const add = [&](std::size_t n, std::string_view what) {
        if (n != 0) text += (text.empty() ? "" : ", ") + counted(n, what);
    };
    add(failures, "failure");
    add(warnings, "warning");
    if (text.empty()) text = std::string{rules::installation_works.reply};
    add(hints, "hint");
    return text;
}

json::object to_json(doctor::finding const& f)
{
    json::object o;
    o["area"] = to_string(f.where);
    o["severity"] = to_string(f.how_bad);
    o["rule"] = f.why->name;
    o["id"] = f.why->id;
    o["headline"] = fill(f.why->reply, f.values);
    o["what"] = fill(f.why->what, f.values);
    o["remedy"] = remedy_of(f);
    json::array change;
    for (auto const& line : f.change) change.emplace_back(line);
    o["change"] = std::move(change);
    return o;
}

void print_as_json(doctor::facts const& f, doctor::report const& r)
{
    json::object o;
    json::object verdict;
    auto const* const worst = r.findings.empty() ? nullptr : &r.findings.front();
    verdict["id"] = worst ? worst->why->id : rules::installation_works.id;
    verdict["severity"] = worst ? to_string(worst->how_bad) : "ok";
    verdict["headline"] = headline_of(r);
    o["verdict"] = std::move(verdict);
    o["hostname"] = f.settings.hostname;
    o["server_runs"] = f.server.running;
    json::array findings, well, left;
    for (auto const& one : r.findings) findings.emplace_back(to_json(one));
    for (auto const& one : r.well) well.emplace_back(json::object{{"area", to_string(one.where)}, {"text", one.text}});
    for (auto const& one : f.not_looked_at)
        left.emplace_back(json::object{{"area", one.area}, {"what", one.what}, {"why", one.why}});
    o["findings"] = std::move(findings);
    o["well"] = std::move(well);
    o["not_looked_at"] = std::move(left);
    print_json(json::value(std::move(o)));
}

class page {
public:
    page() : paint_(paint_for_this_terminal()), width_(width_of_this_terminal()) {}

    void finding(doctor::finding const& f)
    {
        auto const bad = f.how_bad == severity::failure   ? colour::bad
                         : f.how_bad == severity::warning ? colour::warning
                                                          : colour::quiet;
        auto const label = terminal::padded(std::string{to_string(f.how_bad)}, 8);
        paragraph(paint_(bad, label), label.size(), fill(f.why->reply, f.values) + " (" + std::string{f.why->id} + ")");
        paragraph("  why   ", 8, fill(f.why->what, f.values));
        paragraph("  do    ", 8, remedy_of(f));
        // Never broken: they are copied.
        for (auto const& line : f.change) print_line("          " + paint_(colour::strong, line));
        print_line("");
    }
    void line(colour c, std::string_view label, std::string const& text)
    {
        auto const wide = terminal::padded(std::string{label}, 8);
        paragraph(paint_(c, wide), wide.size(), text);
    }
    void headline(std::string const& text, bool well)
    {
        print_line(paint_(well ? colour::good : colour::strong, text));
    }

private:
    void paragraph(std::string const& label, std::size_t indent, std::string const& text)
    {
        bool first = true;
        for (auto const& part : terminal::wrap(text, width_ - indent)) {
            print_line((first ? label : std::string(indent, ' ')) + part);
            first = false;
        }
    }

    terminal::painter paint_;
    std::size_t width_;
};

void print_for_people(doctor::facts const& f, doctor::report const& r)
{
    page p;
    p.headline(f.settings.hostname + ": " + headline_of(r), r.findings.empty());
    print_line("");
    for (auto const& one : r.findings) p.finding(one);
    for (auto const& one : r.well) p.line(colour::good, "ok", one.text);
    for (auto const& one : f.not_looked_at) {
        auto const what = one.area + ": " + one.what;
        p.line(colour::quiet, "unknown",
               catalogue::fill(rules::own_check_impossible.reply, {{"name", what}, {"problem", one.why}}));
    }
}

/// A configuration that can't be used is the first finding, and the last: where to look is in it.
int tell_of_configuration(application const& app, options const& o)
{
    doctor::report r;
    doctor::facts f;
    r.add({area::configuration,
           severity::failure,
           &rules::own_configuration_wrong,
           {{"problem", configuration_in_force(app) + ", and its mistakes are named above"}},
           {"postern config check"}});
    if (o.json) {
        print_as_json(f, r);
    } else {
        print_for_people(f, r);
    }
    return problem_found;
}

int run(application const& app, options const& o)
{
    auto const s = load_settings(app);
    if (!s) return tell_of_configuration(app, o);
    auto const areas = wanted(o.only);
    auto const f = gather(app, *s, o, areas);
    auto const r = judge(f, areas);
    if (o.json) {
        print_as_json(f, r);
    } else {
        print_for_people(f, r);
    }
    bool const bad = std::ranges::any_of(r.findings, [](auto const& one) { return one.how_bad != severity::hint; });
    return bad ? problem_found : all_is_well;
}

}  // namespace

void add_doctor(command commands, application& app)
{
    auto o = std::make_shared<options>();
    auto const c =
        commands.add_subcommand("doctor", "What is wrong with this installation, and the lines that mend it");
    std::vector<std::string> names;
    for (auto const a : doctor::all_areas) names.emplace_back(to_string(a));
    c.add_option("--only", o->only, "Look only at these").one_of(names).type_name("AREA");
    c.add_option("--clock-from", o->clock_from, "Compare the clock with this time server (NTP)").type_name("HOST");
    c.add_flag("--json", o->json, "For programs");
    c.does([&app, o] { return run(app, *o); });
}

}  // namespace postern::cli
