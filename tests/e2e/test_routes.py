"""[[route]]: by recipient, sender and account, to each kind of place; docs/routes.md has the examples."""
import json
import re
import tomllib
import unittest

from harness import ALICE, BOB, HOST, ROOT, Postern, Sink, message, token, wait_for

EXAMPLES = [tomllib.loads(text) for text in
            re.findall(r"(?ms)^```toml\n(.*?)^```", (ROOT / "docs" / "routes.md").read_text())]


class Routes(unittest.TestCase):
    def serve(self, config, **more):
        server = Postern(config, **more)
        self.addCleanup(server.__exit__, None, None, None)
        return server

    def send(self, server, *to, sender=ALICE, login=None, reverse=None):
        word = token()
        with server.session(login=login or sender) as wire:
            wire.mail(sender if reverse is None else reverse, *to)
            wire.data(message(sender, to[0], word))
        return word

    def test_by_recipient_sender_and_account(self):
        with Sink() as usual, Sink() as partner, Sink() as news:
            rows = [{**EXAMPLES[0]["route"][0], "to": f"smtp:{HOST}:{partner.port}"},
                    {**EXAMPLES[1]["route"][0], "accounts": [BOB], "to": f"smtp:{HOST}:{news.port}"},
                    {"senders": ["<>"], "to": f"smtp:{HOST}:{news.port}"},
                    {"recipients": ["ann@single.example"], "to": f"smtp:{HOST}:{partner.port}"}]
            server = self.serve({"route": rows, "delivery": {"smart_host": f"{HOST}:{usual.port}"}})
            cases = ((partner, "a@partner.example", {}), (partner, "a@b.partner.example", {}), (usual, "a@xpartner.example", {}),
                     (news, "a@other.example", {"sender": BOB}), (partner, "a@partner.example", {"sender": BOB}),
                     (news, "a@other.example", {"reverse": ""}), (partner, "ann@single.example", {}),
                     (usual, "bob@single.example", {}))
            for sink, to, how in cases:
                with self.subTest(to=to, **how):
                    self.assertEqual(sink.wait(self.send(server, to, **how))["recipients"], [to])
            # One message, three ways; local mail is not touched by routes for what leaves.
            word = self.send(server, "a@partner.example", "a@other.example", BOB)
            self.assertEqual(partner.wait(word)["recipients"], ["a@partner.example"])
            self.assertEqual(usual.wait(word)["recipients"], ["a@other.example"])
            server.wait_mail(BOB, word)

            def hop(*words):
                done = server.cli("explain", "--json", *words, check=True)
                return json.loads(done.stdout)["facts"]["next_hop"]
            self.assertEqual(hop("--as", ALICE, "--to", "a@partner.example"), f"smtp:{HOST}:{partner.port} (route 1)")
            self.assertEqual(hop("--as", BOB, "--to", "a@other.example"), f"smtp:{HOST}:{news.port} (route 2)")
            self.assertEqual(hop("--as", ALICE, "--to", "a@other.example"), f"smtp:{HOST}:{usual.port} (delivery.smart_host)")
            self.assertIn("(delivery.local)", hop("--as", ALICE, "--to", BOB))

    def test_places_of_local_domains(self):
        with Sink() as mailboxes:
            rows = [{**EXAMPLES[2]["route"][1], "recipients": ["archive.test"]},
                    {"recipients": ["sales.test"], "to": f"smtp:{HOST}:{mailboxes.port}"}]
            server = self.serve({"domains": {"local": ["postern.test", "archive.test", "sales.test"]}}, start=False)
            rows[0]["to"] = f"maildir:{server.dir}/mail/archive/%n"
            server.config["route"] = rows
            server.write_config()
            for address in ("carol@archive.test", "dan@sales.test"):
                server.add_account(address, "a password of theirs")
            server.start()
            word = self.send(server, "carol@archive.test", "dan@sales.test", BOB)
            self.assertEqual(mailboxes.wait(word)["recipients"], ["dan@sales.test"])
            server.wait_mail(BOB, word)
            new = server.dir / "mail" / "archive" / "carol" / "new"
            wait_for(lambda: new.is_dir() and [p for p in new.iterdir() if word.encode() in p.read_bytes()], "the archive")
            # Nobody there: refused as everywhere.
            with server.session(login=ALICE) as wire:
                wire.say(f"MAIL FROM:<{ALICE}>", 250)
                wire.say("RCPT TO:<nobody@archive.test>", 550, "5.1.1")

    def test_refuse(self):
        own = EXAMPLES[3]["route"]
        rows = [{**own[1], "senders": [BOB]}, {"recipients": ["never.example"], "to": "refuse"}]
        with Sink() as sink:
            server = self.serve({"route": rows, "delivery": {"smart_host": f"{HOST}:{sink.port}"}})
            with server.session(login=BOB) as wire:
                wire.say(f"MAIL FROM:<{BOB}>", 250)
                reply = wire.say("RCPT TO:<a@other.example>", 550, "5.7.1")
                self.assertIn(own[1]["text"], reply.text)
                wire.say(f"RCPT TO:<{ALICE}>", 250)
            with server.session(login=ALICE) as wire:
                wire.say(f"MAIL FROM:<{ALICE}>", 250)
                self.assertIn("never.example is not allowed", wire.say("RCPT TO:<a@never.example>", 550, "5.7.1").text)
                wire.say("RCPT TO:<a@other.example>", 250)
            told = json.loads(server.cli("explain", "--json", "--as", ALICE, "--to", "a@never.example").stdout)
            self.assertEqual((told["verdict"], told["rule"]), ("refuse", "route-refused"))
            self.assertIn("route 2", told["flip"])
            server.wait_log(r"route-refused")

    def test_a_new_refusal_holds_for_what_waits_already(self):
        with Sink({"MAIL": "450 4.2.0 later"}) as sink:
            server = self.serve({"delivery": {"smart_host": f"{HOST}:{sink.port}"}})
            self.send(server, "a@never.example")
            wait_for(lambda: json.loads(server.cli("queue", "list", "--json").stdout)[0]["recipients"][0]["attempts"], "an attempt")
            server.config["route"] = [{"recipients": ["never.example"], "to": "refuse", "text": "Not any more"}]
            server.write_config()
            server.signal(1)
            server.wait_log(r"\breloaded\b")
            server.cli("queue", "retry", "--all", check=True)
            self.assertIn("Not any more", server.wait_mail(ALICE, "multipart/report").decode())

    def test_hold(self):
        with Sink() as sink:
            server = self.serve({"route": [EXAMPLES[3]["route"][2]], "delivery": {"smart_host": f"{HOST}:{sink.port}"}})
            word = self.send(server, "a@press.example")
            free = self.send(server, "a@other.example")
            sink.wait(free)
            server.wait_log(r"\bheld\b.*route-held")
            waiting, = json.loads(server.cli("queue", "list", "--json", check=True).stdout)
            self.assertTrue(waiting["held"])
            self.assertFalse([m for m in sink.messages if word.encode() in m["content"]])
            server.cli("queue", "release", waiting["queue_id"], check=True)
            sink.wait(word)


if __name__ == "__main__":
    unittest.main()
