"""The commands, against a running server and without one; the manual pages that must agree
with the program."""
import json
import os
import pathlib
import pty
import re
import select
import stat
import subprocess
import tempfile
import threading
import unittest

from harness import ALICE, BOB, HOST, PASSWORDS, PROGRAM, ROOT, SLOW, Postern, run, wait_for


def send(server, sender=ALICE, recipient=BOB, text="hello"):
    """One mail through the server; its queue id."""
    with server.session(login=sender) as wire:
        wire.say(f"MAIL FROM:<{sender}>", 250)
        wire.say(f"RCPT TO:<{recipient}>", 250)
        wire.say("DATA", 354)
        wire.send(f"From: {sender}\r\nSubject: {text}\r\n\r\n{text}\r\n.\r\n")
        return re.search(r"\bQ[0-9A-Z]{12}\b", wire.expect(250).text).group()


class Manual(unittest.TestCase):
    def test_the_reference_of_the_configuration_is_what_the_program_says(self):
        written = (ROOT / "docs" / "configuration.md").read_text()
        said = run(PROGRAM, "config", "reference", check=True).stdout
        self.assertEqual(said, written, "postern config reference > docs/configuration.md")

    def commands(self, *group):
        text = run(PROGRAM, *group, "--help", check=True).stdout
        return re.findall(r"^  ([a-z-]+) +\S", text[text.index("Subcommands:"):], re.M)

    def test_every_command_stands_in_the_manual(self):
        manual = (ROOT / "docs" / "commands.md").read_text()
        page = (ROOT / "packaging" / "postern.1").read_text()
        for command in self.commands():
            self.assertIn(f"## {command}\n", manual)
            self.assertRegex(page, rf"(?m)^\.It (Xo )?Ic {command}\b")
        for group in ("account", "domain", "queue", "config"):
            for command in self.commands(group):
                self.assertRegex(manual, rf"`{group} (\w+\\?\|)*{command}\b|{group} {command}\b|`{command}`")

    def test_the_links_of_the_manual(self):
        for page in (ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")):
            for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
                self.assertTrue((page.parent / target).exists(), f"{page.name}: {target}")


class Running(unittest.TestCase):
    """Commands take effect in the running server at once."""

    @classmethod
    def setUpClass(cls):
        # Port 1 of this machine takes no connection: mail to elsewhere waits in the queue.
        cls.server = Postern({"delivery": {"smart_host": f"{HOST}:1", "retry": ["1h"]}})

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None, None, None)

    def ask(self, *arguments, code=0, **options):
        done = self.server.cli(*arguments, "--json", **options)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def test_the_socket_is_for_its_owner(self):
        mode = os.stat(self.server.dir / "data" / "control.sock").st_mode
        self.assertTrue(stat.S_ISSOCK(mode))
        self.assertEqual(mode & 0o777, 0o600)

    def test_status(self):
        status = self.ask("status")
        self.assertEqual(status["pid"], self.server.process.pid)
        self.assertEqual([row["address"] for row in status["listeners"]],
                         [f"{HOST}:{port}" for port in self.server.ports()])
        with self.server.session():
            self.assertGreaterEqual(self.ask("status")["sessions"], 1)

    def test_smtp_auth_is_switched_at_once(self):
        with self.server.session(login=ALICE):
            pass  # so that the credentials are in every cache
        self.ask("account", "smtp-auth", ALICE, "off")
        try:
            with self.server.session() as wire:
                self.assertEqual(wire.auth_plain(ALICE, PASSWORDS[ALICE], None).code, 535)
        finally:
            self.ask("account", "smtp-auth", ALICE, "on")
        with self.server.session(login=ALICE):
            pass

    def test_a_domain_and_an_alias(self):
        def answer(recipient):
            with self.server.session(self.server.mx, tls=False) as wire:
                wire.say("MAIL FROM:<stranger@remote.test>", 250)
                return wire.say(f"RCPT TO:<{recipient}>").code
        self.assertEqual(answer("info@added.test"), 550)
        self.ask("domain", "add", "added.test")
        self.ask("account", "alias", "add", BOB, "info@added.test")
        self.assertEqual(answer("info@added.test"), 250)
        self.ask("account", "alias", "remove", BOB, "info@added.test")
        self.ask("domain", "remove", "added.test")
        self.assertEqual(answer("info@added.test"), 550)

    def test_the_queue(self):
        queue_id = send(self.server, recipient="someone@remote.test", text="waits")
        rows = {row["queue_id"]: row for row in self.ask("queue", "list")}
        self.assertEqual(rows[queue_id]["reverse_path"], ALICE)
        recipient, = rows[queue_id]["recipients"]
        self.assertEqual(recipient["forward_path"], "someone@remote.test")
        self.assertLessEqual({"forward_path", "state", "attempts", "next_attempt", "last_reply"}, recipient.keys())
        self.assertIn("Subject: waits", self.server.cli("queue", "show", queue_id.lower(), check=True).stdout)

        def attempts():
            return self.ask("queue", "show", queue_id)["recipients"][0]["attempts"]
        wait_for(lambda: attempts() >= 1, "the first attempt")
        before = attempts()
        self.ask("queue", "retry", queue_id)
        wait_for(lambda: attempts() > before, "the attempt that was asked for")
        self.ask("queue", "hold", queue_id)
        self.assertTrue(self.ask("queue", "show", queue_id)["held"])
        self.ask("queue", "release", queue_id)
        self.ask("queue", "remove", queue_id)
        done = self.server.cli("queue", "show", queue_id)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertEqual([e["event"] for e in self.ask("why", queue_id)["events"] if e["event"] == "queue_remove"],
                         ["queue_remove"])

    def test_why_a_refusal(self):
        with self.server.session(login=ALICE) as wire:
            reply = wire.say("MAIL FROM:<boss@postern.test>", 550)
        word = re.search(r"\((\w{12}\.\d+)\)", reply.text).group(1)
        story = self.ask("why", word)
        refused, = [e for e in story["events"] if e["event"] == "refused"]
        self.assertEqual(refused["rule"], "sender-not-owned")
        self.assertEqual(refused["account"], ALICE)
        self.assertTrue(refused["remedy"]["operator"])
        self.assertEqual([e["time"] for e in story["events"]], sorted(e["time"] for e in story["events"]))
        told = self.server.cli("why", f"({word})", check=True).stdout
        self.assertIn("sender-not-owned", told)
        self.assertIn(refused["remedy"]["what"], told)
        self.assertNotIn(PASSWORDS[ALICE], told)

    def test_why_a_message(self):
        queue_id = send(self.server, text="a story")
        wait_for(lambda: "delivered" in [e["event"] for e in self.ask("why", queue_id)["events"]], "the delivery")
        events = [e["event"] for e in self.ask("why", queue_id)["events"]]
        self.assertLess(events.index("login"), events.index("accepted"))
        self.assertLess(events.index("accepted"), events.index("delivered"))

    def test_explain_says_what_a_session_gets(self):
        asked = self.ask("explain", "--as", ALICE, "--from", "boss@postern.test", "--to", BOB, code=1)
        with self.server.session(login=ALICE) as wire:
            got = wire.say("MAIL FROM:<boss@postern.test>", 550)
        self.assertEqual((asked["reply"]["code"], asked["reply"]["status"]), (got.code, got.status))
        self.assertIn(asked["reply"]["text"], got.text)
        self.assertTrue(asked["flip"])

        asked = self.ask("explain", "--from", "x@remote.test", "--to", "y@remote.test", "--client", HOST,
                         "--listener", str(self.server.mx), code=1)
        with self.server.session(self.server.mx, tls=False) as wire:
            wire.say("MAIL FROM:<x@remote.test>", 250)
            got = wire.say("RCPT TO:<y@remote.test>", 550)
        self.assertEqual(asked["rule"], "relay-needs-login")
        self.assertIn(asked["reply"]["text"], got.text)
        self.assertEqual(self.ask("explain", "--as", ALICE, "--to", "y@remote.test")["verdict"], "accept")

    def test_an_import_in_the_running_server(self):
        with tempfile.NamedTemporaryFile("w", suffix=".users") as file:
            file.write("carla@postern.test:{PLAIN}imported-Secret-7\n")
            file.flush()
            self.ask("account", "import", file.name)
        self.server.secrets.add(("carla@postern.test", "imported-Secret-7"))
        with self.server.session(login="carla@postern.test"):
            pass
        self.ask("account", "remove", "carla@postern.test")

    def test_many_commands_at_once(self):
        failed = []

        def work(n):
            for _ in range(5):
                done = self.server.cli("account", "show", ALICE if n % 2 else BOB, "--json")
                if done.returncode:
                    failed.append(done.stderr)
        threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(failed, [])


