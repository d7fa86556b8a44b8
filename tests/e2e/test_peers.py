"""Other people's servers on the other side: Postfix as next hop and as client, Dovecot as
LMTP server, smtp-sink. Each runs from a configuration of its own in a throw-away directory."""
import os
import pathlib
import pwd
import re
import shutil
import smtplib
import subprocess
import tempfile
import unittest

from harness import (ALICE, BOB, HOST, NAME, PASSWORDS, Authority, Postern, Sink, free_ports, message,
                     token, wait_for)
from peers import Dovecot, Postfix


class AsNextHop(unittest.TestCase):
    def test_postfix_takes_what_we_relay(self):
        def settings(postfix):
            owner = pwd.getpwnam("postfix")
            certificate, key = Authority.shared().issue("sink", ("sink.example", "localhost"))
            return {"virtual_mailbox_domains": "remote.test", "virtual_mailbox_base": postfix.dir / "mail",
                    "virtual_mailbox_maps": "inline:{ {friend@remote.test = friend/} }",
                    "virtual_uid_maps": f"static:{owner.pw_uid}", "virtual_gid_maps": f"static:{owner.pw_gid}",
                    "smtpd_tls_cert_file": certificate, "smtpd_tls_key_file": key,
                    "smtpd_tls_security_level": "may", "smtpd_tls_received_header": "yes", "smtputf8_enable": "yes"}
        with Postfix(settings) as postfix, \
                Postern({"delivery": {"smart_host": f"{HOST}:{postfix.port}", "retry": ["1 s"]}}) as server:
            word = token()
            with server.session(login=ALICE) as wire:
                wire.mail(ALICE, "friend@remote.test")
                wire.data(message(ALICE, "friend@remote.test", word, ".dot\n..two\n" + "x" * 990 + "\nend\n"))

            def look():
                return [p for p in (postfix.mail / "friend").glob("new/*") if word.encode() in p.read_bytes()]
            got = wait_for(look, f"the mail at Postfix\n{postfix.log()}\n{server.log()[-3000:]}", 30)[0].read_bytes()
            self.assertIn(b"\n.dot\n..two\n" + b"x" * 990 + b"\nend\n", got)
            self.assertRegex(got, rb"(?s)with ESMTPS .*with ESMTPSA")
            self.assertIn(b"Return-Path: <" + ALICE.encode(), got)

            # A refusal after RCPT becomes a report to the sender.
            with server.session(login=ALICE) as wire:
                wire.mail(ALICE, "nobody@remote.test")
                wire.data(message(ALICE, "nobody@remote.test", token()))
            report = server.wait_mail(ALICE, "multipart/report", 30).decode()
            self.assertRegex(report, r"(?i)Return-Path: <>")
            self.assertIn("Action: failed", report)
            self.assertRegex(report, r"Status: 5\.1\.1")
            self.assertRegex(report, r"(?i)Final-Recipient: rfc822; ?nobody@remote\.test")
            self.assertRegex(report, r"(?i)Diagnostic-Code: smtp; ?550")

    def test_smtp_sink(self):
        if not shutil.which("smtp-sink"):
            raise unittest.SkipTest("smtp-sink is not installed")
        port = free_ports(1)[0]
        folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-sink-"))
        folder.chmod(0o777)
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        sink = subprocess.Popen(["smtp-sink", *user, "-d", f"{folder}/%M.", f"{HOST}:{port}", "100"],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            with Postern({"delivery": {"smart_host": f"{HOST}:{port}", "retry": ["1 s"]}}) as server:
                words = [token() for _ in range(20)]
                with server.session(login=ALICE) as wire:
                    for word in words:
                        wire.mail(ALICE, "friend@remote.test", "other@remote.test")
                        wire.data(message(ALICE, "friend@remote.test", word, "Hello.\n" * 2000))

                def all_there():
                    got = b"".join(p.read_bytes() for p in folder.iterdir())
                    return all(word.encode() in got for word in words)
                wait_for(all_there, f"twenty messages at smtp-sink\n{server.log()[-2000:]}", 30)
        finally:
            sink.terminate()
            sink.wait()
            shutil.rmtree(folder, True)


class AsClient(unittest.TestCase):
    def test_postfix_relays_through_us(self):
        """What thousands of machines do: a Postfix whose smart host wants a login."""
        for implicit in (False, True):
            with self.subTest(port=465 if implicit else 587), Sink(tls=True) as sink, \
                    Postern({"delivery": {"smart_host": f"{HOST}:{sink.port}"}}) as server:
                port = server.submissions if implicit else server.submission

                def settings(postfix):
                    secret = postfix.dir / "sasl"
                    secret.write_text(f"[{HOST}]:{port} {ALICE}:{PASSWORDS[ALICE]}\n")
                    secret.chmod(0o600)
                    return {"relayhost": f"[{HOST}]:{port}", "smtp_sasl_auth_enable": "yes",
                            "smtp_sasl_password_maps": f"texthash:{secret}", "smtp_sasl_security_options": "noanonymous",
                            "smtp_tls_security_level": "secure", "smtp_tls_CAfile": Authority.shared().ca,
                            "smtp_tls_secure_cert_match": NAME, "smtp_tls_wrappermode": "yes" if implicit else "no",
                            "smtp_tls_loglevel": "1"}
                with Postfix(settings) as postfix:
                    word = token()
                    with smtplib.SMTP(HOST, postfix.port, timeout=20) as client:
                        client.sendmail(ALICE, ["friend@remote.test", BOB],
                                        f"From: {ALICE}\r\nSubject: {word}\r\n\r\nthrough two\r\n")
                    try:
                        server.wait_mail(BOB, word, 30)
                        sink.wait(word, 30)
                    except AssertionError as e:
                        raise AssertionError(f"{e}\n{postfix.log()}") from None
                    server.wait_log(r"mechanism[\"=: ]+(PLAIN|LOGIN|SCRAM-SHA-256)")


class Mailboxes(Dovecot):
    """A Dovecot that takes mail by LMTP."""

    def __init__(self):
        super().__init__(self.lmtp, "lmtp", needs="lmtp")
        owner = pwd.getpwnam("dovecot")
        self.mail.mkdir()
        os.chown(self.mail, owner.pw_uid, owner.pw_gid)
        (self.dir / "users").write_text(
            "".join(f"{a}::{owner.pw_uid}:{owner.pw_gid}::{self.mail}/{a}::\n" for a in (ALICE, BOB)))
        (self.dir / "users").chmod(0o644)

    def lmtp(self, _):
        self.mail, self.socket = self.dir / "mail", self.dir / "lmtp.socket"
        return f"""
            first_valid_uid = 1
            mail_location = maildir:{self.mail}/%d/%n
            lmtp_save_to_detail_mailbox = no
            postmaster_address = postmaster@postern.test
            passdb {{
              driver = static
              args = nopassword=y
            }}
            userdb {{
              driver = passwd-file
              args = {self.dir}/users
            }}
            service lmtp {{
              inet_listener lmtp {{
                address = {HOST}
                port = {self.port}
              }}
              unix_listener {self.socket} {{
                mode = 0666
              }}
            }}
            """

    def wait_mail(self, address, word):
        local, domain = address.split("@")

        def look():
            return [p for p in (self.dir / "mail").rglob("new/*") if word.encode() in p.read_bytes()
                    and (address in str(p) or f"{domain}/{local}" in str(p))]
        return wait_for(look, f"{word} in Dovecot's mailbox of {address}\n{self.log()}", 30)[0].read_bytes()


class AsMailbox(unittest.TestCase):
    def test_dovecot_takes_local_mail_by_lmtp(self):
        with Mailboxes() as dovecot:
            for target in (f"lmtp:{HOST}:{dovecot.port}", f"lmtp:unix:{dovecot.socket}"):
                with self.subTest(target=target.split(":")[1]), \
                        Postern({"delivery": {"local": target, "retry": ["1 s"]}}) as server:
                    word = token()
                    with server.session(login=ALICE) as wire:
                        wire.mail(ALICE, BOB, ALICE)
                        wire.data(message(ALICE, BOB, word, ".dot\nHello.\n"))
                    for address in (ALICE, BOB):
                        got = dovecot.wait_mail(address, word)
                        self.assertRegex(got, rb"(?m)^\.dot\r?$")
                    self.assertRegex(got, rb"with ESMTPSA")
                    # One recipient that Dovecot knows and one that it doesn't: each has its own fate.
                    server.add_account("carol@postern.test", "unknown to Dovecot")
                    word = token()
                    with server.session(login=ALICE) as wire:
                        wire.mail(ALICE, BOB, "carol@postern.test")
                        wire.data(message(ALICE, BOB, word))
                    dovecot.wait_mail(BOB, word)
                    report = dovecot.wait_mail(ALICE, "carol@postern.test")
                    self.assertIn(b"Action: failed", report)
                    self.assertTrue(re.search(rb"Status: 5\.1\.1", report))


class ScriptedNextHop(unittest.TestCase):
    """A next hop that misbehaves at each step: each recipient has the right fate, none is lost."""

    def deliver(self, answers, recipients=("friend@remote.test",), **options):
        sink = Sink(answers, **options)
        self.addCleanup(sink.close)
        server = Postern({"delivery": {"smart_host": f"{HOST}:{sink.port}", "retry": ["1 s"]}})
        self.addCleanup(server.__exit__, None, None, None)
        word = token()
        with server.session(login=ALICE) as wire:
            wire.mail(ALICE, *recipients)
            wire.data(message(ALICE, recipients[0], word))
        return server, sink, word

    GOOD = {"CONNECT": "220 sink.example ESMTP", "EHLO": "250 sink.example", "MAIL": "250 2.1.0 Ok",
            "RCPT": "250 2.1.5 Ok", "DATA": "354 Go on", "END": "250 2.0.0 Taken"}

    def at_every_step(self, bad):
        """Once bad, then good; all steps side by side, since a host that fails rests for a while."""
        under_way = []
        for verb, good in self.GOOD.items():
            used = []

            def answer(argument, good=good, used=used):
                used.append(argument)
                return bad if len(used) == 1 else good
            under_way.append((verb, *self.deliver({verb: answer})))
        for verb, server, sink, word in under_way:
            with self.subTest(verb=verb):
                try:
                    sink.wait(word, 60)
                except AssertionError:
                    raise AssertionError(f"not delivered:\n{server.log()[-3000:]}") from None
        for verb, server, sink, word in under_way:
            with self.subTest(verb=verb):
                self.assertEqual(len([m for m in sink.messages if word.encode() in m["content"]]), 1)

    def test_temporary_trouble_at_every_step(self):
        self.at_every_step("421 4.3.2 Later")

    def test_hanging_up_at_every_step(self):
        self.at_every_step(None)

    def test_each_recipient_has_its_own_fate(self):
        server, sink, word = self.deliver({"RCPT gone@remote.test": "550 5.1.1 No such user",
                                           "RCPT later@remote.test": "450 4.2.0 Busy"},
                                          ("friend@remote.test", "gone@remote.test", "later@remote.test"))
        self.assertEqual(sink.wait(word)["recipients"], ["friend@remote.test"])
        report = server.wait_mail(ALICE, "multipart/report").decode()
        self.assertIn("gone@remote.test", report)
        self.assertNotIn("Final-Recipient: rfc822; later@remote.test", report)
        sink.answers.clear()
        wait_for(lambda: any(m["recipients"] == ["later@remote.test"] for m in sink.messages), "the third recipient", 30)
        self.assertEqual(len(sink.messages), 2)

    def test_std_66_a_null_sender_gets_no_report(self):
        sink = Sink({"RCPT": "550 5.1.1 No"})
        self.addCleanup(sink.close)
        with Postern({"delivery": {"smart_host": f"{HOST}:{sink.port}"},
                      "relay": {"networks": ["127.0.0.2"]}}) as server:
            from harness import Wire
            with Wire(server.mx, source=("127.0.0.2", 0)) as wire:
                wire.expect(220)
                wire.ehlo()
                wire.mail("", "gone@remote.test")
                reply = wire.data(message("mailer-daemon@postern.test", "gone@remote.test", token()))
            server.wait_log(r"gone@remote\.test")
            import json

            def empty():
                rows = json.loads(server.cli("queue", "list", "--json", check=True).stdout)
                return rows in ([], {"queue": []})
            wait_for(empty, f"the queue to be empty after {reply}")
            self.assertEqual(server.mailbox(ALICE) + server.mailbox(BOB), [])
            self.assertEqual(sink.messages, [])

    def test_tls_is_used_where_it_can_be(self):
        server, sink, word = self.deliver({}, tls=True)
        self.assertTrue(sink.wait(word)["tls"])
        self.assertRegex(sink.wait(word)["content"].decode(), r"with ESMTPSA")

    def test_a_response_injected_before_the_handshake(self):
        """CVE-2021-38371: what comes before the handshake is no reply to what is said after it."""
        server, sink, word = self.deliver({"STARTTLS": "220 2.0.0 Go on\r\n250-injected\r\n250 AUTH PLAIN"}, tls=True)
        server.wait_log(r"(?i)4\.4\.2|tls|broke", 30)
        self.assertFalse([m for m in sink.messages if m["tls"]])

    def test_smtputf8_needs_it_next_door(self):
        """standards 73: no downgrade on the way on; a report instead."""
        sink = Sink()
        self.addCleanup(sink.close)
        with Postern({"delivery": {"smart_host": f"{HOST}:{sink.port}"}}) as server:
            with server.session(login=ALICE) as wire:
                wire.say(f"MAIL FROM:<{ALICE}> SMTPUTF8", 250)
                wire.say("RCPT TO:<zoë@remote.test>".encode(), 250)
                wire.data(message(ALICE, BOB, "wörd"))
            report = server.wait_mail(ALICE, "multipart/report", 30).decode()
            self.assertRegex(report, r"Status: 5\.6\.7")
            self.assertEqual(sink.messages, [])
        with Sink(extensions=["SMTPUTF8", "8BITMIME", "PIPELINING"]) as able, \
                Postern({"delivery": {"smart_host": f"{HOST}:{able.port}"}}) as server:
            word = token()
            with server.session(login=ALICE) as wire:
                wire.say(f"MAIL FROM:<{ALICE}> SMTPUTF8", 250)
                wire.say("RCPT TO:<zoë@remote.test>".encode(), 250)
                wire.data(message(ALICE, BOB, word))
            self.assertIn("SMTPUTF8", able.wait(word)["parameters"])

    def test_dsn_parameters_go_on(self):
        with Sink(extensions=["DSN", "8BITMIME", "PIPELINING"]) as sink, \
                Postern({"delivery": {"smart_host": f"{HOST}:{sink.port}"}}) as server:
            word = token()
            with server.session(login=ALICE) as wire:
                wire.say(f"MAIL FROM:<{ALICE}> RET=HDRS ENVID=my+2Did", 250)
                wire.say("RCPT TO:<friend@remote.test> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;friend@remote.test", 250)
                wire.data(message(ALICE, BOB, word))
            given = sink.wait(word)["parameters"]
            self.assertIn("RET=HDRS", given)
            self.assertTrue(any(p.startswith("ENVID=my") for p in given), given)
            self.assertTrue(any(p.startswith("NOTIFY=") and "SUCCESS" in p and "DELAY" in p for p in given), given)
            self.assertIn("ORCPT=rfc822;friend@remote.test", given)

    def test_a_loop_is_stopped(self):
        """standards 66: a hundred Received fields are enough."""
        with Postern() as server, server.session(login=ALICE) as wire:
            wire.mail(ALICE, BOB)
            wire.data("Received: from a by b; Thu, 1 Jan 2026 00:00:00 +0000\n" * 101 + message(ALICE, BOB, "loop"),
                      554, "5.4.6")


if __name__ == "__main__":
    unittest.main()
