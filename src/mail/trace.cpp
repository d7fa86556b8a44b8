#include "mail/trace.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/text.hpp"

namespace postern::mail {
namespace {

constexpr std::string_view fold = "\r\n\t";
constexpr std::size_t name_limit = 255;

bool is_alpha(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_name_octet(char c) noexcept { return is_alpha(c) || is_digit(c) || c == '.' || c == '-' || c == '_'; }

// A domain or address literal as it was said; "unknown" for all else. What a comment or a
// clause is made of can't be in it.
std::string_view safe_name(std::string_view said) noexcept
{
    bool const literal = said.size() > 2 && said.front() == '[' && said.back() == ']';
    auto const inside = literal ? said.substr(1, said.size() - 2) : said;
    bool const fine = !inside.empty() && said.size() <= name_limit &&
                      std::all_of(inside.begin(), inside.end(),
                                  [&](char c) { return is_name_octet(c) || (literal && (c == ':' || c == '%')); });
    return fine ? said : "unknown";
}

// tls-cipher-suite-name of RFC 8314 section 4.3: the registered names only.
bool is_suite_name(std::string_view name) noexcept
{
    return name.starts_with("TLS_") && name.size() <= 64 &&
           std::all_of(name.begin(), name.end(), [](char c) { return is_alpha(c) || is_digit(c) || c == '_'; });
}

void append_number(std::string& out, int n)
{
    std::array<char, 12> digits{};
    auto const end = std::to_chars(digits.data(), digits.data() + digits.size(), n).ptr;
    out.append(digits.data(), end);
}

void append_client(std::string& out, received_facts const& f)
{
    if (f.hide_client) {
        out += "unknown (client hidden)";
        return;
    }
    out += safe_name(f.ehlo);
    out += " (";
    if (!f.client_name.empty() && !f.client_name.starts_with('[')) {
        out += safe_name(f.client_name);
        out += ' ';
    }
    out += f.client.is_v4() ? "[" : "[IPv6:";
    out += f.client.to_string();
    out += "])";
}

}  // namespace

void append_received_field(std::string& out, received_facts const& f)
{
    out.reserve(out.size() + 512);
    bool const by_program = !f.local_user.empty();
    out += "Received: ";
    if (!by_program) {
        out += "from ";
        append_client(out, f);
    }
    if (!f.tls_version.empty()) {
        out += fold;
        out += "(using ";
        out += safe_name(f.tls_version);
        out += " with cipher ";
        out += safe_name(f.tls_cipher);
        if (f.tls_bits > 0) {
            out += " (";
            append_number(out, f.tls_bits);
            out += '/';
            append_number(out, f.tls_bits);
            out += " bits)";
        }
        out += ')';
    }
    if (!by_program) out += fold;
    out += "by ";
    out += f.hostname;
    out += " (Postern";
    if (by_program) {
        out += ", from ";
        out += f.local_user;
    }
    out += ") with ";
    out += f.protocol;
    out += fold;
    out += "id ";
    out += f.queue_id;
    if (f.recipient != nullptr && (f.utf8 || !f.recipient->needs_smtputf8())) {
        out += fold;
        out += "for <";
        out += f.recipient->to_string();
        out += '>';
    }
    if (!f.tls_version.empty() && is_suite_name(f.tls_cipher)) {
        out += fold;
        out += "tls ";
        out += f.tls_cipher;
    }
    out += ';';
    out += fold;
    out += to_rfc5322(f.now);
    out += "\r\n";
}

std::string received_field(received_facts const& facts)
{
    std::string out;
    append_received_field(out, facts);
    return out;
}

std::string return_path_field(path const& reverse_path)
{
    return "Return-Path: <" + reverse_path.to_string() + ">\r\n";
}

std::string delivered_to_field(mailbox const& recipient) { return "Delivered-To: " + recipient.to_string() + "\r\n"; }

}  // namespace postern::mail
