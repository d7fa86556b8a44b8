"""Both ends of a check together, with something in between: a proxy that takes STARTTLS out, one with a
certificate of its own, one that only translates addresses, one that edits EHLO, another server, and nothing."""
import contextlib
import json
import pathlib
import re
import shutil
import socket
import ssl
import tempfile
import threading
import unittest

from harness import HOST, NAME, Authority, Postern, connections_to, free_ports, need
from internet import Networks, self_signed

STRIPPED, NEVER, REPLACED, TRANSLATED, CHANGED, OTHER = "P-222", "P-230", "P-231", "P-232", "P-233", "P-234"
BETWEEN = {STRIPPED, NEVER, REPLACED, TRANSLATED, CHANGED, OTHER}


class Between:
    """Passes connections on to a port, from an address of its own; `edit` may change what goes either way."""

    def __init__(self, port, edit=lambda octets, to_server: octets, own=None, server=None, source="127.0.0.9"):
        self.target, self.edit, self.own, self.server, self.source = port, edit, own, server, source
        self.listening = socket.create_server((HOST, 0))
        self.port = self.listening.getsockname()[1]
        self.open = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listening.close()
        for peer in self.open:
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)
            peer.close()

    def _accept(self):
        for peer in connections_to(self.listening):
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        with contextlib.suppress(OSError):
            self.open.append(peer)
            there = socket.create_connection((HOST, self.target), source_address=(self.source, 0))
            self.open.append(there)
            if self.own:
                peer = self.own.wrap_socket(peer, server_side=True)
                self.open.append(peer)
                there = self.server.wrap_socket(there, server_hostname=NAME)
                self.open.append(there)
            threading.Thread(target=self._pass, args=(there, peer, False), daemon=True).start()
            self._pass(peer, there, True)

    def _pass(self, source, target, to_server):
        with contextlib.suppress(OSError):
            while octets := source.recv(65536):
                target.sendall(self.edit(octets, to_server))
            target.shutdown(socket.SHUT_WR)


def setUpModule():
    global networks, server, folder
    need("openssl")
    # A network of its own: nobody else's mail ports are seen.
    networks = Networks()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-between-"))
    try:
        server = Postern(accounts=())
    except BaseException:
        networks.close()
        raise


def tearDownModule():
    server.__exit__(None, None, None)
    shutil.rmtree(folder, True)
    networks.close()


