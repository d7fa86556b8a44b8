"""Reload, drain, supervisors and back ends that fail: the life of the real server."""
import contextlib
import os
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import struct
import subprocess
import threading
import time
import unittest

from harness import (ALICE, BOB, HOST, NAME, PASSWORDS, PROGRAM, SLOW, Authority, Postern, Sink, Wire, free_ports,
                     message, need, run, token, wait_for)


def send_one(server, to=BOB, **options):
    word = token()
    with server.session(login=ALICE, **options) as wire:
        wire.mail(ALICE, to)
        wire.data(message(ALICE, to, word))
    return word


class Reload(unittest.TestCase):
    def reload(self, server, log_line):
        seen = len(server.log())
        server.signal(signal.SIGHUP)
        wait_for(lambda: re.search(log_line, server.log()[seen:]), f"{log_line} in the log")
        return server.log()[seen:]

    def test_a_good_configuration_is_taken_up(self):
        with Postern() as server:
            with server.session(login=ALICE) as before:
                self.assertNotEqual(before.ehlo()["SIZE"], ["1048576"])
                server.change("limits", message_size="1 MiB")
                server.change("domains", local=["postern.test", "more.test"])
                self.reload(server, "reloaded")
                with server.session() as after:
                    self.assertEqual(after.ehlo()["SIZE"], ["1048576"])
                before.say("NOOP", 250)  # a running session goes on
            with server.session(server.mx, tls=False) as wire:
                wire.say("MAIL FROM:<stranger@remote.test>", 250)
                wire.say("RCPT TO:<nobody@more.test>", 550, "5.1.1")

    def test_a_bad_configuration_leaves_the_old_one(self):
        with Postern() as server:
            good = server.file.read_text()
            for bad, hint in (("[limits]\nmessage_sise = 1\n", "message_sise"), ("hostname = \n", r":\d+:\d+"),
                              ("[auth]\nmechanisms = [\"ROT13\"]\n", "ROT13"), ("\0\xff", "postern.toml")):
                server.file.write_text(bad)
                said = self.reload(server, "reload_failed")
                self.assertRegex(said, hint)
                server.wait_mail(BOB, send_one(server))
            server.file.unlink()
            self.reload(server, "reload_failed")
            server.wait_mail(BOB, send_one(server))
            server.file.write_text(good)
            self.reload(server, "reloaded")

    def serial(self, server):
        with server.wire(tls=True) as wire:
            return wire.socket.getpeercert()["serialNumber"]

    def test_certificates_are_changed_while_it_runs(self):
        with Postern() as server:
            mine = server.dir / "cert.pem", server.dir / "key.pem"
            for source, target in zip(Authority.shared().issue("server"), mine):
                shutil.copy(source, target)
            server.change("tls", certificate=mine[0], private_key=mine[1])
            self.reload(server, "reloaded")
            first = self.serial(server)
            for source, target in zip(Authority.shared().issue("server-next"), mine):
                shutil.copy(source, target)
            self.reload(server, "reloaded")
            second = self.serial(server)
            self.assertNotEqual(first, second)
            # Garbage, and then a key that belongs to another certificate: nothing else has to wait for it.
            good = mine[1].read_bytes()
            for bad in (b"garbage\n", Authority.shared().issue("server")[1].read_bytes()):
                mine[1].write_bytes(bad)
                self.assertRegex(self.reload(server, r"\breloaded\b"), "certificate_unusable .*key.pem")
                self.assertEqual(self.serial(server), second)
            mine[1].write_bytes(good)
            self.assertNotIn("certificate_unusable", self.reload(server, r"\breloaded\b"))
            # What was never good is refused, and all else with it.
            server.change("tls", certificate=mine[0], private_key=server.dir / "none.key")
            self.assertIn("none.key", self.reload(server, "reload_failed"))
            self.assertEqual(self.serial(server), second)

    def test_reloads_under_load_disturb_nobody(self):
        with Postern({"limits": {"connections_per_address": 200}}) as server:
            stop, faults, words = threading.Event(), [], []

            def work():
                while not stop.is_set():
                    try:
                        words.append(send_one(server))
                    except (OSError, AssertionError, EOFError) as e:
                        faults.append(e)
                        return
            threads = [threading.Thread(target=work) for _ in range(4)]
            for thread in threads:
                thread.start()
            good = server.file.read_text()
            for i in range(10):
                server.file.write_text(good if i % 2 else good + "\n[nonsense]\nx = 1\n")
                self.reload(server, "reload_failed" if i % 2 == 0 else "reloaded")
                time.sleep(0.1)
            stop.set()
            for thread in threads:
                thread.join(30 * SLOW)
            self.assertEqual(faults, [])
            self.assertGreater(len(words), 8)
            wait_for(lambda: len(server.mailbox(BOB)) == len(words), "all messages in the mailbox")


