"""What bad input gets: one line that says what is wrong and what to do, exit 2, nothing
half-changed."""
import contextlib
import os
import pathlib
import re
import shutil
import socket
import sqlite3
import tempfile
import unittest

from harness import (ALICE, BOB, HOST, NAME, PASSWORDS, PROGRAM, Authority, Postern, free_ports, run, toml_text)


class BadInput(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="postern-bad-"))
        self.addCleanup(shutil.rmtree, self.dir, True)
        self.file = self.dir / "postern.toml"
        self.port = free_ports(1)[0]
        certificate, key = Authority.shared().issue("server")
        self.config = {"hostname": NAME, "data_dir": self.dir / "data", "user": "",
                       "listener": [{"address": f"{HOST}:{self.port}", "role": "submission", "tls": "implicit"}],
                       "tls": {"certificate": certificate, "private_key": key},
                       "domains": {"local": ["postern.test"]}, "web": {"address": ""},
                       "delivery": {"local": f"maildir:{self.dir}/mail/%d/%n"}}
        (self.dir / "data").mkdir()

    def refused(self, *arguments, config=None, says=(), input=None, code=2):
        """The command ends with 2, and one line of words on standard error."""
        if config is not None:
            self.file.write_text(config if isinstance(config, str) else toml_text(config))
        done = run(PROGRAM, "--config", self.file, *arguments, input=input, seconds=20)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        lines = [line for line in done.stderr.strip().splitlines() if not re.search(r"(?i)\b(info|warning)\b", line)]
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertEqual(done.stdout, "")
        for word in says:
            self.assertRegex(lines[0], word)
        self.assertNotRegex(lines[0], r"(?i)exception|terminate|what\(\)|0x[0-9a-f]{6}")
        return lines[0]

    def test_port_taken(self):
        with socket.socket() as other:
            other.bind((HOST, self.port))
            other.listen()
            self.refused("serve", config=self.config, says=[str(self.port), "taken|in use"])

    def test_an_address_that_is_not_ours(self):
        self.config["listener"][0]["address"] = "192.0.2.1:2465"
        self.refused("serve", config=self.config, says=[r"192\.0\.2\.1"])

    def test_certificates(self):
        certificate, key = self.config["tls"]["certificate"], self.config["tls"]["private_key"]
        other = Authority.shared().issue("other", ("other.example",))
        garbage = self.dir / "garbage.pem"
        garbage.write_text("-----BEGIN CERTIFICATE-----\ngarbage\n-----END CERTIFICATE-----\n")
        for tls, says in (({"private_key": key}, ["certificate"]), ({"certificate": certificate}, ["private_key|key"]),
                          ({"certificate": self.dir / "none.pem", "private_key": key}, [r"none\.pem"]),
                          ({"certificate": certificate, "private_key": self.dir / "none.key"}, [r"none\.key"]),
                          ({"certificate": garbage, "private_key": key}, [r"garbage\.pem"]),
                          ({"certificate": certificate, "private_key": other[1]}, ["key"])):
            with self.subTest(tls=tls):
                self.config["tls"] = tls
                self.refused("serve", config=self.config, says=says)

    def test_files_that_may_not_be_read(self):
        # Root may read everything; so become somebody else, if we are root.
        as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
        self.dir.chmod(0o755)
        if as_nobody:
            shutil.chown(self.dir / "data", 65534, 65534)
        certificate, key = self.dir / "cert.pem", self.dir / "key.pem"
        shutil.copy(self.config["tls"]["certificate"], certificate)
        shutil.copy(self.config["tls"]["private_key"], key)
        certificate.chmod(0o644)
        self.config["tls"] = {"certificate": certificate, "private_key": key}
        self.file.write_text(toml_text(self.config))
        for path in (key, self.file):
            path.chmod(0)
            done = run(*as_nobody, PROGRAM, "--config", self.file, "serve", seconds=20)
            self.assertEqual(done.returncode, 2, done.stderr)
            said = [line for line in done.stderr.strip().splitlines() if not re.search(r"\b(info|warning)\b", line)]
            self.assertEqual(len(said), 1, done.stderr)
            self.assertIn(path.name, said[0])
            self.assertRegex(said[0], r"(?i)permission|read")
            path.chmod(0o644)

    def test_wrong_toml(self):
        good = toml_text(self.config)
        for text, says in ((good + "\n[limits\n", [r"postern\.toml:\d+:\d+"]),
                           ("hostnam = \"x\"\n" + good, [r"postern\.toml:1:1", "hostnam", "hostname"]),
                           (good + "\n[limits]\nmesage_size = 1\n", [r"postern\.toml:\d+:\d+", "message_size"]),
                           (good + "\n[limits]\nmessage_size = \"50 Parsec\"\n", [r"postern\.toml:\d+", "message_size"]),
                           (good + "\n[limits]\nmessage_size = -1\n", [r"postern\.toml:\d+", "message_size"]),
                           (good + "\n[limits]\nrecipients = \"many\"\n", [r"postern\.toml:\d+", "recipients"]),
                           (good + "\n[limits]\nrecipients = 99999999999\n", [r"postern\.toml:\d+", "recipients"]),
                           (good + "\n[auth]\nmechanisms = [\"ROT13\"]\n", [r"postern\.toml:\d+", "ROT13"]),
                           (good + "\n[relay]\nnetworks = [\"10.0.0.0/33\"]\n", [r"postern\.toml:\d+", "10.0.0.0/33"]),
                           (good.replace('role = "submission"', 'role = "submision"'), ["submision", "submission"]),
                           (good + "\n[delivery2]\n", ["delivery2"]),
                           ("hostname = \"a\"\nhostname = \"b\"\n", [r"postern\.toml:2"])):
            with self.subTest(text=text[:60] + "..." + text[-60:]):
                self.refused("config", "check", config=text, says=says)
                self.refused("serve", says=says)

    def test_no_configuration_file(self):
        done = run(PROGRAM, "--config", self.dir / "missing.toml", "config", "check")
        self.assertEqual(done.returncode, 2)
        self.assertIn("missing.toml", done.stderr)

    def test_a_folder_that_can_not_be_made(self):
        blocker = self.dir / "file"
        blocker.write_text("")
        self.config["data_dir"] = blocker / "data"
        self.refused("account", "list", config=self.config, says=["data"])

    def test_accounts(self):
        self.file.write_text(toml_text(self.config))
        added = run(PROGRAM, "--config", self.file, "account", "add", ALICE, "--password-stdin",
                    input=PASSWORDS[ALICE] + "\n")
        self.assertEqual(added.returncode, 0, added.stderr)
        unknown = "nobody@postern.test"
        for arguments in (["show", unknown], ["remove", unknown], ["smtp-auth", unknown, "off"],
                          ["password", unknown, "--password-stdin"]):
            with self.subTest(arguments=arguments):
                self.refused("account", *arguments, says=["nobody@postern.test"], input="a long enough secret\n")
        for address in ("nonsense", "two@at@postern.test", "@postern.test", "a b@postern.test", "x@", "x@-y-.test", ""):
            with self.subTest(address=address):
                self.refused("account", "add", address, "--password-stdin", input="a long enough secret\n")
        self.refused("account", "add", ALICE, "--password-stdin", input="a long enough secret\n", says=["already"])
        self.refused("account", "smtp-auth", ALICE, "maybe")
        self.refused("account", "add", BOB, "--password-stdin", input="")
        self.refused("account", "import", self.dir / "none", says=["none"])
        listed = run(PROGRAM, "--config", self.file, "account", "list").stdout
        self.assertIn(ALICE, listed)
        self.assertNotIn(BOB, listed)

    def test_domains_and_the_queue(self):
        self.file.write_text(toml_text(self.config))
        for arguments in (["domain", "add", "no spaces"], ["domain", "add", "-x-"], ["domain", "remove", "unknown.test"],
                          ["queue", "show", "NOSUCHID"], ["queue", "remove", "NOSUCHID"], ["why", "NOSUCHID"],
                          ["explain", "--client", "999.1.1.1", "--to", BOB], ["explain", "--to", "nonsense"]):
            with self.subTest(arguments=arguments):
                done = run(PROGRAM, "--config", self.file, *arguments)
                self.assertIn(done.returncode, (1, 2), done.stdout + done.stderr)
                self.assertEqual(len((done.stdout + done.stderr).strip().splitlines()), 1, done.stdout + done.stderr)

    def test_the_call(self):
        self.file.write_text(toml_text(self.config))
        for arguments in (["frobnicate"], ["account"], ["account", "frobnicate"], ["account", "add"],
                          ["queue", "list", "--frob"], ["serve", "now"]):
            with self.subTest(arguments=arguments):
                done = run(PROGRAM, "--config", self.file, *arguments)
                self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertEqual(run(PROGRAM, "--help").returncode, 0)
        self.assertRegex(run(PROGRAM, "--version").stdout, r"^(postern )?\d+\.\d+\.\d+")

    def test_a_database_of_a_newer_version(self):
        self.file.write_text(toml_text(self.config))
        run(PROGRAM, "--config", self.file, "account", "add", ALICE, "--password-stdin", input=PASSWORDS[ALICE] + "\n",
            check=True)
        run(PROGRAM, "--config", self.file, "queue", "list", check=True)
        found = 0
        for path in (self.dir / "data").rglob("*"):
            if not path.is_file() or path.stat().st_size < 16 or path.read_bytes()[:15] != b"SQLite format 3":
                continue
            if path.name == "audit.db":
                continue  # mail goes on without it; what is changed is in the log then
            with contextlib.closing(sqlite3.connect(path)) as connection:
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                self.assertGreater(version, 0, path.name)
                connection.execute(f"PRAGMA user_version = {version + 1}")
                connection.commit()
            before = path.read_bytes()
            self.refused("serve", says=["(?i)newer", re.escape(path.name)])
            self.assertEqual(path.read_bytes(), before)
            with contextlib.closing(sqlite3.connect(path)) as connection:
                connection.execute(f"PRAGMA user_version = {version}")
                connection.commit()
            found += 1
        self.assertGreater(found, 0)

    def test_a_database_that_is_none(self):
        self.file.write_text(toml_text(self.config))
        run(PROGRAM, "--config", self.file, "account", "add", ALICE, "--password-stdin", input=PASSWORDS[ALICE] + "\n",
            check=True)
        for path in list((self.dir / "data").rglob("*")):
            if path.is_file() and path.name != "audit.db" and path.read_bytes()[:15] == b"SQLite format 3":
                for side in ("-wal", "-shm"):
                    with contextlib.suppress(FileNotFoundError):
                        path.with_name(path.name + side).unlink()
                path.write_bytes(b"this is no database, but it is long enough to be looked at\n" * 100)
                self.refused("account", "list", says=[re.escape(path.name)])

    def test_dangerous_networks_are_warned_about(self):
        self.config["relay"] = {"networks": ["10.0.0.0/8"]}
        self.file.write_text(toml_text(self.config))
        done = run(PROGRAM, "--config", self.file, "config", "check")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("10.0.0.0/8", done.stdout + done.stderr)


class Commands(unittest.TestCase):
    """The commands with and without a running server."""

    def test_config(self):
        default = run(PROGRAM, "config", "default", check=True).stdout
        with tempfile.TemporaryDirectory(prefix="postern-bad-") as folder:
            file = pathlib.Path(folder, "postern.toml")
            # Where the tests run, there is no user "postern".
            file.write_text(default.replace('user = "postern"', 'user = ""'))
            self.assertEqual(run(PROGRAM, "--config", file, "config", "check").returncode, 0)
            # Every commented line but prose is itself a valid setting.
            shown = run(PROGRAM, "--config", file, "config", "show", check=True).stdout
            file.write_text(shown)
            self.assertEqual(run(PROGRAM, "--config", file, "config", "check").returncode, 0)
            self.assertEqual(run(PROGRAM, "--config", file, "config", "show").stdout, shown)

    def test_the_same_with_and_without_a_server(self):
        with Postern(start=False) as server:
            without = server.cli("account", "list", "--json", check=True).stdout
            server.start()
            self.assertEqual(server.cli("account", "list", "--json", check=True).stdout, without)
            self.assertIn(ALICE, without)


if __name__ == "__main__":
    unittest.main()
