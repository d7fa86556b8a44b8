"""What strangers send to the web process: unclear requests, too much, too slow, too many; and mail all the while."""
import contextlib
import signal
import socket
import statistics
import subprocess
import threading
import time
import unittest

from harness import ALICE, BOB, HOST, NAME, PROGRAM, SLOW, wait_for
from web import Pages

GET = f"GET /robots.txt HTTP/1.1\r\nHost: {NAME}\r\n"
POST = f"POST /x HTTP/1.1\r\nHost: {NAME}\r\n"
SMUGGLED = f"GET /favicon.svg HTTP/1.1\r\nHost: {NAME}\r\n\r\n"

# What has to be answered with 400 and the end of the connection: whoever reads it otherwise would see the second request.
UNCLEAR = {
    "length and chunks": POST + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunks and length": POST + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "two lengths": POST + "Content-Length: 0\r\nContent-Length: 5\r\n\r\n" + SMUGGLED,
    "the same length twice": POST + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nabcde" + SMUGGLED,
    "lengths in a list": POST + "Content-Length: 5, 5\r\n\r\nabcde" + SMUGGLED,
    "a length with a sign": POST + "Content-Length: +5\r\n\r\nabcde" + SMUGGLED,
    "a negative length": POST + "Content-Length: -1\r\n\r\n" + SMUGGLED,
    "a length with a blank before the colon": POST + "Content-Length : 5\r\n\r\nabcde" + SMUGGLED,
    "a length in hexadecimal": POST + "Content-Length: 0x5\r\n\r\nabcde" + SMUGGLED,
    "chunks and something else": POST + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "something else and chunks": POST + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunks in two fields": POST + "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "chunks in quotes": POST + "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "a chunk that is longer than it says": POST + "Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n" + SMUGGLED,
    "a chunk's line that ends in LF": POST + "Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n" + SMUGGLED,
    "a chunk of a sign": POST + "Transfer-Encoding: chunked\r\n\r\n-1\r\na\r\n0\r\n\r\n" + SMUGGLED,
    "a folded field": GET + "X: 1\r\n Content-Length: 5\r\n\r\n" + SMUGGLED,
    "a line that ends in LF": GET + "X: 1\nY: 2\r\n\r\n",
    "a head that ends in LF LF": "GET / HTTP/1.1\nHost: x\n\n",
    "a CR that stands alone": GET + "X: 1\rY: 2\r\n\r\n",
    "a NUL": GET + "X: a\0b\r\n\r\n",
    "a NUL in the target": f"GET /\0 HTTP/1.1\r\nHost: {NAME}\r\n\r\n",
    "no host": "GET / HTTP/1.1\r\n\r\n",
    "an empty host": "GET / HTTP/1.1\r\nHost:\r\n\r\n",
    "two hosts": f"GET / HTTP/1.1\r\nHost: {NAME}\r\nHost: evil.example\r\n\r\n",
    "a host that is none": "GET / HTTP/1.1\r\nHost: a b/c\r\n\r\n",
    "an old one that says no host": "GET / HTTP/1.0\r\n\r\n",
    "no version": "GET /\r\n\r\n",
    "another version": f"GET / HTTP/3.0\r\nHost: {NAME}\r\n\r\n",
    "two blanks": f"GET  / HTTP/1.1\r\nHost: {NAME}\r\n\r\n",
    "HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a tunnel": f"CONNECT 127.0.0.1:25 HTTP/1.1\r\nHost: {NAME}\r\n\r\n",
    "mail": "EHLO client.example\r\n",
    "a field without a colon": GET + "nonsense\r\n\r\n",
}

# Ways out of the house.
ASTRAY = ["/../etc/passwd", "/assets/../../etc/passwd", "/..", "/./robots.txt", "/%2e%2e/etc/passwd", "/%2E./x", "/.%2e/x",
          "/assets/..%2f..%2fetc/passwd", "/..%5c..%5cwindows", "/a\\..\\b", "/%00", "/robots.txt%00.svg", "/%c0%ae%c0%ae/x",
          "/%e0%80%ae/x", "/%", "/%zz", "/%2", "/a%0d%0aSet-Cookie:%20x=y", "robots.txt", "*", "http://", "/a#b",
          "//../x", "/%2e%2e%2fetc"]


