#include "moving/sql_query.hpp"

#include <algorithm>
#include <vector>

#include "base/text.hpp"

namespace postern::moving {
namespace {

struct piece {
    variable what = variable::none;
    std::string text;  // of none
};

// A string in quotes as the pieces that it consists of; `end` is behind its closing quote.
bool read_string(std::string_view query, std::size_t begin, std::size_t& end, std::vector<piece>& pieces)
{
    for (std::size_t i = begin + 1; i < query.size(); ++i) {
        if (query[i] == '\'' && i + 1 < query.size() && query[i + 1] == '\'') {
            if (pieces.empty() || pieces.back().what != variable::none) pieces.push_back({});
            pieces.back().text += "''";
            ++i;
        } else if (query[i] == '\'') {
            end = i + 1;
            if (pieces.empty()) pieces.push_back({});
            return true;
        } else if (query[i] == '%') {
            std::size_t length = 0;
            auto const found = variable_at(query.substr(i), length);
            // In a string a lone % is the pattern letter of LIKE; Dovecot writes it twice.
            if (found == variable::none) return false;
            if (found == variable::percent) {
                if (pieces.empty() || pieces.back().what != variable::none) pieces.push_back({});
                pieces.back().text += '%';
            } else {
                pieces.push_back({found, {}});
            }
            i += length - 1;
        } else {
            if (pieces.empty() || pieces.back().what != variable::none) pieces.push_back({});
            pieces.back().text += query[i];
        }
    }
    return false;
}

// "%n@%d" is "%u".
void join_address(std::vector<piece>& pieces)
{
    for (std::size_t i = 0; i + 2 < pieces.size(); ++i)
        if (pieces[i].what == variable::name && pieces[i + 1].what == variable::none && pieces[i + 1].text == "@" &&
            pieces[i + 2].what == variable::domain) {
            pieces[i] = {variable::user, {}};
            pieces.erase(pieces.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                         pieces.begin() + static_cast<std::ptrdiff_t>(i) + 3);
        }
}

}  // namespace

variable variable_at(std::string_view text, std::size_t& length) noexcept
{
    std::size_t at = 1;
    // Modifiers: small letters, which Postern's names have anyway.
    while (at < text.size() && text[at] == 'L') ++at;
    auto const rest = text.substr(std::min(at, text.size()));
    constexpr std::pair<std::string_view, variable> known[] = {
        {"u", variable::user},          {"n", variable::name},           {"d", variable::domain},
        {"%", variable::percent},       {"{user}", variable::user},      {"{username}", variable::name},
        {"{domain}", variable::domain}, {"{user|lower}", variable::user}};
    for (auto const& [name, what] : known)
        if (rest.starts_with(name)) {
            length = at + name.size();
            return what;
        }
    return variable::none;
}

translated_query translate_query(std::string_view query)
{
    translated_query made;
    struct part {
        std::string text;
        std::vector<piece> pieces;  // of a string
    };
    std::vector<part> parts{{}};
    for (std::size_t i = 0; i < query.size();) {
        if (query[i] == '\'') {
            std::size_t end = i;
            part p;
            if (!read_string(query, i, end, p.pieces)) {
                made.why_not = "a string in it has a variable without a counterpart, or no end";
                return made;
            }
            join_address(p.pieces);
            parts.push_back(std::move(p));
            parts.push_back({});
            i = end;
        } else if (query[i] == '%') {
            std::size_t length = 0;
            auto const found = variable_at(query.substr(i), length);
            if (found == variable::none) {
                made.why_not = "it has a variable without a counterpart";
                return made;
            }
            if (found == variable::percent)
                parts.back().text += '%';
            else
                parts.push_back({{}, {{found, {}}}}), parts.push_back({});
            i += length;
        } else {
            parts.back().text += query[i++];
        }
    }
    std::size_t uses = 0;
    bool domain = false;
    for (auto const& p : parts)
        for (auto const& one : p.pieces) {
            uses += one.what != variable::none ? 1u : 0u;
            domain = domain || one.what == variable::user || one.what == variable::domain;
        }
    if (uses == 0) made.why_not = "it does not ask for the user";
    made.by_name = !domain;
    // Used more than once, the type has to be said, or the server finds two.
    std::string const one = uses > 1 ? "$1::text" : "$1";
    auto const written = [&](piece const& p) -> std::string {
        switch (p.what) {
            case variable::name: return made.by_name ? one : "split_part(" + one + ", '@', 1)";
            case variable::domain: return "split_part(" + one + ", '@', 2)";
            case variable::user: return one;
            default: return '\'' + p.text + '\'';
        }
    };
    for (auto const& p : parts) {
        made.text += p.text;
        if (p.pieces.size() == 1) made.text += written(p.pieces[0]);
        if (p.pieces.size() > 1) {
            made.text += '(';
            for (std::size_t i = 0; i < p.pieces.size(); ++i)
                made.text += (i == 0 ? "" : " || ") + written(p.pieces[i]);
            made.text += ')';
        }
    }
    return made;
}

}  // namespace postern::moving
