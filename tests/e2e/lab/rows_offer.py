"""What the server offers, and what it says to a way of logging in."""
from .case import Case, Host, both
from .script import Script

UNKNOWN = "504 5.5.4 Unrecognized authentication type"


def offers(row, title, auth, **more):
    changes = more.pop("script", {})
    return Case(row, title, [Host(both(auth=auth, **changes))], **more)


def answers(row, title, reply, auth="PLAIN LOGIN", **more):
    return offers(row, title, auth, script={"replies": {"AUTH": reply}}, **more)


CASES = [
    Case("D-56", "no encryption is set, and a login is offered under encryption only", [Host({587: Script()})], who="{host}:587",
         options=("--tls", "none")),
    Case("D-57", "port 25, which takes no logins", [Host({25: Script(auth="", own_domains=("{domain}",)), **both()})], who="{host}:25"),
    offers("D-58", "AUTH= only", "AUTH=PLAIN LOGIN"),
    offers("D-59", "tokens only", "XOAUTH2 OAUTHBEARER"),
    offers("D-61", "Windows logins only", "NTLM GSSAPI"),
    offers("D-62", "CRAM-MD5 is offered, and fails", "CRAM-MD5 PLAIN LOGIN", severity="warning", script={
        "without_verifier": ("CRAM-MD5",)}),
    offers("D-63", "channel binding is offered, and fails", "SCRAM-SHA-256-PLUS PLAIN LOGIN", severity="warning", script={
        "without_verifier": ("SCRAM-SHA-256-PLUS",)}),
    offers("P-225", "no way to log in", ""),
    offers("P-226", "ways to log in that nobody knows", "X-SECRET-HANDSHAKE"),
    Case("P-227", "no encryption is set, and a login is offered", [Host({587: Script(auth_in_clear=True)})], who="{host}:587",
         options=("--tls", "none")),
    answers("P-228", "logging in is against the policy", "550 5.7.1 Access denied by policy"),
    answers("D-64", "logging in is not enabled", "503 5.5.1 Error: authentication not enabled"),
    answers("D-64", "AUTH was not advertised", "503 AUTH command used when not advertised"),
    answers("D-65", "it does not know the way to log in", UNKNOWN),
    answers("D-65", "it does not know it, in Exchange's words", "504 5.7.4 Unrecognized authentication type"),
    answers("D-66", "encryption is needed", "538 5.7.11 Encryption required for requested authentication mechanism"),
    answers("D-66", "STARTTLS has to come first", "530 5.7.0 Must issue a STARTTLS command first"),
    answers("D-67", "it can't read the answer", "501 5.5.2 Cannot Base64-decode Client responses"),
    answers("D-67", "the line is too long for it", "500 5.5.2 Error: line too long"),
]
