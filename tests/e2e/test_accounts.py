"""Accounts as people need them: app passwords and their limits, basic passwords off, what stands
in the way of a log-in, and why one failed. The commands are those of docs/accounts.md."""
import json
import re
import smtplib
import unittest

from harness import ALICE, BOB, CAROL, HOST, NAME, PASSWORDS, Authority, Postern, client_context, message, need, run, token
from scram import Scram

DANA = "dana@postern.test"


class Accounts(unittest.TestCase):
    """One server for all; each test has accounts of its own."""
    config = {"auth": {"failure_delay": "20 ms", "mechanisms": ["SCRAM-SHA-256", "PLAIN", "LOGIN"]}}

    @classmethod
    def setUpClass(cls):
        cls.server = Postern(cls.config, accounts=(ALICE, BOB, CAROL))
        cls.addClassCleanup(cls.server.__exit__, None, None, None)
        cls.ca = str(Authority.shared().ca)

    def json(self, *arguments, code=0, **options):
        done = self.server.cli(*arguments, "--json", **options)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def make(self, account, *options):
        made = self.json("account", "app-password", "add", account, "--label", "phone", *options)
        self.server.secrets.add((account, made["password"]))
        return made

    def listed(self, account, id):
        return next(p for p in self.json("account", "app-password", "list", account) if p["id"] == id)

    def refused(self, reply, code, status):
        """The refusal's line in the log."""
        self.assertEqual((reply.code, reply.status), (code, status), reply)
        id = re.search(r"\((\w+\.\d+)\)", reply.text).group(1)
        return id, next(e for e in self.json("why", id)["events"] if e["event"] == "refused" and e["session"] == id)

    def scram(self, wire, user, password):
        scram = Scram(user, password)
        reply = wire.say(f"AUTH SCRAM-SHA-256 {scram.first()}")
        reply = wire.say(scram.final(reply.text))
        if reply.code != 334:
            return reply
        scram.check(reply.text)
        return wire.say("")


