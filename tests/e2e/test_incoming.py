"""Strangers' mail: SPF, DKIM and DMARC with a name server of the test's own, forwards and SRS.

Their domains end in `.example`: libunbound knows without asking that there is no `.test`."""
import base64
import json
import re
import select
import signal
import struct
import tomllib
import unittest

from harness import ALICE, BOB, HOST, NAME, PASSWORDS, PROGRAM, ROOT, Postern, Sink, Wire, message, need, run, token, wait_for
from milters import OpenDkim, Rspamd
from name_server import NameServer

PAGE = (ROOT / "docs" / "incoming.md").read_text()
FRIEND = "friend@remote.example"
GOOD, BAD = "192.0.2.7", "198.51.100.9"


class Zone(NameServer):
    """TXT records, addresses and mail exchangers; names in `broken` get a server failure, those in `silent` nothing."""

    def __init__(self, texts=None):
        self.addresses, self.exchangers, self.names, self.broken, self.silent = {}, {}, {}, set(), set()
        super().__init__(texts)

    def _answer(self, question):
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]])
            at += question[at] + 1
        name = b".".join(labels).decode().lower()
        kind = struct.unpack(">H", question[at + 1:at + 3])[0]
        end = at + 5

        def answer(records, flags=0x8580):
            rows = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 0, len(r)) + r for r in records)
            return question[:2] + struct.pack(">HHHHH", flags, 1, len(records), 0, 0) + question[12:end] + rows
        if any(name == s or name.endswith("." + s) for s in self.silent):
            self.asked.append((name, kind))
            return None
        if any(name == b or name.endswith("." + b) for b in self.broken):
            return answer([], 0x8582)
        if kind == 1 and name in self.addresses:
            return answer([bytes(int(p) for p in a.split(".")) for a in self.addresses[name]])
        def encoded(host):
            return b"".join(bytes([len(l)]) + l.encode() for l in host.split(".")) + b"\0"
        if kind == 15 and name in self.exchangers:
            return answer([struct.pack(">H", 10) + encoded(host) for host in self.exchangers[name]])
        if kind == 12 and name in self.names:
            return answer([encoded(self.names[name])])
        if kind != 16 and (name in self.addresses or name in self.exchangers):
            return answer([])
        return super()._answer(question)


class Incoming(unittest.TestCase):
    def serve(self, accounts=(BOB,), **config):
        self.zone = Zone({"remote.example": [f"v=spf1 ip4:{GOOD} -all"], "_dmarc.remote.example": ["v=DMARC1; p=reject"],
                          "quiet.example": ["v=spf1 a mx:mx.quiet.example include:remote.example ~all"],
                          "_dmarc.quiet.example": ["v=DMARC1; p=quarantine"], "plain.example": ["nothing to see"]})
        self.zone.addresses = {"quiet.example": ["192.0.2.50"], "mail.quiet.example": ["192.0.2.51"]}
        self.zone.exchangers = {"mx.quiet.example": ["mail.quiet.example"]}
        # Not of a network for documentation: libunbound knows that these have no names.
        self.zone.texts["old.example"] = ["v=spf1 ptr -all"]
        self.zone.addresses["host.old.example"] = ["11.0.0.7"]
        self.zone.names = {"7.0.0.11.in-addr.arpa": "host.old.example", "8.0.0.11.in-addr.arpa": "host.old.example"}
        self.addCleanup(self.zone.close)
        server = Postern({"dns": {"servers": [self.zone.address]}, **config}, accounts=accounts, start=False)
        self.addCleanup(server.__exit__, None, None, None)
        server.config["listener"][2]["proxy_networks"] = [HOST]
        server.write_config()
        server.start()
        self.server = server
        return server

    def wire(self, client, server=None):
        """Past EHLO, as somebody at that address."""
        wire = Wire((server or self.server).mx)
        wire.send(f"PROXY TCP4 {client} 203.0.113.1 4711 25\r\n")
        wire.expect(220)
        wire.ehlo("mx.remote.example")
        return wire

    def send(self, content, sender=FRIEND, client=BAD, to=BOB, code=250, status=None):
        with self.wire(client) as wire:
            wire.mail(sender, to)
            return wire.data(content, code, status)

    def results(self, word, to=BOB):
        """The Authentication-Results field on top, on one line."""
        mail = self.server.wait_mail(to, word)
        found = re.findall(rb"(?m)^Authentication-Results: ((?:.*\n[ \t])*.*)", mail)
        self.assertEqual(len(found), 1, mail)
        head = mail.split(b"\nReceived: ", 1)[0]
        self.assertIn(b"Authentication-Results", head)
        return re.sub(r"\s+", " ", found[0].decode())


