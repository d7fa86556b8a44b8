"""Milters: rspamd and OpenDKIM as they are, and one that does what none of them would."""
import base64
import json
import pathlib
import re
import signal
import struct
import tomllib
import unittest

from harness import ALICE, BOB, HOST, PROGRAM, ROOT, Postern, Sink, free_ports, message, need, run, token, wait_for
from milters import ClamAv, OpenDkim, Rspamd, Scripted, packet
from name_server import NameServer

HERE = pathlib.Path(__file__).resolve().parent
PAGE = (ROOT / "docs" / "milters.md").read_text()
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
MARKED = "YJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
STRANGER = "friend@remote.test"


def documented(name, address):
    """The manual's [[milter]] of that name, at the address where the test has it."""
    for block in re.findall(r"(?ms)^```toml\n(.*?)^```", PAGE):
        for row in tomllib.loads(block).get("milter", []):
            if row["name"] == name:
                return {**row, "address": address}
    raise AssertionError(name)


class Milters(unittest.TestCase):
    def serve(self, *milters, **config):
        self.server = Postern({"milter": list(milters), **config})
        self.addCleanup(self.server.__exit__, None, None, None)
        return self.server

    def scripted(self, answers=None, flags=(6, 0x1ff, 0), **row):
        milter = Scripted(answers, flags)
        self.addCleanup(milter.close)
        return milter, {"name": "scripted", "address": milter.address, **row}

    def stranger(self, content, code=250, status=None, to=(BOB,)):
        with self.server.session(port=self.server.mx, tls=False) as wire:
            wire.mail(STRANGER, *to)
            return wire.data(content, code, status)

    def user(self, content, code=250, status=None, to=(BOB,)):
        with self.server.session(login=ALICE) as wire:
            wire.mail(ALICE, *to)
            return wire.data(content, code, status)


