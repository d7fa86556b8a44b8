"""The API of the web pages, through the real web process: signing in, what an account sees of itself and does, what the
console does, roles, and what comes of text that strangers chose. docs/api.md is run as it stands."""
import contextlib
import http.client
import json
import os
import re
import socket
import subprocess
import tempfile
import threading
import unittest

from harness import ALICE, BOB, CAROL, HOST, PASSWORDS, ROOT, Authority, Wire, client_context, need, run, wait_for
from web import Pages

TYPES = {"Content-Type": "application/json"}


class Site:
    """Somebody at the web pages: a browser with its cookie, or a program with its token."""

    def __init__(self, port):
        self.port = port
        self.cookie = self.csrf = self.token = None

    def ask(self, method, path, body=None, headers=None, csrf=True):
        connection = http.client.HTTPSConnection(HOST, self.port, context=client_context(), timeout=30)
        with contextlib.closing(connection):
            sent = dict(headers or {})
            if body is not None:
                sent = {**TYPES, **sent}
            if self.token:
                sent["Authorization"] = "Bearer " + self.token
            if self.cookie:
                sent["Cookie"] = "__Host-postern=" + self.cookie
                if csrf and method != "GET":
                    sent["X-CSRF-Token"] = self.csrf
            text = json.dumps(body) if isinstance(body, (dict, list)) else body
            connection.request(method, "/api/v1" + path, text, sent)
            answer = connection.getresponse()
            content = answer.read()
            self.headers = answer.headers
            return answer.status, json.loads(content) if content else None

    def sign_in(self, address, password, token=False):
        status, said = self.ask("POST", "/session", {"address": address, "password": password, "token": token})
        if status == 200 and token:
            self.token = said["token"]
        elif status == 200:
            self.csrf = said["csrf"]
            self.cookie = re.match(r"__Host-postern=([^;]+)", self.headers["Set-Cookie"]).group(1)
        return status, said


class Stream:
    """Follows /events on a thread."""

    def __init__(self, site, query=""):
        self.events = []
        self.connection = http.client.HTTPSConnection(HOST, site.port, context=client_context(), timeout=60)
        self.connection.request("GET", "/api/v1/events" + query, headers={"Authorization": "Bearer " + site.token})
        self.socket = self.connection.sock  # which an answer that goes on to the end of the connection takes away
        self.answer = self.connection.getresponse()
        self.status = self.answer.status
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        event = {}
        with contextlib.suppress(OSError, ValueError, AttributeError, http.client.HTTPException):
            while line := self.answer.readline():
                line = line.decode().rstrip("\r\n")
                if line.startswith("data: "):
                    event["data"] = json.loads(line[6:])
                elif ": " in line and not line.startswith(":"):
                    key, value = line.split(": ", 1)
                    event[key] = value
                elif not line and "data" in event:
                    self.events.append(event)
                    event = {}

    def wait(self, name, **values):
        def look():
            return [e for e in self.events
                    if e.get("event") == name and all(e["data"].get(k) == v for k, v in values.items())]
        return wait_for(look, f"an event {name} with {values}; there were {self.events}")[0]

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.connection.close()
        self.thread.join(5)


