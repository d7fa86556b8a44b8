"""Servers that follow a script: one thread takes the connections of all of them, and each connection has a thread."""
import base64
import contextlib
import os
import re
import selectors
import socket
import ssl
import struct
import threading

from . import mechanisms
from .script import CLOSE, HANG, RESET, Last, Late, Other, Raw

IPV6_FREEBIND = 78


class Gone(Exception):
    """The connection has ended."""


class Services:
    """Where servers listen. `talk` gets the connection, in a thread of its own."""

    def __init__(self, internet):
        self.internet = internet
        self.selector = selectors.DefaultSelector()
        self.doors, self.open, self.lock = [], set(), threading.Lock()
        self.wake, self.awake = os.pipe()
        self.selector.register(self.wake, selectors.EVENT_READ, None)
        self.closing = threading.Event()
        self.thread = threading.Thread(target=self.accept, daemon=True)

    def listen(self, address, port, talk):
        """The port; 0: any."""
        with self.internet.outside():
            door = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        if ":" in address:
            door.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)  # routed to this machine, not at an interface of it
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind((address, port))
        door.listen(64)
        self.doors.append(door)
        self.selector.register(door, selectors.EVENT_READ, talk)
        return door.getsockname()[1]

    def start(self):
        # Its threads open connections of their own where the servers are.
        with self.internet.outside():
            self.thread.start()

    def accept(self):
        while True:
            for key, _ in self.selector.select():
                if key.data is None:
                    return
                peer, _ = key.fileobj.accept()
                with self.lock:
                    self.open.add(peer)
                threading.Thread(target=self.serve, args=(peer, key.data), daemon=True).start()

    def serve(self, peer, talk):
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.settimeout(60)
        try:
            talk(peer)
        except (Gone, OSError, ValueError, KeyError):
            pass  # the other side's doing; the checker tells what it saw of it
        finally:
            with self.lock:
                self.open.discard(peer)
            peer.close()

    def close(self):
        self.closing.set()
        os.write(self.awake, b"x")
        if self.thread.is_alive():
            self.thread.join()
        with self.lock:
            peers = list(self.open)
        for peer in peers:
            with contextlib.suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)
        for door in self.doors:
            door.close()
        self.selector.close()
        os.close(self.wake)
        os.close(self.awake)


