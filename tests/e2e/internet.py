"""A small Internet: a network of its own for the test and Postern, and one behind it for others,
with a name server whose zones are signed, mail servers and web servers at their usual ports.

Nothing of it is seen from outside, and all of it goes when the test's process ends."""
import contextlib
import ctypes
import hashlib
import http.server
import os
import pathlib
import pwd
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest

from harness import Authority, need, run, wait_for

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
US, NAMES = "10.99.0.1", "10.99.0.2"


class Networks:
    """Moves this thread, and what it starts, into a new network; `outside()` is the other one."""

    def __init__(self):
        need("ip", "nsenter")
        self.before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        if os.geteuid() != 0 or LIBC.unshare(CLONE_NEWNET):
            os.close(self.before)
            raise unittest.SkipTest("needs root and network namespaces")
        self.theirs = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        run("ip", "link", "set", "lo", "up", check=True)
        LIBC.unshare(CLONE_NEWNET)
        self.ours = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        run("ip", "link", "set", "lo", "up", check=True)
        run("ip", "link", "add", "us", "type", "veth", "peer", "name", "them", check=True)
        # A process of theirs, for as long as it takes to give it the other end.
        with self.outside():
            holder = subprocess.Popen(["sleep", "60"])
        run("ip", "link", "set", "them", "netns", str(holder.pid), check=True)
        run("ip", "addr", "add", f"{US}/24", "dev", "us", check=True)
        run("ip", "link", "set", "us", "up", check=True)
        with self.outside():
            run("ip", "link", "set", "them", "up", check=True)
            for last in range(2, 60):
                run("ip", "addr", "add", f"10.99.0.{last}/24", "dev", "them", check=True)
        holder.kill()
        holder.wait()

    @contextlib.contextmanager
    def outside(self):
        LIBC.setns(self.theirs, CLONE_NEWNET)
        try:
            yield
        finally:
            LIBC.setns(self.ours, CLONE_NEWNET)

    def close(self):
        LIBC.setns(self.before, CLONE_NEWNET)
        for fd in (self.before, self.theirs, self.ours):
            os.close(fd)


class World:
    """The networks and what stands in them: `build()` makes it, and all of it goes at the end."""

    def __init__(self):
        need("openssl")
        self.networks = Networks()
        self.parts = []
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="postern-world-"))
        self.dir.chmod(0o755)
        try:
            self.build()
        except BaseException:
            self.close()
            raise

    def add(self, part):
        self.parts.append(part)
        return part

    def close(self):
        for part in reversed(self.parts):
            part.close()
        shutil.rmtree(self.dir, True)
        self.networks.close()


