#include "mail/content_type.hpp"

#include <optional>

#include "base/text.hpp"

namespace postern::mail {
namespace {

// RFC 2046 section 5.1.1.
constexpr std::size_t longest_boundary = 70;

bool is_token_char(char c)
{
    return c > ' ' && c < 127 && std::string_view{"()<>@,;:\\\"/[]?="}.find(c) == std::string_view::npos;
}

// Blanks and comments, which may hold others (RFC 5322 section 3.2.2).
void skip_blanks(std::string_view& in)
{
    unsigned depth = 0;
    std::size_t i = 0;
    for (; i < in.size(); ++i) {
        char const c = in[i];
        if (c == '(') {
            ++depth;
        } else if (c == ')' && depth > 0) {
            --depth;
        } else if (c == '\\' && depth > 0 && i + 1 < in.size()) {
            ++i;
        } else if (depth == 0 && c != ' ' && c != '\t' && c != '\r' && c != '\n') {
            break;
        }
    }
    in.remove_prefix(i);
}

std::string take_token(std::string_view& in)
{
    std::size_t i = 0;
    while (i < in.size() && is_token_char(in[i])) ++i;
    std::string out{in.substr(0, i)};
    in.remove_prefix(i);
    return out;
}

bool take(std::string_view& in, char c)
{
    skip_blanks(in);
    if (!in.starts_with(c)) return false;
    in.remove_prefix(1);
    skip_blanks(in);
    return true;
}

std::optional<std::string> take_value(std::string_view& in)
{
    if (!in.starts_with('"')) {
        auto token = take_token(in);
        if (token.empty()) return std::nullopt;
        return token;
    }
    std::string out;
    for (std::size_t i = 1; i < in.size(); ++i) {
        if (in[i] == '"') {
            in.remove_prefix(i + 1);
            return out;
        }
        if (in[i] == '\\' && i + 1 < in.size()) ++i;
        out += in[i];
    }
    return std::nullopt;
}

}  // namespace

content_type parse_content_type(std::string_view value)
{
    content_type t;
    std::string_view in = value;
    skip_blanks(in);
    auto const type = take_token(in);
    if (type.empty() || !take(in, '/')) return t;
    auto const subtype = take_token(in);
    if (subtype.empty()) return t;
    t.type = to_lower(type);
    t.subtype = to_lower(subtype);
    while (take(in, ';')) {
        auto const name = take_token(in);
        if (!take(in, '=')) continue;
        auto v = take_value(in);
        if (!v) break;
        bool const fits = !v->empty() && v->size() <= longest_boundary;
        if (t.boundary.empty() && fits && equal_ignoring_case(name, "boundary")) t.boundary = std::move(*v);
    }
    return t;
}

}  // namespace postern::mail
