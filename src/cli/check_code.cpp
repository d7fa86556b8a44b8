// postern check-code: a code for somebody who runs `postern check` elsewhere
#include <memory>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "base/text.hpp"
#include "cli/application.hpp"
#include "cli/backend.hpp"
#include "cli/check_record.hpp"
#include "cli/output.hpp"
#include "config/values.hpp"
#include "witness/book.hpp"

namespace postern::cli {
namespace json = boost::json;
namespace {

struct options {
    std::string expires = "1h";
    bool json = false;
};

int run(application const& app, options const& o)
{
    auto const life = config::parse_duration(o.expires);
    if (!life || life->count() < 1000 || *life > witness::longest_life) {
        complain("--expires takes a time from 1s to 24h, such as 30m");
        return call_was_wrong;
    }
    json::object arguments;
    arguments["expires"] = std::chrono::duration_cast<std::chrono::seconds>(*life).count();
    auto done = perform(app, "check-code add", arguments);
    if (!done) return done.error();
    if (o.json) {
        print_json(*done);
        return all_is_well;
    }
    auto const code = text_of(*done, "code");
    print_line(code + " is good until " + readable_time(text_of(*done, "expires")) + ".");
    print_line("");
    print_line("  where the mail program is:  postern check " + text_of(*done, "hostname") + " --with-code " + code);
    print_line("  here, what has arrived:     postern why " + code);
    return all_is_well;
}

std::string hello_line(json::value const& session, std::string_view key, std::string_view where)
{
    auto const* h = session.as_object().if_contains(key);
    if (h == nullptr || !h->is_object()) return {};
    std::string line = std::string{flag_of(*h, "extended") ? "EHLO " : "HELO "} + text_of(*h, "name");
    line += std::string{where} + ", was offered ";
    auto offered = texts_of(*h, "mechanisms");
    if (flag_of(*h, "starttls")) offered.insert(offered.begin(), "STARTTLS");
    return line + (offered.empty() ? "neither STARTTLS nor a log-in" : joined(offered));
}

void print_session(json::value const& s)
{
    auto const time = readable_time(text_of(s, "began"));
    print_line("  " + (time.size() >= 19 ? time.substr(11, 8) : time) + "  session " + text_of(s, "session") +
               ", number " + text_of(s, "number") + " of the check: from " + text_of(s, "client") + " to " +
               text_of(s, "server") + " (listener " + text_of(s, "listener") + ", " + text_of(s, "role") + ")");
    auto const more = [](std::string const& text) {
        if (!text.empty()) print_line("            " + text);
    };
    more(hello_line(s, "clear", " in the clear"));
    if (flag_of(s, "starttls_asked")) more("STARTTLS asked for");
    if (auto const version = text_of(s, "tls"); !version.empty()) {
        auto const name = text_of(s, "server_name");
        more(version + (flag_of(s, "implicit") ? " from the start, " : ", ") + text_of(s, "cipher") +
             (name.empty() ? ", for no name" : ", for the name " + name));
        more("certificate shown: SHA-256 " + text_of(s, "certificate"));
    }
    more(hello_line(s, "secured", " within TLS"));
    if (auto const tried = texts_of(s, "tried"); !tried.empty())
        more("tried to log in with " + joined(tried) + (flag_of(s, "logged_in") ? ", and is logged in" : ""));
    if (auto const rules = texts_of(s, "verdicts"); !rules.empty()) more("refused: " + joined(rules));
    more(text_of(s, "problem"));
}

}  // namespace

basic_result<std::string, control::failure> check_code_for(application const& app, check_options const& o)
{
    if (o.with_server) {
        json::object arguments;
        arguments["expires"] = std::chrono::seconds{std::chrono::minutes{30}}.count();
        auto made = ask(app, "check-code add", arguments);
        if (made) return text_of(*made, "code");
        // Without it there is nothing to compare with.
        made.error().why = control::failure::kind::unavailable;
        return std::move(made.error());
    }
    if (!o.code.empty() && !witness::looks_like_code(o.code)) {
        return control::failure{control::failure::kind::usage,
                                "--with-code takes a code of the server's `postern check-code`, as in CHK-K7Q2M9TX4WZA",
                                {}};
    }
    return to_upper(o.code);
}

std::optional<std::vector<witness::sighting>> record_at_server(application const& app, std::string const& code)
{
    json::object arguments;
    arguments["code"] = code;
    auto const told = ask(app, "check-code show", arguments);
    auto const* const sessions = told && told->is_object() ? told->as_object().if_contains("sessions") : nullptr;
    if (sessions == nullptr) return std::nullopt;
    return witness::parse_record(json::serialize(*sessions));
}

void print_check_record(json::value const& record)
{
    auto const* sessions = record.as_object().if_contains("sessions");
    if (sessions == nullptr || !sessions->is_array() || sessions->as_array().empty()) {
        print_line("No session of the check " + text_of(record, "code") + " has arrived.");
        return;
    }
    print_line("What has arrived of the check " + text_of(record, "code") + ", times are UTC");
    for (auto const& s : sessions->as_array())
        if (s.is_object()) print_session(s);
}

void add_check_code(command commands, application& app)
{
    auto o = std::make_shared<options>();
    auto const c = commands.add_subcommand("check-code", "A code for somebody who runs `postern check` elsewhere");
    c.add_option("--expires", o->expires, "How long it is good for").show_default();
    c.add_flag("--json", o->json, "For programs");
    c.does([&app, o] { return run(app, *o); });
}

}  // namespace postern::cli