class BothEnds(unittest.TestCase):
    def check(self, port, *options, tls="starttls", timeout="15"):
        done = server.cli("check", f"{HOST}:{port}", "--tls", tls, "--ca", Authority.shared().ca, "--timeout", timeout, "--json",
                          *options)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return json.loads(done.stdout)

    def between(self, report):
        return {f["id"] for f in report["findings"]} & BETWEEN

    def code(self):
        return json.loads(server.cli("check-code", "--json", check=True).stdout)["code"]

    def rows(self, report):
        """Both columns of the first session: what to (here, there)."""
        return {r["what"]: (r["here"], r["there"]) for r in report["both_ends"]["sessions"][0]["rows"]}

    def test_nothing_in_between(self):
        for port, tls in ((server.submission, "starttls"), (server.submissions, "implicit")):
            report = self.check(port, "--with-server", tls=tls)
            self.assertEqual(self.between(report), set(), report["findings"])
            self.assertTrue(all(s["arrived"] for s in report["both_ends"]["sessions"]))
            rows = self.rows(report)
            for what in ("client's address", "server's address", "EHLO", "TLS", "certificate"):
                self.assertEqual(*rows[what], what)
            self.assertRegex(rows["EHLO"][0], r"^1\.chk-[0-9a-z]{12}\.check\.invalid$")

    def test_a_code_from_elsewhere(self):
        code = self.code()
        report = self.check(server.submission, "--with-code", code)
        self.assertEqual(self.between(report), set(), report["findings"])
        self.assertTrue(report["both_ends"]["known"], report["both_ends"])
        self.assertTrue(report["both_ends"]["sessions"][0]["arrived"])
        shown = server.cli("why", code, check=True).stdout
        self.assertIn("STARTTLS asked for", shown)
        self.assertIn(f"(listener {HOST}:{server.submission}", shown)
        seen = json.loads(server.cli("why", code.lower(), "--json", check=True).stdout)["sessions"]
        self.assertEqual(len({s["session"] for s in seen}), len(seen))
        # One that nobody made says nothing.
        report = self.check(server.submission, "--with-code", "CHK-000000000000")
        self.assertFalse(report["both_ends"]["known"])
        self.assertIn("does not know the code", report["both_ends"]["problem"])
        self.assertEqual(server.cli("why", "CHK-000000000000").returncode, 1)
        self.assertEqual(server.cli("check", HOST, "--with-code", "nonsense").returncode, 2)

    def test_starttls_taken_out(self):
        def strip(octets, to_server):
            return octets if to_server else re.sub(rb"250-STARTTLS\r\n", b"", octets)
        with Between(server.submission, strip) as proxy:
            report = self.check(proxy.port, "--with-server")
            self.assertIn(STRIPPED, self.between(report), report["findings"])
            self.assertEqual(report["verdict"]["id"], STRIPPED)
            here, there = self.rows(report)["offered in the clear"]
            self.assertEqual(here, "neither STARTTLS nor a log-in")
            self.assertIn("STARTTLS", there)

    def test_a_certificate_replaced(self):
        own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # One that this machine trusts, as that of a company or a virus scanner: from one end all looks well.
        own.load_cert_chain(*Authority.shared().issue("between", (NAME, "localhost"), days=3))
        there = ssl.create_default_context(cafile=str(Authority.shared().ca))
        with Between(server.submissions, own=own, server=there) as proxy:
            report = self.check(proxy.port, "--with-server", tls="implicit")
            self.assertIn(REPLACED, self.between(report), report["findings"])
            self.assertEqual(report["verdict"]["id"], REPLACED)
        own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        own.load_cert_chain(*self_signed(folder, "between"))
        with Between(server.submissions, own=own, server=there) as proxy:
            # No connection is good enough to read the record over it, but it is there for the operator.
            code = self.code()
            report = self.check(proxy.port, "--with-code", code, tls="implicit")
            self.assertFalse(report["both_ends"]["known"])
            self.assertIn(f"postern why {code}", report["both_ends"]["problem"])
            self.assertIn("certificate shown", server.cli("why", code, check=True).stdout)

    def test_an_address_translated(self):
        with Between(server.submission) as proxy:
            for options in (("--with-server",), ("--with-code", self.code())):
                report = self.check(proxy.port, *options)
                found = self.between(report)
                self.assertIn(TRANSLATED, found, report["findings"])
                self.assertNotIn(REPLACED, found)
                self.assertNotIn(STRIPPED, found)
                # Which is usual.
                self.assertNotEqual(report["verdict"]["severity"], "failure", report["verdict"])
                self.assertIn("127.0.0.9", self.rows(report)["client's address"][1])

    def test_ehlo_edited(self):
        def edit(octets, to_server):
            return re.sub(rb"EHLO \S+", b"EHLO proxy.example", octets) if to_server else octets
        with Between(server.mx, edit) as proxy:
            report = self.check(proxy.port, "--with-server", tls="none")
            self.assertIn(CHANGED, self.between(report), report["findings"])
            self.assertEqual(self.rows(report)["EHLO"][1], "proxy.example")

    def test_another_server_answers(self):
        with Postern({"hostname": "other.example"}, accounts=()) as other, Between(other.submission) as proxy:
            report = self.check(proxy.port, "--with-server")
            self.assertEqual(self.between(report), {OTHER}, report["findings"])
            self.assertEqual(report["verdict"]["id"], OTHER)
            self.assertIn("other.example", report["verdict"]["headline"])

    def test_nothing_arrives(self):
        port, = free_ports(1)
        report = self.check(port, "--with-server")
        self.assertEqual(self.between(report), {NEVER}, report["findings"])
        with socket.create_server((HOST, 0)) as silent:
            report = self.check(silent.getsockname()[1], "--with-server", timeout="3")
            self.assertEqual(self.between(report), {NEVER}, report["findings"])

    def test_both_columns_for_people(self):
        with Between(server.submission) as proxy:
            done = server.cli("check", f"{HOST}:{proxy.port}", "--ca", Authority.shared().ca, "--with-server")
            self.assertIn("left here", done.stdout)
            self.assertIn("127.0.0.9", done.stdout)
        # Without the server there is nobody to ask.
        with Postern(accounts=(), start=False) as off:
            done = off.cli("check", HOST, "--with-server")
            self.assertEqual(done.returncode, 2)
            self.assertIn("no server runs", done.stderr)


if __name__ == "__main__":
    unittest.main()
