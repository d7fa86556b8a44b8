"""Tokens of issuers that are found by discovery and asked about tokens (RFC 8414, RFC 7662):
an issuer that runs here, real clients, and everything that can be wrong with issuers.
The configuration comes from docs/mechanisms.md."""
import base64
import collections
import contextlib
import json
import pathlib
import re
import shutil
import smtplib
import tempfile
import threading
import time
import unittest

from harness import ALICE, BOB, PROGRAM, Authority, Postern, client_context, message, need, run, wait_for
from issuer import SECRET, Issuer, bearer, google
from test_mechanisms import documented

OPAQUE = "Opaque tokens, and revocation: introspection"


class Base(unittest.TestCase):
    """One issuer, and a server that knows it by its name alone."""
    more = ()      # further issuers
    options = {}   # of the first one

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-issuer-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.secret = cls.folder / "secret"
        cls.secret.write_text(SECRET + "\n")
        cls.issuer = Issuer(cls.folder)
        cls.addClassCleanup(cls.issuer.close)
        cls.issuer.add("e", "ES256")
        cls.server = Postern({"oauth": cls.configuration(), "auth": {"failure_delay": "20 ms"}})
        cls.addClassCleanup(cls.server.__exit__, None, None, None)

    @classmethod
    def configuration(cls):
        written = documented(OPAQUE)["oauth"]
        base = {**written, "issuer": cls.issuer.name, "client_secret": cls.secret, "authorities": Authority.shared().ca}
        rows = [{**base, "issuer": cls.issuer.name + path, **options} for path, options in cls.more]
        first = {**base, **cls.options}
        return {**first, "issuers": rows} if rows else first

    def log_in(self, token, account=ALICE, server=None):
        """The code at the end, and what a refused client was told."""
        with (server or self.server).session() as wire:
            reply, told = wire.say(f"AUTH OAUTHBEARER {bearer(token, account)}"), None
            if reply.code == 334:
                told = json.loads(base64.b64decode(reply.text))
                reply = wire.say("AQ==")
            wire.say("NOOP", 250)
            return reply.code, told

    def refused(self, token, reason, status="invalid_token", account=ALICE):
        code, told = self.log_in(token, account)
        self.assertEqual((code, told["status"]), (535, status))
        self.server.wait_log(re.escape(reason))

    def unavailable(self, token, reason):
        self.assertEqual(self.log_in(token), (454, None))
        self.server.wait_log(reason)


