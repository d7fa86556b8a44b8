"""GNU SASL's own client against the real server: SCRAM-SHA-256, and SCRAM-SHA-256-PLUS bound
to the TLS connection (standards 32 to 34)."""
import unittest

from dialog import play
from harness import ALICE, HOST, PASSWORDS, Authority, Postern, need, run
from scram import Scram

PLUS = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN"]


class Gsasl(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need("gsasl")
        cls.server = Postern({"auth": {"mechanisms": PLUS, "failure_delay": "20 ms"}})
        cls.addClassCleanup(cls.server.__exit__, None, None, None)

    def gsasl(self, mechanism, password=PASSWORDS[ALICE], options=()):
        return run("gsasl", "--smtp", f"--connect={HOST}:{self.server.submission}", "--starttls",
                   f"--x509-ca-file={Authority.shared().ca}", f"--mechanism={mechanism}",
                   f"--authentication-id={ALICE}", f"--authorization-id={ALICE}", f"--password={password}", "--hostname=localhost",
                   "--service=smtp", "--verbose", *options, input="")

    def test_each_mechanism(self):
        for mechanism in ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN"):
            with self.subTest(mechanism=mechanism):
                # Without a binding the client must not say that it could have bound (that is the downgrade test).
                done = self.gsasl(mechanism, options=["--no-cb"] if mechanism == "SCRAM-SHA-256" else [])
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertIn("235 2.7.0", done.stdout)
                self.assertIn("authentication finished", (done.stdout + done.stderr).lower())

    def test_a_wrong_password(self):
        for mechanism in ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN"):
            with self.subTest(mechanism=mechanism):
                done = self.gsasl(mechanism, "not the password",
                                  ["--no-cb"] if mechanism == "SCRAM-SHA-256" else [])
                self.assertNotEqual(done.returncode, 0)
                self.assertIn("535 5.7.8", done.stdout)
                self.assertNotIn("235 2.7.0", done.stdout)

    def test_std_32_y_while_plus_is_offered_is_a_downgrade(self):
        with self.server.session() as wire:
            self.assertIn("SCRAM-SHA-256-PLUS", wire.ehlo()["AUTH"])
            scram = Scram(ALICE, PASSWORDS[ALICE], header="y,,")
            challenge = wire.say(f"AUTH SCRAM-SHA-256 {scram.first()}")
            if challenge.code == 334:
                challenge = wire.say(scram.final(challenge.text))
            self.assertIn(challenge.code, (535, 501), challenge)

    def test_std_33_a_wrong_binding_fails(self):
        for kind in ("tls-exporter", "tls-unique", "foo"):
            with self.server.session() as wire:
                scram = Scram(ALICE, PASSWORDS[ALICE], header=f"p={kind},,")
                reply = wire.say(f"AUTH SCRAM-SHA-256-PLUS {scram.first()}")
                if reply.code == 334:
                    reply = wire.say(scram.final(reply.text, binding=b"\0" * 32))
                self.assertIn(reply.code, (535, 501), f"{kind}: {reply}")

    def test_std_34_plus_is_not_offered_in_the_clear(self):
        with self.server.wire(self.server.submission) as wire:
            play(wire, """
                S: 220
                C: EHLO client.example
                S: 250
                S- AUTH
                """)


if __name__ == "__main__":
    unittest.main()
