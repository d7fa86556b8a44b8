#include "cli/output.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "base/text.hpp"
#include "cli/application.hpp"

namespace postern::cli {
namespace json = boost::json;
namespace {

void write_to(std::FILE* out, std::string_view text) { std::fwrite(text.data(), 1, text.size(), out); }

/// Characters, not octets, so that columns with names in other scripts line up.
std::size_t width_of(std::string_view text)
{
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

void complain(std::string_view text)
{
    std::string line{"postern: "};
    line += text;
    line += '\n';
    write_to(stderr, line);
}

void note(std::string_view text) { complain(std::string{"note: "} += text); }

void warn(std::string_view text) { complain(std::string{"warning: "} += text); }

int fail(control::failure const& f)
{
    complain(f.text);
    for (auto const& line : f.details) write_to(stderr, "  " + line + "\n");
    return f.why == control::failure::kind::problem ? problem_found : call_was_wrong;
}

void print(std::string_view text) { write_to(stdout, text); }

void print_aside(std::string_view text) { write_to(stderr, text); }

void print_line(std::string_view text)
{
    write_to(stdout, text);
    write_to(stdout, "\n");
}

void print_json(json::value const& v) { print_line(json::serialize(v)); }

void table::print() const
{
    std::vector<std::size_t> widths;
    for (auto const& row : rows_) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
    }
    for (auto const& row : rows_) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += row[i];
            if (i + 1 < row.size()) line.append(widths[i] - width_of(row[i]) + 2, ' ');
        }
        line.erase(line.find_last_not_of(' ') + 1);
        print_line(line);
    }
}

std::string text_of(json::value const& v, std::string_view key)
{
    auto const* o = v.if_object();
    auto const* found = o ? o->if_contains(key) : nullptr;
    if (!found || found->is_null()) return {};
    if (found->is_string()) return std::string{found->as_string()};
    return json::serialize(*found);
}

bool flag_of(json::value const& v, std::string_view key)
{
    auto const* o = v.if_object();
    auto const* found = o ? o->if_contains(key) : nullptr;
    return found && found->is_bool() && found->as_bool();
}

std::vector<std::string> texts_of(json::value const& v, std::string_view key)
{
    std::vector<std::string> texts;
    auto const* o = v.if_object();
    auto const* found = o ? o->if_contains(key) : nullptr;
    if (found && found->is_array())
        for (auto const& one : found->as_array())
            if (one.is_string()) texts.emplace_back(one.as_string());
    return texts;
}

std::string joined(std::vector<std::string> const& texts, std::string_view between)
{
    std::string all;
    for (auto const& t : texts) {
        if (!all.empty()) all += between;
        all += t;
    }
    return all;
}

std::string readable_time(std::string_view rfc3339)
{
    if (rfc3339.size() < 19 || rfc3339[10] != 'T') return std::string{rfc3339};
    std::string text{rfc3339.substr(0, 10)};
    text += ' ';
    text += rfc3339.substr(11, 8);
    text += " UTC";
    return text;
}

std::string readable_size(std::uint64_t octets)
{
    constexpr std::array units{"B", "KiB", "MiB", "GiB", "TiB"};
    std::size_t unit = 0;
    std::uint64_t tenths = 0;
    while (octets >= 1024 && unit + 1 < units.size()) {
        tenths = octets % 1024 * 10 / 1024;
        octets /= 1024;
        ++unit;
    }
    auto text = std::to_string(octets);
    if (unit != 0) text += "." + std::to_string(tenths);
    return text + " " + units[unit];
}

}  // namespace postern::cli
