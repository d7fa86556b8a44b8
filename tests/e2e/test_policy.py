"""Who may send what, by the real program: the table of the policy, accounts that change while
the server runs, and what `explain` says about it."""
import json
import time
import unittest
import warnings

from harness import ALICE, BOB, CAROL, HOST, PASSWORDS, Postern, Sink, Wire, message, token
from scram import Scram

OUTSIDE = "friend@remote.test"


class Policy(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sink = Sink()
        cls.addClassCleanup(cls.sink.close)
        cls.server = Postern({"delivery": {"smart_host": f"{HOST}:{cls.sink.port}"},
                              "limits": {"connections_per_address": 200, "message_size": "1 MiB"},
                              "auth": {"failure_delay": "20 ms"}})
        cls.addClassCleanup(cls.server.__exit__, None, None, None)

    def account(self, name, password="a long enough secret"):
        """A new account of its own for a test that changes it."""
        address = f"{name}@postern.test"
        self.server.add_account(address, password)
        return address, password

    def send(self, wire, sender, to, subject=None, code=250, status=None):
        word = subject or token()
        wire.mail(sender, to)
        wire.data(message(sender, to, word), code, status)
        return word

    def test_the_mx_takes_local_mail_from_strangers(self):
        with self.server.session(self.server.mx, tls=False) as wire:
            word = self.send(wire, "stranger@remote.test", BOB)
        self.server.wait_mail(BOB, word)

    def test_the_mx_knows_its_users_and_relays_for_nobody(self):
        with self.server.session(self.server.mx, tls=False) as wire:
            wire.say("MAIL FROM:<stranger@remote.test>", 250)
            wire.say("RCPT TO:<nobody@postern.test>", 550, "5.1.1")
            refused = wire.say("RCPT TO:<nobody-relays@remote.test>", 550, "5.7.1")
            self.assertIn("log", refused.text.lower())
            self.assertRegex(refused.text, rf"\b({self.server.submission}|{self.server.submissions})\b")
        self.assertNotIn("nobody-relays@remote.test", [r for m in self.sink.messages for r in m["recipients"]])

    def test_a_login_on_the_mx_may_relay(self):
        with self.server.session(self.server.mx, login=ALICE) as wire:
            word = self.send(wire, ALICE, OUTSIDE)
        self.sink.wait(word)

    def test_wrong_password(self):
        with self.server.session() as wire:
            wire.auth_plain(ALICE, "wrong", 535, "5.7.8")
            wire.say(f"MAIL FROM:<{ALICE}>", 530, "5.7.0")

    def test_the_user_name_in_any_case(self):
        with self.server.session() as wire:
            wire.auth_plain("Alice@Postern.Test", PASSWORDS[ALICE])
            self.server.wait_mail(BOB, self.send(wire, "ALICE@postern.test", BOB))

    def test_a_read_receipt_has_an_empty_sender_and_an_own_from(self):
        with self.server.session(login=ALICE) as wire:
            wire.mail("", BOB)
            word = token()
            wire.data(message(ALICE, BOB, word))
            self.assertIn(b"Return-Path: <>", self.server.wait_mail(BOB, word))
            wire.mail("", BOB)
            wire.data(message(CAROL, BOB, token()), 550, "5.7.1")
            # There is no address to fill in.
            wire.mail("", BOB)
            wire.data(f"To: <{BOB}>\nSubject: {token()}\n\nHello.\n", 550, "5.6.0")
        with self.server.session() as stranger:
            stranger.say("MAIL FROM:<>", 530, "5.7.0")

    def test_sub_addresses_begin_where_the_settings_say(self):
        with Postern({"submission": {"recipient_delimiter": "-"}}) as server:
            with server.session(login=ALICE) as wire:
                wire.mail(ALICE.replace("@", "-shop@"), BOB.replace("@", "-list@"))
                word = token()
                wire.data(message(ALICE, BOB, word))
                server.wait_mail(BOB, word)
                wire.say(f"MAIL FROM:<{ALICE.replace('@', '+shop@')}>", 550, "5.7.1")
                wire.say(f"MAIL FROM:<{ALICE}>", 250)
                wire.say(f"RCPT TO:<{BOB.replace('@', '+list@')}>", 550, "5.1.1")

    def test_what_looks_like_a_sub_address_may_be_somebody_elses(self):
        for delimiter in "-+":
            mary, jane, alias, own = (f"mary{detail and delimiter + detail}@postern.test"
                                      for detail in ("", "jane", "info", "shop"))
            with self.subTest(delimiter=delimiter), \
                    Postern({"submission": {"recipient_delimiter": delimiter}}) as server:
                for address in (mary, jane):
                    server.add_account(address, "a long enough secret")
                server.cli("account", "alias", "add", jane, alias, check=True)
                with server.session() as wire:
                    wire.auth_plain(mary, "a long enough secret")
                    for address in (jane, alias):
                        wire.say(f"MAIL FROM:<{address}>", 550, "5.7.1")
                        wire.mail(mary, BOB)
                        wire.data(message(address, BOB, token()), 550, "5.7.1")
                        wire.mail(mary, BOB)
                        wire.data(f"Sender: <{address}>\n" + message(mary, BOB, token()), 550, "5.7.1")
                        explained = server.cli("explain", "--from", address, "--to", BOB, "--as", mary,
                                               "--listener", str(server.submission), "--json")
                        self.assertEqual(json.loads(explained.stdout)["verdict"], "refuse")
                    server.wait_mail(BOB, self.send(wire, own, BOB))
                with server.session() as wire:
                    wire.auth_plain(jane, "a long enough secret")
                    for address in (jane, alias):
                        server.wait_mail(BOB, self.send(wire, address, BOB))

    def test_a_message_without_from_gets_the_senders_address(self):
        with self.server.session(login=ALICE) as wire:
            wire.mail(ALICE, BOB)
            word = token()
            wire.data(f"To: <{BOB}>\nSubject: {word}\n\nHello.\n")
            self.assertIn(f"From: <{ALICE}>".encode(), self.server.wait_mail(BOB, word))

    def test_a_disabled_account(self):
        address, password = self.account("disabled")
        with self.server.session() as before:
            before.auth_plain(address, password)
            self.server.cli("account", "disable", address, check=True)
            with self.server.session() as wire:
                reply = wire.auth_plain(address, password, None)
                self.assertEqual(reply.code // 100, 5, reply)
                wrong = wire.auth_plain(address, "wrong", 535, "5.7.8")
                self.assertNotIn("off", wrong.text)
        self.server.cli("account", "enable", address, check=True)
        with self.server.session() as wire:
            wire.auth_plain(address, password)

    def test_smtp_auth_off_works_at_once(self):
        address, password = self.account("switched")
        for _ in range(2):  # the second time from the cache
            with self.server.session() as wire:
                wire.auth_plain(address, password)
        self.server.cli("account", "smtp-auth", address, "off", check=True)
        with self.server.session() as wire:
            wire.auth_plain(address, password, 535)
            reply = self.scram(wire, address, password)
            self.assertEqual(reply.code, 535, reply)
        self.server.cli("account", "smtp-auth", address, "on", check=True)
        with self.server.session() as wire:
            wire.auth_plain(address, password)

    def scram(self, wire, user, password):
        scram = Scram(user, password)
        reply = wire.say(f"AUTH SCRAM-SHA-256 {scram.first()}")
        if reply.code == 334:
            reply = wire.say(scram.final(reply.text))
            if reply.code == 334:
                reply = wire.say("")
        return reply

    def test_a_password_change_drops_the_cache(self):
        address, old = self.account("changing", "the first password")
        new = "the second password"
        for _ in range(2):
            with self.server.session() as wire:
                wire.auth_plain(address, old)
        self.server.set_password(address, new)
        with self.server.session() as wire:
            wire.auth_plain(address, old, 535, "5.7.8")
            self.assertEqual(self.scram(wire, address, old).code, 535)
        for _ in range(2):
            with self.server.session() as wire:
                wire.auth_plain(address, new)
        with self.server.session() as wire:
            self.assertEqual(self.scram(wire, address, new).code, 235)

    def test_a_removed_account(self):
        address, password = self.account("leaving")
        with self.server.session() as wire:
            wire.auth_plain(address, password)
        self.server.cli("account", "remove", address, check=True)
        with self.server.session() as wire:
            wire.auth_plain(address, password, 535, "5.7.8")
        with self.server.session(self.server.mx, tls=False) as wire:
            wire.say("MAIL FROM:<stranger@remote.test>", 250)
            wire.say(f"RCPT TO:<{address}>", 550, "5.1.1")

    def test_a_login_that_comes_back_is_quick(self):
        """The cache: argon2id costs tens of milliseconds, a known password microseconds."""
        address, password = self.account("returning")
        times = []
        for _ in range(6):
            with self.server.session() as wire:
                began = time.monotonic()
                wire.auth_plain(address, password)
                times.append(time.monotonic() - began)
        self.assertLess(min(times[1:]), times[0] / 2, times)

    def test_aliases_and_send_as(self):
        address, password = self.account("several")
        alias, granted = "sales@postern.test", "boss@postern.test"
        self.server.cli("account", "alias", "add", address, alias, check=True)
        with self.server.session() as wire:
            wire.auth_plain(address, password)
            word = self.send(wire, alias, BOB)
            self.server.wait_mail(BOB, word)
            wire.say(f"MAIL FROM:<{granted}>", 550, "5.7.1")
            self.server.cli("account", "send-as", "add", address, granted, check=True)
        with self.server.session() as wire:
            wire.auth_plain(address, password)
            self.server.wait_mail(BOB, self.send(wire, granted, BOB))
        with self.server.session(self.server.mx, tls=False) as wire:
            self.send(wire, "stranger@remote.test", alias, word + "alias")
        self.assertTrue(self.server.wait_mail(address, word + "alias"))

    def test_a_new_domain_at_once(self):
        self.server.cli("domain", "add", "second.test", check=True)
        self.server.secrets.add(("erna@second.test", "another long secret"))
        self.server.cli("account", "add", "erna@second.test", "--password-stdin", input="another long secret\n",
                        check=True)
        with self.server.session(self.server.mx, tls=False) as wire:
            word = self.send(wire, "stranger@remote.test", "erna@second.test")
        self.assertTrue(self.server.wait_mail("erna@second.test", word))

    def test_imported_hashes(self):
        lines = {  # made with mkpasswd and doveadm pw
            "sha512@postern.test": ("$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/",
                                    "password"),
        }
        warnings.simplefilter("ignore", DeprecationWarning)
        import crypt  # what libcrypt makes is what people import
        for name, method in (("fresh512", crypt.METHOD_SHA512), ("fresh256", crypt.METHOD_SHA256),
                             ("blowfish", crypt.METHOD_BLOWFISH)):
            secret = f"secret of {name}"
            lines[f"{name}@postern.test"] = (crypt.crypt(secret, crypt.mksalt(method)), secret)
        lines["plain@postern.test"] = ("{PLAIN}kept as it was", "kept as it was")
        lines["yes@postern.test"] = (crypt.crypt("yescrypt secret", "$y$j9T$F5Jx5fExrKuPp53xLKQ..1"), "yescrypt secret")
        self.server.secrets.update((a, p) for a, (_, p) in lines.items() if a != "sha512@postern.test")
        file = self.server.dir / "users.client"
        file.write_text("".join(f"{a}:{h}\n" for a, (h, _) in lines.items()))
        self.server.cli("account", "import", file, check=True)
        for address, (_, password) in lines.items():
            with self.subTest(address=address), self.server.session() as wire:
                wire.auth_plain(address, password + "x", 535)
                # No SCRAM keys can come from a one-way hash: once in the plain, then they can.
                if not address.startswith("plain"):
                    self.assertIn(self.scram(wire, address, password).code, (432, 535))
                wire.auth_plain(address, password)

    def test_an_import_is_all_or_nothing(self):
        file = self.server.dir / "bad.client"
        file.write_text("good@postern.test:{PLAIN}long enough secret\nno-address-here\nbad@postern.test:{ROT13}x\n")
        done = self.server.cli("account", "import", file)
        self.assertIn(done.returncode, (1, 2))
        self.assertIn("2", done.stderr)
        self.assertIn("3", done.stderr)
        self.assertNotEqual(self.server.cli("account", "show", "good@postern.test").returncode, 0)

    def test_oversize_message(self):
        with self.server.session(login=ALICE) as wire:
            wire.mail(ALICE, BOB)
            wire.data(message(ALICE, BOB, "too big", "x" * 76 + "\n" + ("y" * 76 + "\n") * 15000), 552)
            self.assertFalse([m for m in self.server.mailbox(BOB) if b"too big" in m])
            word = self.send(wire, ALICE, BOB)  # the session goes on
        self.server.wait_mail(BOB, word)

    def test_explain_says_what_the_server_does(self):
        cases = [
            (["--to", OUTSIDE, "--client", "192.0.2.7", "--listener", str(self.server.mx)], "refuse", 550),
            (["--to", BOB, "--client", "192.0.2.7", "--listener", str(self.server.mx)], "accept", None),
            (["--to", "nobody@postern.test", "--listener", str(self.server.mx)], "refuse", 550),
            (["--from", ALICE, "--to", OUTSIDE, "--as", ALICE, "--listener", str(self.server.submission)], "accept", None),
            (["--from", BOB, "--to", OUTSIDE, "--as", ALICE, "--listener", str(self.server.submission)], "refuse", 550),
            (["--from", ALICE, "--to", OUTSIDE, "--listener", str(self.server.submission)], "refuse", 530),
        ]
        for arguments, verdict, code in cases:
            with self.subTest(arguments=arguments):
                done = self.server.cli("explain", *arguments, "--json")
                said = json.loads(done.stdout)
                self.assertEqual(said["verdict"], verdict, said)
                self.assertEqual(done.returncode, 0 if verdict == "accept" else 1)
                if code:
                    self.assertEqual(said["reply"]["code"], code, said)
                    self.assertTrue(said["flip"], "the smallest change that would turn it")
                self.assertTrue(said["rule"])

    def test_the_queue_and_its_commands(self):
        word = token()
        self.sink.answers["RCPT later@remote.test"] = "451 4.3.0 Not now"
        with self.server.session(login=ALICE) as wire:
            self.send(wire, ALICE, "later@remote.test", word)
        from harness import wait_for

        def waiting():
            rows = json.loads(self.server.cli("queue", "list", "--json", check=True).stdout)
            rows = rows if isinstance(rows, list) else rows["queue"]
            return [r for r in rows if any(p["forward_path"] == "later@remote.test" and p["attempts"] >= 1
                                           for p in r["recipients"])]
        row = wait_for(waiting, "the message in the queue, after an attempt")[0]
        for key in ("queue_id", "reverse_path", "size", "accepted_at"):
            self.assertIn(key, row)
        self.assertIn("451 4.3.0 Not now", json.dumps(row["recipients"]))
        self.assertIn("Not now", self.server.cli("why", row["queue_id"], check=True).stdout)
        self.server.cli("queue", "hold", row["queue_id"], check=True)
        del self.sink.answers["RCPT later@remote.test"]
        self.server.cli("queue", "release", row["queue_id"], check=True)
        self.server.cli("queue", "retry", row["queue_id"])
        self.sink.wait(word)


class Networks(unittest.TestCase):
    def test_networks_that_may(self):
        with Sink() as sink, Postern({
                "relay": {"networks": ["127.0.0.2/32", "127.0.0.4"], "local_without_auth": False},
                "auth": {"plaintext_networks": ["127.0.0.3", "127.0.0.4"]},
                "delivery": {"smart_host": f"{HOST}:{sink.port}"}}, accounts=(ALICE, BOB, CAROL)) as server:
            # A listed printer, on the port with STARTTLS, with TLS from the start, and in the clear.
            for port, source, tls in ((server.submission, "127.0.0.2", "starttls"), (server.submissions, "127.0.0.2", True),
                                      (server.mx, "127.0.0.2", False), (server.submission, "127.0.0.4", False)):
                with self.subTest(port=port, source=source), \
                        Wire(port, source=(source, 0), tls=tls is True) as wire:
                    wire.expect(220)
                    wire.ehlo()
                    if tls == "starttls":
                        wire.say("STARTTLS", 220)
                        wire.start_tls()
                        wire.ehlo()
                    wire.mail("printer@postern.test", OUTSIDE)
                    word = token()
                    wire.data(message("printer@postern.test", OUTSIDE, word))
                    sink.wait(word)
            # What a device leaves out is added for it, too.
            with Wire(server.submission, source=("127.0.0.4", 0)) as wire:
                wire.expect(220)
                wire.ehlo()
                wire.mail("printer@postern.test", OUTSIDE)
                word = token()
                wire.data(f"Subject: {word}\n\nToner is low.\n")
                self.assertIn(b"\r\nFrom: <printer@postern.test>\r\n", sink.wait(word)["content"])
            with Wire(server.submission, source=("127.0.0.3", 0)) as wire:
                wire.expect(220)
                self.assertIn("PLAIN", wire.ehlo()["AUTH"])
                wire.auth_plain(ALICE, PASSWORDS[ALICE])
                wire.say(f"MAIL FROM:<{ALICE}>", 250)
            with Wire(server.submission) as wire:
                wire.expect(220)
                self.assertNotIn("AUTH", wire.ehlo())
                wire.auth_plain(ALICE, PASSWORDS[ALICE], 538, "5.7.11")
            with server.session(server.mx, tls=False) as wire:
                reply = wire.say("MAIL FROM:<stranger@remote.test>")
                if reply.code == 250:
                    reply = wire.say(f"RCPT TO:<{BOB}>")
                self.assertEqual((reply.code, reply.status), (530, "5.7.0"))


class Logs(unittest.TestCase):
    def test_json_lines(self):
        """One object a line, no key twice, an id and a rule for every refusal."""
        def no_key_twice(pairs):
            self.assertEqual(len({k for k, _ in pairs}), len(pairs), pairs)
            return dict(pairs)
        with Postern({"log": {"format": "json"}, "auth": {"failure_delay": "20 ms"}}) as server:
            with server.session() as wire:
                wire.say("AUTH FOO", 504)
                wire.auth_plain(ALICE, "wrong", 535)
                wire.auth_plain(ALICE, PASSWORDS[ALICE])
                wire.say(f"MAIL FROM:<{BOB}>", 550)
                wire.say("MAIL FROM:<a b>", None)
                wire.say("FROB \\ \"", 500)
                wire.mail(ALICE, BOB)
                word = token()
                wire.data(message(ALICE, BOB, word))
            with server.session(server.mx, tls=False) as wire:
                wire.say("MAIL FROM:<stranger@remote.test>", 250)
                wire.say(f"RCPT TO:<{OUTSIDE}>", 550)
            server.wait_mail(BOB, word)
            server.wait_log("delivered")
            lines = [json.loads(line, object_pairs_hook=no_key_twice) for line in server.log().splitlines()]
        events = [line["event"] for line in lines]
        for event in ("started", "login", "refused", "accepted", "delivered", "session"):
            self.assertIn(event, events)
        for line in lines:
            self.assertIn("time", line)
            if line["event"] == "refused":
                self.assertIn("rule", line)
                self.assertIn("session", line)


if __name__ == "__main__":
    unittest.main()
