"""Logging in at smart hosts: at a second Postern with every mechanism, with tokens of an endpoint that runs
here; what happens when the log-in or the mail is refused. docs/smart-hosts.md is loaded as a whole, and the
examples run with the host replaced."""
import hashlib
import json
import pathlib
import re
import shutil
import signal
import tempfile
import tomllib
import unittest

from harness import (ALICE, BOB, HOST, PASSWORDS, PROGRAM, ROOT, Authority, Postern, Sink, free_ports, message, run, token,
                     toml_text, wait_for)
from issuer import Issuer

PAGE = (ROOT / "docs" / "smart-hosts.md").read_text()
ROUTES = (ROOT / "docs" / "routes.md").read_text()
MECHANISMS = ["SCRAM-SHA-512-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1",
              "CRAM-MD5", "EXTERNAL", "OAUTHBEARER", "XOAUTH2", "PLAIN", "LOGIN"]
REMOTE = "friend@remote.test"


def blocks(page):
    """Each TOML block with the heading above it."""
    heading = ""
    for part in re.finditer(r"(?ms)^#+ (.*?)$|^```toml\n(.*?)^```", page):
        if part.group(1):
            heading = part.group(1)
        else:
            yield heading, part.group(2)


def documented(heading, number=0):
    return tomllib.loads([text for h, text in blocks(PAGE) if h == heading][number])["smart_host"][0]


