"""Whether the time of an answer tells a stranger that an account exists:
timing.py --tries N [--only WORD] [--seed S]. Takes minutes; best on a quiet machine.

For each way of logging in and each kind of user base a fresh server gets N tries over TLS,
in random order, from 127.0.0.0/8. Names are as long as each other, passwords are new ones
unless it says otherwise. Measured is the time from the last octet that depends on the name
to the answer, with no delay for failures, which would hide everything. Compared are

    first     a user's name that was never tried, and a name that nobody has
    at work   the name of a user who logged in a moment ago, and a name that nobody has, a moment
              after another user logged in
    again     one user's name again and again, and one that nobody has likewise
    the same  the same again, with the same wrong password (or proof, or token) each time
    token     a good token of nobody here, and an expired one of a user

by three numbers that a few slow answers don't upset:

    r         the rank-biserial correlation of Mann and Whitney's U: how much likelier it is that
              a user's answer is the slower one; with its two-sided p
    D         the largest distance of the two distributions (Kolmogorov and Smirnov)
    median    the difference of the medians, with a 95 % interval by resampling

A comparison fails when |r| or D is 0.15 or more and p is below 0.0001. So small an effect takes
some hundreds of tries a name to be seen; the guard refuses a name after a hundred."""
import argparse
import base64
import bisect
import ctypes
import hashlib
import math
import multiprocessing
import os
import pathlib
import random
import shutil
import sqlite3
import ssl
import statistics
import sys
import tempfile
import time

LIMIT, CERTAIN = 0.15, 0.0001
PASSWORD = "the right one, 17 times"
WORDS = "abcdefghijkmnpqrstuvwxyz23456789"
COMPARED = {"first": ("user", "nobody"), "at work": ("user at work", "nobody at work"),
            "again": ("user again", "nobody again"), "the same": ("user, the same", "nobody, the same"),
            "token": ("user's old token", "nobody's token")}


def b64(octets):
    return base64.b64encode(octets.encode() if isinstance(octets, str) else octets).decode()


# -- statistics ---------------------------------------------------------------------------

def mann_whitney(a, b):
    """Rank-biserial correlation, above 0 when values of `a` are the larger ones, and its p."""
    values = sorted([(v, 0) for v in a] + [(v, 1) for v in b])
    ranks, ties, at = 0.0, 0.0, 0
    while at < len(values):
        end = at
        while end < len(values) and values[end][0] == values[at][0]:
            end += 1
        rank = (at + 1 + end) / 2
        ranks += rank * sum(1 for _, group in values[at:end] if group == 0)
        ties += (end - at) ** 3 - (end - at)
        at = end
    n, m = len(a), len(b)
    u = ranks - n * (n + 1) / 2
    spread = math.sqrt(n * m / 12 * ((n + m + 1) - ties / ((n + m) * (n + m - 1))))
    z = (u - n * m / 2) / spread if spread else 0.0
    return 2 * u / (n * m) - 1, math.erfc(abs(z) / math.sqrt(2))


def kolmogorov_smirnov(a, b):
    """The distance, and its p by the usual series."""
    a, b = sorted(a), sorted(b)
    distance = max(abs(bisect.bisect_right(a, v) / len(a) - bisect.bisect_right(b, v) / len(b)) for v in a + b)
    size = math.sqrt(len(a) * len(b) / (len(a) + len(b)))
    x = (size + 0.12 + 0.11 / size) * distance
    if x < 0.3:
        return distance, 1.0
    return distance, min(1.0, max(0.0, 2 * sum((-1) ** (k - 1) * math.exp(-2 * k * k * x * x) for k in range(1, 101))))


def median_difference(a, b, rng, rounds=400):
    found = sorted(statistics.median(rng.choices(a, k=len(a))) - statistics.median(rng.choices(b, k=len(b)))
                   for _ in range(rounds))
    return statistics.median(a) - statistics.median(b), found[int(rounds * 0.025)], found[int(rounds * 0.975)]


# -- the client ---------------------------------------------------------------------------

