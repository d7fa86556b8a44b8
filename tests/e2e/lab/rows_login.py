"""Logins that are refused, in the words of the providers."""
import base64

from .case import PASSWORD, TOKEN, Case, Host, both
from .script import CLOSE, HANG, Last, Script

# Providers: the domain of an address, its server.
GMAIL = ("gmail.com", "smtp.gmail.com")
MICROSOFT = ("contoso.onmicrosoft.com", "smtp.office365.com")
MICROSOFT_MX = "0 contoso.mail.protection.outlook.com"
OUTLOOK = ("outlook.com", "smtp-mail.outlook.com")
YAHOO = ("yahoo.com", "smtp.mail.yahoo.com")
ICLOUD = ("icloud.com", "smtp.mail.me.com")
ZOHO = ("zohomail.com", "smtp.zoho.com")
GMX = ("gmx.net", "mail.gmx.net")
T_ONLINE = ("t-online.de", "securesmtp.t-online.de")
QQ = ("qq.com", "smtp.qq.com")
YANDEX = ("yandex.com", "smtp.yandex.com")
FASTMAIL = ("fastmail.com", "smtp.fastmail.com")
SENDGRID = ("", "smtp.sendgrid.net")
SES = ("", "email-smtp.eu-west-1.amazonaws.com")
MAILGUN = ("", "smtp.mailgun.org")


def refused(row, title, reply, provider=None, auth="PLAIN LOGIN", **more):
    """A server that gives this reply to every login."""
    script = Script(auth=auth, replies={"AUTH": reply})
    if not provider:
        return Case(row, title, [Host(both(script))], **more)
    domain, server = provider
    more.setdefault("user", f"anna@{domain}" if domain else "anna@{domain}")
    return Case(row, title, [Host(both(script), name=server)], who=f"anna@{domain}" if domain else server, domain=domain,
                names=(("{domain}", "MX", MICROSOFT_MX),) if provider is MICROSOFT else (), **more)


def lines(code, status, *rows):
    """As Google writes: each line repeats the status."""
    return "\n".join(f"{code}{'-' if i + 1 < len(rows) else ' '}{status} {row}" for i, row in enumerate(rows))


def microsoft(row, title, text, provider=MICROSOFT):
    return refused(row, title, f"535 5.7.139 Authentication unsuccessful, {text} [AM0PR06CA0101.eurprd06.prod.outlook.com "
                               "2026-01-12T09:11:12.345Z 08DE51A2]", provider, auth="LOGIN XOAUTH2")


def token_error(text):
    """What comes instead of success: the reason, as a challenge, and a refusal after an empty answer."""
    def reply(session, argument):
        session.send(b"334 " + base64.b64encode(text.encode()) + b"\r\n")
        session.line()
        return "535 5.7.8 Username and Password not accepted"
    return reply


def good_user_only(form):
    """Accounts of a server that knows users in this form only."""
    return {form: PASSWORD}


