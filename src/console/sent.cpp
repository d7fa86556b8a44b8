#include "console/sent.hpp"

#include <algorithm>
#include <array>
#include <map>

#include "base/text.hpp"
#include "catalogue/catalogue.hpp"
#include "console/logins.hpp"

namespace postern::console {
namespace json = boost::json;
namespace {

constexpr std::size_t most_recipients = 100;

std::uint64_t number_in(json::object const& e, std::string_view key)
{
    auto const* v = e.if_contains(key);
    if (!v) return 0;
    if (v->is_uint64()) return v->as_uint64();
    return v->is_int64() && v->as_int64() > 0 ? static_cast<std::uint64_t>(v->as_int64()) : 0;
}

// What may become of a recipient, what is not over first, then the worst first.
constexpr std::array<std::string_view, 7> states{"held",    "queued",  "deferred", "bounced",
                                                 "expired", "removed", "delivered"};

bool is_fate(std::string_view name)
{
    return name == "delivered" || name == "deferred" || name == "bounced" || name == "expired";
}

struct sent {
    json::object shown;
    std::map<std::string, json::object> recipients;
    std::vector<std::string> order;
    bool held = false, removed = false;
};

json::object begin(json::object const& e)
{
    json::object o;
    o["queue_id"] = text_in(e, "queue_id");
    o["time"] = text_in(e, "time");
    o["session"] = text_in(e, "session");
    o["reverse_path"] = text_in(e, "reverse_path");
    o["message_id"] = printable(text_in(e, "message_id"));
    o["size"] = number_in(e, "size");
    o["recipients_count"] = number_in(e, "recipients");
    o["client"] = text_in(e, "client");
    o["credential"] = text_in(e, "credential");
    o["label"] = text_in(e, "label");
    return o;
}

json::object recipient(std::string const& to, std::string const& time)
{
    json::object o;
    o["forward_path"] = to;
    o["state"] = "queued";
    o["time"] = time;
    o["reply"] = o["next_hop"] = o["rule"] = o["what"] = "";
    o["attempts"] = 0;
    o["next_attempt"] = nullptr;
    return o;
}

/// Why it was refused or put off.
void put_rule(json::object& o, json::object const& e)
{
    auto const rule = text_in(e, "rule");
    o["rule"] = rule;
    auto const* const row = rule.empty() ? nullptr : catalogue::find(rule);
    o["what"] = row ? row->what : std::string_view{};
}

void take_fate(json::object& r, json::object const& e, std::string const& name)
{
    r["state"] = name;
    r["time"] = text_in(e, "time");
    r["reply"] = printable(text_in(e, "reply"));
    r["next_hop"] = text_in(e, "next_hop");
    put_rule(r, e);
    r["attempts"] = number_in(e, "attempts");
    auto const again = text_in(e, "next_attempt");
    r["next_attempt"] = again.empty() ? json::value(nullptr) : json::value(again);
}

json::object finish(sent&& s)
{
    json::array list;
    auto worst = states.size() - 1;
    bool const more = number_in(s.shown, "recipients_count") > s.order.size();
    for (auto const& to : s.order) {
        auto& r = s.recipients[to];
        if (s.removed && r["state"] != "delivered" && r["state"] != "bounced") r["state"] = "removed";
        auto const at = std::find(states.begin(), states.end(), std::string_view{r["state"].as_string()});
        worst = std::min(worst, static_cast<std::size_t>(at - states.begin()));
        list.emplace_back(std::move(r));
    }
    // Recipients of whom nothing was heard are still on their way.
    std::string_view state = s.order.empty() || more ? "queued" : states[worst];
    if (state == "queued" && s.removed) state = "removed";
    if (state == "queued" && s.held) state = "held";
    s.shown["state"] = state;
    s.shown["recipients"] = std::move(list);
    return std::move(s.shown);
}

void take(sent& s, json::object const& e, std::string const& name)
{
    if (name == "held" || name == "queue_hold") s.held = true;
    if (name == "queue_release") s.held = false;
    if (name == "queue_remove") s.removed = true;
    bool const first = name == "accepted";
    if (!first && !is_fate(name)) return;
    auto const to = text_in(e, "forward_path");
    if (to.empty()) return;
    auto known = s.recipients.find(to);
    if (known == s.recipients.end()) {
        if (s.order.size() == most_recipients) return;
        known = s.recipients.emplace(to, recipient(to, text_in(e, "time"))).first;
        s.order.push_back(to);
    }
    if (!first) take_fate(known->second, e, name);
}

/// For the person who sent it.
std::string_view sentence(std::string_view name)
{
    if (name == "accepted") return "The server has taken the message and stored it.";
    if (name == "held") return "The message is held until somebody who runs the server lets it go on.";
    if (name == "delivered") return "The next server, or the mailbox, has taken it.";
    if (name == "deferred") return "The next server does not take it now; it is tried again.";
    if (name == "bounced") return "It can't be delivered, and a report goes to the sender.";
    return "Its time is up; a report goes to the sender.";
}

}  // namespace

json::array list_sent(std::vector<json::object> const& events, std::vector<std::string> const& names, std::size_t limit)
{
    std::map<std::string, sent> all;
    std::vector<std::string> order;
    for (auto const& e : events) {
        auto const id = text_in(e, "queue_id");
        auto const name = text_in(e, "event");
        if (id.empty()) continue;
        auto known = all.find(id);
        if (name == "accepted" && known == all.end()) {
            auto const account = to_lower(text_in(e, "account"));
            if (std::find(names.begin(), names.end(), account) == names.end()) continue;
            sent s;
            s.shown = begin(e);
            known = all.emplace(id, std::move(s)).first;
            order.push_back(id);
        }
        if (known != all.end()) take(known->second, e, name);
    }
    json::array list;
    for (auto at = order.rbegin(); at != order.rend() && list.size() < limit; ++at)
        list.emplace_back(finish(std::move(all[*at])));
    return list;
}

json::object tell_way(std::vector<json::object> const& events, std::string const& queue_id)
{
    json::object o;
    o["queue_id"] = queue_id;
    o["to"] = "";
    std::string_view state = "on its way";
    json::array steps;
    for (auto const& e : events) {
        auto const name = text_in(e, "event");
        if (text_in(e, "queue_id") != queue_id || (name != "accepted" && name != "held" && !is_fate(name))) continue;
        if (name == "accepted") o["to"] = text_in(e, "forward_path");
        if (name == "delivered") state = "arrived";
        if (name == "bounced" || name == "expired") state = "failed";
        json::object step;
        step["step"] = name;
        step["time"] = text_in(e, "time");
        step["text"] = sentence(name);
        put_rule(step, e);
        for (char const* key : {"forward_path", "next_hop", "reply"})
            if (auto const value = text_in(e, key); !value.empty()) step[key] = printable(value);
        steps.emplace_back(std::move(step));
    }
    o["state"] = state;
    o["steps"] = std::move(steps);
    return o;
}

}  // namespace postern::console
