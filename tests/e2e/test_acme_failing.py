"""Certificates by themselves, when something fails: mail goes on, the old certificate stays, and it is told why."""
import contextlib
import json
import signal
import socket
import subprocess
import unittest

from certificates import account_of, in_acme, rows, shown, wait_row
from harness import ALICE, HOST, NAME, PASSWORDS, PROGRAM, Authority, Postern, Wire, client_context, wait_for
from pebble import Between, Pebble, SternCa


@contextlib.contextmanager
def trap_of(ca, address):
    """Where the authority goes at first, and waits."""
    with socket.socket() as trap:
        trap.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        trap.bind((address, ca.http))
        trap.listen()
        trap.settimeout(20)
        ca.lead(NAME, address)
        yield trap


class Failing(unittest.TestCase):
    def test_authority_is_down_and_comes_back(self):
        """Mail goes on; what is wrong stands in the log, in `status` and in `doctor`; a restart does not ask sooner."""
        with Pebble(start=False) as ca:
            config = ca.config()
            config["domains"] = {"local": []}
            with Postern(config, accounts=(ALICE,)) as server:
                row = wait_row(server, "mail", lambda r: r["failure"])
                self.assertEqual(row["failure"]["rule"], "acme-silent")
                self.assertRegex(server.log(), "certificate_failed.*acme-silent")
                self.assertIn("not renewed", server.cli("status", check=True).stdout)
                found = json.loads(server.cli("doctor", "--only", "certificate", "--json").stdout)
                self.assertIn("acme-silent", [f["rule"] for f in found["findings"]])
                server.stop()
                server.start()
                row = wait_row(server, "mail", lambda r: r["failure"])
                self.assertEqual(row["failure"]["failures"], 1)
                with Wire(server.submissions, tls=True, context=client_context(False)) as session:
                    session.expect(220)
                    session.ehlo()
                    ca.start()
                    done = server.cli("certificate", "renew")
                    self.assertEqual(done.returncode, 0, done.stdout + server.log()[-2000:])
                    wait_row(server, "mail")
                    session.auth_plain(ALICE, PASSWORDS[ALICE])
                # A CA that forgot us: another account, and again a certificate.
                before = account_of(server)["account"]
                ca.stop()
                ca.start()
                self.assertEqual(server.cli("certificate", "renew", NAME).returncode, 0, server.log()[-2000:])
                self.assertNotEqual(account_of(server)["account"], before)

    def test_a_name_that_can_not_be_proven(self):
        """The old certificate stays; the authority's words are told, and it is left alone for a while."""
        with Pebble() as ca:
            config = ca.config(challenge="http-01")
            config["domains"] = {"local": []}
            with Postern(config, accounts=()) as server:
                wait_row(server, "mail")
                wait_for(lambda: "certificates_taken_up" in server.log(), "the mail ports to take it up")
                _, first = shown(server.submissions, ca.root())
                # Now it leads to a machine where nobody listens.
                ca.lead(NAME, "127.0.0.99")
                done = server.cli("certificate", "renew", "mail", "--json")
                self.assertEqual(done.returncode, 1, done.stdout)
                [row] = json.loads(done.stdout)
                self.assertEqual(row["failure"]["rule"], "acme-proof-failed")
                self.assertIn("127.0.0.99", row["failure"]["problem"])
                self.assertIn("port", row["failure"]["remedy"])
                self.assertGreater(row["failure"]["next"], row["failure"]["at"])
                self.assertEqual(shown(server.submissions, ca.root())[1], first)

    def test_rate_limit(self):
        """As long as it says; what else there is to order waits, too."""
        problem = {"type": "urn:ietf:params:acme:error:rateLimited", "detail": "too many certificates already issued"}
        with Pebble(start=False) as names, SternCa(429, problem, {"Retry-After": "86400"}) as ca:
            config = names.config(directory=ca.directory)
            with Postern(config, accounts=()) as server:
                row = wait_row(server, "mail", lambda r: r["failure"])
                self.assertEqual(row["failure"]["rule"], "acme-rate-limited")
                self.assertIn("too many certificates", row["failure"]["problem"])
                self.assertGreater(row["failure"]["next"][:10], row["failure"]["at"][:10])
                self.assertEqual(ca.orders, 1)
                server.stop()
                server.start()
                wait_row(server, "mail", lambda r: r["failure"])
                self.assertEqual(ca.orders, 1)

    def test_killed_in_the_middle(self):
        """With the authority waiting for its proof; the account is there afterwards, and so is the certificate."""
        with Pebble() as ca, trap_of(ca, "127.0.0.77") as trap:
            config = ca.config(challenge="http-01")
            config["domains"] = {"local": []}
            with Postern(config, accounts=()) as server:
                held, _ = trap.accept()
                account = account_of(server)
                server.kill()
                held.close()
                ca.lead(NAME, HOST)
                server.start()
                wait_row(server, "mail")
                again = account_of(server)
                self.assertEqual(again["key"], account["key"])
                self.assertNotIn("certificate_failed", server.log())

    def test_killed_while_the_certificate_is_made(self):
        """Whatever was under way: the order is gone on with, and no other one is made."""
        for step in ("/order-plz", "/finalize-order/", "/certZ/"):
            # No nonce is refused: what is said twice for that would look like a second order.
            steady = {"PEBBLE_AUTHZREUSE": "100", "PEBBLE_WFE_NONCEREJECT": "0"}
            with self.subTest(step), Pebble(steady) as ca, Between(ca) as way:
                config = ca.config(directory=way.directory, challenge="http-01")
                config["domains"] = {"local": []}
                config["web"]["certificate"], config["web"]["private_key"] = Authority.shared().issue("server")
                way.hold = step
                with Postern(config, accounts=(), start=False) as server:
                    server.start()
                    self.assertTrue(way.held.wait(60), server.log())
                    kept = in_acme(server, "order-mail.json")
                    if step != "/order-plz":
                        self.assertEqual(kept.stat().st_mode & 0o777, 0o600)
                        key = json.loads(kept.read_text())["key"]
                    server.kill()
                    way.release()
                    orders = way.count("/order-plz")
                    server.start()
                    wait_row(server, "mail")
                    self.assertFalse(kept.exists())
                    # Of the first one nobody has heard.
                    self.assertEqual(way.count("/order-plz"), orders + (step == "/order-plz"), way.posts)
                    if step != "/order-plz":
                        self.assertIn(key, in_acme(server, "mail.pem").read_text())
                        self.assertIn("certificate_order_resumed", server.log())
                        self.assertNotIn(key, server.log())

    def test_caa_records_are_looked_at_before_the_authority_does(self):
        with Pebble() as ca, Between(ca) as way:
            config = ca.config(directory=way.directory, challenge="http-01")
            host = "mail.porch.example"
            config.update(hostname=host, domains={"local": ["porch.example"]})
            with Postern(config, accounts=()) as server:
                wait_row(server, "mail")

                def findings():
                    found = json.loads(server.cli("doctor", "--only", "dns", "--json").stdout)
                    return {f["rule"]: f for f in found["findings"] if "caa" in f["rule"]}

                def shown_to_operators():
                    checked = json.loads(server.cli("domain", "check", "porch.example", "--json").stdout)
                    [row] = [r for r in checked["records"] if r["type"] == "CAA"]
                    return row["state"], row["problem"]
                self.assertEqual(findings(), {})
                self.assertEqual(shown_to_operators()[0], "advised")
                ca.resolver.caa["porch.example"] = [(0, "issue", "other.example")]
                forbidden = findings()["acme-caa-forbids"]
                self.assertIn(host, forbidden["headline"])
                self.assertEqual(forbidden["change"], [f'porch.example. IN CAA 0 issue "{way.CALLED}"'])
                state, problem = shown_to_operators()
                self.assertEqual(state, "different")
                self.assertIn("other.example", problem)
                account = account_of(server)["account"]
                ca.resolver.caa["porch.example"] = [(0, "issue", f"{way.CALLED}; accounturi={account}; validationmethods=http-01")]
                self.assertEqual(findings(), {})
                self.assertEqual(shown_to_operators(), ("right", ""))
                self.assertIn(f'0 issue "{way.CALLED}"', server.cli("domain", "records", "porch.example").stdout)
                ca.resolver.caa["porch.example"] = [(0, "issue", f"{way.CALLED}; accounturi={account}9")]
                self.assertEqual(list(findings()), ["acme-caa-forbids"])

    def test_one_waits_for_a_renewal_and_others_are_told_so(self):
        with Pebble() as ca, trap_of(ca, "127.0.0.78") as trap:
            config = ca.config(challenge="http-01")
            config["domains"] = {"local": []}
            with Postern(config, accounts=()) as server:
                held, _ = trap.accept()
                command = [PROGRAM, "--config", str(server.file), "certificate", "renew"]
                two = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in "12"]
                wait_for(lambda: any(one.poll() is not None for one in two), "one of them to end")
                first, second = sorted(two, key=lambda one: one.poll() is None)
                self.assertEqual(first.returncode, 2)
                self.assertIn("waits for a renewal already", first.communicate()[0])
                self.assertIsNone(second.poll())
                ca.lead(NAME, HOST)
                held.close()
                second.communicate(timeout=100)

if __name__ == "__main__":
    unittest.main()
