"""Starts the real program on free loopback ports in a throw-away directory, and talks to it.

Postern:  one running server with its configuration, accounts and mailboxes.
Wire:     an SMTP client at the level of octets; it checks the form of every reply it reads.
Sink:     the next hop: a small SMTP server that keeps what it is given.

When a server is stopped, its log, its history and its data must hold no password that
was used, no sanitizer may have complained, and it must have ended by itself."""
import base64
import contextlib
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PROGRAM = os.environ.get("POSTERN") or str(ROOT / "build" / "release" / "postern")
SANITIZED = bool(os.environ.get("POSTERN_SANITIZED"))
SLOW = 4 if SANITIZED else 1  # how much longer things may take
HOST = "127.0.0.1"
NAME = "mail.postern.test"
ALICE, BOB, CAROL = "alice@postern.test", "bob@postern.test", "carol@postern.test"
PASSWORDS = {ALICE: "wonder-Land/17=x", BOB: "Builder's choice 99", CAROL: "so,much=Christmas"}


GIVEN = set()  # ports: who got one may not have bound it yet


def free_ports(count):
    """Ports below the range that outgoing connections use, so that none gets in between. None is given twice."""
    found, held = [], []
    try:
        while len(found) < count:
            port = random.SystemRandom().randrange(10000, 32000)
            if port in GIVEN:
                continue
            candidate = socket.socket()
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            held.append(candidate)
            with contextlib.suppress(OSError):
                candidate.bind((HOST, port))
                found.append(port)
                GIVEN.add(port)
    finally:
        for candidate in held:
            candidate.close()
    return found


def wait_for(condition, what, seconds=20):
    """The first true value of condition(); fails with `what`, a text or what makes it, when none comes."""
    end = time.monotonic() + seconds * SLOW
    pause = 0.005
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds * SLOW} s in vain: {what() if callable(what) else what}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.2)


def need(*programs):
    """Skips a test on a machine without these programs."""
    for program in programs:
        if not shutil.which(program):
            raise unittest.SkipTest(f"{program} is not installed")


def run(*command, input=None, seconds=60, check=False, env=None, cwd=None):
    """Runs a program to its end; its output as text."""
    done = subprocess.run([str(c) for c in command], input=input, capture_output=True, timeout=seconds * SLOW,
                          env={**os.environ, **(env or {})}, cwd=cwd,
                          **({} if isinstance(input, bytes) else {"text": True, "errors": "replace"}))
    if check and done.returncode:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done


def toml(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, list):
        return "[" + ", ".join(toml(v) for v in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k} = {toml(v)}" for k, v in value.items()) + "}"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def toml_text(config):
    """Plain values first, then tables, then arrays of tables."""
    lines = [f"{k} = {toml(v)}" for k, v in config.items()
             if not isinstance(v, dict) and not (isinstance(v, list) and v and isinstance(v[0], dict))]
    for name, table in config.items():
        if isinstance(table, dict):
            lines += ["", f"[{name}]"]
            inner = {k: v for k, v in table.items() if isinstance(v, list) and v and isinstance(v[0], dict)}
            lines += [f"{k} = {toml(v)}" for k, v in table.items() if k not in inner]
            for k, rows in inner.items():
                for row in rows:
                    lines += ["", f"[[{name}.{k}]]"] + [f"{a} = {toml(b)}" for a, b in row.items()]
    for name, rows in config.items():
        if isinstance(rows, list) and rows and isinstance(rows[0], dict):
            for row in rows:
                lines += ["", f"[[{name}]]"] + [f"{k} = {toml(v)}" for k, v in row.items()]
    return "\n".join(lines) + "\n"


