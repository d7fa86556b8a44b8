#include "mail/mime_message.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "mail/encoded_words.hpp"
#include "mail/transfer_encoding.hpp"

namespace postern::mail {

namespace {

constexpr std::size_t longest_text_line = 998;  // RFC 5322 section 2.1.1

error wrong(std::string text) { return {{5, 6, 0}, "the message can't be written", std::move(text)}; }

std::string_view trim(std::string_view text) noexcept
{
    auto const from = text.find_first_not_of(" \t");
    if (from == std::string_view::npos) return {};
    return text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

bool has_control(std::string_view text) noexcept
{
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == 0x7f; });
}

// RFC 2978 section 2.3, without what no charset of use has.
bool is_charset_name(std::string_view name) noexcept
{
    constexpr char known[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:+";
    return name.find_first_not_of(known) == std::string_view::npos;
}

// CR, LF and CRLF end a line of what people write.
std::string with_crlf(std::string_view text)
{
    std::string out;
    out.reserve(text.size() + text.size() / 32 + 2);
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\r' || text[i] == '\n') {
            if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') ++i;
            out += "\r\n";
        } else {
            out += text[i];
        }
    }
    if (!out.empty() && !out.ends_with("\r\n")) out += "\r\n";
    return out;
}

bool has_long_line(std::string_view text) noexcept
{
    while (!text.empty()) {
        auto const end = std::min(text.find("\r\n"), text.size());
        if (end > longest_text_line) return true;
        text.remove_prefix(std::min(end + 2, text.size()));
    }
    return false;
}

std::string base64_lines(std::string_view octets)
{
    std::string out;
    out.reserve(octets.size() / 3 * 4 + octets.size() / 28 + 8);
    base64_line_encoder encoder;
    encoder.add(octets, out);
    encoder.finish(out);
    if (!out.empty()) out += "\r\n";
    return out;
}

std::string address_field(std::string_view name, std::vector<named_mailbox> const& list, bool utf8)
{
    std::string value;
    for (auto const& one : list) {
        if (!value.empty()) value += ", ";
        auto const address = one.address.to_string();
        value += one.name.empty() ? address : encode_phrase(one.name, utf8) + " <" + address + ">";
    }
    return fold_field(name, value);
}

struct part {
    std::string header, body;
};

part text_part(std::string const& text, std::string const& charset)
{
    part p;
    bool const strange = std::any_of(text.begin(), text.end(), [](char c) {
        auto const octet = static_cast<unsigned char>(c);
        return octet >= 0x7f || (octet < ' ' && c != '\t' && c != '\r' && c != '\n');
    });
    p.header = fold_field("Content-Type", "text/plain; charset=" + charset);
    if (!strange && !has_long_line(text)) {
        p.header += "Content-Transfer-Encoding: 7bit\r\n";
        p.body = text;
    } else {
        p.header += "Content-Transfer-Encoding: quoted-printable\r\n";
        append_quoted_printable(p.body, text);
    }
    return p;
}

part attachment_part(attachment const& a)
{
    part p;
    std::string const type = a.type.empty() ? std::string{guess_type(a.name)} : a.type;
    p.header = fold_field("Content-Type", type) + "Content-Transfer-Encoding: base64\r\n" +
               fold_field("Content-Disposition", "attachment" + encode_parameter("filename", a.name));
    p.body = base64_lines(a.octets);
    return p;
}

bool is_field_name(std::string_view name) noexcept
{
    return !name.empty() &&
           std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 0x7f && c != ':'; });
}

bool is_type(std::string_view type) noexcept
{
    auto const slash = type.find('/');
    return slash != 0 && slash != std::string_view::npos && slash + 1 < type.size() && !has_control(type);
}

// The header that every message has, without the fields that the caller gave.
std::string usual_fields(new_message const& m)
{
    auto const given = [&](std::string_view name) {
        return std::any_of(m.fields.begin(), m.fields.end(),
                           [&](auto const& f) { return equal_ignoring_case(f.first, name); });
    };
    std::string out;
    if (!given("Date")) out += fold_field("Date", to_rfc5322(m.now));
    if (!given("From")) out += address_field("From", {m.from}, m.utf8_names);
    if (!given("To") && !m.to.empty()) out += address_field("To", m.to, m.utf8_names);
    if (!given("Cc") && !m.cc.empty()) out += address_field("Cc", m.cc, m.utf8_names);
    if (!given("Subject") && !m.subject.empty())
        out += fold_field("Subject", m.utf8_names ? m.subject : encode_words(m.subject));
    if (!given("Message-ID")) {
        auto const& domain = m.from.address.domain;
        out += "Message-ID: <" + m.unique_id + "@" + (domain.empty() ? "localhost" : domain) + ">\r\n";
    }
    return out;
}

}  // namespace