class Client:
    """One connection at a time, each from another address; a new one after some tries."""
    tries_each = 100

    def __init__(self, harness, port, rng):
        self.harness, self.port, self.rng = harness, port, rng
        self.context = harness.client_context()
        self.wire, self.left = None, 0

    def connect(self):
        source = f"127.{self.rng.randrange(1, 255)}.{self.rng.randrange(256)}.{self.rng.randrange(1, 255)}"
        wire = self.harness.Wire(self.port, tls=True, context=self.context, source=(source, 0), seconds=60)
        wire.expect(220)
        wire.ehlo()
        return wire

    def ready(self):
        if self.left == 0:
            self.close()
            self.wire, self.left = self.connect(), self.tries_each
        self.left -= 1
        return self.wire

    def close(self):
        if self.wire:
            self.wire.close()
            self.wire = None

    def log_in(self, name):
        wire = self.connect()
        wire.auth_plain(name, PASSWORD)
        wire.close()

    def timed(self, line):
        """The reply to a line, and how long it took."""
        octets, peer = line.encode() + b"\r\n", self.wire.socket
        began = time.perf_counter_ns()
        peer.sendall(octets)
        reply = peer.recv(65536)
        ended = time.perf_counter_ns()
        while not reply.endswith(b"\r\n"):
            reply += peer.recv(65536)
        return reply.decode(), (ended - began) / 1000

    def refused(self, line):
        reply, took = self.timed(line)
        if not reply.startswith("535 "):
            raise AssertionError(f"expected 535: {reply!r}")
        return took


def plain(client, name, password):
    client.ready()
    return {"": client.refused(f"AUTH PLAIN {b64(f'{chr(0)}{name}{chr(0)}{password}')}")}


def login(client, name, password):
    wire = client.ready()
    wire.say("AUTH LOGIN", 334)
    wire.say(b64(name), 334)
    return {"": client.refused(b64(password))}


def cram_md5(client, name, password):
    wire = client.ready()
    wire.say("AUTH CRAM-MD5", 334)
    return {"": client.refused(b64(f"{name} {hashlib.md5(password.encode()).hexdigest()}"))}


def scram(hash, size, plus):
    def tried(client, name, password):
        wire = client.ready()
        header = "p=tls-server-end-point,," if plus else "n,,"
        binding = hashlib.sha256(wire.socket.getpeercert(True)).digest() if plus else b""
        first, took = client.timed(f"AUTH SCRAM-{hash}{'-PLUS' if plus else ''} "
                                   f"{b64(f'{header}n={name},r={password[:16]}')}")
        if not first.startswith("334 "):
            raise AssertionError(f"expected 334: {first!r}")
        nonce = base64.b64decode(first[4:]).decode().split(",")[0]
        proof = b64(hashlib.sha512(password.encode()).digest()[:size])
        return {" challenge": took, "": client.refused(b64(f"c={b64(header.encode() + binding)},{nonce},p={proof}"))}
    return tried


def token_of(form):
    def tried(client, name, token):
        wire = client.ready()
        reply, took = client.timed(f"AUTH {form} {token_message(form, name, token)}")
        if not reply.startswith("334 "):
            raise AssertionError(f"expected 334: {reply!r}")
        wire.say("AQ==" if form == "OAUTHBEARER" else "", 535)
        return {"": took}
    return tried


def token_message(form, name, token):
    return b64(f"n,a={name},\1auth=Bearer {token}\1\1" if form == "OAUTHBEARER" else f"user={name}\1auth=Bearer {token}\1\1")


MECHANISMS = {
    "PLAIN": plain, "LOGIN": login, "CRAM-MD5": cram_md5,
    "OAUTHBEARER": token_of("OAUTHBEARER"), "XOAUTH2": token_of("XOAUTH2"),
    **{f"SCRAM-{h}{'-PLUS' if plus else ''}": scram(h, size, plus)
       for h, size in (("SHA-1", 20), ("SHA-256", 32), ("SHA-512", 64)) for plus in (False, True)},
}


def fresh_name(rng):
    return "".join(rng.choice(WORDS) for _ in range(12)) + "@postern.test"


def work(harness, mechanism, port, users, plan, tokens, seed, results):
    """One client's share: a list of (kind, measured, microseconds)."""
    rng = random.Random(seed)
    client = Client(harness, port, rng)
    found, tried = [], MECHANISMS[mechanism]
    always_user, always_nobody = users.pop(), fresh_name(rng)
    same_user, same_nobody = users.pop(), fresh_name(rng)
    try:
        for kind in plan:
            password = "".join(rng.choice(WORDS) for _ in range(20))
            name = {"user": None, "user at work": None, "user again": always_user, "nobody again": always_nobody,
                    "user, the same": same_user, "nobody, the same": same_nobody}.get(kind, fresh_name(rng))
            if name is None:
                name = users.pop()
            if kind.endswith("at work"):
                client.log_in(name if kind == "user at work" else users.pop())
            if kind.endswith("the same"):
                password = "the same wrong one again"
            if tokens:
                # A signature as it is guessed; or those that the issuer made.
                guess = base64.urlsafe_b64encode(hashlib.sha512(password.encode()).digest()).decode().rstrip("=")
                password = {"user's old token": tokens["old"], "nobody's token": tokens["nobody"]}.get(
                    kind, f"{tokens['old'].rsplit('.', 1)[0]}.{guess}")
                name = {"user's old token": tokens["user"], "nobody's token": tokens["stranger"]}.get(kind, name)
            for what, took in tried(client, name, password).items():
                found.append((kind, what, took))
    finally:
        client.close()
        results.put(found)