class Found(Base):
    """What discovery finds, and clients that use it."""
    options = {"cache_life": "0"}

    def test_opaque_and_signed_tokens(self):
        self.assertEqual(self.log_in(self.issuer.opaque("mF_9.B5f-4.1JqM"))[0], 235)
        token = self.issuer.token("e")
        self.issuer.about[token] = {"active": True}
        self.assertEqual(self.log_in(token)[0], 235)

    def test_our_own_client(self):
        token = self.folder / "token"
        for mechanism in ("OAUTHBEARER", "XOAUTH2"):
            for good in (True, False):
                with self.subTest(mechanism=mechanism, good=good):
                    token.write_text((self.issuer.opaque(f"opaque-of-{mechanism}") if good else "nonsense") + "\n")
                    done = run(PROGRAM, "send", "--server", f"localhost:{self.server.submission}", "--tls", "starttls", "--ca",
                               Authority.shared().ca, "--user", ALICE, "--token-file", token, "--mechanism", mechanism, "--to", BOB,
                               "--json")
                    said = json.loads(done.stdout)
                    if good:
                        self.assertEqual(("sent", mechanism), (said["outcome"], said["mechanism"]), said)
                    else:
                        self.assertEqual(("login-failed", "token-refused"), (said["outcome"], said["explanation"]["rule"]), said)
                    self.assertNotIn(token.read_text().strip(), done.stdout + done.stderr)

    def test_std_40_the_client_is_told_where_the_document_is(self):
        told = self.log_in("nonsense")[1]
        self.assertEqual(told, {"status": "invalid_token", "scope": "smtp", "openid-configuration":
                                f"{self.issuer.name}/.well-known/openid-configuration"})

    def test_what_is_refused_and_why(self):
        now = int(time.time())
        for word, answer, reason in (("foreign", {"aud": "other"}, "for another audience"),
                                     ("no-audience", {"aud": None}, "for another audience"),
                                     ("old", {"exp": now - 61}, "expired"),
                                     ("early", {"nbf": now + 600}, "not valid yet"),
                                     ("nobodys", {"username": None}, "no account in the token"),
                                     ("other-issuer", {"iss": "https://id.example"}, "another issuer"),
                                     ("unknown", {"username": "nobody@postern.test"}, "someone else"),
                                     ("bobs", {"username": BOB}, "someone else")):
            with self.subTest(reason=reason):
                self.refused(self.issuer.opaque(word, **answer), reason)
        self.refused(self.issuer.opaque("narrow", scope="openid"), "the scope is missing", "insufficient_scope")
        self.refused("never-heard-of", "the issuer says that it is not active")
        self.refused(self.issuer.token("e", exp=now - 61), "expired")
        self.refused(self.issuer.token("e", iss="https://id.example"), "another issuer")

    def test_a_token_that_is_revoked_is_refused(self):
        token = self.issuer.token("e")
        self.issuer.about[token] = {"active": True, "username": ALICE}
        self.assertEqual(self.log_in(token)[0], 235)
        self.issuer.about[token] = {"active": False}
        self.refused(token, "the issuer says that it is not active")
        self.issuer.about[token] = {"active": True, "username": BOB}
        self.refused(token, "the issuer says that it is somebody else's")

    def test_curl(self):
        need("curl")
        token = self.issuer.opaque("for-curl")
        for mechanism in ("OAUTHBEARER", "XOAUTH2"):
            done = run("curl", "-sS", "--crlf", f"smtp://localhost:{self.server.submission}", "--ssl-reqd", "--cacert",
                       Authority.shared().ca, "--user", f"{ALICE}:", "--login-options", f"AUTH={mechanism}",
                       "--oauth2-bearer", token, "--mail-from", ALICE, "--mail-rcpt", BOB, "-T", "-",
                       input=message(ALICE, BOB, f"curl {mechanism}"))
            self.assertEqual(done.returncode, 0, done.stderr)
            self.server.wait_mail(BOB, f"curl {mechanism}")

    def test_msmtp(self):
        need("msmtp")
        for mechanism in ("oauthbearer", "xoauth2"):
            settings = self.server.dir / "msmtprc.client"
            settings.write_text(f"account default\nhost localhost\nport {self.server.submissions}\ntls on\n"
                                f"tls_starttls off\ntls_trust_file {Authority.shared().ca}\nauth {mechanism}\nuser {ALICE}\n"
                                f"from {ALICE}\npasswordeval \"echo {self.issuer.opaque('for-msmtp')}\"\n")
            settings.chmod(0o600)
            done = run("msmtp", "-C", settings, BOB, input=message(ALICE, BOB, f"msmtp {mechanism}"))
            self.assertEqual(done.returncode, 0, done.stderr)
            self.server.wait_mail(BOB, f"msmtp {mechanism}")

    def test_python(self):
        token = self.issuer.opaque("for-python")
        with smtplib.SMTP("localhost", self.server.submission) as client:
            client.starttls(context=client_context())
            client.ehlo()
            client.user = ALICE
            client.auth("XOAUTH2", lambda challenge=None: f"user={ALICE}\1auth=Bearer {token}\1\1")
            client.sendmail(ALICE, [BOB], message(ALICE, BOB, "by smtplib"))
        self.server.wait_mail(BOB, "by smtplib")


class Remembered(Base):
    """The answers that are kept, for how long, and keys that are rotated."""
    options = {"clock_skew": "0", "introspect": "opaque"}

    def test_the_issuer_is_asked_once(self):
        def asked():
            return self.issuer.paths.count("/introspect")
        token, before = self.issuer.opaque("again-and-again"), asked()
        for _ in range(3):
            self.assertEqual(self.log_in(token)[0], 235)
        self.assertEqual(asked(), before + 1)
        for _ in range(3):
            self.refused("unknown-again-and-again", "not active")
        self.assertEqual(asked(), before + 2)

    def test_but_never_beyond_the_token_s_end(self):
        token = self.issuer.opaque("short", exp=int(time.time()) + 3)
        self.assertEqual(self.log_in(token)[0], 235)
        wait_for(lambda: self.log_in(token)[0] == 535, "the token to expire")
        self.server.wait_log("expired")

    def test_rotated_keys(self):
        self.issuer.add("old", "ES256")
        old = self.issuer.token("old")
        self.server.signal(1)
        wait_for(lambda: self.log_in(old)[0] == 235, "the new key to be fetched")
        del self.issuer.keys["old"]
        self.server.signal(1)
        wait_for(lambda: self.log_in(old)[0] == 535, "the old key to be forgotten")
        self.server.wait_log("signed with an unknown key")


