"""The ways of logging in, one class each, against the real server: docs/mechanisms.md has
the configuration, which is read from there."""
import base64
import hashlib
import hmac
import json
import pathlib
import re
import shutil
import smtplib
import ssl
import tempfile
import time
import tomllib
import unittest

from harness import ALICE, BOB, HOST, PASSWORDS, PROGRAM, ROOT, Authority, Postern, client_context, free_ports, message, need, run
from issuer import Issuer, bearer, google
from scram import Scram


def documented(heading):
    """The first TOML block below a heading of docs/mechanisms.md."""
    text = (ROOT / "docs" / "mechanisms.md").read_text()
    section = re.search(rf"(?ms)^###? {re.escape(heading)}$(.*?)(?=^###? |\Z)", text).group(1)
    return tomllib.loads(re.search(r"(?ms)^```toml\n(.*?)^```", section).group(1))


def offered(wire):
    return wire.ehlo().get("AUTH", [])


def old_tls():
    """TLS 1.2, where tls-unique still is a thing."""
    context = client_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


class Scrams(unittest.TestCase):
    """SCRAM with three hashes, bound and not."""
    @classmethod
    def setUpClass(cls):
        cls.server = Postern({"auth": {**documented("SCRAM")["auth"], "failure_delay": "20 ms"}})
        cls.addClassCleanup(cls.server.__exit__, None, None, None)

    def exchange(self, wire, mechanism, header="n,,", binding=b"", password=PASSWORDS[ALICE]):
        hash = {"1": "sha1", "2": "sha256", "5": "sha512"}[mechanism.split("-")[2][0]]
        scram = Scram(ALICE, password, header=header, hash=hash)
        reply = wire.say(f"AUTH {mechanism} {scram.first()}")
        if reply.code != 334:
            return reply
        reply = wire.say(scram.final(reply.text, binding=binding))
        if reply.code != 334:
            return reply
        scram.check(reply.text)
        return wire.say("")

    def test_whatever_is_offered_works_and_nothing_else_is(self):
        configured = documented("SCRAM")["auth"]["mechanisms"]
        with self.server.session() as wire:
            shown = offered(wire)
        self.assertIn("SCRAM-SHA-256-PLUS", shown)
        self.assertEqual(shown, [m for m in configured if m in shown], "in the order of the configuration")
        context = client_context()
        certificate = Authority.shared().issue("server")[0]
        end_point = hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.read_text())).digest()
        for mechanism in (m for m in configured if m.startswith("SCRAM")):
            plus = mechanism.endswith("-PLUS")
            with self.subTest(mechanism=mechanism), self.server.wire(tls=True, context=context) as wire:
                wire.expect(220)
                wire.ehlo()
                header = "p=tls-server-end-point,," if plus else "n,,"
                reply = self.exchange(wire, mechanism, header, end_point if plus else b"")
                self.assertEqual(reply.code, 235 if mechanism in shown else 504, reply)
            if mechanism not in shown:
                continue
            with self.subTest(mechanism=mechanism, password="wrong"), self.server.session() as wire:
                reply = self.exchange(wire, mechanism, header, end_point if plus else b"", "guess")
                self.assertEqual((reply.code, reply.status), (535, "5.7.8"), reply)

    def test_std_35_the_binding_of_another_certificate_fails(self):
        with self.server.session() as wire:
            reply = self.exchange(wire, "SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,", hashlib.sha256(b"x").digest())
            self.assertEqual(reply.code, 535, reply)

    def test_std_34_tls_unique_binds_with_tls_1_2_only(self):
        def unique(wire):
            return wire.socket.get_channel_binding("tls-unique")
        with self.server.wire(tls=True, context=old_tls()) as wire:
            wire.expect(220)
            wire.ehlo()
            session = wire.socket.session
            self.assertFalse(wire.socket.session_reused)
            reply = self.exchange(wire, "SCRAM-SHA-256-PLUS", "p=tls-unique,,", unique(wire))
            self.assertEqual(reply.code, 235, reply)
            first = unique(wire)
            context = wire.context
        # In a resumed session the server's Finished comes first.
        resumed = self.server.wire(port=self.server.submissions, context=context)
        with resumed as wire:
            wire.start_tls(session=session)
            wire.expect(220)
            wire.ehlo()
            self.assertTrue(wire.socket.session_reused)
            self.assertNotEqual(unique(wire), first)
            reply = self.exchange(wire, "SCRAM-SHA-256-PLUS", "p=tls-unique,,", first)
            self.assertEqual(reply.code, 535, reply)
            reply = self.exchange(wire, "SCRAM-SHA-256-PLUS", "p=tls-unique,,", unique(wire))
            self.assertEqual(reply.code, 235, reply)
        with self.server.session() as wire:
            self.assertEqual(wire.socket.version(), "TLSv1.3")
            reply = self.exchange(wire, "SCRAM-SHA-256-PLUS", "p=tls-unique,,", unique(wire) or b"\0" * 12)
            self.assertEqual(reply.code, 535, reply)


