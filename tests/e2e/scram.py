"""The client's half of SCRAM (RFC 5802, RFC 7677) with any hash, and knobs to do it wrong."""
import base64
import hashlib
import hmac
import os


def b64(octets):
    return base64.b64encode(octets.encode() if isinstance(octets, str) else octets).decode()


def fields(message):
    return dict(part.split("=", 1) for part in message.split(","))


class Scram:
    def __init__(self, user, password, header="n,,", nonce=None, extensions="", hash="sha256"):
        self.password = password
        self.header = header
        self.hash = hash
        self.nonce = nonce if nonce is not None else b64(os.urandom(18))
        name = user.replace("=", "=3D").replace(",", "=2C")
        self.bare = f"{extensions}n={name},r={self.nonce}"

    def first(self):
        return b64(self.header + self.bare)

    def final(self, challenge, binding=b"", nonce=None):
        """The second message, for the challenge as it stands behind 334."""
        server_first = base64.b64decode(challenge).decode()
        self.server = fields(server_first)
        salted = hashlib.pbkdf2_hmac(self.hash, self.password.encode(), base64.b64decode(self.server["s"]),
                                     int(self.server["i"]))
        client_key = hmac.digest(salted, b"Client Key", self.hash)
        stored = hashlib.new(self.hash, client_key).digest()
        without = f"c={b64(self.header.encode() + binding)},r={nonce or self.server['r']}"
        signed = f"{self.bare},{server_first},{without}".encode()
        proof = bytes(a ^ b for a, b in zip(client_key, hmac.digest(stored, signed, self.hash)))
        self.signature = b64(hmac.digest(hmac.digest(salted, b"Server Key", self.hash), signed, self.hash))
        return b64(f"{without},p={b64(proof)}")

    @property
    def mechanism(self):
        return "SCRAM-" + self.hash.upper().replace("SHA", "SHA-")

    def log_in(self, wire):
        """The whole exchange over SMTP; its last reply. Who accepts has shown that it knows the password, too."""
        reply = wire.say(f"AUTH {self.mechanism} {self.first()}")
        if reply.code == 334:
            reply = wire.say(self.final(reply.text))
        if reply.code == 334:
            assert self.check(reply.text), "the server does not know the password"
            reply = wire.say("")
        return reply

    def check(self, last):
        """The server has proven that it knows the password too."""
        return base64.b64decode(last).decode() == f"v={self.signature}"