class Ending(unittest.TestCase):
    def test_sigterm_drains(self):
        with Postern() as server:
            idle = server.session(login=ALICE)
            busy = server.session(login=ALICE)
            word = token()
            busy.mail(ALICE, BOB)
            busy.say("DATA", 354)
            busy.send(f"From: <{ALICE}>\r\nSubject: {word}\r\n\r\nhalf of it, ")
            server.signal(signal.SIGTERM)
            idle.expect(421, "4.3.2")
            self.assertTrue(idle.closed())

            def refused():
                with contextlib.suppress(ConnectionRefusedError, ConnectionResetError), socket.create_connection((HOST, server.mx), 2):
                    return False
                return True
            wait_for(refused, "the listeners to close")
            busy.send("the other half\r\n.\r\n")
            busy.expect(250, "2.0.0")
            busy.close()
            server.stop()
            self.assertEqual(server.process.returncode, 0)
            # What was acknowledged while draining is delivered now or after the next start.
            if not [m for m in server.mailbox(BOB) if word.encode() in m]:
                server.start()
            server.wait_mail(BOB, word)

    def test_sigterm_does_not_wait_for_ever(self):
        with Postern({"timeouts": {"drain": "1 s"}}) as server:
            with server.session(login=ALICE) as wire:
                wire.mail(ALICE, BOB)
                wire.say("DATA", 354)
                wire.send("half of it")
                began = time.monotonic()
                server.stop()
                self.assertLess(time.monotonic() - began, 8 * SLOW)

    def test_the_queue_outlives_the_server(self):
        with Sink() as sink:
            port = sink.port
        with Postern({"delivery": {"smart_host": f"{HOST}:{port}", "retry": ["1 s"]}}) as server:
            word = send_one(server, "friend@remote.test")
            server.stop()
            with Sink(port=port) as sink:
                server.start()
                got = sink.wait(word, 30)
                self.assertEqual(got["recipients"], ["friend@remote.test"])

    def test_two_servers_on_one_store(self):
        with Postern() as server:
            second = server.dir / "second.toml"
            text = server.file.read_text()
            for port, other in zip((server.submission, server.submissions, server.mx), free_ports(3)):
                text = text.replace(f":{port}", f":{other}")
            second.write_text(text)
            done = run(PROGRAM, "--config", second, "serve", seconds=20)
            self.assertEqual(done.returncode, 2)
            self.assertRegex(done.stderr.strip().splitlines()[-1], r"(?i)already|another|running")
            send_one(server)


class Supervisors(unittest.TestCase):
    def test_systemd_hears_what_happens(self):
        path = f"\0postern-e2e-{token()}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
            supervisor.bind(path)
            supervisor.settimeout(15 * SLOW)
            with Postern(environment={"NOTIFY_SOCKET": "@" + path[1:]}) as server:
                def hear(word):
                    end = time.monotonic() + 15 * SLOW
                    while time.monotonic() < end:
                        if word in supervisor.recv(4096).decode().split("\n"):
                            return
                    raise AssertionError(f"no {word}")
                hear("READY=1")
                server.signal(signal.SIGHUP)
                hear("RELOADING=1")
                hear("READY=1")
                server.signal(signal.SIGTERM)
                hear("STOPPING=1")
                server.process.wait(30 * SLOW)

    def test_socket_activation(self):
        need("systemd-socket-activate")
        with Postern(start=False) as server:
            ports = (server.submission, server.submissions, server.mx)
            server.launcher = ["systemd-socket-activate", *(x for p in ports for x in ("-l", f"{HOST}:{p}"))]
            server.start(wait=False)
            word = wait_for(lambda: self.try_to_send(server), "the activated server")
            server.wait_mail(BOB, word)

    @staticmethod
    def try_to_send(server):
        with contextlib.suppress(ConnectionRefusedError):
            return send_one(server)

    def test_root_becomes_somebody_else(self):
        if os.geteuid() != 0:
            raise unittest.SkipTest("needs root")
        with Postern({"user": "nobody"}, start=False, accounts=()) as server:
            os.chmod(server.dir, 0o755)
            for folder in ("data", "mail"):
                shutil.chown(server.dir / folder, "nobody", "nogroup")
            mine = server.dir / "cert.pem", server.dir / "key.pem"
            for source, target in zip(Authority.shared().issue("server"), mine):
                shutil.copy(source, target)
                shutil.chown(target, "nobody", "nogroup")  # read after the change, and at each reload
                target.chmod(0o600)
            server.change("tls", certificate=mine[0], private_key=mine[1])
            server.start()
            status = open(f"/proc/{server.process.pid}/status").read()
            uid = int(run("id", "-u", "nobody").stdout)
            self.assertEqual(re.search(r"Uid:\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)", status).groups(), (str(uid),) * 4)
            self.assertRegex(status, r"CapEff:\s+0+\n")
            server.add_account(ALICE, PASSWORDS[ALICE])
            server.add_account(BOB, PASSWORDS[BOB])
            server.wait_mail(BOB, send_one(server))