class Checks(Incoming):
    def test_spf_and_dmarc(self):
        self.serve()
        cases = (
            # client, sender, author, code, results
            (GOOD, FRIEND, FRIEND, 250, "spf=pass smtp.mailfrom=remote.example; dkim=none; dmarc=pass (p=reject)"),
            (GOOD, "x@sub.remote.example", "x@sub.remote.example", 550, None),
            (BAD, FRIEND, FRIEND, 550, None),
            (BAD, "x@plain.example", FRIEND, 550, None),
            (GOOD, FRIEND, "x@sub.remote.example", 250, "spf=pass smtp.mailfrom=remote.example; dkim=none; dmarc=pass"),
            (BAD, "x@quiet.example", "x@quiet.example", 250, "spf=softfail smtp.mailfrom=quiet.example; dkim=none; dmarc=fail"),
            (GOOD, "x@quiet.example", "x@quiet.example", 250, "spf=pass smtp.mailfrom=quiet.example; dkim=none; dmarc=pass"),
            ("192.0.2.50", "x@quiet.example", "x@quiet.example", 250, "spf=pass"),
            ("192.0.2.51", "x@quiet.example", "x@quiet.example", 250, "spf=pass"),
            ("11.0.0.7", "x@old.example", "x@old.example", 250, "spf=pass"),
            ("11.0.0.8", "x@old.example", "x@old.example", 250, "spf=fail"),
            (BAD, "x@plain.example", "x@plain.example", 250, "spf=none smtp.mailfrom=plain.example; dkim=none; dmarc=none "
                                                       "header.from=plain.example"),
            (BAD, "", "x@plain.example", 250, "spf=none smtp.helo=mx.remote.example; dkim=none; dmarc=none"),
        )
        for client, sender, author, code, results in cases:
            with self.subTest((client, sender, author)):
                word = token()
                said = self.send(message(author, BOB, word), sender, client, code=code)
                if results is None:
                    self.assertIn("DMARC", said.text)
                    continue
                self.assertTrue(self.results(word).startswith(f"{NAME}; {results}"), self.results(word))
                marked = b"\nX-Spam-Flag: YES\n" in self.server.wait_mail(BOB, word)
                self.assertEqual(marked, "dmarc=fail" in results)
        self.server.wait_log(r"refused .*rule=dmarc-reject .*spf=fail:remote.example")
        self.server.wait_log(r'accepted .*authenticity="spf=pass dkim=none dmarc=pass"')

    def test_dkim_of_others(self):
        need("opendkim", "opendkim-genkey")
        self.serve()
        # Signed by Postern itself, at another place.
        sink = Sink()
        self.addCleanup(sink.close)
        other = Postern({"domains": {"local": ["remote.example"]}, "delivery": {"smart_host": f"{HOST}:{sink.port}"},
                         "hostname": "mail.remote.example", "dns": {"servers": [self.zone.address]}}, accounts=())
        self.addCleanup(other.__exit__, None, None, None)
        other.add_account(FRIEND, "a long pass word")
        keys = json.loads(other.cli("dkim", "create", "remote.example", "--json", check=True).stdout)
        self.zone.texts.update({k["name"]: [k["value"]] for k in keys})
        # The server looks for the records by itself, and may have been quicker.
        other.cli("dkim", "activate", "remote.example")
        listed = json.loads(other.cli("dkim", "list", "--json", check=True).stdout)
        self.assertEqual([k["state"] for k in listed], ["active", "active"])
        word = token()
        with other.session(login=FRIEND) as wire:
            wire.mail(FRIEND, BOB)
            wire.data(message(FRIEND, BOB, word, "line\n" * 40_000))
        content = sink.wait(word)["content"]
        self.send(content)
        results = self.results(word)
        self.assertEqual(results.count("dkim=pass"), 2, results)
        self.assertIn("spf=fail", results)
        self.assertIn("dmarc=pass (p=reject) header.from=remote.example", results)
        self.assertIn("header.a=ed25519-sha256", results)
        # Changed on the way: then nothing proves it.
        self.assertIn("DMARC", self.send(content.replace(b"line\r\nline", b"lime\r\nline", 1), code=550).text)
        # By OpenDKIM, with the key of a domain without a policy.
        milter = OpenDkim("plain.example", HOST)
        self.addCleanup(milter.close)
        self.zone.texts["milter._domainkey.plain.example"] = [milter.record]
        other.config["milter"] = [{"name": "opendkim", "address": milter.address}]
        other.write_config()
        other.signal(signal.SIGHUP)
        other.wait_log("reloaded")
        word = token()
        with other.session(port=other.mx, tls=False) as wire:
            wire.mail("x@plain.example", FRIEND)
            wire.data(message("x@plain.example", FRIEND, word))
        signed = other.wait_mail(FRIEND, word)
        self.assertIn(b"DKIM-Signature", signed)
        body = signed[signed.index(b"DKIM-Signature"):]
        self.send(body, "x@plain.example")
        self.assertIn("dkim=pass header.d=plain.example header.s=milter header.a=rsa-sha256", self.results(word))

    def test_forged_results_are_taken_out(self):
        self.serve((ALICE, BOB))
        forged = (f"Authentication-Results: {NAME}; spf=pass\nAuthentication-Results: (x) \"{NAME.upper()}\" 1;\n dkim=pass\n"
                  "Authentication-Results: mail.other.test; spf=pass\n")
        word = token()
        self.send(message(FRIEND, BOB, word, extra=forged), client=GOOD)
        mail = self.server.wait_mail(BOB, word)
        found = re.findall(rb"(?m)^Authentication-Results: (\S+)", mail)
        self.assertEqual(found, [f"{NAME};".encode(), b"mail.other.test;"])
        # Of people who log in, too.
        word = token()
        with self.server.session(login=ALICE) as wire:
            wire.mail(ALICE, BOB)
            wire.data(message(ALICE, BOB, word, extra=forged))
        self.assertEqual(re.findall(rb"(?m)^Authentication-Results: (\S+)", self.server.wait_mail(BOB, word)),
                         [b"mail.other.test;"])

    def test_a_stranger_with_a_local_sender(self):
        ann = "ann@ours.example"
        self.serve(domains={"local": ["postern.test", "ours.example"]})
        self.zone.texts["ours.example"] = [f"v=spf1 ip4:{GOOD} -all"]
        said = self.send(message(ann, BOB, token()), ann, code=550, status="5.7.1")
        self.assertIn("log in", said.text)
        self.send(message(ann, BOB, token()), "x@plain.example", code=550, status="5.7.1")
        word = token()
        self.send(message(ann, BOB, word), ann, GOOD)
        self.assertIn("spf=pass", self.results(word))
        self.server.change("mx", local_senders="accept")
        self.server.signal(signal.SIGHUP)
        self.server.wait_log("reloaded")
        self.send(message(ann, BOB, token()), ann, BAD)

    def test_a_dns_that_does_not_answer(self):
        self.serve()
        self.zone.broken = {"_dmarc.remote.example"}
        said = self.send(message(FRIEND, BOB, token()), code=451, status="4.4.3")
        self.assertIn("remote.example", said.text)
        self.server.wait_log(r"rule=authentication-unknown .*unknown=_dmarc\.remote\.example")
        # Where SPF passes, nothing depends on it.
        word = token()
        self.send(message(FRIEND, BOB, word), client=GOOD)
        self.assertIn("dmarc=temperror", self.results(word))
        self.zone.broken = {"quiet.example"}
        self.send(message("x@quiet.example", BOB, token()), "x@quiet.example", code=451, status="4.4.3")
        self.server.change("mx", dns_failure="accept")
        self.server.signal(signal.SIGHUP)
        self.server.wait_log("reloaded")
        word = token()
        self.send(message(FRIEND, BOB, word))
        self.assertIn("dmarc=temperror", self.results(word))

    def test_what_is_unknown_of_others_helps_nobody(self):
        self.serve()
        self.zone.broken = {"slow.example"}
        field = "DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d={}; s={}; h=from; bh=eA==; b=eA==\n"
        # A key of another domain that can't be had, and a selector that nobody can have.
        unknown = field.format("slow.example", "s") + field.format("remote.example", "x" * 70)
        for action in ("defer", "accept"):
            said = self.send(message(FRIEND, BOB, token(), extra=unknown), "x@slow.example", code=550, status="5.7.1")
            self.assertIn("DMARC", said.text)
            self.server.change("mx", dns_failure="accept")
            self.server.signal(signal.SIGHUP)
            self.server.wait_log("reloaded")
        self.send(message(BOB, BOB, token(), extra=unknown), "x@slow.example", code=550, status="5.7.1")

    def test_slow_domains_of_one_network_do_not_stop_the_others(self):
        self.serve(mx={"check_threads": 4})
        self.zone.silent = {"slow.example"}
        slow = []
        for last in range(6):
            wire = self.wire(f"198.51.100.{last + 1}")
            self.addCleanup(wire.close)
            wire.mail("x@slow.example", BOB)
            wire.say("DATA", 354)
            wire.send(message("x@slow.example", BOB, token()).replace("\n", "\r\n") + "\r\n.\r\n")
            slow.append(wire)
        wait_for(lambda: any(name == "slow.example" for name, _ in self.zone.asked), "a check that waits")
        self.send(message(FRIEND, BOB, token()), client=GOOD)
        self.assertEqual(select.select([wire.socket for wire in slow], [], [], 0)[0], [])

    def test_domains_that_are_not_there_and_records_on_trial(self):
        self.serve()
        self.zone.texts.update({"_dmarc.np.example": ["v=DMARC1; p=none; np=reject"],
                                "_dmarc.trial.example": ["v=DMARC1; p=reject; t=y"]})
        self.zone.addresses["there.np.example"] = ["192.0.2.60"]
        for author, code in (("x@np.example", 250), ("x@there.np.example", 250), ("x@gone.np.example", 550)):
            self.send(message(author, BOB, token()), "x@plain.example", code=code)
        word = token()
        self.send(message("x@trial.example", BOB, word), "x@plain.example")
        self.assertIn("dmarc=fail (p=quarantine)", self.results(word))

    def test_other_actions(self):
        self.serve(mx={"dmarc_reject": "hold", "dmarc_quarantine": "refuse"})
        self.send(message("x@quiet.example", BOB, token()), "x@quiet.example", code=550)
        word = token()
        said = self.send(message(FRIEND, BOB, word))
        queue_id = re.search(r"Q\w{12}", said.text).group(0)
        self.server.wait_log(rf"held queue_id={queue_id} .*rule=dmarc-held")
        self.server.cli("queue", "release", queue_id, check=True)
        self.assertIn("dmarc=fail (p=reject)", self.results(word))
        for odd in ("nobody at all", f"{FRIEND}, <{FRIEND}> extra"):
            self.send(f"From: {odd}\nSubject: x\n\nx\n", client=GOOD, code=550)

    def test_rspamd_in_their_place(self):
        need("rspamd")
        rspamd = Rspamd()
        self.addCleanup(rspamd.close)
        self.serve(mx={"checks": False}, milter=[{"name": "rspamd", "address": rspamd.address}])
        word = token()
        self.send(message(FRIEND, BOB, word))
        self.assertNotIn(b"Authentication-Results", self.server.wait_mail(BOB, word))
        self.assertEqual(self.zone.asked, [])

    def test_tarpit(self):
        self.serve(mx={"tarpit_after": 2, "tarpit_delay": "300ms"})
        with self.wire(BAD) as wire:
            wire.say("MAIL FROM:<>", 250)
            for i in range(4):
                wire.say(f"RCPT TO:<guess{i}@postern.test>", 550)
            wire.say(f"RCPT TO:<{BOB}>", 250)
        self.server.wait_log(r"tarpit session=\S+ client=198\.51\.100\.9")
        self.assertEqual(self.server.log().count(" tarpit "), 1)


