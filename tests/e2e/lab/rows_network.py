"""Names, addresses, ports, and who stands in between."""
from .case import Case, Host, both, every
from .network import NOWHERE
from .script import CLOSE, Other, Script
from .web import Page, Web

IMAP = Other(b"* OK IMAP4rev1 ready\r\n", b"* BAD what?\r\n")
SITE = Web({}, catch_all=Page("welcome", "text/html"))
SECURE_SITE = Web({}, "implicit", catch_all=Page("welcome", "text/html"))
PORTAL = Web({}, catch_all=Page("sign in", "text/html", "302 Found", "Location: http://login.hotel.example/\r\n"))
MAIL_PORTS = (25, 465, 587, 2525)


def resolves_to(row, title, value, kind="A"):
    return Case(row, title, who="smtp.{domain}", names=(("smtp.{domain}", kind, value),))


CASES = [
    Case("D-15", "a server name that does not exist", [Host(both(), name="smtp.{domain}")], who="smpt.{domain}"),
    Case("D-16", "the name server fails", who="smtp.{domain}", broken=("{domain}",)),
    Case("D-17", "no name server answers", who="smtp.{domain}", dns=f"{NOWHERE}:53"),
    resolves_to("D-18", "a name that leads to 0.0.0.0", "0.0.0.0"),
    resolves_to("D-18", "a name that leads to this machine", "127.0.0.1"),
    resolves_to("D-18", "a name that leads to a private address", "192.168.178.1"),
    Case("D-19", "the incoming server", [Host({143: IMAP, 993: Other(IMAP.first, IMAP.answer, "implicit")}, name="imap.{domain}")],
         who="imap.{domain}"),
    Case("D-19", "a web address", [Host({80: SITE, 443: SECURE_SITE}, name="www.{domain}")], who="https://www.{domain}/mail"),
    Case("D-20", "port 25 is silent, the others are open", [Host(every(), stopped=(("drop", 25),))], who="{host}:25"),
    Case("D-21", "port 587 is silent, 465 is open", [Host(both(), stopped=(("drop", 587),))], who="{host}:587"),
    Case("D-22", "all mail ports are silent, the web is open",
         [Host({**every(), 443: SECURE_SITE, 80: SITE}, stopped=(("drop", *MAIL_PORTS),))]),
    Case("D-23", "nothing listens at any port of mail", [Host({80: SITE})]),
    Case("D-23", "a firewall resets all connections to ports of mail", [Host(every(), stopped=(("refused", *MAIL_PORTS),))]),
    Case("P-210", "a name without an address", who="smtp.{domain}", names=(("smtp.{domain}", "TXT", "only a word"),)),
    Case("P-211", "port 465 is silent, 587 is open", [Host(both(), stopped=(("drop", 465),))], who="{host}:465"),
    Case("P-212", "all ports are silent", [Host(every(), stopped=(("drop",),))]),
    Case("P-213", "no way to its network", who="smtp.{domain}", names=(("smtp.{domain}", "AAAA", "3fff::1"),)),
    Case("P-214", "the port is closed, another one is open", [Host({465: Script(tls="implicit")})], who="{host}:587"),
    Case("D-24", "nobody listens at the IPv6 address", [Host(every(), v6=True, services6={})], severity="warning"),
    Case("D-24", "nobody listens at the IPv4 address", [Host({}, v6=True, services6=every())], severity="warning"),
    Case("D-25", "a firewall forbids it", [Host(every(), stopped=(("prohibited", *MAIL_PORTS),))]),
    Case("D-26", "packets to the IPv6 address get lost", [Host(every(), v6=True, stopped=(("drop6", *MAIL_PORTS),))],
         severity="warning"),
    Case("D-27", "the web host answers in the provider's place",
         [Host(both(banner="host7.webspace.example ESMTP Exim 4.96 We do not authorize the use of this system to transport "
                           "unsolicited, and/or bulk e-mail.", names=("host7.webspace.example",),
                    certificate="good"), name="smtp.gmail.com")],
         who="anna@gmail.com", user="anna@gmail.com"),
    Case("D-28", "port 25 is silent on a machine in a cloud", [Host(every(), stopped=(("drop", 25),))], who="{host}:25",
         vendor="Amazon EC2"),
    Case("D-29", "an antivirus program is in between", [Host(both(certificate="avast"))]),
    Case("D-30", "a hotel's sign-in page is in between",
         [Host({**{port: Script(replies={"connect": CLOSE}) for port in MAIL_PORTS}, 80: PORTAL})], options=("--captive-portal",)),
]
