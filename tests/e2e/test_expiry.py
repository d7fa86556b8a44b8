"""A message that can't be delivered is given up after a time, and its sender told: takes the
shortest time that can be configured, a minute. That it is late is told before."""
import unittest

from harness import ALICE, HOST, Postern, Sink, message, token, wait_for


class Expiry(unittest.TestCase):
    def test_what_is_never_taken_goes_back(self):
        with Sink({"RCPT": "450 4.2.0 Never"}) as sink, \
                Postern({"delivery": {"smart_host": f"{HOST}:{sink.port}", "retry": ["1 s", "10 s"],
                                      "give_up_after": "60 s"}}) as server:
            word = token()
            with server.session(login=ALICE) as wire:
                wire.mail(ALICE, "friend@remote.test")
                wire.data(message(ALICE, "friend@remote.test", word))
            report = server.wait_mail(ALICE, "multipart/report", 120).decode()
            self.assertIn("450 4.2.0 Never", report)
            self.assertIn("Action: failed", report)
            self.assertRegex(report, r"Status: [45]\.\d")
            self.assertIn(word, report)
            self.assertEqual(sink.messages, [])
            self.assertGreater(len([c for c in sink.commands if c.startswith("RCPT")]), 2)

    def test_of_a_delay_the_sender_hears_once(self):
        with Sink({"RCPT": "450 4.2.0 Not yet"}) as sink, \
                Postern({"delivery": {"smart_host": f"{HOST}:{sink.port}", "retry": ["1 s"],
                                      "delay_notice_after": "3 s"}}) as server:
            def attempts():
                return len([c for c in sink.commands if c.startswith("RCPT")])

            with server.session(login=ALICE) as wire:
                wire.mail(ALICE, "friend@remote.test")
                wire.data(message(ALICE, "friend@remote.test", token()))
            report = server.wait_mail(ALICE, "multipart/report", 60).decode()
            self.assertIn("Action: delayed", report)
            self.assertIn("Will-Retry-Until:", report)
            server.stop()
            server.start()
            so_far = attempts()
            wait_for(lambda: attempts() >= so_far + 2, "two more attempts", 60)
            server.wait_mail(ALICE, "multipart/report")


if __name__ == "__main__":
    unittest.main()
