"""The doctor at a real installation: a name server with good and bad records, certificates, ports, tricks of
relays. What it finds is mended by publishing or changing exactly the line that it prints."""
import contextlib
import json
import os
import re
import socket
import struct
import threading
import time
import unittest

from harness import HOST, Authority, Postern, Sink, need, run
from internet import NAMES, US, Knot, WebServer, World, self_signed, tlsa

WEB = "10.99.0.50"
DOMAIN, SERVER = "shop.plain", "mail.shop.plain"
GOOD = f"""
{SERVER}. A {US}
{DOMAIN}. MX 10 {SERVER}.
"""


class Installation(World):
    def build(self):
        ca = Authority.shared()
        ca.dir.chmod(0o755)
        self.own = ca.issue("doctor", (SERVER,), days=60)
        self.knot = self.add(Knot(self.networks, "", GOOD))
        self.web = self.add(WebServer(self.networks, WEB, [f"mta-sts.{DOMAIN}", f"autoconfig.{DOMAIN}"]))
        # What public authorities are to others, ours is to this test.
        os.environ["SSL_CERT_FILE"] = str(ca.ca)
        self.server = Postern({
            "hostname": SERVER, "domains": {"local": [DOMAIN]}, "dns": {"servers": [NAMES], "trust_anchor": "none"},
            "tls": {"certificate": self.own[0], "private_key": self.own[1]},
            "transport": {"authorities": ca.ca},
            # So that one ulimit fits it.
            "limits": {"connections": 100}}, accounts=())

    def close(self):
        os.environ.pop("SSL_CERT_FILE", None)
        with contextlib.suppress(AttributeError):
            self.server.__exit__(None, None, None)
        super().close()


def setUpModule():
    global world
    world = Installation()


def tearDownModule():
    world.close()