class Certificates(unittest.TestCase):
    def test_self_signed_when_there_is_none(self):
        with Postern({"tls": {"certificate": "", "private_key": ""}}) as server:
            server.wait_log(r"(?i)self.signed")
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with Wire(server.submissions, context=context, tls=True) as wire:
                wire.expect(220)
                first = wire.socket.getpeercert(True)
                self.assertIn(NAME.encode(), first)
            server.stop()
            server.start()
            with Wire(server.submissions, context=context, tls=True) as wire:
                self.assertEqual(wire.socket.getpeercert(True), first, "the certificate is kept")

    def test_ecdsa_and_rsa_side_by_side_and_names(self):
        authority = Authority.shared()
        rsa = authority.issue("server-rsa", kind="rsa")
        other = authority.issue("other", ("other.example",))
        certificate, key = authority.issue("server")
        with Postern({"tls": {"certificate": certificate, "private_key": key, "certificates": [
                {"certificate": rsa[0], "private_key": rsa[1]},
                {"certificate": other[0], "private_key": other[1]}]}}) as server:
            from harness import client_context

            def subject(ciphers=None, name=NAME):
                context = client_context()
                if ciphers:
                    context.maximum_version = ssl.TLSVersion.TLSv1_2
                    context.set_ciphers(ciphers)
                with Wire(server.submissions, context=context, tls=True, name=name) as wire:
                    wire.expect(220)
                    return dict(x[0] for x in wire.socket.getpeercert()["subject"])["commonName"], wire.socket.cipher()
            self.assertIn("ECDSA", subject("ECDHE-ECDSA-AES128-GCM-SHA256")[1][0])
            self.assertIn("RSA", subject("ECDHE-RSA-AES128-GCM-SHA256")[1][0])
            self.assertEqual(subject(name="other.example")[0], "other.example")
            self.assertEqual(subject()[0], NAME)
            context = client_context(verify=False)
            for name in ("../../x", "a" * 250, "unknown.example"):
                with contextlib.suppress(ValueError), \
                        Wire(server.submissions, context=context, tls=True, name=name) as wire:
                    wire.expect(220)

    def test_session_tickets(self):
        from harness import client_context
        with Postern() as server:
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                context = client_context()
                context.minimum_version = context.maximum_version = version
                with Wire(server.submissions, context=context, tls=True) as wire:
                    wire.expect(220)
                    wire.ehlo()
                    session = wire.socket.session
                    self.assertTrue(session and session.has_ticket)
                with Wire(server.submissions, context=context) as wire:
                    wire.start_tls(session=session)
                    wire.expect(220)
                    self.assertTrue(wire.socket.session_reused, version)
                    wire.ehlo()
                    wire.say(f"MAIL FROM:<{ALICE}>", 530)  # a ticket is no login


