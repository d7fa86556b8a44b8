"""Tickets and tokens at the auth sockets: Postfix and Dovecot carry the exchanges of their clients, a real
KDC and a real issuer stand behind them. The configuration is that of docs/auth-socket.md."""
import base64
import imaplib
import json
import os
import pathlib
import pwd
import shutil
import smtplib
import tempfile
import time
import unittest

from harness import HOST, Authority, Postern, client_context, need, run, wait_for
from issuer import SECRET, Issuer, google
from kerberos import Client as Ticket
from kerberos import Kdc
from mutt import mutt, need_mutt_with_gssapi
from peers import Postfix
from test_auth_socket import Imap, block, plain, sockets
from test_auth_socket import Client as Lines
from test_mechanisms import documented

ANNA, BERTA = "anna@example.com", "berta@example.com"
PASSWORD = "not*asked*for"


class Outside(unittest.TestCase):
    """A KDC, an issuer, and a Postern with sockets for Postfix and Dovecot, where accounts have no use for
    their own passwords."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-outside-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.folder.chmod(0o755)
        cls.kdc = Kdc()
        cls.addClassCleanup(cls.kdc.close)
        cls.kdc.add_users("anna", "nobody")
        services = [f"{service}/localhost" for service in ("smtp", "imap", "pop", "sieve")]
        cls.kdc.admin(*(f"addprinc -randkey {s}" for s in services))
        cls.keytab = cls.kdc.keytab("postern", *services)
        cls.issuer = Issuer(cls.folder)
        cls.addClassCleanup(cls.issuer.close)
        cls.issuer.add("e", "ES256")
        (cls.folder / "secret").write_text(SECRET + "\n")

        cls.postfix = Postfix(cls.settings)
        cls.addClassCleanup(cls.postfix.__exit__)
        os.chown(cls.place, 0, pwd.getpwnam("postfix").pw_gid)
        cls.place.chmod(0o750)
        rows = sockets("Postfix", path={"/var/spool/postfix/postern/auth": str(cls.place / "auth")})
        rows += sockets("Dovecot", path={"/run/postern/imap": str(cls.folder / "imap"),
                                         "/run/postern/master": str(cls.folder / "master")})
        cls.server = Postern(
            {"domains": {"local": ["example.com"]},
             "auth": {"mechanisms": ["GSSAPI", "OAUTHBEARER", "XOAUTH2", "PLAIN"], "failure_delay": "10 ms",
                      "basic_passwords": False},
             "kerberos": {**documented("GSSAPI (Kerberos)")["kerberos"], "keytab": cls.keytab},
             "oauth": {**documented("Opaque tokens, and revocation: introspection")["oauth"], "issuer": cls.issuer.name,
                       "client_secret": cls.folder / "secret", "authorities": Authority.shared().ca},
             "auth_socket": rows}, accounts=(), start=False)
        cls.addClassCleanup(cls.server.__exit__, None, None, None)
        for account in (ANNA, BERTA):
            cls.server.add_account(account, PASSWORD)
        made = cls.server.cli("account", "app-password", "add", ANNA, "--label", "phone", "--json", check=True).stdout
        cls.phone = json.loads(made)["password"]
        cls.server.secrets.add((ANNA, cls.phone))
        cls.server.dir.chmod(0o755)
        cls.server.start()
        cls.anna = cls.kdc.tickets("anna")

    @classmethod
    def settings(cls, postfix):
        certificate, key = Authority.shared().issue("server")
        cls.place = postfix.dir / "spool" / "postern"
        cls.place.mkdir()
        own = dict(line.split(" = ", 1) for line in block("Postfix", "postfix").strip().splitlines())
        return {**own, "smtpd_tls_security_level": "may", "smtpd_tls_cert_file": certificate, "smtpd_tls_key_file": key}

    def token(self, account, **claims):
        token = self.issuer.token("e", account, **claims)
        self.issuer.about[token] = {"active": True}
        return token

    def gsasl(self, *more, env=None, service="smtp", port=None, ticket=None):
        tls = ["--starttls", f"--x509-ca-file={Authority.shared().ca}"] if service == "smtp" else ["--no-starttls"]
        done = run("gsasl", f"--{service}", f"--connect={HOST}:{port or self.postfix.port}", *tls, "--mechanism=GSSAPI",
                   "--hostname=localhost", f"--service={ticket or service}", "--quality-of-protection=qop-auth", "--verbose",
                   "--authentication-id=anna", *more, env=env or self.anna, input="")
        return done.stdout + done.stderr

    # Postfix

    def test_postfix_and_gsasl_with_a_ticket(self):
        need("gsasl")
        self.assertIn("235 2.7.0", self.gsasl())
        self.assertIn("235 2.7.0", self.gsasl(f"--authorization-id={ANNA}"))
        self.server.wait_log(r"login .*account=anna@example\.com mechanism=GSSAPI credential=ticket .*service=smtp")
        # Somebody else; and a ticket of nobody here.
        self.assertIn("535 5.7.8", self.gsasl(f"--authorization-id={BERTA}"))
        self.server.wait_log("refused .*the authorization identity is someone else")
        self.assertIn("535 5.7.8", self.gsasl(env=self.kdc.tickets("nobody")))

    def test_postfix_and_cyrus_sasl_with_a_ticket(self):
        need_mutt_with_gssapi()
        command, home = mutt(self.server.dir, f"smtp://anna@localhost:{self.postfix.port}", "gssapi", ANNA)
        command += ["x", "--", "friend@remote.test"]
        done = run(*command, env={**self.anna, **home}, input="Hello.\n")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr + self.postfix.log())
        self.assertIn("sasl_method=GSSAPI, sasl_username=anna@example.com", self.postfix.log())
        self.assertNotEqual(run(*command, env={**self.kdc.environment, **home}, input="Hello.\n").returncode, 0)

    def test_postfix_and_tokens(self):
        need("curl")
        for token, good in ((self.token(ANNA), True), (self.issuer.opaque("mF_9.B5f", ANNA), True),
                            (self.token(ANNA, exp=int(time.time()) - 300), False), (self.token(BERTA), False)):
            done = run("curl", "-sSv", "--crlf", f"smtp://localhost:{self.postfix.port}", "--ssl-reqd", "--cacert",
                       Authority.shared().ca, "--user", f"{ANNA}:", "--login-options", "AUTH=OAUTHBEARER",
                       "--oauth2-bearer", token, "--mail-from", ANNA, "--mail-rcpt", "friend@remote.test", "-T", "-",
                       input="Subject: x\n\nx\n")
            self.assertEqual(done.returncode == 0, good, done.stderr)
            self.assertIn("235 " if good else "535 5.7.8", done.stderr)
            with smtplib.SMTP(HOST, self.postfix.port, timeout=30) as client:
                client.starttls(context=client_context(verify=False))
                client.ehlo()
                code, text = client.docmd("AUTH", f"XOAUTH2 {google(token, ANNA)}")
                if not good:
                    self.assertEqual((code, json.loads(base64.b64decode(text))["status"]), (334, "401"))
                    code, text = client.docmd("")
                self.assertEqual(code, 235 if good else 535, text)
        self.server.wait_log(r"login .*mechanism=OAUTHBEARER credential=token .*service=smtp")
        self.server.wait_log(r"login .*mechanism=XOAUTH2 credential=token .*service=smtp")

    def test_postfix_and_basic_passwords_off(self):
        with smtplib.SMTP(HOST, self.postfix.port, timeout=30) as client:
            client.starttls(context=client_context(verify=False))
            client.ehlo()
            # PLAIN is there for app passwords.
            self.assertEqual(client.esmtp_features["auth"].split(), ["GSSAPI", "OAUTHBEARER", "XOAUTH2", "PLAIN"])
            with self.assertRaises(smtplib.SMTPAuthenticationError) as refused:
                client.login(ANNA, PASSWORD)
            self.assertEqual(refused.exception.smtp_code, 535)
            self.server.wait_log(r"refused .*rule=auth-app-password-needed .*account=anna@example\.com")
            self.assertEqual(client.login(ANNA, self.phone)[0], 235)
        need("gsasl")
        self.assertIn("235 2.7.0", self.gsasl())

    # Dovecot

    def test_dovecot_with_tickets_and_tokens(self):
        need("gsasl", "curl")
        config = block("Dovecot", "dovecot").replace("/run/postern", str(self.folder)).replace("= postern", "= mail")
        config = config.replace("first_valid_uid = 100", "first_valid_uid = 1").replace("/var/mail", f"{self.folder}/mail")
        (self.folder / "mail").mkdir()
        shutil.chown(self.folder / "mail", "mail", "mail")
        with Imap(config) as dovecot:
            # A mail program asks for a ticket of imap/HOST; one of smtp/HOST is for another service.
            said = self.gsasl(service="imap", port=dovecot.port)
            self.assertRegex(said, r"OK.*Logged in", said + dovecot.log())
            self.server.wait_log(r"login .*account=anna@example\.com mechanism=GSSAPI credential=ticket .*service=imap")
            said = self.gsasl(service="imap", port=dovecot.port, ticket="smtp")
            self.assertIn("AUTHENTICATIONFAILED", said)
            self.server.wait_log("the ticket is for another service")
            for token, good in ((self.token(ANNA), True), (self.token(BERTA), False)):
                done = run("curl", "-sv", f"imap://{HOST}:{dovecot.port}/", "--user", f"{ANNA}:", "--login-options",
                           "AUTH=OAUTHBEARER", "--oauth2-bearer", token, "-X", "NOOP")
                self.assertEqual(done.returncode == 0, good, done.stderr + dovecot.log())
                # curl takes OAUTHBEARER where there is a choice.
                with imaplib.IMAP4(HOST, dovecot.port) as imap:
                    if good:
                        self.assertEqual(imap.authenticate("XOAUTH2", lambda _: base64.b64decode(google(token, ANNA)))[0], "OK")
                        continue
                    told = []

                    def respond(challenge):
                        told.append(challenge)
                        return base64.b64decode(google(token, ANNA)) if len(told) == 1 else b""
                    with self.assertRaisesRegex(imaplib.IMAP4.error, "AUTHENTICATIONFAILED"):
                        imap.authenticate("XOAUTH2", respond)
                    self.assertEqual(json.loads(told[1])["status"], "401")
            self.server.wait_log(r"login .*mechanism=OAUTHBEARER credential=token .*service=imap")
            self.server.wait_log(r"login .*mechanism=XOAUTH2 credential=token .*service=imap")
            # Basic passwords are off for mailboxes, too.
            done = run("curl", "-sv", f"imap://{HOST}:{dovecot.port}/", "--user", f"{ANNA}:{PASSWORD}", "--login-options",
                       "AUTH=PLAIN", "-X", "NOOP")
            self.assertNotEqual(done.returncode, 0)

    # the protocol

    def test_an_exchange_that_is_given_up_or_goes_wrong(self):
        with Lines(self.place / "auth") as c:
            self.assertIn(["GSSAPI", "mutual-auth"], c.said["MECH"])
            c.auth("GSSAPI", secured=False)
            self.assertEqual(c.line(), ["CONT", str(c.last), ""])
            self.assertEqual(c.go_on(b"no token")[0], "FAIL")
            c.auth("GSSAPI", secured=False)
            c.line()
            c.send(f"CANCEL\t{c.last}")
            self.assertEqual(c.ask("GSSAPI", response="YGFiYw==")[0], "FAIL")
            # What shows a secret is taken under TLS only.
            self.assertEqual(c.ask("XOAUTH2", response="YQ==", secured=False)[0], "FAIL")
            self.assertEqual(c.ask("PLAIN", response=plain(ANNA, PASSWORD))[0], "FAIL")

    def test_each_service_has_tickets_of_its_own(self):
        for service, ticket, good in (("smtp", "smtp", True), ("submission", "smtp", True), ("imap", "imap", True),
                                      ("pop3", "pop", True), ("sieve", "sieve", True), ("smtp", "imap", False),
                                      ("imap", "smtp", False), ("pop3", "imap", False), ("pop3", "smtp", False),
                                      ("sieve", "imap", False), ("lmtp", "pop", False)):
            with self.subTest(service=service, ticket=ticket), Lines(self.place / "auth") as c:
                client = Ticket(self.anna, f"{ticket}@localhost")
                c.auth("GSSAPI", service=service)
                c.line()
                answer = c.go_on(client.step())
                self.assertEqual(answer[0], "CONT" if good else "FAIL", answer)
                if not good:
                    continue
                client.step(base64.b64decode(answer[2]))
                answer = c.go_on(b"")
                client.unwrap(base64.b64decode(answer[2]))
                # No security layer (RFC 4752 section 3.1), and nobody else.
                answer = c.go_on(client.wrap(b"\1\0\0\0"))
                self.assertEqual(answer, ["OK", str(c.last), f"user={ANNA}"])

    def test_no_keytab_is_not_now(self):
        hidden = self.keytab.with_suffix(".hidden")
        with Lines(self.place / "auth") as c:
            self.keytab.rename(hidden)
            try:
                status = self.server.cli("status", check=True).stdout
                self.assertRegex(status, rf"kerberos   {self.keytab}  down: .*No such file")
                c.auth("GSSAPI", secured=False)
                c.line()
                answer = c.go_on(b"\x60\x61abc")
                self.assertIn("temp", answer)
            finally:
                hidden.rename(self.keytab)
        status = self.server.cli("status", check=True).stdout
        self.assertRegex(status, rf"kerberos   {self.keytab}  up: .*smtp/localhost@EXAMPLE\.COM")
        self.assertRegex(status, rf"issuer     {self.issuer.name}  up: 1 key, \d+ (s|min) old; it can be asked about tokens")

        def offers():
            with Lines(self.place / "auth") as c:
                return ["GSSAPI", "mutual-auth"] in c.said["MECH"]
        wait_for(offers, "GSSAPI to be offered again")


if __name__ == "__main__":
    unittest.main()
