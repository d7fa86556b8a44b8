"""The ways of logging in, one class each, against the real server: docs/mechanisms.md has
the configuration, which is read from there."""
import base64
import hashlib
import re
import ssl
import subprocess
import tomllib
import unittest

from harness import ALICE, BOB, HOST, PASSWORDS, ROOT, Authority, Postern, client_context, free_ports, run
from scram import Scram


def documented(heading):
    """The first TOML block below a heading of docs/mechanisms.md."""
    text = (ROOT / "docs" / "mechanisms.md").read_text()
    section = re.search(rf"(?ms)^## {re.escape(heading)}$(.*?)(?=^## |\Z)", text).group(1)
    return tomllib.loads(re.search(r"(?ms)^```toml\n(.*?)^```", section).group(1))


def offered(wire):
    return wire.ehlo().get("AUTH", [])


def old_tls():
    """TLS 1.2, where tls-unique still is a thing."""
    context = client_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


class Scrams(unittest.TestCase):
    """SCRAM with three hashes, bound and not."""
    @classmethod
    def setUpClass(cls):
        cls.server = Postern({"auth": {**documented("SCRAM")["auth"], "failure_delay": "20 ms"}})
        cls.addClassCleanup(cls.server.__exit__, None, None, None)

    def exchange(self, wire, mechanism, header="n,,", binding=b"", password=PASSWORDS[ALICE]):
        hash = {"1": "sha1", "2": "sha256", "5": "sha512"}[mechanism.split("-")[2][0]]
        scram = Scram(ALICE, password, header=header, hash=hash)
        reply = wire.say(f"AUTH {mechanism} {scram.first()}")
        if reply.code != 334:
            return reply
        reply = wire.say(scram.final(reply.text, binding=binding))
        if reply.code != 334:
            return reply
        scram.check(reply.text)
        return wire.say("")

    def test_whatever_is_offered_works_and_nothing_else_is(self):
        configured = documented("SCRAM")["auth"]["mechanisms"]
        with self.server.session() as wire:
            shown = offered(wire)
        self.assertIn("SCRAM-SHA-256-PLUS", shown)
        self.assertEqual(shown, [m for m in configured if m in shown], "in the order of the configuration")
        context = client_context()
        certificate = Authority.shared().issue("server")[0]
        end_point = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.read_text())).digest()
        for mechanism in (m for m in configured if m.startswith("SCRAM")):
            plus = mechanism.endswith("-PLUS")
            with self.subTest(mechanism=mechanism), self.server.wire(tls=True, context=context) as wire:
                wire.expect(220)
                wire.ehlo()
                header = "p=tls-server-end-point,," if plus else "n,,"
                reply = self.exchange(wire, mechanism, header, end_point if plus else b"")
                self.assertEqual(reply.code, 235 if mechanism in shown else 504, reply)
            if mechanism not in shown:
                continue
            with self.subTest(mechanism=mechanism, password="wrong"), self.server.session() as wire:
                reply = self.exchange(wire, mechanism, header, end_point if plus else b"", "guess")
                self.assertEqual((reply.code, reply.status), (535, "5.7.8"), reply)

    def test_std_35_the_binding_of_another_certificate_fails(self):
        with self.server.session() as wire:
            reply = self.exchange(wire, "SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,", hashlib.sha256(b"x").digest())
            self.assertEqual(reply.code, 535, reply)

    def test_std_34_tls_unique_binds_with_tls_1_2_only(self):
        def unique(wire):
            return wire.socket.get_channel_binding("tls-unique")
        with self.server.wire(tls=True, context=old_tls()) as wire:
            wire.expect(220)
            wire.ehlo()
            session = wire.socket.session
            self.assertFalse(wire.socket.session_reused)
            reply = self.exchange(wire, "SCRAM-SHA-256-PLUS", "p=tls-unique,,", unique(wire))
            self.assertEqual(reply.code, 235, reply)
            first = unique(wire)
            context = wire.context
        # In a resumed session the server's Finished comes first.
        resumed = self.server.wire(port=self.server.submissions, context=context)
        with resumed as wire:
            wire.start_tls(session=session)
            wire.expect(220)
            wire.ehlo()
            self.assertTrue(wire.socket.session_reused)
            self.assertNotEqual(unique(wire), first)
            reply = self.exchange(wire, "SCRAM-SHA-256-PLUS", "p=tls-unique,,", first)
            self.assertEqual(reply.code, 535, reply)
            reply = self.exchange(wire, "SCRAM-SHA-256-PLUS", "p=tls-unique,,", unique(wire))
            self.assertEqual(reply.code, 235, reply)
        with self.server.session() as wire:
            self.assertEqual(wire.socket.version(), "TLSv1.3")
            reply = self.exchange(wire, "SCRAM-SHA-256-PLUS", "p=tls-unique,,", unique(wire) or b"\0" * 12)
            self.assertEqual(reply.code, 535, reply)


class List(unittest.TestCase):
    """What EHLO shows."""
    @classmethod
    def setUpClass(cls):
        cls.old, = free_ports(1)
        listener = {**documented("The list that EHLO shows")["listener"][0], "address": f"{HOST}:{cls.old}"}
        cls.server = Postern(listeners=[listener])
        cls.addClassCleanup(cls.server.__exit__, None, None, None)

    def test_the_old_listener_says_it_twice(self):
        with self.server.session(port=self.old) as wire:
            lines = wire.say("EHLO old.example", 250).lines
            self.assertIn("AUTH PLAIN LOGIN", lines)
            self.assertIn("AUTH=PLAIN LOGIN", lines)
            wire.auth_login(ALICE, PASSWORDS[ALICE])
        with self.server.wire(port=self.old) as wire:
            wire.expect(220)
            self.assertFalse([line for line in wire.say("EHLO old.example", 250).lines if line.startswith("AUTH")])

    def test_the_others_say_it_once(self):
        with self.server.session() as wire:
            lines = wire.say("EHLO new.example", 250).lines
            self.assertIn("AUTH SCRAM-SHA-256 PLAIN LOGIN", lines)
            self.assertFalse([line for line in lines if line.startswith("AUTH=")])


if __name__ == "__main__":
    unittest.main()