class List(unittest.TestCase):
    """What EHLO shows."""
    @classmethod
    def setUpClass(cls):
        cls.old, = free_ports(1)
        listener = {**documented("The list that EHLO shows")["listener"][0], "address": f"{HOST}:{cls.old}"}
        cls.server = Postern(listeners=[listener])
        cls.addClassCleanup(cls.server.__exit__, None, None, None)

    def test_the_old_listener_says_it_twice(self):
        with self.server.session(port=self.old) as wire:
            lines = wire.say("EHLO old.example", 250).lines
            self.assertIn("AUTH PLAIN LOGIN", lines)
            self.assertIn("AUTH=PLAIN LOGIN", lines)
            wire.auth_login(ALICE, PASSWORDS[ALICE])
        with self.server.wire(port=self.old) as wire:
            wire.expect(220)
            self.assertFalse([line for line in wire.say("EHLO old.example", 250).lines if line.startswith("AUTH")])

    def test_the_others_say_it_once(self):
        with self.server.session() as wire:
            lines = wire.say("EHLO new.example", 250).lines
            self.assertIn("AUTH SCRAM-SHA-256 PLAIN LOGIN", lines)
            self.assertFalse([line for line in lines if line.startswith("AUTH=")])


class Tokens(unittest.TestCase):
    """OAUTHBEARER and XOAUTH2, with an issuer that runs here."""
    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-issuer-"))
        cls.addClassCleanup(shutil.rmtree, folder, True)
        cls.issuer = Issuer(folder)
        cls.addClassCleanup(cls.issuer.close)
        for kid, algorithm in (("r", "RS256"), ("e", "ES256"), ("d", "EdDSA")):
            cls.issuer.add(kid, algorithm)
        cls.oauth = {**documented("Tokens: OAUTHBEARER and XOAUTH2")["oauth"], "issuer": cls.issuer.name,
                     "keys": f"{cls.issuer.name}/keys", "authorities": Authority.shared().ca}
        cls.server = Postern({"oauth": cls.oauth, "auth": {"failure_delay": "20 ms"}})
        cls.addClassCleanup(cls.server.__exit__, None, None, None)

    def refused(self, token, reason, status="invalid_token", account=ALICE):
        with self.server.session() as wire:
            challenge = wire.say(f"AUTH OAUTHBEARER {bearer(token, account)}", 334)
            told = json.loads(base64.b64decode(challenge.text))
            self.assertEqual(told, {"status": status, "scope": "smtp", "openid-configuration":
                                    f"{self.issuer.name}/.well-known/openid-configuration"})
            wire.say("AQ==", 535, "5.7.8")
            wire.say("NOOP", 250)
        self.server.wait_log(re.escape(reason))

    def test_each_algorithm_and_both_formats(self):
        for kid in "red":
            for mechanism, form in (("OAUTHBEARER", bearer), ("XOAUTH2", google)):
                with self.subTest(kid=kid, mechanism=mechanism), self.server.session() as wire:
                    self.assertIn(mechanism, offered(wire))
                    wire.say(f"AUTH {mechanism} {form(self.issuer.token(kid))}", 235)
                    wire.mail(ALICE, BOB)

    def test_std_39_only_over_tls(self):
        with self.server.wire() as wire:
            wire.expect(220)
            self.assertEqual(offered(wire), [])
            self.assertIn(wire.say(f"AUTH OAUTHBEARER {bearer(self.issuer.token('e'))}").code, (530, 538))

    def test_std_39_unknown_pairs_are_ignored(self):
        with self.server.session() as wire:
            wire.say(f"AUTH OAUTHBEARER {bearer(self.issuer.token('e'), more='a=b' + chr(1))}", 235)

    def test_std_40_41_what_is_refused_and_how(self):
        now = int(time.time())
        for claims, reason in (({"exp": now - 61}, "expired"), ({"nbf": now + 600}, "not valid yet"),
                               ({"aud": "another"}, "for another audience"), ({"iss": "https://id.example"}, "another issuer"),
                               ({"email_verified": False}, "the address in the token is not verified")):
            with self.subTest(reason=reason):
                self.refused(self.issuer.token("e", **claims), reason)
        self.refused(self.issuer.token("e", scope="openid"), "the scope is missing", "insufficient_scope")
        self.refused(self.issuer.token("e")[:-4] + "AAAA", "the signature is wrong")
        self.refused(self.issuer.token("e"), "the authorization identity is someone else", account=BOB)
        self.refused(self.issuer.token("e", "nobody@postern.test"), "no such account", account="nobody@postern.test")

    def test_std_40_google_s_form_is_answered_in_google_s_form(self):
        with self.server.session() as wire:
            challenge = wire.say(f"AUTH XOAUTH2 {google(self.issuer.token('e', exp=1))}", 334)
            told = json.loads(base64.b64decode(challenge.text))
            self.assertEqual(told, {"status": "401", "schemes": "Bearer", "scope": "smtp"})
            wire.say("", 535, "5.7.8")

    def test_curl_sends_mail_with_a_token(self):
        need("curl")
        for mechanism in ("OAUTHBEARER", "XOAUTH2"):
            subject = f"by {mechanism}"
            done = run("curl", "-sS", "--crlf", f"smtp://localhost:{self.server.submission}", "--ssl-reqd", "--cacert",
                       Authority.shared().ca, "--user", f"{ALICE}:", "--login-options", f"AUTH={mechanism}",
                       "--oauth2-bearer", self.issuer.token("r"), "--mail-from", ALICE, "--mail-rcpt", BOB, "-T", "-",
                       input=message(ALICE, BOB, subject))
            self.assertEqual(done.returncode, 0, done.stderr)
            self.server.wait_mail(BOB, subject)

    def test_new_keys_are_fetched_and_a_dead_issuer_is_454(self):
        with Postern({"oauth": self.oauth}) as server:
            with server.session() as wire:
                wire.say(f"AUTH OAUTHBEARER {bearer(self.issuer.token('e'))}", 235)
        issuer = Issuer(self.issuer.folder)
        self.addCleanup(issuer.close)
        issuer.add("first", "ES256")
        issuer.down = True
        oauth = {**self.oauth, "issuer": issuer.name, "keys": f"{issuer.name}/keys"}
        with Postern({"oauth": oauth}) as server:
            server.wait_log("token_keys_failed")
            with server.session() as wire:
                wire.say(f"AUTH OAUTHBEARER {bearer(issuer.token('first'))}", 454, "4.7.0")
            # A reload asks again.
            issuer.down = False
            asked = issuer.asked
            server.signal(1)
            server.wait_log("token_keys .*keys=1")
            self.assertGreater(issuer.asked, asked)
            with server.session() as wire:
                wire.say(f"AUTH OAUTHBEARER {bearer(issuer.token('first'))}", 235)

    def test_keys_in_a_file_that_changes(self):
        file = self.issuer.folder / "keys.json"
        file.write_text(json.dumps({"keys": [self.issuer.keys["e"][1]]}))
        with Postern({"oauth": {**self.oauth, "keys": file}, "auth": {"failure_delay": "20 ms"}}) as server:
            with server.session() as wire:
                wire.say(f"AUTH OAUTHBEARER {bearer(self.issuer.token('e'))}", 235)
            with server.session() as wire:
                wire.say(f"AUTH OAUTHBEARER {bearer(self.issuer.token('d'))}", 334)
                wire.say("AQ==", 535)
            file.write_text(self.issuer.document())
            with server.session() as wire:
                wire.say(f"AUTH OAUTHBEARER {bearer(self.issuer.token('d'))}", 235)

    def test_nothing_of_it_without_an_issuer(self):
        with Postern() as server, server.session() as wire:
            self.assertEqual(offered(wire), ["SCRAM-SHA-256", "PLAIN", "LOGIN"])
            wire.say(f"AUTH XOAUTH2 {google('x')}", 504)