class Doctor(unittest.TestCase):
    def look(self, *only, server=None, options=()):
        """The doctor's report, with its exit status."""
        done = (server or world.server).cli("doctor", "--json", *(["--only", *only] if only else []), *options)
        report = json.loads(done.stdout)
        bad = any(f["severity"] != "hint" for f in report["findings"])
        self.assertEqual(done.returncode, 1 if bad else 0, done.stderr)
        self.assertEqual(report["verdict"]["severity"],
                         report["findings"][0]["severity"] if report["findings"] else "ok")
        return report

    def find(self, report, rule):
        """The one finding of a rule."""
        found = [f for f in report["findings"] if f["rule"] == rule]
        self.assertEqual(len(found), 1, f"{rule}: {json.dumps(report['findings'], indent=1)}")
        return found[0]

    def rules(self, report):
        return {f["rule"] for f in report["findings"]}

    def mend(self, rule, publish=None, area="dns", gone=True):
        """Finds it, publishes its first line, and finds it no more."""
        line = self.find(self.look(area), rule)["change"][0]
        (publish or (lambda text: world.knot.publish(text + "\n")))(line)
        report = self.look(area)
        if gone:
            self.assertNotIn(rule, self.rules(report), f"after publishing {line}: {report['findings']}")
        return line

    def test_records_are_mended_by_the_lines_that_are_printed(self):
        knot = world.knot
        first = self.rules(self.look("dns"))
        self.assertEqual(first, {"own-ptr-missing", "own-spf-missing", "own-dkim-missing", "own-dmarc-missing",
                                 "own-mta-sts-missing", "own-tlsrpt-missing", "own-autoconfig-missing", "own-srv-missing"})

        # PTR, missing and of another name
        line = self.mend("own-ptr-missing", knot.name_address_line)
        self.assertEqual(line, f"1.0.99.10.in-addr.arpa. IN PTR {SERVER}.")
        knot.name_address("1.0.99.10.in-addr.arpa. IN PTR other.plain.\n")
        self.mend("own-ptr-wrong", knot.name_address_line)

        # SPF, missing, without us, twice, for everybody
        line = self.mend("own-spf-missing")
        for wrong in (f'{DOMAIN}. TXT "v=spf1 ip4:192.0.2.0/24 -all"', f'{line}\n{DOMAIN}. TXT "v=spf1 -all"',
                      f'{DOMAIN}. TXT "v=spf1 mx +all"', f'{DOMAIN}. TXT "v=spf1 include:nowhere.plain -all"'):
            knot.change(line, wrong)
            found = self.find(self.look("dns"), "own-spf-wrong")
            knot.change(wrong, found["change"][0])
            line = found["change"][0]
            left = [f for f in self.look("dns")["findings"] if "spf" in f["rule"]]
            # Of an include that leads nowhere only its owner can say what it should be.
            self.assertEqual(left if "nowhere" not in wrong else [], [], wrong)
        knot.change(line, f'{DOMAIN}. TXT "v=spf1 mx -all"')

        # DKIM: the command that makes the key, then its record; another key; revoked
        created = self.find(self.look("dns"), "own-dkim-missing")["change"][0].split()
        self.assertEqual(created[0], "postern")
        world.server.cli(*created[1:], "--algorithm", "ed25519", check=True)
        world.server.cli("dkim", "activate", DOMAIN, check=True)
        line = self.mend("own-dkim-missing")
        for wrong in ("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "v=DKIM1; k=ed25519; p="):
            name = line.split()[0]
            knot.change(line, f'{name} TXT "{wrong}"')
            found = self.find(self.look("dns"), "own-dkim-wrong")
            knot.change(f'{name} TXT "{wrong}"', found["change"][0])
        self.assertNotIn("own-dkim-wrong", self.rules(self.look("dns")))

        # DMARC, missing, unreadable
        line = self.mend("own-dmarc-missing")
        knot.change(line, f'_dmarc.{DOMAIN}. TXT "v=DMARC1; q=none"')
        found = self.find(self.look("dns"), "own-dmarc-wrong")
        knot.change(f'_dmarc.{DOMAIN}. TXT "v=DMARC1; q=none"', found["change"][0])

        # MTA-STS: record and policy; a policy without the MX
        change = self.find(self.look("dns"), "own-mta-sts-missing")["change"]
        knot.publish(f"{change[0]}\nmta-sts.{DOMAIN}. A {WEB}\n")
        self.assertIn("404", self.find(self.look("dns"), "own-mta-sts-wrong")["headline"])
        page = (f"mta-sts.{DOMAIN}", "/.well-known/mta-sts.txt")
        world.web.pages[page] = "\r\n".join(["version: STSv1", "mode: enforce", "mx: old.plain", "max_age: 604800", ""])
        change = self.find(self.look("dns"), "own-mta-sts-wrong")["change"]
        world.web.pages[page] = "".join(line.strip() + "\r\n" for line in change[2:])

        line = self.mend("own-tlsrpt-missing")
        knot.change(line, f'_smtp._tls.{DOMAIN}. TXT "v=TLSRPTv1; rua=gopher:hole"')
        found = self.find(self.look("dns"), "own-tlsrpt-wrong")
        knot.change(f'_smtp._tls.{DOMAIN}. TXT "v=TLSRPTv1; rua=gopher:hole"', found["change"][0])

        # SRV, one after the other, with that of Autodiscover; one of another port
        for _ in range(3):
            report = self.look("dns")
            line = next(f for f in report["findings"] if f["rule"] == "own-srv-missing")["change"][0]
            knot.publish(line + "\n")
        wrong = re.sub(r"SRV (\d+) 1 \d+", r"SRV \1 1 9", line)
        knot.change(line, wrong)
        found = self.find(self.look("dns"), "own-srv-wrong")
        knot.change(wrong, found["change"][0])

        # autoconfig: the names; the file
        lines = self.find(self.look("dns"), "own-autoconfig-missing")["change"]
        self.assertEqual([line.split()[3] for line in lines], [f"{SERVER}."] * 2)
        knot.publish(f"autoconfig.{DOMAIN}. A {WEB}\n")
        self.find(self.look("dns"), "own-autoconfig-wrong")
        world.web.pages[f"autoconfig.{DOMAIN}", f"/mail/config-v1.1.xml?emailaddress=postmaster%40{DOMAIN}"] = \
            f"<clientConfig><hostname>{SERVER}</hostname></clientConfig>"

        # TLSA: of another key
        self.assertEqual(self.look("dns")["findings"], [])
        other = tlsa(3, 1, 1, self_signed(world.dir, "other.plain")[0])
        knot.publish(f"_25._tcp.{SERVER}. TLSA {other}\n")
        found = self.find(self.look("dns"), "own-tlsa-wrong")
        knot.change(f"_25._tcp.{SERVER}. TLSA {other}\n", found["change"][0] + "\n")

        # MX, elsewhere and missing; the name itself
        good = f"{DOMAIN}. MX 10 {SERVER}."
        knot.change(good, f"{DOMAIN}. MX 10 elsewhere.plain.")
        line = self.find(self.look("dns"), "own-mx-elsewhere")["change"][0]
        knot.change(f"{DOMAIN}. MX 10 elsewhere.plain.", "")
        self.assertEqual(self.find(self.look("dns"), "own-mx-missing")["change"][0], line)
        knot.publish(line + "\n")
        report = self.look("dns")
        self.assertEqual(report["findings"], [])
        self.assertEqual(report["verdict"]["id"], "P-301")
        knot.change(f"{SERVER}. A {US}\n", "")
        self.find(self.look("dns"), "own-name-unresolved")
        knot.publish(f"{SERVER}. A {US}\n")
        self.assertEqual(self.look("dns")["findings"], [])

        # What is listed for a domain is what was published.
        listed = json.loads(world.server.cli("domain", "records", DOMAIN, "--json", check=True).stdout)
        types = {r["type"] for r in listed["records"]}
        self.assertLessEqual({"MX", "TXT", "SRV", "CNAME", "TLSA"}, types)
        self.assertIn(line, [r["line"] for r in listed["records"]])
        self.assertIn(found["change"][0], [r["line"] for r in listed["records"]])

    def test_certificates(self):
        server = world.server
        good = dict(server.config["tls"])
        self.assertEqual(self.look("certificate")["findings"], [])
        ca = Authority.shared()
        cases = [("own-certificate-name", ca.issue("doctor-other", ("www.shop.plain",))),
                 ("own-certificate-expires", ca.issue("doctor-soon", (SERVER,), days=5)),
                 ("own-certificate-untrusted", self_signed(world.dir, SERVER)),
                 ("own-certificate-unreadable", (world.own[0], ca.issue("doctor-other", ("www.shop.plain",))[1])),
                 ("own-certificate-unreadable", (world.dir / "nothing.pem", world.own[1]))]
        try:
            for rule, (certificate, key) in cases:
                server.change("tls", certificate=certificate, private_key=key)
                report = self.look("certificate")
                self.assertIn(rule, self.rules(report), report)
                # The running server still has the other one.
                if rule not in ("own-certificate-unreadable",):
                    self.assertIn("own-certificate-stale", self.rules(report))
        finally:
            server.change("tls", **good)
        self.assertEqual(self.look("certificate")["findings"], [])

    def test_relay(self):
        report = self.look("relay")
        self.assertEqual(report["findings"], [])
        self.assertEqual(report["not_looked_at"], [])
        tried = [w["text"] for w in report["well"] if w["area"] == "relay"]
        self.assertEqual(len(tried), 3, tried)
        for text in tried:
            self.assertGreater(int(text.split(": ")[1].split()[0]), 60, text)
        # A network that is too wide: what may be, by its name; and what it does, by a real connection.
        with Postern({"hostname": SERVER, "domains": {"local": [DOMAIN]}, "relay": {"networks": ["127.0.0.2/31"]},
                      "dns": {"servers": [NAMES], "trust_anchor": "none"}}, accounts=()) as open_one:
            report = self.look("relay", server=open_one)
            # 127.0.0.2 is trusted, so it can't play a stranger; that is said.
            self.assertTrue(any("127.0.0.2" in n["why"] for n in report["not_looked_at"]), report)
        with Postern({"hostname": SERVER, "domains": {"local": [DOMAIN]}, "relay": {"networks": ["0.0.0.0/0"]},
                      "dns": {"servers": [NAMES], "trust_anchor": "none"}}, accounts=()) as open_one:
            report = self.look("relay", server=open_one)
            self.assertIn("own-networks-too-wide", self.rules(report))
            self.assertIn("own-open-relay", self.rules(report))
            open_one.change("relay", networks=[])
            open_one.signal(1)
            open_one.wait_log(r"reloaded")
            self.assertEqual(self.rules(self.look("relay", server=open_one)), set())

    def test_ports(self):
        report = self.look("ports")
        self.assertEqual(report["findings"], [])
        # At the outside address: a listener for all, and one that a firewall is in front of.
        with Postern({"hostname": SERVER, "domains": {"local": [DOMAIN]},
                      "dns": {"servers": [NAMES], "trust_anchor": "none"}}, accounts=(),
                     listeners=[{"address": "0.0.0.0:2525", "role": "mx", "tls": "starttls"}]) as server:
            report = self.look("ports", server=server)
            self.assertEqual(report["findings"], [])
            self.assertTrue(any(f"{US}:2525" in w["text"] for w in report["well"]), report["well"])
            need("nft")
            run("nft", "add table inet doctor; add chain inet doctor in { type filter hook input priority 0; }; "
                f"add rule inet doctor in ip daddr {US} tcp dport 2525 reject with tcp reset", check=True)
            try:
                found = self.find(self.look("ports", server=server), "own-port-unreachable")
                self.assertIn(f"{US}:2525", found["headline"])
            finally:
                run("nft", "delete table inet doctor", check=True)
            self.assertEqual(self.look("ports", server=server)["findings"], [])
            # Without the server, and with another program at one of its ports.
            server.stop()
            report = self.look("ports", "server", server=server)
            self.assertEqual(self.rules(report), {"own-server-not-running"})
            with Sink(port=server.mx):
                found = self.find(self.look("ports", server=server), "own-port-unreachable")
                self.assertIn("another program", found["headline"])

    def test_the_machine(self):
        server = world.server
        data = server.dir / "data"
        data.chmod(0o700)
        self.assertEqual(self.rules(self.look("permissions", "disk", "queue", "backends", "config", "descriptors")), set())
        data.chmod(0o755)
        line = self.find(self.look("permissions"), "own-rights-too-wide")["change"][0]
        run(*line.split(), check=True)
        self.assertEqual(self.look("permissions")["findings"], [])
        # More than any disk has.
        limits = dict(server.config["limits"])
        server.change("limits", free_space="1 TiB", connections=1_000_000)
        report = self.look("disk", "descriptors")
        self.assertEqual(self.rules(report), {"own-disk-nearly-full", "own-few-file-descriptors"})
        server.change("limits", **{**limits, "free_space": "64 MiB"})
        server.change("auth", require_tls=False)
        self.assertEqual(self.rules(self.look("config")), {"own-configuration-odd"})
        server.change("auth", require_tls=True)
        # A configuration that can't be used.
        text = server.file.read_text()
        server.file.write_text(text + "\nnonsense = 1\n")
        report = self.look("dns")
        self.assertEqual(self.rules(report), {"own-configuration-wrong"})
        server.file.write_text(text)

    def test_the_clock(self):
        with TimeServer(ahead=3600) as wrong, TimeServer(ahead=0) as right:
            found = self.find(self.look("clock", options=("--clock-from", wrong.address)), "own-clock-wrong")
            self.assertIn("60 minutes", found["headline"])
            self.assertNotIn("own-clock-wrong", self.rules(self.look("clock", options=("--clock-from", right.address))))
        report = self.look("clock", options=("--clock-from", "nobody.invalid"))
        self.assertTrue(any("nobody.invalid" in n["why"] for n in report["not_looked_at"]))

    def test_back_ends_and_a_server_that_is_down(self):
        port = socket.create_server((HOST, 0))
        number = port.getsockname()[1]
        port.close()
        with Postern({"hostname": SERVER, "domains": {"local": [DOMAIN]}, "dns": {"servers": [NAMES], "trust_anchor": "none"},
                      "backend": [{"name": "people", "type": "ldap", "urls": [f"ldap://{HOST}:{number}"], "base": "dc=x",
                                   "filter": "(mail=%u)", "plaintext": True, "tls": "none"}]}, accounts=()) as server:
            with server.session() as wire:
                wire.auth_plain("somebody@shop.plain", "wrong password", 454)
            found = self.find(self.look("backends", server=server), "own-back-end-down")
            self.assertIn("people", found["headline"])
        self.assertEqual(world.server.cli("doctor", "--only", "nonsense").returncode, 2)

    def test_for_people(self):
        done = world.server.cli("doctor", "--only", "server", "config")
        self.assertEqual((done.returncode, "\x1b" in done.stdout), (0, False))
        self.assertIn("Nothing is wrong with this installation", done.stdout)
        need("script")
        shown = run("script", "-qec", f"{os.environ.get('POSTERN', 'postern')} --config {world.server.file} doctor --only server",
                    "/dev/null", env={**os.environ, "TERM": "xterm-256color"})
        self.assertIn("\x1b[", shown.stdout)


class TimeServer:
    """As a time server answers, with a clock that is off."""

    def __init__(self, ahead):
        self.ahead = ahead
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((HOST, 0))
        self.address = f"{HOST}:{self.socket.getsockname()[1]}"
        self.thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as poke:
            host, port = self.address.split(":")
            poke.sendto(b"", (host, int(port)))
        self.thread.join()
        self.socket.close()

    def _serve(self):
        while True:
            question, peer = self.socket.recvfrom(100)
            if not question:
                return
            now = int((time.time() + 2208988800 + self.ahead) * 2**32)
            self.socket.sendto(struct.pack(">BBbbII4s4I", 0x24, 1, 0, -20, 0, 0, b"TEST", 0, 0, 0, 0)
                               + struct.pack(">QQ", now, now), peer)


if __name__ == "__main__":
    unittest.main()
