"""What the README and `./dev run` tell a newcomer to paste, pasted literally: in a folder of
its own, against a demo server as `./dev run` starts it."""
import contextlib
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

from harness import HOST, PROGRAM, ROOT, SLOW, need, run, wait_for

PORTS = (2525, 2587, 2465)


def shell_blocks(text):
    return re.findall(r"(?ms)^```sh\n(.*?)^```", text)


class Newcomer(unittest.TestCase):
    def setUp(self):
        need("curl", "swaks")
        for port in PORTS:
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((HOST, port))
                except OSError:
                    raise unittest.SkipTest(f"port {port} is taken on this machine") from None
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="postern-readme-"))
        self.addCleanup(shutil.rmtree, self.dir, True)
        (self.dir / "build" / "release").mkdir(parents=True)
        (self.dir / "build" / "release" / "postern").symlink_to(PROGRAM)
        self.process = None
        self.addCleanup(self.kill)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def demo(self):
        """Starts what `./dev run` starts; the text that it printed."""
        said = self.dir / "said"
        with open(said, "wb") as out:
            self.process = subprocess.Popen([ROOT / "scripts" / "run-demo", "build/release/postern", "var"],
                                            cwd=self.dir, stdout=out, stderr=subprocess.STDOUT)

        def up():
            if self.process.poll() is not None:
                raise AssertionError(f"it ended with {self.process.returncode}:\n{said.read_text()}")
            with contextlib.suppress(OSError):
                for port in PORTS:
                    socket.create_connection((HOST, port), 1).close()
                return re.search(r"\bstarted\b", said.read_text())
        wait_for(up, "the demo server")
        return said.read_text()

    def stop(self):
        self.process.send_signal(signal.SIGINT)  # Ctrl-C
        self.assertEqual(self.process.wait(40 * SLOW), 0)

    def paste(self, block):
        done = run("bash", "-c", block, cwd=self.dir)
        self.assertEqual(done.returncode, 0, f"{block}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def mails(self):
        folder = self.dir / "var" / "mail" / "postern.test" / "demo" / "new"
        return list(folder.iterdir()) if folder.is_dir() else []

    def test_the_first_screen_of_the_readme(self):
        self.demo()
        text = (ROOT / "README.md").read_text()
        section = text.split("## From nothing to a sent mail")[1].split("\n## ")[0]
        blocks = shell_blocks(section)
        self.assertEqual(blocks[0].strip(), "./dev run")
        for number, block in enumerate(blocks[1:3], 1):
            self.paste(block)
            wait_for(lambda n=number: len(self.mails()) == n, f"mail {number}")
        self.assertIn("It works.", self.paste(blocks[3]))
        wrong = run("bash", "-c", blocks[2].replace("$(cat var/demo-password)", "something else"), cwd=self.dir)
        self.assertNotEqual(wrong.returncode, 0)
        identifier = re.search(r"535 .*\(([^()]+)\)", wrong.stdout).group(1)
        told = self.paste(blocks[4].replace("THE-ID", identifier))
        self.assertIn("demo@postern.test", told)
        self.stop()

    def test_what_dev_run_prints_and_repeats(self):
        said = self.demo()
        blocks = re.findall(r"(?m)((?:^  .*\n)+)", said)
        self.assertEqual(len(blocks), 3, said)
        for number, block in enumerate(blocks[:2], 1):
            self.paste(block)
            wait_for(lambda n=number: len(self.mails()) == n, f"mail {number}")
        self.assertIn("It works.", self.paste(blocks[2]))
        self.assertEqual((self.dir / "var" / "demo-password").stat().st_mode & 0o777, 0o600)
        self.stop()
        again = self.demo()
        self.assertEqual(again.split("Send a mail")[0], said.split("Send a mail")[0], "the same account again")
        self.paste(blocks[0])
        wait_for(lambda: len(self.mails()) == 3, "the third mail")
        # A second one beside it: the program's own words about the port.
        other = subprocess.run([ROOT / "scripts" / "run-demo", "build/release/postern", "var2"], cwd=self.dir,
                               capture_output=True, text=True, timeout=60 * SLOW)
        self.assertEqual(other.returncode, 2)
        self.assertRegex(other.stderr, r"(?i)port|address")
        self.stop()


class Workshop(unittest.TestCase):
    def test_dev_explains_itself(self):
        done = run(ROOT / "dev", "help")
        self.assertEqual(done.returncode, 0)
        for command in ("run", "test", "build", "soak", "check", "fuzz"):
            self.assertIn(f"./dev {command}", done.stdout)
        wrong = run(ROOT / "dev", "frobnicate")
        self.assertEqual(wrong.returncode, 2)
        self.assertIn("frobnicate", wrong.stderr)

    def test_nothing_of_this_machine_stands_in_the_tree(self):
        if not (ROOT / ".git").exists():
            raise unittest.SkipTest("not a checkout")
        found = run("git", "-C", ROOT, "grep", "-nI", "-e", str(ROOT), "--", ".", env={"GIT_OPTIONAL_LOCKS": "0"})
        self.assertEqual(found.stdout, "")


if __name__ == "__main__":
    unittest.main()
