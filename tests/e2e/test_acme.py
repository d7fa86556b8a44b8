"""Certificates by themselves (RFC 8555), from Pebble: the first ones, by each proof and with a bound account, and renewal."""
import signal
import unittest

from certificates import account_of, in_acme, rows, shown, shown_at_last, wait_row
from harness import ALICE, NAME, PASSWORDS, Authority, Postern, Wire, wait_for
from pebble import EXTERNAL, Pebble

WEB = ("autoconfig", "autodiscover", "ua-auto-config", "mta-sts")


class Issuing(unittest.TestCase):
    def test_first_certificates_by_http_01(self):
        """Mail ports, pages and a domain get one each, with different keys; what leads elsewhere is left out."""
        with Pebble() as ca:
            ca.lead("autodiscover.porch.example", "203.0.113.9")
            # Resolvers answer names below .test themselves.
            host = "mail.porch.example"
            config = {**ca.config(challenge="http-01"), "hostname": host, "domains": {"local": ["porch.example"]}}
            with Postern(config, accounts=()) as server:
                mail, web = wait_row(server, "mail"), wait_row(server, "web")
                domain = wait_row(server, "web-porch.example")
                self.assertEqual(mail["names"], [host])
                self.assertEqual(web["names"], [host])
                self.assertEqual(set(domain["names"]), {f"{w}.porch.example" for w in WEB if w != "autodiscover"})
                self.assertEqual([row["name"] for row in domain["left_out"]], ["autodiscover.porch.example"])
                self.assertIn("203.0.113.9", domain["left_out"][0]["problem"])
                self.assertGreater(mail["until"], mail["renewal"])
                server.wait_log("certificates_taken_up")
                wait_for(lambda: server.log().count("certificates_taken_up"), "the mail ports to take it up")
                names, _ = shown(server.submissions, ca.root(), host)
                self.assertEqual(names, {host})
                self.assertEqual(shown_at_last(ca.https, ca.root(), host), {host})
                self.assertEqual(shown_at_last(ca.https, ca.root(), "autoconfig.porch.example"), set(domain["names"]))
                # Different keys, and nobody else's to read.
                self.assertNotEqual(in_acme(server, "mail.pem").read_text().split("PRIVATE")[1],
                                    in_acme(server, "web.pem").read_text().split("PRIVATE")[1])
                for file in in_acme(server, "").iterdir():
                    self.assertEqual(file.stat().st_mode & 0o777, 0o600, file)
                self.assertEqual(in_acme(server, "").stat().st_mode & 0o777, 0o700)
                self.assertIn("certificate ", server.cli("status", check=True).stdout)
                self.assertIn("acme", server.cli("certificate", "list", check=True).stdout)

    def test_tls_alpn_01_and_renewal(self):
        """By the port of the pages alone; a renewal has another key, the same account, and drops nobody."""
        with Pebble({"PEBBLE_WFE_NONCEREJECT": "40"}) as ca:
            config = ca.config(challenge="tls-alpn-01")
            config["domains"] = {"local": []}
            config["web"]["http_address"] = ""
            # The pages have one already, and prove the name of the mail ports all the same.
            config["web"]["certificate"], config["web"]["private_key"] = Authority.shared().issue("server")
            with Postern(config, accounts=(ALICE,)) as server:
                wait_row(server, "mail")
                self.assertNotIn("web", rows(server))
                wait_for(lambda: "certificates_taken_up" in server.log(), "the mail ports to take it up")
                _, first = shown(server.submissions, ca.root())
                key = in_acme(server, "mail.pem").read_text().split("PRIVATE")[1]
                account = account_of(server)
                with Wire(server.submissions, tls=True, context=ca.root()) as session:
                    session.expect(220)
                    session.ehlo()
                    done = server.cli("certificate", "renew", NAME, "--json")
                    self.assertEqual(done.returncode, 0, done.stdout + done.stderr + server.log()[-2000:])
                    wait_for(lambda: shown(server.submissions, ca.root())[1] != first, "the new certificate at the port")
                    # Whoever was there goes on.
                    session.auth_plain(ALICE, PASSWORDS[ALICE])
                    session.say("QUIT", 221)
                self.assertNotEqual(in_acme(server, "mail.pem").read_text().split("PRIVATE")[1], key)
                self.assertEqual(account_of(server), account)

    def test_external_account_binding(self):
        with Pebble(external=True) as ca:
            config = ca.config()
            config["domains"] = {"local": []}
            with Postern(config, accounts=(), start=False) as server:
                server.start()
                row = wait_row(server, "mail", lambda r: r["failure"])
                self.assertEqual(row["failure"]["rule"], "acme-account-refused")
                secret = server.dir / "eab.client"
                secret.write_text(EXTERNAL["kid-1"] + "\n")
                server.change("acme", external_account="kid-1", external_key_file=secret)
                server.signal(signal.SIGHUP)
                wait_row(server, "mail")
                self.assertNotIn(EXTERNAL["kid-1"], server.log())

if __name__ == "__main__":
    unittest.main()
