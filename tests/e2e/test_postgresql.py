"""Users of a real PostgreSQL. Tables and configuration are those of docs/backends.md."""
import base64
import hashlib
import hmac
import json
import os
import re
import shutil
import unittest

from harness import ALICE, HOST, PASSWORDS, ROOT, Authority, Postern, message, need, run, token, wait_for
from postgresql import PASSWORD, PostgreSQL
from scram import Scram
from test_backends import SESAME, crypt, example

PART = (ROOT / "docs" / "backends.md").read_text().split("\n## postgresql\n")[1]
TABLES = re.search(r"```sql\n(.*?)```", PART, re.S).group(1)
ANN, BOB, OFF, MUTE = "ann@postern.test", "bob@postern.test", "off@postern.test", "mute@postern.test"
MECHANISMS = ["SCRAM-SHA-512-PLUS", "SCRAM-SHA-512", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN",
              "LOGIN"]


def scram_keys(name, password=SESAME, iterations=4096):
    """{SCRAM-...} text, as `doveadm pw` writes it."""
    digest = name.removeprefix("SCRAM-").replace("-", "").lower()
    salt = os.urandom(16)
    salted = hashlib.pbkdf2_hmac(digest, password.encode(), salt, iterations)
    stored = hashlib.new(digest, hmac.digest(salted, b"Client Key", digest)).digest()
    return f"{{{name}}}{iterations}," + ",".join(
        base64.b64encode(part).decode() for part in (salt, stored, hmac.digest(salted, b"Server Key", digest)))


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def user(address, password, **more):
    columns = {"address": quoted(address), "password": quoted(password), **more}
    return f"INSERT INTO users ({', '.join(columns)}) VALUES ({', '.join(columns.values())});\n"