def fault(status=200, body=b"{}", **headers):
    return lambda request: (status, headers, body)


HUGE = b'{"active":true,"issuer":"' + b"x" * (2 << 20) + b'"}'
FAULTS = {
    "redirect": (fault(302, Location="/introspect"), "status 302"),
    "huge": (fault(200, HUGE), "the answer is longer than"),
    "garbage": (fault(200, b"<html>It works!</html>"), "no JSON object"),
    "list": (fault(200, b"[]"), "no JSON object"),
    "broken": (fault(500, b"oh"), "status 500"),
    "forbidden": (fault(401, b"{}"), "does not let us ask|status 401"),
    "short": (fault(200, b'{"active":', **{"Content-Length": "4096", "Connection": "close"}), "https://localhost"),
}


class Trouble(Base):
    """Issuers that answer anything but what they should: 454, and never 535."""
    more = [(f"/{kind}/{name}", {"account_claim": "email", "introspect": "opaque"} if kind == "metadata" else
             {"introspect": "only", "timeout": "400 ms"})
            for kind in ("metadata", "introspection") for name in (*FAULTS, "other", "slow", "secretless")
            if (kind, name) not in (("metadata", "slow"), ("metadata", "secretless"), ("introspection", "other"))]

    @classmethod
    def configuration(cls):
        whole = super().configuration()
        for row in whole["issuers"]:
            path = row["issuer"][len(cls.issuer.name):]
            if "introspection" in path:
                row["introspection"] = row["issuer"]
            if "secretless" in path:
                row["client_secret"] = cls.folder / "nothing"
        for name, (answer, _) in FAULTS.items():
            cls.issuer.answers[f"/metadata/{name}/.well-known/openid-configuration"] = answer
            cls.issuer.answers[f"/.well-known/oauth-authorization-server/metadata/{name}"] = answer
            cls.issuer.answers[f"/introspection/{name}"] = answer
        # The document of the first issuer in the place of another one's.
        cls.issuer.answers["/metadata/other/.well-known/openid-configuration"] = \
            lambda request: cls.issuer.json(cls.issuer.metadata())
        cls.issuer.answers["/introspection/slow"] = lambda request: (time.sleep(2), cls.issuer.json({"active": False}))[1]
        return whole

    def test_metadata(self):
        for name, reason in [(name, reason) for name, (_, reason) in FAULTS.items()] + [("other", "about another issuer")]:
            with self.subTest(fault=name):
                self.unavailable(self.issuer.token("e", iss=f"{self.issuer.name}/metadata/{name}"),
                                 f"token_keys_failed .*/metadata/{name}.*({reason})")

    def test_introspection(self):
        for name, reason in [(name, reason) for name, (_, reason) in FAULTS.items()] + [
                ("slow", "(?i)timeout|in time"), ("secretless", "can't read")]:
            with self.subTest(fault=name):
                self.unavailable(self.issuer.token("e", iss=f"{self.issuer.name}/introspection/{name}"),
                                 f"introspection_failed .*/introspection/{name}.*({reason.replace('(?i)timeout', 'Timeout')})")

    def test_the_good_one_goes_on(self):
        token = self.issuer.token("e", email=ALICE)
        self.issuer.about[token] = {"active": True}
        self.assertEqual(self.log_in(token)[0], 235)


