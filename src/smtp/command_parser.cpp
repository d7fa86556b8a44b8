#include "smtp/command_parser.hpp"

#include <array>
#include <bit>
#include <cstring>

#include "base/numbers.hpp"
#include "base/text.hpp"

namespace postern::smtp {
namespace {

constexpr std::uint32_t four(char const (&letters)[5])
{
    std::uint32_t packed = 0;
    for (unsigned i = 0; i < 4; ++i) packed |= std::uint32_t{static_cast<unsigned char>(letters[i])} << (8 * i);
    return packed;
}

/// The first four octets in capitals; other octets than letters come out as no letter of a verb.
std::uint32_t four(std::string_view text)
{
    std::uint32_t packed = 0;
    for (unsigned i = 0; i < 4; ++i) packed |= std::uint32_t{static_cast<unsigned char>(upper(text[i]))} << (8 * i);
    return packed;
}

struct known {
    smtp::verb verb;
    std::string_view name;
};

known look_up(std::string_view word)
{
    using enum verb;
    if (word.size() == 4) {
        switch (four(word)) {
            case four("HELO"): return {helo, "HELO"};
            case four("EHLO"): return {ehlo, "EHLO"};
            case four("MAIL"): return {mail, "MAIL"};
            case four("RCPT"): return {rcpt, "RCPT"};
            case four("DATA"): return {data, "DATA"};
            case four("BDAT"): return {bdat, "BDAT"};
            case four("RSET"): return {rset, "RSET"};
            case four("NOOP"): return {noop, "NOOP"};
            case four("QUIT"): return {quit, "QUIT"};
            case four("VRFY"): return {vrfy, "VRFY"};
            case four("HELP"): return {help, "HELP"};
            case four("AUTH"): return {auth, "AUTH"};
            case four("EXPN"): return {not_implemented, "EXPN"};
            case four("ETRN"): return {not_implemented, "ETRN"};
            case four("TURN"): return {not_implemented, "TURN"};
            case four("SEND"): return {not_implemented, "SEND"};
            case four("SOML"): return {not_implemented, "SOML"};
            case four("SAML"): return {not_implemented, "SAML"};
            case four("HEAD"):
            case four("POST"): return {http, {}};
            default: return {unknown, {}};
        }
    }
    if (equal_ignoring_case(word, "STARTTLS")) return {starttls, "STARTTLS"};
    if (equal_ignoring_case(word, "XCLIENT")) return {not_implemented, "XCLIENT"};
    if (equal_ignoring_case(word, "XFORWARD")) return {not_implemented, "XFORWARD"};
    // Web pages can make a browser post to a mail port; its session ends at the first such line.
    for (std::string_view const of_http : {"GET", "PUT", "CONNECT", "OPTIONS", "DELETE", "PRI", "Host:", "User-Agent:",
                                           "Referer:", "Content-Length:", "Content-Type:", "Accept:", "Cookie:"}) {
        if (equal_ignoring_case(word, of_http)) return {http, {}};
    }
    return {unknown, {}};
}

std::string_view trim(std::string_view text)
{
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ')) text.remove_suffix(1);
    return text;
}

}  // namespace

command parse_command(std::string_view text)
{
    // RFC 5321 section 4.1.1: blanks before the end of the line are to be tolerated.
    while (text.ends_with(' ')) text.remove_suffix(1);
    auto const end = std::min(text.find(' '), text.size());
    auto const found = look_up(text.substr(0, end));
    return {found.verb, found.name, trim(text.substr(end))};
}

catalogue::verdict complaint::to_verdict() const
{
    std::vector<catalogue::evidence> values;
    if (key != nullptr) values.push_back({key, value});
    return catalogue::make_verdict(*why, std::move(values));
}

chunk_error parse_chunk(std::string_view argument, chunk& to)
{
    if (argument.empty()) return chunk_error::no_size;
    auto const end = std::min(argument.find(' '), argument.size());
    auto const digits = argument.substr(0, end);
    auto const size = digits.size() <= 20 ? parse_number<std::uint64_t>(digits) : std::nullopt;
    if (!size) return chunk_error::bad_size;
    auto const rest = trim(argument.substr(end));
    to = {*size, !rest.empty()};
    return rest.empty() || equal_ignoring_case(rest, "LAST") ? chunk_error::none : chunk_error::bad_end;
}

std::string size_for_people(std::uint64_t octets)
{
    constexpr std::array<std::string_view, 4> units{" octets", " KiB", " MiB", " GiB"};
    std::size_t unit = 0;
    for (; unit + 1 < units.size() && octets >= 1024 && octets % 1024 == 0; ++unit) octets /= 1024;
    return std::to_string(octets).append(units[unit]);
}

}  // namespace postern::smtp
