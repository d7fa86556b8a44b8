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
        case failure::kind::unavailable: break;
    }
    return "unavailable";
}

failure not_a_response()
{
    return {failure::kind::unavailable,
            "the server's answer makes no sense; are this command and the running server of the same version?",
            {}};
}

}  // namespace

secret print_request(std::string_view command, json::object const& arguments)
{
    json::object o{wiping_storage()};
    o["command"] = command;
    o["arguments"] = arguments;
    return print_secretly(json::value(std::move(o)));
}

std::optional<request> parse_request(std::string_view line)
{
    if (line.size() > longest_request) return std::nullopt;
    auto v = parse(line, wiping_storage());
    if (!v || !v->is_object()) return std::nullopt;
    auto& o = v->as_object();
    auto const* command = o.if_contains("command");
    auto* arguments = o.if_contains("arguments");
    if (o.size() != 2 || !command || !command->is_string() || !arguments || !arguments->is_object())
        return std::nullopt;
    request r;
    r.command = std::string{command->as_string()};
    r.arguments = json::object{std::move(arguments->as_object()), o.storage()};
    return r;
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
    for (auto k : {failure::kind::usage, failure::kind::problem})
        if (kind->as_string() == name_of(k)) f.why = k;
    if (auto const* details = o.if_contains("details"); details && details->is_array())
        for (auto const& line_of : details->as_array())
            if (line_of.is_string()) f.details.emplace_back(line_of.as_string());
    return f;
}

}  // namespace postern::control
