"""Kills the server under load, again and again, and counts: soak.py --rounds N [--seed S].

Clients send messages that each hold a token of their own, and write down which of them
were acknowledged. In every second round the moment is random; in the others the program
ends itself at one of its named fault points (a build with POSTERN_FAULT_POINTS). In the
end a last server drains the queue. Then

- every acknowledged message has reached every one of its recipients: none is lost;
- a message came twice only when its delivery was under way at a kill;
- the database is sound, and no body file is left over."""
import argparse
import contextlib
import json
import os
import pathlib
import random
import re
import shutil
import sqlite3
import sys
import tempfile
import threading
import time

REMOTE, LOCAL = "friend@remote.test", "bob@postern.test"
IN_FLIGHT = 3.0  # seconds before a kill in which a first copy may have been taken


def fault_points(root):
    """The names in the source, so that none is forgotten here."""
    found = set()
    for path in (root / "src").rglob("*.cpp"):
        found |= set(re.findall(r'fault_point\("([\w-]+)"\)', path.read_text(encoding="utf-8")))
    return sorted(found)


class Ledger:
    def __init__(self):
        self.lock = threading.Lock()
        self.sent = {}       # token: recipients
        self.acknowledged = {}  # token: recipients
        self.copies = {}     # (token, recipient): times

    def arrived(self, token, recipient, when):
        with self.lock:
            self.copies.setdefault((token, recipient), []).append(when)


TOKEN = re.compile(rb"Subject: (tok[a-z0-9]{16})\b")


class Load:
    """Clients that send until they are stopped or lose their server."""

    def __init__(self, harness, server, ledger, clients=6):
        self.harness, self.server, self.ledger = harness, server, ledger
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.work, daemon=True) for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def work(self):
        with contextlib.suppress(OSError, EOFError, AssertionError):
            with self.server.session(login=self.harness.ALICE) as wire:
                while not self.stopping.is_set():
                    self.one(wire)

    def one(self, wire):
        token = self.harness.token()
        recipients = random.choice([[REMOTE], [LOCAL], [REMOTE, LOCAL]])
        # One in ten is larger than what the database keeps itself.
        body = "x" * 70 + "\n"
        body *= random.choice([1, 10, 40]) if random.random() < 0.9 else 3000
        with self.ledger.lock:
            self.ledger.sent[token] = recipients
        wire.mail(self.harness.ALICE, *recipients)
        wire.data(self.harness.message(self.harness.ALICE, recipients[0], token, body))
        with self.ledger.lock:
            self.ledger.acknowledged[token] = recipients

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(20)


def check_databases(folder):
    """A copy of every database passes SQLite's own check; the originals stay untouched."""
    checked = 0
    with tempfile.TemporaryDirectory(prefix="postern-soak-") as scratch:
        for path in pathlib.Path(folder).rglob("*"):
            if not path.is_file() or path.name.endswith(("-wal", "-shm")):
                continue
            with open(path, "rb") as f:
                if f.read(16) != b"SQLite format 3\0":
                    continue
            copy = pathlib.Path(scratch, f"{checked}.db")
            shutil.copy(path, copy)
            if (wal := path.with_name(path.name + "-wal")).exists():
                shutil.copy(wal, f"{copy}-wal")
            connection = sqlite3.connect(copy)
            result = connection.execute("PRAGMA integrity_check").fetchall()
            connection.close()
            if result != [("ok",)]:
                raise AssertionError(f"{path.name} is damaged: {result[:3]}")
            checked += 1
    if not checked:
        raise AssertionError("there is no database to check")
    return checked