class Authority:
    """A certificate authority for the tests of this process, and certificates from it."""
    _shared = None

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="postern-ca-"))
        self.ca = self.dir / "ca.pem"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
            "-subj", "/CN=Postern test authority", "-keyout", self.dir / "ca.key", "-out", self.ca, check=True)

    @classmethod
    def shared(cls):
        if cls._shared is None:
            cls._shared = cls()
            import atexit
            atexit.register(shutil.rmtree, cls._shared.dir, True)
        return cls._shared

    def issue(self, stem, names=(NAME, "localhost"), kind="ec", days=20, subject=None):
        """Certificate and key files for these names. With a subject, that is the common name."""
        pem, key, request = (self.dir / f"{stem}.{end}" for end in ("pem", "key", "csr"))
        if not pem.exists():
            make = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if kind == "ec" else ["rsa:2048"]
            run("openssl", "req", "-newkey", *make, "-nodes", "-subj", f"/CN={subject or names[0]}", "-keyout", key, "-out",
                request, check=True)
            extension = self.dir / f"{stem}.ext"
            extension.write_text("subjectAltName=" + ",".join([f"DNS:{n}" for n in names] + [f"IP:{HOST}"]) + "\n")
            run("openssl", "x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self.dir / "ca.key",
                "-CAcreateserial", "-days", str(days), "-extfile", extension, "-out", pem, check=True)
        return pem, key