class RealMilters(Milters):
    def test_rspamd_refuses_marks_and_lets_pass(self):
        need("rspamd")
        rspamd = Rspamd()
        self.addCleanup(rspamd.close)
        self.serve(documented("rspamd", rspamd.address))
        said = self.stranger(message(STRANGER, BOB, token(), GTUBE + "\n"), 550, "5.7.1")
        self.assertIn("Gtube", said.text)
        self.server.wait_log(r"refused .*rule=milter-refused .*milter=rspamd")
        word = token()
        self.stranger(message(STRANGER, BOB, word, MARKED + "\n"))
        self.assertRegex(self.server.wait_mail(BOB, word), rb"(?mi)^X-Spam: yes")
        word = token()
        self.user(message(ALICE, BOB, word, "Hello.\n" + "y" * 300_000 + "\n"))
        self.assertNotIn(b"X-Spam", self.server.wait_mail(BOB, word))
        self.assertIn("milters=rspamd", self.server.log())

    def test_opendkim_signs_what_others_verify(self):
        need("opendkim", "opendkim-genkey")
        opendkim = OpenDkim()
        self.addCleanup(opendkim.close)
        sink = Sink()
        self.addCleanup(sink.close)
        self.serve(documented("opendkim", opendkim.address), delivery={"smart_host": f"{HOST}:{sink.port}"})
        for size in (10, 200_000):
            word = token()
            self.user(message(ALICE, STRANGER, word, "line\n" * (size // 5)), to=(STRANGER,))
            content = sink.wait(word)["content"]
            self.assertRegex(content.split(b"\r\n\r\n")[0], rb"(?m)^DKIM-Signature: .*d=postern\.test")
            asked = {"names": {"milter._domainkey.postern.test": opendkim.record},
                     "message": base64.b64encode(content).decode()}
            done = run("/usr/bin/python3", HERE / "dkim_verify.py", input=json.dumps(asked), check=True)
            self.assertEqual(json.loads(done.stdout), [True])
        # Strangers' mail is not of its role.
        word = token()
        self.stranger(message(STRANGER, BOB, word))
        self.assertNotIn(b"DKIM-Signature", self.server.wait_mail(BOB, word))

    def test_clamav_refuses_what_it_knows(self):
        need("clamd", "clamav-milter")
        virus = token()
        clamav = ClamAv(virus)
        self.addCleanup(clamav.close)
        self.serve(documented("clamav", clamav.address))
        attached = ('MIME-Version: 1.0\nContent-Type: application/octet-stream; name="x.bin"\n'
                    "Content-Transfer-Encoding: base64\n")
        body = base64.encodebytes(b"MZ\0" + virus.encode() + b"\0" * 200).decode()
        said = self.stranger(message(STRANGER, BOB, token(), body, attached), 550, "5.7.1")
        self.assertIn("Postern.Test.Signature", said.text)
        word = token()
        self.stranger(message(STRANGER, BOB, word))
        self.assertIn(b"\nX-Virus-Status: Clean\n", self.server.wait_mail(BOB, word))

    def test_postern_signs_after_milters(self):
        milter, row = self.scripted({b"E": packet(b"b", b"another body\n") + packet(b"h", b"X-Late\0yes\0") +
                                     packet(b"m", struct.pack(">I", 1) + b"Subject\0changed\0") + packet(b"c")})
        sink = Sink()
        self.addCleanup(sink.close)
        names = NameServer()
        self.addCleanup(names.close)
        self.serve(row, delivery={"smart_host": f"{HOST}:{sink.port}"}, dns={"servers": [names.address]})
        keys = json.loads(self.server.cli("dkim", "create", "postern.test", "--json", check=True).stdout)
        names.texts.update({k["name"]: [k["value"]] for k in keys})
        self.server.cli("dkim", "activate", "postern.test", check=True)
        word = token()
        self.user(message(ALICE, STRANGER, word, f"{word}\n", extra=f"X-Word: {word}\n"), to=(STRANGER,))
        content = sink.wait(word)["content"]
        self.assertTrue(content.endswith(b"\r\n\r\nanother body\r\n"), content)
        self.assertIn(b"Subject: changed\r\n", content)
        asked = {"names": {k["name"]: k["value"] for k in keys}, "message": base64.b64encode(content).decode()}
        done = run("/usr/bin/python3", HERE / "dkim_verify.py", input=json.dumps(asked), check=True)
        self.assertEqual(json.loads(done.stdout), [True, True])


class Failures(Milters):
    def test_a_dead_milter_by_each_action(self):
        dead = f"{HOST}:{free_ports(1)[0]}"
        server = self.serve({"name": "dead", "address": dead, "on_failure": "defer"})
        for action, code, status in (("defer", 451, "4.3.0"), ("refuse", 554, "5.3.0"), ("accept", 250, None)):
            with self.subTest(action):
                if action != "defer":
                    before = server.log().count("reloaded")
                    server.config["milter"][0]["on_failure"] = action
                    server.write_config()
                    server.signal(signal.SIGHUP)
                    wait_for(lambda: server.log().count("reloaded") > before, "the reload")
                word = token()
                self.user(message(ALICE, BOB, word), code, status)
                server.wait_log(rf"milter_failed .*milter=dead .*action={action}")
                if action == "accept":
                    server.wait_mail(BOB, word)

    def test_milters_that_hang_break_off_or_talk_nonsense(self):
        cases = {
            "hangs at the negotiation": {b"O": b""},
            "hangs at the end": {b"E": b""},
            "half an answer": {b"E": b"\0\0\0"},
            "breaks off at the sender": {b"M": None},
            "breaks off in the body": {b"B": None},
            "nonsense": {b"H": b"HTTP/1.1 400 Bad Request\r\n\r\n"},
            "a change too early": {b"L": packet(b"h", b"X\0y\0")},
            "a field that hides another": {b"E": packet(b"h", b"X\0y\nBcc: z\0") + packet(b"c")},
            "a body with a NUL": {b"E": packet(b"b", b"a\0b") + packet(b"c")},
            "a recipient that is none": {b"E": packet(b"+", b"two words\0") + packet(b"c")},
            "answers twice": {b"T": packet(b"c") * 2},
        }
        rows, milters = [], {}
        for name, answers in cases.items():
            milters[name], row = self.scripted(answers, timeout="300ms", on_failure="accept")
            rows.append({**row, "name": name.replace(" ", "-").lower()})
        self.serve(*rows)
        word = token()
        self.stranger(message(STRANGER, BOB, word, "Hello.\n"))
        mail = self.server.wait_mail(BOB, word)
        self.assertTrue(mail.endswith(b"\nHello.\n"), mail)
        for row in rows:
            self.server.wait_log(rf"milter_failed milter={row['name']} ")
        self.assertEqual(self.server.log().count("milter_failed"), len(rows))

    def test_more_mail_than_connections_waits_for_one(self):
        milter, row = self.scripted({b"E": b""}, connections=1, timeout="400ms", on_failure="accept")
        self.serve(row, threads=1)
        wires = []
        for _ in range(3):
            wire = self.server.session(port=self.server.mx, tls=False)
            self.addCleanup(wire.close)
            wire.mail(STRANGER, BOB)
            wire.say("DATA", 354)
            wire.send(message(STRANGER, BOB, token()).replace("\n", "\r\n") + "\r\n.\r\n")
            wires.append(wire)
        for wire in wires:
            wire.expect(250)
        self.assertEqual(self.server.log().count("milter_failed"), 3)


class Dialogue(Milters):
    def test_what_a_milter_is_told(self):
        milter, row = self.scripted()
        self.serve(row)
        self.user(message(ALICE, BOB, "hello", "Hello.\n"), to=(BOB, ALICE))
        steps = milter.steps()
        self.assertRegex(steps, r"^OCHMRRTL+NBE")
        told = dict((letter, data) for letter, data in milter.told)
        self.assertRegex(told[b"C"], rb"(?s)^\[127\.0\.0\.1\]\x004..127\.0\.0\.1\x00$")
        self.assertEqual(told[b"M"], f"<{ALICE}>\0".encode())
        self.assertEqual(told[b"B"], b"Hello.\r\n")
        self.assertNotIn(b"Received\0", b"".join(d for l, d in milter.told if l == b"L"))
        macros = milter.macros()
        self.assertEqual((macros["j"], macros["{auth_authen}"], macros["{auth_type}"], macros["{client_addr}"]),
                         ("mail.postern.test", ALICE, "PLAIN", HOST))
        self.assertRegex(macros["i"], r"^Q\w{12}$")
        self.assertRegex(macros["{tls_version}"], r"^TLSv1\.3$")

    def test_a_connection_serves_many_messages(self):
        milter, row = self.scripted(connections=1)
        self.serve(row, threads=1)
        for _ in range(3):
            self.stranger(message(STRANGER, BOB, token()))
        self.assertEqual(milter.connections, 1)
        self.assertEqual(milter.steps().count("O"), 1)
        wait_for(lambda: milter.steps().count("K") == 3, "the third message to end")
        # One that ended meanwhile is nobody's loss.
        with milter.lock:
            peers = list(milter.peers)
        for peer in peers:
            peer.shutdown(2)
        self.stranger(message(STRANGER, BOB, token()))
        self.assertEqual(milter.connections, 2)
        self.assertNotIn("milter_failed", self.server.log())

    def test_answers(self):
        n = struct.pack(">I", 1)
        cases = (
            ({b"M": packet(b"y", b"550 5.7.1 not you\0")}, 550, "5.7.1", "550 5.7.1 not you"),
            ({b"R": packet(b"t")}, 451, "4.7.1", "not now"),
            ({b"C": packet(b"r")}, 550, "5.7.1", "no"),
            ({b"E": packet(b"y", b"451 4.7.1 Greylisted\0")}, 451, "4.7.1", "451 4.7.1 Greylisted"),
            ({b"H": packet(b"a")}, 250, None, None),
            ({b"E": packet(b"p") * 3 + packet(b"a")}, 250, None, None),
        )
        milter, row = self.scripted()
        server = self.serve(row)
        for answers, code, status, text in cases:
            with self.subTest(answers):
                milter.answers = answers
                word = token()
                said = self.stranger(message(STRANGER, BOB, word), code, status)
                if text:
                    self.assertIn(text, said.text)
                    found = re.search(r"\((\w+\.\d+)\)$", said.text).group(1)
                    self.assertIn("scripted", server.cli("why", found, check=True).stdout)
                else:
                    server.wait_mail(BOB, word)
        milter.answers = {b"E": packet(b"q", b"looks odd\0") + packet(b"e", b"<other@remote.test>\0") +
                                packet(b"+", f"<{ALICE}>\0".encode()) + packet(b"-", f"<{BOB}>\0".encode()) +
                                packet(b"i", n + b"X-Top\0here\0") + packet(b"c")}
        at_bob = len(server.mailbox(BOB))
        word = token()
        said = self.stranger(message(STRANGER, BOB, word))
        queue_id = re.search(r"Q\w{12}", said.text).group(0)
        server.wait_log(r"held .*rule=milter-held .*looks odd")
        server.cli("queue", "release", queue_id, check=True)
        mail = server.wait_mail(ALICE, word)
        self.assertIn(b"Return-Path: <other@remote.test>", mail)
        self.assertRegex(mail, rb"(?s)\nReceived: .*\nX-Top: here\n")
        self.assertEqual(len(server.mailbox(BOB)), at_bob)
        milter.answers = {b"E": packet(b"d")}
        self.stranger(message(STRANGER, BOB, token()))
        server.wait_log(r"discarded .*milter=scripted .*rule=milter-discarded")
        self.assertEqual(json.loads(server.cli("queue", "list", "--json", check=True).stdout), [])

    def test_a_milter_of_one_listener_sees_no_other_mail(self):
        milter, row = self.scripted()
        server = Postern(start=False)
        self.addCleanup(server.__exit__, None, None, None)
        self.server = server
        server.config["milter"] = [{**row, "listeners": [f"{HOST}:{server.mx}"]}]
        server.write_config()
        server.start()
        self.user(message(ALICE, BOB, token()))
        self.assertEqual(milter.steps(), "")
        self.stranger(message(STRANGER, BOB, token()))
        self.assertIn("E", milter.steps())


class Manual(Milters):
    def test_every_configuration_of_the_manual(self):
        server = self.serve()
        for block in re.findall(r"(?ms)^```toml\n(.*?)^```", PAGE):
            with self.subTest(block):
                (server.dir / "one.toml").write_text('user = ""\n' + block)
                done = run(PROGRAM, "--config", server.dir / "one.toml", "config", "check")
                self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