# -- the server ---------------------------------------------------------------------------

def seal(key, octets, context):
    """AES-256-GCM as base/crypto does it; Python has none of its own."""
    crypto = ctypes.CDLL("libcrypto.so.3")
    for name in ("EVP_CIPHER_CTX_new", "EVP_aes_256_gcm"):
        getattr(crypto, name).restype = ctypes.c_void_p
    nonce, size = os.urandom(12), ctypes.c_int()
    out, tag = ctypes.create_string_buffer(len(octets)), ctypes.create_string_buffer(16)
    state = ctypes.c_void_p(crypto.EVP_CIPHER_CTX_new())
    crypto.EVP_EncryptInit_ex(state, ctypes.c_void_p(crypto.EVP_aes_256_gcm()), None, key, nonce)
    crypto.EVP_EncryptUpdate(state, None, ctypes.byref(size), context, len(context))
    crypto.EVP_EncryptUpdate(state, out, ctypes.byref(size), octets, len(octets))
    crypto.EVP_EncryptFinal_ex(state, out, ctypes.byref(size))
    crypto.EVP_CIPHER_CTX_ctrl(state, 0x10, 16, tag)  # EVP_CTRL_AEAD_GET_TAG
    crypto.EVP_CIPHER_CTX_free(state)
    return nonce + out.raw + tag.raw


def copy_account(folder, names):
    """The accounts of many people, who all have the first one's password."""
    db = sqlite3.connect(folder / "accounts.db")
    columns = [row[1] for row in db.execute("PRAGMA table_info(accounts)") if row[1] not in ("id", "address")]
    keys = [row[1] for row in db.execute("PRAGMA table_info(scram_keys)") if row[1] != "account"]
    columns, keys = ", ".join(columns), ", ".join(keys)
    template, sealed = db.execute("SELECT id, cram_md5 FROM accounts").fetchone()
    for name in names:
        made = db.execute(f"INSERT INTO accounts (address, {columns}) SELECT ?, {columns} FROM accounts WHERE id = ?",
                          (name, template)).lastrowid
        db.execute(f"INSERT INTO scram_keys (account, {keys}) SELECT ?, {keys} FROM scram_keys WHERE account = ?",
                   (made, template))
        if sealed:  # for each address by itself
            key = base64.b64decode((folder / "accounts.key").read_text())
            db.execute("UPDATE accounts SET cram_md5 = ? WHERE id = ?", (seal(key, PASSWORD.encode(), name.encode()), made))
    db.commit()
    db.close()


