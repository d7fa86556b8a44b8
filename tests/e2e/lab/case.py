"""One failure: its servers, its names, its firewall, what is asked of the checker, and the true cause.

In text, {domain} is the case's own domain, {host}, {v4} and {v6} are those of its first host, {host_b}, {v4_b} and
{v6_b} of its second one, and so on."""
import dataclasses
import re
import string
from typing import Any

from .script import Script

PASSWORD = "Under the 3 hazel trees"
TOKEN = "ya29.a0AfB_byC-hazel"
HEALTHY = "ok"  # in place of a row: there is nothing wrong


@dataclasses.dataclass
class Host:
    """`services` maps ports to scripts. `stopped`: (how, ports...) of Firewall.stop; how "drop6" and so on: for its IPv6
    address only. `boxed`: (box of middle.py, ports...): what passes through it."""
    services: dict = dataclasses.field(default_factory=dict)
    name: str = "mail.{domain}"
    v6: bool = False
    services6: Any = None  # when other ones answer there
    stopped: tuple = ()
    boxed: tuple = ()
    small: int = 0  # packets larger than this get lost on their way from it
    known: bool = True  # the name server knows its address


@dataclasses.dataclass
class Case:
    row: str
    title: str
    hosts: list = dataclasses.field(default_factory=list)
    who: str = "{host}"
    domain: str = ""  # default: one of its own
    user: str = "anna@{domain}"
    password: Any = PASSWORD  # None: no login is tried
    accounts: Any = None  # what servers know; default: the user with that password
    options: tuple = ()
    to: str = ""
    send: bool = False
    names: tuple = ()  # (name, kind, value) each
    broken: tuple = ()  # domains for which the name server fails
    dns: str = ""  # default: the case's name server
    prepare: Any = None  # called with the running lab and the case before the checker; place["config"]: of our own server
    severity: str = ""  # failure, warning; ok: a note beside a healthy verdict. Default: whichever
    vendor: str = ""  # who made the machine that the checker runs on, as its firmware says
    token: bool = False  # the password is an access token
    place: dict = dataclasses.field(default_factory=dict)  # what the placeholders stand for

    def text(self, template):
        return re.sub(r"\{(\w+)\}", lambda m: str(self.place.get(m[1], m[0])), template)


def both(script=None, **changes):
    """A submission service at its two ports."""
    script = (script or Script()).but(**changes)
    return {465: script.but(tls="implicit"), 587: script}


def every(script=None, **changes):
    """At all ports that carry submission."""
    script = (script or Script()).but(**changes)
    return {25: script, 465: script.but(tls="implicit"), 587: script, 2525: script}


def letters(index):
    return "" if index == 0 else "_" + string.ascii_lowercase[index]
