// postern why: what happened to a session or a message
#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <boost/json/array.hpp>

#include "base/text.hpp"
#include "cli/application.hpp"
#include "cli/backend.hpp"
#include "cli/check_record.hpp"
#include "cli/output.hpp"

namespace postern::cli {
namespace json = boost::json;
namespace {

struct options {
    std::string id;
    bool json = false;
};

/// How to say an event. {key} stands for a fact; a part in [...] is left out when one of its
/// facts is missing. Facts that no sentence uses follow it.
struct phrase {
    std::string_view event, sentence;
};
constexpr std::array phrases{
    phrase{"login", "{account} logged in with {mechanism}[ over {tls}] from {client}"},
    phrase{"login_cause", "Why the log-in failed: {meaning}"},
    phrase{"refused", "Refused[: {command} got {code} {status}], rule {rule}"},
    phrase{"accepted", "Message {queue_id} accepted: from <[{reverse_path}]> to {forward_path}[, {size} octets]"},
    phrase{"session", "The session ended[ by {ended_by}]: {messages} message(s), {refusals} refusal(s)"},
    phrase{"delivered", "Delivered to {forward_path}[ at {next_hop}][ over {tls}]: {reply}"},
    phrase{"deferred", "Not yet delivered to {forward_path}[ at {next_hop}]: {reply}[; next attempt {next_attempt}]"},
    phrase{"bounced", "Could not be delivered to {forward_path}[ at {next_hop}]: {reply}"},
    phrase{"expired", "Given up for {forward_path}[ at {next_hop}]: {reply}"},
    phrase{"report", "Report {queue_id} goes to the sender {forward_path}"},
    phrase{"double_bounce", "{text}"},
    phrase{"held", "Held in the queue when it came, rule {rule}"},
    phrase{"queue_hold", "Held by the {by}"},
    phrase{"queue_release", "Released by the {by}"},
    phrase{"queue_retry", "Tried again at once, asked by the {by}"},
    phrase{"queue_remove", "Removed by the {by}"},
};

/// The facts of one event that are still to be told.
class facts {
public:
    explicit facts(json::object const& event)
    {
        for (auto const& f : event) {
            std::string const key{f.key()};
            if (key == "time" || key == "event" || key == "level" || key == "remedy") continue;
            std::string value = f.value().is_bool() ? (f.value().as_bool() ? "yes" : "no") : text_of(event, key);
            if (!value.empty()) left_.emplace_back(key, printable(value, 600));
        }
    }

    /// Fills a sentence in; nothing when a fact outside of [...] is missing.
    std::optional<std::string> fill(std::string_view sentence)
    {
        std::string said;
        while (!sentence.empty()) {
            auto const special = sentence.find_first_of("{[");
            said += sentence.substr(0, special);
            if (special == std::string_view::npos) break;
            auto const end = sentence.find(sentence[special] == '{' ? '}' : ']', special);
            auto const inside = sentence.substr(special + 1, end - special - 1);
            auto const part = sentence[special] == '{' ? find(inside) : fill(inside);
            if (!part && sentence[special] == '{') return std::nullopt;
            said += part.value_or("");
            sentence.remove_prefix(end + 1);
        }
        return said;
    }

    /// What no sentence used, but for what is `known` from the line before.
    std::string rest(std::map<std::string, std::string>& known) const
    {
        std::string all;
        for (auto const& [key, value] : left_) {
            bool const told = used_.contains(key);
            if (std::exchange(known[key], value) == value || told) continue;
            if (!all.empty()) all += "; ";
            all += key;
            all += ' ';
            all += value;
        }
        return all;
    }

private:
    std::optional<std::string> find(std::string_view key)
    {
        auto const found = std::find_if(left_.begin(), left_.end(), [&](auto const& f) { return f.first == key; });
        if (found == left_.end()) return std::nullopt;
        used_.insert(found->first);
        return found->second;
    }

    std::vector<std::pair<std::string, std::string>> left_;
    std::set<std::string> used_;
};

/// "recipient_refused": "Recipient refused".
std::string as_words(std::string text)
{
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c == '_' || c == '-'; }, ' ');
    if (!text.empty()) text.front() = upper(text.front());
    return text;
}

/// "1 message(s)": "1 message", others: "2 messages".
std::string with_right_plurals(std::string text)
{
    constexpr std::string_view mark = "(s)";
    for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at)) {
        auto const word = text.rfind(' ', at);
        bool const one = word != std::string::npos && word >= 2 && text.substr(word - 2, 2) == " 1";
        text.replace(at, mark.size(), one ? "" : "s");
    }
    return text;
}

std::string sentence_of(std::string const& event, facts& f)
{
    auto const found = std::find_if(phrases.begin(), phrases.end(), [&](phrase const& p) { return p.event == event; });
    if (found != phrases.end())
        if (auto said = f.fill(found->sentence))
            return event == "session" ? with_right_plurals(std::move(*said)) : std::move(*said);
    return as_words(event);
}

void tell_remedy(json::value const& remedy)
{
    for (auto const& [key, label] : {std::pair{"what", "why: "}, {"user", "the user: "}, {"operator", "you: "}})
        if (auto const t = text_of(remedy, key); !t.empty()) print_line("            " + std::string{label} + t);
}

void tell(json::value const& story)
{
    std::string day;
    std::map<std::string, std::string> known;
    std::set<std::string> rules;
    for (auto const& e : story.as_object().at("events").as_array()) {
        if (!e.is_object()) continue;
        auto const time = readable_time(text_of(e, "time"));
        if (time.substr(0, 10) != day) {
            day = time.substr(0, 10);
            print_line(day + ", times are UTC");
        }
        facts f{e.as_object()};
        print_line("  " + (time.size() >= 19 ? time.substr(11, 8) : time) + "  " + sentence_of(text_of(e, "event"), f));
        if (auto const rest = f.rest(known); !rest.empty()) print_line("            " + rest);
        // The remedy of a rule is told once.
        auto const* remedy = e.as_object().if_contains("remedy");
        if (remedy && rules.insert(text_of(e, "rule")).second) tell_remedy(*remedy);
    }
}

int run(application const& app, options const& o)
{
    json::object arguments;
    arguments["id"] = o.id;
    auto done = perform(app, "why", arguments);
    if (!done) return done.error();
    if (o.json) {
        print_json(*done);
    } else if (done->as_object().contains("sessions")) {
        print_check_record(*done);
    } else {
        tell(*done);
    }
    return all_is_well;
}

}  // namespace

void add_why(command commands, application& app)
{
    auto o = std::make_shared<options>();
    auto const c =
        commands.add_subcommand("why", "What happened to a session or a message, or what was seen of a check");
    c.add_option("ID", o->id, "The id at the end of a refusal, or of a message, or a code of `postern check-code`")
        .required();
    c.add_flag("--json", o->json, "For programs");
    c.does([&app, o] { return run(app, *o); });
}

}  // namespace postern::cli
