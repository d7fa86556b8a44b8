"""Delivery under fire: delivery_soak.py --messages N --destinations M [--seed S].

Mail for many destinations, each a server of its own with a temper: good, slow, greylisting,
rate-limiting, refusing, hanging up in the middle, answering nonsense, or dead. Meanwhile the
server is killed at random and the disk fills up. A ledger has what was acknowledged; in the
end each recipient of it must be delivered, bounced to the sender, or still in the queue:
none is lost. One that came twice has to have had its delivery under way at a kill, or with a
server that loses replies."""
import argparse
import collections
import contextlib
import email
import email.policy
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

TOKEN = re.compile(rb"Subject: (tok[a-z0-9]{16})\b")
IN_FLIGHT = 3.0  # seconds before a kill in which a first copy may have been taken


class Remote:
    """One destination: its sink, and what became of its mail there."""
    tempers = ["good"] * 8 + ["slow", "grey", "limited", "refusing", "breaking", "forgetful", "nonsense", "dead"]

    def __init__(self, harness, number, ledger, rng):
        self.domain = f"d{number:03}.test"
        self.temper = self.tempers[number % len(self.tempers)]
        self.rng, self.ledger, self.seen = rng, ledger, set()
        self.lock = threading.Lock()
        self.sink = harness.Sink({"RCPT": self.rcpt, "END": self.end, "MAIL": self.mail, "DATA": self.data},
                                 on_message=self.taken, extensions=("PIPELINING", "8BITMIME"))
        self.port = self.sink.port
        if self.temper == "dead":
            self.sink.close()

    def chance(self, share):
        with self.lock:
            return self.rng.random() < share

    def mail(self, _):
        if self.temper == "limited" and self.chance(0.5):
            return "421 4.7.0 Too many messages, come back later"
        if self.temper == "nonsense" and self.chance(0.1):
            return "999 What is this"
        return "250 2.1.0 Ok"

    def rcpt(self, address):
        if self.temper == "grey":
            with self.lock:
                if address not in self.seen:
                    self.seen.add(address)
                    return "450 4.7.1 Greylisted, try again in 2 seconds"
        if self.temper == "refusing" and address.startswith("b"):
            return "550 5.1.1 No such user"
        return "250 2.1.5 Ok"

    def data(self, _):
        if self.temper == "breaking" and self.chance(0.2):
            return None
        return "354 Go on"

    def end(self, _):
        if self.temper == "slow":
            time.sleep(0.2)
        if self.temper == "breaking" and self.chance(0.1):
            return None
        # Taken, and the reply lost: the sender can't know.
        return "250 2.0.0 Taken"

    def taken(self, message):
        found = TOKEN.search(message["content"])
        if found:
            for recipient in message["recipients"]:
                self.ledger.arrived(found.group(1).decode(), recipient)
        if self.temper == "forgetful" and self.chance(0.1):
            raise ValueError("the reply is lost")


class Ledger:
    def __init__(self):
        self.lock = threading.Lock()
        self.acknowledged = {}
        self.copies = collections.defaultdict(list)

    def arrived(self, token, recipient):
        with self.lock:
            self.copies[token, recipient].append(time.time())


class Disk:
    """A file system of its own, which has room for so many messages and can be filled up; a plain folder where that is
    not allowed."""

    def __init__(self, messages):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="postern-disk-"))
        self.path.chmod(0o755)
        self.mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={32 + messages // 64}m", "tmpfs", self.path],
                                      capture_output=True).returncode == 0
        self.ballast = self.path / "ballast"

    def fill(self):
        if not self.mounted:
            return
        with contextlib.suppress(OSError), open(self.ballast, "wb") as f:
            while True:
                f.write(b"\0" * 65536)
                f.flush()

    def free(self):
        self.ballast.unlink(missing_ok=True)

    def close(self):
        if self.mounted:
            subprocess.run(["umount", "-l", self.path], check=False)
        shutil.rmtree(self.path, True)


def send(harness, server, ledger, domains, rng, messages):
    """One client: messages to one, two or many destinations, until so many are acknowledged."""
    while len(ledger.acknowledged) < messages:
        with contextlib.suppress(OSError, EOFError, AssertionError):
            with server.session(login=harness.ALICE) as wire:
                while len(ledger.acknowledged) < messages:
                    token = harness.token()
                    size = rng.choice([1, 1, 1, 2, 12])
                    recipients = [f"{rng.choice('abc')}@{d}" for d in rng.sample(domains, size)]
                    if rng.random() < 0.1:
                        recipients.append(harness.BOB)
                    body = ("x" * 70 + "\n") * (rng.choice([1, 10, 40]) if rng.random() < 0.98 else 2500)
                    wire.mail(harness.ALICE, *recipients)
                    wire.data(harness.message(harness.ALICE, recipients[0], token, body))
                    with ledger.lock:
                        ledger.acknowledged[token] = recipients
        time.sleep(0.05)


def reported(octets):
    """The recipients that a report says have failed, with the message's token."""
    mail = email.message_from_bytes(octets, policy=email.policy.default)
    if mail.get_content_type() != "multipart/report":
        return None, []
    _, status, returned = mail.iter_parts()
    token = TOKEN.search(returned.as_bytes())
    failed = [group["Final-Recipient"].split(";", 1)[1].strip() for group in status.get_payload()
              if group.get("Action") == "failed"]
    return token.group(1).decode() if token else None, failed


