"""Certificates in files that other programs renew."""
import json
import shutil
import signal
import unittest

from certificates import shown, wait_row
from harness import Authority, Postern, client_context, wait_for


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

    def test_a_broken_pair_keeps_its_last_good_certificate_and_holds_no_other_one_back(self):
        """At the port, by name; through a reload, too. What is wrong is told wherever certificates are looked at."""
        issue = Authority.shared().issue
        first, second = issue("pair-first", ("first.test",)), issue("pair-second", ("second.test",))
        with Postern(accounts=()) as server:
            used = {name: [server.dir / f"{name}.pem", server.dir / f"{name}.key"] for name in ("first", "second")}
            for name, pair in (("first", first), ("second", second)):
                for source, target in zip(pair, used[name]):
                    shutil.copy(source, target)
            server.change("tls", certificate=used["first"][0], private_key=used["first"][1],
                          certificates=[{"certificate": used["second"][0], "private_key": used["second"][1]}])
            server.signal(signal.SIGHUP)
            server.wait_log(r"\breloaded\b")
            wait_row(server, str(used["second"][0]))

            def serial(name):
                return shown(server.submissions, client_context(), name)[1]
            before = {name: serial(f"{name}.test") for name in used}
            used["second"][0].write_text("broken")
            for source, target in zip(issue("pair-renewed", ("first.test",)), used["first"]):
                shutil.copy(source, target)
            wait_for(lambda: serial("first.test") != before["first"], "the pair that is whole to be taken up")
            self.assertEqual(serial("second.test"), before["second"])
            wait_row(server, str(used["second"][0]), lambda r: r["problem"])
            self.assertRegex(server.log(), "certificate_unusable file=.*second.pem")
            self.assertRegex(server.cli("status").stdout, "second.pem")
            found = json.loads(server.cli("doctor", "--only", "certificate", "--json").stdout)
            self.assertIn("own-certificate-unreadable", [f["rule"] for f in found["findings"]])
            server.signal(signal.SIGHUP)
            wait_for(lambda: server.log().count(" reloaded") == 2, "the reload")
            self.assertEqual(serial("second.test"), before["second"])
            for source, target in zip(issue("pair-mended", ("second.test",)), used["second"]):
                shutil.copy(source, target)
            wait_for(lambda: serial("second.test") != before["second"], "the mended pair")


if __name__ == "__main__":
    unittest.main()
