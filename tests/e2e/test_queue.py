"""The queue for its operator: looking, choosing, changing many, giving up; with a server and without; and
what senders may ask of it: priorities, times to deliver by, mail that is sent later."""
import datetime
import json
import re
import unittest

from harness import ALICE, BOB, HOST, ROOT, Postern, Sink, message, token, wait_for

ONE, TWO = "someone@remote.test", "someone@other.test"


def commands_of(page):
    """The lines of all console blocks."""
    text = (ROOT / "docs" / page).read_text()
    return [line for block in re.findall(r"```console\n(.*?)```", text, re.S) for line in block.splitlines()]


class Queue(unittest.TestCase):
    """A server whose mail goes to a sink."""
    accounts = (ALICE,)

    @classmethod
    def setUpClass(cls):
        cls.sink = Sink()
        cls.answers = cls.sink.answers
        cls.addClassCleanup(cls.sink.close)
        cls.server = Postern({"delivery": {"smart_host": f"{HOST}:{cls.sink.port}", "retry": ["1 h"]}},
                             accounts=cls.accounts)
        cls.addClassCleanup(cls.server.__exit__, None, None, None)
        cls.hop = f"smtp:{HOST}:{cls.sink.port}"

    def setUp(self):
        self.answers.clear()

    def send(self, *recipients, sender=ALICE, parameters="", text="waits"):
        with self.server.session(login=sender) as wire:
            wire.mail(sender, *recipients, parameters=parameters)
            return re.search(r"Q\w{12}", wire.data(message(sender, recipients[0], text)).text).group(0)

    def ask(self, *words):
        return json.loads(self.server.cli(*words, "--json", check=True).stdout)

    def ids(self, *words):
        return {m["queue_id"] for m in self.ask("queue", "list", *words)}

    def wait_deferred(self, *ids):
        wait_for(lambda: set(ids) <= self.ids("--state", "deferred"), "the messages to be deferred")


