"""The greeting, and what speaks at the port."""
from .case import Case, Host, both, every
from .middle import Box, fixup
from .script import CLOSE, HANG, MEGABYTES, Late, Other, Raw, Script


def at_587(row, title, script, **more):
    return Case(row, title, [Host({587: script})], who="{host}:587", **more)


def greets(row, title, reply, **more):
    return Case(row, title, [Host(every(replies={"connect": reply}))], **more)


STARS = "220 ******************************0*********2***"

CASES = [
    Case("D-31", "SSL/TLS is spoken at the port, and STARTTLS is set", [Host({465: Script(tls="implicit")})],
         who="{host}:465", options=("--tls", "starttls")),
    Case("D-31", "SSL/TLS is spoken at the port, and no encryption is set", [Host({2525: Script(tls="implicit")})],
         who="{host}:2525", options=("--tls", "none")),
    Case("D-32", "STARTTLS is spoken at the port, and SSL/TLS is set", [Host({587: Script()})],
         who="{host}:587", options=("--tls", "implicit")),
    at_587("D-33", "an IMAP server", Other(b"* OK [CAPABILITY IMAP4rev1] Dovecot ready.\r\n", b"* BAD Error in IMAP command\r\n")),
    at_587("D-33", "a POP3 server", Other(b"+OK Dovecot ready.\r\n", b"-ERR Unknown command.\r\n")),
    at_587("D-33", "a web server", Other(answer=b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\nContent-Length: 0\r\n\r\n")),
    Case("D-33", "a web server with TLS, beside ports that work", [Host({
        8443: Other(tls="implicit", answer=b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"), **both()})],
         who="{host}:8443"),
    Case("P-217", "the port that was asked for says nothing, beside ports that work",
         [Host({8025: Script(replies={"connect": HANG}), **both()})], who="{host}:8025"),
    at_587("D-33", "an SSH server", Other(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")),
    at_587("D-34", "a firewall that rewrites everything", Script(banner=STARS[4:], replies={
        "EHLO": "250-{host}\n250-SIZE 52428800\n250-XXXXXXXA\n250 XXXXXXXXXXB", "STARTTLS": "500 5.5.1 command unrecognized"})),
    Case("D-34", "a firewall's SMTP inspection between us and a healthy server",
         [Host({587: Script()}, boxed=((Box(fixup, lambda line: b"XXXX\r\n" if line.upper().startswith(b"STARTTLS") else line), 587),))],
         who="{host}:587"),
    greets("D-35", "our address is refused", "554 5.7.1 Connections from your address are not accepted here"),
    greets("D-131", "our address is on a list", "554 5.7.1 Service unavailable; client host [192.0.2.7] blocked using "
           "zen.spamhaus.example; https://www.spamhaus.example/query/ip/192.0.2.7"),
    greets("D-35", "too many connections", "421 4.7.0 {host} Error: too many connections from 192.0.2.7"),
    greets("D-36", "the server is being shut down", "421 4.3.2 Service shutting down, try again later"),
    greets("D-36", "the server is busy", "421 4.4.5 Server busy, try again later"),
    greets("D-37", "the greeting comes late", Late(21, "220 {host} ESMTP ready")),
    at_587("D-38", "it closes after EHLO", Script(replies={"EHLO": CLOSE, "HELO": CLOSE})),
    Case("D-39", "port 25 is not for customers", [Host({25: Script(tls="none", auth="", replies={
        "connect": "550 5.7.1 Mail from dynamic/residential address ranges is not accepted here; use your provider's relay"})})],
         who="{host}:25"),
    at_587("D-40", "it does not know EHLO", Script(tls="none", replies={
        "EHLO": "502 5.5.2 Error: command not recognized", "HELO": "250 {host}"})),
    # Servers out of their minds: an end, and a cause.
    Case("P-216", "megabytes without a line end", [Host(every(replies={"connect": MEGABYTES}))]),
    Case("P-215", "binary for a greeting", [Host(every(replies={"connect": Raw(bytes(range(256)) * 8)}))]),
    at_587("P-221", "megabytes for an answer to EHLO", Script(replies={"EHLO": Raw(b"250-x" + b"y" * 65531, 256)})),
    at_587("P-219", "it never answers EHLO", Script(replies={"EHLO": HANG, "HELO": HANG})),
    greets("P-217", "it never says anything", HANG),
    greets("P-218", "it closes at once", CLOSE),
]
