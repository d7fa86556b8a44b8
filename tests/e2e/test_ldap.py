"""Users of an LDAP directory: a real slapd. The configuration is that of docs/backends.md."""
import base64
import contextlib
import hashlib
import hmac
import json
import os
import re
import shutil
import signal
import socket
import threading
import unittest

import outage
from harness import ALICE, HOST, PASSWORDS, ROOT, Authority, Postern, connections_to, free_ports, need, run, wait_for
from peers import Peer

SESAME = "open-Sesame 1001"
SERVICE = "cn=postern,ou=services,dc=example,dc=com"
ADMIN = "cn=admin,dc=example,dc=com"
PEOPLE = "ou=people,dc=example,dc=com"
PAGE = (ROOT / "docs" / "backends.md").read_text()
MODULES = "/usr/lib/ldap"
FETCH_ACCESS = f'by dn="{SERVICE}" read'


def example(heading):
    """The [[backend]] table below a heading of the manual."""
    import tomllib
    part = PAGE[PAGE.index(f"\n{heading}\n"):]
    return tomllib.loads(re.search(r"```toml\n(\[\[backend\]\]\n.*?)```", part, re.S).group(1))["backend"][0]


def hashed(password=SESAME, *scheme):
    return run("slappasswd", "-s", password, *scheme, check=True).stdout.strip()


def scram_keys(password=SESAME, iterations=4096):
    """As Dovecot writes SCRAM-SHA-256 keys."""
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    octets = (salt, stored, hmac.digest(salted, b"Server Key", "sha256"))
    return f"{{SCRAM-SHA-256}}{iterations}," + ",".join(base64.b64encode(o).decode() for o in octets)


def person(uid, password, *lines, mail=None):
    mail = mail or f"{uid}@postern.test"
    # Base64 takes whatever the names hold.
    coded = "\n".join(f"{k}:: {base64.b64encode(v.encode()).decode()}"
                      for k, v in (("uid", uid), ("mail", mail), ("userPassword", password)))
    return "\n".join([f"dn: cn=person-{uid.encode().hex()},{PEOPLE}", "objectClass: inetOrgPerson",
                      "objectClass: mailPerson", f"cn: person-{uid.encode().hex()}", "sn: x", coded, *lines]) + "\n\n"


