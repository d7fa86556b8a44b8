"""Servers with which nothing is wrong: the checker must say so."""
from . import mailbox
from .case import HEALTHY, TOKEN, Case, Host, both, every
from .rows_address import FILE, MX, PUBLISHED, SRV
from .rows_login import GMAIL
from .script import Script
from .web import Web, autoconfig


def healthy(title, hosts, **more):
    return Case(HEALTHY, title, hosts, **more)


CASES = [
    healthy("both ports", [Host(both())]),
    healthy("all ports", [Host(every())]),
    healthy("both families", [Host(both(), v6=True)]),
    healthy("STARTTLS only", [Host({587: Script()})]),
    healthy("SSL/TLS only", [Host({465: Script(tls="implicit")})]),
    healthy("port 587 as asked", [Host(both())], who="{host}:587", options=("--tls", "starttls")),
    healthy("the intermediate certificate is there", [Host(both(certificate="chained"))]),
    healthy("a key of RSA", [Host(both(certificate="good_rsa"))]),
    healthy("SCRAM", [Host(both(auth="SCRAM-SHA-256 PLAIN LOGIN"))]),
    healthy("PLAIN only", [Host(both(auth="PLAIN"))]),
    healthy("the settings file of the domain", [Host({**both(), 443: Web(
        {FILE: autoconfig("{domain}", ("{host}", 465, "SSL"), ("{host}", 587, "STARTTLS"))}, "implicit", names=("autoconfig.{domain}",))})],
        who="anna@{domain}", names=(MX, PUBLISHED)),
    healthy("SRV records", [Host(both())], who="anna@{domain}", names=(MX, SRV)),
    healthy("settings, names, login and envelope", [Host(both())], who="anna@{domain}", names=(MX, SRV), to="friend@elsewhere.example"),
    healthy("a usual name", [Host(both(), name="smtp.{domain}")], who="anna@{domain}", names=(MX,)),
    healthy("Gmail with an app password", [Host(both(auth="LOGIN PLAIN XOAUTH2"), name=GMAIL[1])], who="anna@gmail.com",
            user="anna@gmail.com", domain="gmail.com", names=(("gmail.com", "MX", "5 gmail-smtp-in.l.google.com"),)),
    healthy("without a login", [Host(both())], password=None),
    healthy("a token", [Host(both(auth="XOAUTH2 OAUTHBEARER"))], token=True, password=TOKEN),
    Case("D-60", "LOGIN only", [Host(both(auth="LOGIN"))], severity="ok"),
    healthy("a mail that arrives", [Host(both(on_message=mailbox.arrives()))], send=True, to="anna@{domain}",
            options=("--maildir", "{dir}/Maildir", "--wait", "5")),
]
