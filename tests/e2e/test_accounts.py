"""Accounts as people need them: app passwords and their limits, basic passwords off, what stands
in the way of a log-in, and why one failed. The commands are those of docs/accounts.md."""
import base64
import json
import re
import shlex
import smtplib
import tomllib
import unittest

from harness import (ALICE, BOB, CAROL, HOST, NAME, PASSWORDS, ROOT, Authority, Postern, client_context, message,
                     need, run, token, wait_for)
from scram import Scram

DANA = "dana@postern.test"
MANUAL = (ROOT / "docs" / "accounts.md").read_text()


def blocks(language, heading):
    """The blocks of code in a section of docs/accounts.md."""
    section = re.search(rf"(?ms)^## {re.escape(heading)}$(.*?)(?=^## |\Z)", MANUAL).group(1)
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```", section)


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
        shown = re.search(r"^ +((?:[a-z2-9]{4}-){3}[a-z2-9]{4})$", made, re.M).group(1)
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

    def test_the_manual_s_commands_work(self):
        anna = "anna@example.com"
        with Postern(self.config, accounts=(), start=False) as server:
            server.config["backend"] = [{"name": "web", "type": "files", "path": server.dir / "users"}]
            (server.dir / "users").write_text("berta@example.com:{PLAIN}sesame\n")
            server.write_config()
            server.start()
            server.add_account(anna, "a long enough password")
            for line in "".join(blocks("sh", "App passwords")).splitlines():
                done = server.cli(*shlex.split(line)[1:])
                self.assertEqual(done.returncode, 0, line + done.stderr)
                for text in re.findall(r"(?m)^ +([a-z-]{29})$", done.stdout):
                    server.secrets.add((line.split()[4], text))
            listed = json.loads(server.cli("account", "app-password", "list", anna, "--json", check=True).stdout)
            self.assertEqual({p["label"]: p["state"] for p in listed}, {"phone": "revoked", "scanner 2nd floor": "works"})
            first, second = blocks("sh", "Would a log-in work?")[0].splitlines()
            self.assertEqual(server.cli(*shlex.split(first)[1:]).returncode, 0)
            second = second.replace("--listener 587", f"--listener {server.submission}")
            done = server.cli(*shlex.split(second)[1:], input="a long enough password\n")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_limits_that_another_program_would_not_hold_keep_it_out(self):
        from test_auth_socket import Client, plain
        path = self.server.dir / "auth"
        with Postern({**self.config, "auth_socket": [{"path": path}]}, accounts=(ALICE,)) as server:
            for limit, answer in (((), "OK"), (("--network", f"{HOST}/32"), "OK"), (("--sender", ALICE), "FAIL"),
                                  (("--recipient", BOB), "FAIL")):
                made = json.loads(server.cli("account", "app-password", "add", ALICE, "--label", "x", "--json", *limit,
                                             check=True).stdout)
                server.secrets.add((ALICE, made["password"]))
                with self.subTest(limit=limit), Client(path) as client:
                    said = client.ask("PLAIN", f"rip={HOST}", response=plain(ALICE, made["password"]))
                    self.assertEqual(said[0], answer, said)
            server.wait_log("cause=app_password_limited")

    def test_sending_limits_count_each_by_itself(self):
        config = {"limits": {"sending": [{"per": "app_password", "messages_per_hour": 1}]}}
        with Postern({**self.config, **config}, accounts=(ALICE, BOB)) as server:
            made = [json.loads(server.cli("account", "app-password", "add", ALICE, "--label", label, "--json",
                                          check=True).stdout) for label in ("one", "two")]
            for one in made:
                server.secrets.add((ALICE, one["password"]))
                with server.session() as wire:
                    wire.auth_plain(ALICE, one["password"])
                    wire.mail(ALICE, BOB)
                    wire.data(message(ALICE, BOB, token()))
                    reply = wire.say(f"MAIL FROM:<{ALICE}>", 450, "4.7.1")
                    self.assertIn("1 messages per hour", reply.text)
            with server.session(login=ALICE) as wire:
                wire.mail(ALICE, BOB)
            used = json.loads(server.cli("guard", "usage", ALICE, "--json", check=True).stdout)
            self.assertEqual({(u["counted_for"], u["who"], u["used"]) for u in used},
                             {("app password", f"{ALICE}#{one['id']}", 1) for one in made})


class BasicPasswords(Accounts):
    def test_off_for_an_account_takes_the_right_password_to_another_answer(self):
        made = self.make(CAROL)
        with self.server.session(login=CAROL) as open_session:
            self.server.cli("account", "basic-passwords", CAROL, "off", check=True)
            _, event = self.refused(open_session.say(f"MAIL FROM:<{CAROL}>"), 534, "5.7.9")
            self.assertEqual(event["rule"], "auth-app-password-needed")
        for log_in in (lambda w: w.auth_plain(CAROL, PASSWORDS[CAROL], None),
                       lambda w: w.auth_login(CAROL, PASSWORDS[CAROL], None),
                       lambda w: self.scram(w, CAROL, PASSWORDS[CAROL])):
            with self.server.session() as wire:
                _, event = self.refused(log_in(wire), 534, "5.7.9")
                self.assertEqual(event["cause"], "app_password_needed")
        with self.server.session() as wire:
            wire.auth_plain(CAROL, "guess", 535, "5.7.8")
        with self.server.session() as wire:
            wire.auth_plain(CAROL, made["password"])
        shown = self.json("account", "show", CAROL)["basic_passwords"]
        self.assertEqual((shown["allowed"], shown["set_for"], shown["by"]), (False, "account", "operator"))
        self.assertRegex(self.server.cli("account", "show", CAROL).stdout, r"passwords off for the account since 20")
        self.server.cli("account", "basic-passwords", CAROL, "inherit", check=True)
        with self.server.session(login=CAROL):
            pass

    def test_off_for_the_organisation_and_what_ehlo_then_shows(self):
        off = tomllib.loads(blocks("toml", "Basic passwords off")[0])["auth"]
        config = {"auth": {**self.config["auth"], **off, "mechanisms": ["SCRAM-SHA-256", "CRAM-MD5", "PLAIN", "LOGIN"]}}
        anna = "anna@example.com"
        with Postern(config, accounts=(ALICE,)) as server:
            server.secrets.add((anna, "a long enough password"))
            server.cli("account", "add", anna, "--cram-md5", "--password-stdin", input="a long enough password\n",
                       check=True)
            def offered():
                with server.session() as wire:
                    return wire.ehlo("again").get("AUTH", [])
            self.assertEqual(offered(), [], "nobody can log in")
            made = json.loads(server.cli("account", "app-password", "add", ALICE, "--label", "x", "--json",
                                         check=True).stdout)
            server.secrets.add((ALICE, made["password"]))
            self.assertEqual(offered(), ["SCRAM-SHA-256", "PLAIN", "LOGIN"])
            with server.session() as wire:
                wire.auth_plain(ALICE, PASSWORDS[ALICE], 534, "5.7.9")
            with server.session() as wire:
                wire.auth_plain(ALICE, made["password"])
            for line in blocks("sh", "Basic passwords off")[0].splitlines()[:2]:
                server.cli(*shlex.split(line)[1:], check=True)
            self.assertIn("CRAM-MD5", offered())
            with server.session() as wire:
                wire.auth_plain(anna, "a long enough password")
            server.cli(*shlex.split(blocks("sh", "Basic passwords off")[0].splitlines()[2])[1:], check=True)
            shown = json.loads(server.cli("account", "show", anna, "--json", check=True).stdout)["basic_passwords"]
            self.assertEqual((shown["allowed"], shown["set_for"]), (False, "domain"))
            shown = json.loads(server.cli("account", "show", ALICE, "--json", check=True).stdout)["basic_passwords"]
            self.assertEqual((shown["allowed"], shown["set_for"], shown["by"]), (False, "organisation", "configuration"))
            # A reload brings them back.
            server.change("auth", basic_passwords=True)
            server.signal(1)
            server.wait_log(r"\breloaded\b")
            with server.session(login=ALICE):
                pass

    def test_users_of_back_ends_follow_their_domain(self):
        users = self.server.dir / "users.client"
        with Postern({**self.config, "backend": [{"name": "files", "type": "files", "path": users}]}, accounts=()) as server:
            users.write_text(f"{DANA}:{{PLAIN}}{'dana has a password'}\n")
            server.secrets.add((DANA, "dana has a password"))
            wait_for(lambda: "users=1" in server.log(), "the file to be read")
            with server.session() as wire:
                wire.auth_plain(DANA, "dana has a password")
            server.cli("domain", "basic-passwords", "postern.test", "off", check=True)
            self.assertIn("off since", server.cli("domain", "list").stdout)
            with server.session() as wire:
                wire.auth_plain(DANA, "dana has a password", 534, "5.7.9")


class Tests(Accounts):
    """`account test`."""
    def findings(self, *arguments, code=0, **options):
        answer = self.json("account", "test", *arguments, code=code, **options)
        self.assertEqual(answer["works"], code == 0)
        return {(f["check"], f["state"]): f["text"] + " " + f["remedy"] for f in answer["findings"]}

    def test_it_says_what_a_client_will_meet(self):
        found = self.findings(ALICE, "--password-stdin", input=PASSWORDS[ALICE] + "\n")
        self.assertIn(("password", "ok"), found)
        found = self.findings(ALICE, "--password-stdin", code=1, input="guess\n")
        self.assertIn("postern account password", found["password", "obstacle"])
        self.server.cli("account", "smtp-auth", BOB, "off", check=True)
        self.assertIn("smtp-auth bob@postern.test on", self.findings(BOB, code=1)["smtp auth", "obstacle"])
        with self.server.session() as wire:
            wire.auth_plain(BOB, PASSWORDS[BOB], 535)
        self.server.cli("account", "smtp-auth", BOB, "on", check=True)
        self.assertIn("CRAM-MD5 is not offered",
                      self.findings(ALICE, "--mechanism", "cram-md5", code=1)["mechanisms", "obstacle"])
        self.server.cli("guard", "deny", "192.0.2.0/24", check=True)
        self.assertIn(("guard", "obstacle"), self.findings(ALICE, "--client", "192.0.2.9", code=1))
        self.server.cli("guard", "lift", "192.0.2.0/24", check=True)
        self.findings(ALICE, "--client", "192.0.2.9", "--listener", str(self.server.submissions))
        self.assertEqual(self.server.cli("account", "test", ALICE, "--listener", "9").returncode, 2)
        self.assertEqual(self.server.cli("account", "test", "alice").returncode, 2)
        self.assertEqual(self.server.cli("account", "test", "nobody@postern.test").returncode, 1)
        text = self.server.cli("account", "test", ALICE, check=True).stdout
        self.assertTrue(text.startswith(f"A log-in as {ALICE} would work.\n"), text)

    def test_a_back_end_that_is_down_stands_in_the_way_of_its_users_only(self):
        config = {**self.config, "backend": [{"name": "files", "type": "files", "path": "/nonexistent/users"}]}
        with Postern(config, accounts=(ALICE,)) as server:
            server.wait_log("backend_not_read")
            answers = {}
            for who in (ALICE, DANA):
                done = server.cli("account", "test", who, "--json")
                answers[who] = json.loads(done.stdout)
                self.assertEqual(done.returncode, 0 if answers[who]["works"] else 1)
            self.assertTrue(answers[ALICE]["works"], answers[ALICE])
            self.assertFalse(answers[DANA]["works"], answers[DANA])
            self.assertIn("454", json.dumps(answers[DANA]))


class Causes(Accounts):
    def test_the_operator_is_told_and_the_stranger_is_not(self):
        self.server.cli("account", "alias", "add", ALICE, "info@postern.test", check=True)
        self.server.set_password(BOB, "Another long one")
        revoked = self.make(ALICE)
        self.server.cli("account", "app-password", "revoke", ALICE, revoked["id"], check=True)
        expected = [(ALICE, "guess one", "wrong_password", None),
                    ("nobody@postern.test", "guess two", "unknown_user", None),
                    ("alice", "guess three", "unknown_user", "local_part_only"),
                    ("info@postern.test", "guess four", "unknown_user", "name_is_alias"),
                    (BOB, PASSWORDS[BOB], "wrong_password", "previous_password"),
                    (BOB, "Another long one ", "wrong_password", "password_blank"),
                    (BOB, "another long one", "wrong_password", "password_case"),
                    (ALICE, revoked["password"], "app_password_revoked", None)]
        replies, sessions = set(), []
        for name, password, at_once, later in expected:
            with self.server.session() as wire:
                reply = wire.auth_plain(name, password, None)
            id, event = self.refused(reply, 535, "5.7.8")
            replies.add(re.sub(r" \(.*", "", reply.text))
            self.assertEqual(event["cause"], at_once, event)
            self.assertTrue(event["meaning"].endswith("."), event)
            sessions.append((id.split(".")[0], later))
            if later is None:
                continue
            # Looked for afterwards.
            def told(session=id.split(".")[0]):
                return next((e for e in self.json("why", session)["events"] if e["event"] == "login_cause"), None)
            found = wait_for(told, f"the cause {later}")
            self.assertEqual(found["cause"], later, found)
            with self.server.session() as wire:
                _, event = self.refused(wire.auth_plain(name, password, None), 535, "5.7.8")
            self.assertEqual(event["cause"], later, "known from the last time")
        self.assertEqual(len(replies), 1, "all are told the same")
        self.assertIn("Why the log-in failed: ", self.server.cli("why", sessions[4][0], check=True).stdout)

    def test_scram_fails_with_a_cause_too(self):
        for name, cause in ((ALICE, "wrong_password"), ("nobody@postern.test", "unknown_user")):
            with self.server.session() as wire:
                _, event = self.refused(self.scram(wire, name, "guess"), 535, "5.7.8")
                self.assertEqual(event["cause"], cause)


class Names(Accounts):
    def test_a_name_may_be_written_in_any_way(self):
        anna = "\u00e4nna@postern.test"
        self.server.secrets.add((anna, "a long enough password"))
        self.server.cli("account", "add", "\u00c4nna@postern.test", "--password-stdin",
                        input="a long enough password\n", check=True)
        for octets, matched in ((anna.encode(), ""), ("A\u0308NNA@Postern.TEST".encode(), ""),
                                (anna.encode("latin-1"), "name matched as latin1")):
            with self.subTest(octets=octets), self.server.session() as wire:
                wire.say("AUTH PLAIN " + base64.b64encode(b"\0" + octets + b"\0a long enough password").decode(), 235)
                if matched:
                    self.server.wait_log(matched)
            with self.subTest(octets=octets), self.server.session() as wire:
                wire.say("AUTH LOGIN", 334)
                wire.say(base64.b64encode(octets).decode(), 334)
                wire.say(base64.b64encode(b"a long enough password").decode(), 235)
        with self.server.session() as wire:
            wire.auth_plain(anna, "a long enough password")
            wire.say("MAIL FROM:<\u00c4nna+x@postern.test> SMTPUTF8", 250)

    def test_senders_of_others_are_granted(self):
        self.server.cli("account", "send-as", "add", BOB, "@lists.example", check=True)
        with self.server.session(login=BOB) as wire:
            wire.mail("any.one@lists.example", ALICE)
            wire.data(message("any.one@lists.example", ALICE, token()))
            wire.say("MAIL FROM:<any.one@other.example>", 550, "5.7.1")
            wire.say("MAIL FROM:<BOB+shop@Postern.test>", 250)


if __name__ == "__main__":
    unittest.main()
