"""Keeping others out, by the real program: forgotten devices, guessers, owners, the operator's lists."""
import json
import re
import unittest

from harness import ALICE, BOB, HOST, PASSWORDS, Postern, Wire, message, token

HOME, OFFICE, EVIL = "127.0.1.1", "127.0.2.2", "127.0.66.6"


class Guard(unittest.TestCase):
    def setUp(self):
        self.server = Postern({"auth": {"failure_delay": "0s", "failures": 100},
                               "limits": {"errors": 1000},
                               "guard": {"allow": [], "longest_delay": "0s", "refuse_after": 6,
                                         "network_refuse_after": 12, "account_refuse_after": 10}})
        self.addCleanup(self.server.__exit__, None, None, None)

    def session(self, source):
        wire = Wire(self.server.submissions, tls=True, source=(source, 0))
        self.addCleanup(wire.close)
        wire.expect(220)
        wire.ehlo()
        return wire

    def guard(self, *arguments, status=0):
        done = self.server.cli("guard", *arguments, "--json")
        self.assertEqual(done.returncode, status, done.stderr)
        return json.loads(done.stdout) if done.stdout else None

    def guess(self, source, account, count):
        wire = self.session(source)
        for _ in range(count):
            wire.auth_plain(account, token(), 535, "5.7.8")
        return wire

    def story(self, reply):
        found = re.search(r"\(([A-Z0-9]{12,13})(\.\d+)?\)", reply.text)
        self.assertTrue(found, reply)
        done = self.server.cli("why", found.group(1), "--json", check=True)
        return json.loads(done.stdout)["events"]

    def refused_at_connect(self, source, code=421, status="4.7.0", port=None):
        wire = Wire(port or self.server.submission, source=(source, 0))
        self.addCleanup(wire.close)
        return wire.expect(code, status)

    def test_a_forgotten_device_is_never_refused(self):
        wire = self.session(HOME)
        for _ in range(60):
            wire.auth_plain(ALICE, "last year's password", 535, "5.7.8")
        self.session(HOME).auth_plain(ALICE, PASSWORDS[ALICE])
        rows = self.guard("list")["held_against"]
        self.assertEqual([r for r in rows if r["refused_until"] is not None], [])
        home = [r for r in rows if (r["kind"], r["what"]) == ("address", HOME)]
        self.assertEqual(len(home), 1, rows)
        self.assertGreater(home[0]["same_secret_again"], 50)

    def test_the_owner_is_told_which_device_it_is(self):
        self.session(HOME).auth_plain(ALICE, PASSWORDS[ALICE])
        for source in (EVIL, HOME):
            wire = self.session(source)
            for _ in range(9):
                wire.auth_plain(ALICE, "last year's password", 535, "5.7.8")
        mail = self.server.wait_mail(ALICE, "A device of yours has an old password").decode()
        self.assertRegex(mail, rf"its address +{re.escape(HOME)}\b")
        self.assertRegex(mail, rf"logs in as +{re.escape(ALICE)}, by PLAIN")
        self.assertRegex(mail, r"calls itself +\S+")
        self.assertNotIn(EVIL, mail)
        # Once, however often it goes on.
        for _ in range(9):
            self.session(HOME).auth_plain(ALICE, "last year's password", 535, "5.7.8")
        self.assertEqual(len(re.findall(r"\bforgotten_device\b", self.server.log())), 1)
        self.assertEqual(len(self.server.mailbox(ALICE)), 1)

    def test_a_guesser_is_refused_with_the_evidence_and_lifted(self):
        wire = self.guess(EVIL, ALICE, 6)
        reply = wire.auth_plain(ALICE, PASSWORDS[ALICE], 454, "4.7.0")
        event = [e for e in self.story(reply) if e.get("rule") == "guard-login-refused"][0]
        self.assertEqual((event["refused"], event["held_against"]), ("address", EVIL))
        self.assertIn("postern guard lift", event["remedy"]["operator"])
        reply = self.refused_at_connect(EVIL)
        self.assertIn("15 minutes", reply.text)
        self.assertEqual(self.story(reply)[0]["rule"], "guard-network-refused")
        # Others, and mail from other servers, go on.
        self.session(HOME).auth_plain(ALICE, PASSWORDS[ALICE])
        with Wire(self.server.mx, source=(EVIL, 0)) as mx:
            mx.expect(220)
        row = self.guard("list")["held_against"][0]
        self.assertEqual((row["kind"], row["what"]), ("address", EVIL))
        self.assertTrue(row["refused_until"])
        self.guard("lift", EVIL)
        self.session(EVIL).auth_plain(ALICE, PASSWORDS[ALICE])
        self.guard("lift", "127.0.77.7", status=1)
        self.assertIn("guard_refuses", self.server.log())

    def test_the_owner_stays_in_while_many_networks_guess(self):
        self.session(HOME).auth_plain(ALICE, PASSWORDS[ALICE])
        for n in range(10):
            self.guess(f"127.1.{n}.1", ALICE, 1)
        self.session("127.1.200.1").auth_plain(ALICE, PASSWORDS[ALICE], 454, "4.7.0")
        self.session(HOME).auth_plain(ALICE, PASSWORDS[ALICE])
        self.session("127.1.200.1").auth_plain(BOB, PASSWORDS[BOB])
        self.guard("lift", ALICE)
        self.session("127.1.200.1").auth_plain(ALICE, PASSWORDS[ALICE])

    def test_names_that_are_no_addresses_are_lifted_and_long_ones_by_their_id(self):
        long = "a" * 60 + "@postern.test"
        for place, name in ((90, "anna"), (100, long)):
            for n in range(10):
                self.guess(f"127.0.{place + n}.1", name, 1)
        rows = {r["what"]: r for r in self.guard("list")["held_against"] if r["kind"] == "account"}
        self.assertEqual(set(rows), {"anna", long[:43]})
        said = self.server.cli("guard", "list", check=True).stdout
        self.assertIn(rows[long[:43]]["id"], said)
        self.guard("lift", "anna")
        self.guard("lift", rows[long[:43]]["id"])
        self.guard("lift", "anna", status=1)
        self.guard("lift", long, status=1)

    def test_another_spelling_of_the_name_is_no_new_account(self):
        spellings = [ALICE, f'"alice"@postern.test', f'"al\\ice"@postern.test', "\uff41lice@postern.test", ALICE.upper()]
        for n in range(10):
            self.guess(f"127.0.{70 + n}.1", spellings[n % len(spellings)], 1)
        for name in spellings:
            self.session("127.0.99.1").auth_plain(name, PASSWORDS[ALICE], 454, "4.7.0")

    def test_nobody_learns_who_has_an_account(self):
        texts = set()
        for n, name in ((1, ALICE), (2, "nobody@postern.test")):
            wire = self.guess(f"127.2.{n}.1", name, 6)
            reply = wire.auth_plain(name, token(), 454, "4.7.0")
            texts.add(re.sub(r"\([A-Z0-9.]+\)", "", reply.text))
        self.assertEqual(len(texts), 1)

    def test_someone_at_the_owners_address_does_not_lock_the_owner_out(self):
        self.session(OFFICE).auth_plain(ALICE, PASSWORDS[ALICE])
        self.guess(OFFICE, BOB, 6).auth_plain(BOB, PASSWORDS[BOB], 454, "4.7.0")
        self.session(OFFICE).auth_plain(ALICE, PASSWORDS[ALICE])

    def test_lists_hold_at_once_and_after_a_restart(self):
        self.guard("deny", "127.3.0.0/16")
        self.guard("allow", "127.3.3.3")
        self.guard("deny", "127.3.0.1/16", status=2)
        for _ in range(2):
            reply = self.refused_at_connect("127.3.1.1", 554, "5.7.1")
            self.assertEqual(self.story(reply)[0]["rule"], "guard-network-denied")
            self.refused_at_connect("127.3.1.1", 554, "5.7.1", self.server.mx)
            self.guess("127.3.3.3", BOB, 30).auth_plain(BOB, PASSWORDS[BOB])
            self.server.stop()
            listed = self.guard("list")  # without a server, from the file
            self.assertEqual((listed["deny"], listed["allow"]), (["127.3.0.0/16"], ["127.3.3.3/32"]))
            self.server.start()
        self.guard("lift", "127.3.0.0/16")
        self.session("127.3.1.1").auth_plain(ALICE, PASSWORDS[ALICE])

    def test_settings_are_taken_up_by_a_reload(self):
        import signal
        self.server.change("guard", deny=["127.4.0.0/16"], enabled=False)
        self.server.signal(signal.SIGHUP)
        self.server.wait_log(r"\breloaded\b")
        self.refused_at_connect("127.4.1.1", 554, "5.7.1")
        self.guess(EVIL, BOB, 30).auth_plain(BOB, PASSWORDS[BOB])


if __name__ == "__main__":
    unittest.main()
