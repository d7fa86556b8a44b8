#include "net/proxy_protocol.hpp"

#include <algorithm>
#include <array>

#include "base/numbers.hpp"

namespace postern::net {
namespace {

using namespace std::literals;

constexpr auto signature = "\r\n\r\n\0\r\nQUIT\n"sv;
constexpr std::size_t longest_v1 = 107;

unsigned octet(std::string_view s, std::size_t i) { return static_cast<unsigned char>(s[i]); }
std::uint16_t number16(std::string_view s, std::size_t i)
{
    return static_cast<std::uint16_t>(octet(s, i) << 8 | octet(s, i + 1));
}

bool is_prefix(std::string_view a, std::string_view b) { return a.substr(0, b.size()) == b.substr(0, a.size()); }

proxy_state parse_v1(std::string_view octets, proxy_header& out)
{
    auto const end = octets.substr(0, longest_v1).find("\r\n");
    if (end == std::string_view::npos)
        return octets.size() >= longest_v1 ? proxy_state::invalid : proxy_state::incomplete;
    auto line = octets.substr(0, end);
    out.size = end + 2;
    line.remove_prefix("PROXY "sv.size());
    if (line.starts_with("UNKNOWN") && (line.size() == 7 || line[7] == ' ')) {
        out.local = true;
        return proxy_state::complete;
    }
    std::array<std::string_view, 5> word;
    for (std::size_t i = 0; i < word.size(); ++i) {
        auto const blank = line.find(' ');
        if ((blank == std::string_view::npos) != (i + 1 == word.size())) return proxy_state::invalid;
        word[i] = line.substr(0, blank);
        line.remove_prefix(std::min(line.size(), word[i].size() + 1));
    }
    bool const four = word[0] == "TCP4";
    if (!four && word[0] != "TCP6") return proxy_state::invalid;
    auto const source = ip_address::parse(word[1]);
    auto const destination = ip_address::parse(word[2]);
    auto const source_port = parse_number<std::uint16_t>(word[3]);
    auto const destination_port = parse_number<std::uint16_t>(word[4]);
    if (!source || !destination || !source_port || !destination_port) return proxy_state::invalid;
    if (four && !(source->is_v4() && destination->is_v4())) return proxy_state::invalid;
    out.source = {*source, *source_port};
    out.destination = {*destination, *destination_port};
    return proxy_state::complete;
}

ip_address address6(std::string_view s, std::size_t at)
{
    std::array<std::uint8_t, 16> octets{};
    for (std::size_t i = 0; i < 16; ++i) octets[i] = static_cast<std::uint8_t>(s[at + i]);
    return ip_address::v6(octets);
}

ip_address address4(std::string_view s, std::size_t at)
{
    return ip_address::v4(static_cast<std::uint32_t>(number16(s, at)) << 16 | number16(s, at + 2));
}

proxy_state parse_v2(std::string_view octets, proxy_header& out)
{
    if (octets.size() < 16) return proxy_state::incomplete;
    unsigned const version = octet(octets, 12) >> 4;
    unsigned const command = octet(octets, 12) & 15;
    std::size_t const length = number16(octets, 14);
    out.size = 16 + length;
    if (version != 2 || command > 1 || out.size > proxy_header_limit) return proxy_state::invalid;
    if (octets.size() < out.size) return proxy_state::incomplete;
    unsigned const family = octet(octets, 13) >> 4;
    unsigned const transport = octet(octets, 13) & 15;
    if (command == 0) {
        out.local = true;
        return proxy_state::complete;
    }
    if (transport != 1) return proxy_state::invalid;  // a stream, not datagrams
    if (family == 1 && length >= 12) {
        out.source = {address4(octets, 16), number16(octets, 24)};
        out.destination = {address4(octets, 20), number16(octets, 26)};
        return proxy_state::complete;
    }
    if (family == 2 && length >= 36) {
        out.source = {address6(octets, 16), number16(octets, 48)};
        out.destination = {address6(octets, 32), number16(octets, 50)};
        return proxy_state::complete;
    }
    return proxy_state::invalid;
}

}  // namespace

proxy_state parse_proxy_header(std::string_view octets, proxy_header& out)
{
    out = {};
    if (octets.empty()) return proxy_state::incomplete;
    if (is_prefix(octets, signature))
        return octets.size() < signature.size() ? proxy_state::incomplete : parse_v2(octets, out);
    if (is_prefix(octets, "PROXY "sv))
        return octets.size() < "PROXY "sv.size() ? proxy_state::incomplete : parse_v1(octets, out);
    return proxy_state::invalid;
}

}  // namespace postern::net
