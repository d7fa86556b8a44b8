"""`postern check` as people call it: against Postern itself, and against servers that are out of order. The great lab
of failures is test_lab.py; here is what the command promises beside the cause that it names."""
import json
import os
import pty
import re
import select
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

from harness import ALICE, BOB, HOST, PASSWORDS, PROGRAM, Authority, Postern, connections_to, run

WRONG = "not-Her-password-7"
STEPS = ["address", "settings", "dns", "connect", "greeting", "tls", "ehlo", "auth", "mail", "rcpt", "data", "arrival",
         "headers"]


def check(*words, password=None, seconds=60, env=None):
    command = [PROGRAM, "check", *map(str, words), "--ca", Authority.shared().ca, "--json"]
    if password is not None:
        command.append("--password-stdin")
    done = run(*command, input=(password or "") + "\n", seconds=seconds, env=env)
    return done, json.loads(done.stdout) if done.stdout else None


class Script:
    """A server that answers line by line what it was told to; `lines` holds what came."""

    def __init__(self, greeting, answers=(), hang=False):
        self.greeting, self.answers, self.hang = greeting, dict(answers), hang
        self.lines, self.socket = [], socket.create_server((HOST, 0))
        self.port = self.socket.getsockname()[1]
        self.open = []
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        for peer in connections_to(self.socket):
            self.open.append(peer)
            threading.Thread(target=self.talk, args=(peer,), daemon=True).start()

    def talk(self, peer):
        try:
            if self.greeting:
                peer.sendall(self.greeting)
            with peer.makefile("rb") as lines:
                for line in lines:
                    self.lines.append(line)
                    verb = line.split()[0].upper().decode("latin-1") if line.split() else ""
                    answer = self.answers.get(verb)
                    if answer is None and self.hang:
                        continue
                    if answer == b"":
                        peer.close()
                        return
                    peer.sendall(answer or b"500 5.5.1 what?\r\n")
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)  # accept() hears of it
        self.socket.close()
        for peer in self.open:
            peer.close()
        self.thread.join(5)


class TwoFaced(Script):
    """A server with STARTTLS that shows a good certificate until somebody has logged in, and then another face: "clear"
    (it answers STARTTLS with 250 and goes on without), or "evil" (a certificate that nobody knows). `heard`: each line
    with AUTH in it or behind it, and how it was protected."""

    def __init__(self, face, answer, offers="PLAIN LOGIN CRAM-MD5"):
        self.face, self.answer, self.offers, self.heard = face, answer, offers, []
        self.good = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.good.load_cert_chain(*Authority.shared().issue("server"))
        self.folder = tempfile.TemporaryDirectory(prefix="postern-evil-")
        pem, key = (f"{self.folder.name}/{name}.pem" for name in ("evil", "key"))
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=evil",
            "-keyout", key, "-out", pem, check=True)
        self.evil = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.evil.load_cert_chain(pem, key)
        super().__init__(b"220 two faces\r\n")

    def talk(self, peer):
        try:
            self.converse(peer)
        except OSError:
            pass

    def converse(self, peer):
        protection, lines = "clear", peer.makefile("rb")

        def say(text):
            peer.sendall(text.encode() + b"\r\n")
        say("220 two faces ESMTP")
        while line := lines.readline():  # of what it is by then: STARTTLS changes it
            text = line.decode("latin-1").rstrip("\r\n")
            verb = text.split(" ")[0].upper()
            if verb == "EHLO":
                say("250-two.faces\r\n250-" + ("STARTTLS" if protection == "clear" else f"AUTH {self.offers}") + "\r\n250 HELP"
                    if self.face != "clear" else f"250-two.faces\r\n250-STARTTLS\r\n250 AUTH {self.offers}")
            elif verb == "STARTTLS":
                turned = any(self.heard)
                if turned and self.face == "clear":
                    say("250 ok")
                    continue
                say("220 go")
                bad = turned and self.face == "evil"
                peer = (self.evil if bad else self.good).wrap_socket(peer, server_side=True)
                self.open.append(peer)
                protection, lines = ("evil" if bad else "good"), peer.makefile("rb")
            elif verb == "AUTH":
                self.heard.append((protection, text))
                words = text.split(" ")
                for prompt in {"LOGIN": ("VXNlcm5hbWU6", "UGFzc3dvcmQ6"), "CRAM-MD5": ("PDFAeD4=",)}.get(words[1].upper(), ()):
                    say(f"334 {prompt}")
                    self.heard.append((protection, lines.readline().decode("latin-1").strip()))
                say(self.answer)
            else:
                say("221 bye" if verb == "QUIT" else "250 ok")

    def __exit__(self, *_):
        super().__exit__()
        self.folder.cleanup()


