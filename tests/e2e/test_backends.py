"""Users of other programs: as back ends, and imported. The configuration is that of docs/backends.md."""
import base64
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import tempfile
import time
import unittest

from harness import ALICE, PASSWORDS, ROOT, SLOW, Postern, need, run, wait_for
from peers import Dovecot, need_root

SESAME = "open-Sesame 1001"
PAGE = (ROOT / "docs" / "backends.md").read_text()


def example(heading):
    """The [[backend]] table below a heading of the manual, as a dictionary."""
    part = PAGE[PAGE.index(f"\n{heading}\n"):]
    block = re.search(r"```toml\n(\[\[backend\]\]\n.*?)```", part, re.S).group(1)
    import tomllib
    return tomllib.loads(block)["backend"][0]


def hashed(scheme, password=SESAME):
    return run("doveadm", "pw", "-s", scheme, "-p", password, check=True).stdout.strip()


def crypt(kind, password=SESAME):
    return run("openssl", "passwd", f"-{kind}", "-stdin", input=password + "\n", check=True).stdout.strip()


class Files(unittest.TestCase):
    def server(self, row, text):
        """A server with that one back end, its file with this text."""
        server = Postern({"auth": {"mechanisms": ["PLAIN", "LOGIN"]}}, accounts=(ALICE,), start=False)
        self.addCleanup(shutil.rmtree, server.dir, True)
        self.addCleanup(server.kill)
        row["path"] = str(server.dir / "users")
        if "domain" in row:
            row["domain"] = "postern.test"
        server.config["backend"] = [row]
        server.write_config()
        self.write(server, text)
        server.start()
        return server

    def write(self, server, text):
        (server.dir / "users.new").write_text(text)
        os.rename(server.dir / "users.new", server.dir / "users")

    def login(self, server, user, password, code=235, status=None):
        with server.session() as wire:
            wire.auth_plain(user, password, code, status)

    def test_dovecots_users_log_in_whatever_their_scheme(self):
        need("doveadm")
        schemes = ["SHA512-CRYPT", "SHA256-CRYPT", "MD5-CRYPT", "BLF-CRYPT", "CRYPT", "ARGON2ID", "ARGON2I", "PBKDF2",
                   "SSHA", "SSHA256", "SSHA512", "SHA", "SHA1", "SHA256", "SHA512", "SMD5", "LDAP-MD5", "PLAIN-MD5",
                   "SCRAM-SHA-1", "SCRAM-SHA-256", "PLAIN", "CLEARTEXT", "SHA256.HEX", "SSHA512.B64"]
        known = run("doveadm", "pw", "-l", check=True).stdout.split()
        schemes = [s for s in schemes if s.split(".")[0] in known]
        lines = [f"u{i}@postern.test:{hashed(s)}:1000:1000::/home/u{i}::quota_rule=*:storage=1G"
                 for i, s in enumerate(schemes)]
        server = self.server(example("### Dovecot's passwd-file"), "\n".join(lines) + "\n")
        for i, scheme in enumerate(schemes):
            with self.subTest(scheme=scheme):
                self.login(server, f"u{i}@postern.test", SESAME)
                self.login(server, f"u{i}@postern.test", SESAME + "x", 535, "5.7.8")
        self.login(server, "nobody@postern.test", SESAME, 535, "5.7.8")
        # The accounts of the database are there as ever.
        self.login(server, ALICE, PASSWORDS[ALICE])
        # They send as themselves only, and get mail.
        with server.session() as wire:
            wire.auth_plain("u0@postern.test", SESAME)
            wire.say("MAIL FROM:<u1@postern.test>", 550, "5.7.1")
            wire.say("MAIL FROM:<u0@postern.test>", 250)
            wire.say("RCPT TO:<u2@postern.test>", 250)
            wire.say("RCPT TO:<nobody@postern.test>", 550)
            wire.say("DATA", 354)
            wire.send("From: u0@postern.test\r\nSubject: x\r\n\r\nfrom a file\r\n.\r\n")
            wire.expect(250)
        server.wait_mail("u2@postern.test", "from a file")
        status = json.loads(server.cli("status", "--json", check=True).stdout)
        self.assertEqual(status["backends"], [{"name": "dovecot", "type": "files", "up": True,
                                               "detail": f"{len(schemes)} users"}])
        server.stop()

    def test_a_changed_file_counts_at_once_and_a_bad_one_never(self):
        row = example("### Dovecot's passwd-file")
        server = self.server(row, f"ann@postern.test:{crypt('6')}\nbob@postern.test:{crypt('5')}\n")
        self.login(server, "ann@postern.test", SESAME)
        self.write(server, f"ann@postern.test:{crypt('6', 'another-Pass 2')}\n")
        server.wait_log(r"backend_read .*users=1\b")
        self.login(server, "ann@postern.test", "another-Pass 2")
        self.login(server, "ann@postern.test", SESAME, 535)
        self.login(server, "bob@postern.test", SESAME, 535)
        self.write(server, f"ann@postern.test:{crypt('6')}\nthis is no line\n")
        server.wait_log(r"backend_not_read .*line 2: .*still_in_force=(true|yes)")
        self.login(server, "ann@postern.test", "another-Pass 2")
        (server.dir / "users").unlink()
        server.wait_log(r"backend_not_read .*No such file")
        self.login(server, "ann@postern.test", "another-Pass 2")
        self.write(server, f"cid@postern.test:{crypt('6')}\n")
        wait_for(lambda: "1 users" in server.cli("status").stdout.split("dovecot")[-1]
                 and "as read before" not in server.cli("status").stdout, "the new file")
        self.login(server, "cid@postern.test", SESAME)
        server.stop()

    def test_a_file_that_is_not_there_is_an_outage(self):
        server = self.server(example("### Dovecot's passwd-file"), "")
        server.stop()
        (server.dir / "users").unlink()
        server.start()
        self.login(server, "ann@postern.test", SESAME, 454, "4.7.0")
        self.login(server, ALICE, PASSWORDS[ALICE])
        self.assertIn("down: ", server.cli("status").stdout)
        self.write(server, f"ann@postern.test:{crypt('6')}\n")
        server.wait_log(r"backend_read .*users=1\b")
        self.login(server, "ann@postern.test", SESAME)
        server.stop()

    def test_htpasswd(self):
        text = f"ann:{crypt('apr1')}\n"
        if shutil.which("doveadm"):
            text += f"bob:{hashed('BLF-CRYPT').removeprefix('{BLF-CRYPT}')}\ncid:{hashed('SHA')}\n"
        server = self.server(example("### htpasswd"), text)
        for line in text.splitlines():
            name = line.split(":")[0]
            self.login(server, name, SESAME)
            self.login(server, f"{name}@postern.test", SESAME)
            self.login(server, name, SESAME + "x", 535)
        server.stop()

    def test_shadow(self):
        hash6 = crypt("6")
        server = self.server(example("### shadow"),
                             f"root:*:19000:0:99999:7:::\nann:{hash6}:19000:0:99999:7:::\n"
                             f"off:!{hash6}:19000:0:99999:7:::\nold:{hash6}:19000:0:99999:7::19001:\n")
        self.login(server, "ann", SESAME)
        self.login(server, "off", SESAME, 535, "5.7.8")
        self.login(server, "root", "*", 535, "5.7.8")
        self.login(server, "old", SESAME, 525, "5.7.13")
        server.stop()


