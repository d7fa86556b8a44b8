// postern why: what happened to a session or a message
#include <algorithm>
#include <array>
#include <memory>
#include <set>

#include <boost/json/array.hpp>

#include "base/text.hpp"
#include "cli/application.hpp"
#include "cli/backend.hpp"
#include "cli/output.hpp"

namespace postern::cli {
namespace json = boost::json;
namespace {

struct options {
    std::string id;
    bool json = false;
};

/// "recipient_refused": "Recipient refused".
std::string sentence(std::string text)
{
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c == '_' || c == '-'; }, ' ');
    if (!text.empty()) text.front() = upper(text.front());
    return text;
}

/// The event's further facts, but those that stand elsewhere in the story.
std::string facts_of(json::object const& event, std::string_view session, std::string_view message)
{
    constexpr std::array elsewhere{"time", "event", "level", "remedy"};
    std::string all;
    for (auto const& f : event) {
        std::string_view const key{f.key()};
        if (std::find(elsewhere.begin(), elsewhere.end(), key) != elsewhere.end()) continue;
        auto value = text_of(json::value(event), key);
        if (value.empty() || (key == "session" && value.substr(0, value.find('.')) == session) ||
            (key == "queue_id" && value == message))
            continue;
        if (f.value().is_bool()) value = f.value().as_bool() ? "yes" : "no";
        if (!all.empty()) all += "; ";
        all += key;
        all += ' ';
        all += printable(value, 600);
    }
    return all;
}

void tell(json::value const& story)
{
    auto const& events = story.as_object().at("events").as_array();
    std::string session, message, day;
    std::set<std::string> rules;
    for (auto const& e : events) {
        if (!e.is_object()) continue;
        auto const time = readable_time(text_of(e, "time"));
        if (time.substr(0, 10) != day) {
            day = time.substr(0, 10);
            print_line(day);
        }
        auto const whole = text_of(e, "session"), m = text_of(e, "queue_id");
        auto const s = whole.substr(0, whole.find('.'));
        auto const facts = facts_of(e.as_object(), session, message);
        print_line("  " + (time.size() >= 19 ? time.substr(11, 8) : time) + "  " + sentence(text_of(e, "event")) +
                   (facts.empty() ? "" : ": " + facts));
        if (!s.empty()) session = s;
        if (!m.empty()) message = m;
        auto const* remedy = e.as_object().if_contains("remedy");
        // The remedy of a rule is told once.
        if (!remedy || !rules.insert(text_of(e, "rule")).second) continue;
        if (auto const t = text_of(*remedy, "what"); !t.empty()) print_line("            what happened: " + t);
        if (auto const t = text_of(*remedy, "user"); !t.empty()) print_line("            the user: " + t);
        if (auto const t = text_of(*remedy, "operator"); !t.empty()) print_line("            you: " + t);
    }
    print_line("(times are UTC)");
}

int run(application const& app, options const& o)
{
    json::object arguments;
    arguments["id"] = o.id;
    auto done = perform(app, "why", arguments);
    if (!done) return done.error();
    if (o.json) {
        print_json(*done);
    } else {
        tell(*done);
    }
    return all_is_well;
}

}  // namespace

void add_why(CLI::App& commands, application& app)
{
    auto o = std::make_shared<options>();
    auto* c = commands.add_subcommand("why", "What happened to a session or a message");
    c->add_option("ID", o->id, "The id at the end of a refusal, or of a message")->required();
    c->add_flag("--json", o->json, "For programs");
    c->callback([&app, o] { app.chosen = [&app, o] { return run(app, *o); }; });
}

}  // namespace postern::cli
