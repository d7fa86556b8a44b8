"""How much accounts may send, and what happens when one sends suspiciously, by the real program."""
import json
import re
import unittest

from harness import ALICE, BOB, HOST, PASSWORDS, Postern, Sink, Wire, message, token, wait_for


class Sending(unittest.TestCase):
    def serve(self, **config):
        self.sink = Sink()
        self.addCleanup(self.sink.close)
        self.server = Postern({"delivery": {"smart_host": f"{HOST}:{self.sink.port}"}, **config})
        self.addCleanup(self.server.__exit__, None, None, None)

    def guard(self, *arguments, status=0):
        done = self.server.cli("guard", *arguments, "--json")
        self.assertEqual(done.returncode, status, done.stderr)
        return json.loads(done.stdout) if done.stdout else None

    def send(self, wire, *to, sender=ALICE, code=250, status=None):
        word = token()
        wire.mail(sender, *to)
        wire.data(message(sender, to[0], word), code, status)
        return word


class Limits(Sending):
    def test_messages_over_the_limit_wait_for_the_hour(self):
        self.serve(limits={"sending": [{"per": "account", "messages_per_hour": 5}]})
        with self.server.session(login=ALICE) as wire:
            for _ in range(5):
                self.send(wire, "friend@remote.test")
            reply = wire.say(f"MAIL FROM:<{ALICE}>", 450, "4.7.1")
            self.assertRegex(reply.text, r"5 messages per hour .* \d{4}-\d\d-\d\d \d\d:\d\d UTC \([0-9A-Z]{12}\.1\)")
            found = re.search(r"\(([A-Z0-9]{12})", reply.text).group(1)
            events = json.loads(self.server.cli("why", found, "--json", check=True).stdout)["events"]
            refused = [e for e in events if e.get("rule") == "sending-limit"][0]
            self.assertEqual((refused["held_against"], refused["used"]), (ALICE, "5"))
        # Others are not concerned; the owner was told at four fifths, once.
        with self.server.session(login=BOB) as wire:
            self.send(wire, "friend@remote.test", sender=BOB)
        self.server.wait_mail(ALICE, "has used 4 of 5 messages per hour")
        used = self.guard("usage", ALICE)
        self.assertEqual([(u["what"], u["used"], u["limit"]) for u in used], [("messages per hour", 5, 5)])

    def test_counting_survives_a_restart_and_a_crash(self):
        self.serve(limits={"sending": [{"per": "account", "new_recipients_per_day": 3, "recipients_per_day": 6}]})
        with self.server.session(login=ALICE) as wire:
            self.send(wire, "a@remote.test", "b@remote.test", "c@remote.test")
        self.server.stop()
        self.server.start()
        with self.server.session(login=ALICE) as wire:
            wire.say(f"MAIL FROM:<{ALICE}>", 250)
            wire.say("RCPT TO:<d@remote.test>", 450, "4.7.1")
            wire.say("RCPT TO:<a@remote.test>", 250)
            wire.say("RCPT TO:<b@remote.test>", 250)
            wire.data(message(ALICE, "a@remote.test", token()))
        wait_for(lambda: self.guard("usage", ALICE)[0]["used"] == 5, "five recipients")
        import time
        time.sleep(2.5)  # the longest time between two writes
        self.server.kill()
        self.server.start()
        with self.server.session(login=ALICE) as wire:
            wire.say(f"MAIL FROM:<{ALICE}>", 250)
            wire.say("RCPT TO:<a@remote.test>", 250)
            wire.say("RCPT TO:<b@remote.test>", 450, "4.7.1")

    def test_a_domain_shares_its_limit_and_a_reload_takes_up_a_row(self):
        import signal
        self.serve(limits={"sending": [{"per": "domain", "recipients_per_hour": 2}]})
        with self.server.session(login=ALICE) as wire:
            self.send(wire, "a@remote.test")
        with self.server.session(login=BOB) as wire:
            self.send(wire, "b@remote.test", sender=BOB)
            wire.say(f"MAIL FROM:<{BOB}>", 250)
            wire.say("RCPT TO:<c@remote.test>", 450, "4.7.1")
        self.server.change("limits", sending=[{"per": "domain", "recipients_per_hour": 2},
                                              {"per": "domain", "match": "Postern.TEST", "recipients_per_hour": 3}])
        self.server.signal(signal.SIGHUP)
        self.server.wait_log(r"\breloaded\b")
        with self.server.session(login=BOB) as wire:
            self.send(wire, "c@remote.test", sender=BOB)

    def test_mail_from_other_servers_is_not_counted(self):
        self.serve(limits={"sending": [{"per": "network", "messages_per_hour": 1}]})
        with self.server.session(self.server.mx, tls=False) as wire:
            for _ in range(3):
                self.send(wire, BOB, sender="stranger@remote.test")

    def test_a_row_that_makes_no_sense_is_named(self):
        self.serve()
        for row in ({"per": "account", "match": "example.com"}, {"per": "domain", "match": "a@example.com"},
                    {"per": "network", "match": "192.0.2.1/24"}, {"per": "planet"}, {"messages": 1}):
            self.server.change("limits", sending=[row])
            done = self.server.cli("config", "check")
            self.assertEqual(done.returncode, 2 if done.returncode == 2 else 1, row)
            self.assertIn("limits.sending", done.stderr + done.stdout)


