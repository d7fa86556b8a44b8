"""Back ends that go away under load: log-ins go on, every answer is written down, and the
other program is restarted, halted and slowed meanwhile.

Whatever happens to it, a right password is never called wrong and a wrong one never right,
no session hangs, and when it is back, log-ins succeed without a restart of Postern."""
import threading
import time

from harness import SLOW, wait_for
from scram import Scram


class Client:
    """Logs in again and again. `answers` counts replies by code."""

    def __init__(self, load, number):
        self.load, self.number = load, number
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.load.ends.is_set():
            turn = self.load.next_turn()
            mechanism = self.load.mechanisms[turn % len(self.load.mechanisms)]
            user, password = self.load.users[turn % len(self.load.users)]
            right = turn % 5 != 4
            try:
                began = time.monotonic()
                code = self.log_in(mechanism, user, password if right else password + "x")
                self.load.note(mechanism, right, code, time.monotonic() - began)
            except (OSError, EOFError, AssertionError) as e:
                self.load.broken(f"{mechanism} of {user}: {e!r}")

    def log_in(self, mechanism, user, password):
        with self.load.server.session() as wire:
            if mechanism == "PLAIN":
                return wire.auth_plain(user, password, None).code
            if mechanism == "LOGIN":
                return wire.auth_login(user, password, None).code
            hash = mechanism.removeprefix("SCRAM-").replace("-", "").lower()
            return Scram(user, password, hash=hash).log_in(wire).code


class Load:
    """Log-ins of several clients until the block ends; then the ledger is looked at."""

    def __init__(self, server, users, mechanisms=("PLAIN",), clients=4, longest=30):
        self.server, self.users, self.mechanisms, self.longest = server, list(users), list(mechanisms), longest
        self.lock, self.ends = threading.Lock(), threading.Event()
        self.turn, self.right, self.put_off, self.faults, self.slowest = 0, 0, 0, [], 0.0
        self.clients = [Client(self, n) for n in range(clients)]

    def next_turn(self):
        with self.lock:
            self.turn += 1
            return self.turn

    def note(self, mechanism, right, code, seconds):
        with self.lock:
            self.slowest = max(self.slowest, seconds)
            if code == 454:
                self.put_off += 1
            elif code != (235 if right else 535):
                self.faults.append(f"{mechanism} with a {'right' if right else 'wrong'} password: {code}")
            elif right:
                self.right += 1

    def broken(self, what):
        with self.lock:
            self.faults.append(what)

    def succeeds(self, more=8):
        """Log-ins succeed now."""
        before = self.right
        wait_for(lambda: self.right >= before + more or self.faults, "log-ins that succeed", 40)
        assert not self.faults, self.faults[:5]

    def is_put_off(self, more=3):
        """Somebody is told to come back."""
        before = self.put_off
        wait_for(lambda: self.put_off >= before + more or self.faults, "454", 40)
        assert not self.faults, self.faults[:5]

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.ends.set()
        for c in self.clients:
            c.thread.join(60 * SLOW)
        stuck = [c for c in self.clients if c.thread.is_alive()]
        if kind is None:
            assert not stuck, f"{len(stuck)} sessions hang"
            assert not self.faults, self.faults[:5]
            assert self.slowest < self.longest * SLOW, f"a log-in took {self.slowest:.1f} s"


def survive(server, users, program, mechanisms=("PLAIN",), down=True):
    """`program` has stop(), start(), halt(), go_on(), and where it can be slowed, slow() and
    quick(). `down`: whether its users see that it is gone; else they go on as if nothing was."""
    with Load(server, users, mechanisms) as load:
        load.succeeds()
        for begin, end in ((program.stop, program.start), (getattr(program, "halt", None), getattr(program, "go_on", None)),
                           (getattr(program, "slow", None), getattr(program, "quick", None))):
            if begin is None:
                continue
            begin()
            try:
                if down:
                    load.is_put_off()
                else:
                    load.succeeds()
            finally:
                end()
            load.succeeds()
            # Not for the moment only: nobody has to restart the server.
            wait_for(lambda: "down: " not in server.cli("status").stdout, "the back end to be up")
    return load
