"""Postern's users in other mail servers, which ask at its auth sockets: real Postfix, Exim and Dovecot,
configured as docs/auth-socket.md says. And clients of the protocol that no real server would be."""
import base64
import contextlib
import grp
import hashlib
import hmac
import imaplib
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import smtplib
import socket
import stat
import tempfile
import threading
import tomllib
import unittest

from harness import (ALICE, BOB, CAROL, HOST, PASSWORDS, ROOT, SLOW, Authority, Postern, client_context, free_ports,
                     need, run, wait_for)
from peers import Dovecot, Peer, Postfix, need_root, unpacked
from scram import Scram

PAGE = (ROOT / "docs" / "auth-socket.md").read_text()
DOWN = "ann@down.test"  # of a back end that isn't there


def block(heading, kind, number=0):
    """A block of the manual below a heading."""
    part = PAGE[PAGE.index(f"\n## {heading}\n") + 4:]
    part = part[:part.find("\n## ") + 1 or None]
    return re.findall(rf"```{kind}\n(.*?)```", part, re.S)[number]


def sockets(heading, number=0, **changes):
    """The [[auth_socket]] tables of a block, with the paths and groups of this test."""
    rows = tomllib.loads(block(heading, "toml", number))["auth_socket"]
    return [{k: changes.get(k, {}).get(v, v) for k, v in row.items()} for row in rows]


def plain(user, password):
    return base64.b64encode(f"\0{user}\0{password}".encode()).decode()


class Client:
    """A client of Dovecot's authentication protocol, at the level of lines."""

    def __init__(self, where, minor=2, pid=None, hello=True):
        family = socket.AF_INET if isinstance(where, tuple) else socket.AF_UNIX
        self.socket = socket.socket(family)
        self.socket.settimeout(20 * SLOW)
        self.socket.connect(where if family == socket.AF_INET else str(where))
        self.stream = self.socket.makefile("rb")
        self.last = 0
        self.pid = pid or os.getpid()
        self.said = {}
        if hello:
            self.send(f"VERSION\t1\t{minor}\nCPID\t{self.pid}")
            while (line := self.line()) != ["DONE"]:
                self.said.setdefault(line[0], []).append(line[1:])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()
        self.socket.close()

    def send(self, text):
        self.socket.sendall(text.encode() + b"\n")

    def line(self):
        """The next line's fields; None at the end of the connection."""
        with contextlib.suppress(ConnectionResetError):
            line = self.stream.readline()
            return line.decode().rstrip("\n").split("\t") if line else None
        return None

    def auth(self, mechanism, *fields, response=None, service="smtp", secured=True):
        """Begins an exchange; its number."""
        self.last += 1
        words = [f"service={service}", *(["secured"] if secured else []), *fields]
        if response is not None:
            words.append(f"resp={response}")
        self.send("\t".join(["AUTH", str(self.last), mechanism, *words]))
        return self.last

    def ask(self, mechanism, *fields, **options):
        """The answer to a whole exchange of one line."""
        self.auth(mechanism, *fields, **options)
        return self.line()

    def go_on(self, octets):
        self.send(f"CONT\t{self.last}\t{base64.b64encode(octets).decode()}")
        return self.line()


