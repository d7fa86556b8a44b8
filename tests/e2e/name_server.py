"""A name server of TXT, A and CAA records, on a free port of 127.0.0.1, for the programs under test."""
import socket
import struct
import threading

from harness import HOST


class NameServer:
    """`texts`, `addresses` and `caa`: the records by name, each a list; change them at will. `default`: the address of every
    other name."""

    def __init__(self, texts=None, default=None):
        self.texts = texts or {}
        self.addresses = {}
        self.caa = {}
        self.default = default
        self.asked = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((HOST, 0))
        self.port = self.socket.getsockname()[1]
        self.address = f"{HOST}:{self.port}"
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def close(self):
        # Wakes the thread, which then ends.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as poke:
            poke.sendto(b"", (HOST, self.port))
        self.thread.join()
        self.socket.close()

    def _serve(self):
        while True:
            question, peer = self.socket.recvfrom(4096)
            if not question:
                return
            answer = self._answer(question) if len(question) > 12 else None
            if answer:
                self.socket.sendto(answer, peer)

    def _answer(self, question):
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]])
            at += question[at] + 1
        at += 1
        kind = struct.unpack(">H", question[at:at + 2])[0]
        name = b".".join(labels).decode().lower()
        self.asked.append((name, kind))
        texts = self.texts.get(name)
        records = b""
        if kind == 16 and texts:
            for text in texts:
                octets = text.encode()
                data = b"".join(bytes([len(octets[i:i + 255])]) + octets[i:i + 255] for i in range(0, len(octets), 255))
                records += b"\xc0\x0c" + struct.pack(">HHIH", 16, 1, 0, len(data)) + data
        addresses = self.addresses.get(name, [self.default] if self.default else [])
        if kind == 1:
            for address in addresses:
                records += b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 0, 4) + socket.inet_aton(address)
        allowed = self.caa.get(name, [])
        if kind == 257:
            for flags, tag, value in allowed:
                data = bytes([flags, len(tag)]) + tag.encode() + value.encode()
                records += b"\xc0\x0c" + struct.pack(">HHIH", 257, 1, 0, len(data)) + data
        count = len({1: addresses, 16: texts, 257: allowed}[kind]) if records else 0
        # Names above one that exists do exist.
        exists = bool(addresses) or not name or any(
            known == name or known.endswith("." + name) for known in (*self.texts, *self.caa))
        flags = 0x8580 | (0 if exists else 3)
        return question[:2] + struct.pack(">HHHHH", flags, 1, count, 0, 0) + question[12:at + 4] + records
