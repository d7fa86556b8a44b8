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
import time
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
        self.assertIn("smart host up as ann: " + str(folder / "gone") + ": is not there", done.stderr)


class Mechanisms(Folder):
    """Postern on both sides."""

    def provider(self, sink, folder, **auth):
        """The other side: takes mail of its accounts only, by every mechanism."""
        self.issuer = Issuer(folder)
        self.addCleanup(self.issuer.close)
        self.issuer.add("e", "ES256")
        self.client = Authority.shared().issue("client")
        der = run("openssl", "x509", "-in", self.client[0], "-noout", "-pubkey", check=True).stdout
        der = run("openssl", "pkey", "-pubin", "-outform", "DER", input=der.encode(), check=True).stdout
        self.with_certificates, = free_ports(1)
        up = self.serve(
            {"auth": {"mechanisms": MECHANISMS, "failure_delay": "10 ms",
                      "certificates": [{"account": ALICE, "key": hashlib.sha256(der).hexdigest()}], **auth},
             "oauth": {"issuer": self.issuer.name, "keys": f"{self.issuer.name}/keys", "audience": ["postern"],
                       "authorities": Authority.shared().ca},
             "delivery": {"smart_host": f"{HOST}:{sink.port}"}},
            listeners=[{"address": f"{HOST}:{self.with_certificates}", "role": "submission", "tls": "implicit",
                        "client_certificates": True}])
        up.cli("account", "password", ALICE, "--cram-md5", "--password-stdin", input=PASSWORDS[ALICE] + "\n", check=True)
        return up

    def tokens(self, refused=()):
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
        with Sink() as sink:
            up = self.provider(sink, folder)
            self.tokens()
            password = self.secret(folder, "password", PASSWORDS[ALICE])
            hosts, routes = [], []
            for mechanism in MECHANISMS:
                host = {"name": mechanism.lower(), "address": f"{HOST}:{up.submission}", "tls": "starttls",
                        "authorities": Authority.shared().ca, "mechanisms": [mechanism], "user": ALICE}
                if mechanism == "EXTERNAL":
                    host = {**host, **documented("Certificates"), "name": "external", "user": ALICE, "tls": "implicit",
                            "address": f"{HOST}:{self.with_certificates}", "certificate": self.client[0],
                            "private_key": self.client[1]}
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
                    host |= {"tls": "implicit", "address": f"{HOST}:{up.submissions}"}
                hosts.append(host)
                routes.append({"recipients": [f"{mechanism.lower()}.test"], "to": f"smart_host:{mechanism.lower()}"})
            server = self.serve({"smart_host": hosts, "route": routes})
            words = {m: self.send(server, f"friend@{m.lower()}.test") for m in MECHANISMS}
            for mechanism, word in words.items():
                with self.subTest(mechanism=mechanism):
                    try:
                        self.assertEqual(sink.wait(word)["recipients"], [f"friend@{mechanism.lower()}.test"])
                    except AssertionError as e:
                        raise AssertionError(f"{e}\n{server.log()[-3000:]}\n{up.log()[-3000:]}") from None
                    server.wait_log(rf"smart_host_login.*user[\"=: ]+{re.escape(ALICE)}.*mechanism[\"=: ]+{mechanism}\b")
            self.assertEqual({f["grant_type"] for f in self.asked}, {"refresh_token", "client_credentials"})
            self.assertIn("shh, client secret", [f.get("client_secret") for f in self.asked])
            # One more mail: the token is still good, nobody asks for another.
            before = len(self.asked)
            sink.wait(self.send(server, "friend@oauthbearer.test"))
            self.assertEqual(len(self.asked), before)
            # The new refresh token is on the disk, and outlives the program.
            kept = [p.read_text() for p in (server.dir / "data" / "tokens").iterdir()]
            self.assertEqual(len(kept), 1)
            self.assertIn(self.refresh, kept[0])
            server.stop()
            server.start()
            sink.wait(self.send(server, "friend@oauthbearer.test"))
            self.assertEqual(self.asked[-1]["refresh_token"], f"refresh-{before - 1}" if before > 1 else self.refresh)
            for hidden in ("shh, client secret", "first-refresh-token", self.refresh):
                self.assertNotIn(hidden, server.log())

    def test_the_strongest_is_taken_and_each_sender_has_a_login(self):
        folder = self.folder()
        with Sink() as sink:
            up = self.provider(sink, folder)
            alice = self.secret(folder, "alice", PASSWORDS[ALICE])
            bob = self.secret(folder, "bob", PASSWORDS[BOB])
            several = documented("Several log-ins")
            logins = [{**several["logins"][0], "senders": [BOB], "user": BOB, "password_file": bob}]
            server = self.serve({
                "smart_host": [{**several, "address": f"{HOST}:{up.submission}", "authorities": Authority.shared().ca, "user": ALICE,
                                "password_file": alice, "logins": logins}],
                # As host:port in [delivery]: what [[smart_host]] says of it holds.
                "delivery": {"smart_host": f"{HOST}:{up.submission}"}})
            for sender in (ALICE, BOB):
                sink.wait(self.send(server, sender=sender))
                up.wait_log(rf"accepted.*account[\"=: ]+{re.escape(sender)}")
            server.wait_log(rf"smart_host_login.*user[\"=: ]+{re.escape(ALICE)}.*mechanism[\"=: ]+SCRAM-SHA-512-PLUS")
            server.wait_log(rf"smart_host_login.*user[\"=: ]+{re.escape(BOB)}")

    def test_a_wrong_password_defers_slows_down_and_is_told(self):
        folder = self.folder()
        with Sink() as sink:
            up = self.provider(sink, folder)
            password = self.secret(folder, "password", "not it at all")
            server = self.serve({
                "smart_host": [{"name": "up", "address": f"{HOST}:{up.submission}", "authorities": Authority.shared().ca, "user": ALICE,
                                "password_file": password, "mechanisms": ["PLAIN"]}],
                "route": [{"to": "smart_host:up"}],
                "guard": {"operator_address": BOB}, "delivery": {"retry": ["1 s"]}})
            words = [self.send(server)]
            server.wait_log(r"smart_host_paused.*smart-host-login-refused.*535 5\.7\.8")
            words += [self.send(server) for _ in range(3)]
            for waiting in wait_for(lambda: (q := self.queued(server)) and len(q) == 4 and
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
                sink.wait(word)

    def test_a_token_that_is_revoked(self):
        folder = self.folder()
        with Sink() as sink:
            up = self.provider(sink, folder)
            self.tokens()
            refresh = self.secret(folder, "refresh", "an old refresh token")
            server = self.serve({
                "smart_host": [{"name": "up", "address": f"{HOST}:{up.submission}", "authorities": Authority.shared().ca, "user": ALICE,
                                "token_url": f"{self.issuer.name}/token", "client_id": "relay", "refresh_token_file": refresh}],
                "route": [{"to": "smart_host:up"}]})
            word = self.send(server)
            server.wait_log(r"token_failed.*invalid_grant: Token has been revoked")
            reply = wait_for(lambda: self.queued(server)[0]["recipients"][0]["last_reply"], "the reason in the queue")
            self.assertIn("invalid_grant: Token has been revoked.", reply)
            # Somebody signs in again.
            refresh.write_text(self.refresh + "\n")
            wait_for(lambda: time.sleep(0.2) or server.cli("queue", "retry", "--all", check=True) and
                     [m for m in sink.messages if word.encode() in m["content"]], "the mail", 25)


class Rogues(Folder):
    def front(self, sink, **more):
        return self.serve({"smart_host": [{"name": "up", "address": f"{HOST}:{sink.port}", "tls": "none", **more}],
                           "route": [{"to": "smart_host:up"}]})

    def test_no_password_without_tls(self):
        folder = self.folder()
        with Sink(extensions=("AUTH PLAIN LOGIN",)) as sink:
            server = self.front(sink, tls="starttls", user=ALICE, password_file=self.secret(folder, "p", PASSWORDS[ALICE]))
            self.send(server)
            server.wait_log(r"host_down|smart_host_paused")
            self.assertEqual([c.split()[0] for c in sink.commands], ["EHLO"])

    def test_a_certificate_that_nobody_vouches_for(self):
        folder = self.folder()
        with Sink(tls=True, extensions=("AUTH PLAIN",)) as sink:
            server = self.front(sink, tls="starttls", user=ALICE, password_file=self.secret(folder, "p", PASSWORDS[ALICE]))
            self.send(server)
            server.wait_log(r"certificate is not good")
            self.assertEqual([c.split()[0] for c in sink.commands], ["EHLO", "STARTTLS"])

    def test_within_this_machine_it_is_allowed(self):
        folder = self.folder()
        answers = {"AUTH": "235 2.7.0 ok"}
        with Sink(answers, extensions=("AUTH PLAIN",)) as sink:
            server = self.front(sink, plaintext=True, user=ALICE, password_file=self.secret(folder, "p", PASSWORDS[ALICE]))
            sink.wait(self.send(server))
            self.assertIn("AUTH", [c.split()[0] for c in sink.commands])

    def test_too_much_for_today_is_no_bounce(self):
        for verb, reply in (("MAIL", "550 5.4.5 Daily user sending limit exceeded."),
                            ("END", "550-5.4.5 Daily user sending limit exceeded. For more\r\n550 5.4.5 information"),
                            ("RCPT", "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded"),
                            ("MAIL", "530 5.7.0 Authentication Required.")):
            with self.subTest(reply=reply), Sink({verb: reply}) as sink:
                server = self.front(sink)
                word = self.send(server)
                server.wait_log(r"smart_host_paused.*(smart-host-limit|smart-host-needs-login)")
                waiting = wait_for(lambda: self.queued(server), "the mail in the queue")[0]["recipients"][0]
                self.assertEqual(waiting["state"], "queued")
                self.assertIn(reply[4:9], waiting["last_reply"])
                sink.answers.clear()
                server.cli("queue", "retry", "--all", check=True)
                sink.wait(word)

    def test_a_refusal_of_the_message_still_is_one(self):
        with Sink({"RCPT": "550 5.1.1 no such user"}) as sink:
            server = self.front(sink)
            self.send(server)
            self.assertIn("5.1.1", server.wait_mail(ALICE, "multipart/report").decode())

    def test_limits(self):
        with Sink() as sink:
            server = self.front(sink, messages_per_connection=2, connections=1, messages_per_minute=600)
            words = [token() for _ in range(6)]
            with server.session(login=ALICE) as wire:
                for word in words:
                    wire.mail(ALICE, REMOTE)
                    wire.data(message(ALICE, REMOTE, word))
            for word in words:
                sink.wait(word)
            self.assertGreaterEqual(sink.connections, 3)
        with Sink() as sink:
            server = self.front(sink, messages_per_day=2)
            words = [token() for _ in range(4)]
            with server.session(login=ALICE) as wire:
                for word in words:
                    wire.mail(ALICE, REMOTE)
                    wire.data(message(ALICE, REMOTE, word))
            wait_for(lambda: len(sink.messages) == 2, "two messages")
            waiting = wait_for(lambda: len(q := self.queued(server)) == 2 and
                               all(m["recipients"][0]["last_reply"] for m in q) and q, "two that wait", 30)
            for m in waiting:
                self.assertRegex(m["recipients"][0]["last_reply"], r"waits for its turn \(2 messages in a day")
            self.assertEqual(len(sink.messages), 2)


if __name__ == "__main__":
    unittest.main()
