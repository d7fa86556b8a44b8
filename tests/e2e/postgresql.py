"""A real PostgreSQL in a throw-away directory: on a socket there and a loopback port, as a
user without privileges. Its clients log in with a password, over TLS."""
import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import unittest

from harness import HOST, SLOW, Authority, run
from peers import Peer

PASSWORD = "the-database's own 77"


def program(name):
    for folder in sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / name).exists():
            return str(folder / name)
    if found := shutil.which(name):
        return found
    raise unittest.SkipTest(f"{name} is not installed")


def unprivileged():
    """As whom to run it: it refuses root."""
    if os.geteuid() != 0:
        return []
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            found = pwd.getpwnam(name)
            return ["setpriv", f"--reuid={found.pw_uid}", f"--regid={found.pw_gid}", "--clear-groups",
                    "--pdeathsig", "KILL"]
    raise unittest.SkipTest("there is no user to run PostgreSQL as")


class PostgreSQL(Peer):
    name = "PostgreSQL"
    end_by = signal.SIGINT  # as a restart does it: connections are ended, nothing is finished
    patience = 40

    def __init__(self, sql=""):
        postgres, initdb = program("postgres"), program("initdb")
        self.psql = program("psql")
        self.launcher = unprivileged()
        super().__init__()
        self.data = self.dir / "data"
        self.data.mkdir()
        self.password_file = self.dir / "password"
        self.password_file.write_text(PASSWORD + "\n")
        self.password_file.chmod(0o600)
        if self.launcher:
            user = next(int(word.split("=")[1]) for word in self.launcher if word.startswith("--reuid="))
            os.chown(self.data, user, -1)
        run(*self.launcher, initdb, "-D", self.data, "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8",
            "--locale=C.UTF-8", check=True)
        certificate, key = Authority.shared().issue("postgresql", ("localhost",))
        for source, name in ((certificate, "server.crt"), (key, "server.key")):
            (self.data / name).write_bytes(source.read_bytes())
            (self.data / name).chmod(0o600)
            if self.launcher:
                os.chown(self.data / name, user, -1)
        (self.data / "pg_hba.conf").write_text("local all postgres trust\nhostssl all postern 127.0.0.1/32 scram-sha-256\n")
        self.command = [*self.launcher, postgres, "-D", self.data, "-k", self.data, "-h", HOST, "-p", self.port, "-F",
                        "-c", "ssl=on", "-c", "log_min_messages=warning", "-c", "max_connections=40"]
        self.start()
        self.sql(f"CREATE USER postern PASSWORD '{PASSWORD.replace(chr(39), chr(39) * 2)}'; CREATE DATABASE mail", "postgres")
        if sql:
            self.sql(sql)

    def connection(self):
        """What stands in the configuration: no password."""
        return (f"host=localhost hostaddr={HOST} port={self.port} dbname=mail user=postern sslmode=verify-full "
                f"sslrootcert={Authority.shared().ca}")

    def sql(self, text, database="mail"):
        return run(self.psql, "-h", self.data, "-p", self.port, "-U", "postgres", "-d", database, "-v", "ON_ERROR_STOP=1",
                   "-At", input=text, check=True).stdout

    def start(self):
        super().start(*self.command, start_new_session=True)

    def is_up(self):
        return run(self.psql, "-h", self.data, "-p", self.port, "-U", "postgres", "-d", "postgres", "-c", "SELECT 1"
                   ).returncode == 0

    def family(self):
        """The processes: the first one, and those that serve a connection each."""
        found = [self.process.pid]
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError, IndexError):
                    if int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]) == self.process.pid:
                        found.append(int(entry.name))
        return found

    def halt(self):
        """Nothing answers, and nothing says so."""
        self.halted = self.family()
        for pid in self.halted:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)

    def go_on(self):
        for pid in reversed(self.halted):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def slow(self):
        """Each question waits: somebody holds the table."""
        self.holder = subprocess.Popen([self.psql, "-h", str(self.data), "-p", str(self.port), "-U", "postgres", "-d", "mail",
                                        "-qAt"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.holder.stdin.write("BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE; SELECT 'held';\n")
        self.holder.stdin.flush()
        assert self.holder.stdout.readline().strip() == "held"

    def quick(self):
        self.holder.communicate("COMMIT;\n", timeout=20 * SLOW)