class Proxy(unittest.TestCase):
    """standards 80: the header is taken from listed networks only, and required there."""

    @classmethod
    def setUpClass(cls):
        cls.port, cls.tls_port = free_ports(2)
        cls.server = Postern({"timeouts": {"handshake": "3 s", "before_login": "3 s"}, "mx": {"checks": False}}, listeners=[
            {"address": f"{HOST}:{cls.port}", "role": "mx", "tls": "starttls", "proxy_networks": ["127.0.0.5/32"]},
            {"address": f"{HOST}:{cls.tls_port}", "role": "submission", "tls": "implicit",
             "proxy_networks": ["127.0.0.5/32"]}])
        cls.addClassCleanup(cls.server.__exit__, None, None, None)

    V2 = b"\r\n\r\n\0\r\nQUIT\n"

    def v2(self, source="192.0.2.55", command=0x21):
        body = socket.inet_aton(source) + socket.inet_aton("192.0.2.1") + struct.pack("!HH", 40000, 25)
        return self.V2 + bytes([command, 0x11]) + struct.pack("!H", len(body)) + body

    def sent_by(self, header, port=None):
        """The client address in Received of a mail that came with this header."""
        word = token()
        with Wire(port or self.port, source=("127.0.0.5", 0)) as wire:
            wire.send(header)
            wire.expect(220)
            wire.ehlo()
            wire.mail("stranger@remote.test", BOB)
            wire.data(message("stranger@remote.test", BOB, word))
        return self.server.wait_mail(BOB, word).decode()

    def test_std_80_version_1(self):
        self.assertIn("192.0.2.44", self.sent_by(b"PROXY TCP4 192.0.2.44 192.0.2.1 40000 25\r\n"))
        self.assertIn("2001:db8::7", self.sent_by(b"PROXY TCP6 2001:db8::7 2001:db8::1 40000 25\r\n"))

    def test_std_80_version_2(self):
        self.assertIn("192.0.2.55", self.sent_by(self.v2()))

    def test_std_80_health_checks(self):
        self.assertIn("127.0.0.5", self.sent_by(self.v2(command=0x20)))
        self.assertIn("127.0.0.5", self.sent_by(b"PROXY UNKNOWN\r\n"))

    def test_std_80_under_tls(self):
        with Wire(self.tls_port, source=("127.0.0.5", 0)) as wire:
            wire.send(self.v2("192.0.2.66"))
            wire.start_tls()
            wire.expect(220)
            wire.ehlo()
            wire.auth_plain(ALICE, PASSWORDS[ALICE])
        self.server.wait_log(r"192\.0\.2\.66")

    def test_std_80_required_of_the_proxy(self):
        with Wire(self.port, source=("127.0.0.5", 0)) as wire:
            wire.send("EHLO client.example\r\n")
            self.assertNotIn(b"250", wire.everything(5))

    def test_std_80_not_taken_from_others(self):
        with Wire(self.port, source=("127.0.0.6", 0)) as wire:
            wire.expect(220)
            wire.say("PROXY TCP4 192.0.2.44 192.0.2.1 40000 25", 500)
            wire.ehlo()

    def test_std_80_malformed(self):
        for header in (b"PROXY TCP4 999.0.2.44 192.0.2.1 40000 25\r\n", b"PROXY TCP4 192.0.2.44\r\n",
                       b"PROXY " + b"x" * 200 + b"\r\n", self.V2 + b"\x21\x11\x00\x02xx", self.V2 + b"\x51\x11\0\0"):
            with self.subTest(header=header), Wire(self.port, source=("127.0.0.5", 0)) as wire:
                wire.send(header)
                self.assertNotIn(b"220 ", wire.everything(5))