class Ours(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Postern()

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None, None, None)

    def verdict(self, *words, password=None):
        done, report = check(*words, password=password)
        self.assertIsNotNone(report, done.stderr)
        self.assertNotIn(password or "\0", done.stdout + done.stderr)
        self.assertEqual(1 if report["verdict"]["severity"] == "failure" else 0, done.returncode)
        self.assertEqual(STEPS, [s["step"] for s in report["steps"]])
        return report

    def step(self, report, name):
        return next(s for s in report["steps"] if s["step"] == name)

    def test_all_is_well_with_ssl_and_with_starttls(self):
        for port, way in ((self.server.submissions, "SSL/TLS"), (self.server.submission, "STARTTLS")):
            with self.subTest(way):
                report = self.verdict(f"localhost:{port}", "--user", ALICE, password=PASSWORDS[ALICE])
                self.assertEqual("ok", report["verdict"]["severity"], report["verdict"])
                self.assertEqual(way, report["server"]["security"])
                self.assertEqual("ok", self.step(report, "auth")["status"])
                self.assertEqual("ok", self.step(report, "rcpt")["status"])
                self.assertEqual("skipped", self.step(report, "data")["status"])
                self.assertLess(report["milliseconds"], 2000)

    def test_without_a_password_nothing_is_tried(self):
        report = self.verdict(f"localhost:{self.server.submissions}")
        self.assertEqual("ok", report["verdict"]["severity"], report["verdict"])
        self.assertEqual("skipped", self.step(report, "auth")["status"])
        self.assertEqual([], report["logins"])

    def test_a_wrong_password_is_tried_twice_at_most(self):
        report = self.verdict(f"localhost:{self.server.submissions}", "--user", ALICE, password=WRONG)
        self.assertEqual("D-69", report["verdict"]["id"])
        self.assertEqual("auth", next(s["step"] for s in report["steps"] if s["status"] == "failure"))
        self.assertLessEqual(len(report["logins"]), 2)

    def test_the_name_alone_is_not_the_user_name(self):
        report = self.verdict(f"localhost:{self.server.submissions}", "--user", "alice", "--from", ALICE,
                              password=PASSWORDS[ALICE])
        self.assertEqual("D-70", report["verdict"]["id"])
        self.assertIn(ALICE, report["verdict"]["remedy"])

    def test_the_wrong_kind_of_encryption_is_named_and_the_password_stays_here(self):
        # Where people log in with STARTTLS, we take both.
        report = self.verdict(f"localhost:{self.server.submission}", "--tls", "implicit", "--user", ALICE,
                              password=PASSWORDS[ALICE])
        self.assertEqual(("ok", "SSL/TLS"), (report["verdict"]["severity"], report["server"]["security"]))
        report = self.verdict(f"localhost:{self.server.submissions}", "--tls", "starttls", "--user", ALICE,
                              password=PASSWORDS[ALICE])
        self.assertEqual("D-31", report["verdict"]["id"])
        report = self.verdict(f"localhost:{self.server.submission}", "--tls", "none", "--user", ALICE,
                              password=PASSWORDS[ALICE])
        self.assertEqual("D-56", report["verdict"]["id"])
        self.assertEqual([], report["logins"])

    def test_a_certificate_that_nobody_vouches_for_keeps_the_password_here(self):
        done = run(PROGRAM, "check", f"localhost:{self.server.submissions}", "--user", ALICE, "--password-stdin", "--json",
                   input=PASSWORDS[ALICE] + "\n")
        report = json.loads(done.stdout)
        self.assertEqual("P-223", report["verdict"]["id"])
        self.assertEqual([], report["logins"])
        done = run(PROGRAM, "check", f"localhost:{self.server.submissions}", "--user", ALICE, "--password-stdin", "--json",
                   "--insecure-unverified-password", input=PASSWORDS[ALICE] + "\n")
        self.assertTrue(json.loads(done.stdout)["logins"][0]["accepted"])

    def test_every_connection_has_to_be_as_good_as_the_first_one_for_a_password(self):
        # Whoever answers a later connection may be another: with no TLS, or with a certificate of his own.
        for face in ("clear", "evil"):
            for answer in ("235 2.7.0 welcome", "535 5.7.8 no"):
                with self.subTest(face=face, answer=answer), TwoFaced(face, answer) as server:
                    check(f"localhost:{server.port}", "--tls", "starttls", "--user", ALICE, password=PASSWORDS[ALICE])
                    self.assertTrue(server.heard)
                    self.assertEqual({"good"}, {protection for protection, _ in server.heard}, server.heard)

    def test_a_third_wrong_password_is_not_sent_whatever_the_refusal_is_called(self):
        for answer, rule in (("501 5.7.8 authentication failed", "auth-failed"),
                             ("504 5.7.8 authentication failed", "auth-failed"),
                             ("504 5.7.4 Unrecognized authentication type", "auth-unknown-mechanism")):
            with self.subTest(answer), TwoFaced("good", answer) as server:
                done, report = check(f"localhost:{server.port}", "--tls", "starttls", "--user", ALICE, password=WRONG)
                self.assertLessEqual(sum(text.startswith("AUTH") for _, text in server.heard), 2, server.heard)
                self.assertEqual(rule, report["verdict"]["rule"], report["verdict"])

    def test_somebody_elses_address_is_not_ours_to_use(self):
        report = self.verdict(f"localhost:{self.server.submissions}", "--user", ALICE, "--from", BOB,
                              password=PASSWORDS[ALICE])
        self.assertEqual("D-107", report["verdict"]["id"])

    def test_a_test_mail_is_sent_only_when_asked_for_and_found_again(self):
        maildir = self.server.dir / "mail" / "postern.test" / "alice"
        maildir.mkdir(parents=True, exist_ok=True)
        for name in ("new", "cur", "tmp"):
            (maildir / name).mkdir(exist_ok=True)
        report = self.verdict(f"localhost:{self.server.submissions}", "--user", ALICE, "--send", "--maildir", maildir,
                              "--wait", 20, password=PASSWORDS[ALICE])
        self.assertEqual("ok", self.step(report, "data")["status"], report["verdict"])
        self.assertEqual("ok", self.step(report, "arrival")["status"], report["verdict"])
        self.assertEqual("ok", self.step(report, "headers")["status"], report["verdict"])
        found = [f for f in (maildir / "new").iterdir() if report["token"] in f.read_text()]
        self.assertEqual(1, len(found))

    def test_what_was_said_is_shown_without_the_password(self):
        done = run(PROGRAM, "check", f"localhost:{self.server.submissions}", "--ca", Authority.shared().ca, "--user", ALICE,
                   "--password-stdin", "-v", input=PASSWORDS[ALICE] + "\n", env={"COLUMNS": "90"})
        self.assertIn("EHLO", done.stdout)
        self.assertIn("AUTH PLAIN", done.stdout)
        self.assertNotIn(PASSWORDS[ALICE], done.stdout)
        self.assertNotIn("\x1b", done.stdout)
        self.assertLessEqual(max(map(len, done.stdout.splitlines())), 90)


