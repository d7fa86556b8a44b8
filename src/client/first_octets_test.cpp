#include "client/first_octets.hpp"

#include <doctest/doctest.h>

using namespace postern::client;

namespace {

struct row {
    char const* rule;
    std::string_view octets;
    service who;
};

using namespace std::string_view_literals;

constexpr row rows[] = {
    {"a greeting is SMTP", "220 mx.example ESMTP\r\n"sv, service::smtp},
    {"a greeting of several lines, too", "220-mx.example\r\n220 ready\r\n"sv, service::smtp},
    {"a code alone is enough", "220"sv, service::smtp},
    {"a refusal is SMTP", "554 5.7.1 go away\r\n"sv, service::smtp},
    {"an FTP server says so", "220 (vsFTPd 3.0.3)\r\n"sv, service::ftp},
    {"SMTP that mentions FTP stays SMTP", "220 ftp.example ESMTP Postfix\r\n"sv, service::smtp},
    {"a news server", "200 news.example InterNetNews NNRP server ready\r\n"sv, service::nntp},
    {"the answer of a web server", "HTTP/1.1 400 Bad Request\r\n"sv, service::http},
    {"a page without a status line", "<!DOCTYPE html><html>"sv, service::http},
    {"the beginning of one", "<!DOC"sv, service::http},
    {"an SSH server", "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"sv, service::ssh},
    {"an IMAP server", "* OK [CAPABILITY IMAP4rev1] ready\r\n"sv, service::imap},
    {"a POP3 server", "+OK ready\r\n"sv, service::pop3},
    {"a ManageSieve server", "\"IMPLEMENTATION\" \"Dovecot Pigeonhole\"\r\n"sv, service::sieve},
    {"an alert of TLS", "\x15\x03\x01\x00\x02\x02\x0a"sv, service::tls},
    {"a handshake of TLS", "\x16\x03\x03\x00\x7a\x02\x00"sv, service::tls},
    {"a database", "\x4a\x00\x00\x00\x0a\x35.7.33\x00"sv, service::mysql},
    {"octets", "\x00\x01\x02\xff\xfe\xfd"sv, service::binary},
    {"text of no kind", "hello there, who are you?\r\n"sv, service::text},
    {"text in UTF-8 that is cut inside of a letter", "gr\xc3\xbc\xc3\x9f dich\xc3"sv, service::text},
    {"a number that is no code", "2200 things\r\n"sv, service::text},
    {"a code of no reply", "199 what\r\n"sv, service::smtp},
    {"nothing", ""sv, service::unknown},
};

}  // namespace

TEST_CASE("who answers is told by the first octets")
{
    for (auto const& r : rows) {
        CAPTURE(r.rule);
        CHECK(guess_service(r.octets) == r.who);
        CHECK_FALSE(describe(r.who).empty());
    }
}