class Forwards(Incoming):
    def forward(self, *arguments, server=None, status=0):
        done = (server or self.server).cli("forward", *arguments, "--json")
        self.assertEqual(done.returncode, status, done.stderr)
        return json.loads(done.stdout) if done.stdout else done.stderr

    def test_there_and_back(self):
        """Postern A forwards to Postern B; B's bounce comes back to A, and goes to the sender."""
        there = Postern({"domains": {"local": ["there.test"]}, "hostname": "mail.there.test"}, accounts=())
        self.addCleanup(there.__exit__, None, None, None)
        there.add_account("anna@there.test", "a long pass word")
        sink = Sink({"RCPT gone@there.test": "550 5.1.1 No such user"})
        self.addCleanup(sink.close)
        self.serve((ALICE, BOB), delivery={"smart_host": f"{HOST}:{there.mx}"})
        self.forward("add", "office@postern.test", "anna@there.test")
        self.forward("add", "office@postern.test", BOB)
        self.forward("add", ALICE, "anna@there.test", "--keep")
        word = token()
        self.send(message(FRIEND, "office@postern.test", word), client=GOOD, to="office@postern.test")
        mail = there.wait_mail("anna@there.test", word)
        sender = re.search(rb"(?m)^Return-Path: <(.*)>$", mail).group(1).decode()
        self.assertRegex(sender, rf"^SRS0=[a-z2-7]{{6}}=[a-z2-7]{{2}}=remote\.example=friend@{re.escape(NAME)}$")
        self.assertIn(b"\nDelivered-To: office@postern.test\n", mail)
        # Who stays here keeps the sender.
        self.assertIn(b"Return-Path: <friend@remote.example>", self.server.wait_mail(BOB, word))
        # A copy stays, and our own people's addresses are left alone.
        word = token()
        with self.server.session(login=BOB) as wire:
            wire.mail(BOB, ALICE)
            wire.data(message(BOB, ALICE, word))
        self.server.wait_mail(ALICE, word)
        self.assertIn(f"Return-Path: <{BOB}>".encode(), there.wait_mail("anna@there.test", word))

        # The way back: a bounce from outside, then what else is tried with such an address.
        self.server.config["delivery"]["smart_host"] = f"{HOST}:{sink.port}"
        self.server.write_config()
        self.server.signal(signal.SIGHUP)
        self.server.wait_log("reloaded")
        word = token()
        self.send(message("MAILER-DAEMON@plain.example", sender, word), sender="", client=BAD, to=sender)
        bounce = sink.wait(word)
        self.assertEqual((bounce["sender"], bounce["recipients"]), ("", [FRIEND]))
        with self.wire(BAD) as wire:
            wire.say(f"MAIL FROM:<{FRIEND}>", 250)
            self.assertIn("bounces", wire.say(f"RCPT TO:<{sender}>", 550, "5.7.1").text)
            wire.say("RSET", 250)
            wire.say("MAIL FROM:<>", 250)
            forged = sender.replace("remote.example", "other.test")
            self.assertIn("not made by this server", wire.say(f"RCPT TO:<{forged}>", 550, "5.7.1").text)
        # The next server refuses at once: our own report takes the same way.
        self.forward("add", "lost@postern.test", "gone@there.test")
        word = token()
        self.send(message(FRIEND, "lost@postern.test", word), client=GOOD, to="lost@postern.test")
        report = sink.wait("gone@there.test")
        self.assertEqual((report["sender"], report["recipients"]), ("", [FRIEND]))
        self.assertIn(b"No such user", report["content"])

    def test_a_circle_is_noticed(self):
        sink = Sink()
        self.addCleanup(sink.close)
        self.serve(delivery={"smart_host": f"{HOST}:{sink.port}"})
        self.forward("add", "one@postern.test", "far@there.test")
        self.forward("add", "two@postern.test", "one@postern.test")
        self.forward("add", "far@postern.test", "two@postern.test")
        word = token()
        self.send(message(FRIEND, "one@postern.test", word), client=GOOD, to="one@postern.test")
        out = sink.wait(word)["content"]
        self.assertEqual(sink.messages[0]["recipients"], ["far@there.test"])
        # It comes back, as another server would send it on: a report of ours would go to whom a stranger likes.
        for to in ("one@postern.test", "far@postern.test"):
            self.send(out, client=GOOD, to=to, code=554, status="5.4.6")
        self.send(message(FRIEND, BOB, token(), extra="Delivered-To: one@postern.test\n"), client=GOOD)
        # Of our own people we know who they are.
        with self.server.session(login=BOB) as wire:
            wire.mail(BOB, "far@postern.test")
            wire.data(message(BOB, "far@postern.test", token(), extra="Delivered-To: One@postern.test\n"))
        self.server.wait_log(r"bounced .*rule=forward-loop")
        self.server.wait_mail(BOB, "Status: 5.4.6")
        self.assertEqual(len(sink.messages), 1)
        wait_for(lambda: json.loads(self.server.cli("queue", "list", "--json", check=True).stdout) == [],
                 "the queue to be empty")

    def test_what_can_not_be_forwarded(self):
        self.serve()
        self.assertIn("not a local domain", self.forward("add", FRIEND, BOB, status=2))
        self.assertIn("itself", self.forward("add", BOB, BOB, status=2))
        self.assertIn("no mailbox here", self.forward("add", BOB, "nobody@postern.test", status=2))
        self.assertIn("no mailbox to keep", self.forward("add", "nobody@postern.test", FRIEND, "--keep", status=2))
        self.assertIn("is not forwarded", self.forward("remove", BOB, status=2))
        self.server.stop()
        self.forward("add", BOB, FRIEND, "--keep")
        self.assertEqual(self.forward("list"), [{"address": BOB, "keep": True, "targets": [FRIEND]}])
        self.server.start()
        self.assertEqual(self.forward("remove", BOB, FRIEND), {"address": BOB, "removed": True})


class Manual(Incoming):
    def test_every_configuration_and_command_of_the_manual(self):
        self.serve(domains={"local": ["postern.test", "example.com"]})
        self.server.add_account("anna@example.com", "a long pass word")
        for block in re.findall(r"(?ms)^```toml\n(.*?)^```", PAGE):
            with self.subTest(block):
                (self.server.dir / "one.toml").write_text('user = ""\n' + block)
                done = run(PROGRAM, "--config", self.server.dir / "one.toml", "config", "check")
                self.assertEqual(done.returncode, 0, done.stderr)
        for block in re.findall(r"(?ms)^```sh\n(.*?)^```", PAGE):
            for line in block.splitlines():
                self.server.cli(*line.split()[1:], check=True)


if __name__ == "__main__":
    unittest.main()
