"""Moving from Postfix and Dovecot: docs/moving.md followed literally, against the real ones; and
`postern import postfix|dovecot` of other configurations, whole and broken."""
import json
import os
import pathlib
import re
import shutil
import stat
import tempfile
import tomllib
import unittest

from harness import HOST, PROGRAM, ROOT, need, run, wait_for
from old_server import OldServer

PAGE = (ROOT / "docs" / "moving.md").read_text()


def section(heading):
    part = PAGE[PAGE.index(f"\n## {heading}\n") + 1:]
    return part.split("\n## ")[0]


def blocks(heading):
    found = re.findall(r"(?ms)^```sh\n(.*?)^```", section(heading))
    assert found, heading
    return found


class Page(unittest.TestCase):
    """The page from top to bottom, and the way back."""

    def paste(self, server, heading):
        said = []
        for block in blocks(heading):
            self.pasted.add(block)
            done = server.paste(block)
            log = server.root / "postern.log"
            # `explain` of a refusal ends with 1, which is what the page wants to see.
            fine = (0, 1) if block.splitlines()[-1].startswith("sudo postern explain") else (0,)
            self.assertIn(done.returncode, fine, f"{block}\n{done.stdout}\n{done.stderr}\n"
                          f"{log.read_text()[-3000:] if log.exists() else ''}\n{server.log('postfix')[-2000:]}"
                          f"{server.log('dovecot')[-2000:]}")
            said.append(done.stdout + done.stderr)
        return said

    def received_by(self, server, subject):
        def there():
            return [p.read_text() for p in (server.root / "var/vmail").rglob("new/*") if f"Subject: {subject}" in p.read_text()]
        mails = wait_for(there, f"the mail {subject}")
        self.assertEqual(len(mails), 1, subject)
        return mails[0]

    def test_the_page(self):
        self.pasted = set()
        with OldServer() as server:
            listed = self.paste(server, "1. Read what would come over")[0]
            for part in ("Do something about these", "Works differently", "Needs nothing", "team@example.com",
                         "reject_unknown_sender_domain", "milter_default_action", "smtpd_banner"):
                self.assertIn(part, listed)
            first = tomllib.loads((server.root / "home/postern-first.toml").read_text())
            self.assertEqual(first["domains"]["local"], ["example.com"])
            self.assertEqual(first["hostname"], "mail.example.com")
            self.assertEqual(first["relay"]["networks"], ["127.0.0.0/8", "::1/128"])
            self.assertEqual(first["backend"], [{"name": "users", "type": "files", "format": "dovecot",
                                                 "path": str(server.root / "etc/dovecot/users"), "scheme": "CRYPT"}])
            self.assertEqual(first["delivery"]["local"], f"lmtp:unix:{server.root}/run/dovecot/lmtp")
            self.assertEqual(first["delivery"]["give_up_after"], "3d")
            self.assertEqual(first["limits"]["message_size"], 26214400)
            self.assertEqual(first["auth"]["mechanisms"], ["PLAIN", "LOGIN"])
            self.assertEqual([(row["address"], row["role"], row["tls"]) for row in first["listener"]],
                             [(f"{HOST}:{server.ports[0]}", "mx", "starttls"),
                              (f"{HOST}:{server.ports[2]}", "submission", "starttls"),
                              (f"{HOST}:{server.ports[1]}", "submission", "implicit")])

            self.paste(server, "2. Run it beside Postfix")
            said = self.paste(server, "3. Compare")
            self.assertIn("relay", said[-1])
            self.assertIn("Postern", self.received_by(server, "by way of Postern"))
            self.assertIn("(Postfix)", self.received_by(server, "by way of Postfix"))
            self.received_by(server, "from outside")

            self.paste(server, "4. Tell Postfix to give up its ports")
            self.paste(server, "5. Switch")
            self.assertIn("Postern", self.received_by(server, "after the switch"))
            # sendmail still works, by the Postfix without ports.
            done = run("/usr/sbin/sendmail", "-C", server.root / "etc/postfix", "-f", "bob@example.com", "bob@example.com",
                       input="Subject: of a program\n\nx\n")
            self.assertEqual(done.returncode, 0, done.stderr)
            wait_for(lambda: any("of a program" in p.read_text() for p in (server.root / "var/vmail").rglob("new/*")),
                     "the mail of a program")
            self.assertIn("is empty", self.paste(server, "6. Let the old queue drain")[0])

            self.paste(server, "The way back")
            for block in blocks("3. Compare")[1:2]:
                done = server.paste(block.replace("by way of Postfix", "back again"))
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertNotIn("Postern", self.received_by(server, "back again"))

            self.paste(server, "Only submission")
            both = self.received_by(server, "by way of both")
            self.assertIn("Postern", both)
            self.assertIn("(Postfix)", both)
            only = tomllib.loads((server.root / "etc/postern/postern.toml").read_text())
            self.assertNotIn("domains", only)
            self.assertEqual({row["role"] for row in only["listener"]}, {"submission"})

            # That part is for who has not switched yet.
            server.paste("sudo cp -p /etc/postfix/master.cf.before-postern /etc/postfix/master.cf")
            shown = self.paste(server, "Where the users are")[0]
            self.assertIn("info@example.com", shown)
            script = (server.root / "home/postern-commands").read_text()
            self.assertIn("postern account send-as add bob@example.com office@example.com", script)
            done = server.paste(blocks("3. Compare")[0].replace("by way of Postern", "taken over"))
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

            self.paste(server, "From a file, or from another machine")
            other = tomllib.loads((server.root / "home/postern-other.toml").read_text())
            self.assertEqual(other["hostname"], "mail.example.com")
            self.assertEqual(other["backend"][0]["type"], "files")
            server.paste("sudo systemctl disable --now postern")
        self.assertEqual(self.pasted, set(re.findall(r"(?ms)^```sh\n(.*?)^```", PAGE)), "every command of the page")