result<named_mailbox> parse_named_mailbox(std::string_view text)
{
    named_mailbox out;
    auto const whole = trim(text);
    auto address = whole;
    if (whole.ends_with('>')) {
        auto const open = whole.rfind('<');
        if (open == std::string_view::npos) return wrong("\"" + printable(whole, 200) + "\" has a > but no <");
        address = trim(whole.substr(open + 1, whole.size() - open - 2));
        auto name = trim(whole.substr(0, open));
        if (name.size() >= 2 && name.front() == '"' && name.back() == '"') {
            name = name.substr(1, name.size() - 2);
            for (std::size_t i = 0; i < name.size(); ++i) {
                if (name[i] == '\\' && i + 1 < name.size()) ++i;
                out.name += name[i];
            }
        } else {
            out.name = name;
        }
    }
    if (has_control(out.name) || !is_utf8(out.name))
        return wrong("the name in \"" + printable(whole, 200) + "\" is no text in UTF-8");
    auto parsed = parse_mailbox(address);
    if (!parsed)
        return wrong("\"" + printable(address, 200) + "\" is no e-mail address: it has to look like anna@example.com");
    out.address = std::move(*parsed);
    return out;
}

result<std::string> write_message(new_message const& m)
{
    for (auto const& [name, value] : m.fields) {
        if (!is_field_name(name) || has_control(value))
            return wrong("\"" + printable(name, 100) + ": " + printable(value, 100) + "\" is no header field");
        if (!is_utf8(value)) return wrong("the field " + name + " is no text in UTF-8");
    }
    if (has_control(m.subject) || !is_utf8(m.subject)) return wrong("the subject is no line of text in UTF-8");
    auto const text = with_crlf(m.text);
    std::string charset = m.charset;
    if (charset.empty() && is_ascii(text)) charset = "us-ascii";
    if (charset.empty() && is_utf8(text)) charset = "utf-8";
    if (!charset.empty() && !is_charset_name(charset))
        return wrong("\"" + printable(charset, 100) + "\" is no charset's name");
    if (charset.empty()) return wrong("the text is neither ASCII nor UTF-8: say which charset it is in");

    std::string out = usual_fields(m);
    for (auto const& [name, value] : m.fields) {
        out += fold_field(name, m.utf8_names ? value : encode_words(value));
    }
    out += "MIME-Version: 1.0\r\n";
    auto const first = text_part(text, charset);
    if (m.attachments.empty()) return out + first.header + "\r\n" + first.body;

    auto const boundary = "=_" + m.unique_id;  // "=_" is in no base64 and no quoted-printable
    out += fold_field("Content-Type", "multipart/mixed; boundary=\"" + boundary + "\"");
    out += "\r\n--" + boundary + "\r\n" + first.header + "\r\n" + first.body;
    for (auto const& a : m.attachments) {
        if (has_control(a.name) || !is_utf8(a.name)) return wrong("the name of an attachment is no text in UTF-8");
        if (!a.type.empty() && !is_type(a.type)) return wrong("\"" + printable(a.type, 100) + "\" is no MIME type");
        auto const p = attachment_part(a);
        out += "\r\n--" + boundary + "\r\n" + p.header + "\r\n" + p.body;
    }
    return out + "\r\n--" + boundary + "--\r\n";
}

std::string_view guess_type(std::string_view file_name) noexcept
{
    struct row {
        std::string_view end, type;
    };
    constexpr row table[] = {{"txt", "text/plain"},        {"csv", "text/csv"},        {"html", "text/html"},
                             {"htm", "text/html"},         {"ics", "text/calendar"},   {"vcf", "text/vcard"},
                             {"pdf", "application/pdf"},   {"zip", "application/zip"}, {"gz", "application/gzip"},
                             {"json", "application/json"}, {"xml", "application/xml"}, {"png", "image/png"},
                             {"jpg", "image/jpeg"},        {"jpeg", "image/jpeg"},     {"gif", "image/gif"},
                             {"svg", "image/svg+xml"},     {"webp", "image/webp"},     {"mp3", "audio/mpeg"},
                             {"wav", "audio/wav"},         {"mp4", "video/mp4"}};
    auto const dot = file_name.rfind('.');
    if (dot != std::string_view::npos)
        for (auto const& r : table)
            if (equal_ignoring_case(file_name.substr(dot + 1), r.end)) return r.type;
    return "application/octet-stream";
}

}  // namespace postern::mail
