"""Other people's servers on the other side. Each runs from a configuration of its own in a throw-away
directory, on loopback ports, and is ended by its process id."""
import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

from harness import HOST, ROOT, SLOW, free_ports, need, run, wait_for


def need_root():
    if os.geteuid() != 0:
        raise unittest.SkipTest("needs root: this server insists on users of its own")


def unpacked(name):
    """The path of a program that scripts/unpack-NAME takes out of its Debian package."""
    need("unshare", "dpkg", "apt-get")
    got = run(ROOT / "scripts" / f"unpack-{name}", ROOT / "build" / name, seconds=120)
    if got.returncode:
        raise unittest.SkipTest(f"{name} can't be had: {got.stderr.strip()[-200:]}")
    program = got.stdout.strip()
    if "not found" in run("ldd", program).stdout:
        raise unittest.SkipTest(f"libraries of {name} are not installed")
    return program


class Peer:
    """One server: `dir` with its files, `port`, and `process` while it runs. What it logs is in `dir`/log,
    what it says otherwise in `dir`/output."""
    name = "the other server"
    end_by = signal.SIGTERM
    patience = 20  # seconds until it is up

    def __init__(self, dir=None):
        self.dir = dir or pathlib.Path(tempfile.mkdtemp(prefix="postern-peer-"))
        self.dir.chmod(0o755)
        self.port, = free_ports(1)
        self.process = None

    def start(self, *command, **options):
        """Starts the process and waits until it serves."""
        with open(self.dir / "output", "ab") as output:
            self.process = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=output,
                                            stderr=output, **options)

        def up():
            if self.process.poll() is not None:
                raise AssertionError(f"{self.name} ended:\n{self.log()}")
            return self.is_up()
        try:
            wait_for(up, f"{self.name} to be up", self.patience)
        except BaseException:
            print(f"--- log of {self.name}\n{self.log()[-4000:]}\n---", flush=True)
            self.stop()
            raise

    def is_up(self):
        with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), 1):
            return True

    def stop(self):
        if self.process is None:
            return
        process, self.process = self.process, None
        if process.poll() is None:
            process.send_signal(self.end_by)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(20 * SLOW)
        process.kill()
        process.wait()

    def log(self):
        return "".join(p.read_text(errors="replace") for p in (self.dir / "log", self.dir / "output") if p.is_file())

    def close(self):
        self.stop()
        shutil.rmtree(self.dir, True)

    def __enter__(self):
        return self

    def __exit__(self, kind=None, *_):
        self.stop()
        if kind is not None:
            print(f"--- log of {self.name}\n{self.log()[-4000:]}\n---", flush=True)
        self.close()


class Postfix(Peer):
    """An instance with its own queue and configuration; nothing of the machine's is touched."""
    name = "Postfix"

    def __init__(self, settings):
        need_root()
        need("postfix", "postconf")
        super().__init__()
        self.etc, spool, data, self.mail = (self.dir / n for n in ("etc", "spool", "data", "mail"))
        for folder in (self.etc, spool, data, self.mail):
            folder.mkdir()
        owner = pwd.getpwnam("postfix")
        os.chown(data, owner.pw_uid, owner.pw_gid)
        os.chown(self.mail, owner.pw_uid, owner.pw_gid)
        main = {
            "compatibility_level": "3.6", "queue_directory": spool, "data_directory": data,
            "mail_owner": "postfix", "setgid_group": "postdrop", "command_directory": "/usr/sbin",
            "daemon_directory": "/usr/lib/postfix/sbin", "myhostname": "postfix.example",
            "maillog_file": self.dir / "log", "maillog_file_prefixes": self.dir,
            "inet_interfaces": HOST, "inet_protocols": "ipv4", "mynetworks": f"{HOST}/32", "mydestination": "",
            "alias_maps": "", "alias_database": "", "local_recipient_maps": "", "import_environment": "MAIL_CONFIG TZ",
            "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination", **settings(self)}
        (self.etc / "main.cf").write_text("".join(f"{k} = {v}\n" for k, v in main.items()))
        services = [f"{HOST}:{self.port} inet n - n - - smtpd"]
        services += [f"{name} unix {private} {'n' if name == 'virtual' else '-'} n {wakeup} {limit} {program}" for name, private, wakeup, limit, program in [
            ("cleanup", "n", "-", "0", "cleanup"), ("qmgr", "n", "300", "1", "qmgr"), ("tlsmgr", "-", "1000?", "1", "tlsmgr"),
            ("rewrite", "-", "-", "-", "trivial-rewrite"), ("bounce", "-", "-", "0", "bounce"), ("defer", "-", "-", "0", "bounce"),
            ("trace", "-", "-", "0", "bounce"), ("verify", "-", "-", "1", "verify"), ("smtp", "-", "-", "-", "smtp"),
            ("relay", "-", "-", "-", "smtp"), ("error", "-", "-", "-", "error"), ("retry", "-", "-", "-", "error"),
            ("discard", "-", "-", "-", "discard"), ("virtual", "-", "-", "-", "virtual"),
            ("anvil", "-", "-", "1", "anvil"), ("scache", "-", "-", "1", "scache"), ("proxymap", "-", "-", "-", "proxymap")]]
        services.append("postlog unix-dgram n - n - 1 postlogd")
        (self.etc / "master.cf").write_text("\n".join(services) + "\n")
        started = run("postfix", "-c", self.etc, "start", seconds=60)
        if started.returncode:
            log = self.log()
            self.close()
            raise AssertionError(f"Postfix did not start:\n{started.stdout}{started.stderr}{log}")

    def stop(self):
        # Its own program knows its process, and waits for all that belong to it.
        with contextlib.suppress(Exception):
            run("postfix", "-c", self.dir / "etc", "stop", seconds=60)


class Dovecot(Peer):
    """`config` is added to what every one has; `needs`: a program of it."""
    name = "Dovecot"

    def __init__(self, config, protocols, needs=None):
        need_root()
        need("dovecot")
        if needs and not os.path.exists(f"/usr/lib/dovecot/{needs}"):
            raise unittest.SkipTest(f"{needs} of Dovecot is not installed")
        super().__init__()
        (self.dir / "dovecot.conf").write_text(f"""
            base_dir = {self.dir}/run
            log_path = {self.dir}/log
            protocols = {protocols}
            ssl = no
            default_login_user = dovenull
            default_internal_user = dovecot
            service stats {{
              unix_listener stats-writer {{
                mode = 0666
              }}
            }}
            {config(self) if callable(config) else config}
            """)

    def start(self):
        super().start("dovecot", "-F", "-c", self.dir / "dovecot.conf")

    def __enter__(self):
        if self.process is None:
            self.start()
        return self
