"""What a server says and does. A script gives for each step what is different from a healthy server: a reply
(text), or something worse, or a function of the session and the argument that gives one of these.

Steps: connect, EHLO, HELO, STARTTLS, AUTH, "AUTH PLAIN" (or another mechanism), MAIL, RCPT, DATA, end (the final
dot), RSET, NOOP, QUIT, VRFY. "MAIL in clear", "EHLO in clear" and so on: before TLS only."""
import dataclasses
from typing import Any


HANG = object()  # says nothing any more and keeps the connection
CLOSE = object()  # closes it without a word
RESET = object()  # resets it


@dataclasses.dataclass
class Raw:
    """These octets as they are; with `times`, so often."""
    octets: bytes
    times: int = 1


@dataclasses.dataclass
class Late:
    """The same, after so many seconds."""
    seconds: float
    then: Any = None


@dataclasses.dataclass
class Last:
    """A reply, after which it closes."""
    text: str


MEGABYTES = Raw(b"220-" + b"x" * 65532, 256)  # 16 MiB of greeting without a line end


@dataclasses.dataclass
class Script:
    """One service. `tls`: starttls, implicit, or none. `certificate`: a kind of certificates.Forge, and `names` those
    in it (those of the host when empty). `context`: changes the server's ssl.SSLContext."""
    tls: str = "starttls"
    certificate: str = "good"
    names: tuple = ()
    context: Any = None
    banner: str = "{host} ESMTP ready"
    extensions: tuple = ("SIZE 52428800", "8BITMIME", "PIPELINING", "ENHANCEDSTATUSCODES", "SMTPUTF8")
    auth: str = "PLAIN LOGIN"  # the mechanisms, or lines that start with AUTH, as they are
    auth_in_clear: bool = False
    accounts: dict = dataclasses.field(default_factory=dict)  # user to password; those of the case when empty
    without_verifier: tuple = ()  # mechanisms for which it has no secret of any account, though it offers them
    refusal: str = "535 5.7.8 Error: authentication failed"
    login_needed: bool = True
    own_domains: tuple = ()  # for which it takes mail without a login
    replies: dict = dataclasses.field(default_factory=dict)
    on_message: Any = None  # called with the envelope and the content of what it took

    def but(self, **changes):
        return dataclasses.replace(self, **changes)


@dataclasses.dataclass
class Other:
    """A service that is no SMTP: `first` is what it says, `answer` what it says to whatever it hears."""
    first: bytes = b""
    answer: bytes = b""
    tls: str = "none"
    certificate: str = "good"
    names: tuple = ()
    context: Any = None