def msmtp(server, user, password, sender, to, header=""):
    need("msmtp")
    with tempfile.TemporaryDirectory() as folder:
        config = os.path.join(folder, "msmtprc")
        with open(os.open(config, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
            file.write(f"account default\nhost {HOST}\nport {server.submissions}\ntls on\ntls_starttls off\n"
                       f"tls_trust_file {Authority.shared().ca}\nauth on\nuser {user}\npassword {password}\nfrom {sender}\n")
        return run("msmtp", "-C", config, to, input=f"From: {sender}\nTo: {to}\n{header}Subject: <script>\n\nhello\n")


class Api(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Pages({"guard": {"allow": ["127.0.0.0/8"]}, "auth": {"failure_delay": "10 ms"},
                            "setup": {"imap": "imap.postern.test:993"},
                            "limits": {"sending": [{"per": "account", "messages_per_hour": 100}]}},
                           accounts=(ALICE, BOB, CAROL))
        cls.port = cls.server.https
        cls.server.cli("account", "role", CAROL, "owner", check=True)

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__(None, None, None)

    def visitor(self, address, token=True):
        site = Site(self.port)
        status, said = site.sign_in(address, PASSWORDS[address], token)
        self.assertEqual(status, 200, said)
        return site

    def expect(self, status, answer):
        self.assertEqual(answer[0], status, answer[1])
        return answer[1]

    def test_a_wrong_password_shows_its_cause_after_the_sign_in(self):
        site = Site(self.port)
        status, said = site.sign_in(ALICE, "not this one")
        self.assertEqual((status, said["error"]["rule"]), (401, "web-sign-in-wrong"))
        self.assertIsNone(site.headers.get("Set-Cookie"))
        with Wire(self.server.submissions, tls=True) as wire:
            wire.expect(220)
            wire.ehlo("PC-Anna")
            wire.auth_plain(ALICE, "a wrong one", 535)
        site = self.visitor(ALICE)

        def told():
            logins = self.expect(200, site.ask("GET", "/account/logins"))["logins"]
            return [l for l in logins if l["result"] == "refused" and l["cause"] == "wrong_password" and l["port"]]
        row = wait_for(told, "the cause of the failed log-in")[0]
        self.assertEqual(row["hello"], "PC-Anna")
        self.assertEqual(row["meaning"], "The password is wrong.")
        german = self.expect(200, site.ask("GET", "/account/logins", headers={"Accept-Language": "de"}))["logins"]
        german = next(l for l in german if l["session"] == row["session"])
        self.assertEqual(german["meaning"], "Das Passwort ist falsch.")
        self.assertNotEqual(german["remedy"], row["remedy"])
        self.assertEqual((german["rule"], german["hello"]), (row["rule"], row["hello"]))
        self.assertEqual(row["client"], HOST)
        self.assertEqual(row["port"], self.server.submissions)
        self.assertTrue(row["tls"].startswith("TLS"))

    def test_a_device_is_made_logs_in_live_and_is_revoked(self):
        site = self.visitor(ALICE)
        stream = Stream(site)
        self.addCleanup(stream.close)
        self.assertEqual(stream.status, 200)
        device = self.expect(201, site.ask("POST", "/account/devices", {"label": "Anna's <b>phone</b>"}))
        self.assertEqual(device["created_by"], "account")
        stream.wait("account_changed", change="app password added")
        done = msmtp(self.server, ALICE, device["password"], ALICE, BOB, "Message-ID: <<script>@example.com>\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        tick = stream.wait("login", label="Anna's <b>phone</b>")
        self.assertEqual(tick["data"]["account"], ALICE)
        self.assertEqual(tick["id"], str(tick["data"]["number"]))
        queue_id = stream.wait("accepted", label="Anna's <b>phone</b>")["data"]["queue_id"]
        stream.wait("delivered", queue_id=queue_id)
        sent = self.expect(200, site.ask("GET", "/account/sent"))["messages"]
        mine = next(m for m in sent if m["queue_id"] == queue_id)
        self.assertEqual((mine["state"], mine["recipients"][0]["forward_path"]), ("delivered", BOB))
        self.assertIn("<script>", mine["message_id"])
        self.expect(200, site.ask("GET", f"/account/sent/{queue_id}"))
        # Somebody else's is not there, whoever asks in whatever way.
        other = self.visitor(BOB)
        self.expect(404, other.ask("GET", f"/account/sent/{queue_id}"))
        self.expect(404, other.ask("DELETE", f"/account/devices/{device['id']}"))
        self.expect(403, other.ask("DELETE", f"/accounts/{ALICE}/devices/{device['id']}"))
        self.expect(200, site.ask("DELETE", f"/account/devices/{device['id']}"))
        self.assertNotEqual(msmtp(self.server, ALICE, device["password"], ALICE, BOB).returncode, 0)
        stream.wait("refused", rule="auth-failed")
        self.assertFalse([e for e in stream.events if e["data"].get("account") not in (ALICE, None)])

    def test_a_browser_needs_the_token_of_its_page(self):
        site = self.visitor(ALICE, token=False)
        self.assertIn("HttpOnly", site.headers["Set-Cookie"])
        self.assertIn("Secure", site.headers["Set-Cookie"])
        self.assertIn("SameSite=Strict", site.headers["Set-Cookie"])
        refused = self.expect(403, site.ask("PUT", "/account/smtp-auth", {"on": True}, csrf=False))
        self.assertEqual(refused["error"]["rule"], "api-csrf")
        self.expect(200, site.ask("PUT", "/account/smtp-auth", {"on": True}))
        self.assertEqual(self.expect(200, site.ask("GET", "/session"))["account"], ALICE)
        self.assertEqual(site.ask("DELETE", "/session")[0], 204)
        self.expect(401, site.ask("GET", "/session"))

    def test_a_token_of_before_is_never_taken_over(self):
        site = Site(self.port)
        site.cookie, site.csrf = "planted-by-somebody-else", "x"
        self.expect(401, site.ask("GET", "/account"))
        self.assertEqual(site.sign_in(BOB, PASSWORDS[BOB])[0], 200)
        self.assertNotEqual(site.cookie, "planted-by-somebody-else")

    def test_the_smtp_auth_switch_is_the_accounts_own(self):
        site = self.visitor(BOB)
        self.assertFalse(self.expect(200, site.ask("PUT", "/account/smtp-auth", {"on": False}))["smtp_auth"])
        self.assertNotEqual(msmtp(self.server, BOB, PASSWORDS[BOB], BOB, ALICE).returncode, 0)
        self.expect(200, site.ask("PUT", "/account/smtp-auth", {"on": True}))
        self.assertEqual(msmtp(self.server, BOB, PASSWORDS[BOB], BOB, ALICE).returncode, 0)

    def test_a_test_mail_is_told_step_by_step(self):
        site = self.visitor(BOB)
        begun = self.expect(202, site.ask("POST", "/account/test-mail", {}))
        self.assertEqual(begun["steps"][0]["step"], "accepted")

        def arrived():
            way = self.expect(200, site.ask("GET", f"/account/test-mail/{begun['queue_id']}"))
            return way if way["state"] == "arrived" else None
        way = wait_for(arrived, "the test mail to arrive")
        self.assertEqual([s["step"] for s in way["steps"]], ["accepted", "delivered"])
        self.server.wait_mail(BOB, "Test mail " + begun["queue_id"])
        self.expect(404, self.visitor(ALICE).ask("GET", f"/account/test-mail/{begun['queue_id']}"))
        self.expect(422, site.ask("POST", "/account/test-mail", {"to": ALICE}))
        used = self.expect(200, site.ask("GET", "/account/limits"))["limits"]
        self.assertTrue(any(row["used"] and row["limit"] == 100 for row in used), used)

    def test_a_new_password_needs_the_old_one(self):
        self.server.add_account("dora@postern.test", "the first of two")
        self.server.secrets.add(("dora@postern.test", "the second of two"))
        site, other = Site(self.port), Site(self.port)
        for one in (site, other):
            self.assertEqual(one.sign_in("dora@postern.test", "the first of two")[0], 200)
        change = {"old_password": "not the first", "new_password": "the second of two"}
        refused = self.expect(422, site.ask("PUT", "/account/password", change, headers={"Accept-Language": "de"}))
        self.assertEqual(refused["error"]["rule"], "api-old-password")
        self.assertEqual(refused["error"]["text"], "Das bisherige Passwort ist falsch")
        change["old_password"] = "the first of two"
        said = self.expect(200, site.ask("PUT", "/account/password", change))
        self.assertEqual(said["account"], "dora@postern.test")
        self.expect(401, other.ask("GET", "/account"))
        self.assertEqual(Site(self.port).sign_in("dora@postern.test", "the first of two")[0], 401)
        self.assertEqual(Site(self.port).sign_in("dora@postern.test", "the second of two")[0], 200)

    def test_roles(self):
        document = self.expect(200, Site(self.port).ask("GET", "/openapi.json"))
        looks = [(path[len("/api/v1"):], what["get"]["x-role"]) for path, what in document["paths"].items()
                 if "get" in what and "{" not in path and path not in ("/api/v1/events", "/api/v1/openapi.json")]
        nobody, alice, owner = Site(self.port), self.visitor(ALICE), self.visitor(CAROL)
        self.assertGreater(len(looks), 15)
        for path, role in looks:
            with self.subTest(path):
                self.expect(401, nobody.ask("GET", path))
                self.expect(200 if role == "account" else 403, alice.ask("GET", path))
                self.expect(200, owner.ask("GET", path))
        self.expect(403, alice.ask("POST", "/accounts", {"address": "eve@postern.test", "password": "long enough for that"}))
        self.expect(403, alice.ask("PUT", f"/accounts/{ALICE}/role", {"role": "owner"}))

    def test_the_console_finds_a_refusal_flips_a_switch_and_all_is_noted(self):
        owner = self.visitor(CAROL)
        stream = Stream(owner, "?scope=all&event=refused")
        self.addCleanup(stream.close)
        with Wire(self.server.submissions, tls=True) as wire:
            wire.expect(220)
            wire.say("EHLO <script>alert(1)</script>", 501)
            wire.ehlo("PC-Anna")
            live = self.expect(200, owner.ask("GET", "/sessions"))["sessions"]
            self.assertTrue([s for s in live if s["listener"].endswith(str(self.server.submissions))], live)
            self.assertIn("PC-Anna", [s["hello"] for s in live])
            wire.auth_plain(ALICE, "another wrong one", 535)
        event = stream.wait("refused", rule="auth-failed", account=ALICE)
        # What a stranger said comes back as JSON text, and as nothing that a browser would run.
        said = self.expect(200, owner.ask("GET", "/decisions?rule=helo-argument"))["decisions"]
        self.assertIn("<script>alert(1)</script>", said[0]["command"])
        self.assertEqual(owner.headers["Content-Type"], "application/json")
        self.assertEqual(owner.headers["X-Content-Type-Options"], "nosniff")
        decisions = self.expect(200, owner.ask("GET", "/decisions?rule=auth-failed"))["decisions"]
        found = next(d for d in decisions if d["number"] == event["data"]["number"])
        self.assertTrue(found["operator"])
        self.expect(200, owner.ask("GET", f"/why/{found['session']}"))
        self.assertFalse(self.expect(200, owner.ask("PUT", f"/accounts/{ALICE}/smtp-auth", {"on": False}))["smtp_auth"])
        answer = self.expect(200, owner.ask("POST", "/explain", {"as": ALICE, "to": BOB}))
        self.assertEqual(answer["rule"], "auth-smtp-off")
        self.expect(200, owner.ask("PUT", f"/accounts/{ALICE}/smtp-auth", {"on": True}))
        rows = self.expect(200, owner.ask("GET", "/audit"))["rows"]
        self.assertTrue([r for r in rows if r["command"] == "account smtp-auth" and r["who"] == CAROL], rows)
        self.assertNotIn(PASSWORDS[CAROL], json.dumps(rows))

    def test_the_console_keeps_accounts_domains_and_the_guard(self):
        owner = self.visitor(CAROL)
        new = {"address": "eve@postern.test", "password": "long enough for that"}
        self.server.secrets.add((new["address"], new["password"]))
        self.expect(201, owner.ask("POST", "/accounts", new))
        self.expect(409, owner.ask("POST", "/accounts", new))
        self.expect(200, owner.ask("PUT", "/accounts/eve@postern.test/enabled", {"on": False}))
        self.expect(200, owner.ask("POST", "/accounts/eve@postern.test/aliases", {"alias": "eva@postern.test"}))
        self.assertEqual(owner.ask("DELETE", "/accounts/eve@postern.test")[0], 204)
        self.expect(404, owner.ask("GET", "/accounts/eve@postern.test"))
        self.expect(201, owner.ask("POST", "/domains", {"domain": "second.test"}))
        self.assertIn("second.test", [d["domain"] for d in self.expect(200, owner.ask("GET", "/domains"))["domains"]])
        self.assertEqual(owner.ask("DELETE", "/domains/second.test")[0], 204)
        self.expect(200, owner.ask("POST", "/guard/deny", {"network": "203.0.113.0/24"}))
        self.assertIn("203.0.113.0/24", self.expect(200, owner.ask("GET", "/guard"))["deny"])
        self.expect(200, owner.ask("POST", "/guard/lift", {"what": "203.0.113.0/24"}))
        self.expect(422, owner.ask("POST", "/guard/deny", {"network": "everybody"}))
        held = self.expect(200, owner.ask("GET", "/certificates"))["certificates"]
        self.assertEqual(held[0]["problem"], "")
        numbers = self.expect(200, owner.ask("GET", "/numbers"))
        self.assertEqual(len(numbers["times"]), len(numbers["series"]["messages"]))

    def test_what_is_no_proper_request(self):
        site = self.visitor(ALICE)
        self.expect(415, site.ask("PUT", "/account/smtp-auth", "on=true", {"Content-Type": "text/plain"}))
        self.expect(400, site.ask("PUT", "/account/smtp-auth", {"on": "yes"}))
        self.expect(400, site.ask("PUT", "/account/smtp-auth", {"on": True, "address": BOB}))
        self.expect(413, site.ask("PUT", "/account/smtp-auth", json.dumps({"on": True}) + " " * 70_000))
        self.expect(404, site.ask("GET", "/nothing"))
        self.expect(405, site.ask("DELETE", "/account"))

    def test_the_command_line_says_the_same(self):
        done = self.server.cli("events", "--json", "--limit", "1000", check=True)
        self.assertIn("events", json.loads(done.stdout))
        for words in (["sessions"], ["decisions"], ["numbers"], ["certificate", "list"], ["discovery", "list"],
                      ["account", "logins", ALICE], ["account", "sent", ALICE], ["account", "limits", ALICE]):
            with self.subTest(words):
                self.assertEqual(self.server.cli(*words).returncode, 0)
                json.loads(self.server.cli(*words, "--json", check=True).stdout)
        done = self.server.cli("account", "test-mail", CAROL)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("The next server, or the mailbox, has taken it.", done.stdout)

    def test_the_manual_as_it_stands(self):
        need("curl")
        text = (ROOT / "docs" / "api.md").read_text()
        script = "set -eu\n" + "\n".join(re.findall(r"^```sh\n(.*?)^```$", text, re.M | re.S))
        self.assertGreater(script.count("curl"), 12)
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=60,
                                  env={**os.environ, "SITE": f"https://localhost:{self.port}", "ADDRESS": CAROL,
                                       "PASSWORD": PASSWORDS[CAROL], "JAR": os.path.join(folder, "jar"),
                                       "CURL_CA_BUNDLE": str(Authority.shared().ca)})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn('"label":"Scanner"', done.stdout)
        self.assertIn('"queue_id"', done.stdout)


class Slowed(unittest.TestCase):
    def test_a_wrong_password_is_called_wrong_however_late(self):
        """The guard slows it down for longer than the pages wait for anything else."""
        with Pages({"guard": {"allow": ["127.0.0.0/8"]}, "auth": {"failure_delay": "12s"}}) as server:
            status, said = Site(server.https).sign_in(ALICE, "wrong")
            self.assertEqual((status, said["error"]["rule"]), (401, "web-sign-in-wrong"))
            self.assertNotIn("web_server_away", server.log())


if __name__ == "__main__":
    unittest.main()
