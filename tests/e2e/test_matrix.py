"""Every password mechanism with every back end that can serve it, by other people's programs.
One server that knows users from everywhere: its own database, a file, PAM, a real Dovecot, a
real slapd (both ways), a real PostgreSQL. Tokens and certificates say who somebody is, so they
work with whoever the server can look up."""
import pathlib
import shutil
import tempfile
import unittest

from harness import HOST, NAME, Authority, Postern, free_ports, message, need, run, token
from mutt import mutt
from postgresql import PostgreSQL
from test_backends import SESAME as PASSWORD, DovecotAuth, PamService, example
from test_ldap import FETCH_ACCESS, Slapd, hashed, person
from test_mechanisms import Issuer, People
from test_postgresql import TABLES, quoted, scram_keys, user

HASHES = ["SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1"]
MECHANISMS = [f"{h}{plus}" for h in HASHES for plus in ("-PLUS", "")] + ["PLAIN", "LOGIN", "CRAM-MD5"]
# What GNU SASL of Debian 12 can do, and with it msmtp and mutt.
OF_GSASL = [m for m in MECHANISMS if not m.startswith("SCRAM-SHA-512")]
BARE = ["PLAIN", "LOGIN"]
KEYED = [m for m in OF_GSASL if m.startswith("SCRAM-SHA-256")] + BARE

# Where users come from, and with what they can log in.
SERVED = {
    "database": OF_GSASL,
    "files": KEYED,
    "fetch": KEYED,
    "postgresql": KEYED,
    "bind": BARE,
    "dovecot": BARE,
    "pam": BARE,
}
# Those whom the server can look up without their password.
LOOKED_UP = ["database", "files", "fetch", "postgresql", "bind"]


def ann(place):
    return f"ann@{place}.test"