class Terminal(unittest.TestCase):
    def on_terminal(self, *words, env=None, columns=70):
        controller, terminal = pty.openpty()
        process = subprocess.Popen([PROGRAM, "check", *map(str, words)], stdin=terminal, stdout=terminal, stderr=terminal,
                                   env={**os.environ, "TERM": "xterm", "COLUMNS": str(columns), **(env or {})},
                                   start_new_session=True)
        os.close(terminal)
        seen, end = b"", time.monotonic() + 60
        while time.monotonic() < end:
            if select.select([controller], [], [], 0.5)[0]:
                try:
                    piece = os.read(controller, 65536)
                except OSError:
                    break
                if not piece:
                    break
                seen += piece
        process.wait(10)
        os.close(controller)
        return seen.decode()

    def test_colours_and_width_of_a_terminal(self):
        with Script(b"HTTP/1.1 400 Bad Request\r\n\r\n") as web:
            text = self.on_terminal(f"{HOST}:{web.port}")
            self.assertIn("\x1b[1;31m", text)
            plain = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text).replace("\r", "")
            self.assertLessEqual(max(map(len, plain.split("\n"))), 70)
            self.assertIn("RESULT", plain)
            text = self.on_terminal(f"{HOST}:{web.port}", env={"NO_COLOR": "1"})
            self.assertNotIn("\x1b[1;31m", text)
            self.assertNotIn("m", "".join(re.findall(r"\x1b\[[0-9;]*([A-Za-z])", text)))


