#include "moving/draft.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "config/option.hpp"
#include "config/values.hpp"

namespace postern::moving {
namespace {

constexpr std::size_t widest = 100;

// A comment of as many lines as it takes.
void comment(std::string& out, std::string_view from)
{
    auto const safe = printable(from, 2000);
    std::string_view text = safe;
    while (!text.empty()) {
        auto end = text.size();
        if (end > widest - 2) {
            end = text.rfind(' ', widest - 2);
            if (end == std::string_view::npos || end == 0) end = std::min(text.find(' '), text.size());
        }
        out += "# ";
        out += text.substr(0, end);
        out += '\n';
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

void write(std::string& out, entry const& e, std::string_view key)
{
    comment(out, e.from);
    out += key;
    out += " = ";
    out += e.toml;
    out += '\n';
}

}  // namespace

entry const* row::find(std::string_view key) const
{
    auto const at = std::find_if(entries.begin(), entries.end(), [&](auto const& e) { return e.key == key; });
    return at == entries.end() ? nullptr : &*at;
}

void draft::set(std::string_view key, std::string toml, std::string from)
{
    if (find(key) == nullptr) entries.push_back({std::string(key), std::move(toml), std::move(from)});
}

entry const* draft::find(std::string_view key) const
{
    auto const at = std::find_if(entries.begin(), entries.end(), [&](auto const& e) { return e.key == key; });
    return at == entries.end() ? nullptr : &*at;
}

void draft::tell(weight how_much, place at, std::string name, std::string value, std::string why)
{
    findings.push_back({how_much, std::move(at), std::move(name), std::move(value), std::move(why)});
}

std::string toml_list(std::vector<std::string> const& texts)
{
    std::string out = "[";
    for (auto const& t : texts) {
        if (out.size() > 1) out += ", ";
        out += config::quote(t);
    }
    return out + ']';
}

std::string to_toml(draft const& d, std::string_view origin)
{
    std::string out;
    comment(out, origin);
    comment(out,
            "What could not be carried over stands in the list that came with it. All options: "
            "postern config default.");
    for (auto const& s : config::sections()) {
        bool begun = s.name.empty();
        if (begun) out += '\n';
        for (auto const& e : d.entries) {
            if (config::section_of(e.key) != s.name) continue;
            if (!begun) out += "\n[" + std::string(s.name) + "]\n";
            begun = true;
            write(out, e, config::last_part(e.key));
        }
    }
    for (auto const& r : d.rows) {
        out += '\n';
        comment(out, r.from);
        out += "[[" + r.list + "]]\n";
        for (auto const& e : r.entries) write(out, e, e.key);
    }
    return out;
}

std::string_view name_of(weight how_much) noexcept
{
    switch (how_much) {
        case weight::act: return "act";
        case weight::differs: return "differs";
        case weight::lost: return "lost";
        case weight::fine: return "fine";
    }
    return {};
}

std::string_view title_of(weight how_much) noexcept
{
    switch (how_much) {
        case weight::act: return "Do something about these before you switch";
        case weight::differs: return "Works differently";
        case weight::lost: return "Has no counterpart in Postern";
        case weight::fine: return "Needs nothing";
    }
    return {};
}

std::string to_report(draft const& d)
{
    std::string out;
    for (auto const level : {weight::act, weight::differs, weight::lost, weight::fine}) {
        std::vector<finding const*> these;
        for (auto const& f : d.findings)
            if (f.how_much == level) these.push_back(&f);
        if (these.empty()) continue;
        if (!out.empty()) out += '\n';
        out += std::string(title_of(level)) + " (" + std::to_string(these.size()) + "):\n";
        for (auto const* f : these) {
            out += "\n  ";
            if (!f->at.file.empty()) out += printable(f->at.to_string(), 300) + "  ";
            out += printable(f->name, 100);
            if (!f->value.empty()) out += " = " + printable(f->value, 200);
            out += '\n';
            std::string_view why = f->why;
            while (!why.empty()) {
                auto end = std::min(why.find('\n'), why.size());
                if (end > widest) {
                    end = why.rfind(' ', widest);
                    if (end == std::string_view::npos || end == 0) end = std::min(why.find(' '), why.size());
                }
                out += "      ";
                out += why.substr(0, end);
                out += '\n';
                why.remove_prefix(std::min(end + 1, why.size()));
            }
        }
    }
    return out;
}

std::string shell_word(std::string_view text)
{
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./-_";
    if (!text.empty() && text.find_first_not_of(plain) == std::string_view::npos) return std::string(text);
    std::string out = "'";
    for (char const c : text) {
        if (c == '\'')
            out += "'\\''";
        else
            out += c;
    }
    return out + '\'';
}

std::string to_script(draft const& d)
{
    std::string out = "#!/bin/sh\n# Commands that bring over what no configuration holds. They may be run again.\n";
    for (auto const& c : d.commands) out += c + '\n';
    return out;
}

}  // namespace postern::moving