class Sockets(unittest.TestCase):
    """The protocol itself."""

    @classmethod
    def setUpClass(cls):
        cls.port, = free_ports(1)
        cls.dir = pathlib.Path(tempfile.mkdtemp(prefix="postern-auth-"))
        cls.addClassCleanup(shutil.rmtree, cls.dir, True)
        cls.path, cls.master = cls.dir / "auth", cls.dir / "master"
        cls.server = Postern({"auth": {"mechanisms": ["SCRAM-SHA-256", "CRAM-MD5", "PLAIN", "LOGIN"],
                                       "failure_delay": "10ms"},
                              "guard": {"allow": [], "longest_delay": "0s", "refuse_after": 6},
                              "auth_socket": [{"path": cls.path}, {"address": f"{HOST}:{cls.port}", "mechanisms": ["PLAIN"]},
                                              {"path": cls.master, "role": "master"}],
                              "backend": [{"name": "gone", "type": "dovecot", "path": "/nonexistent/auth", "domain": "down.test"}]},
                             accounts=(ALICE, BOB, CAROL))
        cls.addClassCleanup(cls.server.__exit__, None, None, None)
        cls.server.cli("account", "password", BOB, "--cram-md5", "--password-stdin", input=PASSWORDS[BOB] + "\n",
                       check=True)
        cls.server.cli("account", "smtp-auth", CAROL, "off", check=True)

    def test_the_greeting(self):
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)
        with Client(self.path) as c, Client((HOST, self.port)) as tcp:
            self.assertEqual(c.said["VERSION"], [["1", "2"]])
            self.assertEqual([m[0] for m in c.said["MECH"]], ["SCRAM-SHA-256", "CRAM-MD5", "PLAIN", "LOGIN"])
            self.assertEqual([m for m in tcp.said["MECH"]], [["PLAIN", "plaintext"]])
            self.assertEqual(c.said["SPID"], tcp.said["SPID"])
            self.assertNotEqual(c.said["COOKIE"], tcp.said["COOKIE"])
            self.assertRegex(c.said["COOKIE"][0][0], "^[0-9a-f]{32}$")

    def test_right_and_wrong(self):
        with Client(self.path) as c, Client(self.path, minor=0) as old:
            good = plain(ALICE, PASSWORDS[ALICE])
            self.assertEqual(c.ask("PLAIN", response=good), ["OK", "1", f"user={ALICE}"])
            self.assertEqual(c.ask("PLAIN", "rip=192.0.2.5", "rport=4444", response=plain(ALICE.upper(), PASSWORDS[ALICE])),
                             ["OK", "2", f"user={ALICE}"])
            self.server.wait_log(r"login .*account=alice@postern.test .*client=192\.0\.2\.5:4444 .*service=smtp")
            self.assertEqual(c.ask("PLAIN", "rip=192.0.2.6", response=plain(ALICE, "guess")),
                             ["FAIL", "3", f"user={ALICE}"])
            wrong = old.ask("PLAIN", "rip=192.0.2.6", response=plain(ALICE, "another guess"))
            unknown = old.ask("PLAIN", "rip=192.0.2.7", response=plain("nobody@postern.test", "guess"))
            for reply in (wrong, unknown):
                self.assertEqual(reply[0], "FAIL")
                self.assertRegex(reply[3], r"^reason=User name or password is wrong; .* \(\w{12}\.1\)$")
                self.assertEqual(len(reply), 4, reply)
            story = json.loads(self.server.cli("why", wrong[3][-15:-1], "--json", check=True).stdout)["events"][0]
            self.assertEqual((story["rule"], story["cause"], story["client"], story["listener"]),
                             ("auth-failed", "wrong_password", "192.0.2.6", str(self.path)))
            self.assertEqual(c.ask("PLAIN", response=good, secured=False)[0], "FAIL")
            self.assertIn("temp", c.ask("PLAIN", response=plain(DOWN, "whatever")))
            # Switched off for SMTP only: the mailbox is not concerned.
            carol = plain(CAROL, PASSWORDS[CAROL])
            self.assertIn("code=authz_fail", c.ask("PLAIN", response=carol))
            self.assertEqual(c.ask("PLAIN", response=carol, service="imap")[0], "OK")
            self.server.cli("account", "disable", CAROL, check=True)
            self.assertIn("user_disabled", c.ask("PLAIN", response=carol, service="imap"))
            self.server.cli("account", "enable", CAROL, check=True)

    def test_other_mechanisms(self):
        with Client(self.path) as c:
            c.auth("LOGIN")
            self.assertEqual(c.line(), ["CONT", str(c.last), base64.b64encode(b"Username:").decode()])
            self.assertEqual(c.go_on(ALICE.encode())[0], "CONT")
            self.assertEqual(c.go_on(PASSWORDS[ALICE].encode()), ["OK", str(c.last), f"user={ALICE}"])
            for password, answer in ((PASSWORDS[BOB], "OK"), ("guess", "FAIL")):
                c.auth("CRAM-MD5", secured=False)
                challenge = base64.b64decode(c.line()[2])
                proof = hmac.new(password.encode(), challenge, hashlib.md5).hexdigest()
                self.assertEqual(c.go_on(f"{BOB} {proof}".encode())[0], answer)
            for password, answer in ((PASSWORDS[ALICE], "OK"), ("guess", "FAIL")):
                exchange = Scram(ALICE, password)
                challenge = c.ask("SCRAM-SHA-256", response=exchange.first(), secured=False)[2]
                reply = c.go_on(base64.b64decode(exchange.final(challenge)))
                if answer == "OK":
                    self.assertTrue(exchange.check(reply[2]))
                    reply = c.go_on(b"")
                self.assertEqual(reply[0], answer)

    def test_many_at_a_time_on_many_connections(self):
        wrong = []

        def client(number):
            with Client(self.path, pid=1000 + number) as c:
                for i in range(50):
                    c.auth("PLAIN", response=plain(ALICE, PASSWORDS[ALICE]))
                answers = [c.line() for _ in range(50)]
                if sorted(int(a[1]) for a in answers) != list(range(1, 51)) or any(a[0] != "OK" for a in answers):
                    wrong.append(answers)
        threads = [threading.Thread(target=client, args=(n,)) for n in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(wrong, [])

    def test_an_old_client_is_told_not_now_by_hanging_up(self):
        with Client(self.path, minor=0) as c:
            self.assertIsNone(c.ask("PLAIN", response=plain(DOWN, "whatever")))

    def test_hostile_dialogues(self):
        hello = b"VERSION\t1\t2\nCPID\t9\n"
        auth = b"AUTH\t1\tLOGIN\tservice=smtp\tsecured\n"
        # What is sent, and whether the connection must end; else it must still work.
        for name, octets, ends in [
                ("another version", b"VERSION\t2\t0\nCPID\t9\n", True),
                ("no handshake", auth, True),
                ("HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", True),
                ("an endless line", hello + b"x" * 20000, True),
                ("a long line", hello + b"AUTH\t1\tPLAIN\tservice=smtp\t" + b"x" * 17000 + b"\n", True),
                ("garbage", hello + bytes(range(256)) + b"\n", True),
                ("an empty line", hello + b"\n", True),
                ("a number twice", hello + auth + auth, True),
                ("number 0", hello + auth.replace(b"1", b"0"), True),
                ("a number too large", hello + auth.replace(b"\t1\t", b"\t99999999999\t"), True),
                ("CONT for nobody", hello + b"CONT\t7\tAAAA\n", False),
                ("CANCEL for nobody", hello + b"CANCEL\t7\n", False),
                ("a number again after CANCEL", hello + auth + b"CANCEL\t1\n" + auth, False),
                ("no base64", hello + auth + b"CONT\t1\t!!!\n", False),
                ("more exchanges than there is room for",
                 hello + b"".join(auth.replace(b"\t1\t", b"\t%d\t" % n) for n in range(1, 400)), False)]:
            with self.subTest(name), Client(self.path, hello=False) as c:
                c.socket.sendall(octets)
                if not ends:
                    c.last = 4999
                    c.auth("PLAIN", response=plain(ALICE, PASSWORDS[ALICE]))
                    if name.startswith("more"):
                        self.assertIn("temp", next(iter(self.until(c, "5000"))))
                        continue
                    self.assertEqual(next(iter(self.until(c, "5000")))[0], "OK")
                else:
                    while c.line() is not None:
                        pass

    def until(self, client, number):
        while (line := client.line()) is not None:
            if len(line) > 1 and line[1] == number and line[0] in ("OK", "FAIL"):
                yield line
        raise AssertionError("the connection ended")

    def test_who_does_not_read_is_not_served_for_ever(self):
        with Client(self.path) as c:
            c.socket.setblocking(False)
            sent = 0
            line = b"AUTH\t1\tNOSUCH\tservice=smtp\n" * 100
            with contextlib.suppress(BlockingIOError):
                for sent in range(20000):
                    c.socket.send(line)
            self.assertLess(sent, 19999, "the server reads on without bound")

    def test_the_guard_goes_by_the_address_of_the_client(self):
        with Client(self.path) as c:
            for n in range(8):
                reply = c.ask("PLAIN", "rip=198.51.100.9", response=plain(f"user{n}@postern.test", f"guess {n}"))
            self.assertIn("temp", reply)
            self.assertRegex(reply[-1], "Log-ins from here are not looked at for now")
            good = plain(BOB, PASSWORDS[BOB])
            self.assertIn("temp", c.ask("PLAIN", "rip=198.51.100.9", response=good))
            self.assertEqual(c.ask("PLAIN", "rip=203.0.113.9", response=good)[0], "OK")
            self.server.cli("guard", "lift", "198.51.100.9", check=True)
            self.assertEqual(c.ask("PLAIN", "rip=198.51.100.9", response=good)[0], "OK")
            self.server.cli("guard", "deny", "203.0.113.0/24", check=True)
            denied = c.ask("PLAIN", "rip=203.0.113.9", response=good)
            self.server.cli("guard", "lift", "203.0.113.0/24", check=True)
            self.assertEqual((denied[0], "temp" in denied), ("FAIL", False))
            self.assertIn("no connections from your network", denied[-1])

    def test_the_master_socket(self):
        with Client(self.path, pid=4711) as c, Client(self.master, hello=False) as m:
            m.send("VERSION\t1\t1")
            self.assertEqual(m.line(), ["VERSION", "1", "1"])
            self.assertEqual(m.line(), ["SPID", c.said["SPID"][0][0]])
            m.send(f"USER\t1\t{ALICE}\tservice=imap\nUSER\t2\tnobody@postern.test\tservice=imap\nPASS\t3\t{BOB}\tservice=x")
            self.assertEqual([m.line() for _ in range(3)],
                             [["USER", "1", ALICE], ["NOTFOUND", "2"], ["PASS", "3", f"user={BOB}"]])
            m.send("USER\t1\talice+detail@postern.test\tservice=lmtp")
            self.assertEqual(m.line(), ["USER", "1", ALICE])
            m.send("LIST\t4\tuser=*")
            self.assertEqual(sorted(m.line()[2] for _ in range(3)), [ALICE, BOB, CAROL])
            self.assertEqual(m.line(), ["DONE", "4", ""])
            # A log-in is fetched once, with the cookie of the connection that it was proven on.
            cookie = c.said["COOKIE"][0][0]
            self.assertEqual(c.ask("PLAIN", response=plain(ALICE, PASSWORDS[ALICE]), service="imap")[0], "OK")
            for what, answer in ((f"4711\t1\t{'0' * 32}", "FAIL"), (f"4712\t1\t{cookie}", "FAIL"),
                                 (f"4711\t1\t{cookie}", "USER"), (f"4711\t1\t{cookie}", "FAIL")):
                m.send(f"REQUEST\t9\t{what}\tsession_pid=1")
                self.assertEqual(m.line()[0], answer, what)
            # Nobody fetches what Postfix asked for.
            self.assertEqual(c.ask("PLAIN", "nologin", response=plain(ALICE, PASSWORDS[ALICE]))[0], "OK")
            m.send(f"REQUEST\t9\t4711\t2\t{cookie}")
            self.assertEqual(m.line()[0], "FAIL")


class Life(unittest.TestCase):
    """Sockets come and go."""

    def test_files_are_made_replaced_and_removed(self):
        group = grp.getgrgid(os.getgid()).gr_name
        with Postern(start=False) as server:
            path, other = server.dir / "auth", server.dir / "other"
            server.config["auth_socket"] = [{"path": path, "mode": "0660", "group": group}]
            server.write_config()
            path.write_text("not a socket")
            failed = server.cli("serve")
            self.assertNotEqual(failed.returncode, 0)
            self.assertIn("is there and no socket", failed.stderr)
            path.unlink()
            # Left by one that was killed.
            with socket.socket(socket.AF_UNIX) as old:
                old.bind(str(path))
            server.start()
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o660)
            self.assertIn(str(path), server.cli("status", check=True).stdout)
            with Client(path) as c:
                self.assertEqual(c.ask("PLAIN", response=plain(ALICE, PASSWORDS[ALICE]))[0], "OK")
                # A reload: one goes, one comes; a connection stays.
                server.config["auth_socket"] = [{"path": other, "mechanisms": ["LOGIN"]}]
                server.write_config()
                server.signal(signal.SIGHUP)
                wait_for(lambda: other.exists() and not path.exists(), f"the other socket\n{server.log()}")
                self.assertEqual(c.ask("PLAIN", response=plain(ALICE, PASSWORDS[ALICE]))[0], "OK")
            with Client(other) as c:
                self.assertEqual(c.said["MECH"], [["LOGIN", "plaintext"]])
            # Another mode and other mechanisms for one that is there.
            server.config["auth_socket"] = [{"path": other, "mechanisms": ["PLAIN"], "mode": "0666"}]
            server.write_config()
            server.signal(signal.SIGHUP)
            wait_for(lambda: stat.S_IMODE(other.stat().st_mode) == 0o666, "the new mode")

            def changed():
                with Client(other) as c:
                    return c.said["MECH"] == [["PLAIN", "plaintext"]]
            wait_for(changed, "the new mechanisms")
            # One that can't be made: all stays as it was.
            server.config["auth_socket"] = [{"path": "/nonexistent/auth"}]
            server.write_config()
            server.signal(signal.SIGHUP)
            server.wait_log(r"reload_failed .*/nonexistent/auth")
            with Client(other) as c:
                self.assertEqual(c.ask("PLAIN", response=plain(ALICE, PASSWORDS[ALICE]))[0], "OK")
            server.config["auth_socket"] = [{"path": other}]
            server.write_config()
            server.stop()
            self.assertFalse(other.exists())

    def test_two_servers_do_not_take_each_others_socket(self):
        with Postern(start=False) as one, Postern(start=False) as two:
            path = one.dir / "auth"
            for server in (one, two):
                server.config["auth_socket"] = [{"path": path}]
                server.write_config()
            one.start()
            failed = two.cli("serve")
            self.assertNotEqual(failed.returncode, 0)
            self.assertIn("in use by another program", failed.stderr)
            with Client(path) as c:
                self.assertEqual(c.ask("PLAIN", response=plain(ALICE, PASSWORDS[ALICE]))[0], "OK")

    def test_wrong_configuration_is_told(self):
        with Postern(start=False) as server:
            for row, text in (({"path": "/x/a", "address": "127.0.0.1:1000"}, "either a path"), ({}, "either a path"),
                              ({"address": "192.0.2.1:1000"}, "only this machine"),
                              ({"address": "127.0.0.1:1000", "role": "master"}, "master socket"),
                              ({"path": "/x/a", "mode": "rw"}, "octal digits"), ({"path": "/x/a", "grup": "x"}, "group")):
                server.config["auth_socket"] = [row or {"mode": "0600"}]
                server.write_config()
                done = server.cli("config", "check")
                self.assertNotEqual(done.returncode, 0, row)
                self.assertIn(text, done.stdout + done.stderr)


