"""The web socket, by which the process that serves the web pages has commands done for people: who may do what, sign-ins
and their guard, sessions, roles, the audit log. Spoken to directly, as that process does."""
import contextlib
import json
import os
import pwd
import socket
import sqlite3
import stat
import subprocess
import sys
import time
import unittest

from harness import ALICE, BOB, PASSWORDS, SLOW, Postern, Wire, token, wait_for

HOME, EVIL = "192.0.2.7", "203.0.113.66"
OWNER = "owner@postern.test"
AS_SOMEBODY = """
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(20)
s.connect(sys.argv[1])
try:
    s.sendall(b'{"command":"discovery facts","arguments":{},"client":"192.0.2.7"}\\n')
    print(s.recv(65536).decode())
except OSError:
    pass
"""


class Door:
    """One connection to the web socket."""

    def __init__(self, path, seconds=30):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(seconds * SLOW)
        self.socket.connect(str(path))
        self.file = self.socket.makefile("rb")

    def close(self):
        self.file.close()
        self.socket.close()

    def send(self, octets):
        self.socket.sendall(octets)

    def read(self):
        """The next answer; nothing when the connection was closed."""
        with contextlib.suppress(ConnectionError):
            line = self.file.readline()
            return json.loads(line) if line else None

    def ask(self, command, session=None, client=HOME, **arguments):
        request = {"command": command, "arguments": arguments, "client": client}
        if session is not None:
            request["session"] = session
        self.send(json.dumps(request).encode() + b"\n")
        return self.read()


class WebDoor(unittest.TestCase):
    config = {}

    def setUp(self):
        config = {"auth": {"failure_delay": "0s", "failures": 100}, "limits": {"errors": 1000},
                  "guard": {"allow": [], "longest_delay": "0s", "refuse_after": 6, "network_refuse_after": 12,
                            "account_refuse_after": 10}, **self.config}
        self.server = Postern(config, start=False)
        self.addCleanup(self.server.__exit__, None, None, None)
        self.path = self.server.dir / "data" / "web.sock"
        self.server.change("web", socket=self.path)
        self.server.start()
        self.door = self.open()

    def open(self, **options):
        door = Door(self.path, **options)
        self.addCleanup(door.close)
        return door

    def cli(self, *arguments, **options):
        done = self.server.cli(*arguments, "--json", check=True, **options)
        return json.loads(done.stdout)

    def sign_in(self, address=ALICE, password=None, client=HOME, **more):
        return self.door.ask("web sign-in", client=client, address=address, password=password or PASSWORDS[address], **more)

    def must(self, answer):
        self.assertTrue(answer and answer["ok"], answer)
        return answer["value"]

    def refused(self, answer, kind, rule=None):
        self.assertFalse(answer["ok"], answer)
        self.assertEqual((answer["kind"], answer.get("rule", rule)), (kind, rule or answer.get("rule")), answer)
        return answer

    def signed_in(self, address=ALICE, **more):
        return self.must(self.sign_in(address, **more))["session"]

    def add_owner(self, role="owner"):
        PASSWORDS.setdefault(OWNER, "it is all mine 55")
        self.server.add_account(OWNER, PASSWORDS[OWNER])
        self.cli("account", "role", OWNER, role)


