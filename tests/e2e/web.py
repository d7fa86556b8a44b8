"""A server with its web pages, and HTTP at the level of octets.

Pages:   a Postern that serves pages; its ports are `https` and `http`.
Talk:    one connection; say() sends octets, answer() reads one answer and checks its form."""
import contextlib
import re
import socket
import ssl

from harness import HOST, NAME, SLOW, Authority, Postern, client_context, free_ports, wait_for

SECURITY_FIELDS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
                               "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff", "referrer-policy": "no-referrer", "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin"}


class Pages(Postern):
    def __init__(self, config=None, certificate=None, **options):
        self.https, self.http = free_ports(2)
        chain, key = certificate or Authority.shared().issue("server")
        web = {"address": f"{HOST}:{self.https}", "http_address": f"{HOST}:{self.http}", "certificate": chain,
               "private_key": key}
        config = dict(config or {})
        config["web"] = {**web, **config.get("web", {})}
        super().__init__(config=config, **options)

    def wait_ready(self):
        super().wait_ready()
        if self.config["web"]["address"]:
            self.wait_pages()

    def wait_pages(self):
        """Until an answer comes: connections wait until the pages have a certificate."""
        def answers():
            with contextlib.suppress(OSError), self.talk() as talk:
                return talk.ask("/robots.txt").status == 200
            return False
        wait_for(answers, f"the pages to be served\n{self.log()[-2000:]}", 30)

    def talk(self, tls=True, **options):
        return Talk(self.https if tls else self.http, tls=tls, **options)

    def web_process(self):
        """The process id of `postern web`."""
        def found():
            keepers = children_of(self.process.pid)
            pages = [child for keeper in keepers for child in children_of(keeper)]
            return pages[0] if len(pages) == 1 else None
        return wait_for(found, "one process that serves the pages")


def children_of(pid):
    with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return [int(word) for word in f.read().split()]
    return []


def parent_of(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        return int(f.read().rsplit(")", 1)[1].split()[1])


class Answer:
    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, fields, body

    def __repr__(self):
        return f"{self.status} {self.fields} {self.body[:200]!r}"

    @property
    def text(self):
        return self.body.decode()


class Talk:
    def __init__(self, port, tls=True, name=NAME, context=None, seconds=15, source=None, verify=True):
        self.socket = socket.create_connection((HOST, port), seconds * SLOW, source_address=source)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.tls, self.name, self.buffer = tls, name, b""
        if tls:
            try:
                self.socket = (context or client_context(verify)).wrap_socket(self.socket, server_hostname=name)
            except BaseException:
                self.socket.close()
                raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def say(self, octets):
        self.socket.sendall(octets if isinstance(octets, bytes) else octets.encode())

    def ask(self, path, method="GET", body=b"", fields=(), version="1.1", host=None):
        lines = [f"{method} {path} HTTP/{version}", f"Host: {host or self.name}", *fields]
        if body or method in ("POST", "PUT", "PATCH"):
            lines.append(f"Content-Length: {len(body)}")
        self.say("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        return self.answer(head_only=method == "HEAD")

    def more(self):
        octets = self.socket.recv(65536)
        self.buffer += octets
        return bool(octets)

    def head(self):
        while b"\r\n\r\n" not in self.buffer:
            if not self.more():
                raise EOFError(f"the connection ended in the head of an answer: {self.buffer!r}")
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        found = re.fullmatch(r"HTTP/1\.1 (\d{3}) ([A-Za-z ]+)", lines[0])
        assert found, lines[0]
        fields = {}
        for line in lines[1:]:
            name, value = line.split(": ", 1)
            assert re.fullmatch(r"[a-z-]+", name), line
            assert name not in fields, f"{name} stands there twice"
            fields[name] = value
        return int(found.group(1)), fields

    def answer(self, head_only=False):
        status, fields = self.head()
        if status == 100:
            assert not fields
            return Answer(status, fields, b"")
        assert ("strict-transport-security" in fields) == self.tls
        assert "server" not in fields
        for name, value in SECURITY_FIELDS.items():
            assert fields.get(name) == value, f"{name}: {fields.get(name)}"
        assert "permissions-policy" in fields and "date" in fields and "cache-control" in fields
        body = b""
        if not head_only and status not in (204, 304):
            size = int(fields["content-length"])
            while len(self.buffer) < size:
                if not self.more():
                    raise EOFError("the connection ended in a body")
            body, self.buffer = self.buffer[:size], self.buffer[size:]
        return Answer(status, fields, body)

    def is_over(self):
        """Whether the server closed it, and sent nothing more."""
        try:
            self.socket.settimeout(10 * SLOW)
            return self.buffer == b"" and self.socket.recv(1) == b""
        except (ConnectionError, ssl.SSLError):
            return True
        except TimeoutError:
            return False