class Translating(unittest.TestCase):
    maxDiff = None

    """Configurations that are read and not run."""

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="postern-import-"))
        self.addCleanup(shutil.rmtree, self.dir, True)

    def write(self, files):
        for name, text in files.items():
            path = self.dir / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace("DIR", str(self.dir)))

    def translate(self, *arguments, code=0):
        done = run(PROGRAM, "import", *arguments, "--json")
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        made = json.loads(done.stdout)
        # What was written is what Postern reads; only files and users of this machine may be missing.
        (self.dir / "made.toml").write_text(made["configuration"].replace("# Made", 'user = ""\n# Made', 1))
        shown = run(PROGRAM, "--config", self.dir / "made.toml", "config", "show")
        self.assertEqual(shown.returncode, 0, made["configuration"] + shown.stderr)
        return tomllib.loads(made["configuration"]), made

    def findings(self, made, name):
        return [f for f in made["not_carried_over"] if f["name"] == name]

    def test_debians_defaults(self):
        need("postconf", "dovecot")
        main = pathlib.Path("/usr/share/postfix/main.cf.debian").read_text() + \
            pathlib.Path("/usr/share/postfix/main.cf.tls").read_text().replace("__", "")
        self.write({"postfix/main.cf": main + "myhostname = host.example.net\nmydestination = $myhostname, example.net, "
                    "localhost\nmyorigin = DIR/mailname\nmynetworks = 127.0.0.0/8 10.0.0.0/8 [::1]/128\n"
                    "home_mailbox = Maildir/\n", "mailname": "example.net\n"})
        shutil.copy("/usr/share/postfix/master.cf.dist", self.dir / "postfix/master.cf")
        shutil.copytree("/usr/share/dovecot", self.dir / "dovecot", symlinks=False)
        config, made = self.translate("postfix", self.dir / "postfix", "--dovecot", self.dir / "dovecot")
        self.assertEqual(config["domains"]["local"], ["host.example.net", "example.net"])
        self.assertEqual(config["backend"], [{"name": "system", "type": "pam", "service": "dovecot",
                                              "domain": "example.net"}])
        self.assertEqual(config["listener"], [{"address": ":25", "role": "mx", "tls": "starttls"}])
        self.assertEqual(config["submission"]["recipient_delimiter"], "")
        wide = [f for f in self.findings(made, "mynetworks") if f["value"] == "10.0.0.0/8"]
        self.assertEqual([f["weight"] for f in wide], ["act"])
        self.assertEqual(self.findings(made, "home_mailbox")[0]["weight"], "act")
        self.assertEqual(self.findings(made, "submission, smtps")[0]["weight"], "act")
        # Each parameter that is set is somewhere.
        for name in re.findall(r"(?m)^(\w+)\s*=", main):
            told = any(f["name"] == name for f in made["not_carried_over"]) or name in made["configuration"]
            self.assertTrue(told or name.endswith("_key_file"), name)

    SQL = "driver = pgsql\nconnect = host=db.example.com dbname=mail user=dovecot password=Very+Secret\n" \
          "default_pass_scheme = SHA512-CRYPT\npassword_query = \\\n  SELECT username AS user, password FROM users \\\n" \
          "  WHERE username = '%n' AND domain = '%d'\n"
    LDAP = "uris = ldaps://ldap.example.com\ndn = cn=dovecot,dc=example,dc=com\ndnpass = Very+Secret\nauth_bind = yes\n" \
           "base = ou=people,dc=example,dc=com\npass_filter = (&(objectClass=person)(mail=%u))\n" \
           "user_filter = (&(objectClass=person)(mail=%u))\npass_attrs = mail=user\n"

    def passdb(self, driver, args):
        self.write({"dovecot/dovecot.conf": f"protocols = imap lmtp\nauth_mechanisms = plain login digest-md5\npassdb {{\n  "
                    f"driver = {driver}\n  args = {args}\n}}\nuserdb {{\n  driver = prefetch\n}}\n"})

    def test_sql(self):
        self.passdb("sql", "DIR/dovecot/dovecot-sql.conf.ext")
        self.write({"dovecot/dovecot-sql.conf.ext": self.SQL})
        config, made = self.translate("dovecot", self.dir / "dovecot")
        self.assertEqual(config["backend"], [{
            "name": "sql", "type": "postgresql", "scheme": "SHA512-CRYPT",
            "connection": "host=db.example.com dbname=mail user=dovecot",
            "password_file": "/etc/postern/postgresql.password",
            "user_query": "SELECT username AS user, password FROM users  WHERE username = split_part($1::text, '@', 1) "
                          "AND domain = split_part($1::text, '@', 2)"}])
        self.assertNotIn("Very+Secret", json.dumps(made))
        self.assertEqual(self.findings(made, "auth_mechanisms")[0]["value"], "DIGEST-MD5")

    def test_ldap(self):
        self.passdb("ldap", "DIR/dovecot/dovecot-ldap.conf.ext")
        self.write({"dovecot/dovecot-ldap.conf.ext": self.LDAP})
        config, made = self.translate("dovecot", self.dir / "dovecot")
        self.assertEqual(config["backend"], [{
            "name": "ldap", "type": "ldap", "urls": ["ldaps://ldap.example.com"], "passwords": "bind",
            "service_dn": "cn=dovecot,dc=example,dc=com", "password_file": "/etc/postern/ldap-password",
            "base": "ou=people,dc=example,dc=com", "filter": "(&(objectClass=person)(mail=%u))"}])
        self.assertNotIn("Very+Secret", json.dumps(made))

    def test_what_has_no_counterpart_is_asked_through_the_socket(self):
        for driver in ("mysql", "sqlite"):
            self.passdb("sql", "DIR/dovecot/dovecot-sql.conf.ext")
            self.write({"dovecot/dovecot-sql.conf.ext": self.SQL.replace("pgsql", driver)})
            config, made = self.translate("dovecot", self.dir / "dovecot")
            self.assertEqual([(b["type"], b["path"]) for b in config["backend"]], [("dovecot", "/run/dovecot/auth-postern")])
            self.assertIn(driver, self.findings(made, "passdb")[0]["why"])
            self.assertIn("unix_listener auth-postern", self.findings(made, "service auth")[0]["why"])

    BROKEN = [
        ("main.cf", "a = b\nnonsense\n", r"main\.cf:2: there is no \"=\""),
        ("main.cf", "a = $b\nb = $a\n", r"main\.cf:1: a leads back to itself"),
        ("main.cf", "a = ${b\n", r"main\.cf:1: a has a \"\{\" that is never closed"),
        ("main.cf", "a = " + "x" * 70000 + "\n", r"main\.cf:1: is longer than 64 KiB"),
        ("master.cf", "smtp inet n\n", r"master\.cf:1: a service has 8 fields"),
        ("master.cf", "smtp inet n - y - - smtpd -o { a = b\n", r"master\.cf:1: a \"\{\" is never closed"),
        ("dovecot.conf", "!include dovecot.conf\n", r"dovecot\.conf:1: .*includes itself"),
        ("dovecot.conf", "\n!include conf.d/*.conf\n", r"dovecot\.conf:2: there is no file"),
        ("dovecot.conf", "!include nowhere.conf\n", r"dovecot\.conf:1: .*nowhere\.conf: No such file"),
        ("dovecot.conf", "passdb {\n  driver = pam\n", r"dovecot\.conf:1: .*never closed"),
        ("dovecot.conf", "}\n", r"dovecot\.conf:1: a \"\}\" without a section"),
        ("dovecot.conf", "a {\n" * 40, r"dovecot\.conf:33: sections are more than"),
        ("dovecot.conf", "dovecot_config_version = 2.4.0\n", r"dovecot\.conf:1: .*2\.4"),
        ("dovecot.conf", "x" * 2000000, r"dovecot\.conf: is larger than 1"),
    ]

    def test_broken_files_are_named_by_their_place(self):
        for name, text, said in self.BROKEN:
            with self.subTest(said=said):
                self.write({"x/main.cf": "", "x/master.cf": "", "x/dovecot.conf": ""})
                self.write({f"x/{name}": text})
                kind = "dovecot" if name == "dovecot.conf" else "postfix"
                done = run(PROGRAM, "import", kind, self.dir / "x")
                self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
                self.assertRegex(done.stderr, said)
        done = run(PROGRAM, "import", "postfix", self.dir / "nowhere")
        self.assertEqual(done.returncode, 2)
        self.assertIn("nowhere: No such file", done.stderr)

    def test_nothing_is_overwritten_unasked(self):
        self.write({"p/main.cf": "myhostname = mx.example.com\n", "p/master.cf": "", "there.toml": "mine\n"})
        done = run(PROGRAM, "import", "postfix", self.dir / "p", "--output", self.dir / "there.toml")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--force", done.stderr)
        self.assertEqual((self.dir / "there.toml").read_text(), "mine\n")
        done = run(PROGRAM, "import", "postfix", self.dir / "p", "--output", self.dir / "there.toml", "--force")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("mx.example.com", (self.dir / "there.toml").read_text())
        done = run(PROGRAM, "import", "postfix", self.dir / "p", "--output", self.dir / "new.toml")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(stat.S_IMODE(os.stat(self.dir / "new.toml").st_mode), 0o640)

    def test_standard_input(self):
        done = run(PROGRAM, "import", "postfix", "-",
                   input="myhostname = mx.example.com\nsmtp inet n - y - - smtpd\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        config = tomllib.loads(done.stdout)
        self.assertEqual((config["hostname"], config["listener"][0]["address"]), ("mx.example.com", ":25"))
        # Users, as ever.
        done = run(PROGRAM, "import")
        self.assertEqual(done.returncode, 2)
        self.assertIn("FILE", done.stderr)


if __name__ == "__main__":
    unittest.main()