def soak(rounds, seed):
    import harness
    random.seed(seed)
    points = fault_points(harness.ROOT)
    ledger, kills, hit = Ledger(), [], {}

    def taken(message):
        found = TOKEN.search(message["content"])
        if found:
            for recipient in message["recipients"]:
                ledger.arrived(found.group(1).decode(), recipient, time.time())

    sink = harness.Sink(on_message=taken)
    server = harness.Postern({"delivery": {"smart_host": f"{harness.HOST}:{sink.port}", "retry": ["1 s"]},
                              "limits": {"connections_per_address": 500},
                              "timeouts": {"drain": "5 s"}}, start=False)
    try:
        for number in range(1, rounds + 1):
            point = random.choice(points) if points and number % 2 == 0 else None
            server.environment.pop("POSTERN_CRASH", None)
            if point:
                server.environment["POSTERN_CRASH"] = f"{point}:{random.choice([1, 2, 5, 20, 50])}"
            try:
                server.start(wait=False)
                server.wait_ready()
            except AssertionError:
                # A fault point may lie on the way of starting up.
                if not point or server.process.poll() != -9:
                    raise
            load = Load(harness, server, ledger)
            deadline = time.monotonic() + (random.uniform(0.05, 1.5) if not point else 5.0)
            while time.monotonic() < deadline and server.process.poll() is None:
                time.sleep(0.01)
            if server.process.poll() is None:
                server.kill()
            elif server.process.returncode == -9 and point:
                hit[point] = hit.get(point, 0) + 1
            else:
                raise AssertionError(f"the server ended by itself with {server.process.returncode}:\n"
                                     f"{server.log()[-5000:]}")
            kills.append(time.time())
            load.stop()
            if number % 10 == 0 or number == rounds:
                check_databases(server.dir / "data")
                print(f"round {number}: {len(ledger.acknowledged)} acknowledged of {len(ledger.sent)} sent", flush=True)

        server.environment.pop("POSTERN_CRASH", None)
        server.start()

        def drained():
            listed = json.loads(server.cli("queue", "list", "--json", check=True).stdout)
            return listed == [] or listed == {"queue": []}
        harness.wait_for(drained, "the queue to drain", 120)
        server.stop()
        check_databases(server.dir / "data")

        for message in (server.dir / "mail" / "postern.test" / "bob" / "new").iterdir():
            with open(message, "rb") as f:
                found = TOKEN.search(f.read(8192))
            if found:
                ledger.arrived(found.group(1).decode(), LOCAL, message.stat().st_mtime)
        return report(ledger, kills, hit, points, server)
    finally:
        server.kill()
        sink.close()
        shutil.rmtree(server.dir, True)


def report(ledger, kills, hit, points, server):
    lost = [(token, to) for token, recipients in ledger.acknowledged.items() for to in recipients
            if (token, to) not in ledger.copies]
    twice, unexplained = 0, []
    for key, times in ledger.copies.items():
        times.sort()
        for first, second in zip(times, times[1:]):
            twice += 1
            if not any(kill - IN_FLIGHT <= first <= kill + 0.5 and second > kill - 0.5 for kill in kills):
                unexplained.append(key)
    unacknowledged = len({token for token, _ in ledger.copies} - set(ledger.acknowledged))
    bodies = [p for p in (server.dir / "data").rglob("*") if p.is_file() and p.stat().st_size > 128 * 1024
              and b"\nSubject: tok" in p.read_bytes()[:4096]]
    print(f"{len(kills)} kills; {len(ledger.sent)} messages begun, {len(ledger.acknowledged)} acknowledged, "
          f"{len(lost)} lost; {twice} came twice, {len(unexplained)} of these without a kill in between; "
          f"{unacknowledged} arrived whose acknowledgement the kill swallowed; {len(bodies)} body files left over")
    print("fault points: " + (", ".join(f"{p} {hit.get(p, 0)}" for p in points) or "none in this build"))
    for token, recipient in lost[:10]:
        print(f"LOST: {token} to {recipient}")
    for token, recipient in unexplained[:10]:
        print(f"TWICE: {token} to {recipient}: {ledger.copies[token, recipient]}")
    enough = len(ledger.acknowledged) >= len(kills)
    if not enough:
        print("too few messages were acknowledged for this to mean anything")
    return not lost and not unexplained and not bodies and enough


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--postern", help="the program")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None)
    given = parser.parse_args()
    if given.postern:
        os.environ["POSTERN"] = os.path.abspath(given.postern)
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(1 << 30)
    print(f"seed {seed}", flush=True)
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
    sys.exit(0 if soak(given.rounds, seed) else 1)


if __name__ == "__main__":
    main()
