"""What senders get (RFC 3461, 3464, 6522): every report read by Python's own MIME library."""
import email
import email.policy
import unittest

from harness import ALICE, BOB, HOST, NAME, Postern, Sink, message, token, wait_for

REFUSAL = "550 5.1.1 No such user here, friend"


def parts_of(octets):
    """A report as a reader sees it: the human part, the fields about the message, those about each recipient, and
    what came back."""
    mail = email.message_from_bytes(octets, policy=email.policy.default)
    assert mail.get_content_type() == "multipart/report", mail.get_content_type()
    assert mail["Content-Type"].params["report-type"] == "delivery-status"
    human, status, returned = mail.iter_parts()
    assert human.get_content_type() == "text/plain"
    assert status.get_content_type() == "message/delivery-status"
    groups = [dict(group.items()) for group in status.get_payload()]
    groups = [group for group in groups if group]
    for part in mail.walk():
        assert not part.defects, part.defects
    return mail, human.get_content(), groups[0], groups[1:], returned


class Reports(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.plain = Sink({"RCPT nobody@remote.test": REFUSAL, "RCPT n+b@remote.test": REFUSAL,
                          "RCPT late@remote.test": "450 4.2.0 Not yet"})
        cls.addClassCleanup(cls.plain.close)
        cls.server = Postern({"delivery": {"smart_host": f"{HOST}:{cls.plain.port}", "retry": ["1 s"],
                                           "delay_notice_after": "2 s"}})
        cls.addClassCleanup(cls.server.__exit__, None, None, None)

    def send(self, *recipients, sender=ALICE, parameters="", body="Hello.\n", server=None, login=ALICE):
        """`recipients`: addresses with their parameters. Gives the word in the subject."""
        word = token()
        with (server or self.server).session(login=login) as wire:
            wire.say(f"MAIL FROM:<{sender}>{parameters}", 250)
            for r in recipients:
                address, _, more = r.partition(" ")
                wire.say(f"RCPT TO:<{address}>" + (f" {more}" if more else ""), 250)
            wire.data(message(login, "friend@remote.test", word, body))
        return word

    def report(self, word, server=None):
        return parts_of((server or self.server).wait_mail(ALICE, word, 30))

    def test_a_failure_says_all_that_was_asked_for(self):
        word = self.send("nobody@remote.test NOTIFY=FAILURE,DELAY ORCPT=rfc822;some+2Bone@remote.test",
                         parameters=" RET=HDRS ENVID=batch+2B7", body="This body is not to come back.\n")
        mail, human, about, recipients, returned = self.report(word)
        self.assertEqual(mail["To"].addresses[0].addr_spec, ALICE)
        self.assertEqual(mail["From"].addresses[0].addr_spec, f"MAILER-DAEMON@{NAME}")
        self.assertEqual(mail["Auto-Submitted"], "auto-replied")
        self.assertTrue(mail["Message-ID"] and mail["Date"])
        self.assertIn("nobody@remote.test", human)
        self.assertIn("No such user here, friend", human)
        self.assertEqual(about["Original-Envelope-Id"], "batch+7")
        self.assertEqual(about["Reporting-MTA"], f"dns; {NAME}")
        self.assertIn("Arrival-Date", about)
        self.assertEqual(len(recipients), 1)
        fields = recipients[0]
        self.assertEqual(fields["Final-Recipient"], "rfc822; nobody@remote.test")
        self.assertEqual(fields["Original-Recipient"].replace(" ", ""), "rfc822;some+one@remote.test")
        self.assertEqual(fields["Action"], "failed")
        self.assertEqual(fields["Status"], "5.1.1")
        self.assertEqual(fields["Diagnostic-Code"], f"smtp; {REFUSAL}")
        self.assertTrue(fields["Remote-MTA"].startswith("dns; "))
        self.assertEqual(returned.get_content_type(), "text/rfc822-headers")
        self.assertIn(word, returned.as_string())
        self.assertNotIn("not to come back", mail.as_string())

    def test_the_whole_message_comes_back_when_asked_for(self):
        word = self.send("nobody@remote.test", parameters=" RET=FULL", body="This body comes back.\n")
        _, _, about, recipients, returned = self.report(word)
        self.assertNotIn("Original-Envelope-Id", about)
        self.assertNotIn("Original-Recipient", recipients[0])
        self.assertEqual(returned.get_content_type(), "message/rfc822")
        self.assertIn("This body comes back.", returned.get_content().get_content())

    def test_one_report_for_all_that_failed_together(self):
        word = self.send("nobody@remote.test", "n+b@remote.test", "somebody@remote.test")
        _, human, _, recipients, _ = self.report(word)
        self.assertEqual({r["Final-Recipient"] for r in recipients},
                         {"rfc822; nobody@remote.test", "rfc822; n+b@remote.test"})
        self.assertNotIn("somebody@remote.test", human)

    def test_success_is_told_to_who_asked(self):
        # The next hop knows no DSN: relayed. Our own mailbox: delivered.
        word = self.send("somebody@remote.test NOTIFY=SUCCESS", f"{BOB} NOTIFY=SUCCESS", "other@remote.test")

        def look():
            found = {}
            for octets in self.server.mailbox(ALICE):
                if word.encode() in octets:
                    for r in parts_of(octets)[3]:
                        found[r["Final-Recipient"]] = (r["Action"], r["Status"][0])
            return found if len(found) == 2 else None
        self.assertEqual(wait_for(look, "two reports"), {"rfc822; somebody@remote.test": ("relayed", "2"),
                                                         f"rfc822; {BOB}": ("delivered", "2")})

    def test_a_delay_is_told_once_and_says_until_when(self):
        word = self.send("late@remote.test")
        _, human, _, recipients, _ = self.report(word)
        self.assertEqual((recipients[0]["Action"], recipients[0]["Status"]), ("delayed", "4.2.0"))
        self.assertIn("Will-Retry-Until", recipients[0])
        self.assertIn("Not yet", human)

    def test_nothing_is_told_to_who_wants_nothing(self):
        never = self.send("nobody@remote.test NOTIFY=NEVER")
        success_only = self.send("nobody@remote.test NOTIFY=SUCCESS")
        nobody = self.send("nobody@remote.test", sender="")
        late = self.send("late@remote.test NOTIFY=FAILURE")
        # This one comes later than they would.
        self.report(self.send("nobody@remote.test"))
        wait_for(lambda: self.plain.commands.count("RCPT TO:<late@remote.test>") >= 4, "tries")
        for word in (never, success_only, nobody, late):
            for octets in self.server.mailbox(ALICE):
                self.assertNotIn(word.encode(), octets)

    def test_a_next_hop_that_knows_dsn_is_told_and_answers_itself(self):
        with Sink(extensions=("PIPELINING", "8BITMIME", "DSN")) as knows, \
                Postern({"delivery": {"smart_host": f"{HOST}:{knows.port}"}}) as server:
            word = self.send("somebody@remote.test NOTIFY=SUCCESS ORCPT=rfc822;some+2Bone@remote.test",
                             parameters=" RET=HDRS ENVID=batch+2B7", server=server)
            taken = knows.wait(word)
            for parameter in ("RET=HDRS", "ENVID=batch+2B7", "NOTIFY=SUCCESS", "ORCPT=rfc822;some+2Bone@remote.test"):
                self.assertIn(parameter, taken["parameters"])
            failing = self.send("somebody@remote.test NOTIFY=NEVER", server=server)
            self.assertIn("NOTIFY=NEVER", knows.wait(failing)["parameters"])
            self.assertEqual(server.mailbox(ALICE), [])

    def test_no_report_about_a_report(self):
        # Alice's mailbox is gone when the report comes.
        with Sink({"RCPT nobody@remote.test": REFUSAL, "RCPT gone@remote.test": "550 5.1.1 Gone"}) as sink, \
                Postern({"delivery": {"smart_host": f"{HOST}:{sink.port}"},
                         "relay": {"networks": ["127.0.0.1"]}}) as server:
            with server.wire(server.mx) as wire:
                wire.expect(220)
                wire.ehlo()
                wire.mail("gone@remote.test", "nobody@remote.test")
                wire.data(message("gone@remote.test", "nobody@remote.test", token()))
            # The report itself is refused, and that is the end of it.
            wait_for(lambda: any(c.startswith("RCPT TO:<gone@remote.test>") for c in sink.commands), "the report")
            wait_for(lambda: server.cli("queue", "list", "--json", check=True).stdout.strip() == "[]", "an empty queue")
            self.assertEqual(len([c for c in sink.commands if c.startswith("MAIL FROM:<>")]), 1)
            self.assertEqual(sink.messages, [])


if __name__ == "__main__":
    unittest.main()
