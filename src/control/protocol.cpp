#include "control/protocol.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serializer.hpp>
#include <boost/json/stream_parser.hpp>

#include "control/json_memory.hpp"

namespace postern::control {
namespace json = boost::json;
namespace {

constexpr std::size_t deepest = 16;

/// json::serialize() grows a string, and leaves what it held before in freed memory.
secret print_secretly(json::value const& v)
{
    json::serializer printer;
    printer.reset(&v);
    secret line;
    std::string piece(16384, '\0');
    std::string all;
    while (!printer.done()) {
        auto const got = printer.read(piece.data(), piece.size());
        if (all.capacity() - all.size() < got.size() + 1) {
            std::string larger;
            larger.reserve((all.size() + got.size() + 1) * 2);
            larger = all;
            wipe(all.data(), all.size());
            all = std::move(larger);
        }
        all.append(got.data(), got.size());
    }
    all.push_back('\n');
    wipe(piece.data(), piece.size());
    return secret::take(all);
}

std::optional<json::value> parse(std::string_view line, json::storage_ptr storage)
{
    json::parse_options bounds;
    bounds.max_depth = deepest;
    json::stream_parser parser{std::move(storage), bounds};
    json::error_code wrong;
    parser.write(line.data(), line.size(), wrong);
    if (!wrong) parser.finish(wrong);
    if (wrong) return std::nullopt;
    return parser.release();
}

std::string_view name_of(failure::kind k)
{
    switch (k) {
        case failure::kind::usage: return "usage";
        case failure::kind::problem: return "problem";
        case failure::kind::signed_out: return "signed_out";
        case failure::kind::forbidden: return "forbidden";
        case failure::kind::put_off: return "put_off";
        case failure::kind::unavailable: break;
    }
    return "unavailable";
}

/// A text that may be there; false when it is there and none, or too long.
bool take_text(json::object const& o, std::string_view key, std::size_t limit, std::string& into)
{
    auto const* v = o.if_contains(key);
    if (!v) return true;
    if (!v->is_string() || v->as_string().size() > limit) return false;
    into = v->as_string();
    return true;
}

/// The command and its arguments, and how many members of the object these are not.
struct read_so_far {
    json::value whole;
    request asked;
    std::size_t others = 0;
};

std::optional<read_so_far> read_request(std::string_view line, std::size_t limit)
{
    if (line.size() > limit) return std::nullopt;
    auto v = parse(line, wiping_storage());
    if (!v || !v->is_object()) return std::nullopt;
    auto& o = v->as_object();
    auto const* command = o.if_contains("command");
    auto* arguments = o.if_contains("arguments");
    if (!command || !command->is_string() || !arguments || !arguments->is_object()) return std::nullopt;
    request asked;
    asked.command = std::string{command->as_string()};
    asked.arguments = json::object{std::move(arguments->as_object()), o.storage()};
    auto const others = o.size() - 2;
    return read_so_far{std::move(*v), std::move(asked), others};  // moved, it stays in that memory
}

failure not_a_response()
{
    return {failure::kind::unavailable,
            "the server's answer makes no sense; are this command and the running server of the same version?",
            {}};
}

}  // namespace

secret print_request(std::string_view command, json::object const& arguments, std::string_view terminal)
{
    json::object o{wiping_storage()};
    o["command"] = command;
    o["arguments"] = arguments;
    if (!terminal.empty()) o["terminal"] = terminal;
    return print_secretly(json::value(std::move(o)));
}

std::optional<request> parse_request(std::string_view line)
{
    auto r = read_request(line, longest_request);
    if (!r) return std::nullopt;
    auto const& o = r->whole.as_object();
    if (r->others != o.count("terminal") || !take_text(o, "terminal", 200, r->asked.terminal)) return std::nullopt;
    return std::move(r->asked);
}

secret print_web_request(request const& r)
{
    json::object o{wiping_storage()};
    o["command"] = r.command;
    o["arguments"] = r.arguments;
    o["client"] = r.client;
    if (!r.session.empty()) o["session"] = r.session.reveal();
    return print_secretly(json::value(std::move(o)));
}

std::optional<request> parse_web_request(std::string_view line)
{
    auto r = read_request(line, longest_web_request);
    if (!r) return std::nullopt;
    auto const& o = r->whole.as_object();
    std::string session;
    bool const fine = take_text(o, "client", 64, r->asked.client) && take_text(o, "session", 64, session);
    r->asked.session = secret::take(session);
    if (!fine || r->asked.client.empty() || r->others != 1 + o.count("session")) return std::nullopt;
    return std::move(r->asked);
}

secret print_response(outcome const& o)
{
    json::object response{wiping_storage()};
    if (o) {
        response["ok"] = true;
        response["value"] = *o;
    } else {
        auto const& f = o.error();
        response["ok"] = false;
        response["kind"] = name_of(f.why);
        response["text"] = f.text;
        json::array details;
        for (auto const& line : f.details) details.emplace_back(line);
        response["details"] = std::move(details);
        if (!f.rule.empty()) response["rule"] = f.rule;
    }
    return print_secretly(json::value(std::move(response)));
}

outcome parse_response(std::string_view line)
{
    auto v = parse(line, wiping_storage());
    if (!v || !v->is_object()) return not_a_response();
    auto& o = v->as_object();
    auto const* ok = o.if_contains("ok");
    if (!ok || !ok->is_bool()) return not_a_response();
    if (ok->as_bool()) {
        auto* value = o.if_contains("value");
        if (!value) return not_a_response();
        return std::move(*value);
    }
    auto const* kind = o.if_contains("kind");
    auto const* text = o.if_contains("text");
    if (!kind || !kind->is_string() || !text || !text->is_string()) return not_a_response();
    failure f{failure::kind::unavailable, std::string{text->as_string()}, {}};
    for (auto k : {failure::kind::usage, failure::kind::problem, failure::kind::signed_out, failure::kind::forbidden,
                   failure::kind::put_off})
        if (kind->as_string() == name_of(k)) f.why = k;
    if (auto const* details = o.if_contains("details"); details && details->is_array())
        for (auto const& line_of : details->as_array())
            if (line_of.is_string()) f.details.emplace_back(line_of.as_string());
    if (!take_text(o, "rule", 100, f.rule)) return not_a_response();
    return f;
}

}  // namespace postern::control
