"""Real servers, with wrong settings and right ones."""
from harness import ALICE, BOB, CAROL, PASSWORDS

from .case import HEALTHY, Case, Host
from .real import Door
from .real_servers import NAME, PASSWORD, USER

OUTSIDE = "friend@elsewhere.example"
STRANGER = ("--outside", OUTSIDE)
MAILBOX = {993: Door("imap")}
LOOKED_FOR = ("--imap", "{host}:993", "--wait", "10")


def at(row, title, server, port=587, beside=None, **more):
    """The server of this name, at this port of the host; `beside`: others at ports of it."""
    more.setdefault("user", USER)
    more.setdefault("who", "{host}:%d" % port)
    return Case(row, title, [Host({port: Door(server), **(beside or {})}, name=NAME)], domain="real.example", **{"password": PASSWORD, **more})


def ours(row, title, account, **more):
    return at(row, title, "postern", **{"user": account, "password": PASSWORDS[account], "to": account, **more})


def on_the_server(lab, case):
    """The checker runs where the server does, which tells what it knows of the mail."""
    case.place["config"] = lab.real.own.file
    for name in ("cur", "new", "tmp"):
        (case.place["dir"] / "Maildir" / name).mkdir(parents=True)


CASES = [
    at(HEALTHY, "Postfix", "postfix", options=STRANGER),
    at(HEALTHY, "Postfix, SSL/TLS", "postfix tls", 465, options=STRANGER),
    at(HEALTHY, "Exim", "exim", options=STRANGER),
    at(HEALTHY, "Dovecot", "dovecot", options=STRANGER),
    at(HEALTHY, "Haraka", "haraka", options=STRANGER),
    at(HEALTHY, "Haraka, SSL/TLS", "haraka tls", 465, options=STRANGER),
    ours(HEALTHY, "Postern", ALICE, options=STRANGER),
    ours(HEALTHY, "Postern, and the mail is in the mailbox", ALICE, send=True, beside=MAILBOX, options=LOOKED_FOR),
    at("D-126", "Postfix, and another password for the mailbox", "postfix", to=USER, send=True, beside=MAILBOX, options=LOOKED_FOR,
       severity="warning"),
    ours("D-122", "Postern, and the next server can't be reached", ALICE, send=True, to=OUTSIDE, severity="warning",
         options=("--maildir", "{dir}/Maildir", "--wait", "3"), prepare=on_the_server),
    at("D-57", "Postfix, its port for other servers", "postfix mx", 25),
    at("D-41", "Postfix without TLS", "postfix in clear"),
    at("D-31", "Postfix, SSL/TLS at the port where STARTTLS is set", "postfix tls", 465, options=("--tls", "starttls")),
    at("D-32", "Postfix, STARTTLS at the port where SSL/TLS is set", "postfix", options=("--tls", "implicit")),
    at("D-56", "Postfix, no encryption is set", "postfix", options=("--tls", "none")),
    at("D-42", "Postfix without its certificate", "postfix without certificate"),
    at("D-54", "Postfix that wants certificates of its clients", "postfix client certificates", 465),
    at("D-35", "Postfix that refuses our address", "postfix closed"),
    at("D-69", "Postfix, a wrong password", "postfix", password="guess"),
    at("D-69", "Postfix with LOGIN only, a wrong password", "postfix login only", password="guess"),
    at("D-70", "Postfix, the name alone for a user", "postfix", user="anna", options=("--from", USER)),
    at("D-107", "Postfix, somebody else's sender", "postfix senders", options=("--from", "boss@real.example"), to=OUTSIDE),
    at("D-116", "Postfix, the message is too large", "postfix small", to=OUTSIDE, send=True),
    at("D-110", "Postfix, no login", "postfix", password=None, to=OUTSIDE),
    at("D-113", "Postfix, nobody has this address", "postfix", to="nobody@real.example"),
    at("D-114", "Postfix with greylisting", "postfix greylisting", to=USER),
    at("D-69", "Exim, a wrong password", "exim", password="guess"),
    at("D-99", "Exim, its passwords are gone", "exim", user="down@real.example"),
    at("D-52", "a certificate that was revoked", "stapler", 465),
    at("D-110", "Exim, no login", "exim", password=None, to=OUTSIDE),
    at("D-69", "Dovecot, a wrong password", "dovecot", password="guess"),
    at("D-99", "Dovecot, it may not read its passwords", "dovecot", user="down@real.example"),
    at("D-69", "OpenSMTPD, a wrong password", "opensmtpd", password="guess"),
    at("D-69", "Haraka, a wrong password", "haraka", password="guess"),
    ours("P-05", "Postern, an account without SMTP", CAROL),
    ours("D-98", "Postern, an account that is off", BOB),
    ours("D-107", "Postern, somebody else's sender", ALICE, options=("--from", BOB)),
    at("D-69", "Postern, a wrong password", "postern", user=ALICE, password="guess"),
]
