#include "client/first_octets.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace postern::client {

namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

bool has_word(std::string_view line, std::string_view word) noexcept
{
    for (std::size_t i = 0; i + word.size() <= line.size(); ++i)
        if (starts_with_ignoring_case(line.substr(i), word)) return true;
    return false;
}

// The type of a record and the version that all of them claim (RFC 8446 section 5.1), or the
// beginning of that.
bool is_tls_record(std::string_view octets) noexcept
{
    constexpr char change_cipher_spec = 20, application_data = 23;
    return octets[0] >= change_cipher_spec && octets[0] <= application_data && octets.size() > 1 && octets[1] == 3;
}

bool is_mysql_greeting(std::string_view octets) noexcept
{
    // Three octets of length, number 0, protocol 10, then its version.
    return octets.size() > 6 && octets[3] == 0 && octets[4] == 10 && is_digit(octets[5]);
}

bool is_readable(std::string_view octets) noexcept
{
    auto const strange = std::count_if(octets.begin(), octets.end(), [](char c) {
        return (static_cast<unsigned char>(c) < ' ' && c != '\r' && c != '\n' && c != '\t') || c == 0x7f;
    });
    // A sequence of UTF-8 may be cut at the end.
    std::size_t cut = octets.size();
    for (int back = 0; back < 3 && cut > 0 && static_cast<unsigned char>(octets[cut - 1]) >= 0x80; ++back) --cut;
    return strange == 0 && (is_utf8(octets) || is_utf8(octets.substr(0, cut)));
}

// "220 mx.example ESMTP", "200 news.example InterNetNews".
service service_of_code(std::string_view line) noexcept
{
    if (line.starts_with("22") && (has_word(line, "ftp")) && !has_word(line, "smtp")) return service::ftp;
    if (line.starts_with("20") && (has_word(line, "nntp") || has_word(line, "news") || has_word(line, "posting")))
        return service::nntp;
    return service::smtp;
}

bool begins_with_code(std::string_view line) noexcept
{
    if (line.size() < 3 || line[0] < '1' || line[0] > '5' || !is_digit(line[1]) || !is_digit(line[2])) return false;
    return line.size() == 3 || line[3] == ' ' || line[3] == '-' || line[3] == '\r' || line[3] == '\n';
}

}  // namespace

service guess_service(std::string_view octets) noexcept
{
    if (octets.empty()) return service::unknown;
    if (is_tls_record(octets)) return service::tls;
    if (is_mysql_greeting(octets)) return service::mysql;
    std::string_view const line = octets.substr(0, octets.find('\n'));
    if (begins_with_code(line)) return service_of_code(line);
    if (starts_with_ignoring_case(octets, "HTTP/") || starts_with_ignoring_case(octets, "<!DOC") ||
        starts_with_ignoring_case(octets, "<html"))
        return service::http;
    if (octets.starts_with("SSH-")) return service::ssh;
    if (octets.starts_with("* OK") || octets.starts_with("* BYE") || octets.starts_with("* PREAUTH") ||
        octets.starts_with("* BAD"))
        return service::imap;
    if (octets.starts_with("+OK") || octets.starts_with("-ERR")) return service::pop3;
    if (octets.starts_with("\"IMPLEMENTATION\"")) return service::sieve;
    if (!is_readable(octets)) return service::binary;
    return octets.size() < 4 ? service::unknown : service::text;
}

std::string_view describe(service s) noexcept
{
    switch (s) {
        case service::unknown: return "something unknown";
        case service::smtp: return "an SMTP server";
        case service::http: return "a web server (HTTP)";
        case service::ssh: return "an SSH server";
        case service::imap: return "an IMAP server";
        case service::pop3: return "a POP3 server";
        case service::ftp: return "an FTP server";
        case service::nntp: return "a news server (NNTP)";
        case service::sieve: return "a ManageSieve server";
        case service::mysql: return "a MySQL server";
        case service::tls: return "a server that speaks TLS";
        case service::binary: return "something that sends binary octets";
        case service::text: return "something that sends text, but no SMTP";
    }
    return {};
}

}  // namespace postern::client