class SignIn(WebDoor):
    def test_from_sign_in_to_sign_out(self):
        first = self.must(self.sign_in(agent="Browser/1.0\x1b[2J"))
        self.assertEqual((first["account"], first["role"], first["client"]), (ALICE, "none", HOME))
        self.assertNotIn("\x1b", first["agent"])
        # Each sign-in has a token of its own, whatever the browser had before: nobody can plant one.
        planted = "A" * 43
        second = self.must(self.door.ask("web sign-in", session=planted, address=ALICE, password=PASSWORDS[ALICE]))
        self.assertEqual(len({first["session"], second["session"], planted}), 3)
        self.assertNotEqual(first["csrf"], second["csrf"])
        self.refused(self.door.ask("web session", session=planted), "signed_out", "web-signed-out")
        here = self.must(self.door.ask("web session", session=first["session"]))
        self.assertEqual((here["id"], here["account"]), (first["id"], ALICE))
        self.assertNotIn("session", here)
        self.must(self.door.ask("web sign-out", session=first["session"]))
        self.refused(self.door.ask("web session", session=first["session"]), "signed_out")
        self.must(self.door.ask("web session", session=second["session"]))
        # The token is in no file of the server's.
        for file in (self.server.dir / "data").rglob("*"):
            if file.is_file():
                self.assertNotIn(second["session"].encode(), file.read_bytes(), file)

    def test_whatever_is_wrong_the_answer_is_the_same(self):
        made = self.cli("account", "app-password", "add", ALICE, "--label", "phone")["password"]
        answers = [self.sign_in(address, password) for address, password in (
            (ALICE, token()), ("nobody@postern.test", token()), (ALICE, made), ("x", token()),
            (ALICE + "\0", token()))]
        for answer in answers:
            self.refused(answer, "signed_out", "web-sign-in-wrong")
            self.assertEqual(answer, answers[0])
        self.server.wait_log("app_password_at_web")

    def test_what_concerns_mail_programs_does_not_lock_the_page(self):
        self.cli("account", "basic-passwords", ALICE, "off")
        session = self.signed_in()
        made = self.must(self.door.ask("account app-password add", session=session, label="phone"))
        self.assertEqual(made["created_by"], "account")
        self.cli("account", "smtp-auth", ALICE, "off")
        self.signed_in()
        self.cli("account", "disable", ALICE)
        self.refused(self.sign_in(), "forbidden", "auth-account-disabled")
        self.refused(self.door.ask("web session", session=session), "signed_out")

    def test_who_guesses_is_stopped_by_the_guard(self):
        kinds = [self.sign_in(password=token(), client=EVIL)["kind"] for _ in range(8)]
        self.assertEqual(kinds[0], "signed_out")
        self.assertEqual(kinds[-1], "put_off", kinds)
        held = {r["what"]: r for r in self.cli("guard", "list")["held_against"]}
        self.assertIn(EVIL, held)
        self.assertIsNotNone(held[EVIL]["refused_until"])
        # The right password from there is not looked at either, and is from elsewhere.
        self.refused(self.sign_in(client=EVIL), "put_off", "guard-login-refused")
        self.must(self.sign_in(client=HOME))
        self.cli("guard", "lift", EVIL)
        self.must(self.sign_in(client=EVIL))
        self.cli("guard", "deny", "203.0.113.0/24")
        self.refused(self.sign_in(client=EVIL), "put_off", "guard-network-denied")

    def test_guesses_at_the_mail_port_count_here_too(self):
        source = "127.0.66.6"
        with contextlib.closing(Wire(self.server.submissions, tls=True, source=(source, 0))) as wire:
            wire.expect(220)
            wire.ehlo()
            for _ in range(6):
                wire.auth_plain(ALICE, token(), 535, "5.7.8")
        self.refused(self.sign_in(client=source), "put_off")


