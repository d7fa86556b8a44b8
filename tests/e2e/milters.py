"""Other people's milters, and one that does what a test tells it to; each in a directory of its own."""
import contextlib
import pathlib
import shutil
import socket
import struct
import subprocess
import tempfile
import threading

from harness import HOST, connections_to, free_ports, run, wait_for


class Program:
    """A program with a directory, a log and a socket to wait for."""

    def __init__(self, name):
        self.name = name
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix=f"postern-{name}-"))
        self.log = open(self.dir / "log", "wb")
        self.process = None

    def start(self, command, address):
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)
        try:
            wait_for(lambda: self.answers(address), self.name, 60)
        except BaseException:
            self.close()
            raise

    def answers(self, address):
        if self.process.poll() is not None:
            raise AssertionError(f"{self.name} ended:\n{(self.dir / 'log').read_text(errors='replace')[-3000:]}")
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        with contextlib.suppress(OSError), socket.socket(family) as s:
            s.connect(address)
            return True

    def close(self):
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
        self.log.close()
        shutil.rmtree(self.dir, True)


class Rspamd(Program):
    """rspamd as a milter, with the modules that `more` configures."""

    def __init__(self, more="", filters="", dns=f"{HOST}:1"):
        super().__init__("rspamd")
        port = free_ports(1)[0]
        self.address = f"{HOST}:{port}"
        # A short list of top-level domains and one language: the real ones take seconds to compile.
        (self.dir / "tld").write_text("test\n")
        (self.dir / "rspamd.conf").write_text(f"""
            options {{ pidfile = "{self.dir}/pid"; hs_cache_dir = "{self.dir}"; tempdir = "{self.dir}";
                cache_file = "{self.dir}/cache"; history_file = "{self.dir}/history"; stats_file = "{self.dir}/stats";
                dynamic_conf = "{self.dir}/dynamic"; control_socket = "{self.dir}/control mode=0600";
                url_tld = "{self.dir}/tld"; local_addrs = []; filters = "{filters}"; enable_test_patterns = true;
                gtube_patterns = "all";
                dns {{ nameserver = ["{dns}:1"]; timeout = 1s; retransmits = 1; }} }}
            lang_detection {{ languages = ["en"]; }}
            logging {{ type = "console"; level = "info"; }}
            actions {{ reject = 15; add_header = 6; greylist = 4; }}
            worker "rspamd_proxy" {{ bind_socket = "{self.address}"; count = 1; milter = yes; timeout = 20s;
                upstream "local" {{ default = yes; self_scan = yes; }} }}
            {more}
            """)
        self.start(["rspamd", "-f", "-i", "-c", self.dir / "rspamd.conf"], (HOST, port))


class OpenDkim(Program):
    """OpenDKIM that signs for a domain, for clients at `hosts` and those that logged in."""

    def __init__(self, domain="postern.test", hosts="192.0.2.1"):
        super().__init__("opendkim")
        self.address = f"unix:{self.dir}/socket"
        run("opendkim-genkey", "-b", "2048", "-d", domain, "-s", "milter", "-D", self.dir, check=True)
        self.key = self.dir / "milter.private"
        record = (self.dir / "milter.txt").read_text()
        self.record = "".join(record.split('"')[1::2])
        (self.dir / "hosts").write_text(hosts + "\n")
        (self.dir / "opendkim.conf").write_text(f"""
Mode s
Syslog no
Socket local:{self.dir}/socket
PidFile {self.dir}/pid
Domain {domain}
Selector milter
KeyFile {self.key}
Canonicalization relaxed/relaxed
InternalHosts {self.dir}/hosts
RequireSafeKeys no
UMask 000
""")
        self.start(["opendkim", "-f", "-x", self.dir / "opendkim.conf"], str(self.dir / "socket"))


def packet(letter, data=b""):
    return struct.pack(">I", len(data) + 1) + letter + data


class Scripted:
    """A milter that answers each step with what `answers` has for its letter, else with "go on". It
    keeps what it was told: (letter, data)."""

    def __init__(self, answers=None, flags=(6, 0x1ff, 0)):
        self.answers = answers or {}
        self.flags = flags
        self.told = []
        self.connections = 0
        self.lock = threading.Lock()
        self.listener = socket.create_server((HOST, 0))
        self.address = f"{HOST}:{self.listener.getsockname()[1]}"
        self.peers = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.listener.close()
        with self.lock:
            peers = list(self.peers)
        for peer in peers:
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)

    def steps(self):
        with self.lock:
            return b"".join(letter for letter, _ in self.told if letter != b"D").decode()

    def macros(self):
        """All that it was told, by name."""
        found = {}
        with self.lock:
            for letter, data in self.told:
                if letter == b"D":
                    words = data[1:].split(b"\0")[:-1]
                    found.update(zip((w.decode() for w in words[::2]), (w.decode() for w in words[1::2])))
        return found

    def _accept(self):
        for peer in connections_to(self.listener):
            with self.lock:
                self.connections += 1
                self.peers.add(peer)
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        stream = peer.makefile("rb")
        with contextlib.suppress(OSError):
            while len(header := stream.read(4)) == 4:
                octets = stream.read(struct.unpack(">I", header)[0])
                letter, data = octets[:1], octets[1:]
                with self.lock:
                    self.told.append((letter, data))
                if letter in self.answers:
                    answer = self.answers[letter]
                    if answer is None:
                        break
                    peer.sendall(answer)
                elif letter == b"O":
                    peer.sendall(packet(b"O", struct.pack(">III", *self.flags)))
                elif letter == b"Q":
                    break
                elif letter not in (b"D", b"A", b"K"):
                    peer.sendall(packet(b"c"))
        with self.lock:
            self.peers.discard(peer)
        # Both: the stream holds the connection too.
        stream.close()
        peer.close()


class ClamAv(Program):
    """clamav-milter and its daemon, with a database of one signature: a file that is `virus`."""

    def __init__(self, virus):
        super().__init__("clamav")
        self.daemon = Program("clamd")
        self.address = f"unix:{self.dir}/milter"
        folder = self.daemon.dir
        (folder / "db").mkdir()
        pattern = virus.encode().hex()
        (folder / "db" / "own.ndb").write_text(f"Postern.Test.Signature:0:*:{pattern}\n")
        (folder / "clamd.conf").write_text(f"""
DatabaseDirectory {folder}/db
LocalSocket {folder}/socket
LocalSocketMode 666
Foreground yes
TemporaryDirectory {folder}
MaxThreads 2
""")
        (self.dir / "milter.conf").write_text(f"""
MilterSocket unix:{self.dir}/milter
MilterSocketMode 666
ClamdSocket unix:{folder}/socket
OnInfected Reject
RejectMsg Infected: %v
OnFail Defer
AddHeader Add
Foreground yes
TemporaryDirectory {self.dir}
""")
        try:
            self.daemon.start(["clamd", "-c", folder / "clamd.conf"], str(folder / "socket"))
        except BaseException:
            super().close()
            raise
        self.start(["clamav-milter", "-c", self.dir / "milter.conf"], str(self.dir / "milter"))

    def close(self):
        super().close()
        self.daemon.close()
