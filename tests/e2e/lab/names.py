"""Name servers: each case has one of its own, at a port of its own, so that smtp.gmail.com can be a different
host in each. One thread answers for all of them."""
import ipaddress
import os
import selectors
import socket
import struct
import threading

from .network import NAMES

KINDS = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33}
NUMBERS = {number: kind for kind, number in KINDS.items()}
NO_ERROR, SERVER_FAILURE, NO_SUCH_NAME = 0, 2, 3


def wire(name):
    labels = [label.encode("idna") if not label.isascii() else label.encode() for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def data(kind, value):
    """`value` as a zone file has it."""
    if kind in ("A", "AAAA"):
        return ipaddress.ip_address(value).packed
    if kind in ("CNAME", "PTR", "NS"):
        return wire(value)
    if kind == "MX":
        preference, host = value.split()
        return struct.pack(">H", int(preference)) + wire(host)
    if kind == "SRV":
        priority, weight, port, host = value.split()
        return struct.pack(">HHH", int(priority), int(weight), int(port)) + wire(host)
    if kind == "TXT":
        octets = value.encode()
        return b"".join(bytes([len(octets[i:i + 255])]) + octets[i:i + 255] for i in range(0, len(octets), 255))
    raise ValueError(kind)


class Zone:
    """The names of one case: `records` maps (name, kind) to values. `broken`: domains for which the server fails."""

    def __init__(self):
        self.records = {}
        self.broken = set()
        self.asked = []

    def add(self, name, kind, *values):
        self.records.setdefault((name.rstrip(".").lower(), kind), []).extend(values)

    def answer(self, question):
        labels, at = [], 12
        while question[at]:
            labels.append(question[at + 1:at + 1 + question[at]])
            at += question[at] + 1
        name = b".".join(labels).decode(errors="replace").lower()
        kind = NUMBERS.get(struct.unpack(">H", question[at + 1:at + 3])[0], "?")
        self.asked.append((name, kind))
        code, answers, above = self.find(name, kind)
        told = b"".join(wire(owner) + struct.pack(">HHIH", KINDS[k], 1, 5, len(data(k, v))) + data(k, v)
                        for owner, k, v in answers)
        authority = b"" if answers or code == SERVER_FAILURE else self.start_of(above)
        return (question[:2] + struct.pack(">HHHHH", 0x8580 | code, 1, len(answers), 1 if authority else 0, 0)
                + question[12:at + 5] + told + authority)

    def find(self, name, kind):
        """The reply's code, its records, and the zone they are in."""
        zone = name.rsplit(".", 1)[-1]
        if any(name == bad or name.endswith("." + bad) for bad in self.broken):
            return SERVER_FAILURE, [], zone
        answers, here = [], name
        while len(answers) < 8 and (here, kind) not in self.records and (here, "CNAME") in self.records:
            target = self.records[here, "CNAME"][0]
            answers.append((here, "CNAME", target))
            here = target.rstrip(".").lower()
        answers += [(here, kind, value) for value in self.records.get((here, kind), [])]
        # Names above one that exists do exist.
        exists = any(known == here or known.endswith("." + here) for known, _ in self.records) or not here
        return (NO_ERROR if exists or answers else NO_SUCH_NAME), answers, zone

    @staticmethod
    def start_of(zone):
        soa = wire("ns.invalid") + wire("hostmaster.invalid") + struct.pack(">IIIII", 1, 3600, 600, 86400, 5)
        return wire(zone) + struct.pack(">HHIH", KINDS["SOA"], 1, 5, len(soa)) + soa


class NameServers:
    def __init__(self, internet):
        self.internet = internet
        self.selector = selectors.DefaultSelector()
        self.sockets = []
        self.wake, self.awake = os.pipe()
        self.selector.register(self.wake, selectors.EVENT_READ, None)
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def serve_zone(self, zone):
        """The endpoint at which it is served."""
        with self.internet.outside():
            door = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            door.bind((NAMES, 0))
        self.sockets.append(door)
        self.selector.register(door, selectors.EVENT_READ, zone)
        return f"{NAMES}:{door.getsockname()[1]}"

    def start(self):
        self.thread.start()

    def serve(self):
        while True:
            for key, _ in self.selector.select():
                if key.data is None:
                    return
                question, peer = key.fileobj.recvfrom(4096)
                if len(question) > 12:
                    key.fileobj.sendto(key.data.answer(question), peer)

    def close(self):
        os.write(self.awake, b"x")
        if self.thread.is_alive():
            self.thread.join()
        for door in self.sockets:
            door.close()
        self.selector.close()
        os.close(self.wake)
        os.close(self.awake)
