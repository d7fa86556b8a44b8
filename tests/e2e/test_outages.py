"""Every kind of back end is restarted, halted and slowed under load: no right password is called wrong,
no session hangs, and Postern need not be restarted."""
import os
import unittest

from harness import Postern, wait_for
from outage import survive
from postgresql import PostgreSQL
from scram import Scram
from test_backends import SESAME, DovecotAuth, PamService, crypt, example
from test_postgresql import TABLES, quoted, scram_keys, user


class File:
    """A file of users that goes away, and has a bad line."""

    def __init__(self, path, text):
        self.path, self.text = path, text
        self.start()

    def write(self, text):
        new = self.path.with_suffix(".new")
        new.write_text(text)
        os.rename(new, self.path)

    def start(self):
        self.write(self.text)

    def stop(self):
        self.path.unlink()

    def halt(self):
        self.write(self.text + "this is no line\n")

    go_on = start


class Outages(unittest.TestCase):
    def server(self, row, mechanisms=("PLAIN", "LOGIN"), **more):
        return Postern({"auth": {"mechanisms": list(mechanisms), "failure_delay": "20 ms", "cache_life": "0s", **more},
                        "backend": [row]}, accounts=(), start=False)

    def test_a_file(self):
        with self.server({**example("### Dovecot's passwd-file")}) as server:
            server.config["backend"][0]["path"] = server.dir / "users"
            server.write_config()
            names = [f"u{n}@postern.test" for n in range(4)]
            file = File(server.dir / "users", "".join(f"{n}:{crypt('6')}\n" for n in names))
            server.start()
            survive(server, [(n, SESAME) for n in names], file, ("PLAIN", "LOGIN"), down=False)

    def test_pam(self):
        pam = PamService()
        self.addCleanup(pam.close)
        row = {**example("## pam"), "domain": "postern.test", "service": pam.name, "timeout": "1s"}
        with self.server(row) as server:
            server.start()
            survive(server, [("ann", SESAME), ("root", SESAME)], pam, ("PLAIN", "LOGIN"))

    def test_dovecot(self):
        names = [f"u{n}@postern.test" for n in range(4)]
        with DovecotAuth("".join(f"{n}:{{PLAIN}}{SESAME}::::::\n" for n in names)) as dovecot:
            row = {**example("## dovecot"), "path": dovecot.auth, "users": dovecot.users, "timeout": "1s"}
            with self.server(row) as server:
                server.start()
                survive(server, [(n, SESAME) for n in names], dovecot, ("PLAIN", "LOGIN"))

    def test_postgresql(self):
        names = [f"u{n}@postern.test" for n in range(6)]
        keys = {"scram_sha_256": quoted(scram_keys("SCRAM-SHA-256"))}
        with PostgreSQL(TABLES + "".join(user(n, crypt("6"), **keys) for n in names)) as postgres:
            row = {**example("## postgresql"), "connection": postgres.connection(),
                   "password_file": postgres.password_file, "timeout": "1s", "remember": "1s"}
            mechanisms = ("PLAIN", "SCRAM-SHA-256", "LOGIN")
            with self.server(row, mechanisms) as server:
                server.start()
                self.nobody_is_told_apart(server, names, postgres)
                survive(server, [(n, SESAME) for n in names], postgres, mechanisms)

    def nobody_is_told_apart(self, server, names, postgres):
        """Users of a database that is down: a right password of one that is remembered lets in, and else no answer."""
        own = "own@postern.test"
        server.add_account(own, SESAME)

        def scram(name, password):
            with server.session() as wire:
                return Scram(name, password).log_in(wire)

        def plain(name, password):
            with server.session() as wire:
                return wire.auth_plain(name, password, None)

        def each(name, password, code):
            for way in (scram, plain):
                with self.subTest(name=name, password=password, way=way.__name__):
                    reply = way(name, password)
                    self.assertEqual(reply.code, code, reply)
        for name in (names[0], own):
            each(name, SESAME, 235)
        salt = self.salt(server, names[0])
        postgres.stop()
        try:
            # An answer of this second is as good as a new one, whoever it is about.
            wait_for(lambda: all(scram(name, SESAME + "x").code == 454 for name in (own, names[0])), "the outage to be seen")
            for name in (own, names[0], names[1], "nobody@postern.test"):
                each(name, SESAME + "x", 454)
            for name in (own, names[0]):
                each(name, SESAME, 235)
            # Not remembered.
            each(names[1], SESAME, 454)
            self.assertEqual(self.salt(server, names[0]), salt)
            for mechanism in ("SCRAM-SHA-256", "PLAIN"):
                server.wait_log(rf"rule=auth-unavailable .*mechanism={mechanism} .*cause=backend_down")
        finally:
            postgres.start()
        server.wait_log("backend_up")
        for name in (own, names[0], "nobody@postern.test"):
            each(name, SESAME + "x", 535)

    def salt(self, server, name):
        with server.session() as wire:
            it = Scram(name, "")
            it.final(wire.say(f"AUTH SCRAM-SHA-256 {it.first()}", 334).text)
            return it.server["s"], it.server["i"]


if __name__ == "__main__":
    unittest.main()