class Users(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        keys = {"scram_sha_256": quoted(scram_keys("SCRAM-SHA-256")), "scram_sha_512": quoted(scram_keys("SCRAM-SHA-512"))}
        cls.postgres = PostgreSQL(
            TABLES + user(ANN, crypt("6"), **keys) + user(BOB, "{PLAIN}" + SESAME) +
            user(OFF, crypt("6"), enabled="false") + user(MUTE, crypt("6"), smtp_auth="false") +
            f"INSERT INTO aliases VALUES ('annie@postern.test', '{ANN}');"
            f"INSERT INTO grants VALUES ('{ANN}', 'sales@postern.test'), ('{ANN}', '@lists.example');")
        cls.addClassCleanup(cls.postgres.__exit__, None)
        cls.row = {**example("## postgresql"), "connection": cls.postgres.connection(),
                   "password_file": cls.postgres.password_file}

    def server(self, **more):
        server = Postern({"auth": {"mechanisms": MECHANISMS, "cache_life": "0s", "failure_delay": "20 ms"},
                          "backend": [{**self.row, **more}]}, accounts=(ALICE,))
        server.secrets |= {(ANN, SESAME), ("postern", PASSWORD)}
        self.addCleanup(shutil.rmtree, server.dir, True)
        self.addCleanup(server.kill)
        return server

    def login(self, server, name, password, code=235, status=None):
        with server.session() as wire:
            wire.auth_plain(name, password, code, status)

    def scram(self, server, name, password, mechanism, code):
        with server.session() as wire:
            bound = mechanism.endswith("-PLUS")
            it = Scram(name, password, header="p=tls-server-end-point,," if bound else "n,,",
                       hash=mechanism.removeprefix("SCRAM-").removesuffix("-PLUS").replace("-", "").lower())
            reply = wire.say(f"AUTH {mechanism} {it.first()}")
            binding = hashlib.sha256(wire.socket.getpeercert(True)).digest() if bound else b""
            if reply.code == 334:
                reply = wire.say(it.final(reply.text, binding))
            if reply.code == 334:
                self.assertTrue(it.check(reply.text))
                reply = wire.say("")
            self.assertEqual(reply.code, code, reply)

    def test_users_log_in_send_and_get_mail(self):
        server = self.server()
        for name in (ANN, ANN.upper()):
            self.login(server, name, SESAME)
        self.login(server, ANN, SESAME + "x", 535, "5.7.8")
        self.login(server, "nobody@postern.test", SESAME, 535, "5.7.8")
        self.login(server, "x' OR '1'='1", SESAME, 535, "5.7.8")
        self.login(server, OFF, SESAME, 525, "5.7.13")
        self.login(server, MUTE, SESAME, 535, "5.7.8")
        self.login(server, ALICE, PASSWORDS[ALICE])
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-512", "SCRAM-SHA-512-PLUS"):
            self.scram(server, ANN, SESAME, mechanism, 235)
            self.scram(server, ANN, SESAME + "x", mechanism, 535)
            self.scram(server, "nobody@postern.test", SESAME, mechanism, 535)
            self.scram(server, BOB, SESAME, mechanism, 535)  # has no keys
        word = token()
        with server.session() as wire:
            wire.auth_login(ANN, SESAME)
            for sender in ("annie@postern.test", "sales@postern.test", "who@lists.example", "ann+shop@postern.test"):
                wire.say(f"MAIL FROM:<{sender}>", 250)
                wire.say("RSET", 250)
            wire.say(f"MAIL FROM:<{BOB}>", 550, "5.7.1")
            wire.mail("ann+shop@postern.test", BOB, "annie+x@postern.test")
            wire.say("RCPT TO:<nobody@postern.test>", 550)
            wire.data(message("ann+shop@postern.test", BOB, word))
            # Not hers: the database has just this address.
            self.postgres.sql(user("ann+own@postern.test", "*"))
            wire.say("MAIL FROM:<ann+own@postern.test>", 550, "5.7.1")
            wire.mail(ANN, BOB)
            wire.data(message("ann+own@postern.test", BOB, "not hers"), 550)
            # Switched off: in this session too.
            self.postgres.sql(f"UPDATE users SET enabled = false WHERE address = '{BOB}'")
        server.wait_mail(BOB, word)
        server.wait_mail(ANN, word)
        self.assertEqual(json.loads(server.cli("status", "--json", check=True).stdout)["backends"][0]["type"], "postgresql")
        shown = server.cli("account", "show", ANN, check=True).stdout
        self.assertIn("annie@postern.test", shown)
        server.stop()

    def test_other_peoples_programs(self):
        need("gsasl", "curl", "swaks")
        server = self.server()
        # GNU SASL 2 has no SHA-512.
        for mechanism in ("PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"):
            with self.subTest(mechanism=mechanism):
                done = run("gsasl", "--smtp", f"--connect={HOST}:{server.submission}", "--starttls",
                           f"--x509-ca-file={Authority.shared().ca}", f"--mechanism={mechanism}",
                           f"--authentication-id={ANN}", f"--authorization-id={ANN}", f"--password={SESAME}",
                           "--hostname=localhost", "--service=smtp", "--verbose",
                           *([] if mechanism.endswith("PLUS") else ["--no-cb"]), input="")
                self.assertIn("235 2.7.0", done.stdout, done.stdout + done.stderr)
        word = token()
        (server.dir / "mail.client").write_text(message(ANN, ALICE, word))
        done = run("curl", "-sS", "--crlf", "--ssl-reqd", "--cacert", Authority.shared().ca,
                   f"smtp://localhost:{server.submission}", "--user", f"{ANN}:{SESAME}", "--login-options", "AUTH=LOGIN", "--mail-from", ANN, "--mail-rcpt", ALICE,
                   "--upload-file", server.dir / "mail.client")
        self.assertEqual(done.returncode, 0, done.stderr)
        server.wait_mail(ALICE, word)
        done = run("swaks", "--server", f"{HOST}:{server.submission}", "--tls", "--auth", "PLAIN", "--auth-user", ANN,
                   "--auth-password", SESAME, "--from", ANN, "--to", ALICE, "--header", "Subject: by swaks")
        self.assertEqual(done.returncode, 0, done.stdout)
        server.wait_mail(ALICE, "by swaks")
        server.stop()

    def test_new_users_passwords_and_hashes_count_at_once(self):
        server = self.server()
        self.login(server, "new@postern.test", SESAME, 535)
        self.postgres.sql(user("new@postern.test", crypt("6")))
        wait_for(lambda: self.tries(server, "new@postern.test", SESAME), "the new user")
        # The hash becomes a better one, in the place of the old one only.
        wait_for(lambda: self.stored("new@postern.test").startswith("$argon2id$"), "the better hash")
        self.login(server, "new@postern.test", SESAME)
        self.postgres.sql(f"UPDATE users SET password = {quoted(crypt('6', 'another-Pass 2'))} WHERE address = "
                          "'new@postern.test'")
        wait_for(lambda: self.tries(server, "new@postern.test", "another-Pass 2"), "the new password")
        self.login(server, "new@postern.test", SESAME, 535)
        server.stop()

    def tries(self, server, name, password):
        with server.session() as wire:
            return wire.auth_plain(name, password, None).code == 235

    def stored(self, name):
        return self.postgres.sql(f"SELECT password FROM users WHERE address = '{name}'").strip()

    def test_bad_queries_are_named_with_what_to_write(self):
        server = self.server()
        for change, words in (
                ({"user_query": "SELECT password FROM people WHERE address = $1"}, ("42P01", "user_query")),
                ({"user_query": "SELECT pass FROM users WHERE address = $1"}, ("42703", "column")),
                ({"user_query": "SELECT address FROM users WHERE address = $1"}, ("no column password", "AS password")),
                ({"user_query": "SELECT password FROM users"}, ("parameters", "$1")),
                ({"user_query": "SELEKT"}, ("42601", "syntax")),
                ({"user_query": "SELECT rolpassword AS password FROM pg_authid WHERE rolname = $1"}, ("42501", "GRANT")),
                ({"aliases_query": "DELETE FROM users WHERE address = $1 RETURNING address"}, ("25006", "update_query")),
                ({"update_query": "UPDATE users SET enabled = $2::bool WHERE address = $1 AND password = $3"}, ("22P02",)),
                ({"connection": self.postgres.connection().replace("dbname=mail", "dbname=male")}, ("male",))):
            with self.subTest(change=change):
                server.config["backend"] = [{**self.row, **change}]
                server.write_config()
                done = server.cli("config", "check")
                said = done.stdout + done.stderr
                for word in words:
                    self.assertIn(word, said)
                if "connection" not in change:
                    self.assertNotEqual(done.returncode, 0)
        for connection in ("host=x password=y", "postgresql://u:secret@host/mail", "host=x sslpassword = y"):
            server.config["backend"] = [{**self.row, "connection": connection}]
            server.write_config()
            done = server.cli("config", "check")
            self.assertEqual(done.returncode, 2)
            self.assertIn("password_file", done.stderr)
        server.config["backend"] = [self.row]
        server.write_config()
        self.assertEqual(server.cli("config", "check").returncode, 0)
        # The server says the same, and is back when the table is.
        self.postgres.sql("ALTER TABLE users RENAME TO people")
        try:
            self.login(server, BOB, SESAME, 454, "4.7.0")
            server.wait_log(r"backend_down .*42P01")
        finally:
            self.postgres.sql("ALTER TABLE people RENAME TO users")
        server.wait_log("backend_up")
        self.login(server, ANN, SESAME)
        server.stop()


class Down(unittest.TestCase):
    def test_a_database_that_is_not_there_is_an_outage(self):
        row = {**example("## postgresql"), "connection": f"host={HOST} port=1 dbname=mail user=postern"}
        row.pop("password_file")
        with Postern({"backend": [row]}, accounts=(ALICE,)) as server:
            with server.session() as wire:
                wire.auth_plain(ANN, SESAME, 454, "4.7.0")
            with server.session(login=ALICE) as wire:
                wire.say(f"MAIL FROM:<{ALICE}>", 250)
                wire.say(f"RCPT TO:<{ANN}>", 451)
                wire.say(f"RCPT TO:<{ALICE}>", 250)
            self.assertIn("down: ", server.cli("status").stdout)


if __name__ == "__main__":
    unittest.main()
