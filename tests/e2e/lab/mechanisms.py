"""The server's half of each way to log in. A mechanism is a generator: it gives challenges and gets responses, and
returns who logged in, or None. It raises Unreadable for what is none of its own."""
import base64
import hashlib
import hmac
import json
import os


class Unreadable(Exception):
    pass


def plain(session, first):
    response = first if first is not None else (yield b"")
    parts = response.split(b"\0")
    if len(parts) != 3:
        raise Unreadable
    return session.known(parts[1], parts[2]) if parts[0] in (b"", parts[1]) or session.may_act_for_others else None


def login(session, first):
    user = first if first is not None else (yield b"Username:")
    password = yield b"Password:"
    return session.known(user, password)


def cram_md5(session, _):
    challenge = b"<%d@lab.example>" % int.from_bytes(os.urandom(6), "big")
    user, _, proof = (yield challenge).rpartition(b" ")
    password = session.password(user)
    if password is not None and hmac.new(password, challenge, "md5").hexdigest().encode() == proof:
        return user.decode()
    return None


def scram(algorithm, bound=False):
    """RFC 5802. `bound`: the -PLUS form; this server doesn't compare the binding."""
    def exchange(session, first):
        message = first if first is not None else (yield b"")
        flag, _, bare = message.split(b",", 2)
        fields = dict(part.split(b"=", 1) for part in bare.split(b","))
        user = fields[b"n"].replace(b"=2C", b",").replace(b"=3D", b"=")
        salt, nonce = os.urandom(12), fields[b"r"] + base64.b64encode(os.urandom(12))
        server_first = b"r=" + nonce + b",s=" + base64.b64encode(salt) + b",i=4096"
        last = yield server_first
        without, _, proof = last.rpartition(b",p=")
        password = session.password(user)
        salted = hashlib.pbkdf2_hmac(algorithm, password or os.urandom(8), salt, 4096)

        def mac(key, text):
            return hmac.new(key, text, algorithm).digest()
        client_key = mac(salted, b"Client Key")
        stored = hashlib.new(algorithm, client_key).digest()
        signed = bare + b"," + server_first + b"," + without
        want = bytes(a ^ b for a, b in zip(client_key, mac(stored, signed)))
        if (bound and not flag.startswith(b"p=")) or password is None or base64.b64decode(proof) != want:
            return None
        yield b"v=" + base64.b64encode(mac(mac(salted, b"Server Key"), signed))
        return user.decode()
    return exchange


def oauth(session, first):
    """XOAUTH2 and OAUTHBEARER (RFC 7628): a token instead of a password; why it was refused comes as JSON."""
    message = first if first is not None else (yield b"")
    token = message.partition(b"Bearer ")[2].split(b"\1")[0]
    user = message.partition(b"user=")[2].split(b"\1")[0] or message.partition(b"a=")[2].split(b",")[0]
    if session.known(user, token):
        return user.decode()
    yield session.script.replies.get("token", json.dumps({"status": "invalid_token", "scope": "mail"})).encode()
    return None


ALL = {"PLAIN": plain, "LOGIN": login, "CRAM-MD5": cram_md5, "SCRAM-SHA-1": scram("sha1"),
       "SCRAM-SHA-256": scram("sha256"), "SCRAM-SHA-1-PLUS": scram("sha1", True),
       "SCRAM-SHA-256-PLUS": scram("sha256", True), "XOAUTH2": oauth, "OAUTHBEARER": oauth}