def client_context(verify=True):
    context = ssl.create_default_context(cafile=str(Authority.shared().ca))
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class Postern:
    """A server with accounts. `config` is merged over the defaults below; `listeners`
    adds to the usual three (submission, submissions, mx)."""

    def __init__(self, config=None, accounts=(ALICE, BOB), listeners=(), start=True, environment=None, launcher=()):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="postern-e2e-"))
        self.file = self.dir / "postern.toml"
        self.log_file = self.dir / "log"
        self.secrets = set()
        self.process = None
        self.seen_of_log = 0
        self.log_is_elsewhere = False
        self.environment = {"ASAN_OPTIONS": "detect_leaks=1", "TSAN_OPTIONS": "halt_on_error=0", **(environment or {})}
        self.launcher = list(launcher)
        self.submission, self.submissions, self.mx = free_ports(3)
        certificate, key = Authority.shared().issue("server")
        self.config = {
            "hostname": NAME,
            "data_dir": self.dir / "data",
            "user": "",
            "threads": 2,
            "listener": [
                {"address": f"{HOST}:{self.submission}", "role": "submission", "tls": "starttls"},
                {"address": f"{HOST}:{self.submissions}", "role": "submission", "tls": "implicit"},
                {"address": f"{HOST}:{self.mx}", "role": "mx", "tls": "starttls"},
                *listeners],
            "tls": {"certificate": certificate, "private_key": key},
            "domains": {"local": ["postern.test"]},
            "delivery": {"local": f"maildir:{self.dir}/mail/%d/%n"},
            "web": {"address": ""},
        }
        (self.dir / "data").mkdir()
        (self.dir / "mail").mkdir()
        for name, value in (config or {}).items():
            if isinstance(value, dict) and isinstance(self.config.get(name), dict):
                self.config[name] = {**self.config[name], **value}
            else:
                self.config[name] = value
        self.write_config()
        try:
            for address in accounts:
                self.add_account(address, PASSWORDS[address])
            if start:
                self.start()
        except BaseException:
            self.kill()
            shutil.rmtree(self.dir, True)
            raise

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        try:
            if kind is None:
                self.stop()
            else:
                self.kill()
                print(f"--- log of the server\n{self.log()[-8000:]}\n---", flush=True)
        finally:
            self.kill()
            shutil.rmtree(self.dir, True)

    def write_config(self):
        self.file.write_text(toml_text(self.config))

    def change(self, section, **values):
        self.config[section] = {**self.config.get(section, {}), **values}
        self.write_config()

    # running it

    def start(self, wait=True):
        self.seen_of_log = len(self.log())
        with open(self.log_file, "ab") as log:
            # Dies with the test, however that ends.
            tied = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
            self.process = subprocess.Popen([*tied, *self.launcher, PROGRAM, "--config", str(self.file), "serve"], stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL,
                                            env={**os.environ, **self.environment}, start_new_session=True)
        if wait:
            self.wait_ready()

    def ports(self):
        return [int(str(row["address"]).rsplit(":", 1)[1]) for row in self.config["listener"]]

    def wait_ready(self):
        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.log()}")
            for port in self.ports():
                with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1):
                    continue
                return False
            return True
        wait_for(ready, "the server's ports to open", 30)
        seen = self.seen_of_log
        wait_for(lambda: re.search(r"\bstarted\b", self.log()[seen:]) or self.log_is_elsewhere, "the server to be up", 30)

    def signal(self, number):
        os.kill(self.process.pid, number)

    def kill(self):
        """SIGKILL, no questions."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self, seconds=45):
        """SIGTERM; it must end by itself, with 0, and leave no secret behind."""
        if self.process is not None and self.process.poll() is None:
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(seconds * SLOW)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"the server did not end {seconds * SLOW} s after SIGTERM:\n{self.log()[-4000:]}")
        self.examine()
        if self.process is not None and self.process.returncode != 0:
            raise AssertionError(f"the server ended with {self.process.returncode}:\n{self.log()[-8000:]}")

    def examine(self):
        log = self.log()
        for complaint in ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "runtime error:", "Assertion `"):
            if complaint in log:
                at = max(log.index(complaint) - 200, 0)
                raise AssertionError(f"{complaint}:\n{log[at:at + 12000]}")
        self.look_for_secrets()

    def look_for_secrets(self):
        """Standards 23: no credential in any log, inline or continued, nor anywhere on disk."""
        needles = set()
        for address, password in self.secrets:
            raw = password.encode()
            if len(raw) < 8:
                continue
            needles.add(raw)
            needles.add(base64.b64encode(raw))
            user = address.encode()
            needles.add(base64.b64encode(b"\0" + user + b"\0" + raw))
            needles.add(base64.b64encode(user + b"\0" + user + b"\0" + raw))
        for folder, _, files in os.walk(self.dir):
            if f"{os.sep}mail" in folder[len(str(self.dir)):]:
                continue
            for name in files:
                path = pathlib.Path(folder, name)
                if path == self.file or path.suffix == ".client":
                    continue
                with contextlib.suppress(OSError):
                    content = path.read_bytes()
                    for needle in needles:
                        if needle in content:
                            raise AssertionError(f"a password stands in {path.relative_to(self.dir)}")

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def wait_log(self, pattern, seconds=20):
        return wait_for(lambda: re.search(pattern, self.log()), f"a line of the log like {pattern}\n{self.log()[-2000:]}",
                        seconds)

    def memory(self):
        """Resident octets of the server."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text).group(1)) * 1024

    # its commands

    def cli(self, *arguments, input=None, seconds=60, check=False):
        return run(PROGRAM, "--config", self.file, *arguments, input=input, seconds=seconds, check=check)

    def add_account(self, address, password):
        self.secrets.add((address, password))
        self.cli("account", "add", address, "--password-stdin", input=password + "\n", check=True)

    def set_password(self, address, password):
        self.secrets.add((address, password))
        self.cli("account", "password", address, "--password-stdin", input=password + "\n", check=True)

    # its mailboxes

    def mailbox(self, address):
        """The messages in the Maildir of a local address, oldest first, as octets."""
        local, domain = address.split("@")
        new = self.dir / "mail" / domain / local / "new"
        if not new.is_dir():
            return []
        return [p.read_bytes() for p in sorted(new.iterdir(), key=lambda p: p.stat().st_mtime_ns)]

    def wait_mail(self, address, text, seconds=20):
        """The one message of a mailbox that holds this text."""
        want = text.encode() if isinstance(text, str) else text

        def look():
            return [m for m in self.mailbox(address) if want in m]
        found = wait_for(look, f"{text!r} in the mailbox of {address}\n{self.log()[-3000:]}", seconds)
        if len(found) != 1:
            raise AssertionError(f"{text!r} is {len(found)} times in the mailbox of {address}")
        return found[0]

    # talking to it

    def wire(self, port=None, tls=False, **options):
        """Connected, greeting not yet read."""
        return Wire(port or (self.submissions if tls else self.submission), tls=tls, **options)

    def session(self, port=None, tls=True, login=None, ehlo="client.example"):
        """Past EHLO, under TLS if asked for (STARTTLS where the port wants it), logged in as `login`."""
        implicit = tls and port in (None, self.submissions)
        wire = Wire(port or self.submissions, tls=implicit)
        wire.expect(220)
        wire.ehlo(ehlo)
        if tls and not implicit:
            wire.say("STARTTLS", 220)
            wire.start_tls()
            wire.ehlo(ehlo)
        if login:
            wire.auth_plain(login, PASSWORDS.get(login) or dict(self.secrets)[login])
        return wire