class Folder(unittest.TestCase):
    def folder(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-smart-host-"))
        self.addCleanup(shutil.rmtree, folder, True)
        return folder

    def secret(self, folder, name, text):
        file = folder / name
        file.write_text(text + "\n")
        file.chmod(0o600)
        return file

    def serve(self, config, **more):
        server = Postern(config, **more)
        self.addCleanup(server.__exit__, None, None, None)
        return server

    def send(self, server, to=REMOTE, sender=ALICE, word=None):
        word = word or token()
        with server.session(login=sender) as wire:
            wire.mail(sender, to)
            wire.data(message(sender, to, word))
        return word

    def queued(self, server):
        return json.loads(server.cli("queue", "list", "--json", check=True).stdout)


class Manual(Folder):
    def check(self, folder, text):
        file = folder / "postern.toml"
        file.write_text(f'user = ""\ndata_dir = "{folder}"\nhostname = "mail.postern.test"\n{text}')
        return run(PROGRAM, "--config", file, "config", "check")

    def test_every_example_is_well_formed(self):
        folder = self.folder()
        certificate, key = Authority.shared().issue("client")
        count, files = 0, []
        for page in (PAGE, ROUTES):
            for heading, text in blocks(page):
                text = text.replace("/etc/postern/client.pem", str(certificate)).replace("/etc/postern/client.key", str(key))
                parts = [text]
                if heading == "Others":
                    rows = re.findall(r"(?m)^\| (.*?) \| `(.*?)` \| `(.*?)` \| `(.*?)` \|", page)
                    parts = [text.replace("ADDRESS", r[1]).replace("TLS", r[2]).replace("USER", r[3]).replace("others", f"others-{i}")
                             for i, r in enumerate(rows)]
                for part in parts:
                    count += 1
                    names = {row["name"] for row in tomllib.loads(part).get("smart_host", [])}
                    alone = "[domains]" in part or "\n[[route]]" in part
                    # As many as go together into one file, so that the program starts a few times only.
                    place = None if alone else next((f for f in files if not f["alone"] and not names & f["names"]), None)
                    if place is None:
                        place = {"alone": alone, "names": set(), "text": ""}
                        files.append(place)
                    place["names"] |= names
                    place["text"] += part + "\n"
        for place in files:
            done = self.check(folder, place["text"])
            self.assertEqual(done.returncode, 0, f"{place['text']}\n{done.stdout}{done.stderr}")
        self.assertGreater(count, 95)

    def test_secrets_that_are_missing_are_named(self):
        folder = self.folder()
        done = self.check(folder, toml_text({"smart_host": [{"name": "up", "address": "smtp.example.net:587", "user": "ann",
                                                             "password_file": folder / "gone"}]}))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("smart host up as ann: can't read " + str(folder / "gone") + ": No such file or directory", done.stderr)


class Mechanisms(Folder):
    """Postern on both sides."""

    @classmethod
    def setUpClass(cls):
        """The other side: takes mail of its accounts only, by every mechanism, and hands it on to the sink."""
        cls.sink = Sink()
        cls.addClassCleanup(cls.sink.close)
        cls.keys = pathlib.Path(tempfile.mkdtemp(prefix="postern-issuer-"))
        cls.addClassCleanup(shutil.rmtree, cls.keys, True)
        cls.issuer = Issuer(cls.keys)
        cls.addClassCleanup(cls.issuer.close)
        cls.issuer.add("e", "ES256")
        cls.client = Authority.shared().issue("client")
        der = run("openssl", "x509", "-in", cls.client[0], "-noout", "-pubkey", check=True).stdout
        der = run("openssl", "pkey", "-pubin", "-outform", "DER", input=der.encode(), check=True).stdout
        cls.with_certificates, = free_ports(1)
        cls.up = Postern(
            {"auth": {"mechanisms": MECHANISMS, "failure_delay": "10 ms",
                      "certificates": [{"account": ALICE, "key": hashlib.sha256(der).hexdigest()}]},
             "oauth": {"issuer": cls.issuer.name, "keys": f"{cls.issuer.name}/keys", "audience": ["postern"],
                       "authorities": Authority.shared().ca},
             "delivery": {"smart_host": f"{HOST}:{cls.sink.port}"}},
            listeners=[{"address": f"{HOST}:{cls.with_certificates}", "role": "submission", "tls": "implicit",
                        "client_certificates": True}])
        cls.addClassCleanup(cls.up.__exit__, None, None, None)
        cls.up.cli("account", "password", ALICE, "--cram-md5", "--password-stdin", input=PASSWORDS[ALICE] + "\n", check=True)

    def host(self, **more):
        return {"name": "up", "address": f"{HOST}:{self.up.submission}", "authorities": Authority.shared().ca, "user": ALICE, **more}

    def tokens(self):
        """The token endpoint: rotates refresh tokens, keeps what it was asked."""
        self.asked, self.refresh = [], "first-refresh-token"

        def answer(request):
            self.asked.append(request.form)
            if request.form.get("client_id") != "relay":
                return Issuer.json({"error": "invalid_client"}, 401)
            if request.form["grant_type"] == "refresh_token":
                if request.form["refresh_token"] != self.refresh:
                    return Issuer.json({"error": "invalid_grant", "error_description": "Token has been revoked."}, 400)
                self.refresh = f"refresh-{len(self.asked)}"
            return Issuer.json({"access_token": self.issuer.token("e"), "expires_in": 300, "token_type": "Bearer",
                                **({"refresh_token": self.refresh} if "refresh_token" in request.form else {})})
        self.issuer.answers["/token"] = answer

    def test_each_mechanism(self):
        folder = self.folder()
        self.tokens()
        password = self.secret(folder, "password", PASSWORDS[ALICE])
        hosts, routes = [], []
        for mechanism in MECHANISMS:
            host = self.host(name=mechanism.lower(), tls="starttls", mechanisms=[mechanism])
            if mechanism == "EXTERNAL":
                host = {**documented("Certificates"), **host, "tls": "implicit", "address": f"{HOST}:{self.with_certificates}",
                        "certificate": self.client[0], "private_key": self.client[1]}
            elif mechanism == "OAUTHBEARER":
                host = {**documented("Gmail, with OAuth"), **host, "token_url": f"{self.issuer.name}/token", "client_id": "relay",
                        "refresh_token_file": self.secret(folder, "refresh", self.refresh),
                        "client_secret_file": self.secret(folder, "client", "shh, client secret")}
            elif mechanism == "XOAUTH2":
                host = {**documented("Microsoft 365, as an application"), **host, "token_url": f"{self.issuer.name}/token",
                        "client_id": "relay", "client_secret_file": folder / "client"}
            else:
                host["password_file"] = password
            if mechanism == "LOGIN":
                host |= {"tls": "implicit", "address": f"{HOST}:{self.up.submissions}"}
            hosts.append(host)
            routes.append({"recipients": [f"{mechanism.lower()}.test"], "to": f"smart_host:{mechanism.lower()}"})
        server = self.serve({"smart_host": hosts, "route": routes})
        words = {m: self.send(server, f"friend@{m.lower()}.test") for m in MECHANISMS}
        for mechanism, word in words.items():
            with self.subTest(mechanism=mechanism):
                try:
                    self.assertEqual(self.sink.wait(word)["recipients"], [f"friend@{mechanism.lower()}.test"])
                except AssertionError as e:
                    raise AssertionError(f"{e}\n{server.log()[-3000:]}\n{self.up.log()[-3000:]}") from None
                server.wait_log(rf"smart_host_login.*user[\"=: ]+{re.escape(ALICE)}.*mechanism[\"=: ]+{mechanism}\b")
        self.assertEqual({f["grant_type"] for f in self.asked}, {"refresh_token", "client_credentials"})
        self.assertIn("shh, client secret", [f.get("client_secret") for f in self.asked])
        # One more mail: the token is still good, nobody asks for another.
        before = len(self.asked)
        self.sink.wait(self.send(server, "friend@oauthbearer.test"))
        self.assertEqual(len(self.asked), before)
        # The new refresh token is on the disk, and outlives the program.
        kept = [p.read_text() for p in (server.dir / "data" / "tokens").iterdir()]
        self.assertEqual(len(kept), 1)
        rotated = self.refresh
        self.assertIn(rotated, kept[0])
        server.stop()
        server.start()
        self.sink.wait(self.send(server, "friend@oauthbearer.test"))
        self.assertEqual(self.asked[-1]["refresh_token"], rotated)
        for hidden in ("shh, client secret", "first-refresh-token", rotated, self.refresh):
            self.assertNotIn(hidden, server.log())

    def test_a_new_refresh_token_that_the_disk_does_not_take(self):
        """The endpoint has forgotten the old one: the new one is used, and stored when that works again."""
        folder = self.folder()
        self.tokens()
        refresh = self.secret(folder, "refresh", self.refresh)
        url = f"{self.issuer.name}/token"
        server = self.serve({"smart_host": [self.host(token_url=url, client_id="relay", refresh_token_file=refresh)],
                             "route": [{"to": "smart_host:up"}]})
        key = "\n".join([url, "relay", ALICE, "", str(refresh)])
        place = server.dir / "data" / "tokens" / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.refresh-token"
        in_the_way = place.with_name(place.name + ".new")
        in_the_way.mkdir(parents=True)
        self.sink.wait(self.send(server))
        server.wait_log(r"refresh_token_not_stored")
        rotated = self.refresh
        self.assertNotEqual(rotated, "first-refresh-token")
        in_the_way.rmdir()
        server.stop()
        self.assertIn(rotated, place.read_text())
        server.start()
        self.sink.wait(self.send(server))
        self.assertEqual(self.asked[-1]["refresh_token"], rotated)
        self.assertNotIn(rotated, server.log())

    def test_the_strongest_is_taken_and_each_sender_has_a_login(self):
        folder = self.folder()
        several = documented("Several log-ins")
        logins = [{**several["logins"][0], "senders": [BOB], "user": BOB,
                   "password_file": self.secret(folder, "bob", PASSWORDS[BOB])}]
        host = {**several, **self.host(password_file=self.secret(folder, "alice", PASSWORDS[ALICE])), "logins": logins}
        # As host:port in [delivery]: what [[smart_host]] says of it holds.
        server = self.serve({"smart_host": [host], "delivery": {"smart_host": host["address"]}})
        for sender in (ALICE, BOB):
            self.sink.wait(self.send(server, sender=sender))
            self.up.wait_log(rf"accepted.*account[\"=: ]+{re.escape(sender)}")
        server.wait_log(rf"smart_host_login.*user[\"=: ]+{re.escape(ALICE)}.*mechanism[\"=: ]+SCRAM-SHA-512-PLUS")
        server.wait_log(rf"smart_host_login.*user[\"=: ]+{re.escape(BOB)}")

    def test_a_wrong_password_defers_slows_down_and_is_told(self):
        folder = self.folder()
        password = self.secret(folder, "password", "not it at all")
        server = self.serve({"smart_host": [self.host(password_file=password, mechanisms=["PLAIN"])],
                             "route": [{"to": "smart_host:up"}],
                             "guard": {"operator_address": BOB}, "delivery": {"retry": ["1 s"]}})
        words = [self.send(server)]
        server.wait_log(r"smart_host_paused.*smart-host-login-refused.*535 5\.7\.8")
        words += [self.send(server) for _ in range(3)]
        for waiting in wait_for(lambda: len(q := self.queued(server)) == 4 and
                                all(m["recipients"][0]["last_reply"] for m in q) and q, "four that wait"):
            self.assertEqual(waiting["recipients"][0]["state"], "queued")
            self.assertRegex(waiting["recipients"][0]["last_reply"], r"454 4\.7\.0 .*refused to let us log in \(PLAIN: 535 5\.7\.8")
        notice = server.wait_mail(BOB, "A smart host takes no mail").decode()
        self.assertIn("app password", " ".join(notice.split()))
        why = server.cli("why", self.queued(server)[0]["queue_id"], check=True).stdout
        self.assertIn("docs/smart-hosts.md", why)
        self.assertEqual(server.log().count("smart_host_paused"), 1, "tried once, and then left alone")
        password.write_text(PASSWORDS[ALICE] + "\n")
        server.signal(signal.SIGHUP)
        server.wait_log(r"\breloaded\b")
        server.cli("queue", "retry", "--all", check=True)
        for word in words:
            self.sink.wait(word)

    def test_a_token_that_is_revoked(self):
        folder = self.folder()
        self.tokens()
        refresh = self.secret(folder, "refresh", "an old refresh token")
        server = self.serve({"smart_host": [self.host(token_url=f"{self.issuer.name}/token", client_id="relay",
                                                      refresh_token_file=refresh)], "route": [{"to": "smart_host:up"}]})
        word = self.send(server)
        server.wait_log(r"token_failed.*invalid_grant: Token has been revoked")
        reply = wait_for(lambda: self.queued(server)[0]["recipients"][0]["last_reply"], "the reason in the queue")
        self.assertIn("invalid_grant: Token has been revoked.", reply)
        # Somebody signs in again.
        refresh.write_text(self.refresh + "\n")
        wait_for(lambda: server.cli("queue", "retry", "--all", check=True) and
                 [m for m in self.sink.messages if word.encode() in m["content"]], "the mail", 25)


class Loop(Folder):
    def test_a_smart_host_that_is_this_server(self):
        folder = self.folder()
        password = self.secret(folder, "password", PASSWORDS[ALICE])
        server = self.serve({})
        host = {"name": "submission", "address": f"{HOST}:{server.submission}", "authorities": Authority.shared().ca, "user": ALICE,
                "password_file": password}
        server.config |= {"smart_host": [host], "route": [{"recipients": ["submission.test"], "to": "smart_host:submission"},
                                                          {"recipients": ["mx.test"], "to": f"smtp:{HOST}:{server.mx}"}]}
        server.write_config()
        server.signal(signal.SIGHUP)
        server.wait_log(r"\breloaded\b")
        for name in ("submission", "mx"):
            self.send(server, f"friend@{name}.test")
        waiting = wait_for(lambda: len(q := self.queued(server)) == 2 and all(m["recipients"][0]["last_reply"] for m in q) and q,
                           "two that wait")
        for each in waiting:
            self.assertRegex(each["recipients"][0]["last_reply"], rf"^451 4\.4\.6 .*this server itself.*{HOST}:")
        server.wait_log(r"deferred.*route-to-itself")
        self.assertEqual(server.log().count(" accepted "), 2, "none came back")
        # Another one takes them, once the settings are right.
        with Sink() as sink:
            server.config |= {"route": [{"to": f"smtp:{HOST}:{sink.port}"}]}
            server.write_config()
            server.signal(signal.SIGHUP)
            wait_for(lambda: server.log().count(" reloaded") == 2, "the reload")
            server.cli("queue", "retry", "--all", check=True)
            wait_for(lambda: len(sink.messages) == 2, "both")


class Rogues(Folder):
    """Sinks that are no good smart hosts; each has a domain."""
    COMPLAINTS = {"too-much": ("MAIL", "550 5.4.5 Daily user sending limit exceeded."),
                  "in-the-end": ("END", "550-5.4.5 Daily user sending limit exceeded. For more\r\n550 5.4.5 information"),
                  "too-fast": ("RCPT", "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded"),
                  "stranger": ("MAIL", "530 5.7.0 Authentication Required.")}

    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-smart-host-"))
        cls.addClassCleanup(shutil.rmtree, folder, True)
        (folder / "password").write_text(PASSWORDS[ALICE] + "\n")
        login = {"user": ALICE, "password_file": folder / "password"}
        cls.sinks, hosts = {}, []

        def add(name, sink, **more):
            cls.sinks[name] = sink
            cls.addClassCleanup(sink.close)
            hosts.append({"name": name, "address": f"{HOST}:{sink.port}", "tls": "none", **more})
        add("clear", Sink(extensions=("AUTH PLAIN LOGIN",)), tls="starttls", **login)
        add("untrusted", Sink(tls=True, extensions=("AUTH PLAIN",)), tls="starttls", **login)
        add("here", Sink({"AUTH": "235 2.7.0 ok"}, extensions=("AUTH PLAIN",)), plaintext=True, **login)
        for name, (verb, reply) in cls.COMPLAINTS.items():
            add(name, Sink({verb: reply}))
        add("refusing", Sink({"RCPT": "550 5.1.1 no such user"}))
        add("slow", Sink(), messages_per_connection=2, connections=1, messages_per_minute=600)
        add("full", Sink(), messages_per_day=2)
        cls.server = Postern({"smart_host": hosts, "route": [{"recipients": [f"{h['name']}.test"], "to": f"smart_host:{h['name']}"}
                                                             for h in hosts]})
        cls.addClassCleanup(cls.server.__exit__, None, None, None)

    def to(self, name, count=1):
        words = [token() for _ in range(count)]
        with self.server.session(login=ALICE) as wire:
            for word in words:
                wire.mail(ALICE, f"friend@{name}.test")
                wire.data(message(ALICE, f"friend@{name}.test", word))
        return words

    def waiting(self, name, count=1):
        """Their recipients, once they have been tried."""
        def look():
            found = [m["recipients"][0] for m in self.queued(self.server) if name in m["recipients"][0]["forward_path"]]
            return len(found) == count and all(r["last_reply"] for r in found) and found
        return wait_for(look, f"{count} for {name} in the queue\n{self.server.log()[-2000:]}", 30)

    def verbs(self, name):
        return [c.split()[0] for c in self.sinks[name].commands]

    def test_no_password_without_tls(self):
        self.to("clear")
        self.assertIn("STARTTLS is not offered", self.waiting("clear")[0]["last_reply"])
        self.assertEqual(self.verbs("clear"), ["EHLO"])

    def test_a_certificate_that_nobody_vouches_for(self):
        self.to("untrusted")
        self.assertIn("certificate is not good", self.waiting("untrusted")[0]["last_reply"])
        self.assertEqual(self.verbs("untrusted"), ["EHLO", "STARTTLS"])

    def test_within_this_machine_it_is_allowed(self):
        self.sinks["here"].wait(self.to("here")[0])
        self.assertIn("AUTH", self.verbs("here"))

    def test_what_is_about_the_account_is_no_bounce(self):
        words = {name: self.to(name)[0] for name in self.COMPLAINTS}
        for name, (_, reply) in self.COMPLAINTS.items():
            with self.subTest(reply=reply):
                recipient = self.waiting(name)[0]
                self.assertEqual(recipient["state"], "queued")
                self.assertIn(reply[4:9], recipient["last_reply"])
                rule = "needs-login" if name == "stranger" else "limit"
                self.server.wait_log(rf"smart_host_paused.*smart_host[\"=: ]+{name}\b.*smart-host-{rule}")
                self.sinks[name].answers.clear()
        self.server.cli("queue", "retry", "--all", check=True)
        for name, word in words.items():
            self.sinks[name].wait(word)

    def test_a_refusal_of_the_message_still_is_one(self):
        self.to("refusing")
        self.assertIn("5.1.1", self.server.wait_mail(ALICE, "multipart/report").decode())

    def test_limits_of_connections(self):
        for word in self.to("slow", 6):
            self.sinks["slow"].wait(word)
        self.assertGreaterEqual(self.sinks["slow"].connections, 3)

    def test_a_limit_of_the_day(self):
        self.to("full", 4)
        for recipient in self.waiting("full", 2):
            self.assertRegex(recipient["last_reply"], r"waits for its turn \(2 messages in a day")
        self.assertEqual(len(self.sinks["full"].messages), 2)


if __name__ == "__main__":
    unittest.main()