class Alone(unittest.TestCase):
    """Commands that work on the files themselves."""

    def setUp(self):
        self.server = Postern(start=False, accounts=(ALICE,))

    def tearDown(self):
        self.server.__exit__(None, None, None)

    def test_without_a_server(self):
        self.assertEqual(self.server.cli("status").returncode, 1)
        self.assertEqual(json.loads(self.server.cli("queue", "list", "--json", check=True).stdout), [])
        # Several at once wait for each other.
        pending = [subprocess.Popen([PROGRAM, "--config", self.server.file, "domain", "add", f"d{n}.test"],
                                    stdout=subprocess.DEVNULL) for n in range(5)]
        self.assertEqual([p.wait(60 * SLOW) for p in pending], [0] * 5)
        listed = json.loads(self.server.cli("domain", "list", "--json", check=True).stdout)
        self.assertEqual(len(listed), 6)

    def test_a_generated_password_works(self):
        made = json.loads(self.server.cli("account", "add", BOB, "--generate", "--json", check=True).stdout)
        self.assertGreaterEqual(len(made["password"]), 20)
        self.server.secrets.add((BOB, made["password"]))
        self.server.start()
        with self.server.session() as wire:
            wire.auth_plain(BOB, made["password"])

    def test_a_password_file(self):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(PASSWORDS[BOB] + "\r\nmore\n")
            file.flush()
            self.server.cli("account", "add", BOB, "--password-file", file.name, check=True)
        self.server.secrets.add((BOB, PASSWORDS[BOB]))
        self.server.start()
        with self.server.session(login=BOB):
            pass

    def at_terminal(self, *arguments, typed):
        """Runs a command with a terminal of its own; its exit status and all that the terminal showed."""
        child, terminal = pty.fork()
        if child == 0:
            os.execv(PROGRAM, [PROGRAM, "--config", str(self.server.file), *arguments])
        shown = b""
        waiting = list(typed)
        while True:
            try:
                if not select.select([terminal], [], [], 30 * SLOW)[0]:
                    break
                piece = os.read(terminal, 4096)
            except OSError:
                break
            if not piece:
                break
            shown += piece
            while waiting and shown.count(b": ") > len(typed) - len(waiting):
                os.write(terminal, waiting.pop(0).encode() + b"\n")
        os.close(terminal)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode()

    def test_a_prompt_that_shows_nothing(self):
        secret = "typed-at-a-terminal"
        status, shown = self.at_terminal("account", "add", BOB, typed=[secret, secret])
        self.assertEqual(status, 0, shown)
        self.assertNotIn(secret, shown)
        status, shown = self.at_terminal("account", "password", BOB, typed=[secret, "something else"])
        self.assertEqual(status, 2, shown)
        self.assertIn("differ", shown)
        self.server.secrets.add((BOB, secret))
        self.server.start()
        with self.server.session() as wire:
            wire.auth_plain(BOB, secret)

    def test_an_import_names_its_bad_lines_and_changes_nothing(self):
        lines = "bob@postern.test:{PLAIN}good-enough-1\nno colon here\n:{PLAIN}x\n"
        done = self.server.cli("account", "import", "-", input=lines)
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, r"line 2\b")
        self.assertRegex(done.stderr, r"line 3\b")
        self.assertNotIn("good-enough-1", done.stdout + done.stderr)
        listed = json.loads(self.server.cli("account", "list", "--json", check=True).stdout)
        self.assertEqual([row["address"] for row in listed], [ALICE])

    def test_a_full_disk_behind_standard_output(self):
        if not os.path.exists("/dev/full"):
            raise unittest.SkipTest("there is no /dev/full")
        with open("/dev/full", "w") as full:
            done = subprocess.run([PROGRAM, "config", "default"], stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("output", done.stderr)


if __name__ == "__main__":
    unittest.main()
