"""Mail that was taken: where it went, and what the receiver made of it."""
import re

from . import mailbox
from .case import Case, Host, both
from .mailbox import arrives, results
from .script import Other


def sent(row, title, on_message, wait="2", **more):
    more.setdefault("options", ("--maildir", "{dir}/Maildir", "--wait", wait))
    return Case(row, title, [Host(both(on_message=on_message))], send=True, to="anna@{domain}", **more)


def warned(row, title, on_message, **more):
    return sent(row, title, on_message, severity="warning", **more)


def noted(row, title, on_message, **more):
    return sent(row, title, on_message, severity="ok", **more)


def dated(content):
    """The clock of the machine that wrote it is hours off."""
    return re.sub(rb"(?im)^Date: .*\r$", b"Date: Mon, 05 Jan 2026 03:04:05 +0000\r", content)


def hops(protocol="ESMTPS", delay=1):
    return (("mx.receiver.example", "{host}", protocol, 1), ("{host}", "laptop.example", "ESMTPSA", 1 + delay))


IMAP_REFUSES = Other(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] ready\r\n", tls="implicit")

CASES = [
    warned("P-240", "it never arrives", mailbox.lost),
    sent("D-123", "it comes back", mailbox.bounces("5.1.1", "550 5.1.1 <anna@elsewhere.example>: no such user")),
    warned("D-124", "it is in the junk folder", arrives("Junk")),
    warned("D-125", "a filter rule moved it", arrives("Shopping")),
    warned("D-127", "SPF fails", arrives(trace=results(spf="fail"))),
    warned("D-127", "SPF can't be evaluated", arrives(trace=results(spf="permerror"))),
    warned("D-128", "the DKIM signature does not fit", arrives(trace=results(dkim="fail (body hash did not verify)"))),
    noted("D-128", "it is not signed", arrives(trace=results(dkim="none"))),
    warned("D-129", "DMARC fails", arrives(trace=results(spf="pass", dkim="pass", dmarc="fail (p=REJECT)"))),
    warned("D-132", "it took minutes", arrives(hops=hops(delay=300))),
    noted("D-133", "the last hop was not encrypted", arrives(hops=hops("ESMTP"))),
    warned("D-134", "its date is wrong", arrives(change=dated)),
    warned("D-135", "it came twice", arrives(copies=2)),
]
