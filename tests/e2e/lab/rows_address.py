"""Addresses, and the settings that belong to them."""
import base64
import json

from .case import Case, Host, both
from .script import Script
from .web import Page, Web, autoconfig

MX = ("{domain}", "MX", "10 {host}")
SRV = ("_submissions._tcp.{domain}", "SRV", "0 1 465 {host}")
FILE = "autoconfig.{domain}/mail/config-v1.1.xml"
PUBLISHED = ("autoconfig.{domain}", "A", "{v4}")


def with_web(page=None, certificate="good", port=443, **more):
    """A healthy server whose domain publishes a file with its settings at the same address."""
    web = Web({FILE: page} if page else {}, "implicit" if port == 443 else "none", certificate, ("autoconfig.{domain}",), **more)
    return [Host({**both(), port: web})]
GMAIL = [Host(both(), name="smtp.gmail.com")]


def typed(row, title, who, **more):
    return Case(row, title, who=who, user="", password=None, **more)


CASES = [
    typed("D-01", "two @", "anna@@{domain}"),
    typed("D-01", "nothing before the @", "@{domain}"),
    typed("D-01", "nothing behind the @", "anna@"),
    typed("D-01", "a blank inside", "anna maria@{domain}"),
    typed("D-02", "a dot at the end", "anna@{domain}.", hosts=[Host(both())], names=(MX, SRV)),
    typed("D-02", "a comma for a dot", "anna@gmail,com", hosts=GMAIL),
    typed("D-02", "the ending .con", "anna@gmail.con", hosts=GMAIL),
    typed("D-02", "letters of double width", "anna@gmail\uff0ecom", hosts=GMAIL),
    Case("D-03", "an address with letters outside ASCII, and no SMTPUTF8", [Host(both(extensions=("SIZE 1000000", "8BITMIME")))],
         who="jürgen@{domain}", user="jürgen@{domain}", names=(MX, SRV)),
    typed("D-04", "a domain that does not exist", "anna@nobody-has-this-name.example"),
    typed("D-04", "the name of a known provider, misspelt", "anna@gmial.com"),
    typed("D-05", "a domain that says it takes no mail", "anna@{domain}", names=(("{domain}", "MX", "0 ."),)),
    typed("D-05", "a domain without mail servers and addresses", "anna@{domain}", names=(("{domain}", "TXT", "only a word"),)),
    Case("D-06", "nobody publishes settings, and nothing answers at the usual names", [Host({25: Script()}, name="in.elsewhere-{domain}")],
         who="anna@{domain}", names=(MX,)),
    Case("D-07", "the settings file is a web page", with_web(Page("<!doctype html><title>Welcome</title><p>Home", "text/html")),
         who="anna@{domain}", names=(MX, SRV, PUBLISHED)),
    Case("D-07", "the settings file is cut off", with_web(Page('<?xml version="1.0"?><clientConfig version="1.1"><emailProvider')),
         who="anna@{domain}", names=(MX, SRV, PUBLISHED)),
    Case("D-08", "the settings file comes over http only",
         with_web(autoconfig("{domain}", ("{host}", 465, "SSL")), port=80),
         who="anna@{domain}", names=(MX, PUBLISHED)),
    Case("D-09", "the settings file and the DNS name different servers",
         [Host({**both(), 443: Web({FILE: autoconfig("{domain}", ("{host_b}", 587, "STARTTLS"))}, "implicit",
                                   names=("autoconfig.{domain}",))}), Host(both(), name="old.{domain}")],
         who="anna@{domain}", names=(MX, SRV, PUBLISHED)),
    Case("D-10", "the DNS says that there is no submission", who="anna@{domain}", hosts=[Host({25: Script(auth="")}, name="in.elsewhere-{domain}")],
         names=(MX, ("_submissions._tcp.{domain}", "SRV", "0 0 0 ."), ("_submission._tcp.{domain}", "SRV", "0 0 0 ."))),
    Case("D-11", "the mail servers are those of a big provider", [Host(both(), name="smtp.gmail.com")], who="anna@{domain}",
         names=(("{domain}", "MX", "1 aspmx.l.google.com"), ("{domain}", "MX", "5 alt1.aspmx.l.google.com")), severity="ok"),
    Case("D-14", "a document with settings that is not the one whose digest the DNS has", [Host({**both(), 443: Web(
         {"ua-auto-config.{domain}/.well-known/user-agent-configuration.json": Page(
             json.dumps({"protocols": {"smtp": {"host": "smtp.somebody-else.example"}}}), "application/json")},
         "implicit", names=("ua-auto-config.{domain}",))})],
         who="anna@{domain}", names=(MX, SRV, ("ua-auto-config.{domain}", "A", "{v4}"), (
             "_ua-auto-config.{domain}", "TXT", "v=UAAC1; a=sha256; d=" + base64.b64encode(bytes(32)).decode()))),
    Case("D-12", "a provider without SMTP", who="anna@tutanota.com", user="anna@tutanota.com",
         names=(("tutanota.com", "MX", "10 mail.tutanota.de"),)),
]
