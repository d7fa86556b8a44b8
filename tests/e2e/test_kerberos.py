"""GSSAPI against MIT's own KDC: tickets that are right, and all those that are not; real
programs, and exchanges with every step tampered with. docs/mechanisms.md has the configuration,
which is read from there."""
import base64
import contextlib
import json
import os
import re
import shutil
import smtplib
import time
import unittest

from harness import HOST, NAME, PROGRAM, Authority, Postern, client_context, free_ports, message, need, run, wait_for
from kerberos import FOREIGN, REALM, SPNEGO, Client, Kdc
from mutt import mutt, need_mutt_with_gssapi
from test_mechanisms import documented, offered

ANNA, BERTA, BACKUP = "anna@example.com", "berta@example.com", "backup@example.com"
PLAIN_LAYER = b"\x01\x00\x00\x00"
PASSWORD = "not*asked*for"


def b64(octets):
    return base64.b64encode(octets).decode()


class Tickets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kdc = Kdc()
        cls.addClassCleanup(cls.kdc.close)
        cls.kdc.add_users("anna", "berta", "nobody", "anna/admin", "backup/host7.example.com")
        cls.kdc.add_users("anna", realm=FOREIGN)
        services = [f"smtp/{host}" for host in ("localhost", NAME)]
        cls.kdc.admin(*(f"addprinc -randkey {s}" for s in [*services, "imap/localhost", "smtp/other.postern.test"]))
        # A key of another service stands in it, too: it opens nothing.
        cls.keytab = cls.kdc.keytab("postern", *services, "imap/localhost")
        cls.port, = free_ports(1)
        config = documented("GSSAPI (Kerberos)")
        cls.documented = {k: v for k, v in config.items() if k != "listener"}
        cls.documented["kerberos"] = {**config["kerberos"], "keytab": cls.keytab}
        cls.listener = {**config["listener"][0], "address": f"{HOST}:{cls.port}"}
        cls.server = cls.new_server()
        cls.addClassCleanup(cls.server.__exit__, None, None, None)
        cls.server.port = cls.port
        cls.anna = cls.kdc.tickets("anna")

    @classmethod
    def new_server(cls, config=None, listener=None, accounts=(ANNA, BERTA, BACKUP), environment=None):
        auth = {"failure_delay": "0s", "failures": 1000}
        made = Postern({"domains": {"local": ["example.com", "postern.test"]}, "auth": auth,
                        "limits": {"errors": 1000, "connections_per_address": 1000}, **cls.documented, **(config or {})},
                       accounts=(), listeners=[listener or cls.listener], environment=environment, start=False)
        for account in accounts:
            made.add_account(account, PASSWORD)
        made.start()
        return made

    def wire(self, server=None):
        server = server or self.server
        return server.session(port=server.ports()[-1])

    def exchange(self, wire, client, choice=PLAIN_LAYER, initial=True, change=lambda n, octets: octets):
        """An exchange as RFC 4752 has it; `change` may alter the client's n-th token."""
        token = change(0, client.step())
        if initial:
            reply = wire.say(f"AUTH GSSAPI {b64(token)}")
        else:
            self.assertEqual(wire.say("AUTH GSSAPI", 334).text, "")
            reply = wire.say(b64(token))
        if reply.code != 334:
            return reply
        if client.flags & 2:
            self.assertEqual(client.step(base64.b64decode(reply.text)), b"")
            reply = wire.say(b64(change(1, b"")))
            if reply.code != 334:
                return reply
        self.assertEqual(client.unwrap(base64.b64decode(reply.text)), PLAIN_LAYER)
        return wire.say(b64(change(2, client.wrap(choice))))

    def refused(self, client, cause, code=535, status="5.7.8", server=None, **how):
        """The reply, and what the log tells the operator."""
        server = server or self.server
        seen = len(server.log())
        with self.wire(server) as wire:
            reply = self.exchange(wire, client, **how)
            self.assertEqual((reply.code, reply.status), (code, status), reply)
            wire.say("NOOP", 250)
        wait_for(lambda: re.search(cause, server.log()[seen:]), f"{cause} in {server.log()[seen:]}")

    # what works

    def test_a_ticket_is_a_login(self):
        for initial in (True, False):
            for flags in (46, 44, 2, 0):
                with self.subTest(initial=initial, flags=flags), self.wire() as wire:
                    self.assertIn("GSSAPI", offered(wire))
                    self.assertEqual(self.exchange(wire, Client(self.anna, flags=flags), initial=initial).code, 235)
                    wire.mail(ANNA, BERTA)
                    wire.say(f"MAIL FROM:<{BERTA}>", 503)
        self.server.wait_log(r"login .*account=anna@example\.com mechanism=GSSAPI .*ticket of anna@EXAMPLE\.COM")

    def test_our_own_clients(self):
        place = (f"localhost:{self.port}", "--tls", "starttls", "--ca", Authority.shared().ca, "--mechanism", "GSSAPI")
        words = ("send", "--server", *place, "--from", ANNA, "--to", BERTA, "--json")
        sent = run(PROGRAM, *words, env=self.anna)
        self.assertEqual(sent.returncode, 0, sent.stdout + sent.stderr)
        self.assertEqual(json.loads(sent.stdout)["mechanism"], "GSSAPI")
        self.assertEqual(run(PROGRAM, *words, "--authzid", ANNA, env=self.anna).returncode, 0)
        other = run(PROGRAM, *words, "--authzid", BERTA, env=self.anna)
        self.assertEqual(json.loads(other.stdout)["outcome"], "login-failed")
        # Without a ticket it says so; and it is never used unless it was named.
        without = json.loads(run(PROGRAM, *words, env={**self.anna, "KRB5CCNAME": f"FILE:{self.kdc.dir}/none"}).stdout)
        self.assertEqual(without["outcome"], "login-failed")
        self.assertIn("Kerberos: ", without["text"])
        unnamed = run(PROGRAM, *[w for w in words if w not in ("--mechanism", "GSSAPI")], "--user", ANNA, "--password-stdin",
                      input=PASSWORD + "\n", env=self.anna)
        self.assertNotEqual(json.loads(unnamed.stdout)["mechanism"], "GSSAPI")
        done = run(PROGRAM, "check", *place, "--from", ANNA, "--json", env=self.anna)
        report = json.loads(done.stdout)
        self.assertEqual([("GSSAPI", True)], [(row["mechanism"], row["accepted"]) for row in report["logins"]])

    def test_the_authorization_identity(self):
        for wanted in ("", ANNA, "Anna@Example.COM", "anna", "anna@EXAMPLE.COM"):
            with self.subTest(wanted=wanted), self.wire() as wire:
                self.assertEqual(self.exchange(wire, Client(self.anna), PLAIN_LAYER + wanted.encode()).code, 235)
        for wanted in (BERTA, "berta", "ann", "root", "anna@foreign.test"):
            with self.subTest(wanted=wanted):
                self.refused(Client(self.anna), "the authorization identity is someone else",
                             choice=PLAIN_LAYER + wanted.encode())
        for wanted in (b"anna\0", b"\xff", b"a\nb", b"x" * 256):
            self.refused(Client(self.anna), "unacceptable authorization identity", 501, "5.5.2",
                         choice=PLAIN_LAYER + wanted)

    def test_a_bound_principal(self):
        with self.wire() as wire:
            tickets = self.kdc.tickets("backup/host7.example.com")
            self.assertEqual(self.exchange(wire, Client(tickets)).code, 235)
            wire.mail(BACKUP, BERTA)

    def test_a_renewed_ticket_and_two_names_of_the_server(self):
        self.kdc.admin(f"modprinc -maxrenewlife 7d krbtgt/{REALM}", "modprinc -maxrenewlife 7d berta",
                       f"modprinc -maxrenewlife 7d smtp/{NAME}")
        tickets = self.kdc.tickets("berta", "-l", "1h", "-r", "1d")
        run("kinit", "-R", env=tickets, check=True)
        for host in ("localhost", NAME):
            with self.wire() as wire:
                self.assertEqual(self.exchange(wire, Client(tickets, f"smtp@{host}")).code, 235)

    def test_where_basic_passwords_are_off(self):
        auth = {"failure_delay": "0s", "basic_passwords": False}
        with self.new_server({"auth": auth}, {**self.listener, "address": f"{HOST}:{free_ports(1)[0]}"}) as server:
            with self.wire(server) as wire:
                # Nobody has an app password.
                self.assertEqual(offered(wire), ["GSSAPI"])
                self.assertEqual(self.exchange(wire, Client(self.anna)).code, 235)
                wire.mail(ANNA, BERTA)
            server.cli("account", "basic-passwords", ANNA, "on", check=True)
            with self.wire(server) as wire:
                wire.say("AUTH PLAIN " + b64(f"\0{ANNA}\0{PASSWORD}".encode()), 235)

    # what does not

    def test_who_is_nobody_here(self):
        self.refused(Client(self.kdc.tickets("nobody")), "no such account")
        self.refused(Client(self.kdc.tickets("anna", realm=FOREIGN)),
                     r"realm is not in kerberos\.realms.*|ticket of anna@FOREIGN\.TEST.*realm is not")
        self.refused(Client(self.kdc.tickets("anna/admin")), "only kerberos.principals can name its account")

    def test_switched_off(self):
        tickets = self.kdc.tickets("berta")
        try:
            self.server.cli("account", "smtp-auth", BERTA, "off", check=True)
            self.refused(Client(tickets), "auth-smtp-off")
            self.server.cli("account", "disable", BERTA, check=True)
            self.refused(Client(tickets), "auth-account-disabled", 525, "5.7.13")
        finally:
            self.server.cli("account", "enable", BERTA, check=True)
            self.server.cli("account", "smtp-auth", BERTA, "on", check=True)
        with self.wire() as wire:
            self.assertEqual(self.exchange(wire, Client(tickets)).code, 235)

    def test_another_service_or_host(self):
        # The keytab has the key of the first; but no mail program would use it.
        for service in ("imap@localhost", "smtp@other.postern.test"):
            with self.subTest(service=service):
                self.refused(Client(self.anna, service), "the ticket is for another service")

    def test_a_replay(self):
        # Without mutual authentication whoever recorded it all could say it all again.
        client, said = Client(self.anna, flags=0), {}

        def record(number, octets):
            said[number] = octets
            return octets
        with self.wire() as wire:
            self.assertEqual(self.exchange(wire, client, change=record).code, 235)
        with self.wire() as wire:
            wire.say(f"AUTH GSSAPI {b64(said[0])}", 535, "5.7.8")
        self.server.wait_log("seen before")
        # Our notes of them outlive the server.
        self.server.stop()
        self.server.start()
        with self.wire() as wire:
            wire.say(f"AUTH GSSAPI {b64(said[0])}", 535, "5.7.8")

    def test_each_step_tampered_with(self):
        length = len(Client(self.anna).step())
        changes = [(0, at) for at in (0, 1, 4, 12, 15, 16, 20, 30, length // 3, length // 2, -60, -1)]
        changes += [(2, at) for at in (0, 1, 2, 3, 5, 8, 15, 16, 20, -1)]
        for number, at in changes:
            def flip(n, octets):
                if n != number:
                    return octets
                changed = bytearray(octets)
                changed[at] ^= 0x10
                return bytes(changed)
            with self.subTest(token=number, octet=at), self.wire() as wire:
                reply = self.exchange(wire, Client(self.anna), change=flip)
                self.assertIn((reply.code, reply.status), [(535, "5.7.8"), (501, "5.5.2")], reply)
                wire.say("MAIL FROM:<anna@example.com>", 530)
        for number in (0, 2):
            for cut in (1, 10, 16):
                with self.subTest(token=number, cut=cut), self.wire() as wire:
                    reply = self.exchange(wire, Client(self.anna), change=lambda n, o: o[:cut] if n == number else o)
                    self.assertIn(reply.code, (501, 535), reply)
        self.refused(Client(self.anna), "a token behind the end", 501, "5.5.2", change=lambda n, o: b"x" if n == 1 else o)

    def test_the_security_layer(self):
        for choice, cause in ((b"", "no choice"), (b"\1\0\0", "no choice"), (b"\0\0\0\0", "not offered"),
                              (b"\2\0\x10\0", "not offered"), (b"\4\0\x10\0", "not offered"),
                              (b"\5\0\0\0", "not offered"), (b"\1\0\x10\0", "without a security layer")):
            with self.subTest(choice=choice):
                self.refused(Client(self.anna), cause, 501, "5.5.2", choice=choice)

    def test_tokens_of_others(self):
        spnego = Client(self.anna, mechanism=SPNEGO).step()
        for token in (spnego, b"NTLMSSP\0\1\0\0\0\7\x82\x08\xa2" + b"\0" * 24, b"\0", b"\x60", os.urandom(900)):
            with self.wire() as wire:
                wire.say(f"AUTH GSSAPI {b64(token)}", 501, "5.5.2")
                wire.say("AUTH GSSAPI", 334)
                wire.say(b64(token), 501, "5.5.2")
                wire.say("AUTH GSSAPI =", 501, "5.5.2")
                self.assertEqual(self.exchange(wire, Client(self.anna)).code, 235)

    def test_long_tokens(self):
        with self.wire() as wire:
            wire.say("AUTH GSSAPI", 334)
            # RFC 4954 section 4: 12288 octets of base64 in a line, and no more.
            wire.say(b64(b"\x60\x82" + b"x" * 9211), 501, "5.5.2")
            wire.say("AUTH GSSAPI", 334)
            self.assertEqual(wire.say("A" * 12296).code, 500)
            wire.say("NOOP", 250)
            self.assertEqual(self.exchange(wire, Client(self.anna)).code, 235)

    def test_cancelled_at_each_step(self):
        with self.wire() as wire:
            wire.say("AUTH GSSAPI", 334)
            wire.say("*", 501)
            client = Client(self.anna)
            wire.say(f"AUTH GSSAPI {b64(client.step())}", 334)
            wire.say("*", 501)
            wire.say(f"AUTH GSSAPI {b64(Client(self.anna).step())}", 334)
            wire.say("", 334)
            wire.say("*", 501)
            wire.say(f"AUTH GSSAPI {b64(Client(self.anna).step())}", 334)
            wire.say("?", 501)
            self.assertEqual(self.exchange(wire, Client(self.anna)).code, 235)

    def test_only_where_it_can_succeed(self):
        with self.server.wire(port=self.port) as wire:
            wire.expect(220)
            self.assertEqual(offered(wire), [])
            self.assertIn(wire.say(f"AUTH GSSAPI {b64(Client(self.anna).step())}").code, (530, 538))
        # Not where it isn't named.
        with self.server.session() as wire:
            self.assertNotIn("GSSAPI", offered(wire))
            wire.say(f"AUTH GSSAPI {b64(Client(self.anna).step())}", 504)

    def test_why_tells_the_operator(self):
        with self.wire() as wire:
            reply = self.exchange(wire, Client(self.anna), PLAIN_LAYER + b"berta")
        session = re.search(r"\[([^\]]+)\]$|\(([^)]+)\)$|id ([\w.]+)", reply.text)
        self.assertIsNotNone(session, reply)
        told = self.server.cli("why", next(g for g in session.groups() if g)).stdout
        self.assertIn("the authorization identity is someone else", told)
        self.assertIn("GSSAPI", told)

    def test_a_ticket_that_is_given_up_does_not_hide_a_guess(self):
        # The same ticket again and again is one program in trouble; different passwords are not.
        guard = {"allow": [], "refuse_after": 3, "delay_after": 100}
        with self.new_server({"guard": guard}, {**self.listener, "address": f"{HOST}:{free_ports(1)[0]}"},
                             (ANNA,)) as server, self.wire(server) as wire:
            for _ in range(5):
                wire.say("AUTH GSSAPI YGFiYw==", 501)
                self.assertEqual(self.exchange(wire, Client(self.anna), PLAIN_LAYER + b"berta").code, 535)
            codes = []
            for guess in range(4):
                wire.say(f"AUTH GSSAPI {b64(Client(self.anna).step())}", 334)
                wire.say("*", 501)
                codes.append(wire.say("AUTH PLAIN " + b64(f"\0{ANNA}\0guess {guess}".encode())).code)
            self.assertEqual((codes[0], codes[-1]), (535, 454), codes)

    # the keytab and the clock

    def test_an_old_ticket_and_an_old_token(self):
        # A server that is strict about clocks, so that nobody has to wait five minutes.
        conf = self.kdc.write_conf(self.kdc.dir / "strict.conf", "  clockskew = 1")
        self.kdc.admin("addprinc -pw secret brief", 'modprinc -maxlife "2 seconds" brief')
        tickets = self.kdc.tickets("brief")
        token, old = Client(tickets).step(), Client(self.anna).step()
        made = time.time()
        with self.new_server(listener={**self.listener, "address": f"{HOST}:{free_ports(1)[0]}"},
                             environment={"KRB5_CONFIG": str(conf)}, accounts=(ANNA,)) as server:
            wait_for(lambda: time.time() > made + 4.1, "the ticket to expire")
            for octets, cause in ((token, "the ticket has expired"), (old, "the clocks of the client and of this server")):
                with self.wire(server) as wire:
                    wire.say(f"AUTH GSSAPI {b64(octets)}", 535, "5.7.8")
                server.wait_log(cause)
            with self.wire(server) as wire:
                self.assertEqual(self.exchange(wire, Client(self.kdc.tickets("anna"))).code, 235)

    def test_a_keytab_that_changes(self):
        self.kdc.admin("addprinc -randkey smtp/third.postern.test")
        keytab = self.kdc.dir / "changing.keytab"
        shutil.copy(self.kdc.keytab("third", "smtp/third.postern.test"), keytab)
        config = {**self.documented, "kerberos": {**self.documented["kerberos"], "keytab": keytab,
                                                  "hostname": "third.postern.test"}}

        def client():
            return Client(self.kdc.tickets("anna"), "smtp@third.postern.test")

        def shows():
            with self.wire(server) as wire:
                return "GSSAPI" in offered(wire)
        with self.new_server(config, {**self.listener, "address": f"{HOST}:{free_ports(1)[0]}"}, (ANNA,)) as server:
            with self.wire(server) as wire:
                self.assertEqual(self.exchange(wire, client()).code, 235)
            # The key is another one in the KDC than in the file.
            self.kdc.admin("cpw -randkey smtp/third.postern.test")
            self.refused(client(), r"version \(kvno\) of the key|key in the keytab is not the one", server=server)
            shutil.copy(self.kdc.keytab("third", "smtp/third.postern.test"), keytab)
            with self.wire(server) as wire:
                self.assertEqual(self.exchange(wire, client()).code, 235)
            # Gone: not the client's fault.
            with self.wire(server) as wire:
                keytab.unlink()
                wire.say(f"AUTH GSSAPI {b64(client().step())}", 454, "4.7.0")
            self.assertFalse(shows())
            server.wait_log("kerberos_keytab_failed .*No such file")
            # Of others only.
            shutil.copy(self.keytab, keytab)
            self.assertFalse(wait_for(lambda: re.search("no key of smtp/third", server.log()) or shows(), "") is True)
            self.assertIn("no key of smtp/third.postern.test", server.cli("config", "check").stderr)
            # What can't be noted as seen is not taken.
            shutil.copy(self.kdc.keytab("third", "smtp/third.postern.test"), keytab)
            wait_for(shows, "GSSAPI to be offered again")
            seen = server.dir / "data" / "kerberos.seen"
            self.assertEqual(seen.stat().st_mode & 0o777, 0o600)
            seen.unlink()
            seen.mkdir()
            with self.wire(server) as wire:
                wire.say(f"AUTH GSSAPI {b64(client().step())}", 454, "4.7.0")
            seen.rmdir()
            with self.wire(server) as wire:
                self.assertEqual(self.exchange(wire, client()).code, 235)

    def test_zz_the_kdc_is_down(self):
        """The server asks it nothing, so cached tickets stay good."""
        tickets = self.kdc.tickets("anna")
        first = Client(tickets)
        first.step()
        self.kdc.stop()
        try:
            with self.wire() as wire:
                self.assertEqual(self.exchange(wire, Client(tickets)).code, 235)
        finally:
            self.kdc.start()

    # other people's programs

    def sends(self, environment, subject, *command, input=None, ok=True):
        done = run(*command, env=environment, input=input if input is not None else message(ANNA, BERTA, subject))
        self.assertEqual(done.returncode == 0, ok, done.stdout + done.stderr)
        if ok:
            self.server.wait_mail(BERTA, subject)
        return done

    def test_gsasl(self):
        need("gsasl")
        command = ["gsasl", "--smtp", f"--connect={HOST}:{self.port}", "--starttls",
                   f"--x509-ca-file={Authority.shared().ca}", "--mechanism=GSSAPI", "--hostname=localhost",
                   "--service=smtp", "--verbose", "--quality-of-protection=qop-auth"]
        for names in ([f"--authentication-id={ANNA}", f"--authorization-id={ANNA}"], ["--authentication-id=anna"]):
            done = run(*command, *names, env=self.anna, input="")
            self.assertIn("235 2.7.0", done.stdout, done.stdout + done.stderr)
        done = run(*command, f"--authentication-id={BERTA}", f"--authorization-id={BERTA}", env=self.anna, input="")
        self.assertIn("535 5.7.8", done.stdout, done.stdout + done.stderr)
        done = run(*command, f"--authentication-id={ANNA}", f"--authorization-id={ANNA}", env=self.kdc.environment, input="")
        self.assertNotEqual(done.returncode, 0)
        self.assertNotIn("235 2.7.0", done.stdout)

    def test_curl(self):
        need("curl")
        if "GSS-API" not in run("curl", "--version").stdout:
            self.skipTest("this curl has no GSS-API")
        command = ["curl", "-sS", "--crlf", f"smtp://localhost:{self.port}", "--ssl-reqd", "--cacert",
                   Authority.shared().ca, "--user", f"{ANNA}:", "--mail-from", ANNA, "--mail-rcpt", BERTA, "-T", "-"]
        # Takes it by itself, since it is offered; and fails with it when there is no ticket.
        self.sends(self.anna, "by curl", *command)
        self.sends(self.kdc.environment, "by curl", *command, ok=False)
        self.sends(self.kdc.environment, "by curl with a password",
                   *[f"{ANNA}:{PASSWORD}" if c == f"{ANNA}:" else c for c in command], "--login-options", "AUTH=PLAIN")

    def test_msmtp(self):
        need("msmtp")
        file = self.server.dir / "msmtprc.client"
        file.write_text(f"account default\nhost localhost\nport {self.port}\ntls on\ntls_starttls on\n"
                        f"tls_trust_file {Authority.shared().ca}\nauth gssapi\nuser {ANNA}\nfrom {ANNA}\n")
        file.chmod(0o600)
        self.sends(self.anna, "by msmtp", "msmtp", "-C", file, BERTA)
        self.sends(self.kdc.environment, "by msmtp", "msmtp", "-C", file, BERTA, ok=False)

    def test_mutt_with_cyrus_sasl(self):
        need_mutt_with_gssapi()
        command, home = mutt(self.server.dir, f"smtp://{ANNA}@localhost:{self.port}", "gssapi", ANNA)
        self.sends({**self.anna, **home}, "by mutt", *command, "by mutt", "--", BERTA, input="Hello.\n")
        self.sends({**self.kdc.environment, **home}, "by mutt", *command, "again", "--", BERTA, input="Hello.\n", ok=False)

    def test_smtplib(self):
        with contextlib.ExitStack() as stack:
            s = stack.enter_context(smtplib.SMTP("localhost", self.port))
            s.starttls(context=client_context())
            client = Client(self.anna)
            # Command by command: auth() of smtplib carries text only.
            s.ehlo()
            code, reply = s.docmd("AUTH", "GSSAPI " + b64(client.step()))
            self.assertEqual(code, 334)
            client.step(base64.b64decode(reply))
            code, reply = s.docmd("")
            client.unwrap(base64.b64decode(reply))
            code, reply = s.docmd(b64(client.wrap(PLAIN_LAYER)))
            self.assertEqual(code, 235)
            s.sendmail(ANNA, [BERTA], message(ANNA, BERTA, "by smtplib"))
        self.server.wait_mail(BERTA, "by smtplib")


if __name__ == "__main__":
    unittest.main()