class Reply:
    def __init__(self, code, lines):
        self.code, self.lines = code, lines

    @property
    def text(self):
        return "\n".join(self.lines)

    @property
    def status(self):
        """The enhanced status code, or None."""
        found = re.match(r"([245]\.\d{1,3}\.\d{1,3}) ", self.lines[-1] + " ")
        return found and found.group(1)

    def __repr__(self):
        return f"{self.code} {' / '.join(self.lines)}"


class Wire:
    """One connection. Every reply is checked for its form: codes, line lengths, enhanced
    status codes whose class is the reply's (standards 69)."""

    def __init__(self, port, tls=False, host=HOST, context=None, seconds=15, source=None, name=NAME):
        self.name = name
        self.socket = socket.create_connection((host, port), seconds * SLOW, source_address=source)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        self.greeted = False
        self.context = context
        if tls:
            self.start_tls()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def start_tls(self, session=None):
        self.context = self.context or client_context()
        if self.buffer:
            raise AssertionError(f"octets before the handshake: {self.buffer!r}")
        try:
            self.socket = self.context.wrap_socket(self.socket, server_hostname=self.name, session=session)
        except Exception:
            self.close()
            raise

    def send(self, octets):
        self.socket.sendall(octets.encode() if isinstance(octets, str) else octets)

    def line(self):
        while b"\n" not in self.buffer:
            more = self.socket.recv(65536)
            if not more:
                raise EOFError(f"the server closed; unread: {self.buffer!r}")
            self.buffer += more
        line, self.buffer = self.buffer.split(b"\n", 1)
        if not line.endswith(b"\r"):
            raise AssertionError(f"a line ends in a bare LF: {line!r}")
        return line[:-1]

    def reply(self, first=None):
        """The next reply. `first`: the verb that it answers, where the form depends on it."""
        lines, code = [], None
        while True:
            line = self.line()
            found = re.fullmatch(rb"([2345]\d\d)([ -])(.*)", line)
            if not found or len(line) > 510 or re.search(rb"[\0-\x1f\x7f]", line):
                raise AssertionError(f"not a reply: {line!r}")
            if code is not None and found.group(1) != code:
                raise AssertionError(f"the code changes within a reply: {lines} {line!r}")
            code = found.group(1)
            lines.append(found.group(3).decode())
            if found.group(2) == b" ":
                break
        reply = Reply(int(code), lines)
        bare = (not self.greeted and reply.code == 220) or first in ("EHLO", "HELO") or reply.code // 100 == 3
        self.greeted = True
        if not (bare and reply.code < 400):
            for text in lines:
                found = re.match(r"([245])\.\d{1,3}\.\d{1,3}( |$)", text)
                if not found or found.group(1) != str(reply.code)[0]:
                    raise AssertionError(f"a reply without a fitting enhanced status code: {reply}")
        return reply

    def expect(self, code, status=None, first=None):
        reply = self.reply(first)
        if reply.code != code or (status and reply.status != status):
            raise AssertionError(f"expected {code} {status or ''}, got: {reply}")
        return reply

    def say(self, line, code=None, status=None):
        """Sends a command line; its reply, which must have this code when one is given."""
        self.send((line.encode() if isinstance(line, str) else line) + b"\r\n")
        verb = line.split()[0].upper() if isinstance(line, str) and line.split() else ""
        if code is None:
            return self.reply(verb)
        return self.expect(code, status, verb)

    def ehlo(self, name="client.example"):
        """The extensions, by keyword."""
        reply = self.say(f"EHLO {name}", 250)
        return {line.split()[0].upper(): line.split()[1:] for line in reply.lines[1:]}

    def auth_plain(self, user, password, code=235, status=None, authzid=""):
        token = base64.b64encode(f"{authzid}\0{user}\0{password}".encode()).decode()
        return self.say(f"AUTH PLAIN {token}", code, status)

    def auth_login(self, user, password, code=235, status=None):
        asked = self.say("AUTH LOGIN", 334)
        assert asked.text == "VXNlcm5hbWU6", asked
        asked = self.say(base64.b64encode(user.encode()).decode(), 334)
        assert asked.text == "UGFzc3dvcmQ6", asked
        return self.say(base64.b64encode(password.encode()).decode(), code, status)

    def mail(self, sender, *recipients, parameters=""):
        self.say(f"MAIL FROM:<{sender}>{parameters}", 250)
        for recipient in recipients:
            self.say(f"RCPT TO:<{recipient}>", 250)

    def data(self, message, code=250, status=None):
        """Sends a message as DATA; `message` has LF or CRLF line ends."""
        self.say("DATA", 354)
        octets = message.encode() if isinstance(message, str) else message
        octets = octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        if not octets.endswith(b"\r\n"):
            octets += b"\r\n"
        self.send(re.sub(rb"(?m)^\.", b"..", octets) + b".\r\n")
        return self.expect(code, status)

    def closed(self, seconds=10):
        """True when the server closes within the time and says nothing more."""
        self.socket.settimeout(seconds * SLOW)
        try:
            rest = self.buffer + self.socket.recv(65536)
        except (ConnectionError, ssl.SSLError):
            return True
        return rest == b""

    def everything(self, seconds=10):
        """All octets until the server closes, or nothing comes for so long."""
        self.socket.settimeout(seconds * SLOW)
        with contextlib.suppress(OSError, ssl.SSLError):
            while more := self.socket.recv(65536):
                self.buffer += more
        found, self.buffer = self.buffer, b""
        return found


