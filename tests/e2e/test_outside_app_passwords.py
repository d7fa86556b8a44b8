"""App passwords of users whom a back end knows, as docs/accounts.md says: files, PostgreSQL, LDAP, Dovecot, PAM."""
import json
import re
import shutil
import unittest

from harness import ALICE, HOST, PASSWORDS, Postern, message, token, wait_for
from postgresql import PostgreSQL
from scram import Scram
from test_backends import SESAME, DovecotAuth, PamService, crypt, example
from test_ldap import Slapd, hashed, person
from test_postgresql import TABLES, quoted, scram_keys, user

ANN, BOB, EVE, OFF = "ann@postern.test", "bob@postern.test", "eve@files.test", "off@files.test"
MECHANISMS = ["SCRAM-SHA-256", "PLAIN", "LOGIN"]


class AppPasswords(unittest.TestCase):
    def server(self, *rows, files=None):
        server = Postern({"auth": {"mechanisms": MECHANISMS, "cache_life": "0s", "failure_delay": "20 ms"}},
                         accounts=(ALICE,), start=False)
        self.addCleanup(shutil.rmtree, server.dir, True)
        self.addCleanup(server.kill)
        if files is not None:
            (server.dir / "users").write_text(files)
            rows = ({**example("### Dovecot's passwd-file"), "path": server.dir / "users"}, *rows)
        server.config["backend"] = list(rows)
        server.write_config()
        server.start()
        return server

    def make(self, server, name, *limits):
        made = json.loads(server.cli("account", "app-password", "add", name, "--label", "phone", "--json", *limits,
                                     check=True).stdout)
        server.secrets.add((name, made["password"]))
        return made

    def login(self, server, name, password, code=235, status=None):
        with server.session() as wire:
            wire.auth_plain(name, password, code, status)

    def scram(self, server, name, password, code=235):
        with server.session() as wire:
            reply = Scram(name, password).log_in(wire)
            self.assertEqual(reply.code, code, reply)

    def work(self, server, name, own_password=SESAME, own_scram=535):
        """All that an app password can, which leaves the user's own password alone. Gives one that works."""
        made = self.make(server, name)
        secret = made["password"]
        with self.subTest(name=name):
            self.assertEqual(made["address"], name)
            for text in (secret, secret.upper(), secret.replace("-", "")):
                self.login(server, name, text)
            with server.session() as wire:
                wire.auth_login(name, secret)
            self.scram(server, name, secret)
            self.scram(server, name, secret.replace("-", ""))
            self.scram(server, name, "abcd-efgh-ijkm-npq2", 535)
            self.login(server, name, "abcd-efgh-ijkm-npq2", 535, "5.7.8")
            self.login(server, name, own_password)
            self.scram(server, name, own_password, own_scram)
            listed = json.loads(server.cli("account", "app-password", "list", name, "--json", check=True).stdout)
            self.assertEqual([(p["state"], p["last_client"], p["scram"]) for p in listed], [("works", HOST, True)])
            server.wait_log(rf"login .*account={re.escape(name)} .*credential=app-password-{made['id']} label=phone")
            elsewhere = self.make(server, name, "--network", "192.0.2.0/24")
            self.login(server, name, elsewhere["password"], 535, "5.7.8")
            limited = self.make(server, name, "--sender", f"{name.split('@')[0]}+x@{name.split('@')[1]}")
            with server.session() as wire:
                wire.auth_plain(name, limited["password"])
                wire.say(f"MAIL FROM:<{name}>", 550, "5.7.1")
            with server.session() as wire:
                wire.auth_plain(name, limited["password"])
                server.cli("account", "app-password", "revoke", name, limited["id"], check=True)
                wire.say(f"MAIL FROM:<{name.replace('@', '+x@')}>", 535, "5.7.8")
            self.login(server, name, limited["password"], 535, "5.7.8")
            server.wait_log("cause=app_password_revoked")
        return secret

    def test_files_and_a_database(self):
        keys = {"scram_sha_256": quoted(scram_keys("SCRAM-SHA-256"))}
        with PostgreSQL(TABLES + user(ANN, crypt("6"), **keys) + user(BOB, "{PLAIN}" + SESAME)) as postgres:
            row = {**example("## postgresql"), "connection": postgres.connection(),
                   "password_file": postgres.password_file, "timeout": "2s", "remember": "1s"}
            server = self.server(row, files=f"{EVE}:{crypt('6')}\n{OFF}:{crypt('6')}::::::nologin\n")
            secrets = {name: self.work(server, name, own_scram=235 if name == ANN else 535) for name in (EVE, ANN, BOB)}
            # By domain, as for accounts.
            server.cli("domain", "basic-passwords", "postern.test", "off", check=True)
            self.login(server, ANN, SESAME, 534, "5.7.9")
            self.scram(server, ANN, SESAME, 534)
            self.login(server, EVE, SESAME)
            word = token()
            with server.session() as wire:
                wire.auth_plain(ANN, secrets[ANN])
                wire.mail(ANN, ALICE)
                wire.data(message(ANN, ALICE, word))
            server.wait_mail(ALICE, word)
            shown = json.loads(server.cli("account", "show", ANN, "--json", check=True).stdout)
            self.assertEqual((shown["back_end"], shown["app_passwords"], shown["basic_passwords"]["set_for"]),
                             ("customers", 2, "domain"))
            tested = server.cli("account", "test", ANN, "--password-stdin", input=secrets[ANN] + "\n")
            self.assertEqual(tested.returncode, 0, tested.stdout)
            self.assertIn("and right", tested.stdout)
            # Who is switched off in the back end.
            off = self.make(server, OFF)["password"]
            self.login(server, OFF, off, 525, "5.7.13")
            self.scram(server, OFF, off, 525)
            # A database that is down, for who is known and who is not.
            postgres.stop()
            try:
                self.login(server, ANN, secrets[ANN])
                self.scram(server, ANN, secrets[ANN])
                self.login(server, "cid@postern.test", secrets[ANN], 454, "4.7.0")
                self.login(server, EVE, secrets[EVE])
                done = server.cli("account", "app-password", "add", "cid@postern.test", "--label", "x")
                self.assertNotEqual(done.returncode, 0)
                self.assertIn("customers", done.stderr)
            finally:
                postgres.start()
            server.wait_log("backend_up")
            postgres.sql(f"UPDATE users SET enabled = false WHERE address = '{ANN}'; DELETE FROM users WHERE address = '{BOB}'")

            def counts(who, code):
                with server.session() as wire:
                    return wire.auth_plain(who, secrets[who], None).code == code
            wait_for(lambda: counts(ANN, 525), "the switch to count")
            wait_for(lambda: counts(BOB, 535), "the other one to be gone")
            self.scram(server, ANN, secrets[ANN], 525)
            self.login(server, BOB, secrets[BOB], 535, "5.7.8")
            # What is left of somebody who is gone.
            listed = json.loads(server.cli("account", "app-password", "list", BOB, "--json", check=True).stdout)
            self.assertEqual(len(listed), 3)
            server.cli("account", "app-password", "revoke", BOB, listed[0]["id"], check=True)
            done = server.cli("account", "app-password", "add", BOB, "--label", "x")
            self.assertEqual(done.returncode, 2)
            self.assertIn("no account", done.stderr)
            self.login(server, ALICE, PASSWORDS[ALICE], 534, "5.7.9")
            server.stop()

    def test_a_directory_that_judges(self):
        with Slapd(person("ann", hashed()) + person("bob", hashed())) as slapd:
            server = self.server(slapd.row("### OpenLDAP"))
            secret = self.work(server, ANN)
            slapd.stop()
            try:
                self.login(server, ANN, secret)
                self.scram(server, ANN, secret)
                self.login(server, ANN, SESAME, 454, "4.7.0")
                self.login(server, BOB, secret, 454, "4.7.0")
            finally:
                slapd.start()
            server.wait_log("backend_up")
            slapd.modify("ann", "replace: pwdAccountLockedTime", "pwdAccountLockedTime: 000001010000Z")
            # As old as `remember` says.
            server.stop()
            server.start()
            self.login(server, ANN, secret, 525, "5.7.13")
            self.scram(server, ANN, secret, 525)
            server.stop()

    def test_dovecot_and_pam(self):
        pam = PamService()
        self.addCleanup(pam.close)
        with DovecotAuth(f"eve:{{PLAIN}}{SESAME}::::::\n") as dovecot:
            row = {**example("## dovecot"), "path": dovecot.auth, "users": dovecot.users, "domain": "files.test"}
            blind = {**row, "name": "blind", "domain": "blind.test"}
            del blind["users"]
            server = self.server(row, blind, {**example("## pam"), "domain": "postern.test", "service": pam.name})
            self.work(server, EVE)
            self.work(server, ANN)
            off = self.make(server, "off@postern.test")["password"]
            self.login(server, "off@postern.test", off, 525, "5.7.13")
            for name, why in (("nobody@files.test", "no account"), ("eve@blind.test", "`users`")):
                done = server.cli("account", "app-password", "add", name, "--label", "x")
                self.assertEqual(done.returncode, 2, done.stdout)
                self.assertIn(why, done.stderr)
            server.stop()


if __name__ == "__main__":
    unittest.main()
