// STARTTLS, RFC 3207: statements 43 to 46 of standards.md, part 2.1 of security.md.
#include <doctest/doctest.h>

#include "support/dialog.hpp"

namespace {

using postern::test::dialog;

constexpr dialog dialogs[] = {
    {"2, 43, 44: STARTTLS forgets the EHLO said in the clear; afterwards AUTH is listed and STARTTLS is not",
     "submission starttls", R"(
        -- greeting
        -- ehlo
        C: STARTTLS
        S: 220 2.0.0 Ready for the TLS handshake
        -- tls up
        C: AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABzZXNhbWU=
        S: 503 5.5.1 ...
        -- rule auth-ehlo-first
        C: MAIL FROM:<alice@example.test>
        S: 503 5.5.1 ...
        -- rule ehlo-first
        C: EHLO client.example
        S: 250-mx.example
        S: 250-PIPELINING
        S: 250-SIZE 1000000
        S: 250-8BITMIME
        S: 250-SMTPUTF8
        S: 250-ENHANCEDSTATUSCODES
        S: 250-AUTH SCRAM-SHA-256 PLAIN LOGIN
        S: 250-DSN
        S: 250-CHUNKING
        S: 250-BINARYMIME
        S: 250-REQUIRETLS
        S: 250-LIMITS RCPTMAX=100
        S: 250 HELP
        C: STARTTLS
        S: 503 5.5.1 ...
        -- rule starttls-already
        -- login
        -- protocol ESMTPSA
    )"},
    {"what was seen of a check is told to who has its code, over TLS", "mx starttls", R"(
        -- greeting
        -- ehlo
        C: HELP chk-k7q2m9tx4wza.check.invalid
        S: 214 2.0.0 Commands...
        C: STARTTLS
        S: 220 2.0.0 ...
        -- tls up
        C: HELP 3.CHK-k7q2m9tx4wza.check.invalid
        S: 214-2.0.0 [{
        S: 214-2.0.0 }]
        S: 214 2.0.0 End of the record
        C: HELP chk-000000000000.check.invalid
        S: 214 2.0.0 Commands...
        C: HELP check.invalid
        S: 214 2.0.0 Commands...
    )"},
    {"43: STARTTLS forgets a transaction", "mx starttls", R"(
        -- greeting
        -- ehlo
        -- mail
        C: starttls
        S: 220 2.0.0 ...
        -- tls up
        C: RCPT TO:<carol@example.org>
        S: 503 5.5.1 ...
        C: DATA
        S: 503 5.5.1 ...
        -- ehlo
        C: DATA
        S: 503 5.5.1 ...
    )"},
    {"43: STARTTLS forgets a login said in the clear", "submission starttls plaintext", R"(
        -- greeting
        -- ehlo
        -- login
        -- as alice@example.test
        C: STARTTLS
        S: 220 2.0.0 ...
        -- tls up
        -- as 
        -- ehlo
        -- protocol ESMTPS
        -- login
    )"},
    {"43: STARTTLS forgets no errors and no failed logins", "submission starttls plaintext errors=2 auth-failures=2",
     R"(
        -- greeting
        -- ehlo
        C: AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdAB3cm9uZw==
        S: 535 5.7.8 ...
        C: STARTTLS
        S: 220 2.0.0 ...
        -- tls up
        C: FOO
        S: 500 5.5.2 ...
        S: 421 4.7.0 ...
        -- closed
    )"},
    {"43: octets behind STARTTLS in the same piece are an attack", "submission starttls whole", R"(
        -- greeting
        -- ehlo
        C: STARTTLS
        C: EHLO evil.example
        C: AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABzZXNhbWU=
        S: 501 5.5.2 ...
        -- rule starttls-injection
        -- closed
    )"},
    {"43: half a command too", "submission starttls whole", R"(
        -- greeting
        -- ehlo
        C- STARTTLS\r\nR
        S: 501 5.5.2 ...
        -- closed
    )"},
    {"43: octets that come later, before the handshake, are thrown away", "submission starttls", R"(
        -- greeting
        -- ehlo
        C: STARTTLS
        S: 220 2.0.0 ...
        C: RSET
        -- tls up
        C: NOOP
        S: 250 2.0.0 OK
    )"},
    {"46: STARTTLS takes no parameter", "submission starttls", R"(
        -- greeting
        -- ehlo
        C: STARTTLS now
        S: 501 5.5.4 ...
        -- rule no-parameters
        C: NOOP
        S: 250 2.0.0 OK
    )"},
    {"STARTTLS where there is none", "mx", R"(
        -- greeting
        -- ehlo
        C: STARTTLS
        S: 502 5.5.1 ...
        -- rule starttls-not-offered
    )"},
    {"44: STARTTLS on a connection with implicit TLS", "submission tls", R"(
        -- greeting
        -- ehlo
        C: STARTTLS
        S: 503 5.5.1 ...
        -- rule starttls-already
    )"},
    {"46: before TLS, 530 to everything that sends mail", "submission starttls errors=40", R"(
        -- greeting
        -- ehlo
        C: MAIL FROM:<alice@example.test>
        S: 530 5.7.0 ...
        -- rule tls-required
        C: RCPT TO:<bob@example.org>
        S: 530 5.7.0 ...
        C: DATA
        S: 530 5.7.0 ...
        C: BDAT 4 LAST
        C: NOOPBDAT 0 LAST
        S: 530 5.7.0 ...
        S: 530 5.7.0 ...
        C: VRFY alice
        S: 530 5.7.0 ...
        C: EXPN staff
        S: 530 5.7.0 ...
        C: HELP
        S: 530 5.7.0 ...
        C: NOOP
        S: 250 2.0.0 OK
        C: STARTTLS
        S: 220 2.0.0 ...
        -- tls up
        -- ehlo
        -- login
        -- mail
    )"},
    {"45: on the MX, TLS is not required", "mx starttls", R"(
        -- greeting
        -- ehlo
        -- mail
        -- protocol ESMTP
    )"},
    {"a network that may log in without TLS may send without it", "submission starttls plaintext", R"(
        -- greeting
        -- ehlo
        -- login
        -- mail
        -- protocol ESMTPA
    )"},
    {"75: REQUIRETLS only under TLS", "mx starttls", R"(
        -- greeting
        -- ehlo
        C: MAIL FROM:<alice@example.test> REQUIRETLS
        S: 530 5.7.10 ...
        -- rule requiretls-without-tls
        C: STARTTLS
        S: 220 2.0.0 ...
        -- tls up
        -- ehlo
        C: MAIL FROM:<alice@example.test> REQUIRETLS
        S: 250 2.1.0 ...
    )"},
    {"21: the protocol that Received names", "mx tls", R"(
        -- greeting
        -- protocol SMTP
        -- ehlo
        -- protocol ESMTPS
        C: MAIL FROM:<alice@example.test> SMTPUTF8
        S: 250 2.1.0 ...
        -- protocol UTF8SMTPS
        C: RSET
        S: 250 2.0.0 OK
        -- login
        C: MAIL FROM:<alice@example.test> SMTPUTF8
        S: 250 2.1.0 ...
        -- protocol UTF8SMTPSA
        C: HELO client.example
        S: 250 mx.example
        -- protocol SMTP
    )"},
};

POSTERN_PLAY("dialogs: STARTTLS", dialogs)

}  // namespace