class Knot:
    """The name server. `signed` and `plain` are the text of the zones "example." and "plain."; the names of
    our addresses, "99.10.in-addr.arpa.", begin empty. `broken` are changes to the first one after it was signed (patterns and what stands in their place)."""

    def __init__(self, networks, signed, plain, broken=()):
        need("knotd", "kzonesign", "knotc")
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="postern-knot-"))
        self.networks = networks
        self.conf = self.dir / "knot.conf"
        self.process = None
        self.plain = plain
        self.reverse = ""
        (self.dir / "db").mkdir()
        soa = "$TTL 60\n@ SOA ns hostmaster {} 3600 600 86400 60\n@ NS ns\nns A " + NAMES + "\n"
        (self.dir / "in").mkdir()
        (self.dir / "in" / "example.zone").write_text(soa.format(1) + signed)
        policy = ("policy:\n  - id: p\n    algorithm: ecdsap256sha256\n    single-type-signing: on\n"
                  f"database:\n    storage: {self.dir}/db\n")
        (self.dir / "sign.conf").write_text(policy + "zone:\n  - domain: example.\n    dnssec-signing: on\n"
                                            f"    dnssec-policy: p\n    storage: {self.dir}/in\n    file: example.zone\n")
        run("kzonesign", "-c", self.dir / "sign.conf", "-o", self.dir, "example.", check=True)
        zone = (self.dir / "example.zone").read_text()
        self.anchor = self.dir / "anchor"
        self.anchor.write_text(re.search(r"(?m)^example\.\s+\d+\sDNSKEY.*$", zone).group(0) + "\n")
        # A record that does not fit its signature any more.
        for old, new in broken:
            zone, changed = re.subn(old, new, zone)
            assert changed == 1, old
        (self.dir / "example.zone").write_text(zone)
        self.soa = soa
        self.serial = 0
        self.write_plain()
        self.write_reverse()
        self.conf.write_text(f"server:\n    listen: {NAMES}@53\n    rundir: {self.dir}\n    udp-workers: 1\n    tcp-workers: 1\n"
                             f"    background-workers: 1\ndatabase:\n    storage: {self.dir}/db\n"
                             f"control:\n    listen: {self.dir}/control\n"
                             f"zone:\n  - domain: example.\n    storage: {self.dir}\n    file: example.zone\n"
                             f"  - domain: plain.\n    storage: {self.dir}\n    file: plain.zone\n    zonefile-load: whole\n"
                             f"  - domain: 99.10.in-addr.arpa.\n    storage: {self.dir}\n    file: reverse.zone\n"
                             "    zonefile-load: whole\n")
        try:
            self.start()
        except BaseException:
            self.close()
            raise

    def write_plain(self):
        self.serial += 1
        (self.dir / "plain.zone").write_text(self.soa.format(self.serial) + self.plain)

    def write_reverse(self):
        self.serial += 1
        soa = f"$TTL 60\n@ SOA ns.plain. hostmaster.plain. {self.serial} 3600 600 86400 60\n@ NS ns.plain.\n"
        (self.dir / "reverse.zone").write_text(soa + self.reverse)

    def name_address(self, lines):
        """Sets the names of our addresses at once."""
        self.reverse = lines
        self.write_reverse()
        run("knotc", "-s", self.dir / "control", "-b", "zone-reload", "99.10.in-addr.arpa.", check=True)

    def name_address_line(self, line):
        self.name_address(line + "\n")

    def change(self, old, new):
        """Changes the plain zone at once."""
        assert old in self.plain, old
        self.plain = self.plain.replace(old, new)
        self.publish("")

    def publish(self, lines):
        """Adds to the plain zone."""
        self.plain += lines
        self.write_plain()
        run("knotc", "-s", self.dir / "control", "-b", "zone-reload", "plain.", check=True)

    def start(self):
        with self.networks.outside():
            with open(self.dir / "log", "wb") as log:
                self.process = subprocess.Popen(["knotd", "-c", str(self.conf)], stdout=log, stderr=log)
        def loaded():
            if self.process.poll() is not None:
                raise AssertionError((self.dir / "log").read_text())
            log = (self.dir / "log").read_text()
            return log.count("] loaded, serial") >= 3 and "control, binding" in log
        wait_for(loaded, "the zones of knotd", 10)

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()
        shutil.rmtree(self.dir, True)