def serve_for(test, rows, **more):
    """A Postern with these sockets, and a back end that is down."""
    server = Postern({"auth": {"mechanisms": ["SCRAM-SHA-256", "PLAIN", "LOGIN"], "failure_delay": "10ms"},
                      "guard": {"allow": [], "longest_delay": "0s", "refuse_after": 6}, "auth_socket": rows,
                      "backend": [{"name": "gone", "type": "dovecot", "path": "/nonexistent/auth", "domain": "down.test"}], **more})
    test.addCleanup(server.__exit__, None, None, None)
    # The other servers' processes pass through it.
    server.dir.chmod(0o755)
    return server


class SmtpPeer:
    """What a client of the other server sees."""

    def login(self, user, password, code, mechanism="PLAIN", source=HOST):
        with smtplib.SMTP(HOST, self.port, timeout=30 * SLOW, source_address=(source, 0)) as client:
            client.ehlo("client.example")
            client.starttls(context=self.context)
            client.ehlo("client.example")
            client.user, client.password = user, password
            try:
                got, text = client.auth(mechanism, getattr(client, "auth_" + mechanism.lower()))
            except smtplib.SMTPAuthenticationError as e:
                got, text = e.smtp_code, e.smtp_error
            if got != code:
                raise AssertionError(f"{user} got {got} {text}, not {code}")
            return text.decode()

    def swaks(self, *arguments):
        return run("swaks", "--server", HOST, "--port", self.port, "--tls", "--to", "friend@remote.test", "--from", ALICE,
                   "--quit-after", "RCPT", *arguments)


