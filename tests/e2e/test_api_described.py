"""The API and its description are one: each answer that a route gives is described, each status that is described can be had,
and each change can be made at the command line as well and is in the audit log, by whom and through which door."""
import collections
import json
import re
import unittest

from described import Description
from harness import ALICE, BOB, CAROL, HOST, PASSWORDS, Sink, message, wait_for
from test_api import Site
from web import Pages

PASSWORD, ANOTHER = "long enough for that one", "and long enough as well"
# method, path, body, the same at the command line (and its standard input), and what the audit log calls it there and here.
# What stands in braces is another thing through each door; {self} is who is signed in, or named at the command line.
CHANGES = [
    ("POST", "/accounts", {"address": "{address}", "password": PASSWORD}, "account add {address} --password-stdin", "account add"),
    ("PUT", "/accounts/{address}/password", {"password": ANOTHER}, "account password {address} --password-stdin",
     "account password"),
    ("PUT", "/accounts/{address}/enabled", {"on": False}, "account disable {address}", "account disable"),
    ("PUT", "/accounts/{address}/enabled", {"on": True}, "account enable {address}", "account enable"),
    ("PUT", "/accounts/{address}/smtp-auth", {"on": False}, "account smtp-auth {address} off", "account smtp-auth"),
    ("PUT", "/accounts/{address}/basic-passwords", {"state": "off"}, "account basic-passwords {address} off",
     "account basic-passwords"),
    ("PUT", "/accounts/{address}/role", {"role": "reader"}, "account role {address} reader", "account role"),
    ("POST", "/accounts/{address}/aliases", {"alias": "{alias}"}, "account alias add {address} {alias}", "account alias add"),
    ("DELETE", "/accounts/{address}/aliases/{alias}", None, "account alias remove {address} {alias}", "account alias remove"),
    ("POST", "/accounts/{address}/send-as", {"sender": "{sender}"}, "account send-as add {address} {sender}",
     "account send-as add"),
    ("DELETE", "/accounts/{address}/send-as/{sender}", None, "account send-as remove {address} {sender}",
     "account send-as remove"),
    ("POST", "/accounts/{address}/devices", {"label": "a phone"}, "account app-password add {address} --label phone --json",
     "account app-password add"),
    ("DELETE", "/accounts/{address}/devices/{id}", None, "account app-password revoke {address} {id}",
     "account app-password revoke"),
    ("DELETE", "/accounts/{address}", None, "account remove {address}", "account remove"),
    ("POST", "/account/test-mail", {}, "account test-mail {self}", "account test-mail"),
    ("POST", "/account/profile", {"label": "tablet"}, "profile make {self} --label tablet", "profile make"),
    ("POST", "/account/devices", {"label": "my phone"}, "account app-password add {self} --label mine --json",
     "account app-password add"),
    ("DELETE", "/account/devices/{id}", None, "account app-password revoke {self} {id}", "account app-password revoke"),
    ("PUT", "/account/smtp-auth", {"on": False}, "account smtp-auth {self} off", "account smtp-auth"),
    ("PUT", "/account/smtp-auth", {"on": True}, "account smtp-auth {self} on", "account smtp-auth"),
    ("DELETE", "/account/sessions/{session}", None, "account session end {self} {session}", "account session end"),
    ("POST", "/account/sessions/end", {"others": True}, "account session end {self} --all", "account session end"),
    ("PUT", "/account/password", {"old_password": "{password}", "new_password": ANOTHER},
     "account password {self} --password-stdin", "account own-password", "account password"),
    # At the machine nobody has to sign in.
    ("POST", "/session", {"address": "{self}", "password": ANOTHER, "token": True}, None, "web sign-in"),
    ("DELETE", "/session", None, "account session end {self} --all", "web sign-out", "account session end"),
    ("POST", "/domains", {"domain": "{domain}"}, "domain add {domain}", "domain add"),
    ("DELETE", "/domains/{domain}", None, "domain remove {domain}", "domain remove"),
    ("POST", "/guard/deny", {"network": "{network}"}, "guard deny {network}", "guard deny"),
    ("POST", "/guard/lift", {"what": "{network}"}, "guard lift {network}", "guard lift"),
    ("POST", "/guard/allow", {"network": "{network}"}, "guard allow {network}", "guard allow"),
    ("POST", "/queue/messages/{first}/hold", None, "queue hold {first}", "queue hold"),
    ("POST", "/queue/messages/{first}/release", None, "queue release {first}", "queue release"),
    ("POST", "/queue/messages/{second}/retry", None, "queue retry {second}", "queue retry"),
    ("POST", "/queue/messages/{third}/expire", None, "queue expire {third}", "queue expire"),
    ("DELETE", "/queue/messages/{fourth}", None, "queue remove {fourth}", "queue remove"),
    ("POST", "/queue/hold", {"domain": "{remote}"}, "queue hold --domain {remote}", "queue hold"),
    ("POST", "/queue/release", {"domain": "{remote}"}, "queue release --domain {remote}", "queue release"),
    ("POST", "/queue/retry", {"domain": "{remote}"}, "queue retry --domain {remote}", "queue retry"),
]
# What asks and changes nothing.
QUESTIONS = {("POST", "/explain")}
# Described, and not to be had here: too many of something, a moment in a delivery, an incoming server that is missing.
RARE = {("POST", "/session", 429), ("PUT", "/account/password", 429), ("POST", "/account/test-mail", 429),
        ("POST", "/guard/deny", 409), ("POST", "/guard/allow", 409), ("POST", "/queue/messages/{queue_id}/expire", 409),
        ("POST", "/account/profile", 409), ("GET", "/account/android", 409)}