class Slapd(Peer):
    """A real slapd with people in it."""
    name = "slapd"

    def __init__(self, people="", access=""):
        need("slapd", "slapadd", "slappasswd", "ldapmodify", "setpriv")
        super().__init__()
        self.tls_port, = free_ports(1)
        self.socket = "ldapi://" + str(self.dir / "ldapi").replace("/", "%2F")
        self.plain, self.tls = f"ldap://{HOST}:{self.port}", f"ldaps://{HOST}:{self.tls_port}"
        certificate, key = Authority.shared().issue("server")
        (self.dir / "db").mkdir()
        (self.dir / "password").write_text(SESAME + "\n")
        (self.dir / "slapd.conf").write_text(f"""
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
attributetype ( 1.3.6.1.4.1.99999.1 NAME 'mailAlternateAddress' EQUALITY caseIgnoreIA5Match
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.26 )
attributetype ( 1.3.6.1.4.1.99999.2 NAME 'mailSmtpAuth' EQUALITY booleanMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.7 SINGLE-VALUE )
objectclass ( 1.3.6.1.4.1.99999.3 NAME 'mailPerson' AUXILIARY MAY ( mailAlternateAddress $ mailSmtpAuth ) )
modulepath {MODULES}
moduleload back_mdb
moduleload ppolicy
pidfile {self.dir}/pid
TLSCACertificateFile {Authority.shared().ca}
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
threads 4
database mdb
suffix "dc=example,dc=com"
rootdn "{ADMIN}"
rootpw "{SESAME}"
directory {self.dir}/db
dbnosync
maxsize 10485760
index mail,uid,objectClass eq
overlay ppolicy
ppolicy_default "cn=usual,ou=services,dc=example,dc=com"
ppolicy_use_lockout
access to attrs=userPassword {access} by anonymous auth by * none
access to * by dn="{SERVICE}" read by self read by * none
""")
        base = f"""
dn: dc=example,dc=com
objectClass: domain
dc: example

dn: {PEOPLE}
objectClass: organizationalUnit
ou: people

dn: ou=services,dc=example,dc=com
objectClass: organizationalUnit
ou: services

dn: {SERVICE}
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: postern
userPassword: {hashed()}

dn: cn=usual,ou=services,dc=example,dc=com
objectClass: organizationalRole
objectClass: pwdPolicy
cn: usual
pwdAttribute: userPassword

dn: cn=strict,ou=services,dc=example,dc=com
objectClass: organizationalRole
objectClass: pwdPolicy
cn: strict
pwdAttribute: userPassword
pwdLockout: TRUE
pwdMaxFailure: 2
pwdMustChange: TRUE
pwdMaxAge: 86400

"""
        done = run("slapadd", "-q", "-f", self.dir / "slapd.conf", input=(base + people).lstrip())
        try:
            if done.returncode:
                raise AssertionError(done.stdout + done.stderr)
            self.start()
        except BaseException:
            self.close()
            raise

    def start(self):
        super().start("setpriv", "--pdeathsig", "KILL", "slapd", "-d", "none", "-f", self.dir / "slapd.conf", "-h",
                      f"ldap://{HOST}:{self.port} ldaps://{HOST}:{self.tls_port} {self.socket}")

    def is_up(self):
        return run("ldapwhoami", "-x", "-H", self.socket).returncode == 0

    def stop(self):
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGCONT)
        super().stop()

    def halt(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def modify(self, uid, *lines):
        done = run("ldapmodify", "-x", "-e", "relax", "-H", self.socket, "-D", ADMIN, "-w", SESAME,
                   input=f"dn: cn=person-{uid.encode().hex()},{PEOPLE}\nchangetype: modify\n" + "\n".join(lines) + "\n")
        if done.returncode:
            raise AssertionError(done.stdout + done.stderr)

    def row(self, heading, **more):
        """The manual's example, with the places of this test."""
        row = example(heading)
        here = {"urls": [self.tls], "authorities": Authority.shared().ca,
                "password_file": self.dir / "password"}
        row.update({k: v for k, v in here.items() if k in row})
        return {**row, "timeout": "3s", **more}


class Ldap(unittest.TestCase):
    def server(self, *rows, mechanisms=("PLAIN", "LOGIN"), **auth):
        server = Postern({"auth": {"mechanisms": list(mechanisms), "cache_life": "0s",
                                   "failure_delay": "20 ms", **auth}, "backend": list(rows)},
                         accounts=(ALICE,))
        self.addCleanup(shutil.rmtree, server.dir, True)
        self.addCleanup(server.kill)
        return server

    def login(self, server, user, password=SESAME, code=235, status=None):
        with server.session() as wire:
            wire.auth_plain(user, password, code, status)

    def health(self, server):
        return json.loads(server.cli("status", "--json", check=True).stdout)["backends"]


class Bind(Ldap):
    def people(self):
        secret = hashed()
        return (person("ann", secret, "mailAlternateAddress: shop@postern.test") +
                person("bob", hashed(SESAME, "-h", "{CRYPT}", "-c", "$6$%.16s")) +
                person("quiet", secret, "mailSmtpAuth: FALSE") +
                person("one", secret, mail="twice@postern.test") + person("two", secret, mail="twice@postern.test") +
                person("odd", secret, mail="two words@postern.test"))

    def test_users_log_in_send_and_get_mail(self):
        with Slapd(self.people()) as slapd:
            server = self.server(slapd.row("### OpenLDAP", smtp_auth_attribute="mailSmtpAuth"))
            for name in ("ann@postern.test", "ANN@Postern.test", "bob@postern.test"):
                self.login(server, name)
            self.login(server, "ann@postern.test", SESAME + "x", 535, "5.7.8")
            self.login(server, "nobody@postern.test", SESAME, 535, "5.7.8")
            self.login(server, "quiet@postern.test", SESAME, 535)
            server.wait_log(r"rule=auth-smtp-off .*quiet@postern\.test")
            self.login(server, "quiet@postern.test", SESAME + "x", 535, "5.7.8")
            self.login(server, ALICE, PASSWORDS[ALICE])
            # Which of two it is, nobody guesses; to strangers that looks like a name that nobody has.
            self.login(server, "twice@postern.test", SESAME, 535, "5.7.8")
            server.wait_log("several entries match")
            self.login(server, "two words@postern.test", SESAME, 535, "5.7.8")
            server.wait_log("has no mail that is an address")
            with server.session() as wire:
                wire.auth_login("ann@postern.test", SESAME)
                wire.say("MAIL FROM:<bob@postern.test>", 550, "5.7.1")
                wire.say("MAIL FROM:<shop@postern.test>", 250)
                wire.say("RCPT TO:<bob+x@postern.test>", 250)
                wire.say("RCPT TO:<shop@postern.test>", 250)
                wire.say("RCPT TO:<nobody@postern.test>", 550)
                wire.say("DATA", 354)
                wire.send("From: shop@postern.test\r\nSubject: x\r\n\r\nout of the directory\r\n.\r\n")
                wire.expect(250)
            server.wait_mail("bob@postern.test", "out of the directory")
            server.wait_mail("ann@postern.test", "out of the directory")
            self.assertEqual([(b["name"], b["type"], b["up"]) for b in self.health(server)],
                             [("company", "ldap", True)])
            need("swaks")
            done = run("swaks", "--server", HOST, "--port", server.submission, "--tls", "--auth", "LOGIN", "--auth-user",
                       "ann@postern.test", "--auth-password", SESAME, "--from", "ann@postern.test", "--to",
                       "bob@postern.test", "--body", "sent by swaks", "--helo", "client.example")
            self.assertEqual(done.returncode, 0, done.stdout)
            server.stop()


    def test_every_way_to_a_server(self):
        """A back end for each, with a domain of its own."""
        with Slapd(person("ann", hashed()) + person("eve", hashed("another-Pass 2"))) as slapd:
            other = Authority()
            self.addCleanup(shutil.rmtree, other.dir, True)
            dead = f"ldap://{HOST}:{free_ports(1)[0]}"
            ways = {"starttls": {"urls": [slapd.plain], "tls": "starttls"},
                    "ldaps": {"urls": [slapd.tls]},
                    "ldapi": {"urls": [slapd.socket]},
                    "plain": {"urls": [slapd.plain], "tls": "none"},
                    "second": {"urls": [dead, slapd.tls]},
                    "wrong-authority": {"urls": [slapd.tls], "authorities": other.ca},
                    "no-password": {"urls": [slapd.tls], "password_file": slapd.dir / "slapd.conf"},
                    "no-base": {"urls": [slapd.tls], "base": "ou=nobody,dc=example,dc=com"},
                    "dead": {"urls": [dead]}}
            rows = [slapd.row("### OpenLDAP", **{"filter": "(uid=%n)", "address_attribute": "", **more}, name=name,
                              domain=f"{name}.test") for name, more in ways.items()]
            for row in rows:
                del row["recipient_filter"], row["aliases_attribute"]
            by_name = slapd.row("### By name, without a search", name="by-name", domain="by-name.test",
                                urls=[slapd.socket], address_attribute="", bind_dn="cn=person-%n," + PEOPLE)
            server = self.server(*rows, by_name)
            bad = ("wrong-authority", "no-password", "no-base", "dead")
            for name in ways:
                with self.subTest(way=name):
                    if name in bad:
                        self.login(server, f"ann@{name}.test", SESAME, 454, "4.7.0")
                        continue
                    self.login(server, f"ann@{name}.test")
                    self.login(server, f"eve@{name}.test", SESAME, 535, "5.7.8")
                    self.login(server, f"nobody@{name}.test", SESAME, 535, "5.7.8")
            self.login(server, f"{b'ann'.hex()}@by-name.test")
            self.login(server, f"{b'eve'.hex()}@by-name.test", SESAME, 535, "5.7.8")
            self.login(server, "nobody@by-name.test", SESAME, 535, "5.7.8")
            states = {b["name"]: b for b in self.health(server)}
            self.assertEqual(sorted(n for n, b in states.items() if not b["up"]), sorted(bad))
            for name, remedy in (("wrong-authority", "authority in"), ("no-password", "first line is empty"),
                                 ("no-base", "ou=nobody"), ("dead", "Connection refused")):
                self.assertIn(remedy, states[name]["detail"])
            checked = server.cli("config", "check")
            for name in bad:
                self.assertIn(name, checked.stdout + checked.stderr)
            server.stop()

    def test_accounts_that_are_locked_or_expired(self):
        policy = "pwdPolicySubentry: cn=strict,ou=services,dc=example,dc=com"
        people = "".join(person(uid, hashed(), policy) for uid in ("locked", "barred", "reset"))
        people += person("expired", hashed(), policy, "pwdChangedTime: 20010101000000Z")
        with Slapd(people) as slapd:
            server = self.server(slapd.row("### OpenLDAP"))
            slapd.modify("barred", "replace: pwdAccountLockedTime", "pwdAccountLockedTime: 000001010000Z")
            slapd.modify("reset", "replace: pwdReset", "pwdReset: TRUE")
            self.login(server, "expired@postern.test", SESAME, 525, "5.7.13")
            self.login(server, "reset@postern.test", SESAME, 525, "5.7.13")
            for uid in ("expired", "reset", "locked", "locked"):
                self.login(server, f"{uid}@postern.test", SESAME + "x", 535, "5.7.8")
            # The server does not say whether the password is right, so nobody learns that there is
            # such an account; the log knows.
            for uid in ("locked", "barred"):
                self.login(server, f"{uid}@postern.test", SESAME, 535, "5.7.8")
            server.wait_log("locked there")
            server.stop()

    def test_no_name_is_more_than_a_value(self):
        names = ["a*b", "axb", "a(b)", "x=y", "o'brien", "50%", "a&b|c!d", "a#b"]
        people = "".join(person(n, hashed(f"{SESAME} {i}")) for i, n in enumerate(names)) + person("ann", hashed())
        with Slapd(people) as slapd:
            server = self.server(slapd.row("### OpenLDAP"))
            for i, name in enumerate(names):
                with self.subTest(name=name):
                    quoted = f'"{name}"' if set(name) & set("()") else name
                    if quoted == name:
                        self.login(server, f"{name}@postern.test", f"{SESAME} {i}")
                    self.login(server, f"{name}@postern.test", f"{SESAME} {i + 1}", 535, "5.7.8")
            for name in ("*", "an*", "ann*", "ann)(uid=*", "*)(objectClass=*", "ann)(|(mail=*", "\\61nn", "\\2a",
                         "ann,ou=people", "ann\\", "ann ", "(ann)", "&", "cn=ann"):
                with self.subTest(name=name):
                    self.login(server, f"{name}@postern.test", SESAME, 535)
            # NUL can't stand in PLAIN, and LOGIN does not take it either.
            with server.session() as wire:
                wire.say("AUTH LOGIN", 334)
                wire.say(base64.b64encode(b"ann\0@postern.test").decode(), 501)
            # A bind without a password would succeed.
            for say in ("PLAIN", "LOGIN"):
                with server.session() as wire:
                    log_in = wire.auth_plain if say == "PLAIN" else wire.auth_login
                    self.assertIn(log_in("ann@postern.test", "", None).code, (501, 535))
            self.assertNotIn("backend_down", server.log())
            server.stop()

    def test_slapd_is_stopped_halted_and_restarted_under_load(self):
        with Slapd(person("ann", hashed()) + person("bob", hashed())) as slapd:
            server = self.server(slapd.row("### OpenLDAP", timeout="1s"))
            outage.survive(server, [(f"{n}@postern.test", SESAME) for n in ("ann", "bob")], slapd, ("PLAIN", "LOGIN"))
            self.assertTrue(self.health(server)[0]["up"])
            server.stop()

    def test_one_of_two_servers_is_enough(self):
        with Slapd(person("ann", hashed())) as first, Slapd(person("ann", hashed())) as second:
            server = self.server(first.row("### OpenLDAP", urls=[first.tls, second.tls]))
            outage.survive(server, [("ann@postern.test", SESAME)], first, down=False)
            server.stop()


    def test_a_server_that_stops_in_the_middle_of_an_answer(self):
        """One thread each: if it hung, nothing would ever come back."""
        with Slapd(person("ann", hashed())) as slapd:
            relays = {"tls": Relay(slapd.tls_port, b"\x16\x03\x03\x01\x00\x02\x00"),
                      "starttls": Relay(slapd.port, b"\x30\x0c\x02\x01\x01"),
                      "plain": Relay(slapd.port, b"\x30\x84\x00\x00\x10\x00\x02")}
            for relay in relays.values():
                self.addCleanup(relay.close)
            rows = [slapd.row("### OpenLDAP", name=name, domain=f"{name}.test", filter="(uid=%n)", timeout="500ms",
                              threads=1, address_attribute="", tls="none" if name == "plain" else "starttls",
                              urls=[f"ldap{'s' if name == 'tls' else ''}://{HOST}:{relay.port}"])
                    for name, relay in relays.items()]
            for row in rows:
                del row["recipient_filter"], row["aliases_attribute"]
            server = self.server(*rows)
            for name in relays:
                self.login(server, f"ann@{name}.test", SESAME, 454, "4.7.0")
            for name, relay in relays.items():
                relay.half = False
                wait_for(lambda: all(b["up"] for b in self.health(server) if b["name"] == name), f"{name} to come back")
                self.login(server, f"ann@{name}.test")
            server.stop()


class Relay:
    """Between Postern and slapd. At first it begins to answer and then says no more."""

    def __init__(self, target, beginning):
        self.target, self.beginning, self.half = target, beginning, True
        self.listening = socket.create_server((HOST, 0))
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        for peer in connections_to(self.listening):
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        with contextlib.suppress(OSError), peer:
            if self.half:
                peer.recv(4096)
                peer.sendall(self.beginning)
                while peer.recv(4096):
                    pass
                return
            with socket.create_connection((HOST, self.target)) as other:
                back = threading.Thread(target=self.copy, args=(other, peer), daemon=True)
                back.start()
                self.copy(peer, other)
                back.join(5)

    @staticmethod
    def copy(here, there):
        with contextlib.suppress(OSError):
            while piece := here.recv(65536):
                there.sendall(piece)
            there.shutdown(socket.SHUT_WR)

    def close(self):
        self.listening.close()


class Fetch(Ldap):
    MECHANISMS = ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN")

    def row(self, slapd, **more):
        return slapd.row("### Hashes from the directory", urls=[slapd.plain], **more)

    def people(self):
        keys = base64.b64encode(scram_keys().encode()).decode()
        return (person("ann", hashed(), f"userPassword:: {keys}", "mailSmtpAuth: TRUE") +
                person("bob", hashed(SESAME, "-h", "{CRYPT}", "-c", "$6$%.16s")) +
                person("cid", hashed(SESAME, "-o", "module-path=" + MODULES, "-o", "module-load=argon2", "-h",
                                     "{ARGON2}")) +
                person("dan", scram_keys()) +
                person("off", hashed()) + person("quiet", hashed(), "mailSmtpAuth: FALSE") +
                person("odd", hashed(), mail="two words@postern.test") +
                person("one", hashed(), mail="twice@postern.test") + person("two", hashed(), mail="twice@postern.test"))

    def test_hashes_are_read_and_scram_works(self):
        need("gsasl")
        with Slapd(self.people(), FETCH_ACCESS) as slapd:
            slapd.modify("off", "replace: pwdAccountLockedTime", "pwdAccountLockedTime: 000001010000Z")
            server = self.server(self.row(slapd, smtp_auth_attribute="mailSmtpAuth"), mechanisms=self.MECHANISMS)
            for uid in ("ann", "bob", "cid", "dan"):
                with self.subTest(uid=uid):
                    self.login(server, f"{uid}@postern.test")
                    self.login(server, f"{uid}@postern.test", SESAME + "x", 535, "5.7.8")
            for name in ("nobody@postern.test", "two words@postern.test", "twice@postern.test"):
                self.login(server, name, SESAME, 535, "5.7.8")
            for trouble in ("has no mail that is an address", "several entries match"):
                server.wait_log(f"backend_user_skipped .*{trouble}")
            self.login(server, "off@postern.test", SESAME, 525, "5.7.13")
            self.login(server, "quiet@postern.test", SESAME, 535)
            for mechanism in self.MECHANISMS[:2]:
                for uid, password, code in (("ann", SESAME, "235 2.7.0"), ("dan", SESAME, "235 2.7.0"),
                                            ("ann", SESAME + "x", "535 5.7.8"), ("nobody", SESAME, "535 5.7.8")):
                    with self.subTest(mechanism=mechanism, uid=uid):
                        done = run("gsasl", "--smtp", f"--connect={HOST}:{server.submission}", "--starttls",
                                   f"--x509-ca-file={Authority.shared().ca}", f"--mechanism={mechanism}",
                                   f"--authentication-id={uid}@postern.test",
                                   f"--authorization-id={uid}@postern.test", f"--password={password}",
                                   "--hostname=localhost", "--service=smtp", "--verbose",
                                   *(["--no-cb"] if mechanism == "SCRAM-SHA-256" else []), input="")
                        self.assertIn(code, done.stdout + done.stderr)
            # A changed password counts within a second.
            fresh = base64.b64encode(scram_keys("another-Pass 2").encode()).decode()
            slapd.modify("dan", "replace: userPassword", f"userPassword:: {fresh}")

            def is_taken():
                with server.session() as wire:
                    return wire.auth_plain("dan@postern.test", "another-Pass 2", None).code == 235
            wait_for(is_taken, "the new password to count")
            server.stop()

    def test_slapd_is_stopped_halted_and_restarted_under_load(self):
        with Slapd(self.people(), FETCH_ACCESS) as slapd:
            server = self.server(self.row(slapd, timeout="1s", remember="1s"), mechanisms=self.MECHANISMS)
            outage.survive(server, [("ann@postern.test", SESAME), ("dan@postern.test", SESAME)], slapd,
                           ("PLAIN", "SCRAM-SHA-256"))
            server.stop()


if __name__ == "__main__":
    unittest.main()