class InPostfix(unittest.TestCase):
    def test_postfix_asks_us(self):
        need_root()
        need("postfix", "swaks")
        certificate, key = Authority.shared().issue("server")
        folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-auth-"))
        self.addCleanup(shutil.rmtree, folder, True)

        def settings(postfix):
            self.place = postfix.dir / "spool" / "postern"
            self.place.mkdir()
            own = dict(line.split(" = ", 1) for line in block("Postfix", "postfix").strip().splitlines())
            return {**own, "smtpd_tls_security_level": "may", "smtpd_tls_cert_file": certificate,
                    "smtpd_tls_key_file": key, "smtpd_client_auth_rate_limit": "0"}
        with Postfix(settings) as postfix:
            os.chown(self.place, 0, pwd.getpwnam("postfix").pw_gid)
            self.place.chmod(0o750)
            path = {"/var/spool/postfix/postern/auth": str(self.place / "auth")}
            server = serve_for(self, sockets("Postfix", path=path))
            peer = SmtpPeer()
            peer.port, peer.context = postfix.port, client_context(verify=False)
            with smtplib.SMTP(HOST, postfix.port, timeout=30 * SLOW) as client:
                client.ehlo()
                self.assertNotIn("auth", client.esmtp_features)
                client.starttls(context=peer.context)
                client.ehlo()
                self.assertEqual(client.esmtp_features["auth"].split(), ["SCRAM-SHA-256", "PLAIN", "LOGIN"])
            for mechanism in ("PLAIN", "LOGIN"):
                peer.login(ALICE, PASSWORDS[ALICE], 235, mechanism)
                self.assertIn("User name or password is wrong", peer.login(ALICE, "guess", 535, mechanism))
            peer.login("nobody@postern.test", "guess", 535)
            self.assertEqual(peer.swaks("-au", ALICE, "-ap", PASSWORDS[ALICE], "-a", "LOGIN").returncode, 0)
            if shutil.which("gsasl"):
                done = run("gsasl", "--smtp", f"--connect={HOST}:{postfix.port}", "--starttls",
                           f"--x509-ca-file={Authority.shared().ca}", "--mechanism=SCRAM-SHA-256", "--no-cb",
                           f"--authentication-id={ALICE}", f"--password={PASSWORDS[ALICE]}", input="")
                self.assertIn("235", done.stdout + done.stderr)
            server.cli("account", "disable", BOB, check=True)
            self.assertIn("switched off", peer.login(BOB, PASSWORDS[BOB], 535))
            server.cli("account", "enable", BOB, check=True)
            # A back end that is down, and then one that works: a new connection is made.
            peer.login(DOWN, "whatever", 454)
            peer.login(BOB, PASSWORDS[BOB], 235)
            # The guard sees the address of Postfix's client.
            for n in range(6):
                peer.login(f"user{n}@postern.test", f"guess {n}", 535, source="127.0.0.77")
            peer.login(BOB, PASSWORDS[BOB], 454, source="127.0.0.77")
            peer.login(BOB, PASSWORDS[BOB], 235)
            self.assertIn("127.0.0.77", server.cli("guard", "list", check=True).stdout)
            # We go, and come back.
            server.stop()
            peer.login(BOB, PASSWORDS[BOB], 454)
            server.start()
            peer.login(BOB, PASSWORDS[BOB], 235)

            # And by TCP.
            server.stop()
            port, = free_ports(1)
            address = {"127.0.0.1:12345": f"{HOST}:{port}"}
            server.config["auth_socket"] = sockets("Postfix", 1, address=address)
            server.write_config()
            server.start()
            inet = re.search(r"smtpd_sasl_path = inet:\S+?(?=`)", PAGE).group(0).replace("12345", str(port))
            run("postconf", "-c", postfix.etc, "-e", inet, check=True)
            run("postfix", "-c", postfix.etc, "reload", check=True)

            def again():
                with contextlib.suppress(AssertionError, OSError, smtplib.SMTPException):
                    peer.login(ALICE, PASSWORDS[ALICE], 235)
                    return f"listener={HOST}:{port}" in server.log()
            wait_for(again, f"a log-in by TCP\n{postfix.log()[-2000:]}")
            peer.login(ALICE, "guess", 535)