class Conduct(Sending):
    def test_an_account_that_someone_else_uses_is_warned_held_and_switched_off(self):
        self.serve(guard={"suspicious_new_recipients": 4, "suspicious_networks": 0, "suspicious_bounces": 0,
                          "operator_address": BOB})
        with self.server.session(login=ALICE) as wire:
            for n in range(4):
                word = self.send(wire, f"one{n}@remote.test")
                self.sink.wait(word)
            self.server.wait_mail(ALICE, "only a warning")
            self.server.wait_mail(BOB, "only a warning")
            for n in range(3):
                self.sink.wait(self.send(wire, f"two{n}@remote.test"))
            held = [self.send(wire, f"three{n}@remote.test") for n in range(3)]
            self.server.wait_mail(ALICE, "now held in the queue")
            self.assertEqual(self.guard("list")["accounts"][0]["step"], "held")
            listed = json.loads(self.server.cli("queue", "list", "--json", check=True).stdout)
            self.assertEqual([m["held"] for m in listed if m["account"] == ALICE], [True] * 3)
            for n in range(6):
                held.append(self.send(wire, f"four{n}@remote.test"))
            self.server.wait_mail(BOB, "can no longer log in")
            wait_for(lambda: wire.say(f"MAIL FROM:<{ALICE}>").code == 535 or wire.say("RSET", 250) and None,
                     "SMTP AUTH to be off")
        # Nothing of it depends on the process.
        self.server.stop()
        self.server.start()
        with self.server.session() as wire:
            wire.auth_plain(ALICE, PASSWORDS[ALICE], None)
            wire.say(f"MAIL FROM:<{ALICE}>", 530)
        self.assertEqual(self.guard("list")["accounts"][0]["step"], "off")
        for word in held:
            self.assertFalse([m for m in self.sink.messages if word.encode() in m["content"]])
        done = self.guard("lift", ALICE)
        self.assertEqual(done["released"], len(held))
        for word in held:
            self.sink.wait(word)
        with self.server.session(login=ALICE) as wire:
            self.sink.wait(self.send(wire, "one1@remote.test"))
        self.assertEqual(self.guard("list")["accounts"], [])

    def test_bounces_and_networks_count_together(self):
        self.serve(guard={"suspicious_new_recipients": 0, "suspicious_networks": 4, "suspicious_bounces": 4,
                          "operator_address": BOB})
        self.sink.answers["RCPT"] = "550 5.1.1 Nobody here"
        for n in range(2):
            with Wire(self.server.submissions, tls=True, source=(f"127.9.{n}.1", 0)) as wire:
                wire.expect(220)
                wire.ehlo()
                wire.auth_plain(ALICE, PASSWORDS[ALICE])
                self.send(wire, f"gone{n}@remote.test")
        self.server.wait_mail(BOB, "only a warning")
        row = self.guard("list")["accounts"][0]
        self.assertEqual((row["step"], row["networks"], row["bounces"]), ("warned", 2, 2))

    def test_a_trusted_account_is_left_alone(self):
        self.serve(guard={"suspicious_new_recipients": 1, "trusted_accounts": ["@postern.test"]})
        with self.server.session(login=ALICE) as wire:
            for n in range(6):
                self.sink.wait(self.send(wire, f"n{n}@remote.test"))
        self.assertEqual(self.guard("list")["accounts"], [])


if __name__ == "__main__":
    unittest.main()
