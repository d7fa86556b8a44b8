// postern queue ...: what is on its way
#include <memory>

#include <boost/json/array.hpp>

#include "base/numbers.hpp"
#include "cli/application.hpp"
#include "cli/backend.hpp"
#include "cli/output.hpp"

namespace postern::cli {
namespace json = boost::json;
namespace {

struct options {
    std::string id;
    bool all = false;
    std::uint64_t limit = 1000;
    bool json = false;
};

json::array const& recipients_of(json::value const& message)
{
    static json::array const none;
    auto const* o = message.if_object();
    auto const* found = o ? o->if_contains("recipients") : nullptr;
    return found && found->is_array() ? found->as_array() : none;
}

std::string size_of(json::value const& message)
{
    return readable_size(parse_number<std::uint64_t>(text_of(message, "size")).value_or(0));
}

/// Why a message is not delivered, if that is so.
std::string rest_of(json::value const& message)
{
    auto const unreadable = text_of(message, "unreadable");
    if (!unreadable.empty()) return "  (unreadable: " + unreadable + ")";
    return flag_of(message, "held") ? "  (held)" : "";
}

std::string sender_of(json::value const& message)
{
    auto const sender = text_of(message, "reverse_path");
    return sender.empty() ? "<>" : sender;
}

void print_recipient(json::value const& r)
{
    auto line = "    to " + text_of(r, "forward_path") + ": " + text_of(r, "state");
    if (auto const attempts = text_of(r, "attempts"); !attempts.empty() && attempts != "0") {
        line += ", " + attempts + (attempts == "1" ? " attempt" : " attempts");
        if (auto const next = text_of(r, "next_attempt"); !next.empty()) line += ", next " + readable_time(next);
    }
    print_line(line);
    if (auto const reply = text_of(r, "last_reply"); !reply.empty()) print_line("       " + reply);
}

int list(application const& app, options const& o)
{
    json::object arguments;
    arguments["limit"] = o.limit;
    auto done = perform(app, "queue list", arguments);
    if (!done) return done.error();
    if (o.json) {
        print_json(*done);
        return all_is_well;
    }
    if (!done->is_array() || done->as_array().empty()) {
        print_line("Nothing is on its way.");
        return all_is_well;
    }
    for (auto const& m : done->as_array()) {
        print_line(text_of(m, "queue_id") + "  " + readable_time(text_of(m, "accepted_at")) + "  " + size_of(m) +
                   "  from " + sender_of(m) + rest_of(m));
        for (auto const& r : recipients_of(m)) print_recipient(r);
    }
    auto const count = done->as_array().size();
    print_line(std::to_string(count) + (count == 1 ? " message" : " messages") +
               (count == o.limit ? " shown; there may be more: --limit" : ""));
    return all_is_well;
}

int show(application const& app, options const& o)
{
    json::object arguments;
    arguments["queue_id"] = o.id;
    auto done = perform(app, "queue show", arguments);
    if (!done) return done.error();
    if (o.json) {
        print_json(*done);
        return all_is_well;
    }
    auto const& m = *done;
    print_line("message    " + text_of(m, "queue_id") + rest_of(m));
    print_line("from       " + sender_of(m));
    print_line("accepted   " + readable_time(text_of(m, "accepted_at")));
    print_line("size       " + size_of(m));
    if (auto const account = text_of(m, "account"); !account.empty()) print_line("account    " + account);
    if (auto const client = text_of(m, "client"); !client.empty()) print_line("client     " + client);
    if (auto const session = text_of(m, "session"); !session.empty()) print_line("session    " + session);
    for (auto const& r : recipients_of(m)) print_recipient(r);
    if (auto const header = text_of(m, "header"); !header.empty()) print("\n" + header);
    return all_is_well;
}

int change(application const& app, options const& o, std::string_view command, std::string_view said)
{
    json::object arguments;
    if (o.all) {
        arguments["all"] = true;
    } else {
        arguments["queue_id"] = o.id;
    }
    auto done = perform(app, command, arguments);
    if (!done) return done.error();
    if (o.json) {
        print_json(*done);
    } else {
        print_line((o.all ? std::string{"Everything"} : text_of(*done, "queue_id")) + " " + std::string{said});
    }
    return all_is_well;
}

}  // namespace

int list_queue(application const& app) { return list(app, {}); }

int retry_queue(application const& app)
{
    options o;
    o.all = true;
    return change(app, o, "queue retry", "is tried again now");
}

void add_queue(CLI::App& commands, application& app)
{
    auto o = std::make_shared<options>();
    auto* group = commands.add_subcommand("queue", "What is on its way");
    group->require_subcommand(1);
    auto const declare = [&](char const* name, char const* help, auto act) {
        auto* c = group->add_subcommand(name, help);
        c->add_flag("--json", o->json, "For programs");
        c->callback([&app, o, act] { app.chosen = [&app, o, act] { return act(app, *o); }; });
        return c;
    };
    auto const id = [&](CLI::App* c) { return c->add_option("ID", o->id, "The message's id"); };

    declare("list", "All messages", list)
        ->add_option("--limit", o->limit, "At most so many")
        ->check(CLI::Range(1, 100'000));
    id(declare("show", "One message, with its header", show))->required();
    auto* retry = declare("retry", "Try to deliver now", [](application const& a, options const& given) {
        if (given.all == !given.id.empty()) {
            complain(given.all ? "an id or --all, not both" : "which message? Give its id, or --all");
            return call_was_wrong;
        }
        return change(a, given, "queue retry", "is tried again now");
    });
    id(retry);
    retry->add_flag("--all", o->all, "All messages");
    id(declare("hold", "Stop delivering a message until it is released",
               [](application const& a, options const& given) { return change(a, given, "queue hold", "is held"); }))
        ->required();
    id(declare("release", "Deliver a held message", [](application const& a, options const& given) {
        return change(a, given, "queue release", "is released");
    }))->required();
    id(declare("remove", "Throw a message away; nobody is told", [](application const& a, options const& given) {
        return change(a, given, "queue remove", "is removed");
    }))->required();
}

}  // namespace postern::cli
