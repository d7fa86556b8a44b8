"""What a domain publishes about its settings: pages by host and path, over HTTP or HTTPS."""
import dataclasses
from typing import Any

from .service import Conversation


@dataclasses.dataclass
class Page:
    body: str
    type: str = "text/xml"
    status: str = "200 OK"
    headers: str = ""


@dataclasses.dataclass
class Web:
    """`pages` maps "host/path" to a page; placeholders as in cases. `catch_all`: for all other requests."""
    pages: dict
    tls: str = "none"
    certificate: str = "good"
    names: tuple = ()
    context: Any = None
    catch_all: Any = None


class WebConversation(Conversation):
    def talk(self):
        if self.script.tls == "implicit":
            self.start_tls()
        while True:
            request, host, length = self.line().decode(errors="replace").split(), "", 0
            while line := self.line():
                name, _, value = line.decode(errors="replace").partition(":")
                if name.lower() == "host":
                    host = value.strip().partition(":")[0]
                if name.lower() == "content-length":
                    length = int(value)
            while len(self.buffer) < length:
                self.buffer += self.socket.recv(65536) or b"\n"
            self.buffer = self.buffer[length:]
            path = request[1].partition("?")[0]
            page = self.script.pages.get(host.lower() + path, self.script.catch_all) or Page("no such page", "text/plain", "404 Not Found")
            body = page.body.encode()
            self.send(f"HTTP/1.1 {page.status}\r\nContent-Type: {page.type}\r\nContent-Length: {len(body)}\r\n"
                      f"{page.headers}\r\n".encode() + (b"" if request[0] == "HEAD" else body))


def autoconfig(domain, *servers):
    """A client configuration file: each server is (host, port, socketType)."""
    rows = "".join(f'<outgoingServer type="smtp"><hostname>{host}</hostname><port>{port}</port><socketType>{kind}</socketType>'
                   "<username>%EMAILADDRESS%</username><authentication>password-cleartext</authentication></outgoingServer>"
                   for host, port, kind in servers)
    return Page(f'<?xml version="1.0"?><clientConfig version="1.1"><emailProvider id="{domain}"><domain>{domain}</domain>'
                f"<displayName>{domain}</displayName>{rows}</emailProvider></clientConfig>")
