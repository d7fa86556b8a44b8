"""What happens to the test mail after the server has taken it: a Maildir of the case gets it, with the trace that the
receiver's servers leave in its header."""
import email.utils
import time
import uuid


def received(by, sender, protocol="ESMTPS", ago=1.0):
    return (f"Received: from {sender} ({sender} [192.0.2.9]) by {by} with {protocol} id {uuid.uuid4().hex[:10]};\r\n"
            f"\t{email.utils.formatdate(time.time() - ago)}\r\n")


def results(spf="pass", dkim="pass", dmarc="pass", more=""):
    return (f"Authentication-Results: mx.receiver.example;\r\n\tspf={spf} smtp.mailfrom={{sender}};\r\n"
            f"\tdkim={dkim} header.d={{sender_domain}};\r\n\tdmarc={dmarc} header.from={{sender_domain}}{more}\r\n")


HEALTHY_HOPS = (("mx.receiver.example", "{host}", "ESMTPS", 1), ("{host}", "laptop.example", "ESMTPSA", 2))


def write(folder, content):
    for name in ("tmp", "new", "cur"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    name = f"{time.time():.6f}.{uuid.uuid4().hex}.lab"
    (folder / "tmp" / name).write_bytes(content)
    (folder / "tmp" / name).rename(folder / "new" / name)


def arrives(folder="", trace=results(), hops=HEALTHY_HOPS, copies=1, change=lambda content: content):
    """Delivers into this folder of the Maildir ("": the inbox), with this header on top."""
    def take(place, envelope, content):
        sender = envelope["sender"]
        header = "".join(received(by.format(**place), sender_host.format(**place), protocol, ago)
                         for by, sender_host, protocol, ago in hops)
        header = f"Return-Path: <{sender}>\r\n" + header + trace.format(sender=sender, sender_domain=sender.rpartition("@")[2])
        maildir = place["dir"] / "Maildir"
        write(maildir, b"From: old@other.example\r\nSubject: an older one\r\n\r\nNot the test.\r\n")
        where = maildir / f".{folder}" if folder else maildir
        if folder:
            write(where, b"From: old@other.example\r\nSubject: another\r\n\r\nNot the test.\r\n")
            (where / "maildirfolder").touch()
        for _ in range(copies):
            write(where, header.encode() + change(content))
    return take


def lost(place, envelope, content):
    """Taken, and never seen again; the mailbox exists."""
    write(place["dir"] / "Maildir", b"From: old@other.example\r\nSubject: an older one\r\n\r\nNot the test.\r\n")


def bounces(status, text):
    """A report that it could not be delivered, with the original's header."""
    def take(place, envelope, content):
        header = content.partition(b"\r\n\r\n")[0]
        report = (f"Return-Path: <>\r\nFrom: MAILER-DAEMON@{place['host']}\r\nTo: {envelope['sender']}\r\n"
                  "Subject: Undelivered Mail Returned to Sender\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
                  f"Content-Type: multipart/report; report-type=delivery-status; boundary=\"=_b\"\r\n\r\n"
                  "--=_b\r\n\r\nThis is the mail system. Your message could not be delivered.\r\n\r\n"
                  "--=_b\r\nContent-Type: message/delivery-status\r\n\r\n"
                  f"Reporting-MTA: dns; {place['host']}\r\n\r\nFinal-Recipient: rfc822; {envelope['recipients'][0]}\r\n"
                  f"Action: failed\r\nStatus: {status}\r\nDiagnostic-Code: smtp; {text}\r\n\r\n"
                  "--=_b\r\nContent-Type: text/rfc822-headers\r\n\r\n").encode() + header + b"\r\n\r\n--=_b--\r\n"
        write(place["dir"] / "Maildir", report)
    return take
