#include "setup/programs.hpp"

#include <algorithm>
#include <cstddef>

#include "base/text.hpp"

namespace postern::setup {

namespace {

constexpr std::size_t most_explanations = 20;
constexpr std::size_t longest_text = 4096;  // of an error that somebody pasted

bool is_word_character(char c) noexcept
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80;
}

// Whether `name` stands in `text` as words of its own; both in small letters.
bool has_words(std::string_view text, std::string_view name) noexcept
{
    for (auto at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
        bool const begins = at == 0 || !is_word_character(text[at - 1]) || !is_word_character(name.front());
        auto const end = at + name.size();
        bool const ends = end == text.size() || !is_word_character(text[end]) || !is_word_character(name.back());
        if (begins && ends) return true;
    }
    return false;
}

// An error number is often told without its 0x.
bool shows(std::string_view said, std::string_view shown) noexcept
{
    return has_words(said, shown) || (shown.starts_with("0x") && has_words(said, shown.substr(2)));
}

std::string_view word_for(program const& p, providers::security how) noexcept
{
    switch (how) {
        case providers::security::implicit_tls: return p.implicit_tls;
        case providers::security::starttls:
        case providers::security::starttls_optional: return p.starttls;
        case providers::security::none: break;
    }
    return p.plain;
}

std::string as_in_url(std::string_view user)
{
    std::string out;
    for (char const c : user) {
        if (c == '@')
            out += "%40";
        else if (c == '%')
            out += "%25";
        else
            out += c;
    }
    return out;
}

std::string value_of(program const& p, std::string_view name, values const& v)
{
    if (name == "address") return v.address;
    if (name == "user") return v.user;
    if (name == "user_in_url") return as_in_url(v.user);
    if (name == "server") return v.server;
    if (name == "port") return std::to_string(v.port);
    if (name == "security") {
        auto const word = word_for(p, v.how);
        return std::string{word.empty() ? providers::to_words(v.how) : word};
    }
    return '{' + std::string{name} + '}';
}

}  // namespace

program const* find(std::string_view name)
{
    auto const wanted = to_lower(name.substr(0, longest_text));
    program const* best = nullptr;
    std::size_t length = 0;
    for (auto const& p : all()) {
        if (p.id == wanted) return &p;
        for (auto const known : p.names) {
            // The longest name says most: "outlook 2010" is in "outlook 2010 on windows 7", and "outlook" too.
            if (known.size() <= length || !has_words(wanted, known)) continue;
            best = &p;
            length = known.size();
        }
    }
    return best;
}

std::string fill(program const& p, std::string_view text, values const& v)
{
    std::string out;
    while (!text.empty()) {
        auto const open = text.find('{');
        out += text.substr(0, open);
        if (open == std::string_view::npos) break;
        text.remove_prefix(open);
        auto const close = text.find('}');
        // A brace of a program's code is none of ours: ours hold a name.
        auto const name = close == std::string_view::npos ? std::string_view{} : text.substr(1, close - 1);
        bool const is_name = !name.empty() && std::all_of(name.begin(), name.end(),
                                                          [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
        if (!is_name) {
            out += '{';
            text.remove_prefix(1);
            continue;
        }
        out += value_of(p, name, v);
        text.remove_prefix(close + 1);
    }
    return out;
}

std::vector<std::string> instructions(program const& p, values const& v)
{
    std::vector<std::string> lines;
    lines.push_back("In " + std::string{p.name} + ":");
    std::string way;
    for (auto const step : p.path) {
        if (!way.empty()) way += " › ";
        way += step;
    }
    lines.push_back("  " + way);
    for (auto const& f : p.fields) lines.push_back("  " + std::string{f.name} + ": " + fill(p, f.value, v));
    auto const add_code = [&](std::string_view code) {
        auto const filled = fill(p, code, v);
        std::string_view rest = filled;
        while (!rest.empty()) {
            auto const end = rest.find('\n');
            lines.push_back("    " + std::string{rest.substr(0, end)});
            rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
        }
    };
    add_code(p.snippet);
    if (!p.run.empty()) {
        lines.push_back("  Then send a test mail:");
        add_code(p.run);
    }
    if (word_for(p, v.how).empty() && v.how != providers::security::none)
        lines.push_back("  It has no " + std::string{providers::to_words(v.how)} + ": use port " +
                        (p.implicit_tls.empty() ? "587 with STARTTLS." : "465 with SSL/TLS."));
    if (!p.note.empty()) lines.push_back("  " + fill(p, p.note, v));
    if (!p.warning.empty()) lines.push_back("  Beware: " + std::string{p.warning});
    return lines;
}

std::string as_typed(std::string_view text)
{
    struct sign {
        std::string_view written, typed;
    };
    constexpr sign signs[]{{"\u2018", "'"},  {"\u2019", "'"},  {"\u201a", "'"},  {"\u201c", "\""}, {"\u201d", "\""},
                           {"\u201e", "\""}, {"\u00ab", "\""}, {"\u00bb", "\""}, {"\u2010", "-"},  {"\u2011", "-"},
                           {"\u2013", "-"},  {"\u2014", "-"},  {"\u00a0", " "},  {"\u202f", " "},  {"\u2026", "..."}};
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        auto const found = static_cast<unsigned char>(text.front()) < 0x80
                               ? std::end(signs)
                               : std::find_if(std::begin(signs), std::end(signs),
                                              [&](sign const& s) { return text.starts_with(s.written); });
        out += found == std::end(signs) ? text.substr(0, 1) : found->typed;
        text.remove_prefix(found == std::end(signs) ? 1 : found->written.size());
    }
    return to_lower(out);
}

std::vector<explanation> explain(std::string_view text, program const* of)
{
    std::vector<explanation> found;
    auto const said = as_typed(text.substr(0, longest_text));
    for (auto const& p : all()) {
        if (of != nullptr && of != &p) continue;
        for (auto const& s : p.symptoms) {
            if (found.size() == most_explanations) return found;
            if (shows(said, as_typed(s.shown))) found.push_back({&p, s.shown, s.means});
        }
    }
    return found;
}

}  // namespace postern::setup