class Operated(Queue):
    accounts = (ALICE, BOB)

    def setUp(self):
        super().setUp()
        self.answers["RCPT"] = "450 4.2.0 Not now, says the far side"
        self.server.cli("queue", "remove", "--all", check=True)

    def test_choosing_and_changing_with_a_server_and_without(self):
        first, second = self.send(ONE), self.send(ONE, TWO)
        third = self.send(TWO, sender=BOB)
        self.wait_deferred(first, second, third)
        for _ in range(2):
            self.assertEqual(self.ids(), {first, second, third})
            self.assertEqual(self.ids("--domain", "Remote.Test"), {first, second})
            self.assertEqual(self.ids("--domain", "other.test", "--account", ALICE), {second})
            self.assertEqual(self.ids("--sender", BOB), {third})
            self.assertEqual(self.ids("--next-hop", self.hop), {first, second, third})
            self.assertEqual(self.ids("--older", "1h"), set())
            self.assertEqual(self.ids("--younger", "1h", second), {second})
            one, = self.ask("queue", "list", first)
            recipient, = one["recipients"]
            self.assertEqual(recipient["next_hop"], self.hop)
            self.assertIn("Not now, says the far side", recipient["last_reply"])
            self.assertEqual(recipient["why"], "put off until the next attempt")
            shown = self.server.cli("queue", "list", first, check=True).stdout
            self.assertIn(f"{self.hop}: 450 4.2.0 Not now", shown)
            summary = self.ask("queue", "summary")
            self.assertEqual([summary[k] for k in ("messages", "deferred", "held", "recipients")], [3, 3, 0, 4])
            row, = self.ask("queue", "destinations")
            self.assertEqual((row["destination"], row["recipients"]), (self.hop, 4))
            self.assertIn("Not now", row["last_reply"])
            self.assertEqual(row["health"], "unknown" if self.server.process.returncode is not None else "up")

            self.assertEqual(self.ask("queue", "hold", "--domain", "other.test")["messages"], 2)
            self.assertEqual(self.ids("--state", "held"), {second, third})
            self.assertEqual(self.ask("queue", "list", third)[0]["recipients"][0]["why"], "held until it is released")
            self.assertEqual(self.ask("queue", "release", "--state", "held")["messages"], 2)
            self.assertEqual(self.ids("--state", "held"), set())
            for bad in (["retry"], ["remove", "--all", "--domain", "x"], ["hold", "--state", "sleepy"],
                        ["list", "--older", "soon"], ["expire"]):
                self.assertEqual(self.server.cli("queue", *bad).returncode, 2, bad)
            if self.server.process.returncode is None:
                self.wait_deferred(first, second, third)
                self.server.stop()
        self.addCleanup(self.server.start)
        self.assertEqual(self.ask("queue", "remove", "--domain", "other.test")["messages"], 2)
        self.assertEqual(self.ids(), {first, second})
        self.assertEqual(self.ask("queue", "remove", "--all")["messages"], 2)
        self.assertEqual(self.ids(), set())

    def test_what_is_done_to_messages_in_a_state_leaves_the_others_alone(self):
        first, second = self.send(ONE), self.send(TWO)
        self.wait_deferred(first, second)
        for command in ("hold", "release", "retry", "remove"):
            self.assertEqual(self.ask("queue", command, "--state", "active")["messages"], 0, command)
        for command in ("retry", "remove"):
            self.assertEqual(self.ask("queue", command, "--state", "unreadable")["messages"], 0, command)
        self.assertEqual(self.ids("--state", "deferred"), {first, second})
        for command in ("hold", "release"):
            self.assertEqual(self.server.cli("queue", command, "--state", "unreadable").returncode, 2, command)

    def test_giving_up_tells_senders_at_once(self):
        word = token()
        first, second = self.send(ONE, TWO, text=word), self.send(ONE)
        self.wait_deferred(first, second)
        done = self.ask("queue", "expire", "--domain", "other.test")
        self.assertEqual((done["messages"], done["recipients"], done["busy"]), (1, 1, 0))
        report = self.server.wait_mail(ALICE, "multipart/report").decode()
        for part in ("Action: failed", "Status: 5.4.7", f"rfc822; {TWO}", "operator", "Not now, says the far side", word):
            self.assertIn(part, report)
        self.assertNotIn(f"Final-Recipient: rfc822; {ONE}", report)
        states = {r["forward_path"]: r["state"] for r in self.ask("queue", "show", first)["recipients"]}
        self.assertEqual(states, {ONE: "queued", TWO: "expired"})
        # Without a server the reports wait for it.
        self.server.stop()
        self.assertEqual(self.ask("queue", "expire", second)["messages"], 1)
        self.assertEqual(len(self.ids("--sender", "<>")), 1)
        self.server.start()
        wait_for(lambda: len(self.server.mailbox(ALICE)) == 2, "the second report")
        self.assertEqual(self.ids(), {first})

    def test_what_the_page_shows_works(self):
        tried = 0
        for line in commands_of("queue.md"):
            if "release" in line:
                self.server.cli("queue", "hold", "--all", check=True)
            # What the last command ended may be on its way out yet.
            some = wait_for(lambda: sorted(self.ids()) or self.send(ONE) and None, "a message")[0]
            self.wait_deferred(*self.ids("--state", "deferred"))
            words = line.replace("Q0123456789AB", some).split()
            self.assertEqual(words[:2], ["postern", "queue"])

            def run():
                done = self.server.cli(*words[1:])
                busy = done.returncode == 1 and "being delivered" in done.stderr
                self.assertTrue(done.returncode == 0 or busy, f"{line}: {done.stdout}{done.stderr}")
                return not busy
            wait_for(run, f"{line} to find its message at rest")
            tried += 1
        self.assertGreater(tried, 12)


class Down(Queue):
    def test_a_destination_that_is_down_is_seen_and_found_again(self):
        self.sink.close()
        first, second = self.send(ONE), self.send(ONE, TWO)

        def down():
            rows = self.ask("queue", "destinations")
            return rows and rows[0]["health"] == "down" and rows[0]
        row = wait_for(down, "the destination to be known as down")
        self.assertRegex(row["last_failure"], "refused|connect")
        self.assertTrue(row["down_until"])
        recipient = wait_for(lambda: [r for r in self.ask("queue", "list", first)[0]["recipients"] if r["down_until"]],
                             "the reason for waiting")[0]
        self.assertEqual(recipient["why"], "its destination does not work")
        shown = self.server.cli("queue", "list", first, check=True).stdout
        self.assertRegex(shown, "its destination does not work, and is looked at again")
        summary = self.server.cli("queue", "summary", check=True).stdout
        self.assertIn("down until", summary)
        with Sink(port=self.sink.port) as again:
            # Once it is through, there is nothing left to try.
            wait_for(lambda: (self.server.cli("queue", "retry", first), again.messages)[1], "the first one through", 60)
            # The other one was not asked for: it comes since the destination works again.
            wait_for(lambda: not self.ids(), "the queue to be empty", 30)