class MailServers:
    """One Postfix with a smtpd for each of `doors`: address to (certificate, key), or None for no TLS.
    What comes in is thrown away."""

    def __init__(self, networks, doors):
        need("postfix", "postconf")
        self.networks = networks
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="postern-postfix-"))
        self.dir.chmod(0o755)
        etc, spool, data = (self.dir / n for n in ("etc", "spool", "data"))
        for folder in (etc, spool, data):
            folder.mkdir()
        owner = pwd.getpwnam("postfix")
        os.chown(data, owner.pw_uid, owner.pw_gid)
        main = {"compatibility_level": "3.6", "queue_directory": spool, "data_directory": data, "mail_owner": "postfix",
                "setgid_group": "postdrop", "command_directory": "/usr/sbin",
                "daemon_directory": "/usr/lib/postfix/sbin", "myhostname": "postfix.example",
                "maillog_file": self.dir / "log", "maillog_file_prefixes": self.dir, "inet_interfaces": "all",
                "inet_protocols": "ipv4", "mynetworks": "10.99.0.0/24", "mydestination": "", "alias_maps": "",
                "alias_database": "", "local_recipient_maps": "", "import_environment": "MAIL_CONFIG TZ",
                "default_transport": "discard", "smtpd_relay_restrictions": "permit_mynetworks, reject", "smtpd_peername_lookup": "no",
                "relay_transport": "discard"}
        (etc / "main.cf").write_text("".join(f"{k} = {v}\n" for k, v in main.items()))
        services = []
        for address, files in doors.items():
            tls = "-o smtpd_tls_security_level=none"
            if files:
                tls = f"-o smtpd_tls_security_level=may -o smtpd_tls_chain_files={files[1]},{files[0]}"
            services.append(f"{address}:25 inet n - n - - smtpd {tls}")
        services += [f"{name} unix {private} - n {wakeup} {limit} {program}" for name, private, wakeup, limit, program in [
            ("cleanup", "n", "-", "0", "cleanup"), ("qmgr", "n", "300", "1", "qmgr"), ("tlsmgr", "-", "1000?", "1", "tlsmgr"),
            ("rewrite", "-", "-", "-", "trivial-rewrite"), ("bounce", "-", "-", "0", "bounce"), ("defer", "-", "-", "0", "bounce"),
            ("trace", "-", "-", "0", "bounce"), ("discard", "-", "-", "-", "discard"), ("error", "-", "-", "-", "error"),
            ("retry", "-", "-", "-", "error"), ("anvil", "-", "-", "1", "anvil"), ("proxymap", "-", "-", "-", "proxymap")]]
        services.append("postlog unix-dgram n - n - 1 postlogd")
        (etc / "master.cf").write_text("\n".join(services) + "\n")
        with networks.outside():
            started = run("postfix", "-c", etc, "start", seconds=60)
        if started.returncode:
            log = self.log()
            self.close()
            raise AssertionError(f"Postfix did not start:\n{started.stdout}{started.stderr}{log}")

    def log(self):
        path = self.dir / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def close(self):
        with contextlib.suppress(Exception), self.networks.outside():
            run("postfix", "-c", self.dir / "etc", "stop", seconds=60)
        shutil.rmtree(self.dir, True)


class WebServer:
    """HTTPS at port 443 of an address. `pages`: (host, path) to a body, or to (status, type, body);
    what is posted is kept in `posted`."""

    def __init__(self, networks, address, names):
        self.pages, self.asked, self.posted = {}, [], []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                host = self.headers.get("Host", "")
                outer.asked.append((host, self.path))
                page = outer.pages.get((host, self.path), (404, "text/plain", "no such page"))
                if isinstance(page, str):
                    page = (200, "text/plain", page)
                body = page[2].encode()
                self.send_response(page[0])
                self.send_header("Content-Type", page[1])
                if page[0] in (301, 302):
                    self.send_header("Location", page[2])
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.posted.append((self.headers.get("Host"), self.path, self.headers.get("Content-Type"), body))
                self.send_response(201)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        certificate, key = Authority.shared().issue("web", names)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        with networks.outside():
            self.server = http.server.ThreadingHTTPServer((address, 443), Handler)
        self.server.daemon_threads = True
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def self_signed(folder, name):
    """Certificate and key files that nobody vouches for."""
    pem, key = folder / f"{name}.pem", folder / f"{name}.key"
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
        "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout", key, "-out", pem, check=True)
    return pem, key


def tlsa(usage, selector, matching, certificate):
    """The data of a TLSA record about a certificate file, as a zone has it."""
    what = ["x509", "-in", certificate, "-outform", "DER"]
    octets = subprocess.run(["openssl", *map(str, what)], capture_output=True, check=True).stdout
    if selector == 1:
        key = subprocess.run(["openssl", "x509", "-in", str(certificate), "-noout", "-pubkey"], capture_output=True,
                             check=True).stdout
        octets = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key, capture_output=True,
                                check=True).stdout
    if matching:
        octets = hashlib.new({1: "sha256", 2: "sha512"}[matching], octets).digest()
    return f"{usage} {selector} {matching} {octets.hex().upper()}"
