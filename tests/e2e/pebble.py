"""Pebble, the certificate authority of Let's Encrypt for tests, with its name server, on free ports of 127.0.0.1.

Pebble:     the authority; every name leads to 127.0.0.1 unless it was told otherwise.
Between:    stands before it: counts what it is asked for, holds answers back, and says what CAA records call it.
SternCa:    an authority that takes accounts and no orders: what it says is up to the test."""
import base64
import contextlib
import http.client
import http.server
import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import urllib.request

from harness import HOST, Authority, free_ports, need, wait_for
from name_server import NameServer

EXTERNAL = {"kid-1": "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"}


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1):
        return True
    return False


class Pebble:
    def __init__(self, environment=None, external=False, start=True):
        need("pebble", "pebble-challtestsrv")
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="postern-pebble-"))
        self.port, self.management, self.http, self.https, self.dns, self.dns_management = free_ports(6)
        self.directory = f"https://{HOST}:{self.port}/dir"
        self.environment = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "5", "PEBBLE_AUTHZREUSE": "0",
                            **(environment or {})}
        certificate, key = Authority.shared().issue("pebble", ("localhost",))
        settings = {"listenAddress": f"{HOST}:{self.port}", "managementListenAddress": f"{HOST}:{self.management}",
                    "certificate": str(certificate), "privateKey": str(key), "httpPort": self.http, "tlsPort": self.https,
                    "ocspResponderURL": "", "externalAccountBindingRequired": external}
        if external:
            settings["externalAccountMACKeys"] = EXTERNAL
        (self.dir / "pebble.json").write_text(json.dumps({"pebble": settings}))
        self.process = None
        self.names = self._run("names", "pebble-challtestsrv", "-dns01", f"{HOST}:{self.dns}", "-management",
                               f"{HOST}:{self.dns_management}", "-http01", "", "-https01", "", "-tlsalpn01", "",
                               "-defaultIPv4", HOST, "-defaultIPv6", "")
        wait_for(lambda: answers(self.dns_management), "pebble's name server")
        # The same for who wants answers of a recursive or of an authoritative server, which those of pebble's are not.
        self.resolver = NameServer(default=HOST)
        if start:
            self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.stop()
        self.names.kill()
        self.names.wait()
        self.resolver.close()
        shutil.rmtree(self.dir, True)

    def _run(self, name, *command):
        log = open(self.dir / f"{name}.log", "ab")
        with log:
            tied = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
            return subprocess.Popen([*tied, *command], stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                    env={**os.environ, **self.environment})

    def start(self):
        self.process = self._run("pebble", "pebble", "-config", str(self.dir / "pebble.json"), "-strict=false",
                                 "-dnsserver", f"{HOST}:{self.dns}")
        wait_for(lambda: answers(self.port), "pebble to listen")

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def root(self):
        """The certificate that this run of it vouches with, as a context of a client that trusts it."""
        context = ssl.create_default_context(cafile=str(Authority.shared().ca))
        with urllib.request.urlopen(f"https://{HOST}:{self.management}/roots/0", context=context) as answer:
            return ssl.create_default_context(cadata=answer.read().decode())

    def lead(self, name, *addresses):
        """From now on, that name leads there."""
        self.resolver.addresses[name] = list(addresses)
        body = json.dumps({"host": name + ".", "addresses": list(addresses)}).encode()
        for what in ("clear-a", "add-a"):
            urllib.request.urlopen(f"http://{HOST}:{self.dns_management}/{what}", body).close()

    def config(self, **acme):
        """What a server needs to have its certificates from here."""
        return {"acme": {"directory": self.directory, "agree": True, "contact": "postmaster@postern.test",
                         "authorities": Authority.shared().ca, **acme},
                "tls": {"certificate": "", "private_key": ""},
                "web": {"address": f"{HOST}:{self.https}", "http_address": f"{HOST}:{self.http}"},
                "dns": {"servers": [self.resolver.address], "trust_anchor": "none"}}


class Between:
    """Passes all on to a Pebble. `hold`: the beginning of a path whose answer stays here until `release()`, once it was given;
    `held` tells that there is one."""

    CALLED = "ca.example"

    def __init__(self, ca):
        self.posts, self.hold = [], None
        self.held, self.released = threading.Event(), threading.Event()
        outer = self
        trust = ssl.create_default_context(cafile=str(Authority.shared().ca))

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def pass_on(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                wire = http.client.HTTPSConnection(HOST, ca.port, context=trust)
                # Its URLs lead to where it was asked.
                wire.request(self.command, self.path, body or None, dict(self.headers))
                answer = wire.getresponse()
                octets = answer.read()
                if self.path == "/dir":
                    known = json.loads(octets)
                    known["meta"]["caaIdentities"] = [outer.CALLED]
                    octets = json.dumps(known).encode()
                if self.command == "POST":
                    outer.posts.append(self.path)
                if outer.hold and self.path.startswith(outer.hold):
                    outer.held.set()
                    outer.released.wait(60)
                # The one who asked may have ended meanwhile.
                with contextlib.suppress(OSError):
                    self.send_response(answer.status)
                    for name, value in answer.getheaders():
                        if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                            self.send_header(name, value)
                    self.send_header("Content-Length", str(len(octets)))
                    self.end_headers()
                    if self.command != "HEAD":
                        self.wfile.write(octets)
                wire.close()

            do_GET = do_HEAD = do_POST = pass_on

        self.server = tls_server(Handler)
        self.directory = f"https://{HOST}:{self.server.server_address[1]}/dir"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def release(self):
        self.hold = None
        self.released.set()

    def count(self, path):
        return sum(one.startswith(path) for one in self.posts)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.release()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def tls_server(handler):
    server = http.server.ThreadingHTTPServer((HOST, 0), handler)
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*Authority.shared().issue("pebble", ("localhost",)))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return server


class SternCa:
    """Answers a new order with `status`, `fields` and the problem document `problem`; wants each certificate renewed at
    once (RFC 9773)."""

    def __init__(self, status, problem, fields=None):
        self.orders, self.asked = 0, []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def say(self, status, document, fields=None):
                body = json.dumps(document).encode()
                self.send_response(status)
                for name, value in {"Replay-Nonce": base64.urlsafe_b64encode(os.urandom(12)).decode().rstrip("="),
                                    "Content-Type": "application/json", "Content-Length": str(len(body)),
                                    **(fields or {})}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def do_GET(self):
                if self.path.startswith("/renewal/"):
                    outer.asked.append(self.path)
                    self.say(200, {"suggestedWindow": {"start": "2026-01-01T00:00:00Z", "end": "2026-01-02T00:00:00Z"}})
                    return
                self.say(200, {**{f"new{what}": f"{outer.url}/{what}" for what in ("Nonce", "Account", "Order")},
                               "renewalInfo": outer.url + "/renewal"})

            def do_HEAD(self):
                self.say(200, {})

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == "/Account":
                    self.say(201, {"status": "valid"}, {"Location": outer.url + "/account/1"})
                    return
                outer.orders += 1
                # The one who asked may have ended meanwhile.
                with contextlib.suppress(OSError):
                    self.say(status, problem, fields)

        self.server = tls_server(Handler)
        self.url = f"https://{HOST}:{self.server.server_address[1]}"
        self.directory = self.url + "/directory"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