def need_root():
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root")


class Asked(unittest.TestCase):
    """Programs that are asked for each log-in."""

    def server(self, row, **more):
        server = Postern({"auth": {"mechanisms": ["PLAIN", "LOGIN"], "cache_life": "0s"},
                          "backend": [{**row, **more}]}, accounts=(ALICE,))
        self.addCleanup(shutil.rmtree, server.dir, True)
        self.addCleanup(server.kill)
        return server

    def login(self, server, user, password, code=235, status=None):
        with server.session() as wire:
            wire.auth_plain(user, password, code, status)


class PamService:
    """The real libpam, with a service of our own: pam_exec gives each password to a script."""

    def __init__(self):
        need_root()
        if not os.path.isdir("/etc/pam.d"):
            raise unittest.SkipTest("no PAM here")
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="postern-pam-"))
        self.name = f"postern-e2e-{os.getpid()}"
        self.service = pathlib.Path("/etc/pam.d", self.name)
        script = self.dir / "check"
        script.write_text(f"""#!/bin/sh
            password=$(tr -d '\\0')
            while [ -e {self.dir}/hang ]; do sleep 0.1; done
            case $PAM_USER in root|ann|off) ;; *) exit 1;; esac
            [ "$password" = "{SESAME}" ]
            """)
        script.chmod(0o755)
        account = self.dir / "account"
        account.write_text('#!/bin/sh\n[ "$PAM_USER" != off ]\n')
        account.chmod(0o755)
        # pam_exec itself would say "system error" for whatever the script doesn't like.
        self.rules = "".join(f"{kind} [success=1 default=ignore] pam_exec.so {options} {program}\n"
                             f"{kind} requisite pam_deny.so\n{kind} required pam_permit.so\n"
                             for kind, options, program in (("auth", "expose_authtok quiet", script),
                                                            ("account", "quiet", account)))
        self.start()

    def start(self):
        self.service.write_text(self.rules)

    def stop(self):
        """Without one of its modules it can't tell."""
        self.service.write_text("auth required pam_no_such_module.so\n")

    def halt(self):
        (self.dir / "hang").touch()

    def go_on(self):
        (self.dir / "hang").unlink(missing_ok=True)

    def close(self):
        self.go_on()
        self.service.unlink(missing_ok=True)
        shutil.rmtree(self.dir, True)