class Described(unittest.TestCase):
    def setUp(self):
        self.description = Description()
        self.seen, self.wrong = collections.defaultdict(set), []
        self.sink = Sink()
        self.addCleanup(self.sink.close)
        self.sink.answers["RCPT"] = "450 4.2.0 Not now"
        self.server = Pages({"delivery": {"smart_host": f"{HOST}:{self.sink.port}", "retry": ["1 h"]},
                             "guard": {"allow": ["127.0.0.0/8"]}, "auth": {"failure_delay": "10 ms"},
                             "setup": {"imap": "imap.postern.test:993"},
                             "limits": {"sending": [{"per": "account", "messages_per_hour": 100}]}},
                            accounts=(ALICE, BOB, CAROL))
        self.addCleanup(self.server.__exit__, None, None, None)
        for address in ("web@postern.test", "terminal@postern.test", BOB, ALICE):
            self.server.secrets.update({(address, PASSWORD), (address, ANOTHER)})
        self.server.cli("account", "role", CAROL, "owner", check=True)

    def ask(self, site, method, path, body=None, headers=None):
        status, said = site.ask(method, path, body, headers)
        route = self.description.route_of(method, "/api/v1" + path)
        self.seen[method, route].add(status)
        faults = self.description.wrong_with(method, "/api/v1" + path, status, said)
        self.wrong += [f"{method} {path[:120]} {str(body)[:120]}: {status}: {fault}" for fault in faults]
        return status, said

    def visitor(self, address):
        site = Site(self.server.https)
        self.assertEqual(site.sign_in(address, PASSWORDS[address], token=True)[0], 200)
        return site

    def waiting(self, remote, count):
        """So many messages that wait, to that domain."""
        ids = []
        for n in range(count):
            with self.server.session(login=CAROL) as wire:
                wire.mail(CAROL, f"one{n}@{remote}")
                ids.append(re.search(r"Q\w{12}", wire.data(message(CAROL, f"one{n}@{remote}", "waits")).text).group(0))

        def deferred():
            done = self.server.cli("queue", "list", "--state", "deferred", "--domain", remote, "--json", check=True)
            return len(json.loads(done.stdout)) == count
        wait_for(deferred, "the messages to be deferred")
        return ids

    def session_of(self, who):
        """Another one than that of the test itself."""
        self.visitor(who)
        return json.loads(self.server.cli("account", "session", "list", who, "--json", check=True).stdout)[0]["id"]

    def names(self, door, who):
        first, second, third, fourth, _ = self.waiting(f"{door}.remote.test", 5)
        return {"address": f"{door}@postern.test", "alias": f"{door}-alias@postern.test", "domain": f"{door}.test",
                "sender": f"{door}-sender@postern.test", "network": "203.0.113.7" if door == "web" else "203.0.113.8",
                "self": who, "password": PASSWORDS[who], "remote": f"{door}.remote.test", "first": first, "second": second,
                "third": third, "fourth": fourth, "session": self.session_of(who)}

    def noted(self):
        """What the audit log has since the last time."""
        rows = json.loads(self.server.cli("audit", "list", "--json", check=True).stdout)
        news = [row for row in rows if row["time"] > self.looked]
        self.looked = rows[0]["time"]
        return news

    def assert_noted(self, command, door, **values):
        row = next((row for row in self.noted() if row["command"] == command), None)
        self.assertIsNotNone(row, f"{command} is not in the audit log")
        self.assertEqual((row["through"], row["outcome"]), (door, "done"))
        self.assertEqual({key: row[key] for key in values}, values)

    def changed(self):
        return {(method, self.description.route_of(method, "/api/v1" + re.sub(r"\{\w+\}", "x", path)))
                for method, path, *_ in CHANGES}

    def test_each_change_is_noted_and_can_be_made_at_the_command_line(self):
        questions = {(method, "/api/v1" + path) for method, path in QUESTIONS}
        self.assertEqual(self.changed() | questions, {o for o in self.description.operations if o[0] != "GET"})
        names, owner, own = self.names("web", ALICE), self.visitor(CAROL), self.visitor(ALICE)
        self.looked = ""
        self.noted()
        for method, path, body, _, command, *_ in CHANGES:
            with self.subTest("web", path=path):
                filled = {k: v.format(**names) if isinstance(v, str) else v for k, v in (body or {}).items()} if body else body
                mine = path.startswith(("/account/", "/session"))
                status, said = self.ask(own if mine else owner, method, path.format(**names), filled)
                self.assertLess(status, 300, said)
                if isinstance(said, dict):
                    names["id"] = said.get("id", names.get("id"))
                    own.token = said.get("token", own.token)
                self.assert_noted(command, "web", who=ALICE if mine else CAROL, role=None if mine else "owner")
        names = self.names("terminal", BOB)
        for _, path, _, words, *commands in CHANGES:
            if words is None:
                continue
            with self.subTest("terminal", words=words):
                done = self.server.cli(*words.format(**names).split(),
                                       input=f"{ANOTHER}\n" if "--password-stdin" in words else None)
                self.assertEqual(done.returncode, 0, done.stderr)
                if words.endswith("--json"):
                    names["id"] = json.loads(done.stdout)["id"]
                self.assert_noted(commands[-1], "terminal")
        self.assertEqual(self.wrong, [])

    def values(self, schema, kind):
        schema = self.description.resolved(schema)
        of = schema["type"]
        some = {"odd": {"string": " <odd>", "boolean": True, "integer": 5, "array": ["<odd>"]},
                "long": {"string": "x" * 5000, "boolean": 1, "integer": 10**18, "array": ["x"] * 1000},
                "none": {"string": "", "boolean": None, "integer": -1, "array": {}}}
        return some[kind][of]

    def bodies(self, operation):
        schema = {"properties": {}}
        if "requestBody" in operation:
            schema = self.description.resolved(operation["requestBody"]["content"]["application/json"]["schema"])
        for kind in ("odd", "long", "none"):
            yield {name: self.values(one, kind) for name, one in schema["properties"].items()}
        yield from (None, {}, [], "no JSON", {"nobody": 1})

    def odd_requests(self, site, method, route, names):
        operation = self.description.operations[method, route]
        fill = [lambda name: names[name], lambda _: "nothing@postern.test", lambda _: "%3Codd%3E"]
        paths = dict.fromkeys(re.sub(r"\{(\w+)\}", lambda found: one(found[1]), route[len("/api/v1"):]) for one in fill)
        for path in paths:
            for body in [None] if method == "GET" else self.bodies(operation):
                self.ask(site, method, path, body)
            if method != "GET":
                self.ask(site, method, path, "x", {"Content-Type": "text/plain"})
                self.ask(site, method, path, json.dumps({"x": "x" * 70_000}))
            for parameter in map(self.description.resolved, operation.get("parameters", [])):
                if parameter["in"] == "query":
                    for value in ("-1", "x", "9" * 20, "%3Codd%3E", "x" * 2000):
                        self.ask(site, method, f"{path}?{parameter['name']}={value}")

    def test_what_is_answered_is_described_and_what_is_described_is_answered(self):
        self.server.cli("domain", "add", "kept.test", check=True)
        owner, own, nobody = self.visitor(CAROL), self.visitor(ALICE), Site(self.server.https)
        held, loose = self.waiting("remote.test", 2)
        self.server.cli("queue", "hold", held, check=True)
        device = self.ask(owner, "POST", f"/accounts/{BOB}/devices", {"label": "x"})[1]
        names = {"address": BOB, "alias": "no@postern.test", "sender": "no@postern.test", "domain": "kept.test",
                 "id": str(device["id"]), "queue_id": loose}
        status, mail = self.ask(own, "POST", "/account/test-mail", {})
        self.assertEqual(status, 202)
        # What a body of no known kind does not reach.
        for who, method, path, body, status in [
                (owner, "POST", "/accounts", {"address": BOB, "password": PASSWORD}, 409),
                (owner, "POST", f"/queue/messages/{held}/retry", None, 409),
                (owner, "POST", f"/queue/messages/{loose}/release", None, 409),
                (owner, "PUT", f"/accounts/{BOB}/password", {"password": ""}, 422),
                (owner, "DELETE", "/domains/postern.test", None, 422),
                (owner, "POST", "/guard/lift", {"what": "203.0.113.9"}, 409),
                (owner, "POST", "/accounts/nothing@postern.test/devices", {"label": "x"}, 404),
                (owner, "POST", "/accounts/nothing@postern.test/aliases", {"alias": "more@postern.test"}, 404),
                (owner, "PUT", "/accounts/nothing@postern.test/basic-passwords", {"state": "on"}, 404),
                (owner, "PUT", "/accounts/nothing@postern.test/role", {"role": "reader"}, 404),
                (owner, "PUT", f"/accounts/{CAROL}/role", {"role": "none"}, 409),
                (owner, "GET", f"/why/{loose}", None, 200),
                (owner, "GET", f"/why/{'Q' * 13}", None, 404),
                (own, "GET", f"/account/why/{mail['queue_id']}", None, 200),
                (own, "PUT", "/account/smtp-auth", {"on": False}, 200),
                (own, "POST", "/account/test-mail", {}, 409),
                (owner, "GET", f"/queue/messages/{held}", None, 200),
                (own, "POST", "/account/sessions/end", {"others": False}, 422),
                (nobody, "DELETE", "/session", None, 401)]:
            got, said = self.ask(who, method, path, body)
            self.assertEqual(got, status, f"{method} {path}: {said}")
        browser = Site(self.server.https)
        browser.sign_in(ALICE, PASSWORDS[ALICE])
        browser.csrf = "no"
        self.server.cli("account", "disable", BOB, check=True)
        self.ask(nobody, "POST", "/session", {"address": BOB, "password": PASSWORDS[BOB]})
        self.server.cli("account", "enable", BOB, check=True)
        routes = [o for o in self.description.operations if not o[1].endswith(("/events", "/openapi.json"))]
        # Who is removed, or signed out, comes last.
        for site in (nobody, browser, own, owner):
            for method, route in sorted(routes, key=lambda o: (o[0] == "DELETE", o[1])):
                if site is not owner and method == "DELETE" and route == "/api/v1/session":
                    self.ask(browser, method, "/session")
                elif (method, route) != ("DELETE", "/api/v1/session"):
                    self.odd_requests(site, method, route, names)
        self.assertEqual(sorted(set(self.wrong))[:20], [])
        changed, missing = self.changed(), []
        for method, route in routes:
            for status in self.description.operations[method, route]["responses"]:
                # 503: when the mail process is away. What a change answers when it is made, the test above has seen.
                made = status[0] == "2" and (method, route) in changed
                if status != "503" and not made and int(status) not in self.seen[method, route] \
                        and (method, route[len("/api/v1"):], int(status)) not in RARE:
                    missing.append(f"{method} {route}: {status}")
        self.assertEqual(missing, [])


if __name__ == "__main__":
    unittest.main()