class AppPasswords(Accounts):
    def test_one_is_shown_once_and_logs_in_with_every_program(self):
        made = self.server.cli("account", "app-password", "add", ALICE, "--label", "phone", check=True).stdout
        shown = re.search(r"^ +((?:[a-z]{4}-){5}[a-z]{4})$", made, re.M).group(1)
        self.server.secrets.add((ALICE, shown))
        for text in (shown, shown.replace("-", ""), shown.replace("-", " ").upper()):
            with self.subTest(text=text), self.server.session() as wire:
                wire.auth_plain(ALICE, text)
            with self.subTest(text=text), self.server.session() as wire:
                wire.auth_login(ALICE, text)
        for text in (shown, shown.replace("-", "")):
            with self.subTest(scram=text), self.server.session() as wire:
                self.assertEqual(self.scram(wire, ALICE, text).code, 235)
        with self.server.session() as wire:
            wire.auth_plain(BOB, shown, 535)
        self.assertNotIn(shown, self.server.cli("account", "app-password", "list", ALICE, check=True).stdout)

        def programs():
            yield "smtplib", lambda word: self.with_smtplib(shown, word)
            yield "swaks", lambda word: self.with_swaks(shown, word)
            yield "curl", lambda word: self.with_curl(shown, word)
            yield "msmtp", lambda word: self.with_msmtp(shown, word)
        for name, send in programs():
            with self.subTest(program=name):
                word = token()
                send(word)
                self.server.wait_mail(BOB, word)

    def with_smtplib(self, password, word):
        with smtplib.SMTP_SSL(HOST, self.server.submissions, context=client_context(verify=False)) as client:
            client.login(ALICE, password)
            client.sendmail(ALICE, [BOB], message(ALICE, BOB, word))

    def with_swaks(self, password, word):
        need("swaks")
        done = run("swaks", "--server", HOST, "--port", self.server.submission, "--tls", "--auth", "LOGIN",
                   "--auth-user", ALICE, "--auth-password", password, "--from", ALICE, "--to", BOB,
                   "--header", f"Subject: {word}")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def with_curl(self, password, word):
        need("curl")
        done = run("curl", "-sS", "--crlf", "--cacert", self.ca, "--resolve", f"{NAME}:{self.server.submissions}:{HOST}",
                   "--url", f"smtps://{NAME}:{self.server.submissions}/laptop.example", "--user", f"{ALICE}:{password}",
                   "--mail-from", ALICE, "--mail-rcpt", BOB, "--upload-file", "-", input=message(ALICE, BOB, word))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def with_msmtp(self, password, word):
        """Takes SCRAM by itself when it is offered."""
        need("msmtp")
        secret = self.server.dir / "app-password.client"
        secret.write_text(password + "\n")
        settings = self.server.dir / "app-password-msmtprc.client"
        settings.write_text(f"account default\nhost {HOST}\nport {self.server.submission}\ntls on\ntls_starttls on\n"
                            f"tls_trust_file {self.ca}\ntls_host_override {NAME}\nauth on\nuser {ALICE}\n"
                            f"passwordeval cat {secret}\nfrom {ALICE}\n")
        settings.chmod(0o600)
        run("msmtp", "-C", settings, BOB, input=message(ALICE, BOB, word), check=True)

    def test_the_credential_can_be_traced_from_a_message(self):
        made = self.make(ALICE)
        with self.server.session() as wire:
            wire.auth_plain(ALICE, made["password"])
            wire.mail(ALICE, BOB)
            queue_id = re.search(r"\(?(Q\w{12})", wire.data(message(ALICE, BOB, token())).text).group(1)
        events = self.json("why", queue_id)["events"]
        accepted = next(e for e in events if e["event"] == "accepted")
        for event in (accepted, next(e for e in events if e["event"] == "login")):
            self.assertEqual(event["credential"], f"app-password-{made['id']}")
            self.assertEqual(event["label"], "phone")
        for key in ("account", "client", "tls", "queue_id", "message_id"):
            self.assertTrue(accepted[key], key)
        used = self.listed(ALICE, made["id"])
        self.assertEqual(used["last_client"], HOST)
        self.assertRegex(used["last_used"], r"^\d{4}-\d\d-\d\dT")

    def test_a_revoked_one_ends_open_sessions_too(self):
        made, other = self.make(CAROL), self.make(CAROL)
        with self.server.session() as wire:
            wire.auth_plain(CAROL, made["password"])
            wire.mail(CAROL, BOB)
            wire.say("RSET", 250)
            self.server.cli("account", "app-password", "revoke", CAROL, made["id"], check=True)
            _, event = self.refused(wire.say(f"MAIL FROM:<{CAROL}>"), 535, "5.7.8")
            self.assertEqual(event["rule"], "app-password-ended")
        with self.server.session() as wire:
            wire.auth_plain(CAROL, made["password"], 535, "5.7.8")
        with self.server.session() as wire:
            wire.auth_plain(CAROL, other["password"])
        self.assertEqual(self.listed(CAROL, made["id"])["state"], "revoked")
        self.assertEqual(self.server.cli("account", "app-password", "revoke", CAROL, made["id"]).returncode, 2)

    def test_limits_hold_and_each_says_so(self):
        made = self.make(ALICE, "--network", f"{HOST}/32", "--sender", ALICE, "--recipient", BOB)
        with self.server.session() as wire:
            wire.auth_plain(ALICE, made["password"])
            _, event = self.refused(wire.say("MAIL FROM:<alice+x@postern.test>"), 550, "5.7.1")
            self.assertEqual(event["rule"], "app-password-sender")
            wire.say(f"MAIL FROM:<{ALICE}>", 250)
            _, event = self.refused(wire.say(f"RCPT TO:<{CAROL}>"), 550, "5.7.1")
            self.assertEqual(event["rule"], "app-password-recipient")
            wire.say(f"RCPT TO:<{BOB}>", 250)
            _, event = self.refused(wire.data(message("alice+x@postern.test", BOB, token()), 550), 550, "5.7.1")
            self.assertEqual(event["rule"], "app-password-sender")
            wire.mail(ALICE, BOB)
            wire.data(message(ALICE, BOB, token()))
        elsewhere = self.make(ALICE, "--network", "192.0.2.0/24")
        for log_in in (lambda w: w.auth_plain(ALICE, elsewhere["password"], None),
                       lambda w: self.scram(w, ALICE, elsewhere["password"])):
            with self.server.session() as wire:
                _, event = self.refused(log_in(wire), 535, "5.7.8")
                self.assertEqual(event["rule"], "app-password-network")
                self.assertIn(HOST, event["client"])
        self.assertIsNone(self.listed(ALICE, elsewhere["id"])["last_used"])

    def test_expiry_is_a_day_or_a_time(self):
        self.assertRegex(self.make(ALICE, "--expires", "2031-02-28")["expires"], "^2031-03-01T00:00:00")
        self.make(ALICE, "--expires", "90d")
        for bad in ("yesterday", "2031-02-30", "2001-01-01", "-5d"):
            done = self.server.cli("account", "app-password", "add", ALICE, "--label", "x", f"--expires={bad}")
            self.assertEqual(done.returncode, 2, done.stdout)

    def test_wrong_calls_say_what_is_wrong(self):
        for arguments, words in ((("nobody@postern.test", "--label", "x"), "no account"),
                                 ((ALICE, "--label", ""), "label"),
                                 ((ALICE, "--label", "x", "--network", "all"), "network"),
                                 ((ALICE, "--label", "x", "--sender", "bob"), "neither an address")):
            done = self.server.cli("account", "app-password", "add", *arguments)
            self.assertEqual(done.returncode, 2, done.stdout)
            self.assertIn(words, done.stderr)


if __name__ == "__main__":
    unittest.main()