def server_context(files, change=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # Weak keys and digests are for the client to judge.
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.load_cert_chain(*files)
    if change:
        change(context)
    return context


class Conversation:
    """One connection with a server that follows `script`, at a host of this name."""

    def __init__(self, peer, script, host, context, accounts, closing):
        self.socket, self.script, self.host, self.context, self.closing = peer, script, host, context, closing
        self.accounts = getattr(script, "accounts", None) or accounts
        self.may_act_for_others, self.mechanism = False, ""
        self.buffer, self.secure, self.user, self.envelope = b"", False, None, None

    # octets

    def send(self, octets):
        self.socket.sendall(octets)

    def line(self, limit=1 << 20):
        while b"\n" not in self.buffer:
            more = self.socket.recv(65536)
            if not more or len(self.buffer) > limit:
                raise Gone
            self.buffer += more
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line.rstrip(b"\r")

    def start_tls(self):
        raw = self.socket
        self.socket = self.context.wrap_socket(raw, server_side=True)
        self.buffer, self.secure = b"", True

    def drain(self):
        """Hears what comes, and says nothing, until the other side has gone or the lab ends."""
        with contextlib.suppress(OSError):
            while not self.closing.is_set() and self.socket.recv(65536):
                pass
        raise Gone

    # what a script says

    def perform(self, what, argument=""):
        """Does it; the code of the reply, or 0."""
        if callable(what):
            what = what(self, argument)
        if isinstance(what, str):
            text = what.replace("{host}", self.host)
            self.send(text.replace("\n", "\r\n").encode() + b"\r\n")
            return int(text[:3])
        if isinstance(what, Late):
            self.closing.wait(what.seconds)
            return self.perform(what.then, argument)
        if isinstance(what, Raw):
            for _ in range(what.times):
                self.send(what.octets)
            return 0
        if isinstance(what, Last):
            self.perform(what.text)
            raise Gone
        if what is HANG:
            self.drain()
        if what is RESET:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if what in (CLOSE, RESET):
            raise Gone
        raise AssertionError(f"not a thing that a script says: {what!r}")

    def different(self, *steps):
        for step in steps:
            for name in ([] if self.secure else [f"{step} in clear"]) + [step]:
                if name in self.script.replies:
                    return self.script.replies[name]
        return None

    def known(self, user, password):
        return user.decode(errors="replace") if self.password(user) == password else None

    def password(self, user):
        if self.mechanism in self.script.without_verifier:
            return None
        found = self.accounts.get(user.decode(errors="replace"))
        return found.encode() if isinstance(found, str) else found

    # the conversation

    def talk(self):
        try:
            if self.script.tls == "implicit":
                self.start_tls()
            greeting = self.different("connect")
            code = self.perform(greeting if greeting is not None else "220 " + self.script.banner)
            if code and code != 220:
                self.perform_after_refusal()
            while True:
                self.command(self.line())
        finally:
            if self.secure:
                with contextlib.suppress(OSError, ValueError):
                    self.socket.close()

    def perform_after_refusal(self):
        """RFC 5321 section 3.1: after a refusing greeting it waits for QUIT."""
        while not self.line().upper().startswith(b"QUIT"):
            self.perform("503 5.5.1 bad sequence of commands")
        raise Gone

    def command(self, line):
        text = line.decode(errors="replace")
        verb, _, argument = text.partition(" ")
        verb = verb.upper()
        step = getattr(self, "on_" + verb.lower(), None) if re.fullmatch("[A-Z]+", verb) else None
        if step is None:
            return self.perform(self.different(verb) or "500 5.5.2 command not recognized")
        return step(argument)

    def on_ehlo(self, argument):
        lines = [f"{self.host}", *self.script.extensions]
        if self.script.tls == "starttls" and not self.secure:
            lines.append("STARTTLS")
        if self.script.auth and (self.secure or self.script.auth_in_clear):
            lines += self.script.auth.split("\n") if self.script.auth.startswith("AUTH") else ["AUTH " + self.script.auth]
        usual = "\n".join(f"250{'-' if i + 1 < len(lines) else ' '}{row}" for i, row in enumerate(lines))
        self.perform(self.different("EHLO") or usual, argument)

    def on_helo(self, argument):
        self.perform(self.different("HELO") or "250 {host}", argument)

    def on_starttls(self, argument):
        if self.script.tls != "starttls" or self.secure:
            self.perform(self.different("STARTTLS") or "502 5.5.1 command not implemented")
        elif self.perform(self.different("STARTTLS") or "220 2.0.0 ready to start TLS", argument) == 220:
            self.start_tls()

    def on_auth(self, argument):
        name, _, first = argument.partition(" ")
        self.mechanism = name = name.upper()
        different = self.different("AUTH " + name, "AUTH")
        if different is not None:
            return self.perform(different, argument)
        if name not in mechanisms.ALL or not re.search(rf"(?i)[ =]{re.escape(name)}\b", " " + self.script.auth):
            return self.perform("504 5.5.4 unrecognized authentication type")
        try:
            exchange = mechanisms.ALL[name](self, None if not first else self.decoded(first))
            challenge = next(exchange)
            while True:
                self.send(b"334 " + base64.b64encode(challenge) + b"\r\n")
                answer = self.line()
                if answer == b"*":
                    return self.perform("501 5.7.0 authentication cancelled")
                challenge = exchange.send(self.decoded(answer))
        except StopIteration as ended:
            self.user = ended.value
        except (mechanisms.Unreadable, KeyError, ValueError):
            return self.perform("501 5.5.2 cannot decode")
        return self.perform("235 2.7.0 authentication successful" if self.user else
                            self.script.refusal)

    @staticmethod
    def decoded(text):
        octets = text.encode() if isinstance(text, str) else text
        return b"" if octets == b"=" else base64.b64decode(octets, validate=True)

    def on_mail(self, argument):
        if self.perform(self.different("MAIL") or "250 2.1.0 Ok", argument) // 100 == 2:
            self.envelope = {"sender": self.address(argument), "recipients": [], "user": self.user}

    def on_rcpt(self, argument):
        address = self.address(argument)
        usual = "250 2.1.5 Ok"
        if self.envelope is None:
            usual = "503 5.5.1 MAIL first"
        elif self.script.login_needed and not self.user and address.rpartition("@")[2] not in self.script.own_domains:
            usual = f"554 5.7.1 <{address}>: Relay access denied"
        if self.perform(self.different("RCPT") or usual, argument) // 100 == 2:
            self.envelope["recipients"].append(address)

    def on_data(self, argument):
        ready = self.envelope and self.envelope["recipients"]
        usual = "354 end with a line that is a dot" if ready else "503 5.5.1 RCPT first"
        if self.perform(self.different("DATA") or usual, argument) != 354:
            return
        lines = []
        while (line := self.line(1 << 26)) != b".":
            lines.append(line[1:] if line.startswith(b".") else line)
        content = b"\r\n".join(lines) + b"\r\n"
        code = self.perform(self.different("end") or "250 2.0.0 Ok: queued as 4FABCDEF", content)
        if code == 250 and self.script.on_message:
            self.script.on_message(self.envelope, content)
        self.envelope = None

    @staticmethod
    def address(argument):
        found = re.search(r"<([^>]*)>", argument)
        return found.group(1) if found else argument

    def on_rset(self, argument):
        self.envelope = None
        self.perform(self.different("RSET") or "250 2.0.0 Ok", argument)

    def on_noop(self, argument):
        self.perform(self.different("NOOP") or "250 2.0.0 Ok", argument)

    def on_quit(self, argument):
        self.perform(Last(self.different("QUIT") or "221 2.0.0 Bye"))


class OtherConversation(Conversation):
    """With a service that is no SMTP."""

    def talk(self):
        if self.script.tls == "implicit":
            self.start_tls()
        if self.script.first:
            self.send(self.script.first)
        while True:
            self.line()
            if self.script.answer:
                self.send(self.script.answer)


def talker(script, host, context, accounts, closing):
    """What `Services.listen` wants, for a script."""
    kind = OtherConversation if isinstance(script, Other) else Conversation
    return lambda peer: kind(peer, script, host, context, accounts, closing).talk()
