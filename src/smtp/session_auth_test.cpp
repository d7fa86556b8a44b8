// AUTH, RFC 4954: statements 1 to 25, 28 and 38 of standards.md, part 2.3 of security.md.
#include <doctest/doctest.h>

#include "support/dialog.hpp"

namespace {

using postern::test::dialog;

// AGFsaWNl...NhbWU= is alice@example.test with the right password, ...dAB3cm9uZw== a wrong one.
constexpr dialog dialogs[] = {
    {"the list is what can succeed: keys that no account has, bindings that the connection lacks",
     "submission tls also:SCRAM-SHA-512 also:SCRAM-SHA-512-PLUS also:SCRAM-SHA-1", R"(
        -- greeting
        C: EHLO client.example
        S: 250-mx.example
        S: 250-PIPELINING
        S: 250-SIZE ...
        S: 250-8BITMIME
        S: 250-SMTPUTF8
        S: 250-ENHANCEDSTATUSCODES
        S: 250-AUTH SCRAM-SHA-256 PLAIN LOGIN
        S: 250-DSN
        S: 250-CHUNKING
        S: 250-BINARYMIME
        S: 250-REQUIRETLS
        S: 250-LIMITS ...
        S: 250 HELP
        C: AUTH SCRAM-SHA-512 biwsbj11c2VyLHI9YWJj
        S: 504 5.5.4 ...
        -- rule auth-unknown-mechanism
    )"},
    {"the list shows SCRAM-SHA-512 once an account has keys, and leaves SHA-256 out while none has",
     "submission tls no-scram-keys scram-keys-sha512 also:SCRAM-SHA-512 auth-equals", R"(
        -- greeting
        C: EHLO client.example
        S: 250-mx.example
        S: 250-PIPELINING
        S: 250-SIZE ...
        S: 250-8BITMIME
        S: 250-SMTPUTF8
        S: 250-ENHANCEDSTATUSCODES
        S: 250-AUTH SCRAM-SHA-512 PLAIN LOGIN
        S: 250-AUTH=SCRAM-SHA-512 PLAIN LOGIN
        S: 250-DSN
        S: 250-CHUNKING
        S: 250-BINARYMIME
        S: 250-REQUIRETLS
        S: 250-LIMITS ...
        S: 250 HELP
        C: AUTH SCRAM-SHA-512 biwsbj11c2VyLHI9YWJj
        S: 334 ...
    )"},
    {"39: OAUTHBEARER takes a token, refuses one with a challenge first", "submission tls also:OAUTHBEARER tokens", R"(
        -- greeting
        -- ehlo
        C: AUTH OAUTHBEARER bixhPWFsaWNlQGV4YW1wbGUudGVzdCwBYXV0aD1CZWFyZXIgZ3Vlc3MBAQ==
        S: 334 eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIn0=
        C: AQ==
        S: 535 5.7.8 ...
        -- rule auth-failed
        C: AUTH OAUTHBEARER
        S: 334 
        C: bixhPWFsaWNlQGV4YW1wbGUudGVzdCwBYXV0aD1CZWFyZXIgc2VzYW1lAQE=
        S: 235 2.7.0 Logged in
        -- as alice@example.test
    )"},
    {"40: XOAUTH2 likewise", "submission tls also:XOAUTH2 tokens", R"(
        -- greeting
        -- ehlo
        C: AUTH XOAUTH2 dXNlcj1hbGljZUBleGFtcGxlLnRlc3QBYXV0aD1CZWFyZXIgZ3Vlc3MBAQ==
        S: 334 eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIn0=
        C:
        S: 535 5.7.8 ...
        -- rule auth-failed
        C: AUTH XOAUTH2 dXNlcj1hbGljZUBleGFtcGxlLnRlc3QBYXV0aD1CZWFyZXIgc2VzYW1lAQE=
        S: 235 2.7.0 Logged in
    )"},
    {"40: `*` in place of the answer counts as a failure", "submission tls also:XOAUTH2 tokens auth-failures=2", R"(
        -- greeting
        -- ehlo
        C: AUTH XOAUTH2 dXNlcj1hbGljZUBleGFtcGxlLnRlc3QBYXV0aD1CZWFyZXIgZ3Vlc3MBAQ==
        S: 334 eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIn0=
        C: *
        S: 535 5.7.8 ...
        -- rule auth-failed
        C: AUTH XOAUTH2 dXNlcj1hbGljZUBleGFtcGxlLnRlc3QBYXV0aD1CZWFyZXIgZ3Vlc3MBAQ==
        S: 334 eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIn0=
        C: *
        S: 535 5.7.8 ...
        S: 421 4.7.0 ...
    )"},
    {"39: no token in the clear, even where passwords may be", "submission plaintext also:OAUTHBEARER tokens", R"(
        -- greeting
        -- ehlo
        C: AUTH OAUTHBEARER bixhPWFsaWNlQGV4YW1wbGUudGVzdCwBYXV0aD1CZWFyZXIgc2VzYW1lAQE=
        S: 504 5.5.4 ...
        -- rule auth-unknown-mechanism
    )"},
    {"a token is not offered where none can be checked", "submission tls also:XOAUTH2", R"(
        -- greeting
        -- ehlo
        C: AUTH XOAUTH2 dXNlcj1hbGljZUBleGFtcGxlLnRlc3QBYXV0aD1CZWFyZXIgc2VzYW1lAQE=
        S: 504 5.5.4 ...
        -- rule auth-unknown-mechanism
    )"},
    {"42: EXTERNAL is whoever the certificate is for", "submission tls also:EXTERNAL certificate", R"(
        -- greeting
        -- ehlo
        C: AUTH EXTERNAL Ym9iQGV4YW1wbGUudGVzdA==
        S: 535 5.7.8 ...
        -- rule auth-failed
        C: AUTH EXTERNAL
        S: 334 
        C: YWxpY2VAZXhhbXBsZS50ZXN0
        S: 235 2.7.0 Logged in
        -- as alice@example.test
    )"},
    {"42: EXTERNAL with an empty initial response", "submission tls also:EXTERNAL certificate", R"(
        -- greeting
        -- ehlo
        C: AUTH EXTERNAL =
        S: 235 2.7.0 Logged in
        -- as alice@example.test
    )"},
    {"42: no EXTERNAL without a certificate", "submission tls also:EXTERNAL", R"(
        -- greeting
        -- ehlo
        C: AUTH EXTERNAL =
        S: 504 5.5.4 ...
        -- rule auth-unknown-mechanism
    )"},
    {"7: CRAM-MD5 begins with the server's challenge", "submission tls also:CRAM-MD5 cram-md5 whole", R"(
        -- greeting
        -- ehlo
        C: AUTH CRAM-MD5 AAAA
        S: 501 5.7.0 ...
        -- rule auth-no-initial-response
        C: AUTH CRAM-MD5 =
        S: 501 5.7.0 ...
        C: AUTH CRAM-MD5
        S: 334 ...
        C: YWxpY2VAZXhhbXBsZS50ZXN0IDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw
        S: 535 5.7.8 ...
        -- claims alice@example.test
    )"},
    {"a proof that does not fit what may be out of date is not wrong, but counts as a try",
     "submission tls also:CRAM-MD5 cram-md5 unsure auth-failures=2 whole", R"(
        -- greeting
        -- ehlo
        C: AUTH CRAM-MD5
        S: 334 ...
        C: YWxpY2VAZXhhbXBsZS50ZXN0IDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw
        S: 454 4.7.0 ...
        -- rule auth-unavailable
        C: AUTH CRAM-MD5
        S: 334 ...
        C: YWxpY2VAZXhhbXBsZS50ZXN0IDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw
        S: 454 4.7.0 ...
        S: 421 4.7.0 ...
    )"},
    {"CRAM-MD5 is not there where no account has a secret for it", "submission tls also:CRAM-MD5", R"(
        -- greeting
        -- ehlo
        C: AUTH CRAM-MD5
        S: 504 5.5.4 ...
        -- rule auth-unknown-mechanism
    )"},
    {"AUTH= is only a second way to say AUTH: not before TLS", "submission starttls auth-equals", R"(
        -- greeting
        C: EHLO client.example
        S: 250-mx.example
        S: 250-PIPELINING
        S: 250-SIZE ...
        S: 250-8BITMIME
        S: 250-SMTPUTF8
        S: 250-ENHANCEDSTATUSCODES
        S: 250-STARTTLS
        S: 250-DSN
        S: 250-CHUNKING
        S: 250-BINARYMIME
        S: 250-LIMITS ...
        S: 250 HELP
    )"},
    {"19: PLAIN with its initial response", "submission tls", R"(
        -- greeting
        -- ehlo
        C: AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABzZXNhbWU=
        S: 235 2.7.0 Logged in
        -- as alice@example.test
        -- claims alice@example.test
        -- protocol ESMTPSA
    )"},
    {"6: PLAIN without initial response gets an empty challenge, with its blank", "submission tls", R"(
        -- greeting
        -- ehlo
        C: auth plain
        S: 334 
        C: AGFsaWNlQGV4YW1wbGUudGVzdABzZXNhbWU=
        S: 235 2.7.0 Logged in
        -- as alice@example.test
    )"},
    {"6: `=` is an empty initial response, not a missing one", "submission tls", R"(
        -- greeting
        -- ehlo
        C: AUTH PLAIN =
        S: 501 5.5.2 ...
        -- rule auth-malformed
        C: NOOP
        S: 250 2.0.0 OK
    )"},
    {"6: within the exchange, `=` is no base64, and an empty line is an empty response", "submission tls", R"(
        -- greeting
        -- ehlo
        C: AUTH PLAIN
        S: 334 
        C: =
        S: 501 5.5.2 ...
        -- rule auth-bad-base64
        C: AUTH PLAIN
        S: 334 
        C:
        S: 501 5.5.2 ...
        -- rule auth-malformed
    )"},
    {"28: LOGIN asks for `Username:` and `Password:`", "submission tls", R"(
        -- greeting
        -- ehlo
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        -- exchange
        C: YWxpY2VAZXhhbXBsZS50ZXN0
        S: 334 UGFzc3dvcmQ6
        C: c2VzYW1l
        S: 235 2.7.0 Logged in
        -- as alice@example.test
    )"},
    {"7, 28: LOGIN takes the user name with the command, the exception among server-first mechanisms", "submission tls",
     R"(
        -- greeting
        -- ehlo
        C: AUTH LOGIN YWxpY2VAZXhhbXBsZS50ZXN0
        S: 334 UGFzc3dvcmQ6
        C: c2VzYW1l
        S: 235 2.7.0 Logged in
    )"},
    {"3: AUTH after a login is out of order", "submission tls", R"(
        -- greeting
        -- ehlo
        -- login
        C: AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABzZXNhbWU=
        S: 503 5.5.1 ...
        -- rule auth-already
        -- ehlo
        C: AUTH LOGIN
        S: 503 5.5.1 ...
        -- as alice@example.test
    )"},
    {"4: AUTH inside a transaction changes nothing", "mx tls", R"(
        -- greeting
        -- ehlo
        -- mail
        C: AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABzZXNhbWU=
        S: 503 5.5.1 ...
        -- rule auth-in-transaction
        C: RCPT TO:<carol@example.org>
        S: 250 2.1.5 ...
        C: DATA
        S: 354 ...
        C: .
        S: 250 2.0.0 ...
        -- recipients 2
    )"},
    {"5: mechanisms that are unknown, or not offered here", "submission tls", R"(
        -- greeting
        -- ehlo
        C: AUTH FOO
        S: 504 5.5.4 ...
        -- rule auth-unknown-mechanism
        C: AUTH CRAM-MD5
        S: 504 5.5.4 ...
        -- command AUTH CRAM-MD5
        C: AUTH SCRAM-SHA-256-PLUS
        S: 504 5.5.4 ...
        C: AUTH EXTERNAL =
        S: 504 5.5.4 ...
        C: AUTH NTLM TlRMTVNTUAABAAAA
        S: 504 5.5.4 ...
        -- hides TlRM
        C: AUTH
        S: 501 5.5.4 ...
        -- rule syntax-error
    )"},
    {"8: bad base64 is 501, in the command and in a response", "submission tls errors=40", R"(
        -- greeting
        -- ehlo
        C: AUTH PLAIN !!!
        S: 501 5.5.2 ...
        -- rule auth-bad-base64
        C: AUTH PLAIN AA=A
        S: 501 5.5.2 ...
        C: AUTH PLAIN AGFsaWNl QGV4YW1wbGUudGVzdABzZXNhbWU=
        S: 501 5.5.2 ...
        C: AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABzZXNhbWU
        S: 501 5.5.2 ...
        C: AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABzZXNhbWV=
        S: 501 5.5.2 ...
        C: AUTH PLAIN A===
        S: 501 5.5.2 ...
        C: AUTH PLAIN ====
        S: 501 5.5.2 ...
        C: AUTH PLAIN AGFs-_Nl
        S: 501 5.5.2 ...
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: YWxpY2V
        S: 501 5.5.2 ...
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C- YWxp\0Y2Vh\r\n
        S: 501 5.5.2 ...
        -- rule auth-bad-base64
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C- YWxp\rY2Vh\r\n
        S: 501 5.5.2 ...
        -- login
        -- hides AGFs
        -- hides YWxp
    )"},
    {"9: `*` cancels, and the next AUTH works", "submission tls", R"(
        -- greeting
        -- ehlo
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: *
        S: 501 5.7.0 ...
        -- rule auth-cancelled
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: YWxpY2VAZXhhbXBsZS50ZXN0
        S: 334 UGFzc3dvcmQ6
        C: *
        S: 501 5.7.0 ...
        -- as 
        -- login
    )"},
    {"12: after a failure another mechanism may follow", "submission tls", R"(
        -- greeting
        -- ehlo
        C: AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdAB3cm9uZw==
        S: 535 5.7.8 ...
        -- rule auth-failed
        -- command AUTH PLAIN
        -- as 
        -- claims alice@example.test
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: YWxpY2VAZXhhbXBsZS50ZXN0
        S: 334 UGFzc3dvcmQ6
        C: c2VzYW1l
        S: 235 2.7.0 Logged in
    )"},
    {"13: a back end that is down is 454 and no failure of the client", "submission tls auth-failures=1", R"(
        -- greeting
        -- ehlo
        -- next login unavailable
        C: AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABzZXNhbWU=
        S: 454 4.7.0 ...
        -- rule auth-unavailable
        C: AUTH LOGIN YWxpY2VAZXhhbXBsZS50ZXN0
        S: 334 UGFzc3dvcmQ6
        C: c2VzYW1l
        S: 454 4.7.0 ...
        -- next scram auth-unavailable
        C: AUTH SCRAM-SHA-256 biwsbj1hbGljZUBleGFtcGxlLnRlc3Qscj1hYmM=
        S: 454 4.7.0 ...
        -- rule auth-unavailable
        -- open
    )"},
    {"accounts that are switched off", "submission tls", R"(
        -- greeting
        -- ehlo
        -- next login disabled
        C: AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABzZXNhbWU=
        S: 525 5.7.13 ...
        -- rule auth-account-disabled
        -- as 
    )"},
    {"accounts without SMTP AUTH", "submission tls", R"(
        -- greeting
        -- ehlo
        -- next login smtp-auth-off
        C: AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABzZXNhbWU=
        S: 535 5.7.8 ...
        -- rule auth-smtp-off
    )"},
    {"RFC 4954 section 6: a password that is right where only app passwords are taken", "submission tls", R"(
        -- greeting
        -- ehlo
        -- next login app-password-needed
        C: AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABzZXNhbWU=
        S: 534 5.7.9 ...
        -- rule auth-app-password-needed
        -- as 
    )"},
    {"17: before TLS, AUTH is refused even with the right password, and none is looked at", "submission starttls", R"(
        -- greeting
        -- ehlo
        C: AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABzZXNhbWU=
        S: 538 5.7.11 ...
        -- rule auth-needs-tls
        -- hides AGFs
        C: AUTH LOGIN
        S: 538 5.7.11 ...
        C: YWxpY2VAZXhhbXBsZS50ZXN0
        S: 500 5.5.2 ...
        C: c2VzYW1l
        S: 500 5.5.2 ...
        -- hides YWxp
        -- hides c2Vz
        -- as 
    )"},
    {"18: plain text AUTH where the operator allows it", "submission plaintext", R"(
        -- greeting
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
        S: 250-LIMITS RCPTMAX=100
        S: 250 HELP
        -- login
        -- protocol ESMTPA
    )"},
    {"a listener without mechanisms", "mx tls no-auth", R"(
        -- greeting
        -- ehlo
        C: AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABzZXNhbWU=
        S: 503 5.5.1 ...
        -- rule auth-not-offered
    )"},
    {"AUTH before EHLO", "submission tls", R"(
        -- greeting
        C: AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABzZXNhbWU=
        S: 503 5.5.1 ...
        -- rule auth-ehlo-first
        -- hides AGFs
    )"},
    {"-PLUS is offered where the connection has a binding", "submission tls plus", R"(
        -- greeting
        C: EHLO client.example
        S: 250-mx.example
        S: 250-PIPELINING
        S: 250-SIZE 1000000
        S: 250-8BITMIME
        S: 250-SMTPUTF8
        S: 250-ENHANCEDSTATUSCODES
        S: 250-AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN
        S: 250-DSN
        S: 250-CHUNKING
        S: 250-BINARYMIME
        S: 250-REQUIRETLS
        S: 250-LIMITS RCPTMAX=100
        S: 250 HELP
        C: AUTH SCRAM-SHA-256 eSwsbj1hbGljZUBleGFtcGxlLnRlc3Qscj1hYmNkZWZnaA==
        S: 535 5.7.8 ...
        -- rule auth-failed
    )"},
    {"2 and -PLUS not where it has none", "submission plaintext plus", R"(
        -- greeting
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
        S: 250-LIMITS RCPTMAX=100
        S: 250 HELP
        C: AUTH SCRAM-SHA-256-PLUS
        S: 504 5.5.4 ...
    )"},
    {"20: AUTH= of MAIL is parsed from anybody", "mx", R"(
        -- greeting
        -- ehlo
        C: MAIL FROM:<> AUTH=<>
        S: 250 2.1.0 ...
        C: RSET
        S: 250 2.0.0 OK
        C: MAIL FROM:<e=mc2@example.com> AUTH=e+3Dmc2@example.com
        S: 250 2.1.0 ...
        C: RSET
        S: 250 2.0.0 OK
        C: MAIL FROM:<a@example.com> AUTH=e+3dmc2@example.com
        S: 501 5.5.4 ...
        -- rule bad-parameter
        C: MAIL FROM:<a@example.com> AUTH=e+0D+0Amc2@example.com
        S: 501 5.5.4 ...
        C: MAIL FROM:<a@example.com> AUTH=e+zz@example.com
        S: 501 5.5.4 ...
        C: MAIL FROM:<a@example.com> AUTH=a@b=c
        S: 501 5.5.4 ...
        C: MAIL FROM:<a@example.com> AUTH=
        S: 501 5.5.4 ...
        C: MAIL FROM:<a@example.com> AUTH
        S: 501 5.5.4 ...
        C: MAIL FROM:<a@example.com> AUTH=nobody
        S: 501 5.5.4 ...
    )"},
    {"22: too many failed logins end the session", "submission tls auth-failures=3", R"(
        -- greeting
        -- ehlo
        C: AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdAB3cm9uZw==
        S: 535 5.7.8 ...
        C: AUTH LOGIN YWxpY2VAZXhhbXBsZS50ZXN0
        S: 334 UGFzc3dvcmQ6
        C: d3Jvbmc=
        S: 535 5.7.8 ...
        C: AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdAB3cm9uZw==
        S: 535 5.7.8 ...
        S: 421 4.7.0 ...
        -- rule too-many-auth-failures
        -- closed
    )"},
    {"23: responses that come when no exchange is under way are in no log", "submission tls", R"(
        -- greeting
        -- ehlo
        C: AUTH CRAM-MD5
        S: 504 5.5.4 ...
        C: sesame
        S: 500 5.5.2 ...
        -- command (no command, 6 octets)
        C: AUTHPLAIN sesame
        S: 500 5.5.2 ...
        C: AUTH=PLAIN sesame
        S: 500 5.5.2 ...
        C: AUTH sesame
        S: 504 5.5.4 ...
        -- command AUTH
        C: AUTH PLAIN sesame sesame
        S: 501 5.5.2 ...
        C- sesame\0\r\n
        S: 500 5.5.2 ...
        -- hides sesame
    )"},
    {"24: a command that came behind AUTH is no response", "submission tls whole", R"(
        -- greeting
        -- ehlo
        C: AUTH LOGIN
        C: QUIT
        S: 503 5.5.1 ...
        -- rule auth-pipelined
        S: 221 2.0.0 ...
        -- closed
    )"},
    {"24: nor is a whole exchange in one piece", "submission tls whole", R"(
        -- greeting
        -- ehlo
        C: AUTH LOGIN
        C: YWxpY2VAZXhhbXBsZS50ZXN0
        C: c2VzYW1l
        S: 503 5.5.1 ...
        S: 500 5.5.2 ...
        S: 500 5.5.2 ...
        -- hides YWxp
        -- hides c2Vz
        -- as 
    )"},
    {"24: nor what came while SCRAM's keys were fetched", "submission tls whole", R"(
        -- greeting
        -- ehlo
        C: AUTH SCRAM-SHA-256 biwsbj1hbGljZUBleGFtcGxlLnRlc3Qscj1hYmNkZWZnaA==
        C: NOOP
        S: 503 5.5.1 ...
        S: 250 2.0.0 OK
    )"},
    {"24: AUTH with its initial response may be followed by commands", "submission tls", R"(
        -- greeting
        -- ehlo
        C: AUTH PLAIN AGFsaWNlQGV4YW1wbGUudGVzdABzZXNhbWU=
        C: MAIL FROM:<alice@example.test>
        S: 235 2.7.0 ...
        S: 250 2.1.0 ...
    )"},
    {"25: PLAIN in the name of somebody else", "submission tls", R"(
        -- greeting
        -- ehlo
        C: AUTH PLAIN Ym9iAGFsaWNlQGV4YW1wbGUudGVzdABzZXNhbWU=
        S: 535 5.7.8 ...
        -- as 
    )"},
    {"2.3 mechanism switch: each AUTH begins anew", "submission tls", R"(
        -- greeting
        -- ehlo
        C: AUTH LOGIN YWxpY2VAZXhhbXBsZS50ZXN0
        S: 334 UGFzc3dvcmQ6
        C: !
        S: 501 5.5.2 ...
        C: AUTH PLAIN
        S: 334 
        C: c2VzYW1l
        S: 501 5.5.2 ...
        -- rule auth-malformed
        C: AUTH SCRAM-SHA-256
        S: 334 
        C: YWxpY2VAZXhhbXBsZS50ZXN0
        S: 501 5.5.2 ...
        -- as 
    )"},
    {"a bare LF in an exchange", "submission tls", R"(
        -- greeting
        -- ehlo
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C- c2VzYW1l\n
        S: 500 5.5.2 ...
        -- rule bare-newline-in-command
        -- hides c2Vz
        -- closed
    )"},
};

POSTERN_PLAY("dialogs: AUTH", dialogs)

}  // namespace