class Matrix(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need("gsasl", "msmtp", "mutt", "swaks", "curl")
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-matrix-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        keys = scram_keys("SCRAM-SHA-256", PASSWORD)
        (cls.folder / "users").write_text(f"{ann('files')}:{keys}\n")
        dovecot = DovecotAuth(f"{ann('dovecot')}:{{PLAIN}}{PASSWORD}::::::\n")
        cls.addClassCleanup(dovecot.__exit__, None)
        slapd = Slapd(person("bind", hashed(PASSWORD), mail=ann("bind")) +
                      person("fetch", keys, mail=ann("fetch")), FETCH_ACCESS)
        cls.addClassCleanup(slapd.__exit__)
        postgres = PostgreSQL(TABLES + user(ann("postgresql"), keys, scram_sha_256=quoted(keys)))
        cls.addClassCleanup(postgres.__exit__, None)
        pam = PamService()
        cls.addClassCleanup(pam.close)
        cls.people = People(cls.folder)
        cls.issuer = Issuer(cls.folder)
        cls.addClassCleanup(cls.issuer.close)
        cls.issuer.add("k", "ES256")

        rows = [
            {**example("### Dovecot's passwd-file"), "name": "files", "path": cls.folder / "users"},
            slapd.row("### Hashes from the directory", name="fetch", urls=[slapd.plain], base=f"ou=people,dc=example,dc=com",
                      filter="(&(objectClass=inetOrgPerson)(mail=%u)(uid=fetch))"),
            slapd.row("### OpenLDAP", name="bind", filter="(&(objectClass=inetOrgPerson)(mail=%u)(uid=bind))"),
            {**example("## postgresql"), "name": "postgresql", "connection": postgres.connection(),
             "password_file": postgres.password_file},
            {**example("## dovecot"), "name": "dovecot", "path": dovecot.auth, "users": dovecot.users},
            {**example("## pam"), "name": "pam", "domain": "pam.test", "service": pam.name},
        ]
        cls.port, = free_ports(1)
        cls.server = Postern(
            {"auth": {"mechanisms": [*MECHANISMS, "OAUTHBEARER", "XOAUTH2"], "failure_delay": "20 ms", "client_authorities": cls.people.ca},
             "domains": {"local": ["postern.test", *(f"{place}.test" for place in SERVED)]},
             "limits": {"connections_per_address": 500},
             "oauth": {"issuer": cls.issuer.name, "keys": f"{cls.issuer.name}/keys", "audience": ["postern"],
                       "scope": "smtp", "account_claim": "email", "authorities": Authority.shared().ca},
             "backend": rows},
            accounts=(), listeners=[{"address": f"{HOST}:{cls.port}", "role": "submission", "tls": "implicit",
                                     "mechanisms": ["EXTERNAL", "PLAIN"], "client_certificates": True}])
        cls.addClassCleanup(cls.server.__exit__, None, None, None)
        cls.server.secrets |= {(ann(place), PASSWORD) for place in SERVED}
        for address, options in ((ann("database"), ["--cram-md5"]), ("sink@postern.test", [])):
            cls.server.cli("account", "add", address, *options, "--password-stdin", input=PASSWORD + "\n", check=True)

    def each(self, send, mechanisms=MECHANISMS):
        """Calls send(account, mechanism, word) for all that go together, and waits for the mail."""
        for place, served in SERVED.items():
            for mechanism in served:
                if mechanism in mechanisms:
                    with self.subTest(place=place, mechanism=mechanism):
                        word = token()
                        send(ann(place), mechanism, word)
                        self.server.wait_mail("sink@postern.test", word)

    def gsasl(self, account, mechanism, password):
        return run("gsasl", "--smtp", f"--connect={HOST}:{self.server.submission}", "--starttls",
                   f"--x509-ca-file={Authority.shared().ca}", f"--mechanism={mechanism}", f"--authentication-id={account}",
                   f"--authorization-id={account}", f"--password={password}", "--hostname=localhost", "--service=smtp",
                   "--verbose", *([] if mechanism.endswith("-PLUS") else ["--no-cb"]), input="").stdout

    def test_gsasl(self):
        for place, served in SERVED.items():
            for mechanism in served:
                with self.subTest(place=place, mechanism=mechanism):
                    self.assertIn("235 2.7.0", self.gsasl(ann(place), mechanism, PASSWORD))
                    self.assertIn("535 5.7.8", self.gsasl(ann(place), mechanism, PASSWORD + "x"))

    def test_what_a_back_end_cannot_serve_fails_like_a_wrong_password(self):
        for place, served in SERVED.items():
            for mechanism in set(OF_GSASL) - set(served) - {"CRAM-MD5"}:
                with self.subTest(place=place, mechanism=mechanism):
                    self.assertIn("535 5.7.8", self.gsasl(ann(place), mechanism, PASSWORD))

    def test_msmtp(self):
        def send(account, mechanism, word):
            settings = self.folder / "msmtprc"
            settings.write_text(f"account default\nhost {HOST}\nport {self.server.submission}\ntls on\n"
                                f"tls_trust_file {Authority.shared().ca}\ntls_host_override {NAME}\n"
                                f"auth {mechanism.lower()}\nuser {account}\nfrom {account}\n"
                                f"password \"{PASSWORD}\"\n")
            settings.chmod(0o600)
            done = run("msmtp", "-C", settings, "sink@postern.test", input=message(account, "sink@postern.test", word))
            self.assertEqual(done.returncode, 0, done.stderr)
        # It says that it could have bound, so without -PLUS in the list only.
        self.each(send, [m for m in OF_GSASL if not m.startswith("SCRAM")])

    def test_mutt(self):
        def send(account, mechanism, word):
            url = f"smtp://{account.replace('@', '%40')}@localhost:{self.server.submission}/"
            command, home = mutt(self.folder, url, mechanism.lower(), account, PASSWORD)
            done = run(*command, word, "--", "sink@postern.test", input="By mutt.\n", env=home)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        # It can't finish what it begins with -PLUS.
        self.each(send, [m for m in OF_GSASL if not m.endswith("-PLUS")])

    def test_swaks(self):
        def send(account, mechanism, word):
            done = run("swaks", "--server", f"{HOST}:{self.server.submission}", "--tls", "--auth", mechanism, "--auth-user",
                       account, "--auth-password", PASSWORD, "--from", account, "--to", "sink@postern.test", "--header",
                       f"Subject: {word}")
            self.assertEqual(done.returncode, 0, done.stdout)
        self.each(send, ["PLAIN", "LOGIN", "CRAM-MD5"])

    def test_curl(self):
        def send(account, mechanism, word):
            done = run("curl", "-sS", "--crlf", "--ssl-reqd", "--cacert", Authority.shared().ca,
                       f"smtp://localhost:{self.server.submission}", "--user", f"{account}:{PASSWORD}", "--login-options",
                       f"AUTH={mechanism}", "--mail-from", account, "--mail-rcpt", "sink@postern.test", "-T", "-",
                       input=message(account, "sink@postern.test", word))
            self.assertEqual(done.returncode, 0, done.stderr)
        scram = [m for m in OF_GSASL if m.startswith("SCRAM")] if "gsasl" in run("curl", "--version").stdout else []
        self.each(send, ["PLAIN", "LOGIN", "CRAM-MD5", *scram])

    def test_tokens_and_certificates_by_curl(self):
        for place in LOOKED_UP:
            account = ann(place)
            for mechanism in ("OAUTHBEARER", "XOAUTH2", "EXTERNAL"):
                with self.subTest(place=place, mechanism=mechanism):
                    word = token()
                    if mechanism == "EXTERNAL":
                        pem, key = self.people.issue(place, [account])
                        how = [f"smtps://localhost:{self.port}", "--cert", pem, "--key", key]
                    else:
                        how = [f"smtp://localhost:{self.server.submission}", "--ssl-reqd", "--oauth2-bearer",
                               self.issuer.token("k", account)]
                    done = run("curl", "-sS", "--crlf", *how, "--cacert", Authority.shared().ca, "--user", f"{account}:",
                               "--login-options", f"AUTH={mechanism}", "--mail-from", account, "--mail-rcpt",
                               "sink@postern.test", "-T", "-", input=message(account, "sink@postern.test", word))
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.server.wait_mail("sink@postern.test", word)


if __name__ == "__main__":
    unittest.main()
