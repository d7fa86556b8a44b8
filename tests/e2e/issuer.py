"""An OpenID issuer that runs in the test: publishes its metadata and its keys over HTTPS,
signs tokens, and answers about them (RFC 7662). What it answers can be bent for each path."""
import base64
import contextlib
import http.server
import json
import socket
import ssl
import threading
import time
import urllib.parse

from harness import ALICE, HOST, Authority, free_ports, run

CLIENT, SECRET = "postern", "it's me: 100%+"


def url64(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def bearer(token, account=ALICE, more=""):
    return base64.b64encode(f"n,a={account},\1host=x\1{more}auth=Bearer {token}\1\1".encode()).decode()


def google(token, account=ALICE):
    return base64.b64encode(f"user={account}\1auth=Bearer {token}\1\1".encode()).decode()


class Issuer:
    """`answers`: path to what is answered there, if not the usual: a function of the request
    that gives (status, headers, octets). `about`: token to what introspection says of it."""

    def __init__(self, folder):
        self.folder, self.keys, self.paths, self.down, self.delay = folder, {}, [], False, 0
        self.answers, self.about = {}, {}
        self.metadata_at = "/.well-known/openid-configuration"
        self.port, = free_ports(1)
        self.name = f"https://localhost:{self.port}"
        self.connections = set()
        self.start()

    @property
    def asked(self):
        return len(self.paths)

    def start(self):
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                issuer.connections.add(self.connection)

            def finish(self):
                with contextlib.suppress(OSError):
                    super().finish()
                issuer.connections.discard(self.connection)

            def do_GET(self):
                size = int(self.headers.get("Content-Length") or 0)
                self.form = dict(urllib.parse.parse_qsl(self.rfile.read(size).decode()))
                issuer.paths.append(self.path)
                if issuer.delay:
                    time.sleep(issuer.delay)
                status, headers, body = (503, {}, b"") if issuer.down else issuer.answer(self)
                with contextlib.suppress(OSError):
                    self.send_response(status)
                    for name, value in {"Content-Length": str(len(body)), **headers}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 256

            def handle_error(self, *_):
                pass

        self.server = Server((HOST, self.port), Handler)
        certificate, key = Authority.shared().issue("server")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        # Each connection's thread does its handshake.
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        """As when the process ends: nothing listens, and connections are gone."""
        self.server.shutdown()
        self.server.server_close()
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    close = stop

    def answer(self, request):
        answer = self.answers.get(request.path.partition("?")[0])
        if answer:
            return answer(request)
        if request.path == self.metadata_at:
            return self.json(self.metadata())
        if request.path == "/keys":
            return 200, {}, self.document().encode()
        if request.path == "/introspect" and request.command == "POST":
            return self.introspect(request)
        return 404, {}, b""

    @staticmethod
    def json(value, status=200):
        return status, {"Content-Type": "application/json"}, json.dumps(value).encode()

    def metadata(self, **more):
        return {"issuer": self.name, "jwks_uri": f"{self.name}/keys", "introspection_endpoint": f"{self.name}/introspect",
                "response_types_supported": ["code"], **more}

    def introspect(self, request):
        user = ":".join(urllib.parse.quote_plus(part) for part in (CLIENT, SECRET))
        if request.headers.get("Authorization") not in (f"Basic {base64.b64encode(user.encode()).decode()}",
                                                        f"Bearer {SECRET.split()[0]}"):
            return self.json({"error": "invalid_client"}, 401)
        return self.json(self.about.get(request.form["token"], {"active": False}))

    def document(self):
        return json.dumps({"keys": [jwk for _, jwk in self.keys.values()]})

    def add(self, kid, algorithm):
        file = self.folder / f"{kid}.key"
        kind = {"RS256": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"], "ES256": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
                "EdDSA": ["ED25519"]}[algorithm]
        run("openssl", "genpkey", "-algorithm", *kind, "-out", file, check=True)
        der = run("openssl", "pkey", "-in", file, "-pubout", "-outform", "DER", input=b"", check=True).stdout
        jwk = {"kid": kid, "use": "sig", "alg": algorithm}
        if algorithm == "RS256":
            text = run("openssl", "rsa", "-in", file, "-noout", "-modulus", check=True).stdout
            jwk |= {"kty": "RSA", "n": url64(bytes.fromhex(text.strip().split("=")[1])), "e": "AQAB"}
        elif algorithm == "ES256":
            jwk |= {"kty": "EC", "crv": "P-256", "x": url64(der[-64:-32]), "y": url64(der[-32:])}
        else:
            jwk |= {"kty": "OKP", "crv": "Ed25519", "x": url64(der[-32:])}
        self.keys[kid] = (file, jwk)

    def token(self, kid, account=ALICE, **claims):
        file, jwk = self.keys[kid]
        payload = {"iss": self.name, "aud": "postern", "exp": int(time.time()) + 300, "scope": "openid smtp",
                   "email": account, "username": account, **claims}
        text = ".".join(url64(json.dumps(part).encode()) for part in ({"alg": jwk["alg"], "kid": kid}, payload)).encode()
        signed = self.folder / "text"
        signed.write_bytes(text)
        if jwk["alg"] == "EdDSA":
            signature = run("openssl", "pkeyutl", "-sign", "-inkey", file, "-rawin", "-in", signed, input=b"", check=True).stdout
        else:
            signature = run("openssl", "dgst", "-sha256", "-sign", file, signed, input=b"", check=True).stdout
        if jwk["alg"] == "ES256":
            r_size = signature[3]
            parts = signature[4:4 + r_size], signature[6 + r_size:]
            signature = b"".join(part[-32:].rjust(32, b"\0") for part in parts)
        return f"{text.decode()}.{url64(signature)}"

    def opaque(self, word, account=ALICE, **more):
        """A token that only its issuer understands, which takes it."""
        self.about[word] = {"active": True, "aud": "postern", "scope": "openid smtp", "username": account,
                            "exp": int(time.time()) + 300, **more}
        return word