class Places(Base):
    """The other place for the document, a bearer token for asking, and two issuers."""
    more = [("/second", {"account_claim": "email", "introspect": "opaque"})]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()

    @classmethod
    def configuration(cls):
        written = documented("Several issuers")["oauth"]
        cls.secret.write_text(SECRET.split()[0] + "\n")
        cls.issuer.metadata_at = "/.well-known/oauth-authorization-server"
        second = cls.issuer.name + "/second"
        cls.issuer.answers["/.well-known/oauth-authorization-server/second"] = lambda request: cls.issuer.json(
            cls.issuer.metadata(issuer=second, introspection_endpoint=second))
        cls.issuer.answers["/second"] = lambda request: cls.issuer.json(
            {"active": request.form["token"] == "of-the-second", "aud": "mail", "email": BOB})
        authorities = {"authorities": Authority.shared().ca}
        return {**written, "issuer": cls.issuer.name, **authorities, "scope": "smtp", "account_claim": "username",
                "bearer": cls.secret,
                "issuers": [{**written["issuers"][0], "issuer": second, **authorities, "client_secret": cls.secret}]}

    def test_each_by_its_own_rules(self):
        self.assertEqual(self.log_in(self.issuer.opaque("of-the-first"))[0], 235)
        self.assertEqual(self.log_in("of-the-second", BOB)[0], 235)
        self.assertEqual(self.log_in(self.issuer.token("e"))[0], 235)
        second = {"iss": f"{self.issuer.name}/second", "scope": ""}
        self.assertEqual(self.log_in(self.issuer.token("e", aud="mail", **second))[0], 235)
        code, told = self.log_in(self.issuer.token("e", **second))
        self.assertEqual((code, told), (535, {"status": "invalid_token", "openid-configuration":
                                              f"{self.issuer.name}/.well-known/oauth-authorization-server/second"}))
        code, told = self.log_in(self.issuer.token("e", exp=1))
        self.assertEqual((code, told), (535, {"status": "invalid_token", "scope": "smtp", "openid-configuration":
                                              f"{self.issuer.name}/.well-known/oauth-authorization-server"}))
        self.assertEqual(self.log_in("of-nobody")[0], 535)


class Outage(Base):
    """The issuer is stopped, slowed and restarted while people log in."""
    options = {"cache_life": "0", "timeout": "2s"}

    def test_no_wrong_refusal_and_nobody_is_stuck(self):
        token = self.issuer.opaque("busy")
        counts, stop = collections.Counter(), threading.Event()

        def people():
            while not stop.is_set():
                counts[self.log_in(token)[0]] += 1

        def seen(code):
            before = counts[code]
            wait_for(lambda: counts[code] > before + 5, f"replies with {code}: {counts}")
        threads = [threading.Thread(target=people) for _ in range(8)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(2):
                seen(235)
                self.issuer.stop()
                seen(454)
                self.issuer.start()
                seen(235)
            self.issuer.down = True
            seen(454)
            self.issuer.down = False
            seen(235)
        finally:
            stop.set()
            for thread in threads:
                thread.join(60)
        self.assertFalse([thread for thread in threads if thread.is_alive()])
        self.assertEqual(set(counts), {235, 454}, counts)
        self.server.wait_log("introspection_failed")
        self.server.wait_log("introspection_works")


class Silent(Base):
    """The issuer takes questions and says nothing."""
    options = {"introspect": "only", "cache_life": "0", "timeout": "50s"}

    def test_nobody_else_waits_at_a_reload_and_at_the_end(self):
        token, ended = self.issuer.opaque("silence"), []

        def person(server):
            with contextlib.suppress(OSError, EOFError, AssertionError):
                self.log_in(token, server=server)
            ended.append(1)
        with Postern({"oauth": self.configuration(), "timeouts": {"drain": "1s"}}) as server:
            self.assertEqual(self.log_in(token, server=server)[0], 235)
            asked, self.issuer.delay = self.issuer.asked, 40
            try:
                people = [threading.Thread(target=person, args=(server,)) for _ in range(3)]
                for thread in people:
                    thread.start()
                wait_for(lambda: self.issuer.asked >= asked + len(people), "the questions at the issuer")
                # The old questions are with the old settings, whose sessions go on.
                server.signal(1)
                server.wait_log("reloaded")
                with server.session(login=ALICE) as wire:
                    wire.say("NOOP", 250)
                self.assertEqual(ended, [])
                server.stop(20)
            finally:
                self.issuer.delay = 0
            for thread in people:
                thread.join(20)
            self.assertEqual(len(ended), len(people))


del Base  # has no tests of its own

if __name__ == "__main__":
    unittest.main()
