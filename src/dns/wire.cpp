#include "dns/wire.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/text.hpp"

namespace postern::dns {

namespace {

std::uint8_t octet(char c) noexcept { return static_cast<std::uint8_t>(c); }

bool is_host_character(char c) noexcept
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

}  // namespace

std::optional<std::string> parse_name(std::string_view data)
{
    if (data.size() > 255) return std::nullopt;
    std::string name;
    while (!data.empty()) {
        std::size_t const length = octet(data.front());
        data.remove_prefix(1);
        if (length == 0) {
            if (!data.empty()) return std::nullopt;
            return name;
        }
        // Above 63 would be compression, which record data from the library doesn't have.
        if (length > 63 || length > data.size()) return std::nullopt;
        if (!name.empty()) name += '.';
        for (char c : data.substr(0, length)) {
            char const low = lower(c);
            if (!is_host_character(low)) return std::nullopt;
            name += low;
        }
        data.remove_prefix(length);
    }
    return std::nullopt;
}

std::optional<mx_record> parse_mx(std::string_view data)
{
    if (data.size() < 3) return std::nullopt;
    auto const preference = static_cast<std::uint16_t>(octet(data[0]) << 8 | octet(data[1]));
    auto host = parse_name(data.substr(2));
    if (!host) return std::nullopt;
    return mx_record{preference, std::move(*host)};
}

std::optional<std::string> parse_txt(std::string_view data)
{
    if (data.empty()) return std::nullopt;
    std::string text;
    while (!data.empty()) {
        std::size_t const length = octet(data.front());
        data.remove_prefix(1);
        if (length > data.size()) return std::nullopt;
        text += data.substr(0, length);
        data.remove_prefix(length);
    }
    return text;
}

std::optional<tlsa_record> parse_tlsa(std::string_view data)
{
    constexpr std::size_t numbers = 3;
    // Nobody's certificate is longer.
    constexpr std::size_t longest = 16u << 10;
    if (data.size() <= numbers || data.size() > longest) return std::nullopt;
    return tlsa_record{octet(data[0]), octet(data[1]), octet(data[2]), std::string{data.substr(numbers)}};
}

std::optional<srv_record> parse_srv(std::string_view data)
{
    constexpr std::size_t numbers = 6;
    if (data.size() <= numbers) return std::nullopt;
    auto const number = [&](std::size_t at) {
        return static_cast<std::uint16_t>(octet(data[at]) << 8 | octet(data[at + 1]));
    };
    auto host = parse_name(data.substr(numbers));
    if (!host) return std::nullopt;
    return srv_record{number(0), number(2), number(4), std::move(*host)};
}

std::optional<caa_record> parse_caa(std::string_view data)
{
    constexpr std::size_t numbers = 2, longest = 4096;
    if (data.size() < numbers || data.size() > longest) return std::nullopt;
    std::size_t const size = octet(data[1]);
    auto const rest = data.substr(numbers);
    if (size == 0 || size > rest.size()) return std::nullopt;
    return caa_record{octet(data[0]), to_lower(rest.substr(0, size)), std::string{rest.substr(size)}};
}

std::optional<ip_address> parse_a(std::string_view data)
{
    if (data.size() != 4) return std::nullopt;
    std::uint32_t value = 0;
    for (char c : data) value = value << 8 | octet(c);
    return ip_address::v4(value);
}

std::optional<ip_address> parse_aaaa(std::string_view data)
{
    std::array<std::uint8_t, 16> octets{};
    if (data.size() != octets.size()) return std::nullopt;
    std::transform(data.begin(), data.end(), octets.begin(), octet);
    return ip_address::v6(octets);
}

std::optional<address_answer> answer_without_question(std::string_view name)
{
    address_answer answer;
    answer.what = finding::found;
    if (!name.empty() && name.back() == '.') name.remove_suffix(1);
    if (equal_ignoring_case(name, "localhost") ||
        (name.size() > 10 && equal_ignoring_case(name.substr(name.size() - 10), ".localhost"))) {
        answer.v6.push_back(*ip_address::parse("::1"));
        answer.v4.push_back(*ip_address::parse("127.0.0.1"));
        return answer;
    }
    if (name.size() > 2 && name.front() == '[' && name.back() == ']') {
        name = name.substr(1, name.size() - 2);
        if (starts_with_ignoring_case(name, "ipv6:")) name.remove_prefix(5);
    }
    auto const address = ip_address::parse(name);
    if (!address) return std::nullopt;
    (address->is_v4() ? answer.v4 : answer.v6).push_back(*address);
    return answer;
}

}  // namespace postern::dns