class Pam(Asked):
    def setUp(self):
        self.pam = PamService()
        self.addCleanup(self.pam.close)

    def row(self):
        return {**example("## pam"), "domain": "postern.test", "service": self.pam.name, "timeout": "3s"}

    def test_users_of_pam(self):
        server = self.server(self.row())
        for name in ("ann", "ann@postern.test", "ANN@postern.test"):
            self.login(server, name, SESAME)
        self.login(server, "ann", SESAME + "x", 535, "5.7.8")
        self.login(server, "nobody", SESAME, 535, "5.7.8")
        self.login(server, "ann@elsewhere.test", SESAME, 535, "5.7.8")
        self.login(server, "off", SESAME, 525, "5.7.13")
        self.login(server, "off", SESAME + "x", 535, "5.7.8")
        self.login(server, ALICE, PASSWORDS[ALICE])
        with server.session() as wire:
            wire.auth_plain("ann", SESAME)
            wire.say("MAIL FROM:<alice@postern.test>", 550, "5.7.1")
            wire.say("MAIL FROM:<ann@postern.test>", 250)
            wire.say(f"RCPT TO:<{ALICE}>", 250)
            wire.say("RCPT TO:<root@postern.test>", 250)  # the system knows that one
            wire.say("RCPT TO:<no-such-user@postern.test>", 550)
        status = json.loads(server.cli("status", "--json", check=True).stdout)["backends"]
        self.assertEqual([(b["name"], b["type"], b["up"]) for b in status], [("system", "pam", True)])
        server.stop()

    def test_a_pam_that_hangs_or_fails_is_an_outage(self):
        server = self.server(self.row(), timeout="1s", threads=2)
        self.pam.halt()
        began = time.monotonic()
        self.login(server, "ann", SESAME, 454, "4.7.0")
        self.assertLess(time.monotonic() - began, 8 * SLOW)
        self.login(server, ALICE, PASSWORDS[ALICE])
        self.assertIn("down: ", server.cli("status").stdout)
        self.pam.go_on()
        self.login(server, "ann", SESAME)
        self.assertIn("up: ", server.cli("status").stdout)
        self.pam.stop()
        self.login(server, "ann", SESAME, 454, "4.7.0")
        server.wait_log("backend_down")
        # What still hangs must not keep the server from ending.
        self.pam.start()
        self.pam.halt()
        self.login(server, "ann", SESAME, 454, "4.7.0")
        server.stop()


