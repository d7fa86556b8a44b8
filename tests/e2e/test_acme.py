"""Certificates by themselves (RFC 8555), against Pebble; and files that others renew."""
import json
import shutil
import signal
import socket
import unittest

from harness import ALICE, HOST, NAME, PASSWORDS, Authority, Postern, Wire, client_context, wait_for
from pebble import EXTERNAL, Pebble, SternCa

WEB = ("autoconfig", "autodiscover", "ua-auto-config", "mta-sts")


def rows(server):
    listed = server.cli("certificate", "list", "--json", check=True).stdout
    return {row["id"]: row for row in json.loads(listed)}


def wait_row(server, name, good=lambda row: row["until"]):
    """The row of a certificate when it is as it should be."""
    def look():
        row = rows(server).get(name)
        return row if row and good(row) else None
    return wait_for(look, f"the certificate {name}\n{server.log()[-3000:]}")


def shown(port, context, name=NAME):
    """What a port shows to a client that trusts the context's authorities: its names and serial number."""
    with socket.create_connection((HOST, port), 10) as plain, context.wrap_socket(plain, server_hostname=name) as stream:
        found = stream.getpeercert()
        return {value for kind, value in found["subjectAltName"] if kind == "DNS"}, found["serialNumber"]


def in_acme(server, name):
    return server.dir / "data" / "acme" / name


def account_of(server):
    [file] = in_acme(server, "").glob("account-*.json")
    return json.loads(file.read_text())


class Issuing(unittest.TestCase):
    def test_first_certificates_by_http_01(self):
        """Mail ports, pages and a domain get one each, with different keys; what leads elsewhere is left out."""
        with Pebble() as ca:
            ca.lead("autodiscover.postern.test", "203.0.113.9")
            with Postern(ca.config(challenge="http-01"), accounts=(ALICE,)) as server:
                mail, web = wait_row(server, "mail"), wait_row(server, "web")
                domain = wait_row(server, "web-postern.test")
                self.assertEqual(mail["names"], [NAME])
                self.assertEqual(web["names"], [NAME])
                self.assertEqual(set(domain["names"]), {f"{w}.postern.test" for w in WEB if w != "autodiscover"})
                self.assertEqual([row["name"] for row in domain["left_out"]], ["autodiscover.postern.test"])
                self.assertIn("203.0.113.9", domain["left_out"][0]["problem"])
                self.assertGreater(mail["until"], mail["renewal"])
                server.wait_log("certificates_taken_up")
                wait_for(lambda: server.log().count("certificates_taken_up"), "the mail ports to take it up")
                names, _ = shown(server.submissions, ca.root())
                self.assertEqual(names, {NAME})
                pages, _ = shown(ca.https, ca.root())
                self.assertEqual(pages, {NAME})
                pages, _ = shown(ca.https, ca.root(), "autoconfig.postern.test")
                self.assertEqual(pages, set(domain["names"]))
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
            with Postern(config, accounts=(ALICE,)) as server:
                wait_row(server, "mail")
                wait_row(server, "web")
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
        """As long as it says, whatever else there is to order."""
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

    def test_the_authority_wants_it_renewed(self):
        """Long before its time (RFC 9773): it is asked, and an order follows."""
        problem = {"type": "urn:ietf:params:acme:error:malformed", "detail": "not today"}
        with Pebble() as first, SternCa(400, problem) as ca:
            config = first.config()
            config["domains"] = {"local": []}
            with Postern(config, accounts=()) as server:
                wait_row(server, "mail")
                wait_row(server, "web")
                server.change("acme", directory=ca.directory)
                server.signal(signal.SIGHUP)
                row = wait_row(server, "mail", lambda r: r["failure"])
                self.assertEqual((row["failure"]["rule"], row["failure"]["problem"]), ("acme-refused", "not today"))
                self.assertTrue(row["until"])
                self.assertEqual(len(ca.asked), 2)

    def test_killed_in_the_middle(self):
        """With the authority waiting for its proof; the account is there afterwards, and so is the certificate."""
        with Pebble() as ca, socket.socket() as trap:
            # Where the authority goes at first, and waits.
            trap.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trap.bind(("127.0.0.77", ca.http))
            trap.listen()
            trap.settimeout(20)
            ca.lead(NAME, "127.0.0.77")
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


class Files(unittest.TestCase):
    def test_files_that_others_renew(self):
        """Taken up when certificate and key fit; a half-written pair waits, and the old one stays."""
        with Postern(accounts=()) as server:
            used = [server.dir / "used.pem", server.dir / "used.key"]
            for name, days in (("watch-old", 20), ("watch-new", 19)):
                Authority.shared().issue(name, days=days)
            old, new = ([Authority.shared().dir / f"{stem}.{end}" for end in ("pem", "key")]
                        for stem in ("watch-old", "watch-new"))
            for source, target in zip(old, used):
                shutil.copy(source, target)
            server.change("tls", certificate=used[0], private_key=used[1])
            server.signal(signal.SIGHUP)
            server.wait_log(r"\breloaded\b")
            _, first = shown(server.submissions, client_context())
            wait_row(server, str(used[0]))
            shutil.copy(new[0], used[0])
            row = wait_row(server, str(used[0]), lambda r: r["problem"])
            self.assertIn("does not belong", row["problem"])
            server.wait_log("certificate_file_not_taken")
            self.assertEqual(shown(server.submissions, client_context())[1], first)
            found = json.loads(server.cli("doctor", "--only", "certificate", "--json").stdout)
            self.assertIn("own-certificate-unreadable", [f["rule"] for f in found["findings"]])
            shutil.copy(new[1], used[1])
            server.wait_log("certificates_taken_up")
            wait_for(lambda: shown(server.submissions, client_context())[1] != first, "the new certificate at the port")
            self.assertEqual(wait_row(server, str(used[0]))["problem"], "")


if __name__ == "__main__":
    unittest.main()