class Sessions(WebDoor):
    def test_one_signs_out_elsewhere(self):
        here, there = self.signed_in(agent="Here"), self.signed_in(agent="There")
        self.signed_in(BOB)
        rows = self.must(self.door.ask("account session list", session=here))
        self.assertEqual({(r["agent"], r["here"]) for r in rows}, {("Here", True), ("There", False)})
        self.must(self.door.ask("account session end", session=here, others=True))
        self.refused(self.door.ask("web session", session=there), "signed_out")
        self.must(self.door.ask("web session", session=here))
        self.assertEqual(len(self.cli("account", "session", "list", ALICE)), 1)
        self.cli("account", "session", "end", ALICE, "--all")
        self.refused(self.door.ask("web session", session=here), "signed_out")

    def test_a_restart_signs_nobody_out_and_time_does(self):
        kept, idle, old = (self.signed_in(agent=a) for a in ("kept", "idle", "old"))
        self.server.stop()
        with contextlib.closing(sqlite3.connect(self.server.dir / "data" / "web-sessions.db")) as file, file:
            # As if they had been used, or begun, long ago.
            file.execute("UPDATE visits SET last_used = last_used - 13 * 3600000000 WHERE agent = 'idle'")
            file.execute("UPDATE visits SET created = created - 31 * 86400000000 WHERE agent = 'old'")
        self.server.start()
        self.door = self.open()
        self.must(self.door.ask("web session", session=kept))
        for token_of in (idle, old):
            self.refused(self.door.ask("web session", session=token_of), "signed_out")
        # A shorter life holds at once.
        self.server.stop()
        self.server.change("web", session_life="10m")
        with contextlib.closing(sqlite3.connect(self.server.dir / "data" / "web-sessions.db")) as file, file:
            file.execute("UPDATE visits SET last_used = last_used - 11 * 60000000")
        self.server.start()
        self.door = self.open()
        self.refused(self.door.ask("web session", session=kept), "signed_out")

    def test_a_changed_password_or_role_holds_at_once(self):
        self.add_owner()
        session = self.signed_in(OWNER)
        self.must(self.door.ask("account list", session=session))
        self.cli("account", "role", OWNER, "reader")
        self.refused(self.door.ask("account list", session=session), "signed_out")
        session = self.signed_in(OWNER)
        self.must(self.door.ask("account list", session=session))
        self.refused(self.door.ask("account disable", session=session, address=ALICE), "forbidden", "web-not-allowed")
        PASSWORDS[OWNER] = "a new one for me 77"
        self.server.set_password(OWNER, PASSWORDS[OWNER])
        self.refused(self.door.ask("account list", session=session), "signed_out")


class Rights(WebDoor):
    def test_an_account_sees_its_own_affairs_only(self):
        self.must(self.door.ask("discovery facts"))
        session = self.signed_in()
        self.assertEqual(self.must(self.door.ask("account show", session=session))["address"], ALICE)
        for command, arguments in (("account show", {"address": BOB}), ("account app-password list", {"address": BOB}),
                                   ("account session list", {"address": BOB}), ("account list", {}), ("queue list", {}),
                                   ("audit list", {}), ("account role", {"address": ALICE, "role": "owner"}),
                                   ("account test", {"address": BOB, "password": "x"}), ("account show", {"address": ALICE})):
            with self.subTest(command, **arguments):
                self.refused(self.door.ask(command, session=session, **arguments), "forbidden", "web-not-allowed")
                self.assertFalse(self.door.ask(command, **arguments)["ok"])
        self.refused(self.door.ask("no such thing", session=session), "usage")

    def test_an_operator_has_no_power_over_an_owner(self):
        self.add_owner()
        self.cli("account", "role", ALICE, "operator")
        session = self.signed_in()
        self.refused(self.door.ask("account password", session=session, address=OWNER, password="mine now, all of it"),
                     "forbidden")
        self.must(self.door.ask("account disable", session=session, address=BOB))
        self.refused(self.sign_in(BOB), "forbidden")

    def test_changes_are_in_the_audit_log_whichever_way_they_came(self):
        self.add_owner()
        session = self.signed_in(OWNER)
        secret = "never to be read 12"
        self.server.secrets.add((ALICE, secret))
        self.must(self.door.ask("account password", session=session, address=ALICE, password=secret))
        self.must(self.door.ask("account show", session=session))
        self.cli("account", "disable", BOB)
        self.server.stop()
        self.server.cli("domain", "add", "new.example", check=True)
        rows = self.cli("audit", "list")
        me = pwd.getpwuid(os.getuid()).pw_name
        self.assertEqual([(r["command"], r["who"], r["through"], r["role"], r["account"], r["outcome"]) for r in rows[:4]], [
            ("domain add", me, "terminal", None, None, "done"),
            ("account disable", me, "terminal", None, BOB, "done"),
            ("account password", OWNER, "web", "owner", ALICE, "done"),
            ("web sign-in", OWNER, "web", None, OWNER, "done")])
        self.assertEqual(rows[2]["arguments"], {"address": ALICE, "password": "(secret)"})
        self.assertEqual(rows[2]["from"], HOME)
        self.assertEqual(rows[0]["arguments"], {"domain": "new.example"})
        self.assertEqual({r["account"] for r in self.cli("audit", "list", "--account", BOB)}, {BOB})
        self.assertIn("account password", self.server.cli("audit", "list", "--since", "1h", check=True).stdout)

    def test_sign_in_is_no_affair_of_the_control_socket(self):
        with contextlib.closing(Door(self.server.dir / "data" / "control.sock")) as control:
            control.send(b'{"command":"web sign-in","arguments":{"address":"x","password":"y"}}\n')
            self.refused(control.read(), "usage")
        with contextlib.closing(Door(self.server.dir / "data" / "control.sock")) as control:
            control.send(b'{"command":"web session","arguments":{},"client":"192.0.2.1","session":"x"}\n')
            self.refused(control.read(), "usage")