class Exim(Peer, SmtpPeer):
    """Exim's program from Debian's package, unpacked since it can't be installed beside Postfix. Its user
    is compiled in, so it runs where /etc/passwd names one."""
    name = "Exim"

    def __init__(self, authenticators, folder, refusal="log in first", certificate="server"):
        need_root()
        program = unpacked("exim")
        super().__init__(folder)
        self.context = client_context(verify=False)
        certificate, key = Authority.shared().issue(certificate)
        owner = pwd.getpwnam("mail")
        for name in ("spool", "log"):
            (folder / name).mkdir()
            os.chown(folder / name, owner.pw_uid, owner.pw_gid)
        for name in ("cert", "key"):
            shutil.copy(certificate if name == "cert" else key, folder / name)
            os.chown(folder / name, owner.pw_uid, owner.pw_gid)
        for name, line in (("passwd", f"Debian-exim:x:{owner.pw_uid}:{owner.pw_gid}::/nonexistent:/bin/false"),
                           ("group", f"Debian-exim:x:{owner.pw_gid}:")):
            (folder / name).write_text(pathlib.Path("/etc", name).read_text() + line + "\n")
        (folder / "exim.conf").write_text(f"""
primary_hostname = exim.example
exim_path = {program}
spool_directory = {folder}/spool
log_file_path = {folder}/log/%s
keep_environment =
daemon_smtp_ports = {self.port}
local_interfaces = {HOST}
never_users =
host_lookup =
rfc1413_hosts =
tls_advertise_hosts = *
tls_certificate = {folder}/cert
tls_privatekey = {folder}/key
acl_smtp_rcpt = acl_rcpt
queue_only = true
begin acl
acl_rcpt:
  accept authenticated = *
  deny message = {refusal}
begin routers
begin transports
begin retry
begin rewrite
{authenticators}
""")
        inside = ('mount --bind "$0/passwd" /etc/passwd && mount --bind "$0/group" /etc/group && '
                  'exec setpriv --pdeathsig KILL "$1" -C "$0/exim.conf" -bdf')
        self.start("unshare", "--mount", "sh", "-c", inside, folder, program)

    def log(self):
        return "".join(p.read_text(errors="replace") for p in (self.dir / "log").iterdir()) + super().log()


