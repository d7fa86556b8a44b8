"""Senders, recipients and messages that are refused."""
from .case import Case, Host, both
from .rows_login import GMAIL, GMX, ICLOUD, MICROSOFT, MICROSOFT_MX, SENDGRID, SES, ZOHO
from .script import HANG, Script

OUTSIDE = "friend@elsewhere.example"


def at(step, row, title, reply, provider=None, **more):
    """A server that takes the login, and gives this reply at the step."""
    script = Script(replies={step: reply, **more.pop("replies", {})}, **more.pop("script", {}))
    more.setdefault("to", OUTSIDE)
    more.setdefault("send", step in ("DATA", "end"))
    if not provider:
        return Case(row, title, [Host(both(script))], **more)
    domain, server = provider
    user = f"anna@{domain}" if domain else "anna@{domain}"
    return Case(row, title, [Host(both(script), name=server)], who=user if domain else server, domain=domain, user=user,
                names=(("{domain}", "MX", MICROSOFT_MX),) if provider is MICROSOFT else (), **more)


def without_login(row, title, reply, provider=None, step="MAIL"):
    """A mail program whose login is switched off."""
    return at(step, row, title, reply, provider, password=None)


CASES = [
    without_login("D-104", "no login", "530 5.7.0 Authentication required"),
    without_login("D-104", "no login, in Exchange's words", "530 5.7.1 Client was not authenticated"),
    without_login("D-104", "no login, at Gmail", "530-5.7.0 Authentication Required. For more information, go to\n"
                  "530 5.7.0 https://support.google.com/accounts/troubleshooter/2402620 x - gsmtp", GMAIL),
    without_login("D-105", "no login, at Microsoft", "530 5.7.57 Client not authenticated to send mail. [AM0PR06CA0101.eurprd06.prod.outlook.com]", MICROSOFT),
    without_login("D-94", "no login, at Amazon SES", "530 Authentication required", SES),
    without_login("D-110", "no login, and relaying is denied, in Postfix's words", "554 5.7.1 <friend@elsewhere.example>: Relay access denied", step="RCPT"),
    without_login("D-110", "no login, in Exim's words", "550 relay not permitted", step="RCPT"),
    without_login("D-110", "no login, in Exchange's words", "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain", step="RCPT"),
    without_login("D-110", "no login, in qmail's words", "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", step="RCPT"),
    at("MAIL", "D-106", "Microsoft: not this sender", "550 5.7.60 SMTP; Client does not have permissions to send as this sender", MICROSOFT),
    at("end", "D-106", "Microsoft: not this sender, after the message", "554 5.2.252 SendAsDenied; anna@contoso.onmicrosoft.com not allowed to send as "
       "boss@contoso.onmicrosoft.com; STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied", MICROSOFT),
    at("MAIL", "D-107", "the sender is somebody else's, in Postfix's words",
       "553 5.7.1 <boss@other.example>: Sender address rejected: not owned by user anna", options=("--from", "boss@other.example")),
    at("MAIL", "D-107", "the sender is somebody else's, at Zoho", "553 Relaying disallowed as boss@other.example", ZOHO,
       options=("--from", "boss@other.example")),
    at("MAIL", "D-107", "the sender is somebody else's, at GMX", "550 Sender address is not allowed.", GMX, options=("--from", "boss@other.example")),
    at("MAIL", "D-107", "the sender is somebody else's, at iCloud", "550 5.7.0 From address is not one of your addresses", ICLOUD,
       options=("--from", "boss@other.example")),
    at("end", "D-108", "SendGrid: an unverified sender", "550 The from address does not match a verified Sender Identity. Mail cannot be sent until this "
       "error is resolved.", SENDGRID),
    at("end", "D-109", "Amazon SES: an unverified address", "554 Message rejected: Email address is not verified. The following identities failed the "
       "check in region EU-WEST-1: anna@example.org", SES),
    at("MAIL", "D-111", "the sender has no domain", "501 5.1.7 Bad sender address syntax"),
    at("MAIL", "D-112", "the sender's domain has no DNS", "450 4.1.8 <anna@nowhere.example>: Sender address rejected: Domain not found"),
    at("MAIL", "D-112", "the sender's domain has no DNS, in other words", "553 5.1.8 Domain of sender address does not exist"),
    at("RCPT", "D-113", "nobody has this address", "550 5.1.1 <friend@elsewhere.example>: Recipient address rejected: User unknown in virtual mailbox table"),
    at("RCPT", "P-241", "the mailbox is full", "452 4.2.2 <friend@elsewhere.example>: Recipient address rejected: Mailbox full"),
    Case("P-229", "mail is carried for anybody", [Host(both(login_needed=False))], options=("--outside", OUTSIDE), severity="warning"),
    at("RCPT", "D-114", "greylisted", "450 4.2.0 <friend@elsewhere.example>: Recipient address rejected: Greylisted, see http://postgrey.example/"),
    at("RCPT", "D-115", "too many recipients", "452 4.5.3 Error: too many recipients"),
    at("end", "D-115", "Gmail: the day's limit", "550-5.4.5 Daily user sending limit exceeded. For more information on Gmail\n"
       "550 5.4.5 sending limits go to https://support.google.com/a/answer/166852 x - gsmtp", GMAIL),
    at("end", "D-115", "Microsoft: too much at once", "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded", MICROSOFT),
    at("end", "D-115", "Amazon SES: too fast", "454 Throttling failure: Maximum sending rate exceeded", SES),
    at("MAIL", "D-115", "a limit like ours", "450 4.7.1 sending limit reached, try again in 52 minutes"),
    at("MAIL", "D-116", "the message is too large", "552 5.3.4 Message size exceeds fixed limit"),
    at("end", "D-117", "taken for spam", "554 5.7.1 [HM08] Message rejected as spam"),
    at("end", "D-117", "Zoho: unusual activity", "550 5.4.6 Unusual sending activity detected. Please try after sometime", ZOHO),
    at("end", "D-117", "Microsoft: a bad sender", "550 5.1.8 Access denied, bad outbound sender AS(42004)", MICROSOFT),
    at("end", "P-45", "a header field is missing", "550 5.7.1 Missing Message-ID header"),
    at("end", "D-118", "a bare line end", "521 5.5.2 bare <LF> received"),
    at("MAIL", "D-119", "it announces a parameter that it does not take", "555 5.5.4 Unsupported option: SIZE=2000"),
    at("end", "D-120", "no answer after the final dot", HANG),
    at("end", "D-129", "Gmail: neither SPF nor DKIM", "550-5.7.26 This mail has been blocked because the sender is unauthenticated.\n"
       "550 5.7.26 Gmail requires all senders to authenticate with either SPF or DKIM. x - gsmtp", GMAIL),
    at("end", "D-130", "no name for the address", "550 5.7.25 The IP address sending this message does not have a PTR record setup"),
    at("RCPT", "D-131", "on a list", "554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.spamhaus.example"),
    at("MAIL", "D-121", "Microsoft: old TLS", "421 4.7.66 TLS 1.0 and 1.1 are not supported. Please upgrade/update your client to support TLS 1.2.", MICROSOFT),
]
