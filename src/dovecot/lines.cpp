#include "dovecot/lines.hpp"

#include <algorithm>

namespace postern::dovecot {

std::string escape(std::string_view text)
{
    std::string out;
    out.reserve(text.size());
    for (char c : text) {
        switch (c) {
            case '\0': out += "\0010"; break;
            case '\001': out += "\0011"; break;
            case '\t': out += "\001t"; break;
            case '\r': out += "\001r"; break;
            case '\n': out += "\001n"; break;
            default: out += c;
        }
    }
    return out;
}

std::string unescape(std::string_view text)
{
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\001' || i + 1 == text.size()) {
            out += text[i];
            continue;
        }
        switch (text[++i]) {
            case '0': out += '\0'; break;
            case '1': out += '\001'; break;
            case 't': out += '\t'; break;
            case 'r': out += '\r'; break;
            case 'n': out += '\n'; break;
            default: out += text[i];
        }
    }
    return out;
}

std::string_view take_field(std::string_view& line)
{
    auto const tab = line.find('\t');
    auto const field = line.substr(0, tab);
    line.remove_prefix(tab == std::string_view::npos ? line.size() : tab + 1);
    return field;
}

parameter parse_parameter(std::string_view field)
{
    auto const equals = field.find('=');
    if (equals == std::string_view::npos) return {field, {}};
    return {field.substr(0, equals), field.substr(equals + 1)};
}

std::optional<std::string_view> take_line(std::string_view& in, bool& endless)
{
    auto const end = in.find('\n');
    endless = std::min(end, in.size()) >= longest_line;
    if (endless || end == std::string_view::npos) return std::nullopt;
    auto const line = in.substr(0, end);
    in.remove_prefix(end + 1);
    return line;
}

}  // namespace postern::dovecot