CASES = [
    refused("D-69", "a wrong password, in Postfix's words", "535 5.7.8 Error: authentication failed: (reason unavailable)"),
    refused("D-69", "a wrong password, in Exim's words", "535 Incorrect authentication data"),
    refused("D-68", "a wrong password, with LOGIN at Postfix", "535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6", auth="LOGIN"),
    Case("D-70", "the name alone, where the address is wanted", [Host(both())], who="{host}", user="anna",
         accounts={"anna@{domain}": PASSWORD}, options=("--from", "anna@{domain}")),
    refused("D-71", "a provider that wants app passwords", "535 5.7.0 Incorrect username or password", FASTMAIL),
    refused("D-71", "the way to log in is too weak", "534 5.7.9 Authentication mechanism is too weak"),
    refused("D-72", "Gmail: the usual password", lines(535, "5.7.8", "Username and Password not accepted. For more information, go to",
            "https://support.google.com/mail/?p=BadCredentials a640c23a62f3a-af9a5 - gsmtp"), GMAIL, auth="LOGIN PLAIN XOAUTH2 PLAIN-CLIENTTOKEN OAUTHBEARER XOAUTH"),
    refused("D-73", "Gmail: no app password", lines(534, "5.7.9", "Application-specific password required. For more information, go to",
            "https://support.google.com/mail/?p=InvalidSecondFactor 5b1f17b1804b1-4382e - gsmtp"), GMAIL),
    refused("D-74", "Gmail: sign in in a browser", lines(534, "5.7.14", "<https://accounts.google.com/signin/continue?sarp=1> Please log in",
            "via your web browser and then try again. Learn more at", "https://support.google.com/mail/?p=WebLoginRequired x - gsmtp"), GMAIL),
    refused("D-74", "Gmail: sign in in a browser, the older text", lines(534, "5.7.9", "Please log in with your web browser and then try again.",
            "https://support.google.com/mail/?p=WebLoginRequired x - gsmtp"), GMAIL),
    refused("D-75", "Gmail: too many logins", lines(454, "4.7.0", "Too many login attempts, please try again later. For more information,",
            "go to https://support.google.com/mail/answer/7126229 x - gsmtp"), GMAIL),
    refused("D-76", "Gmail: the token has expired", token_error('{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}'),
            GMAIL, auth="PLAIN XOAUTH2", token=True, password=TOKEN),
    microsoft("D-77", "Microsoft: switched off for the organisation", "SmtpClientAuthentication is disabled for the Tenant. "
              "Visit https://aka.ms/smtp_auth_disabled for more information."),
    microsoft("D-78", "Microsoft: switched off for the mailbox", "SmtpClientAuthentication is disabled for the Mailbox. "
              "Visit https://aka.ms/smtp_auth_disabled for more information."),
    microsoft("D-79", "Microsoft: security defaults", "user is locked by your organization's security defaults policy. "
              "Contact your administrator."),
    microsoft("D-80", "Microsoft: basic authentication is disabled", "basic authentication is disabled."),
    refused("D-80", "Microsoft: passwords have gone", "550 5.7.30 Basic authentication is not supported for Client Submission.",
            MICROSOFT, auth="LOGIN XOAUTH2"),
    microsoft("D-81", "Microsoft: conditional access", "the request did not meet the criteria to be authenticated successfully. "
              "Contact your administrator."),
    microsoft("D-82", "Microsoft: wrong password", "the user credentials were incorrect."),
    refused("D-82", "Microsoft: wrong password, the older text", "535 5.7.3 Authentication unsuccessful [AM0PR06CA0101.eurprd06.prod.outlook.com]",
            MICROSOFT, auth="LOGIN XOAUTH2"),
    microsoft("D-83", "Outlook.com: passwords ended in 2024", "the user credentials were incorrect.", OUTLOOK),
    refused("D-84", "Yahoo: locked", "535 5.7.0 (#AUTH005) Too many bad auth attempts.", YAHOO),
    refused("D-84", "Yahoo: no app password", "535 5.7.0 (#MBR1212) Incorrect username or password.", YAHOO),
    refused("D-85", "iCloud: no app password", "535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6", ICLOUD),
    refused("D-85", "iCloud: it asks for one", "534 5.7.9 Error: application-specific password required", ICLOUD),
    refused("D-86", "Zoho", "535 Authentication Failed", ZOHO),
    refused("D-87", "GMX", "535 Authentication credentials invalid", GMX),
    refused("D-88", "T-Online", "535 5.7.0 Authentication failed", T_ONLINE),
    refused("D-89", "QQ", "535 Login Fail. Please enter your authorization code to login. More information in https://service.mail.qq.com/detail/0/53", QQ),
    refused("D-90", "Yandex", "535 5.7.8 Error: authentication failed: This user does not have access rights to this service", YANDEX),
    refused("D-91", "SendGrid: bad user", "535 Authentication failed: Bad username / password", SENDGRID),
    refused("D-91", "SendGrid: bad key", "535 Authentication failed: The provided authorization grant is invalid, expired, or revoked",
            SENDGRID, user="apikey"),
    refused("D-92", "SendGrid: the plan is used up", "451 Authentication failed: Maximum credits exceeded", SENDGRID, user="apikey"),
    refused("D-93", "Amazon SES", "535 Authentication Credentials Invalid", SES),
    refused("D-95", "Mailgun", "535 5.7.0 Authentication failed", MAILGUN),
    Case("D-96", "a password outside ASCII, which the server reads in Latin-1", [Host(both(auth="PLAIN"))],
         password="Brücke über die Weser", accounts={"anna@{domain}": "Brücke über die Weser".encode("latin-1")}),
    refused("D-97", "banned for a while", Last("421 4.7.0 too many failed logins, try again in 15 minutes")),
    refused("D-98", "the account is disabled", "525 5.7.13 User account disabled"),
    refused("D-98", "the password has expired", "535 5.7.8 password expired"),
    refused("P-05", "no SMTP for this account", "535 5.7.8 SMTP not allowed for this account"),
    refused("D-99", "the database is down", "454 4.7.0 Temporary authentication failure: Connection lost to authentication server"),
    refused("D-99", "the database is down, in Exim's words", "435 Unable to authenticate at present"),
    refused("D-100", "it closes during the login", CLOSE),
    refused("D-100", "it never answers the login", HANG),
    Case("D-102", "SCRAM is offered, but has no verifier of the account", [Host(both(auth="SCRAM-SHA-256 PLAIN",
                                                                                           without_verifier=("SCRAM-SHA-256",)))],
         severity="warning"),
    refused("D-103", "the token is refused, and its issuer is named",
            token_error('{"status":"invalid_token","scope":"mail","openid-configuration":"https://id.example/.well-known/openid-configuration"}'),
            auth="OAUTHBEARER", token=True, password=TOKEN),
]
