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

if __name__ == "__main__":
    unittest.main()
