// postern queue ...: what is on its way
#include <memory>

#include <boost/json/array.hpp>

#include "base/numbers.hpp"
#include "cli/application.hpp"
#include "cli/backend.hpp"
#include "cli/declaring.hpp"
#include "cli/output.hpp"
#include "cli/queue_selection.hpp"

namespace postern::cli {
namespace json = boost::json;
namespace {

struct options {
    queue_selection which;
    std::string id;
    std::uint64_t limit = 1000;
    bool json = false;
};

json::array const& list_in(json::value const& v, char const* key)
{
    static json::array const none;
    auto const* o = v.if_object();
    auto const* found = o ? o->if_contains(key) : nullptr;
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
    if (flag_of(message, "held")) return "  (held)";
    return flag_of(message, "active") ? "  (active)" : "";
}

std::string sender_of(json::value const& message)
{
    auto const sender = text_of(message, "reverse_path");
    return sender.empty() ? "<>" : sender;
}

void print_recipient(json::value const& r)
{
    auto line = "    to " + text_of(r, "forward_path") + ": " + text_of(r, "state");
    auto const attempts = text_of(r, "attempts");
    bool const tried = !attempts.empty() && attempts != "0";
    if (tried) line += ", " + attempts + (attempts == "1" ? " attempt" : " attempts");
    if (auto const next = text_of(r, "next_attempt"); tried && !next.empty()) line += ", next " + readable_time(next);
    print_line(line);
    if (auto const why = text_of(r, "why"); !why.empty()) {
        auto const until = text_of(r, "down_until");
        print_line("       " + why + (until.empty() ? "" : ", and is looked at again " + readable_time(until)));
    }
    if (auto const reply = text_of(r, "last_reply"); !reply.empty()) {
        auto const hop = text_of(r, "next_hop");
        print_line("       " + (hop.empty() ? "" : hop + ": ") + reply);
    }
}

int list(application const& app, options const& o)
{
    auto arguments = o.which.arguments();
    if (!arguments) return call_was_wrong;
    (*arguments)["limit"] = o.limit;
    auto done = perform(app, "queue list", *arguments);
    if (!done) return done.error();
    if (o.json) {
        print_json(*done);
        return all_is_well;
    }
    if (!done->is_array() || done->as_array().empty()) {
        print_line(o.which.chooses() ? "No message on its way matches." : "Nothing is on its way.");
        return all_is_well;
    }
    for (auto const& m : done->as_array()) {
        print_line(text_of(m, "queue_id") + "  " + readable_time(text_of(m, "accepted_at")) + "  " + size_of(m) +
                   "  from " + sender_of(m) + rest_of(m));
        for (auto const& r : list_in(m, "recipients")) print_recipient(r);
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
    if (auto const priority = text_of(m, "priority"); !priority.empty() && priority != "0")
        print_line("priority   " + priority);
    if (auto const at = text_of(m, "release_at"); !at.empty()) print_line("send at    " + readable_time(at));
    if (auto const by = text_of(m, "deliver_by"); !by.empty()) print_line("deliver by " + readable_time(by));
    for (auto const& r : list_in(m, "recipients")) print_recipient(r);
    if (auto const header = text_of(m, "header"); !header.empty()) print("\n" + header);
    return all_is_well;
}

std::uint64_t number_of(json::value const& v, std::string_view key)
{
    return parse_number<std::uint64_t>(text_of(v, key)).value_or(0);
}

// Many messages are done in portions, so that neither the server nor the store is kept from its work.
int change(application const& app, options const& o, std::string_view command, std::string_view said)
{
    if (!o.which.all && !o.which.chooses()) {
        complain("which message? Give its id, an option that chooses some, or --all");
        return call_was_wrong;
    }
    if (o.which.all && o.which.chooses()) {
        complain(o.which.id.empty() ? "messages that are chosen or --all, not both" : "an id or --all, not both");
        return call_was_wrong;
    }
    auto arguments = o.which.arguments();
    if (!arguments) return call_was_wrong;
    std::uint64_t messages = 0, busy = 0;
    json::object total;
    for (;;) {
        auto done = perform(app, command, *arguments);
        if (!done) return done.error();
        messages += number_of(*done, "messages");
        busy += number_of(*done, "busy");
        if (auto* const last = done->if_object()) total = *last;
        auto const* const finished = total.if_contains("finished");
        if (!finished || flag_of(*done, "finished")) break;
        (*arguments)["after"] = number_of(*done, "after");
    }
    if (o.json) {
        if (total.if_contains("messages")) total["messages"] = messages;
        if (total.if_contains("busy")) total["busy"] = busy;
        total.erase("after");
        total.erase("finished");
        print_json(total);
        return all_is_well;
    }
    if (auto const id = text_of(total, "queue_id"); !id.empty()) {
        print_line(id + " " + std::string{said});
    } else {
        print_line(std::to_string(messages) + (messages == 1 ? " message " : " messages: each ") + std::string{said});
    }
    if (busy != 0) print_line(std::to_string(busy) + " left alone, being delivered at the moment");
    return all_is_well;
}

void print_destinations(json::array const& list)
{
    table t({"destination", "recipients", "oldest", "connections", "window", "health", "last problem"});
    for (auto const& d : list) {
        auto health = text_of(d, "health");
        if (auto const until = text_of(d, "down_until"); !until.empty()) health += " until " + readable_time(until);
        auto problem = text_of(d, "last_failure");
        if (problem.empty()) problem = text_of(d, "last_reply");
        auto const oldest = text_of(d, "oldest");
        t.add({text_of(d, "destination"), text_of(d, "recipients"), oldest.empty() ? "" : readable_time(oldest),
               text_of(d, "connections"), text_of(d, "window"), health, problem.substr(0, 100)});
    }
    t.print();
}

int destinations(application const& app, options const& o)
{
    json::object arguments;
    arguments["limit"] = o.limit;
    auto done = perform(app, "queue destinations", arguments);
    if (!done) return done.error();
    if (o.json) {
        print_json(*done);
    } else if (!done->is_array() || done->as_array().empty()) {
        print_line("Nothing waits for any destination, and none is in trouble.");
    } else {
        print_destinations(done->as_array());
    }
    return all_is_well;
}

int summary(application const& app, options const& o)
{
    auto done = perform(app, "queue summary", {});
    if (!done) return done.error();
    if (o.json) {
        print_json(*done);
        return all_is_well;
    }
    for (auto const* key : {"messages", "active", "deferred", "waiting", "held", "unreadable", "recipients"}) {
        std::string const name = key;
        print_line(name + std::string(12 - name.size(), ' ') + text_of(*done, key));
    }
    if (auto const oldest = text_of(*done, "oldest"); !oldest.empty())
        print_line("oldest      " + readable_time(oldest));
    if (auto const next = text_of(*done, "next_attempt"); !next.empty())
        print_line("next        " + readable_time(next));
    if (auto const& list = list_in(*done, "destinations"); !list.empty()) {
        print_line("");
        print_destinations(list);
    }
    return all_is_well;
}

}  // namespace

int list_queue(application const& app) { return list(app, {}); }

int retry_queue(application const& app)
{
    options o;
    o.which.all = true;
    return change(app, o, "queue retry", "is tried again now");
}

void add_queue(command commands, application& app)
{
    auto o = std::make_shared<options>();
    declaring const declare{commands.add_subcommand("queue", "What is on its way"), app, o};
    auto const limit = [&](command c, char const* help, int most) {
        c.add_option("--limit", o->limit, help).between(1, most);
    };
    auto const bulk = [&](char const* name, char const* help, char const* command, char const* said) {
        auto const c = declare(name, help, [command, said](application const& a, options const& given) {
            return change(a, given, command, said);
        });
        add_selection(c, o->which);
        c.add_flag("--all", o->which.all, "All messages");
    };

    auto const l = declare("list", "Messages, why each waits, and what was said of it last", list);
    add_selection(l, o->which);
    limit(l, "At most so many", 100'000);
    declare("show", "One message, with its header", show).add_option("ID", o->id, "The message's id").required();
    declare("summary", "How much waits, and for whom most of it", summary);
    limit(declare("destinations", "What waits for each destination, and how that does", destinations),
          "At most so many", 10'000);
    bulk("retry", "Try to deliver now", "queue retry", "is tried again now");
    bulk("hold", "Stop delivering until it is released", "queue hold", "is held");
    bulk("release", "Deliver what is held", "queue release", "is released");
    bulk("remove", "Throw away; nobody is told", "queue remove", "is removed");
    bulk("expire", "Give up; senders get their report now", "queue expire", "is given up");
}

}  // namespace postern::cli
