"""The numbers for Prometheus: asked for by HTTP, read by Prometheus' own tool, and true."""
import re
import socket
import subprocess
import unittest
import urllib.error
import urllib.request

from harness import ALICE, HOST, PROGRAM, ROOT, Postern, Sink, free_ports, message, need, run, wait_for

PAGE = (ROOT / "docs" / "operations.md").read_text()


class Metrics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sink = Sink({"RCPT nobody": "550 5.1.1 no"})
        cls.port, = free_ports(1)
        configured = re.search(r'\[metrics\]\naddress = "127.0.0.1:(\d+)"', PAGE)
        assert configured, "docs/operations.md shows how to configure it"
        cls.server = Postern({"metrics": {"address": f"{HOST}:{cls.port}"},
                              "delivery": {"smart_host": f"{HOST}:{cls.sink.port}"}})
        cls.addClassCleanup(cls.sink.close)
        cls.addClassCleanup(cls.server.__exit__, None, None, None)

    def scrape(self, path="/metrics"):
        with urllib.request.urlopen(f"http://{HOST}:{self.port}{path}", timeout=20) as answer:
            self.assertIn("version=0.0.4", answer.headers["Content-Type"])
            return answer.read().decode()

    def value(self, name, text=None):
        """Of a line like `name{label="x"}`."""
        found = re.search(rf"^{re.escape(name)} (\S+)$", text or self.scrape(), re.M)
        return float(found.group(1)) if found else 0.0

    def test_numbers_follow_what_happens(self):
        before = self.scrape()
        with self.server.session(login=ALICE) as wire:
            wire.mail(ALICE, "friend@remote.test")
            wire.data(message(ALICE, "friend@remote.test", "counted"))
            wire.say("QUIT", 221)
        with self.server.session() as wire:
            wire.auth_plain(ALICE, "wrong", 535)
        self.sink.wait("counted")
        grown = {"postern_messages_accepted_total": 1, "postern_recipients_accepted_total": 1,
                 'postern_deliveries_total{result="delivered"}': 1, "postern_delivery_seconds_count": 1,
                 'postern_logins_total{mechanism="PLAIN",result="accepted"}': 1,
                 'postern_logins_total{mechanism="PLAIN",result="refused"}': 1,
                 'postern_refusals_total{rule="auth-failed"}': 1,
                 'postern_sessions_by_tls_total{version="TLSv1.3"}': 2}

        def all_there():
            now = self.scrape()
            return all(self.value(name, now) - self.value(name, before) == n for name, n in grown.items())
        wait_for(all_there, f"the numbers to have grown:\n{self.scrape()}")
        now = self.scrape()
        # Whoever looked whether the ports are open counts, too.
        self.assertGreaterEqual(self.value("postern_connections_total", now), 2)
        self.assertEqual(self.value("postern_queue_size", now), 0)
        self.assertGreater(self.value("postern_spool_commits_total", now), 0)
        self.assertGreater(self.value("postern_octets_accepted_total", now), 100)
        self.assertEqual(self.value('postern_delivery_seconds_bucket{le="+Inf"}', now),
                         self.value("postern_delivery_seconds_count", now))

    def test_the_page_names_what_there_is(self):
        there = set(re.findall(r"^# TYPE (\w+) ", self.scrape(), re.M)) - {"postern_info", "postern_start_time_seconds"}
        named = set(re.findall(r"`(postern_\w+?)(?:\{[\w,]+\})?`", PAGE))
        self.assertEqual(there - named, set())
        self.assertEqual(named - there, set())

    def test_prometheus_finds_nothing_to_complain_about(self):
        need("promtool")
        done = subprocess.run(["promtool", "check", "metrics"], input=self.scrape(), capture_output=True, text=True,
                              timeout=30)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_what_is_no_scrape_gets_nothing_and_holds_nobody_up(self):
        for path, code in (("/", 404), ("/metricsx", 404)):
            with self.assertRaises(urllib.error.HTTPError) as refused:
                self.scrape(path)
            self.assertEqual(refused.exception.code, code)
        for octets in (b"POST /metrics HTTP/1.1\r\n\r\n", b"\r\n\r\n", b"GET"):
            with socket.create_connection((HOST, self.port), 5) as peer:
                peer.sendall(octets)
                peer.shutdown(socket.SHUT_WR)
                self.assertNotIn(b"200 OK", peer.recv(4096))
        with socket.create_connection((HOST, self.port), 5) as silent:
            silent.sendall(b"GET /metr")
            self.assertIn("postern_info", self.scrape())

    def test_an_address_that_others_reach_is_refused(self):
        for address in ("0.0.0.0:9154", "192.0.2.1:9154", "localhost:9154"):
            file = self.server.dir / "open.toml"
            file.write_text(f'[metrics]\naddress = "{address}"\n')
            done = run(PROGRAM, "--config", file, "config", "check")
            self.assertEqual(done.returncode, 2, address)
            self.assertIn("beyond_this_machine", done.stderr + done.stdout)

    def test_curl_as_on_the_page(self):
        need("curl")
        line = re.search(r"```console\n(curl .*)\n```", PAGE).group(1).replace("127.0.0.1:9154", f"{HOST}:{self.port}")
        self.assertIn("postern_queue_size 0", subprocess.check_output(line, shell=True, text=True))


if __name__ == "__main__":
    unittest.main()