def message(sender, to, subject, body="Hello.\n", extra=""):
    return f"From: <{sender}>\nTo: <{to}>\nSubject: {subject}\n{extra}\n{body}"


def token():
    """A word that stands in one message only."""
    return "tok" + "".join(random.SystemRandom().choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(16))


def connections_to(listener):
    """Each one that comes, until the listener is shut."""
    while True:
        try:
            peer, _ = listener.accept()
        except OSError:
            return
        yield peer


class Sink:
    """A next hop. Keeps envelopes and contents; `answers` maps a verb (EHLO, MAIL, RCPT,
    DATA, END, or RCPT with an address) to a reply line, or to a function of the argument
    that gives one (None: hang up)."""

    def __init__(self, answers=None, extensions=("PIPELINING", "8BITMIME", "SIZE 104857600"), tls=False, port=None,
                 on_message=None):
        self.answers = answers or {}
        self.extensions = list(extensions)
        self.tls = None
        if tls:
            certificate, key = Authority.shared().issue("sink", ("sink.example", "localhost"))
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(certificate, key)
            self.extensions.append("STARTTLS")
        self.messages, self.commands, self.connections = [], [], 0
        self.on_message = on_message
        self.lock = threading.Lock()
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.port = port or free_ports(1)[0]
        self.listener.bind((HOST, self.port))
        self.listener.listen(512)
        self.peers = set()
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with self.lock:
            peers = list(self.peers)
        for peer in peers:
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)

    def wait(self, text, seconds=20):
        """The one message that holds this text: {sender, recipients, content, tls, ...}."""
        want = text.encode()

        def look():
            with self.lock:
                return [m for m in self.messages if want in m["content"]]
        return wait_for(look, f"{text!r} at the sink", seconds)[0]

    def _accept(self):
        for peer in connections_to(self.listener):
            with self.lock:
                self.connections += 1
                self.peers.add(peer)
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        encrypted = None
        try:
            encrypted = self._talk(peer)
            if encrypted:
                self._talk(encrypted, True)
        except (OSError, ValueError):
            pass
        finally:
            with self.lock:
                self.peers -= {peer, encrypted}
            peer.close()
            if encrypted:
                encrypted.close()

    def _answer(self, verb, argument, usual):
        for key in (f"{verb} {argument}".strip(), verb):
            if key in self.answers:
                answer = self.answers[key]
                return answer(argument) if callable(answer) else answer
        return usual

    def _talk(self, peer, encrypted=False):
        """Until the end, or until STARTTLS: gives the connection under TLS then."""
        stream = peer.makefile("rb")
        envelope = {"sender": None, "recipients": [], "parameters": []}

        def send(text):
            peer.sendall(text.encode() + b"\r\n")
        if not encrypted:
            greeting = self._answer("CONNECT", "", "220 sink.example ESMTP")
            if greeting is None:
                return None
            send(greeting)
        while line := stream.readline(100000):
            if not line.endswith(b"\r\n"):
                raise ValueError("bare line end in a command")
            text = line[:-2].decode(errors="surrogateescape")
            with self.lock:
                self.commands.append(text)
            verb, _, argument = text.partition(" ")
            verb = verb.upper()
            address = (re.search(r"<([^>]*)>", argument) or [None, ""])[1]
            usual = {"EHLO": None, "HELO": "250 sink.example", "MAIL": "250 2.1.0 Ok", "RCPT": "250 2.1.5 Ok",
                     "DATA": "354 Go on", "RSET": "250 2.0.0 Ok", "NOOP": "250 2.0.0 Ok", "QUIT": "221 2.0.0 Bye",
                     "STARTTLS": "220 2.0.0 Go on"}.get(verb, "500 5.5.2 What?")
            if verb == "EHLO":
                offered = [e for e in self.extensions if not (encrypted and e == "STARTTLS")]
                rows = ["sink.example", *offered]
                usual = "\r\n".join(f"250{'-' if i + 1 < len(rows) else ' '}{r}" for i, r in enumerate(rows))
            if verb == "DATA" and not envelope["recipients"]:
                usual = "554 5.5.1 No recipients"
            answer = self._answer(verb, address if verb in ("MAIL", "RCPT") else argument, usual)
            if answer is None:
                return None
            send(answer)
            good = answer[0] in "23"
            if verb == "QUIT":
                return None
            if verb == "STARTTLS" and good and self.tls:
                stream.close()
                inner = self.tls.wrap_socket(peer, server_side=True)
                with self.lock:
                    self.peers.add(inner)
                return inner
            elif verb in ("EHLO", "HELO", "RSET"):
                envelope = {"sender": None, "recipients": [], "parameters": []}
            elif verb == "MAIL" and good:
                envelope = {"sender": address, "recipients": [], "parameters": argument.split()[1:]}
            elif verb == "RCPT" and good:
                envelope["recipients"].append(address)
                envelope["parameters"] += argument.split()[1:]
            elif verb == "DATA" and good:
                content, raw = [], b""
                while (line := stream.readline(1 << 20)) != b".\r\n":
                    if not line:
                        return None
                    raw += line
                    content.append(line[1:] if line.startswith(b".") else line)
                content = b"".join(content)
                answer = self._answer("END", "", "250 2.0.0 Taken")
                if answer is not None and answer[0] == "2":
                    taken = {**envelope, "content": content, "raw": raw, "tls": encrypted}
                    with self.lock:
                        self.messages.append(taken)
                    if self.on_message:
                        self.on_message(taken)
                if answer is None:
                    return None
                send(answer)
                envelope = {"sender": None, "recipients": [], "parameters": []}
        return None