class Abuse(WebDoor):
    def test_what_is_no_request_is_no_request(self):
        for octets in (b"\n", b"GET / HTTP/1.1\r\n\r\n", b"{}\n", b'{"command":"discovery facts","arguments":{}}\n', b"\xff\xfe\n",
                       b'{"command":"discovery facts","arguments":{},"client":"192.0.2.7","terminal":"x"}\n',
                       b'{"command":"discovery facts","arguments":' + b"[" * 9000 + b"\n"):
            with self.subTest(octets[:60]), contextlib.closing(Door(self.path)) as door:
                door.send(octets)
                self.refused(door.read(), "usage")
                self.assertIsNone(door.read())
        self.refused(self.door.ask("discovery facts", client="nowhere"), "usage")
        self.must(self.door.ask("discovery facts"))

    def test_slow_oversized_and_many_keep_nobody_waiting(self):
        slow, large = self.open(), self.open()
        slow.send(b'{"command":"web')
        with contextlib.suppress(OSError):
            large.send(b"x" * (1 << 20))
        self.assertIsNone(large.read())
        # Several at once on one connection are answered one after another.
        one = json.dumps({"command": "discovery facts", "arguments": {}, "client": HOME}).encode() + b"\n"
        self.door.send(one * 20)
        for _ in range(20):
            self.must(self.door.read())
        held = []
        for _ in range(400):
            with contextlib.suppress(OSError):
                held.append(self.open())
        self.must(self.door.ask("discovery facts"))
        for door in held:
            door.close()
        wait_for(lambda: self.is_served(), "a new connection to be served again")
        self.assertIsNone(slow.read())

    def is_served(self):
        with contextlib.suppress(OSError), contextlib.closing(Door(self.path)) as door:
            return (door.ask("discovery facts") or {}).get("ok")
        return False


class Outside(WebDoor):
    def test_users_of_back_ends_sign_in_and_have_roles(self):
        users, password = self.server.dir / "users", "from a file 31"
        users.write_text("dora:{PLAIN}" + password + "\n")
        self.server.stop()
        self.server.config["backend"] = [{"name": "users", "type": "files", "path": users, "domain": "postern.test"}]
        self.server.write_config()
        self.server.start()
        self.door = self.open()
        for name in ("dora@postern.test", "dora"):
            self.must(self.sign_in(name, password))
        self.cli("account", "role", "dora@postern.test", "reader")
        signed = self.must(self.sign_in("dora@postern.test", password))
        self.assertEqual((signed["account"], signed["role"]), ("dora@postern.test", "reader"))
        self.assertEqual(len(self.must(self.door.ask("account list", session=signed["session"]))), 2)
        self.assertEqual(self.must(self.door.ask("account show", session=signed["session"]))["back_end"], "users")
        users.write_text("")
        wait_for(lambda: not self.door.ask("web session", session=signed["session"])["ok"], "the user to be gone")