class Known(Queue):
    """The next hop knows what senders ask for."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sink.extensions += ["MT-PRIORITY", "DELIVERBY"]

    def test_priorities_and_times_go_on_to_who_knows_them(self):
        with self.server.session(login=ALICE) as wire:
            offered = wire.ehlo()
            for keyword in ("MT-PRIORITY", "DELIVERBY", "FUTURERELEASE"):
                self.assertIn(keyword, offered)
            self.assertEqual(offered["FUTURERELEASE"][0], str(30 * 86400))
        word = token()
        self.send(ONE, parameters=" MT-PRIORITY=4 BY=600;N", text=word)
        self.sink.wait(word)
        command, = [c for c in self.sink.commands if c.startswith("MAIL")]
        self.assertRegex(command, r" MT-PRIORITY=4 BY=(600|59\d);N")


class Asked(Queue):
    """What senders ask for with parameters of MAIL."""

    def test_without_a_login_nobody_is_urgent(self):
        with self.server.session(self.server.mx, tls=False) as wire:
            reply = wire.say("MAIL FROM:<stranger@far.test> MT-PRIORITY=5", 250)
            self.assertEqual(reply.status, "2.3.6")
            self.assertTrue(reply.text.startswith("2.3.6 0 "))

    def test_what_leaves_those_who_know_times_is_told(self):
        word = token()
        self.send(ONE, parameters=" BY=600;N", text=word)
        self.assertIn("Action: relayed", self.server.wait_mail(ALICE, word).decode())

    def test_what_is_not_delivered_in_time_comes_back_in_time(self):
        self.answers["RCPT"] = "450 4.2.0 Not now"
        word = token()
        self.send(ONE, parameters=" BY=2;R", text=word)
        report = self.server.wait_mail(ALICE, word).decode()
        self.assertIn("Action: failed", report)
        self.assertIn("Status: 5.4.7", report)
        self.assertEqual(self.ids(), set())

    def test_mail_is_sent_later_also_after_a_restart(self):
        until = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        words = token(), token()
        later = self.send(ONE, parameters=f" HOLDUNTIL={until}", text=words[0])
        soon = self.send(ONE, parameters=" HOLDFOR=4", text=words[1])
        self.assertEqual(self.ids("--state", "waiting"), {later, soon})
        one, = self.ask("queue", "list", later)
        self.assertEqual(one["release_at"][:19], until[:19])
        self.assertEqual(one["recipients"][0]["why"], "its sender wants it sent later")
        self.server.stop()
        self.server.start()
        self.sink.wait(words[1])
        wait_for(lambda: self.ids() == {later}, "the other one to be alone")
        self.ask("queue", "retry", later)
        self.sink.wait(words[0])

    def test_std_76(self):
        with self.server.session(login=ALICE) as wire:
            for parameters, code in ((" HOLDFOR=60 HOLDUNTIL=2030-01-01T00:00:00Z", 501), (" HOLDFOR=0", 501),
                                     (f" HOLDFOR={31 * 86400}", 501), (" HOLDUNTIL=2099-01-01T00:00:00Z", 501),
                                     (" HOLDUNTIL=tomorrow", 501), (" HOLDFOR=60", 250)):
                wire.say(f"MAIL FROM:<{ALICE}>{parameters}", code)
        with self.server.session(self.server.mx, tls=False) as wire:
            self.assertNotIn("FUTURERELEASE", wire.ehlo())
            wire.say("MAIL FROM:<stranger@far.test> HOLDFOR=60", 555)


if __name__ == "__main__":
    unittest.main()