class OutOfOrder(unittest.TestCase):
    def found(self, server, *words):
        done, report = check(f"{HOST}:{server.port}", "--timeout", 3, *words)
        self.assertIsNotNone(report, done.stderr)
        return report["verdict"]["id"]

    def each(self, cases):
        """At the same time: all of them wait for what does not come. Cases are (wanted, script)."""
        def find(script):
            with script as server:
                return self.found(server)
        with ThreadPoolExecutor() as pool:
            for (wanted, script), found in zip(cases, pool.map(find, [script for _, script in cases])):
                with self.subTest(wanted, greeting=script.greeting[:40]):
                    self.assertEqual(wanted, found)

    def test_other_services_are_named(self):
        self.each([("D-33", Script(greeting)) for greeting in (b"SSH-2.0-OpenSSH_9.2\r\n", b"* OK IMAP4rev1 ready\r\n",
                                                               b"+OK ready\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n")])

    def test_silence_and_nonsense_end_in_time(self):
        cases = {"P-215": Script(bytes(range(256)) * 8),
                 "P-217": Script(b"", hang=True),
                 "P-219": Script(b"220 x ESMTP\r\n", hang=True),
                 "D-38": Script(b"220 x ESMTP\r\n", {"EHLO": b""}),
                 "D-40": Script(b"220 x ESMTP\r\n"),
                 "P-216": Script(b"220-" + b"x" * 5_000_000)}
        self.each(list(cases.items()))

    def test_a_closed_port_and_a_name_that_is_not_there(self):
        with socket.create_server((HOST, 0)) as held:
            port = held.getsockname()[1]
        done, report = check(f"{HOST}:{port}")
        self.assertEqual(1, done.returncode)
        self.assertIn(report["verdict"]["id"], ("D-23", "P-214"))

    def test_wrong_calls(self):
        for words in ((), ("host:0",), ("host:99999",), ("a b",), ("host", "--tls", "perhaps"), ("host", "--dns", "x"),
                      ("host", "--imap", "a", "--pop3", "b"), ("host", "--timeout", "0")):
            with self.subTest(words):
                self.assertEqual(2, run(PROGRAM, "check", *words).returncode)


if __name__ == "__main__":
    unittest.main()