class Unclear(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Pages()

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.server.__exit__(None, None, None)

    def test_what_is_unclear_is_refused_and_nothing_behind_it_is_read(self):
        for what, octets in UNCLEAR.items():
            for tls in (True, False):
                with self.subTest(what, tls=tls), self.server.talk(tls=tls) as talk:
                    talk.say(octets.encode("latin-1"))
                    refused = talk.answer()
                    if not tls and refused.status == 308:
                        # The head was fine; the body is not looked at here, and the connection ends.
                        self.assertTrue(what.startswith("a chunk"))
                    else:
                        self.assertEqual(refused.status, 400, refused)
                    self.assertEqual(refused.fields["connection"], "close")
                    self.assertTrue(talk.is_over())

    def test_ways_out_of_the_house(self):
        for path in ASTRAY:
            with self.subTest(path), self.server.talk() as talk:
                refused = talk.ask(path)
                self.assertEqual(refused.status, 400)
                self.assertNotIn(b"root:", refused.body)
                self.assertNotIn("set-cookie", refused.fields)
                self.assertTrue(talk.is_over())

    def test_what_a_stranger_says_is_never_a_part_of_the_page(self):
        with self.server.talk() as talk:
            for path in ("/%3Cscript%3Ealert(1)%3C/script%3E", "/x?<script>", "/%22onload=%22"):
                self.assertNotIn(b"<script", talk.ask(path).body)
        with self.server.talk(tls=False) as talk:
            led = talk.ask("/%0d", host="evil.example")
            self.assertEqual(led.status, 400)
        with self.server.talk(tls=False) as talk:
            self.assertEqual(talk.ask("/x", host="evil.example%0d%0aX: y").status, 400)

    def test_too_much(self):
        with self.server.talk() as talk:
            talk.say(GET + "X: " + "a" * 20000 + "\r\n\r\n")
            self.assertEqual(talk.answer().status, 431)
            self.assertTrue(talk.is_over())
        with self.server.talk() as talk:
            talk.say(GET + "X: 1\r\n" * 150 + "\r\n")
            self.assertEqual(talk.answer().status, 431)
        with self.server.talk() as talk:  # by what it says, before it comes
            talk.say(POST + "Content-Length: 999999999\r\n\r\n")
            self.assertEqual(talk.answer().status, 413)
            self.assertTrue(talk.is_over())
        for length in (70_000, 700_000):  # all of it comes, and the answer is not lost
            with self.server.talk() as talk:
                talk.say(POST + f"Content-Length: {length}\r\n\r\n" + "a" * length)
                self.assertEqual(talk.answer().status, 413)
                self.assertTrue(talk.is_over())
        with self.server.talk() as talk:  # by what comes
            with contextlib.suppress(OSError):
                talk.say(POST + "Transfer-Encoding: chunked\r\n\r\n" + "4000\r\n" + "a" * 0x4000 + "\r\n" +
                         ("4000\r\n" + "a" * 0x4000 + "\r\n") * 5)
            self.assertEqual(talk.answer().status, 413)
        with self.server.talk() as talk:  # a chunk's line without an end
            with contextlib.suppress(OSError):
                talk.say(POST + "Transfer-Encoding: chunked\r\n\r\n1;" + "a" * 200000)
            self.assertEqual(talk.answer().status, 400)

    def test_too_slow(self):
        """The head has ten seconds, however its octets are spread."""
        with self.server.talk(tls=False) as talk:
            began = time.monotonic()
            with contextlib.suppress(OSError):
                for octet in GET + "X: " + "a" * 200:
                    talk.say(octet)
                    time.sleep(0.1)
                    if time.monotonic() - began > 11:
                        break
            self.assertEqual(talk.answer().status, 408)
            self.assertTrue(talk.is_over())

    def test_what_is_no_tls_and_what_ends_early(self):
        for octets in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01", b"", b"\x80\x2e\x01\x00\x02", bytes(range(256)) * 8):
            with socket.create_connection((HOST, self.server.https), 10 * SLOW) as raw:
                raw.sendall(octets)
        with socket.create_connection((HOST, self.server.http), 10 * SLOW) as raw:
            raw.sendall(b"\x16\x03\x01\x02\x00\x01\x00")  # TLS at the plain port
            raw.settimeout(10 * SLOW)
            self.assertTrue(raw.recv(4096).startswith(b"HTTP/1.1 400"))
        self.server.wait_pages()


class Crowds(unittest.TestCase):
    def test_many_slow_ones_leave_room_for_others(self):
        """From one address only so many connections; what others get does not suffer."""
        with Pages() as server:
            held = []
            try:
                for _ in range(130):
                    raw = socket.create_connection((HOST, server.http), 10 * SLOW, source_address=("127.0.0.2", 0))
                    raw.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX: ")
                    held.append(raw)

                def closed():
                    count = 0
                    for raw in held:
                        raw.setblocking(False)
                        with contextlib.suppress(BlockingIOError):
                            count += raw.recv(1, socket.MSG_PEEK) == b""
                    return count
                wait_for(lambda: closed() >= 30, "those that are too many to be closed")
                self.assertLessEqual(closed(), 31)
                with server.talk() as talk:
                    self.assertEqual(talk.ask("/").status, 200)
            finally:
                for raw in held:
                    raw.close()

    def test_a_reader_that_reads_nothing_is_no_burden(self):
        """What it asked for is made one by one, so nothing piles up but in the kernel."""
        with Pages() as server:
            before = memory_of(server.web_process())
            asked = f"GET /assets/postern.css HTTP/1.1\r\nHost: {NAME}\r\n\r\n" * 900
            with contextlib.ExitStack() as held:
                for _ in range(20):
                    talk = held.enter_context(server.talk())
                    talk.socket.settimeout(1)
                    with contextlib.suppress(OSError):
                        talk.say(asked)  # and no answer is ever read
                with server.talk() as other:
                    self.assertEqual(other.ask("/").status, 200)
                self.assertLess(memory_of(server.web_process()) - before, 40 << 20)

    def test_mail_goes_on_while_the_pages_are_flooded(self):
        with Pages() as server:
            pages_flooded = threading.Event()

            def flood(number):
                source = (f"127.0.1.{number}", 0)
                while not pages_flooded.is_set():
                    with contextlib.suppress(OSError, EOFError, AssertionError):
                        # Handshakes are what costs most; and requests, good and bad.
                        with server.talk(source=source, seconds=5, verify=False) as talk:
                            talk.say((GET + "\r\n") * 20 + "nonsense\r\n\r\n")
                            while talk.more():
                                pass

            floods = [threading.Thread(target=flood, args=(i,)) for i in range(1, 9)]
            for thread in floods:
                thread.start()
            try:
                times = []
                for i in range(15):
                    began = time.monotonic()
                    wire = server.session(login=ALICE)
                    wire.say(f"MAIL FROM:<{ALICE}>", 250)
                    wire.say(f"RCPT TO:<{BOB}>", 250)
                    wire.say("DATA", 354)
                    wire.say(f"From: {ALICE}\r\nTo: {BOB}\r\nSubject: flood {i}\r\n\r\nStill here.\r\n.", 250)
                    wire.close()
                    times.append(time.monotonic() - began)
                server.wait_mail(BOB, "flood 14")
                # With two cores for the flood, the server and this test.
                self.assertLess(statistics.median(times), 1.0 * SLOW, times)
            finally:
                pages_flooded.set()
                for thread in floods:
                    thread.join()
            server.wait_pages()


class Away(unittest.TestCase):
    def test_without_the_mail_process_pages_say_so(self):
        """The mail process stands still: what needs it is answered in plain words, all else as ever."""
        with Pages(config={"web": {"address": ""}}) as server:
            server.change("web", address=f"{HOST}:{server.https}")
            log = open(server.dir / "web-log", "ab")
            web = subprocess.Popen([PROGRAM, "--config", str(server.file), "web"], stdout=log, stderr=log)
            try:
                server.wait_pages()
                server.stop()
                with server.talk(tls=False) as talk:
                    away = talk.ask("/.well-known/acme-challenge/token")
                    self.assertEqual((away.status, away.fields["retry-after"]), (503, "10"))
                    self.assertIn("mail server", away.text)
                with server.talk() as talk:
                    self.assertEqual(talk.ask("/").status, 200)
                wait_for(lambda: "web_server_away" in (server.dir / "web-log").read_text(), "a line in the log")
            finally:
                web.send_signal(signal.SIGTERM)
                self.assertEqual(web.wait(20), 0)
                log.close()


def memory_of(pid):
    """Resident octets."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(f.read().split("VmRSS:")[1].split()[0]) * 1024


if __name__ == "__main__":
    unittest.main()