class Waiting(WebDoor):
    config = {"auth": {"failure_delay": "8s", "failures": 100},
              "guard": {"allow": ["192.0.2.0/24", "198.51.0.0/16", "2001:db8::/32"]}}

    def guess(self, client, count=1):
        """So many at once; each at an account of its own."""
        doors = [self.open() for _ in range(count)]
        for i, door in enumerate(doors):
            arguments = {"address": f"somebody{i}@postern.test", "password": "wrong"}
            request = {"command": "web sign-in", "arguments": arguments, "client": client.format(i + 1)}
            door.send(json.dumps(request).encode() + b"\n")
        return doors

    def test_wrong_sign_ins_wait_and_keep_nobody_waiting(self):
        doors, began = [], time.monotonic()
        for number in range(1, 8):
            doors += self.guess(f"198.51.{number}.{{}}", 10)
            wait_for(lambda: self.server.log().count("web_sign_in_refused") == len(doors), "them to be looked at")
        self.must(self.door.ask("discovery facts"))
        self.signed_in()
        for door in doors:
            self.refused(door.read(), "signed_out")
        self.assertGreaterEqual(time.monotonic() - began, 8)

    def test_one_network_signs_in_so_often_at_once(self):
        for network in ("198.51.100.9", "2001:db8:0:1::{}"):
            kinds = [door.read()["kind"] for door in self.guess(network, 10)]
            self.assertEqual(sorted(kinds), ["put_off"] * 6 + ["signed_out"] * 4)


@unittest.skipUnless(os.geteuid() == 0, "needs root")
class Users(unittest.TestCase):
    def ask_as(self, user, path):
        done = subprocess.run(["setpriv", f"--reuid={user}", f"--regid={pwd.getpwnam(user).pw_gid}", "--clear-groups",
                               sys.executable, "-c", AS_SOMEBODY, str(path)], capture_output=True, text=True, timeout=60)
        return json.loads(done.stdout)["ok"] if done.stdout.strip() else None

    def test_root_the_server_and_the_web_user_are_served_and_nobody_else(self):
        server = Postern({"user": "daemon"}, accounts=(), start=False)
        self.addCleanup(server.__exit__, None, None, None)
        place = server.dir / "web"
        place.mkdir(mode=0o755)
        os.chmod(server.dir, 0o755)
        for folder in ("data", "mail"):
            os.chown(server.dir / folder, pwd.getpwnam("daemon").pw_uid, pwd.getpwnam("daemon").pw_gid)
        os.chown(place, pwd.getpwnam("daemon").pw_uid, -1)
        path = place / "web.sock"
        for file in (server.config["tls"]["certificate"], server.config["tls"]["private_key"]):
            os.chmod(file, 0o644)
            os.chmod(file.parent, 0o755)
        server.change("web", socket=path, user="games")
        server.start()
        about = os.stat(path)
        self.assertEqual(stat.S_IMODE(about.st_mode), 0o660)
        self.assertEqual(about.st_uid, pwd.getpwnam("daemon").pw_uid)
        self.assertEqual(about.st_gid, pwd.getpwnam("games").pw_gid)
        for user in ("root", "daemon", "games"):
            self.assertTrue(self.ask_as(user, path), user)
        self.assertIsNone(self.ask_as("nobody", path))
        # Nor where somebody opened the socket to all.
        os.chmod(path, 0o666)
        self.assertIsNone(self.ask_as("nobody", path))
        server.wait_log("web_socket_stranger")


if __name__ == "__main__":
    unittest.main()
