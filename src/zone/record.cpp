#include "zone/record.hpp"

#include "mail/dkim_record.hpp"

namespace postern::zone {
namespace {

std::string in_quotes(std::string_view text)
{
    std::string out{'"'};
    for (char const c : text) {
        auto const octet = static_cast<unsigned char>(c);
        if (octet < 0x20 || octet > 0x7e) {
            // RFC 1035 section 5.1; what others publish must not reach a terminal as it is.
            auto const digits = std::to_string(octet);
            out += '\\' + std::string(3 - digits.size(), '0') + digits;
            continue;
        }
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + '"';
}

}  // namespace

std::string absolute(std::string_view name) { return std::string{name} + '.'; }

std::string to_line(record const& r)
{
    auto line = absolute(r.name) + " IN " + r.type;
    if (r.type != "TXT") return line + ' ' + r.value;
    for (auto const& piece : mail::record_strings(r.value)) line += ' ' + in_quotes(piece);
    return line;
}

}  // namespace postern::zone