class Faults(unittest.TestCase):
    """Back ends that fail are a temporary matter, and service comes back by itself."""

    def databases(self, server):
        found = []
        for path in (server.dir / "data").rglob("*"):
            if path.is_file() and path.stat().st_size >= 16 and path.read_bytes()[:16] == b"SQLite format 3\0":
                found.append(path)
        return found

    def test_std_13_a_failing_directory_is_454(self):
        with Postern({"auth": {"failure_delay": "20 ms"}}, accounts=(ALICE, BOB)) as server:
            renamed = []
            for path in self.databases(server):
                with contextlib.closing(sqlite3.connect(path)) as connection, connection:
                    for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND "
                                                       "(name LIKE '%account%' OR name LIKE '%credential%')").fetchall():
                        connection.execute(f'ALTER TABLE "{table}" RENAME TO "gone_{table}"')
                        renamed.append((path, table))
            self.assertTrue(renamed)
            with server.session() as wire:
                reply = wire.auth_plain(BOB, PASSWORDS[BOB], None)
                if reply.code != 235:  # what is held in memory may still answer
                    self.assertEqual((reply.code, reply.status), (454, "4.7.0"))
            with server.session(server.mx, tls=False) as wire:
                wire.say("MAIL FROM:<stranger@remote.test>", 250)
                self.assertIn(wire.say(f"RCPT TO:<{BOB}>").code, (250, 451))
            for path, table in renamed:
                with contextlib.closing(sqlite3.connect(path)) as connection, connection:
                    connection.execute(f'ALTER TABLE "gone_{table}" RENAME TO "{table}"')

            def again():
                with server.session() as wire:
                    return wire.auth_plain(BOB, PASSWORDS[BOB], None).code == 235
            wait_for(again, "log-ins after the tables are back")

    def test_a_locked_database_is_451_and_recovers(self):
        with Postern() as server:
            send_one(server)
            locks = []
            for path in self.databases(server):
                connection = sqlite3.connect(path, isolation_level=None, timeout=10)
                connection.execute("BEGIN IMMEDIATE")
                locks.append(connection)
            self.assertTrue(locks)
            with server.session(login=ALICE) as wire:
                word = token()
                wire.mail(ALICE, BOB)
                wire.socket.settimeout(90 * SLOW)
                reply = self.data(wire, word)
                self.assertIn((reply.code, reply.status), [(451, "4.3.0"), (452, "4.3.1")])
                for connection in locks:
                    connection.rollback()
                    connection.close()
            server.wait_mail(BOB, wait_for(lambda: self.try_to_send(server), "service after the lock is gone"))

    @staticmethod
    def try_to_send(server):
        with contextlib.suppress(AssertionError):
            return send_one(server)

    @staticmethod
    def data(wire, word):
        wire.say("DATA", 354)
        wire.send(f"From: <{ALICE}>\r\nSubject: {word}\r\n\r\nx\r\n.\r\n")
        return wire.reply()

    def test_no_free_space_is_452(self):
        with Postern({"limits": {"free_space": "1 TiB"}}) as server:
            with server.session(login=ALICE) as wire:
                reply = wire.say(f"MAIL FROM:<{ALICE}>")
                if reply.code == 250:
                    wire.say(f"RCPT TO:<{BOB}>", 250)
                    reply = wire.say("DATA")
                    if reply.code == 354:
                        wire.send("From: <" + ALICE + ">\r\n\r\nx\r\n.\r\n")
                        reply = wire.reply()
                self.assertEqual((reply.code, reply.status), (452, "4.3.1"))
            server.stop()
            server.change("limits", free_space="1 MiB")
            server.start()
            server.wait_mail(BOB, send_one(server))

    def test_a_full_disk_is_452_and_recovers(self):
        """On a file system of 24 MiB of its own, seen by the server only."""
        if os.geteuid() != 0 or run("unshare", "-m", "true").returncode:
            raise unittest.SkipTest("needs root and a mount namespace of its own")
        with Postern({"limits": {"free_space": 0, "message_size": "10 MiB"}}, start=False, accounts=()) as server:
            server.launcher = ["unshare", "-m", "sh", "-c",
                               f'mount -t tmpfs -o size=24m none "{server.dir}/data" && exec "$@"', "sh"]
            server.start()
            inside = ["nsenter", "-m", "-t", str(server.process.pid)]
            for address in (ALICE, BOB):
                server.secrets.add((address, PASSWORDS[address]))
                run(*inside, PROGRAM, "--config", server.file, "account", "add", address, "--password-stdin",
                    input=PASSWORDS[address] + "\n", check=True)
            server.wait_mail(BOB, send_one(server))
            filler = f"{server.dir}/data/filler"
            run(*inside, "sh", "-c", f'head -c 100000000 /dev/zero > "{filler}"')
            with server.session(login=ALICE) as wire:
                wire.socket.settimeout(60 * SLOW)
                for size in (100, 500_000, 3_000_000):
                    reply = wire.say(f"MAIL FROM:<{ALICE}>")
                    if reply.code == 250:
                        wire.say(f"RCPT TO:<{BOB}>", 250)
                        reply = wire.say("DATA")
                    if reply.code == 354:
                        wire.send(f"From: <{ALICE}>\r\nSubject: full\r\n\r\n".encode() + (b"x" * 70 + b"\r\n") * (size // 72)
                                  + b".\r\n")
                        reply = wire.reply()
                    self.assertIn((reply.code, reply.status), [(452, "4.3.1"), (451, "4.3.0")], size)
            server.wait_log(r"(?i)error.*(space|full|disk)|(space|full|disk).*error")
            run(*inside, "rm", "-f", filler, check=True)

            server.wait_mail(BOB, wait_for(lambda: self.try_to_send(server), "service after space has come back"))
            self.assertFalse([m for m in server.mailbox(BOB) if b"Subject: full" in m])

    def test_a_log_that_nobody_reads(self):
        """A stopped reader of the log must not stop the mail."""
        with Postern(start=False) as server:
            reader, writer = os.pipe()
            server.process = subprocess.Popen([PROGRAM, "--config", str(server.file), "serve"], stdout=writer,
                                              stderr=writer, start_new_session=True)
            os.close(writer)
            server.log_is_elsewhere = True
            server.wait_ready()
            for _ in range(60):
                # Each refusal is a line of the log; too many of them end a session.
                with contextlib.suppress(EOFError), server.session(login=ALICE) as wire:
                    while wire.say("MAIL FROM:<x@y.test>").code != 421:
                        pass
            server.wait_mail(BOB, send_one(server))
            drained = threading.Thread(target=lambda: [None for _ in iter(lambda: os.read(reader, 65536), b"")],
                                       daemon=True)
            drained.start()
            server.stop()
            drained.join(10)
            os.close(reader)


if __name__ == "__main__":
    unittest.main()
