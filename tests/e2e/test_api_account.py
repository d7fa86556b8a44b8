"""What the account page tells of mail programs that do something wrong, through the real web process."""
import unittest

from harness import ALICE, BOB, PASSWORDS, Wire, wait_for
from test_api import Site, Stream
from web import Pages


class OwnAffairs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Pages({"guard": {"allow": ["127.0.0.0/8"]}, "auth": {"failure_delay": "10 ms"},
                            "setup": {"imap": "imap.postern.test:993"}}, accounts=(ALICE, BOB))

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None, None, None)

    def visitor(self, address):
        site = Site(self.server.https)
        status, said = site.sign_in(address, PASSWORDS[address], token=True)
        self.assertEqual(status, 200, said)
        return site

    def get(self, site, path):
        status, said = site.ask("GET", path)
        self.assertEqual(status, 200, said)
        return said

    def row(self, site, path="/account/logins", **values):
        def look():
            return [l for l in self.get(site, path)["logins"] if all(l[k] == v for k, v in values.items())]
        return wait_for(look, f"a row with {values}")[0]

    def id_of(self, refused):
        return refused.text[refused.text.rindex("(") + 1:].split(")")[0].split(",")[0]

    def test_a_program_that_does_not_log_in_shows_to_the_owner_of_the_address(self):
        site = self.visitor(ALICE)
        stream = Stream(site)
        self.addCleanup(stream.close)
        with self.server.wire() as wire:
            wire.expect(220)
            wire.ehlo("PC-Anna")
            wire.say("STARTTLS", 220)
            wire.start_tls()
            wire.ehlo("PC-Anna")
            wire.say(f"MAIL FROM:<{ALICE}>", 530)
        # That it happened is told at once; whose computer it was is not.
        told = stream.wait("refused", rule="auth-required")["data"]
        self.assertEqual(sorted(told), ["event", "number", "rule", "time"])
        row = self.row(site, stage="no log-in", rule="auth-required")
        self.assertTrue(row["near"])
        self.assertEqual((row["hello"], row["port"]), ("PC-Anna", self.server.submission))
        self.assertIn("requires authentication", row["remedy"])
        other = self.get(self.visitor(BOB), "/account/logins")["logins"]
        self.assertFalse([l for l in other if l["stage"] == "no log-in"])

    def test_wrong_encryption_shows_to_who_waits_for_the_device(self):
        site = self.visitor(ALICE)
        with Wire(self.server.submissions) as wire:
            wire.send("EHLO scanner\r\n")
            self.assertEqual(wire.reply().code, 421)
        row = self.row(site, "/account/logins?waiting_since=0", rule="wants-tls-from-start")
        self.assertEqual((row["stage"], row["near"]), ("no log-in", True))
        self.assertFalse([l for l in self.get(site, "/account/logins")["logins"] if l["rule"] == row["rule"]])
        # Without encryption where it has to be begun, but with the sender's address.
        with self.server.wire() as wire:
            wire.expect(220)
            wire.ehlo("scanner")
            refused = wire.say(f"MAIL FROM:<{ALICE}> SIZE=100", 530)
        self.row(site, stage="no log-in", rule="tls-required")
        # Of a refusal that may be anybody's, who shows its id learns when it was, and its rule.
        told, = self.get(site, f"/account/why/{self.id_of(refused)}")["events"]
        self.assertEqual((told["event"], told["rule"]), ("refused", "tls-required"))
        self.assertRegex(told["time"], r"^20\d\d-")

    def test_what_was_refused_after_the_log_in_shows_with_its_cause_and_by_its_id(self):
        site = self.visitor(ALICE)
        with Wire(self.server.submissions, tls=True) as wire:
            wire.expect(220)
            wire.ehlo("wordpress")
            wire.auth_plain(ALICE, PASSWORDS[ALICE])
            refused = wire.say(f"MAIL FROM:<{BOB}>", 550)
        row = self.row(site, stage="sending", rule="sender-not-owned")
        self.assertEqual((row["result"], row["hello"]), ("refused", "wordpress"))
        self.assertTrue(row["meaning"] and row["remedy"])
        id = self.id_of(refused)
        story = self.get(site, f"/account/why/{id}")["events"]
        self.assertTrue([e for e in story if e["event"] == "refused" and e["remedy"]["user"]], story)
        self.assertEqual(self.visitor(BOB).ask("GET", f"/account/why/{id}")[0], 404)

    def test_one_session_is_one_failure(self):
        site = self.visitor(BOB)
        for _ in range(2):
            with Wire(self.server.submissions, tls=True) as wire:
                wire.expect(220)
                wire.ehlo("scanner-2")
                wire.auth_plain(BOB, "wrong", 535)
                wire.auth_login(BOB, "wrong", 535)
        row = self.row(site, hello="scanner-2", times=2)
        self.assertEqual(row["mechanism"], "PLAIN")

    def test_sessions_of_the_pages_are_listed_and_ended(self):
        site, other, third = self.visitor(ALICE), self.visitor(ALICE), self.visitor(ALICE)
        listed = self.get(other, "/account/sessions")["sessions"]
        here = next(s for s in listed if s["here"])
        self.assertEqual(site.ask("DELETE", f"/account/sessions/{here['id']}")[0], 204)
        self.assertEqual(other.ask("GET", "/account")[0], 401)
        self.assertEqual(site.ask("DELETE", f"/account/sessions/{here['id']}")[0], 404)
        self.assertEqual(site.ask("POST", "/account/sessions/end", {"others": False})[0], 422)
        status, said = site.ask("POST", "/account/sessions/end", {"others": True})
        self.assertEqual(status, 200, said)
        self.assertGreaterEqual(said["ended"], 1)
        self.assertEqual(third.ask("GET", "/account")[0], 401)
        self.assertEqual([s["here"] for s in self.get(site, "/account/sessions")["sessions"]], [True])


if __name__ == "__main__":
    unittest.main()