class InExim(unittest.TestCase):
    def test_exim_asks_us(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-exim-"))
        self.addCleanup(shutil.rmtree, folder, True)
        folder.chmod(0o755)
        path = folder / "auth"
        with Exim(block("Exim", "exim").replace("/run/postern/exim", str(path)), folder) as exim:
            server = serve_for(self, sockets("Exim", path={"/run/postern/exim": str(path)}, group={"Debian-exim": "mail"}))
            for mechanism in ("PLAIN", "LOGIN"):
                exim.login(ALICE, PASSWORDS[ALICE], 235, mechanism)
                exim.login(ALICE, "guess", 535, mechanism)
            exim.login("nobody@postern.test", "guess", 535)
            exim.login(DOWN, "whatever", 435)
            server.cli("account", "disable", BOB, check=True)
            exim.login(BOB, PASSWORDS[BOB], 535)
            if shutil.which("swaks"):
                done = exim.swaks("-au", ALICE, "-ap", PASSWORDS[ALICE], "-a", "PLAIN")
                self.assertEqual(done.returncode, 0, done.stdout + exim.log())
            server.wait_log(rf"login .*listener={path} .*service=smtp")
            server.wait_log(r"refused .*cause=unknown_user")


class Imap(Dovecot):
    """A Dovecot without users of its own."""

    def __init__(self, config):
        need("doveadm")
        super().__init__(lambda self: f"""
            service imap-login {{
              inet_listener imap {{
                address = {HOST}
                port = {self.port}
              }}
              inet_listener imaps {{
                port = 0
              }}
            }}
            {config}
            """, "imap", needs="imap-login")

    def curl(self, user, password, *arguments, path=""):
        return run("curl", "-sv", f"imap://{HOST}:{self.port}/{path}", "-u", f"{user}:{password}", *arguments)


class InDovecot(unittest.TestCase):
    def test_a_mailbox_is_opened_with_our_password(self):
        need("curl")
        folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-auth-"))
        self.addCleanup(shutil.rmtree, folder, True)
        folder.chmod(0o755)
        owner = pwd.getpwnam("mail")
        server = serve_for(self, sockets("Dovecot", path={"/run/postern/imap": str(folder / "imap"),
                                                          "/run/postern/master": str(folder / "master")}))
        with server.session(login=BOB) as wire:
            wire.mail(BOB, ALICE)
            wire.data(f"From: {BOB}\r\nTo: {ALICE}\r\nSubject: x\r\n\r\nread me by IMAP\r\n")
        server.wait_mail(ALICE, "read me by IMAP")
        mail = server.dir / "mail"
        for place in [mail, *mail.rglob("*")]:
            os.chown(place, owner.pw_uid, owner.pw_gid)
        config = block("Dovecot", "dovecot").replace("/run/postern", str(folder)).replace("/var/mail", str(mail))
        config = config.replace("= postern", "= mail").replace("first_valid_uid = 100", "first_valid_uid = 1")
        with Imap(config) as dovecot:
            for mechanism in ("PLAIN", "LOGIN"):
                with self.subTest(mechanism):
                    done = dovecot.curl(ALICE, PASSWORDS[ALICE], "--login-options", f"AUTH={mechanism}",
                                        path="INBOX;MAILINDEX=1")
                    self.assertIn("read me by IMAP", done.stdout, done.stderr + dovecot.log())
            wait_for(lambda: "service=imap" in server.log(), "the log-in in the log")
            # curl of Debian 12 has no SCRAM.
            with imaplib.IMAP4(HOST, dovecot.port) as imap:
                exchange = Scram(ALICE, PASSWORDS[ALICE])

                def respond(challenge):
                    if not challenge:
                        return base64.b64decode(exchange.first())
                    if challenge.startswith(b"v="):
                        self.assertTrue(exchange.check(base64.b64encode(challenge)))
                        return b""
                    return base64.b64decode(exchange.final(base64.b64encode(challenge)))
                self.assertEqual(imap.authenticate("SCRAM-SHA-256", respond)[0], "OK")
                self.assertEqual(imap.select("INBOX")[1], [b"1"])
            # The command LOGIN, as old clients have it.
            with socket.create_connection((HOST, dovecot.port), 20 * SLOW) as s, s.makefile("rb") as lines:
                lines.readline()
                for n, (user, password, answer) in enumerate((
                        (ALICE, "guess", rb"NO \[AUTHENTICATIONFAILED\]"), (DOWN, "whatever", rb"NO \[UNAVAILABLE\]"),
                        (ALICE, PASSWORDS[ALICE], b"OK"))):
                    s.sendall(f'{n} LOGIN {user} "{password}"\r\n'.encode())
                    while not (line := lines.readline()).startswith(b"%d " % n):
                        self.assertTrue(line, dovecot.log())
                    self.assertRegex(line, b"%d " % n + answer)
            server.cli("account", "disable", BOB, check=True)
            self.assertNotEqual(dovecot.curl(BOB, PASSWORDS[BOB]).returncode, 0)
            # doveadm asks the master socket.
            doveadm = ["doveadm", "-c", dovecot.dir / "dovecot.conf"]
            listed = run(*doveadm, "user", "*", check=True).stdout.split()
            self.assertEqual(sorted(listed), [ALICE, BOB])
            fetched = run(*doveadm, "fetch", "-u", ALICE, "body", "all", check=True).stdout
            self.assertIn("read me by IMAP", fetched)
            self.assertNotEqual(run(*doveadm, "user", "nobody@postern.test").returncode, 0)


if __name__ == "__main__":
    unittest.main()
