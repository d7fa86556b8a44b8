"""`postern send`: against Postern, Postfix with Dovecot, Exim, and servers that are none."""
import base64
import email
import email.policy
import json
import os
import pathlib
import pty
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import unittest

from harness import (ALICE, BOB, HOST, PASSWORDS, PROGRAM, Authority, Postern, Sink, connections_to, free_ports, need, run, token,
                     wait_for)
from peers import Postfix, need_root
from test_auth_socket import Exim
from test_relay_peers import PASSWORD, USER, DovecotSasl


def send(*arguments, status=0, input=None, **options):
    done = run(PROGRAM, "send", *arguments, input=input, **options)
    if status is not None and done.returncode != status:
        raise AssertionError(f"status {done.returncode}, not {status}:\n{done.stdout}\n{done.stderr}")
    return done


def told(*arguments, status=0, **options):
    """What --json says."""
    return json.loads(send(*arguments, "--json", status=status, **options).stdout)


class Folder(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="postern-send-"))
        self.addCleanup(shutil.rmtree, self.dir, True)
        self.dir.chmod(0o755)

    def file(self, name, content):
        path = self.dir / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path


class ToPostern(Folder):
    @classmethod
    def setUpClass(cls):
        cls.server = Postern({"auth": {"mechanisms": ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN", "LOGIN"]}})
        cls.addClassCleanup(cls.server.__exit__, None, None, None)

    def setUp(self):
        super().setUp()
        self.password = self.file("password", PASSWORDS[ALICE] + "\n")
        self.usual = ["--ca", Authority.shared().ca, "--user", ALICE, "--password-file", self.password, "--to", BOB]

    def to(self, port):
        return ["--server", f"localhost:{port}", *self.usual]

    def mail(self, word):
        octets = self.server.wait_mail(BOB, word).replace(b"\r\n", b"\n")
        return email.message_from_bytes(octets, policy=email.policy.default)

    def test_every_way_of_tls_and_every_mechanism(self):
        for port, tls, mechanism in ((self.server.submission, "auto", "SCRAM-SHA-256-PLUS"),
                                     (self.server.submissions, "auto", "SCRAM-SHA-256"),
                                     (self.server.submission, "starttls", "SCRAM-SHA-1"),
                                     (self.server.submissions, "implicit", "PLAIN"),
                                     (self.server.submission, "starttls", "LOGIN")):
            with self.subTest(tls=tls, mechanism=mechanism):
                word = token()
                said = told(*self.to(port), "--tls", tls, "--mechanism", mechanism, "--subject", word)
                self.assertEqual(said["outcome"], "sent")
                self.assertEqual(said["mechanism"], mechanism)
                self.assertTrue(said["tls"]["verified"])
                self.assertEqual(said["tls"]["chain"][0]["subject"], "CN=mail.postern.test")
                self.assertEqual(self.mail(word)["Subject"], word)

    def test_the_best_mechanism_is_taken(self):
        self.assertEqual(told(*self.to(self.server.submission))["mechanism"], "SCRAM-SHA-256-PLUS")

    def test_mime_is_what_others_read(self):
        word = token()
        long_name = "ein sehr langer Name für eine Datei, der über eine Zeile hinausgeht " * 2 + ".txt"
        octets = bytes(range(256)) * 40
        subject = "Größe: " + "viele Wörter " * 12 + "Ende"
        files = [self.file("plain.txt", "just text\n"), self.file("Grüße \"alle\".bin", octets),
                 self.file(long_name, "x"), self.file("empty.dat", b"")]
        text = f"{word}\nHällo Wörld\n.\nFrom here\n" + "long " * 400 + "\n"
        send(*self.to(self.server.submissions), "--from", f"Zoë Ünder, née \"Q\" <{ALICE}>", "--subject",
             subject, "--body", text, "--header", "X-Own: ja, schön",
             *[a for f in files for a in ("--attach", f)])
        mail = self.mail(word.encode())
        self.assertEqual(mail["Subject"], subject)
        self.assertEqual(mail["From"].addresses[0].display_name, "Zoë Ünder, née \"Q\"")
        self.assertEqual(mail["From"].addresses[0].addr_spec, ALICE)
        self.assertEqual(mail["X-Own"], "ja, schön")
        body, *attached = mail.iter_parts()
        self.assertEqual(body.get_content(), text)
        self.assertEqual([p.get_filename() for p in attached], [f.name for f in files])
        self.assertEqual([p.get_content_type() for p in attached],
                         ["text/plain", "application/octet-stream", "text/plain", "application/octet-stream"])
        self.assertEqual(attached[1].get_content(), octets)
        self.assertEqual(mail.defects, [])

    def test_a_whole_message_from_standard_input_and_a_password_before_it(self):
        word = token()
        arguments = [a for a in self.to(self.server.submission) if a not in ("--password-file", self.password)]
        send(*arguments, "--password-stdin", "--message", "-",
             input=f"{PASSWORDS[ALICE]}\nFrom: {ALICE}\nTo: {BOB}\nBcc: x@postern.test\nSubject: {word}\n\n.dot\n")
        mail = self.mail(word)
        self.assertEqual(mail.get_content(), ".dot\n")
        self.assertIsNone(mail["Bcc"])

    def test_chunks_and_commands_one_by_one(self):
        for option in ("--chunking", "--no-pipelining"):
            word = token()
            done = send(*self.to(self.server.submission), option, "--body", f".{word}\n")
            self.assertEqual("BDAT" in done.stdout, option == "--chunking")
            self.assertEqual(self.mail(word).get_content(), f".{word}\n")

    def test_utf8_addresses(self):
        said = told(*self.to(self.server.submission), "--to", "jürgen@postern.test", status=1)
        self.assertIn("SMTPUTF8", " ".join(line["text"] for line in said["transcript"] if line["who"] == "client"))
        self.assertEqual([r["taken"] for r in said["recipients"]], [True, False])

    def test_the_dialogue_has_times_and_no_secret(self):
        done = send(*self.to(self.server.submission), "--mechanism", "PLAIN")
        self.assertRegex(done.stdout, r"(?m)^ +\d+\.\d{3} <- 220 ")
        self.assertRegex(done.stdout, r"(?m)^ +\d+\.\d{3} -> AUTH PLAIN \*\*\*$")
        self.assertNotIn(base64.b64encode(f"\0{ALICE}\0{PASSWORDS[ALICE]}".encode()).decode(), done.stdout)
        self.assertNotIn("\x1b", done.stdout)
        quiet = send(*self.to(self.server.submission), "--quiet")
        self.assertEqual(quiet.stdout + quiet.stderr, "")

    def test_colours_only_where_they_are_wanted(self):
        for environment, coloured in (({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False),
                                      ({"TERM": "dumb"}, False)):
            ours, theirs = pty.openpty()
            keep = {k: v for k, v in os.environ.items() if k not in ("TERM", "NO_COLOR")}
            done = subprocess.Popen([PROGRAM, "send", *map(str, self.to(self.server.submission))], stdout=theirs,
                                    env={**keep, **environment})
            os.close(theirs)
            out = b""
            try:
                while piece := os.read(ours, 4096):
                    out += piece
            except OSError:
                pass
            os.close(ours)
            self.assertEqual(done.wait(30), 0)
            self.assertEqual(b"\x1b[" in out, coloured)

    def test_a_wrong_password_says_what_to_do(self):
        wrong = self.file("wrong", "not it\n")
        arguments = [wrong if a == self.password else a for a in self.to(self.server.submission)]
        done = send(*arguments, status=1)
        self.assertRegex(done.stderr, r"Not sent.*535")
        self.assertIn("(auth-failed, D-69)", done.stderr)
        said = told(*arguments, status=1)
        self.assertEqual((said["outcome"], said["stage"], said["reply"]["code"]), ("login-failed", "login", 535))
        self.assertTrue(said["explanation"]["remedy"])

    def test_no_password_to_a_wrong_certificate(self):
        for extra in ([], ["--no-verify"]):
            said = told("--server", f"localhost:{self.server.submission}", *self.usual[2:], *extra, status=1)
            self.assertEqual(said["outcome"], "unprotected")
            self.assertFalse([line for line in said["transcript"] if line["text"].startswith("AUTH")])
        said = told("--server", f"localhost:{self.server.submission}", *self.usual[2:], "--insecure-unverified-password")
        self.assertEqual(said["outcome"], "sent")
        # A name that the certificate is not for.
        said = told("--server", f"127.0.0.2:{self.server.submission}", *self.usual, status=1)
        self.assertIn(said["outcome"], ("unprotected", "not-reached"))

    def test_no_password_in_the_clear(self):
        said = told(*self.to(self.server.submission), "--tls", "none", status=1)
        self.assertEqual(said["explanation"]["rule"], "password-kept-back")

    def test_settings_from_a_file(self):
        settings = self.file("send.toml", f"""
            server = "localhost:{self.server.submissions}"
            tls = "implicit"
            user = "{ALICE}"
            password_file = "{self.password}"
            authorities = "{Authority.shared().ca}"
            mechanisms = ["PLAIN"]
            """)
        said = told("--settings", settings, "--to", BOB)
        self.assertEqual(said["mechanism"], "PLAIN")
        bad = self.file("bad.toml", 'sever = "x"\n')
        self.assertRegex(send("--settings", bad, "--to", BOB, status=2).stderr,
                         r"bad\.toml:1: unknown key `sever`; did you mean `server`\?")

    def test_many_over_several_connections(self):
        said = told(*self.to(self.server.submission), "--repeat", "30", "--connections", "3", "--body", "many-of-these")
        self.assertEqual((said["sent"], said["failed"], said["connections"]), (30, 0, 3))
        self.assertGreater(said["rate"], 0)
        mails = wait_for(lambda: [m for m in self.server.mailbox(BOB) if b"many-of-these" in m] if
                         len([m for m in self.server.mailbox(BOB) if b"many-of-these" in m]) == 30 else None, "30 mails")
        self.assertEqual(len({email.message_from_bytes(m)["Message-ID"] for m in mails}), 30)

    def test_wrong_calls(self):
        for arguments, words in ((["--to", BOB], "which server"), (["--server", "x:y", "--to", BOB], "is no port"),
                                 (["--server", "localhost", "--from", ALICE], "whom is it for"),
                                 (["--server", "localhost", "--to", "bob", "--from", ALICE], "no e-mail address"),
                                 (["--server", "localhost", "--to", BOB], "who sends it"),
                                 (["--server", "localhost", "--from", ALICE, "--to", BOB, "--attach", "/none"], "no file"),
                                 (["--server", "localhost", "--from", ALICE, "--to", BOB, "--tls", "maybe"], "--tls takes")):
            done = send(*arguments, status=2)
            self.assertIn(words, done.stderr)


class Hesitant:
    """Takes mail on the first connection, slowly, and turns the second away late; says nothing at all where `silent`."""

    def __init__(self, silent=False):
        self.silent, self.connections, self.taken = silent, 0, threading.Event()
        self.socket = socket.create_server((HOST, 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        for peer in connections_to(self.socket):
            self.connections += 1
            threading.Thread(target=self.talk, args=(peer, self.connections), daemon=True).start()

    def talk(self, peer, number):
        with peer, peer.makefile("rb") as lines:
            if self.silent:
                lines.read()
                return
            if number == 2:
                self.taken.wait(10)
                peer.sendall(b"421 4.3.2 too many\r\n")
                return
            peer.sendall(b"220 slow\r\n")
            mails, content = 0, False
            for line in lines:
                if content and line != b".\r\n":
                    continue
                mails += content
                content = line.startswith(b"DATA")
                if mails == 2:
                    self.taken.set()
                peer.sendall(b"354 go\r\n" if content else b"250 ok\r\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(5)


class Protocol(Folder):
    """What goes over the wire, at a server that keeps it."""

    def test_delivery_reports_are_asked_for(self):
        with Sink(extensions=("PIPELINING", "DSN", "SIZE 1000000")) as sink:
            word = token()
            send("--server", f"{HOST}:{sink.port}", "--tls", "none", "--from", "a@a.test", "--to", "b@b.test", "--cc",
                 "c@c.test", "--bcc", "d@d.test", "--subject", word, "--notify", "success,delay", "--ret", "headers",
                 "--envid", "id+1", "--orcpt", "old@b.test")
            got = sink.wait(word)
        self.assertEqual(got["recipients"], ["b@b.test", "c@c.test", "d@d.test"])
        for parameter in ("RET=HDRS", "ENVID=id+2B1", "NOTIFY=SUCCESS,DELAY", "ORCPT=rfc822;old@b.test",
                          f"SIZE={len(got['content'])}"):
            self.assertIn(parameter, got["parameters"])
        self.assertNotIn(b"d@d.test", got["content"])

    def test_the_same_message_as_swaks(self):
        need("swaks")
        with Sink() as sink:
            text = "From: a@a.test\nTo: b@b.test\nSubject: same\nDate: Thu, 26 Nov 2026 10:00:00 +0000\n" \
                   "Message-ID: <1@a.test>\n\n.one\n..two\n\nthree\n"
            path = self.file("message", text)
            common = ["--server", HOST, "--port", sink.port]
            run("swaks", *common, "--from", "a@a.test", "--to", "b@b.test", "--ehlo", "laptop.test", "--data", f"@{path}",
                check=True)
            theirs = list(sink.commands)
            sink.commands.clear()
            done = send("--server", f"{HOST}:{sink.port}", "--tls", "none", "--from", "a@a.test", "--to", "b@b.test",
                        "--hello", "laptop.test", "--message", path, "--no-pipelining")
            ours = list(sink.commands)

            def plain(commands):
                return [re.sub(r" SIZE=\d+$", "", c) for c in commands]
            self.assertEqual(plain(ours), plain(theirs))
            self.assertEqual(sink.messages[1]["content"].rstrip(), sink.messages[0]["content"].rstrip())
            for command in ours:
                self.assertIn(f" -> {command}\n", done.stdout)

    def test_outcomes_have_their_exit_status(self):
        for answers, status, outcome, rule in (
                ({}, 0, "sent", None),
                ({"RCPT": "550 5.1.1 No such user here"}, 1, "refused", "unknown-recipient"),
                ({"RCPT": "451 4.7.1 Greylisted, come back later"}, 1, "deferred", "greylisted"),
                ({"END": "554 5.7.1 Spam"}, 1, "refused", None),
                ({"MAIL": "530 5.7.0 Authentication required"}, 1, "refused", "auth-required"),
                ({"END": "552 5.3.4 Message too big"}, 1, "refused", "message-too-big"),
                ({"CONNECT": "421 4.3.2 Later"}, 1, "deferred", None)):
            with self.subTest(answers=answers), Sink(answers) as sink:
                said = told("--server", f"{HOST}:{sink.port}", "--tls", "none", "--from", "a@a.test", "--to", "b@b.test",
                            status=status)
                self.assertEqual(said["outcome"], outcome)
                if rule:
                    self.assertEqual(said["explanation"]["rule"], rule)

    def test_repeat_counts_what_not_all_got_and_comes_to_an_end(self):
        with Sink({"RCPT c@c.test": "550 5.1.1 No"}) as sink:
            said = told("--server", f"{HOST}:{sink.port}", "--tls", "none", "--from", "a@a.test", "--to", "b@b.test, c@c.test",
                        "--repeat", "2", status=1)
            self.assertEqual((said["sent"], said["failed"], len(sink.messages)), (0, 2, 2))
            self.assertIn("not to c@c.test: 550 5.1.1 No", said["failures"][0]["text"])
        # One connection is turned away while the other one sends the last of them.
        with Hesitant() as server:
            said = told("--server", f"{HOST}:{server.port}", "--tls", "none", "--from", "a@a.test", "--to", "b@b.test",
                        "--repeat", "2", "--connections", "2", seconds=20)
            self.assertEqual((said["sent"], said["failed"]), (2, 0))
            self.assertLessEqual(server.connections, 3)

    def test_nobody_hears_of_blind_copies(self):
        with Sink() as sink:
            text = "From: a@a.test\nTo: b@b.test\nBcc: secret@c.test\nResent-Bcc: hidden@c.test\n\nhello\n"
            common = ["--server", f"{HOST}:{sink.port}", "--tls", "none", "--from", "a@a.test", "--message", "-"]
            send(*common, input=text.replace("Resent-Bcc: hidden@c.test\n", ""))
            send(*common, "--to", "b@b.test", "--repeat", "2", input=text)
            first, second, third = sink.messages
        self.assertEqual(first["recipients"], ["b@b.test", "secret@c.test"])
        for got in (first, second, third):
            self.assertNotRegex(got["content"], b"secret|hidden")
            self.assertRegex(got["content"], rb"(?m)^Date: ")
        self.assertEqual(len({email.message_from_bytes(m["content"])["Message-ID"] for m in (first, second, third)}), 3)

    def test_options_are_no_place_for_commands_and_fields(self):
        with Sink() as sink:
            for option, value in (("--hello", "h\r\nVRFY root"), ("--charset", "utf-8\r\nX-Injected: yes")):
                done = send("--server", f"{HOST}:{sink.port}", "--tls", "none", "--from", "a@a.test", "--to", "b@b.test", option,
                            value, status=2)
                self.assertIn("name", done.stderr)
            self.assertEqual(sink.messages, [])

    def test_an_option_goes_before_the_file(self):
        settings = self.file("send.toml", 'token_file = "/none"\ntimeout = 600\n')
        password = self.file("pw", "sesame\n")
        with Hesitant(silent=True) as server:
            said = told("--server", f"{HOST}:{server.port}", "--tls", "none", "--settings", settings, "--user", "a@a.test",
                        "--to", "b@b.test", "--password-file", password, "--timeout", "1", status=1, seconds=20)
            self.assertEqual(said["stage"], "greeting")

    def test_some_recipients_only(self):
        with Sink({"RCPT c@c.test": "550 5.1.1 No"}) as sink:
            done = send("--server", f"{HOST}:{sink.port}", "--tls", "none", "--from", "a@a.test", "--to", "b@b.test, c@c.test",
                        status=1)
            self.assertIn("for 1 recipient", done.stdout)
            self.assertIn("not for c@c.test: 550 5.1.1 No", done.stdout)


class Strangers(Folder):
    """Servers that are no SMTP servers, or stop being some."""

    def serve(self, talk):
        """Calls talk(connection) for each that comes."""
        listener = socket.socket()
        listener.bind((HOST, 0))
        listener.listen(8)
        self.addCleanup(listener.close)
        self.addCleanup(lambda: listener.shutdown(socket.SHUT_RDWR))

        def accept():
            for peer in connections_to(listener):
                threading.Thread(target=self.speak, args=(talk, peer), daemon=True).start()
        threading.Thread(target=accept, daemon=True).start()
        return listener.getsockname()[1]

    @staticmethod
    def speak(talk, peer):
        with peer:
            try:
                talk(peer)
            except OSError:
                pass

    def test_each_is_named(self):
        def flood(peer):
            while True:
                peer.sendall(b"x" * 65536)

        def say(octets):
            def talk(peer):
                peer.sendall(octets)
                peer.recv(1)
            return talk

        def http(peer):
            peer.recv(100)
            peer.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
        for talk, rule, words in (
                (say(b"SSH-2.0-OpenSSH_9.2\r\n"), "other-service", "SSH"),
                (say(b"* OK IMAP4rev1 ready\r\n"), "other-service", "IMAP"),
                (say(b"+OK POP3\r\n"), "other-service", "POP3"),
                (say(b"\x15\x03\x03\x00\x02\x02\x28"), "other-service", "TLS"),
                (say(bytes(range(128, 256)) + b"\0\1\2"), "not-smtp", "binary"),
                (flood, "greeting-endless", ""),
                (lambda peer: peer.recv(1), "greeting-missing", ""),
                (lambda peer: None, "closed-at-once", "")):
            with self.subTest(rule=rule, words=words):
                port = self.serve(talk)
                said = told("--server", f"{HOST}:{port}", "--tls", "none", "--timeout", "1", "--from", "a@a.test", "--to",
                            "b@b.test", status=1)
                self.assertEqual(said["explanation"]["rule"], rule)
                self.assertEqual(said["outcome"], "not-reached")
                self.assertIn(words, said["text"])
        port = self.serve(http)
        said = told("--server", f"{HOST}:{port}", "--tls", "implicit", "--timeout", "2", "--from", "a@a.test", "--to",
                    "b@b.test", status=1)
        self.assertEqual(said["explanation"]["rule"], "other-service")

    def test_nobody_is_there(self):
        port, = free_ports(1)
        common = ["--from", "a@a.test", "--to", "b@b.test"]
        said = told("--server", f"{HOST}:{port}", *common, status=1)
        self.assertEqual(said["explanation"]["rule"], "connection-refused")
        said = told("--server", "no-such-host.invalid:25", *common, status=1)
        self.assertEqual(said["explanation"]["rule"], "server-name-unknown")

    def test_it_closes_at_any_step(self):
        for step in ("CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "END"):
            with self.subTest(step=step), Sink({step: lambda _: None}) as sink:
                said = told("--server", f"{HOST}:{sink.port}", "--tls", "none", "--from", "a@a.test", "--to", "b@b.test",
                            status=None)
                self.assertNotEqual(said["outcome"], "sent")
                self.assertTrue(said["explanation"]["remedy"])


class ToOthers(Folder):
    def setUp(self):
        super().setUp()
        self.password = self.file("password", PASSWORD + "\n")

    def login(self, port, *more, status=0):
        return told("--server", f"localhost:{port}", "--tls", "starttls", "--ca", Authority.shared().ca, "--user", USER,
                    "--password-file", self.password, "--from", "a@postern.test", "--to", "b@remote.test", *more, status=status)

    def test_postfix_with_dovecot(self):
        need_root()
        need("postfix")
        certificate, key = Authority.shared().issue("server")
        with Sink() as sink:
            def settings(postfix):
                path = postfix.dir / "spool" / "private-auth"
                dovecot = DovecotSasl(self.dir, path)
                self.addCleanup(dovecot.close)
                return {"smtpd_sasl_auth_enable": "yes", "smtpd_sasl_type": "dovecot", "smtpd_sasl_path": path,
                        "smtpd_tls_auth_only": "yes", "smtpd_tls_security_level": "may", "smtpd_tls_cert_file": certificate,
                        "smtpd_tls_key_file": key, "mynetworks": "192.0.2.1/32", "relayhost": f"[{HOST}]:{sink.port}",
                        "smtpd_relay_restrictions": "permit_sasl_authenticated, reject"}
            with Postfix(settings) as postfix:
                for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"):
                    word = token()
                    self.assertEqual(self.login(postfix.port, "--mechanism", mechanism, "--subject", word)["mechanism"], mechanism)
                    sink.wait(word, 30)
                self.file("password", "a wrong one\n")
                said = self.login(postfix.port, status=1)
                self.assertEqual(said["explanation"]["rule"], "auth-failed")
                said = told("--server", f"localhost:{postfix.port}", "--tls", "starttls", "--ca", Authority.shared().ca,
                            "--from", "a@postern.test", "--to", "b@remote.test", status=1)
                self.assertEqual((said["outcome"], said["stage"]), ("refused", "rcpt"))

    def test_exim(self):
        where = self.dir / "exim"
        where.mkdir()
        condition = f"${{if and{{{{eq{{$auth2}}{{{USER}}}}}{{eq{{$auth3}}{{{PASSWORD}}}}}}}}}"
        with Exim(f"""
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = {condition}
  server_set_id = $auth2
  server_advertise_condition = ${{if def:tls_in_cipher}}
""", where) as exim:
            self.assertEqual(self.login(exim.port)["mechanism"], "PLAIN")
            wait_for(lambda: f"A=plain:{USER}" in exim.log(), "the mail at Exim")


class Library(Folder):
    def test_an_example_builds_with_the_installed_package_and_sends(self):
        need("cmake", "ninja")
        build = pathlib.Path(PROGRAM).parent
        if not (build / "src" / "library" / "libpostern-client.so").exists():
            self.skipTest("the library is not built")
        if os.environ.get("POSTERN_SANITIZED"):
            self.skipTest("an example without sanitizers can't load it")
        tree = self.dir / "tree"
        run("cmake", "--install", build, "--prefix", tree, "--component", "library", check=True)
        compiler = os.environ.get("CXX") or shutil.which("clang++-16") or shutil.which("c++")
        run("cmake", "-G", "Ninja", "-S", tree / "share/doc/postern/examples/send", "-B", self.dir / "build",
            f"-DCMAKE_PREFIX_PATH={tree}", f"-DCMAKE_CXX_COMPILER={compiler}", check=True)
        run("cmake", "--build", self.dir / "build", seconds=120, check=True)
        # Nothing but what the header promises can be seen, and nothing else of ours is needed.
        library = next(tree.rglob("libpostern-client.so"))
        ours = [line for line in run("nm", "-DC", "--defined-only", library).stdout.splitlines() if " T postern::" in line]
        self.assertEqual(len(ours), 4, ours)
        with Postern() as server:
            environment = {"SMTP_PASSWORD": PASSWORDS[ALICE], "SMTP_AUTHORITIES": str(Authority.shared().ca)}
            word = token()

            def example(password=PASSWORDS[ALICE]):
                return run(self.dir / "build" / "send", "localhost", server.submission, ALICE, ALICE, BOB, input=word,
                           env={**environment, "SMTP_PASSWORD": password})
            done = example()
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            server.wait_mail(BOB, word)
            done = example("wrong")
            self.assertEqual(done.returncode, 1)
            self.assertIn("[auth-failed]", done.stdout)


if __name__ == "__main__":
    unittest.main()