def measure(harness, mechanism, base, tries, seed, folder):
    """A fresh server, and what its answers took: {(kind, measured): [microseconds]}."""
    rng = random.Random(seed)
    from issuer import Issuer
    issuer = tokens = None
    is_token = mechanism in ("OAUTHBEARER", "XOAUTH2")
    kinds = ["user", "nobody", "user at work", "nobody at work", "user again", "nobody again"]
    if not mechanism.startswith("SCRAM"):
        kinds += ["user, the same", "nobody, the same"]
    if is_token:
        kinds += ["user's old token", "nobody's token"]
        kinds = [kind for kind in kinds if not kind.endswith("at work")]
    plan = [kinds[i % len(kinds)] for i in range(tries)]
    rng.shuffle(plan)
    clients = min(4, os.cpu_count() or 1)
    shares = [plan[i::clients] for i in range(clients)]
    users = [sorted({fresh_name(rng) for _ in range(len(share) + 8)}, key=lambda _: rng.random()) for share in shares]

    most = {"mechanisms": [mechanism, "PLAIN"] if mechanism != "PLAIN" else ["PLAIN"], "failure_delay": "0s", "failures": 1000}
    config = {"auth": most, "limits": {"errors": 100000},
              "guard": {"allow": [], "delay_after": 1000, "refuse_after": 10000, "network_refuse_after": 100000,
                        "account_refuse_after": 100000, "watch_accounts": False, "longest_delay": "0s"}}
    first = "template@postern.test"
    harness.PASSWORDS[first] = PASSWORD
    if base == "files":
        path = folder / "users"
        hashed = harness.run("openssl", "passwd", "-6", PASSWORD, check=True).stdout.strip()
        path.write_text("".join(f"{name}:{hashed}\n" for share in users for name in share))
        config["backend"] = [{"name": "files", "type": "files", "path": path, "format": "dovecot"}]
    if is_token:
        issuer = Issuer(folder)
        issuer.add("e", "ES256")
        (folder / "keys").write_text(issuer.document())
        config["oauth"] = {"issuer": issuer.name, "audience": ["postern"], "keys": folder / "keys"}
        user, stranger = users[0][-1], fresh_name(rng)
        tokens = {"user": user, "stranger": stranger, "nobody": issuer.token("e", stranger),
                  "old": issuer.token("e", user, exp=int(time.time()) - 7200)}
    try:
        with harness.Postern(config, accounts=(first,), start=False) as server:
            if base == "embedded":
                if mechanism == "CRAM-MD5":
                    server.cli("account", "password", first, "--cram-md5", "--password-stdin", input=PASSWORD + "\n",
                               check=True)
                copy_account(server.dir / "data", [name for share in users for name in share])
            server.start()
            results = multiprocessing.Queue()
            workers = [multiprocessing.Process(target=work, args=(harness, mechanism, server.submissions, u, share, tokens,
                                                                  rng.random(), results)) for u, share in zip(users, shares)]
            for worker in workers:
                worker.start()
            found = {}
            for kind, what, took in (row for _ in workers for row in results.get()):
                found.setdefault((kind, what), []).append(took)
            for worker in workers:
                worker.join()
                if worker.exitcode:
                    raise AssertionError(f"a client ended with {worker.exitcode}\n{server.log()[-2000:]}")
            return found
    finally:
        if issuer:
            issuer.close()


def compare(title, found, rng):
    """One line for each comparison; whether all are fine."""
    fine = True
    for what in sorted({what for _, what in found}):
        for name, (left, right) in COMPARED.items():
            a, b = found.get((left, what), []), found.get((right, what), [])
            if len(a) < 20 or len(b) < 20:
                continue
            r, p = mann_whitney(a, b)
            distance, q = kolmogorov_smirnov(a, b)
            difference, low, high = median_difference(a, b, rng)
            bad = (abs(r) >= LIMIT and p < CERTAIN) or (distance >= LIMIT and q < CERTAIN)
            fine = fine and not bad
            print(f"{title + what:<38} {name:<9} {len(a):>6} {len(b):>6} {statistics.median(b):>9.0f} "
                  f"{difference:>+8.1f} {f'[{low:+.1f}, {high:+.1f}]':<18} {r:>+6.3f} {p:>7.4f} {distance:>6.3f} {q:>7.4f}  "
                  f"{'DIFFERENT' if bad else 'the same'}", flush=True)
    return fine


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--postern", default=os.environ.get("POSTERN"))
    options.add_argument("--tries", type=int, default=10000)
    options.add_argument("--only", default="")
    options.add_argument("--seed", type=int, default=None)
    asked = options.parse_args()
    if asked.postern:
        os.environ["POSTERN"] = str(pathlib.Path(asked.postern).resolve())
    import harness
    seed = asked.seed if asked.seed is not None else random.SystemRandom().randrange(1 << 30)
    print(f"seed {seed}, {asked.tries} tries each; times in microseconds")
    print(f"{'':<38} {'':<9} {'users':>6} {'nobody':>6} {'median':>9} {'diff.':>8} {'95 %':<18} {'r':>6} {'p':>7} {'D':>6} "
          f"{'p':>7}", flush=True)
    rng, fine = random.Random(seed), True
    for base in ("embedded", "files"):
        for mechanism in MECHANISMS:
            if base == "files" and mechanism not in ("PLAIN", "LOGIN"):
                continue
            title = f"{mechanism}, {base}"
            if asked.only and asked.only not in title:
                continue
            folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-timing-"))
            try:
                found = measure(harness, mechanism, base, asked.tries, rng.randrange(1 << 30), folder)
            finally:
                shutil.rmtree(folder, True)
            fine = compare(title, found, rng) and fine
    print("No difference that a stranger could use." if fine else "There are differences.")
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
