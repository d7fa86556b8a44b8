"""Two networks of the test: the one where the checker runs, and behind it an Internet whose addresses all
end at the servers of the lab. Nothing of it is seen from outside."""
import threading

from harness import run
from internet import Networks

# Addresses for documentation (RFC 5737, RFC 3849): nobody has them, and they are not private ones.
V4 = ("203.0.113.0/24", "198.51.100.0/24", "192.0.2.0/24")
V6 = "2001:db8::/32"
NAMES = "10.99.0.2"  # where the name servers are, a port for each case
NOWHERE = "10.99.0.58"  # answers nothing: the firewall sees to that
BOXES = "10.99.0.3"  # the boxes in the middle


class Internet(Networks):
    def __init__(self):
        super().__init__()
        self.count = 0
        self.lock = threading.Lock()
        run("ip", "-6", "addr", "add", "fd00:99::1/64", "dev", "us", "nodad", check=True)
        for block in V4:
            run("ip", "route", "add", block, "via", NAMES, check=True)
        with self.outside():
            run("ip", "-6", "addr", "add", "fd00:99::2/64", "dev", "them", "nodad", check=True)
            for block in V4:
                run("ip", "route", "add", "local", block, "dev", "lo", check=True)
            run("ip", "-6", "route", "add", "local", V6, "dev", "lo", check=True)
        run("ip", "-6", "route", "add", V6, "via", "fd00:99::2", check=True)

    def address(self):
        """A new IPv4 address, and an IPv6 one, for a host."""
        with self.lock:
            self.count += 1
            block, last = divmod(self.count - 1, 250)
            return V4[block].replace("0/24", str(last + 1)), f"2001:db8::{self.count:x}"