class DovecotAuth(Dovecot):
    """A real Dovecot that only authenticates."""

    def __init__(self, users, extra=""):
        need("doveadm")
        super().__init__(lambda self: self.only_auth(extra), "")
        (self.dir / "users").write_text(users)
        (self.dir / "users").chmod(0o644)
        self.start()

    def only_auth(self, extra):
        self.auth, self.users = self.dir / "auth-postern", self.dir / "postern-userdb"
        return f"""
            auth_mechanisms = plain
            auth_failure_delay = 0
            mail_location = maildir:{self.dir}/mail/%u
            passdb {{
              driver = passwd-file
              args = {self.dir}/users
            }}
            userdb {{
              driver = passwd-file
              args = {self.dir}/users
              default_fields = uid=dovecot gid=dovecot home={self.dir}/mail
            }}
            service auth {{
              unix_listener {self.auth} {{
                mode = 0600
              }}
              unix_listener {self.users} {{
                mode = 0600
              }}
            }}
            {extra}
            """

    def is_up(self):
        return self.auth.exists() and self.users.exists()

    def stop(self):
        # Left alone, it would go on serving who is connected.
        serving = self.auth_processes() if self.process is not None else []
        super().stop()
        for pid in serving:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def halt(self):
        self.halted = self.auth_processes()
        assert self.halted
        for pid in self.halted:
            os.kill(pid, signal.SIGSTOP)

    def go_on(self):
        for pid in self.halted:
            os.kill(pid, signal.SIGCONT)

    def auth_processes(self):
        """Its auth process, to be stopped and continued."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    fields = (entry / "stat").read_text().rsplit(")", 1)
                    if int(fields[1].split()[1]) == self.process.pid and "(auth" in fields[0]:
                        found.append(int(entry.name))
                except (OSError, IndexError):
                    continue
        return found


class AskedDovecot(Asked):
    USERS = ("ann@postern.test:{{PLAIN}}{0}::::::\n"
             "bob@postern.test:{{PLAIN}}{0}::::::\n"
             "off@postern.test:{{PLAIN}}{0}::::::nologin=yes\n")

    def row(self, dovecot):
        return {**example("## dovecot"), "path": dovecot.auth, "users": dovecot.users, "timeout": "2s"}

    def test_users_of_dovecot(self):
        with DovecotAuth(self.USERS.format(SESAME)) as dovecot:
            server = self.server(self.row(dovecot))
            self.login(server, "ann@postern.test", SESAME)
            self.login(server, "ANN@postern.test", SESAME)
            self.login(server, "ann@postern.test", SESAME + "\t\u00fc", 535, "5.7.8")
            self.login(server, "nobody@postern.test", SESAME, 535, "5.7.8")
            self.login(server, "off@postern.test", SESAME, 525, "5.7.13")
            self.login(server, "off@postern.test", SESAME + "x", 535, "5.7.8")
            self.login(server, ALICE, PASSWORDS[ALICE])
            with server.session() as wire:
                wire.auth_login("ann@postern.test", SESAME)
                wire.say("MAIL FROM:<bob@postern.test>", 550, "5.7.1")
                wire.say("MAIL FROM:<ann+shop@postern.test>", 250)
                wire.say("RCPT TO:<bob@postern.test>", 250)
                wire.say("RCPT TO:<bob+x@postern.test>", 250)
                wire.say("RCPT TO:<nobody@postern.test>", 550)
                wire.say("DATA", 354)
                wire.send("From: ann@postern.test\r\nSubject: x\r\n\r\nby way of Dovecot\r\n.\r\n")
                wire.expect(250)
            wait_for(lambda: any(b"by way of Dovecot" in m for m in server.mailbox("bob@postern.test")), "the mail")
            status = json.loads(server.cli("status", "--json", check=True).stdout)["backends"]
            self.assertEqual([(b["name"], b["up"]) for b in status], [("imap", True)])
            server.stop()

    def test_a_dovecot_that_is_not_there_is_an_outage(self):
        server = self.server({**example("## dovecot"), "path": "/nonexistent/auth", "users": "/nonexistent/userdb"})
        self.login(server, "ann@postern.test", SESAME, 454, "4.7.0")
        self.login(server, ALICE, PASSWORDS[ALICE])
        with server.session(login=ALICE) as wire:
            wire.say(f"MAIL FROM:<{ALICE}>", 250)
            wire.say("RCPT TO:<ann@postern.test>", 451)
            wire.say(f"RCPT TO:<{ALICE}>", 250)
        server.stop()


class Import(unittest.TestCase):
    def test_files_of_other_programs(self):
        with Postern(accounts=()) as server:
            def run_import(text, *options, code=0):
                done = server.cli("import", "-", *options, input=text)
                self.assertEqual(done.returncode, code, done.stdout + done.stderr)
                return done.stdout + done.stderr
            said = run_import(f"ann:{crypt('apr1')}\nbob:{{SHA}}{base64.b64encode(b'x' * 20).decode()}\n",
                              "--format", "htpasswd", "--domain", "postern.test")
            self.assertIn("2 accounts imported", said)
            said = run_import(f"root:*:1::::::\ncid:{crypt('6')}:19000:0:99999:7:::\n", "--format", "shadow", "--domain",
                              "postern.test")
            self.assertIn("1 accounts imported", said)
            for name in ("ann", "cid"):
                with server.session() as wire:
                    wire.auth_plain(f"{name}@postern.test", SESAME)
            # All or none, bad lines named.
            said = run_import(f"dan@postern.test:{crypt('6')}\neva:{crypt('6')}\nfay@postern.test:abJnggxhB/yWI\n", code=2)
            self.assertIn("line 2: ", said)
            self.assertIn("line 3: ", said)
            self.assertNotIn("dan@", server.cli("account", "list").stdout)
            # After the log-in the hash becomes one of ours, and importing again leaves that alone.
            wait_for(lambda: "argon2id" in server.cli("account", "show", "cid@postern.test").stdout, "the upgrade")

    def test_hashes_stay_where_upgrades_are_off(self):
        with Postern({"auth": {"upgrade_hashes": False}}, accounts=()) as server:
            server.cli("import", "-", input=f"ann@postern.test:{crypt('6')}\n", check=True)
            with server.session() as wire:
                wire.auth_plain("ann@postern.test", SESAME)
            wait_for(lambda: "SCRAM keys" in server.cli("account", "show", "ann@postern.test").stdout, "SCRAM keys")
            self.assertIn("$6$", server.cli("account", "show", "ann@postern.test").stdout)


class Page(unittest.TestCase):
    def test_every_example_of_the_manual_is_a_valid_configuration(self):
        blocks = re.findall(r"```toml\n(.*?)```", PAGE, re.S)
        self.assertGreaterEqual(len(blocks), 4)
        with Postern(accounts=(), start=False) as server:
            for block in blocks:
                (server.dir / "one.toml").write_text('user = ""\n' + block)
                done = run(os.environ.get("POSTERN"), "--config", server.dir / "one.toml", "config", "check")
                self.assertNotEqual(done.returncode, 2, block + done.stderr)


if __name__ == "__main__":
    unittest.main()
