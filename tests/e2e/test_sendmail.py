"""`postern sendmail`: programs that send by the classic program's options, unchanged."""
import os
import pathlib
import shutil
import stat
import subprocess
import tempfile
import unittest

from harness import ALICE, BOB, HOST, NAME, PROGRAM, ROOT, Postern, Sink, message, need, run, token, wait_for

NOBODY = 65534


class Sendmail(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sink = Sink({"RCPT nobody@remote.test": "550 5.1.1 No such user"})
        cls.addClassCleanup(cls.sink.close)
        # Where other users may look into.
        cls.dir = pathlib.Path(tempfile.mkdtemp(prefix="postern-sendmail-"))
        cls.addClassCleanup(shutil.rmtree, cls.dir, True)
        cls.dir.chmod(0o755)
        cls.socket = cls.dir / "socket"
        cls.server = Postern({"sendmail": {"socket": cls.socket, "domain": "postern.test"},
                              "delivery": {"smart_host": f"{HOST}:{cls.sink.port}"}})
        cls.addClassCleanup(cls.server.__exit__, None, None, None)
        # The same for all users: only what the program needs.
        cls.public = cls.dir / "postern.toml"
        cls.public.write_text(f'hostname = "{NAME}"\n[sendmail]\nsocket = "{cls.socket}"\ndomain = "postern.test"\n')
        for name in ("sendmail", "mailq", "newaliases"):
            (cls.dir / name).symlink_to(PROGRAM)

    def sendmail(self, *options, text, status=0, program=("sendmail",), user=None):
        command = [str(self.dir / program[0]) if program == ("sendmail",) else program[0], *program[1:], *options]
        done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=60, user=user, cwd="/",
                              env={**os.environ, "POSTERN_CONFIG": str(self.public)})
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout.decode(), done.stderr.decode()

    def mail_of(self, address, text):
        return self.server.wait_mail(address, text).decode(errors="replace").replace("\r\n", "\n")

    def test_as_php_does(self):
        mark = token()
        self.sendmail("-t", "-i", text=f"To: {ALICE}\nBcc: {BOB}\nSubject: {mark}\n\nHello.\n.\nMore.\n")
        for who in (ALICE, BOB):
            mail = self.mail_of(who, mark)
            self.assertIn("\n.\nMore.\n", mail)
            self.assertNotIn("Bcc:", mail)
            self.assertRegex(mail, r"(?m)^Date: ")
            self.assertRegex(mail, r"(?m)^Message-ID: <")
            self.assertRegex(mail, r"(?m)^From: .*@postern\.test>?$")
            self.assertRegex(mail, rf"(?m)^Received: by {NAME} \(Postern, from user 0\) with ESMTP$")
        self.server.wait_log(r'rule="?allowed-program|event="?accepted.*client="?user 0|accepted .*user 0')

    def test_as_cron_does(self):
        run(PROGRAM, "--config", self.server.file, "account", "alias", "add", ALICE, "root@postern.test", check=True)
        mark = token()
        self.sendmail("-i", "-FCronDaemon", "-B8BITMIME", "-oem", "root",
                      text=f"From: root (Cron Daemon)\nTo: root\nSubject: Cron {mark}\n\nno such file: ä\n")
        mail = self.mail_of(ALICE, mark)
        self.assertIn("From: root@postern.test (Cron Daemon)\n", mail)
        self.assertIn("To: root@postern.test\n", mail)
        self.assertIn("no such file: ä\n", mail)

    def test_as_git_does(self):
        need("git")
        mark = token()
        repository = self.dir / f"git-{mark}"
        patch = repository / "0001.patch"
        repository.mkdir()
        patch.write_text(f"From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\nFrom: Alice <{ALICE}>\n"
                         f"Date: Thu, 26 Nov 2026 09:00:00 +0000\nSubject: [PATCH] {mark}\n\nBody.\n---\n")
        if run("git", "send-email", "--help").returncode:
            self.skipTest("git send-email is not installed")
        run("git", "-c", "user.name=Alice", "-c", f"user.email={ALICE}", "-c", "sendemail.confirm=never", "send-email",
            f"--sendmail-cmd={self.dir / 'sendmail'} -i", f"--to={BOB}", "--suppress-cc=all", "--quiet", patch, check=True,
            cwd=repository, env={"POSTERN_CONFIG": str(self.public), "HOME": str(repository),
                                 "GIT_CEILING_DIRECTORIES": str(self.dir)})
        self.assertIn("Body.", self.mail_of(BOB, mark))

    def test_php_itself(self):
        need("php")
        mark = token()
        code = f'exit(mail("{ALICE}", "{mark}", "Hello from PHP", "From: web@postern.test") ? 0 : 1);'
        run("php", "-d", f"sendmail_path={self.dir / 'sendmail'} -t -i", "-r", code, check=True,
            env={"POSTERN_CONFIG": str(self.public)})
        self.assertIn("Hello from PHP", self.mail_of(ALICE, mark))

    def test_another_user_is_named(self):
        mark = token()
        copy = self.dir / f"copy-{mark}"
        shutil.copy(PROGRAM, copy)
        copy.chmod(0o755)
        self.sendmail("-t", text=f"To: x@remote.test\nSubject: {mark}\n\nHi.\n", program=(copy, "sendmail"), user=NOBODY)
        copy.unlink()
        seen = self.sink.wait(mark)
        self.assertIn(f"from user {NOBODY})", str(seen))

    def test_outside_and_sender(self):
        mark = token()
        self.sendmail("-f", "web@postern.test", "-F", "The web", "x@remote.test", "y@remote.test",
                      text=f"Subject: {mark}\n\nHi.\n")
        self.assertIn("From: The web <web@postern.test>", str(self.sink.wait(mark)))

    def test_refusals_have_a_status_and_a_reason(self):
        mark = token()
        _, said = self.sendmail(f"nobody-{mark}@postern.test", BOB, text=f"Subject: {mark}\n\nHi.\n", status=67)
        self.assertIn("550 5.1.1", said)
        self.mail_of(BOB, mark)  # the other one has it
        for options, text, status, words in (
                ((), "x\n", 64, "whom is it for"),
                (("-t",), "Subject: x\n\n", 66, "no recipient"),
                (("-t",), "To: a@b.example <\n\n", 65, "To"),
                (("two words",), "x\n", 64, "not a mail address"),
                (("-bd",), "", 64, "postern serve"),
                (("-Z",), "", 64, "-Z")):
            with self.subTest(options=options):
                _, said = self.sendmail(*options, text=text, status=status)
                self.assertIn(words, said)

    def test_without_a_server(self):
        alone = self.dir / "alone.toml"
        alone.write_text(f'hostname = "{NAME}"\n[sendmail]\nsocket = "{self.dir}/nobody-listens"\n')
        _, said = self.sendmail("-C", alone, ALICE, text="x\n", status=75)
        self.assertIn("systemctl start postern", said)

    def test_smtp_on_standard_input(self):
        mark = token()
        text = (f"EHLO me.example\r\nMAIL FROM:<{BOB}>\r\nRCPT TO:<{ALICE}>\r\nDATA\r\nSubject: {mark}\r\n\r\nHi.\r\n.\r\n"
                "QUIT\r\n")
        said, _ = self.sendmail("-bs", text=text)
        self.assertIn("\r\n250 2.0.0 ", said)
        self.assertNotIn("AUTH", said)
        self.assertNotIn("STARTTLS", said)
        self.mail_of(ALICE, mark)

    def test_queue_by_its_old_names(self):
        config = ("-C", str(self.server.file))
        # What other tests sent may still be on its way.
        wait_for(lambda: "Nothing is on its way." in run(self.dir / "mailq", *config, check=True).stdout,
                 "the queue to be empty")
        run(self.dir / "sendmail", *config, "-q", check=True)
        run(self.dir / "newaliases", check=True)

    def test_status_shows_the_socket(self):
        self.assertIn(f"unix:{self.socket}", self.server.cli("status", check=True).stdout)

    def test_who_may_open_it(self):
        self.assertEqual(stat.S_IMODE(os.stat(self.socket).st_mode), 0o666)
        with Postern({"sendmail": {"socket": self.dir / "closed", "mode": "0600"}}) as server:
            self.assertEqual(stat.S_IMODE(os.stat(self.dir / "closed").st_mode), 0o600)
            # A second server on it says what is in the way.
            with Postern({"sendmail": {"socket": self.dir / "closed"}}, start=False) as second:
                done = second.cli("serve")
                self.assertEqual(done.returncode, 2)
                self.assertIn("in use by another program", done.stderr)
            server.stop()
        self.assertFalse((self.dir / "closed").exists())

    def test_the_manual(self):
        text = (ROOT / "docs" / "sendmail.md").read_text()
        for block in text.split("```toml\n")[1:]:
            file = self.dir / "manual.toml"
            file.write_text(f'hostname = "{NAME}"\nuser = ""\n' + block.split("```")[0])
            run(PROGRAM, "--config", file, "config", "check", check=True)


if __name__ == "__main__":
    unittest.main()
