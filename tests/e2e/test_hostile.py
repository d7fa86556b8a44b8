"""Hostile and slow clients, over real sockets: each costs one session, and no more.

The smuggling corpus is that of VU#302671 and its followers: only CRLF.CRLF ends the data
(standards 60), on every port, through DATA and BDAT, and what goes on holds no bare CR or LF."""
import contextlib
import re
import resource
import socket
import ssl
import threading
import time
import unittest

from harness import (ALICE, BOB, HOST, PASSWORDS, SANITIZED, SLOW, Postern, Sink, Wire, client_context, message, token,
                     wait_for)

ENDS = [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r.\r\n", b"\r\n.\r", b"\n.\r", b"\r.\n", b"\r\r\n.\r\n",
        b"\r\n\0.\r\n", b"\r\n.\0\r\n", b"\r\n.\r\r\n", b"\n\n.\r\n", b"\r\n\n.\n", b"\n.\n.\r\n", b"\r\n.\r\0\n",
        b"\x85.\x85", b"\xe2\x80\xa8.\xe2\x80\xa8", b"\x0b.\x0b"]


class Smuggling(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sink = Sink()
        cls.addClassCleanup(cls.sink.close)
        cls.server = Postern({"delivery": {"smart_host": f"{HOST}:{cls.sink.port}"},
                              "limits": {"connections_per_address": 500, "message_size": "256 KiB"}})
        cls.addClassCleanup(cls.server.__exit__, None, None, None)

    def sessions(self):
        yield "submission", ALICE, BOB, lambda: self.server.session(login=ALICE)
        yield "mx", "stranger@remote.test", BOB, lambda: self.server.session(self.server.mx, tls=False)

    def smuggled(self, word):
        return [m for m in self.server.mailbox(BOB)
                if b"Subject: " + word.encode() in re.split(rb"\r?\n\r?\n", m, maxsplit=1)[0]]

    def attack(self, sender, to, start, end):
        """What a smuggler sends; the second message must never be one of its own."""
        word = token()
        inner = (f"MAIL FROM:<{sender}>\r\nRCPT TO:<{to}>\r\nDATA\r\n"
                 f"From: <{sender}>\r\nSubject: {word}\r\n\r\nsmuggled\r\n.\r\n")
        return word, (f"From: <{sender}>\r\nSubject: outer\r\n\r\nouter".encode() + end + inner.encode())

    def test_std_60_nothing_else_ends_the_data(self):
        words = []
        for port, sender, to, connect in self.sessions():
            for end in ENDS:
                with self.subTest(port=port, end=end), connect() as wire:
                    wire.mail(sender, to)
                    wire.say("DATA", 354)
                    word, octets = self.attack(sender, to, "DATA", end)
                    words.append(word)
                    wire.send(octets)
                    reply = wire.reply()
                    bare = re.search(rb"(?<!\r)\n|\r(?!\n)", end) or b"\0" in end
                    if bare:
                        self.assertEqual(reply.code // 100, 5, reply)
                    else:
                        self.assertEqual(reply.code, 250, reply)
                    # One message, one reply: whatever follows must not answer MAIL, RCPT and DATA.
                    wire.send("NOOP\r\n")
                    with contextlib.suppress(EOFError, OSError):
                        after = wire.reply()
                        self.assertTrue(after.code == 250 and after.status == "2.0.0" or after.code == 421, after)
        time.sleep(0.3)
        for word in words:
            self.assertEqual(self.smuggled(word), [])
        for got in self.sink.messages:
            self.assertNotRegex(got["raw"], rb"(?<!\r)\n|\r(?!\n)")

    def test_std_60_bdat_is_no_way_round(self):
        for port, sender, to, connect in self.sessions():
            for end in ENDS:
                with self.subTest(port=port, end=end), connect() as wire:
                    wire.mail(sender, to)
                    word, octets = self.attack(sender, to, "BDAT", end)
                    wire.send(f"BDAT {len(octets)} LAST\r\n".encode() + octets)
                    reply = wire.reply()
                    if re.search(rb"(?<!\r)\n|\r(?!\n)", end) or b"\0" in end:
                        self.assertEqual(reply.code // 100, 5, reply)
                    self.assertEqual(self.smuggled(word), [])

    def test_a_true_end_cut_anywhere(self):
        for cut in range(1, 5):
            with self.subTest(cut=cut), self.server.session(login=ALICE) as wire:
                word = token()
                wire.mail(ALICE, BOB)
                wire.say("DATA", 354)
                octets = f"From: <{ALICE}>\r\nSubject: {word}\r\n\r\n..dot\r\nx".encode()
                end = b"\r\n.\r\n"
                wire.send(octets + end[:cut])
                time.sleep(0.05)
                for octet in end[cut:]:
                    wire.send(bytes([octet]))
                    time.sleep(0.01)
                wire.expect(250)
                self.assertIn(b"\n.dot", self.server.wait_mail(BOB, word))

    def test_oversize_then_a_fake_end(self):
        """chasquid 1.11 ran the rest of an oversize message as commands."""
        with self.server.session(login=ALICE) as wire:
            word = token()
            wire.mail(ALICE, BOB)
            wire.say("DATA", 354)
            wire.send(f"From: <{ALICE}>\r\n\r\n".encode() + (b"x" * 998 + b"\r\n") * 300)
            wire.send(b"\n.\n" + f"MAIL FROM:<{ALICE}>\r\nRCPT TO:<{BOB}>\r\nDATA\r\nSubject: {word}\r\n\r\n.\r\n".encode())
            self.assertEqual(wire.reply().code // 100, 5)
            wire.send("NOOP\r\n")
            with contextlib.suppress(EOFError, OSError):
                self.assertIn(wire.reply().code, (250, 421))
            self.assertEqual(self.smuggled(word), [])

    def test_what_goes_on_is_stuffed_and_whole(self):
        with self.server.session(login=ALICE) as wire:
            word = token()
            wire.mail(ALICE, "friend@remote.test")
            wire.data(f"From: <{ALICE}>\nSubject: {word}\n\n.\n..\n.x\nend\n")
        got = self.sink.wait(word)
        self.assertTrue(got["content"].endswith(b"\r\n\r\n.\r\n..\r\n.x\r\nend\r\n"), got["content"])


class Bounds(unittest.TestCase):
    """One server with tight limits."""

    @classmethod
    def setUpClass(cls):
        cls.server = Postern({
            "limits": {"connections_per_address": 30, "connections": 60, "message_size": "1 MiB"},
            "timeouts": {"command": "3 s", "before_login": "3 s", "data": "3 s", "tls_hint": "1 s", "handshake": "3 s"},
            "auth": {"failure_delay": "20 ms"}})
        cls.addClassCleanup(cls.server.__exit__, None, None, None)

    def honest(self):
        """A well-behaved client is served, and soon."""
        began = time.monotonic()
        word = token()
        with Wire(self.server.submissions, tls=True, source=("127.0.0.9", 0)) as wire:
            wire.expect(220)
            wire.ehlo()
            wire.auth_plain(ALICE, PASSWORDS[ALICE])
            wire.mail(ALICE, BOB)
            wire.data(message(ALICE, BOB, word))
        self.server.wait_mail(BOB, word)
        self.assertLess(time.monotonic() - began, 10 * SLOW)

    def test_a_silent_client_on_465_gets_a_hint(self):
        with socket.create_connection((HOST, self.server.submissions), 10 * SLOW) as peer:
            peer.settimeout(8 * SLOW)
            text = b""
            with contextlib.suppress(OSError):
                while more := peer.recv(4096):
                    text += more
        self.assertRegex(text.decode(), r"^421 4\.7\.0 .*TLS.*\r\n$")
        self.assertIn(str(self.server.submission), text.decode())
        self.assertEqual(text.count(b"\n"), 1)

    def test_a_clear_text_client_on_465_gets_a_hint(self):
        with socket.create_connection((HOST, self.server.submissions), 10 * SLOW) as peer:
            peer.settimeout(8 * SLOW)
            peer.sendall(b"EHLO client.example\r\n")
            text = b""
            with contextlib.suppress(OSError):
                while more := peer.recv(4096):
                    text += more
        self.assertRegex(text.decode(errors="replace"), r"^[45]\d\d .*TLS")

    def test_std_64_a_silent_client_is_let_go(self):
        for port, tls in ((self.server.submissions, True), (self.server.mx, False)):
            with Wire(port, tls=tls) as wire:
                wire.expect(220)
                began = time.monotonic()
                wire.expect(421, "4.4.2")
                self.assertTrue(wire.closed())
                self.assertGreater(time.monotonic() - began, 2)
        self.honest()

    def test_an_octet_at_a_time_does_not_last_for_ever(self):
        with Wire(self.server.mx) as wire:
            wire.expect(220)
            began = time.monotonic()
            with contextlib.suppress(OSError):
                while time.monotonic() - began < 20 * SLOW:
                    wire.send("N")
                    time.sleep(0.2)
                    wire.socket.settimeout(0.01)
                    with contextlib.suppress(TimeoutError, socket.timeout):
                        if wire.socket.recv(4096) is not None:
                            break
            self.assertLess(time.monotonic() - began, 10 * SLOW)

    def test_a_message_that_stops_half_way(self):
        with self.server.session(login=ALICE) as wire:
            word = token()
            wire.mail(ALICE, BOB)
            wire.say("DATA", 354)
            wire.send(f"From: <{ALICE}>\r\nSubject: {word}\r\n\r\nhalf")
            wire.expect(421, "4.4.2")
        with self.server.session(login=ALICE) as wire:
            wire.mail(ALICE, BOB)
            wire.say("DATA", 354)
            wire.send(f"From: <{ALICE}>\r\nSubject: {word}\r\n\r\n" + "x" * 200000)
            wire.close()
        time.sleep(0.5)
        self.assertFalse([m for m in self.server.mailbox(BOB) if word.encode() in m])
        self.honest()

    def test_a_handshake_that_never_ends(self):
        with contextlib.ExitStack() as stack:
            peers = [stack.enter_context(socket.create_connection((HOST, self.server.submissions))) for _ in range(10)]
            for peer in peers:
                peer.sendall(b"\x16\x03\x01\x02\x00\x01")
            self.honest()
            for peer in peers:
                peer.settimeout(10 * SLOW)
                with contextlib.suppress(ConnectionError):
                    while peer.recv(4096):
                        pass

    def test_garbage_instead_of_a_handshake(self):
        for octets in (b"\x16\x03\x01\xff\xff" + b"\xff" * 5000, b"\x80\x2e\x01\x00\x02" + b"x" * 100, b"\0" * 1000):
            with socket.create_connection((HOST, self.server.submissions)) as peer:
                peer.settimeout(8 * SLOW)
                with contextlib.suppress(ConnectionError, BrokenPipeError):
                    peer.sendall(octets)
                    while peer.recv(4096):
                        pass
        self.honest()

    def test_tls_that_ends_inside_a_message(self):
        """CVE-2026-45185: after close_notify nothing goes on in the clear."""
        with self.server.session(login=ALICE) as wire:
            wire.mail(ALICE, BOB)
            word = token()
            wire.send(f"BDAT 1000 LAST\r\nSubject: {word}\r\n\r\n")
            raw = wire.socket
            with contextlib.suppress(ssl.SSLError, OSError):
                raw.settimeout(2)
                clear = raw.unwrap()
                clear.sendall(b"x" * 1000)
                self.assertEqual(clear.recv(4096), b"")
        time.sleep(0.2)
        self.assertFalse([m for m in self.server.mailbox(BOB) if word.encode() in m])
        self.honest()

    def test_a_line_without_an_end(self):
        before = self.server.memory()
        with self.server.session() as wire:
            with contextlib.suppress(OSError):
                for _ in range(64):
                    wire.send(b"A" * 65536)
            text = wire.everything(5)
            self.assertTrue(text == b"" or text.startswith(b"500") or text.startswith(b"421"), text)
        if not SANITIZED:
            self.assertLess(self.server.memory() - before, 8 << 20)
        self.honest()

    def test_connections_per_address(self):
        with contextlib.ExitStack() as stack:
            for _ in range(30):
                stack.enter_context(Wire(self.server.mx)).expect(220)
            with Wire(self.server.mx) as wire:
                reply = wire.reply()
                self.assertEqual((reply.code, reply.status), (421, "4.7.0"))
                self.assertTrue(wire.closed())
            self.honest()  # from another address
        def again():
            with contextlib.suppress(AssertionError, OSError, EOFError), Wire(self.server.mx) as wire:
                return wire.reply().code == 220
        wait_for(again, "a place for a new connection")

    def test_connections_in_total(self):
        with contextlib.ExitStack() as stack:
            for i in range(60):
                stack.enter_context(Wire(self.server.mx, source=(f"127.0.1.{1 + i // 20}", 0))).expect(220)
            with Wire(self.server.mx, source=("127.0.2.1", 0)) as wire:
                reply = wire.reply()
                self.assertEqual((reply.code, reply.status), (421, "4.3.2"))
        wait_for(lambda: self.quietly(self.honest), "a place for an honest client")

    @staticmethod
    def quietly(action):
        try:
            action()
            return True
        except (AssertionError, OSError, EOFError):
            return False

    def test_many_one_octet_chunks(self):
        with self.server.session(login=ALICE) as wire:
            word = token()
            wire.mail(ALICE, BOB)
            octets = f"From: <{ALICE}>\r\nSubject: {word}\r\n\r\n{'z' * 500}\r\n".encode()
            for octet in octets:
                wire.send(b"BDAT 1\r\n" + bytes([octet]))
            for _ in octets:
                wire.expect(250)
            wire.say("BDAT 0 LAST", 250)
        self.assertIn(b"z" * 500, self.server.wait_mail(BOB, word))

    def test_huge_chunk_sizes(self):
        for size in (1 << 20, 1 << 31, (1 << 32) - 1, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, 1 << 64, 10 ** 30):
            with self.subTest(size=size), self.server.session(login=ALICE) as wire:
                wire.mail(ALICE, BOB)
                wire.send(f"BDAT {size} LAST\r\n")
                if size > 1 << 20:
                    wire.send("MAIL FROM:<x@y.test>\r\nQUIT\r\n")
                    text = wire.everything(1).decode()
                    self.assertNotRegex(text, r"(?m)^(250|221)")

    def test_large_messages_in_bounded_memory(self):
        server = self.server
        wide = Postern({"limits": {"message_size": "50 MiB"}})
        with wide as server:
            with server.session(login=ALICE) as wire:
                wire.mail(ALICE, BOB)
                wire.data(message(ALICE, BOB, token()))
            before = server.memory()
            with server.session(login=ALICE) as wire:
                word = token()
                line = b"0123456789abcdef" * 4 + b"\r\n"
                wire.mail(ALICE, BOB)
                wire.say("DATA", 354)
                wire.send(f"From: <{ALICE}>\r\nSubject: {word}\r\n\r\n")
                for _ in range(40):
                    wire.send(line * 15887)  # 1 MiB
                wire.send(".\r\n")
                wire.socket.settimeout(60 * SLOW)
                wire.expect(250)
            self.assertGreater(len(server.wait_mail(BOB, word, 60)), 40 * 65 * 15887)
            if not SANITIZED:
                self.assertLess(server.memory() - before, 16 << 20)

    def test_log_injection(self):
        with self.server.session() as wire:
            wire.say("EHLO evil\x1b[31m\u202e.example")
            wire.say(b"MAIL FROM:<a\x07b@x.test>")
            wire.auth_plain("evil\u2028user\x1b[2J@postern.test", "wrong", None)
        log = self.server.log().encode()
        self.assertNotRegex(log, rb"[\x00-\x08\x0b-\x1f\x7f]")
        self.assertNotIn("\u202e".encode(), log)


class Crowd(unittest.TestCase):
    def test_thousands_of_idle_sessions(self):
        """As many as the limit of descriptors allows, up to 10,000; each of them alive, and memory per
        session small."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        count = max(200, min(10000 if not SANITIZED else 1000, hard - 500))
        with Postern({"limits": {"connections": 12000, "connections_per_address": 12000},
                      "timeouts": {"before_login": "300 s", "command": "300 s"}}) as server:
            peers = []
            try:
                with server.session(login=ALICE) as first:
                    first.say("NOOP", 250)
                before = server.memory()
                for i in range(count):
                    peers.append(socket.create_connection((HOST, server.mx), 10 * SLOW,
                                                          source_address=(f"127.0.3.{1 + i // 5000}", 0)))
                for peer in peers:
                    self.assertTrue(peer.recv(512).startswith(b"220 "))
                for peer in peers:
                    peer.sendall(b"EHLO client.example\r\n")
                for peer in peers:
                    self.assertTrue(peer.recv(2048).startswith(b"250-"))
                each = (server.memory() - before) / count
                began = time.monotonic()
                with server.session(login=ALICE) as wire:
                    wire.mail(ALICE, BOB)
                    wire.data(message(ALICE, BOB, "in a crowd"))
                self.assertLess(time.monotonic() - began, 2 * SLOW)
                for peer in peers[:: max(1, count // 100)]:
                    peer.sendall(b"NOOP\r\n")
                    self.assertTrue(peer.recv(512).startswith(b"250 "))
                print(f"{count} sessions in the clear, {each / 1024:.1f} KiB each", flush=True)
                if not SANITIZED:
                    self.assertLess(each, 48 << 10)
            finally:
                for peer in peers:
                    peer.close()

    def test_a_thousand_sessions_under_tls(self):
        count = 1000 if not SANITIZED else 200
        with Postern({"limits": {"connections_per_address": 2000}, "timeouts": {"before_login": "300 s"}}) as server:
            wires, lock, faults = [], threading.Lock(), []

            def some(number):
                for _ in range(number):
                    try:
                        wire = server.session(login=ALICE)
                        with lock:
                            wires.append(wire)
                    except (OSError, AssertionError, EOFError) as e:
                        faults.append(e)
            before = server.memory()
            threads = [threading.Thread(target=some, args=(count // 4,)) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            try:
                self.assertEqual(faults, [])
                each = (server.memory() - before) / count
                print(f"{count} sessions under TLS, logged in: {each / 1024:.1f} KiB each", flush=True)
                for wire in wires:
                    wire.send("NOOP\r\n")
                for wire in wires:
                    wire.expect(250)
                if not SANITIZED:
                    self.assertLess(each, 96 << 10)
            finally:
                for wire in wires:
                    wire.close()

    @staticmethod
    def waiting_line(peer):
        with contextlib.suppress(OSError):
            return peer.recv(500, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        return b""

    def test_descriptors_run_out(self):
        with Postern({"limits": {"connections_per_address": 2000}},
                     launcher=["prlimit", "--nofile=96:96"]) as server:
            peers = []
            try:
                for _ in range(200):
                    with contextlib.suppress(OSError):
                        peers.append(socket.create_connection((HOST, server.mx), 2))
                time.sleep(1)
                self.assertIsNone(server.process.poll())
                with open(f"/proc/{server.process.pid}/stat") as f:
                    before = sum(int(t) for t in f.read().rsplit(")", 1)[1].split()[11:13])
                time.sleep(2)
                with open(f"/proc/{server.process.pid}/stat") as f:
                    after = sum(int(t) for t in f.read().rsplit(")", 1)[1].split()[11:13])
                self.assertLess((after - before) / 200, 0.5, "the server spins while it has no descriptors")
                # One after the other is told, and can look up why.
                def told():
                    lines = [self.waiting_line(peer) for peer in peers]
                    return sum(bool(re.match(rb"421 4\.3\.2 .*\(\w{12}(\.\d+)?\)\r\n", line)) for line in lines) > 2
                wait_for(told, "replies to those that no descriptor is left for", 20)
            finally:
                for peer in peers:
                    peer.close()
            def served():
                with contextlib.suppress(AssertionError, OSError, EOFError):
                    with server.session(login=ALICE) as wire:
                        return wire.say("NOOP").code == 250
            wait_for(served, "service after the descriptors have come back", 30)


class FloodOfWrongPasswords(unittest.TestCase):
    def test_an_honest_client_is_served(self):
        with Postern({"limits": {"connections_per_address": 200}, "auth": {"failure_delay": "20 ms"}}) as server:
            with server.session(login=ALICE):
                pass  # known from now on
            stop = threading.Event()

            def guess():
                while not stop.is_set():
                    with contextlib.suppress(OSError, EOFError, AssertionError), server.session() as wire:
                        for _ in range(4):
                            wire.auth_plain(BOB, token(), None)
            threads = [threading.Thread(target=guess, daemon=True) for _ in range(12)]
            for thread in threads:
                thread.start()
            try:
                time.sleep(1)
                worst = 0
                for _ in range(10):
                    began = time.monotonic()
                    with server.session(login=ALICE) as wire:
                        wire.say(f"MAIL FROM:<{ALICE}>", 250)
                    worst = max(worst, time.monotonic() - began)
                self.assertLess(worst, 2.5 * SLOW)
            finally:
                stop.set()
                for thread in threads:
                    thread.join(30)


if __name__ == "__main__":
    unittest.main()