def run(messages, destinations, seed):
    import harness
    rng = random.Random(seed)
    ledger, kills, fills = Ledger(), [], 0
    remotes = [Remote(harness, n, ledger, random.Random(rng.random())) for n in range(destinations)]
    domains = [r.domain for r in remotes]
    disk = Disk(messages)
    server = harness.Postern(
        {"data_dir": disk.path / "data",
         "delivery": {"retry": ["1 s", "2 s", "5 s"], "give_up_after": "1 d", "connections_per_host": 4,
                      "local": f"maildir:{disk.path}/mail/%d/%n"},
         "limits": {"connections_per_address": 500, "free_space": "8 MiB"}, "timeouts": {"drain": "2 s"},
         "route": [{"recipients": [r.domain], "to": f"smtp:{harness.HOST}:{r.port}"} for r in remotes]},
        start=False)
    mailboxes = disk.path / "mail"
    try:
        server.start()
        clients = [threading.Thread(target=send, daemon=True,
                                    args=(harness, server, ledger, domains, random.Random(rng.random()), messages))
                   for _ in range(8)]
        for client in clients:
            client.start()
        while any(client.is_alive() for client in clients):
            time.sleep(rng.uniform(1.0, 4.0))
            if rng.random() < 0.3:
                disk.fill()
                fills += 1
                time.sleep(rng.uniform(0.3, 1.5))
                disk.free()
            else:
                server.kill()
                kills.append(time.time())
                server.start()
            print(f"{len(ledger.acknowledged)} acknowledged, {len(kills)} kills, disk full {fills} times", flush=True)
        print(f"sent in {len(kills)} kills; now it may deliver", flush=True)

        def settled():
            """All but what waits for the dead, and for those that limit: a pause of minutes."""
            waiting = json.loads(server.cli("queue", "list", "--limit", "100000", "--json", check=True).stdout)
            left = {r["forward_path"].split("@")[1] for m in waiting for r in m["recipients"]
                    if r["state"] not in ("delivered", "bounced")}
            tempers = {r.domain: r.temper for r in remotes} | {"postern.test": "local"}
            now = collections.Counter(tempers[domain] for domain in left)
            if now != shown.get("left"):
                shown["left"] = now
                print(f"waiting for destinations: {dict(now)}", flush=True)
            return not set(now) - {"dead", "limited"}
        shown = {}
        harness.wait_for(settled, "all that can be delivered", 300)
        # Then nothing changes between the list and its messages.
        server.stop()
        waiting = json.loads(server.cli("queue", "list", "--limit", "100000", "--json", check=True).stdout)
        queued = set()
        by_id = {}
        for m in waiting:
            header = json.loads(server.cli("queue", "show", m["queue_id"], "--json", check=True).stdout)["header"]
            found = TOKEN.search(header.encode())
            by_id[m["queue_id"]] = found and found.group(1).decode()
            for r in m["recipients"]:
                if r["state"] not in ("delivered", "bounced"):
                    queued.add((by_id[m["queue_id"]], r["forward_path"]))
        bounced = set()
        for path in (mailboxes / "postern.test" / "alice" / "new").iterdir():
            token, failed = reported(path.read_bytes())
            bounced |= {(token, f) for f in failed}
        with contextlib.suppress(FileNotFoundError):
            for path in (mailboxes / "postern.test" / "bob" / "new").iterdir():
                found = TOKEN.search(path.read_bytes()[:8192])
                if found:
                    ledger.copies[found.group(1).decode(), harness.BOB].append(path.stat().st_mtime)
        return report(ledger, bounced, queued, kills, fills, remotes, disk)
    finally:
        server.kill()
        for r in remotes:
            r.sink.close()
        shutil.rmtree(server.dir, True)
        disk.close()


def report(ledger, bounced, queued, kills, fills, remotes, disk):
    wanted = {(token, to) for token, all_of_it in ledger.acknowledged.items() for to in all_of_it}
    delivered = {key for key in ledger.copies if key in wanted}
    lost = wanted - delivered - bounced - queued
    lossy = {r.domain for r in remotes if r.temper in ("forgetful", "breaking")}
    twice, unexplained = 0, []
    for key, times in ledger.copies.items():
        times.sort()
        for first, second in zip(times, times[1:]):
            twice += 1
            excused = key[1].split("@")[1] in lossy or \
                any(kill - IN_FLIGHT <= first <= kill + 0.5 and second > kill - 0.5 for kill in kills)
            if not excused:
                unexplained.append((key, times))
    print(f"{len(ledger.acknowledged)} messages acknowledged, {len(wanted)} recipients at {len(remotes)} destinations; "
          f"{len(kills)} kills, the disk full {fills} times" + ("" if disk.mounted else " (not: no mount allowed)"))
    print(f"delivered {len(delivered)}, bounced {len(bounced & wanted)}, still queued {len(queued & wanted)}, "
          f"lost {len(lost)}; came twice {twice}, of these without a reason {len(unexplained)}")
    for token, recipient in sorted(lost)[:10]:
        print(f"LOST: {token} to {recipient}")
    for key, times in unexplained[:10]:
        print(f"TWICE: {key}: {times}")
    return not lost and not unexplained and len(kills) > 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--postern", help="the program")
    parser.add_argument("--messages", type=int, default=20000)
    parser.add_argument("--destinations", type=int, default=200)
    parser.add_argument("--seed", type=int, default=None)
    given = parser.parse_args()
    if given.postern:
        os.environ["POSTERN"] = os.path.abspath(given.postern)
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(1 << 30)
    print(f"seed {seed}", flush=True)
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
    sys.exit(0 if run(given.messages, given.destinations, seed) else 1)


if __name__ == "__main__":
    main()
