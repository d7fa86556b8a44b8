#include "mail/encoded_words.hpp"

#include <algorithm>

#include "base/base64.hpp"
#include "base/text.hpp"

namespace postern::mail {

namespace {

constexpr std::size_t longest_line = 76;
constexpr std::string_view before = "=?UTF-8?B?", behind = "?=";
// RFC 2047 section 2 allows words of 75 characters in lines of 76: shorter ones leave room for the
// field's name. Base64 makes four characters of three octets.
constexpr std::size_t octets_per_word = (60 - before.size() - behind.size()) / 4 * 3;

bool is_atext(char c) noexcept
{
    constexpr std::string_view others = "!#$%&'*+-/=?^_`{|}~";
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           others.find(c) != std::string_view::npos;
}

// RFC 2231 section 7: attribute-char, without what is special in MIME.
bool is_attribute_char(char c) noexcept
{
    constexpr std::string_view none = "*'%/=?";
    return c == '.' || (is_atext(c) && none.find(c) == std::string_view::npos);
}

// Octets of UTF-8 that go together; one where it is none.
std::size_t character_size(std::string_view text) noexcept
{
    std::uint32_t point = 0;
    return std::max<std::size_t>(utf8_sequence(text, point), 1);
}

std::string percent(std::string_view octets)
{
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    for (char const c : octets) {
        if (is_attribute_char(c)) {
            out += c;
            continue;
        }
        auto const octet = static_cast<unsigned char>(c);
        out.append({'%', digits[octet >> 4], digits[octet & 15]});
    }
    return out;
}

bool looks_encoded(std::string_view text) noexcept { return text.find("=?") != std::string_view::npos; }

std::string quote(std::string_view text)
{
    std::string out = "\"";
    for (char const c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + '"';
}

}  // namespace

std::string encode_words(std::string_view text)
{
    if (is_ascii(text) && !looks_encoded(text)) return std::string{text};
    std::string out;
    while (!text.empty()) {
        std::size_t size = 0;
        while (size < text.size()) {
            auto const next = character_size(text.substr(size));
            if (size + next > octets_per_word) break;
            size += next;
        }
        if (!out.empty()) out += ' ';
        out.append(before).append(base64_encode(text.substr(0, size))).append(behind);
        text.remove_prefix(size);
    }
    return out;
}

std::string encode_phrase(std::string_view name, bool utf8)
{
    if (!utf8 && (!is_ascii(name) || looks_encoded(name))) return encode_words(name);
    bool const words = std::all_of(name.begin(), name.end(), [](char c) {
        return is_atext(c) || c == ' ' || static_cast<unsigned char>(c) >= 0x80;
    });
    return words ? std::string{name} : quote(name);
}

std::string encode_parameter(std::string_view name, std::string_view value)
{
    constexpr std::size_t most = 60;
    bool const plain = is_ascii(value) && value.size() <= most;
    if (plain) return "; " + std::string{name} + "=" + quote(value);
    std::string out;
    bool first = true;
    std::size_t part = 0;
    while (first || !value.empty()) {
        std::string encoded = first ? "UTF-8''" : "";
        while (!value.empty()) {
            auto const next = percent(value.substr(0, character_size(value)));
            if (encoded.size() + next.size() > most) break;
            encoded += next;
            value.remove_prefix(character_size(value));
        }
        out.append("; ").append(name);
        if (!first || !value.empty()) out.append("*").append(std::to_string(part++));
        out.append("*=").append(encoded);
        first = false;
    }
    return out;
}

std::string fold_field(std::string_view name, std::string_view value)
{
    std::string out{name};
    out += ':';
    std::size_t line = out.size();
    while (!value.empty()) {
        // A blank with the word behind it; only in front of these may a line end.
        auto const word = std::min(value.find_first_not_of(' '), value.size());
        auto const end = std::min(value.find(' ', word), value.size());
        bool const first = line == name.size() + 1;
        auto const blanks = first && word == 0 ? std::string_view{" "} : value.substr(0, word);
        auto const size = blanks.size() + end - word;
        if (!first && line + size > longest_line && end != word) {
            out += "\r\n";
            line = 0;
        }
        out.append(blanks).append(value.substr(word, end - word));
        line += size;
        value.remove_prefix(end);
    }
    return out + "\r\n";
}

}  // namespace postern::mail