class People:
    """An authority that says which person a certificate is for."""

    def __init__(self, folder):
        self.folder, self.ca = folder, folder / "ca.pem"
        run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3",
            "-subj", "/CN=People", "-keyout", folder / "ca.key", "-out", self.ca, check=True)

    def issue(self, stem, addresses, usage="clientAuth"):
        """Signed by the people's authority, or by itself when there are no addresses."""
        pem, key, request, extension = (self.folder / f"{stem}.{end}" for end in ("pem", "key", "csr", "ext"))
        if addresses is None:
            run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3",
                "-subj", f"/CN={stem}", "-keyout", key, "-out", pem, check=True)
            return pem, key
        run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={stem}",
            "-keyout", key, "-out", request, check=True)
        extension.write_text("subjectAltName=" + ",".join(f"email:{a}" for a in addresses) + f"\nextendedKeyUsage={usage}\n")
        run("openssl", "x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self.folder / "ca.key",
            "-CAcreateserial", "-days", "3", "-extfile", extension, "-out", pem, check=True)
        return pem, key


class External(unittest.TestCase):
    """A client certificate in place of a password."""
    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-people-"))
        cls.addClassCleanup(shutil.rmtree, folder, True)
        cls.folder = folder
        cls.people = People(folder)
        cls.bob = cls.people.issue("bob", None)
        cls.alice = cls.people.issue("alice", [ALICE])
        cls.both = cls.people.issue("both", [ALICE, BOB])
        cls.nobody = cls.people.issue("nobody", ["nobody@postern.test"])
        cls.down = cls.people.issue("down", ["anna@down.test"])
        cls.down_and_up = cls.people.issue("down_and_up", ["anna@down.test", ALICE])
        cls.server_only = cls.people.issue("server_only", [ALICE], usage="serverAuth")
        der = run("openssl", "pkey", "-in", cls.bob[1], "-pubout", "-outform", "DER", input=b"", check=True).stdout
        written = documented("EXTERNAL")
        cls.port, = free_ports(1)
        bound = {**written["auth"]["certificates"][0], "account": BOB, "key": hashlib.sha256(der).hexdigest()}
        cls.server = Postern(
            {"auth": {"client_authorities": cls.people.ca, "certificates": [bound], "failure_delay": "20 ms"},
             "backend": [{"name": "down", "type": "postgresql", "connection": "host=/nonexistent", "domain": "down.test",
                          "user_query": "SELECT password FROM users WHERE name = $1"}]},
            listeners=[{**written["listener"][0], "address": f"{HOST}:{cls.port}"}])
        cls.addClassCleanup(cls.server.__exit__, None, None, None)

    def wire(self, pair, old=False):
        context = client_context()
        if old:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        if pair:
            context.load_cert_chain(*pair)
        wire = self.server.wire(port=self.port, tls=True, context=context)
        wire.expect(220)
        return wire

    def test_std_42_by_key_and_by_authority(self):
        for old in (False, True):
            for pair, wanted in ((self.bob, ""), (self.bob, BOB), (self.alice, ""), (self.both, BOB), (self.both, ALICE)):
                with self.subTest(certificate=pair[0].stem, wanted=wanted, old=old), self.wire(pair, old) as wire:
                    self.assertEqual(offered(wire), ["EXTERNAL", "PLAIN", "LOGIN"])
                    wire.say(f"AUTH EXTERNAL {base64.b64encode(wanted.encode()).decode() or '='}", 235)
                    account = wanted or {"bob": BOB, "alice": ALICE}[pair[0].stem]
                    wire.mail(account, BOB)

    def test_std_42_someone_else_s(self):
        for pair, wanted in ((self.bob, ALICE), (self.alice, BOB), (self.both, "")):
            with self.subTest(certificate=pair[0].stem, wanted=wanted), self.wire(pair) as wire:
                wire.ehlo()
                wire.say(f"AUTH EXTERNAL {base64.b64encode(wanted.encode()).decode() or '='}", 535, "5.7.8")

    def test_std_42_not_offered_without_a_certificate_that_is_some_account_s(self):
        stranger = self.people.issue("stranger", None)
        for pair in (None, stranger, self.nobody, self.server_only):
            with self.subTest(certificate=pair and pair[0].stem), self.wire(pair) as wire:
                self.assertEqual(offered(wire), ["PLAIN", "LOGIN"])
                wire.say("AUTH EXTERNAL =", 504)
                wire.auth_plain(ALICE, PASSWORDS[ALICE])

    def test_nobody_is_refused_while_who_knows_the_account_is_down(self):
        for pair, wanted, code in ((self.down, "", 454), (self.down, "anna@down.test", 454), (self.down_and_up, ALICE, 235),
                                   (self.down_and_up, "", 454)):
            with self.subTest(certificate=pair[0].stem, wanted=wanted), self.wire(pair) as wire:
                self.assertEqual(offered(wire), ["EXTERNAL", "PLAIN", "LOGIN"])
                wire.say(f"AUTH EXTERNAL {base64.b64encode(wanted.encode()).decode() or '='}", code)
                if code == 454:
                    wire.auth_plain(ALICE, PASSWORDS[ALICE])

    def test_other_listeners_do_not_ask(self):
        context = client_context()
        context.load_cert_chain(*self.alice)
        with self.server.wire(tls=True, context=context) as wire:
            wire.expect(220)
            self.assertEqual(offered(wire), ["SCRAM-SHA-256", "PLAIN", "LOGIN"])

    def test_a_switched_off_account_stays_out(self):
        self.server.cli("account", "smtp-auth", ALICE, "off", check=True)
        self.addCleanup(self.server.cli, "account", "smtp-auth", ALICE, "on", check=True)
        with self.wire(self.alice) as wire:
            wire.ehlo()
            wire.say("AUTH EXTERNAL =", 535)

    def test_our_own_client(self):
        place = ("send", "--server", f"localhost:{self.port}", "--tls", "implicit", "--ca", Authority.shared().ca, "--certificate",
                 self.bob[0], "--key", self.bob[1], "--from", BOB, "--to", BOB, "--json")
        sent = run(PROGRAM, *place, "--mechanism", "EXTERNAL")
        self.assertEqual(json.loads(sent.stdout)["mechanism"], "EXTERNAL", sent.stdout + sent.stderr)
        self.assertEqual(sent.returncode, 0)
        # With a password, the certificate is only shown: EXTERNAL was not named.
        other = run(PROGRAM, *place, "--user", BOB, "--password-stdin", input=PASSWORDS[BOB] + "\n")
        self.assertEqual(json.loads(other.stdout)["mechanism"], "PLAIN", other.stdout + other.stderr)

    def test_curl(self):
        need("curl")
        pem, key = self.bob
        done = run("curl", "-sS", "--crlf", f"smtps://localhost:{self.port}", "--cacert", Authority.shared().ca, "--cert", pem, "--key",
                   key, "--user", f"{BOB}:", "--login-options", "AUTH=EXTERNAL", "--mail-from", BOB, "--mail-rcpt", BOB, "-T",
                   "-", input=message(BOB, BOB, "by certificate"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.server.wait_mail(BOB, "by certificate")


class CramMd5(unittest.TestCase):
    """For accounts that opted in, and shown only when there is one."""
    def server(self, accounts=(ALICE, BOB)):
        server = Postern({"auth": {**documented("CRAM-MD5")["auth"], "failure_delay": "20 ms"}}, accounts=accounts)
        self.addCleanup(server.__exit__, None, None, None)
        return server

    def opt_in(self, server, address=ALICE):
        server.cli("account", "password", "--cram-md5", "--password-stdin", address, input=PASSWORDS[address] + "\n",
                   check=True)

    def exchange(self, wire, user, password):
        challenge = base64.b64decode(wire.say("AUTH CRAM-MD5", 334).text)
        self.assertRegex(challenge, rb"^<[0-9a-f]{32}@mail\.postern\.test>$")
        digest = hmac.new(password.encode(), challenge, "md5").hexdigest()
        return wire.say(base64.b64encode(f"{user} {digest}".encode()).decode())

    def test_it_is_shown_when_an_account_opted_in_and_gone_when_none_has(self):
        server = self.server()
        with server.session() as wire:
            self.assertEqual(offered(wire), ["SCRAM-SHA-256", "PLAIN", "LOGIN"])
            wire.say("AUTH CRAM-MD5", 504)
        self.opt_in(server)
        with server.session() as wire:
            self.assertEqual(offered(wire), ["SCRAM-SHA-256", "PLAIN", "LOGIN", "CRAM-MD5"])
            self.assertEqual(self.exchange(wire, ALICE, PASSWORDS[ALICE]).code, 235)
            wire.mail(ALICE, BOB)
        self.assertIn("CRAM-MD5", server.cli("account", "show", ALICE, check=True).stdout)
        server.set_password(ALICE, PASSWORDS[ALICE])
        with server.session() as wire:
            self.assertNotIn("CRAM-MD5", offered(wire))

    def test_others_fail_alike(self):
        server = self.server()
        self.opt_in(server)
        replies = set()
        for user, password in ((ALICE, "guess"), (BOB, PASSWORDS[BOB]), ("nobody@postern.test", "x")):
            with server.session() as wire:
                reply = self.exchange(wire, user, password)
                self.assertEqual((reply.code, reply.status), (535, "5.7.8"))
                replies.add(re.sub(r"\(.*", "", reply.text))
        self.assertEqual(len(replies), 1)
        server.wait_log("the account has no CRAM-MD5 secret")
        # The same exchange a second time.
        with server.session() as wire:
            challenge = base64.b64decode(wire.say("AUTH CRAM-MD5", 334).text)
            answer = base64.b64encode(f"{ALICE} {hmac.new(PASSWORDS[ALICE].encode(), challenge, 'md5').hexdigest()}".encode())
            wire.say(answer.decode(), 235)
        with server.session() as wire:
            wire.say("AUTH CRAM-MD5", 334)
            wire.say(answer.decode(), 535)

    def test_gsasl_and_python(self):
        need("gsasl")
        server = self.server()
        self.opt_in(server)
        done = run("gsasl", "--smtp", f"--connect={HOST}:{server.submission}", "--starttls",
                   f"--x509-ca-file={Authority.shared().ca}", "--mechanism=CRAM-MD5", f"--authentication-id={ALICE}",
                   f"--password={PASSWORDS[ALICE]}", "--hostname=localhost", "--service=smtp", "--verbose", input="")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("235 2.7.0", done.stdout)
        client = smtplib.SMTP("localhost", server.submission)
        with client:
            client.starttls(context=client_context())
            client.ehlo()
            client.user, client.password = ALICE, PASSWORDS[ALICE]
            self.assertEqual(client.auth("CRAM-MD5", client.auth_cram_md5)[0], 235)


if __name__ == "__main__":
    unittest.main()
