"""Real servers in the lab of failures: with wrong settings, where the headline has to be the true cause; and Postern,
Postfix with Dovecot, Exim, Dovecot, OpenSMTPD and Haraka as they are, where `postern check` has to report what swaks,
sslscan and openssl find as well."""
import unittest

from lab import real_servers, rows_real, witnesses
from lab.confusion import table
from lab.lab import Lab


def setUpModule():
    global lab, outcomes
    real_servers.fetch()
    lab = Lab(rows_real.CASES, real_servers.Servers)
    outcomes = lab.run()
    print("\n" + table(outcomes), flush=True)
    for name, why in lab.real.missing.items():
        print(f"without {name}: {why}", flush=True)


def tearDownModule():
    lab.close()


class Causes(unittest.TestCase):
    def test_the_headline_is_the_true_cause(self):
        wrong = [o for o in outcomes if not o.right()]
        self.assertFalse(wrong, "\n\n" + "\n\n".join(o.story() for o in wrong))


class Truth(unittest.TestCase):
    """What was seen of each server, beside what others see."""

    def outcome(self, title):
        for o in outcomes:
            if o.case.title == title:
                (port,) = o.case.hosts[0].services
                own = [c for c in o.report["conversations"] if c["at"].endswith(f":{port}") and c["works"]]
                self.assertTrue(own, o.story())
                return o, port, own[0]
        self.skipTest(f"{title} is not to be had here")

    def compare(self, title, implicit=False, tls=True):
        o, port, seen = self.outcome(title)
        address, name = o.case.place["v4"], o.case.place["host"]
        before, within = witnesses.ehlo_lines(address, port, implicit, name)
        if before:
            self.assertEqual(witnesses.words(seen["ehlo_before_tls"]), before, title)
        if within:
            self.assertEqual(witnesses.words(seen["ehlo"]), within, title)
        offered = next((line.split()[1:] for line in within or before if line.startswith("AUTH ")), [])
        self.assertEqual(set(seen["mechanisms"]), set(offered), title)
        if tls:
            theirs = witnesses.certificate(address, port, implicit, name, lab.forge.trusted.pem)
            leaf = seen["chain"][0]
            self.assertEqual(leaf["sha256"].replace(":", "").lower(), theirs["sha256"])
            self.assertEqual(leaf["not_after"][:19], theirs["not_after"][:19])
            self.assertEqual(seen["trusted"] and seen["name_fits"], theirs["trusted"], title)
            self.assertEqual(seen["tls"]["version"].replace("TLSv", "TLS "), theirs["version"])
            # The old ones are tried only where the new ones fail.
            self.assertIn(theirs["version"].split()[1], witnesses.versions(address, port, implicit, name))
        logins = [entry["accepted"] for entry in o.report["logins"]]
        if offered:
            self.assertEqual(any(logins), witnesses.login(address, port, implicit, o.case.user, o.case.password) == 235, title)
        open_relay = any(f["id"] == "P-229" for f in o.report["findings"])
        self.assertEqual(open_relay, witnesses.relays(address, port, implicit, o.case.user, rows_real.OUTSIDE), title)

    def test_postern(self):
        self.compare("Postern")

    def test_postfix_with_dovecot(self):
        self.compare("Postfix")
        self.compare("Postfix, SSL/TLS", implicit=True)

    def test_exim(self):
        self.compare("Exim")

    def test_dovecot(self):
        self.compare("Dovecot")

    def test_opensmtpd(self):
        # Debian's can't do TLS with OpenSSL 3: its process that keeps the keys can't sign.
        self.compare("OpenSMTPD without TLS", tls=False)

    def test_haraka(self):
        self.compare("Haraka")
        self.compare("Haraka, SSL/TLS", implicit=True)


if __name__ == "__main__":
    unittest.main()
