"""Conversations with the real server, over real sockets: the statements of
docs/standards.md that a conversation can show, each test named after its number."""
import base64
import re
import socket
import statistics
import time
import tomllib
import unittest

from dialog import play
from harness import (ALICE, BOB, HOST, NAME, PASSWORDS, SANITIZED, SLOW, Postern, Sink, Wire, client_context, message, token)
from scram import Scram, b64

LOGGED_IN = """
S: 220
C: EHLO client.example
S: 250
C: AUTH PLAIN {alice}
S: 235 2.7.0
"""
TRANSACTION = LOGGED_IN + """
C: MAIL FROM:<alice@postern.test>
S: 250
C: RCPT TO:<bob@postern.test>
S: 250
"""

# (name, where, conversation); where: "587" clear at first, "465" under TLS, "25" clear at first.
DIALOGS = [
    ("std_01_auth_is_offered_after_ehlo_only", "465", """
        S: 220
        C: HELO client.example
        S: 250
        S- AUTH
        C: EHLO client.example
        S: 250
        S+ AUTH SCRAM-SHA-256 PLAIN LOGIN
        """),
    ("std_02_the_list_is_made_again_after_starttls", "587", """
        S: 220
        C: EHLO client.example
        S: 250
        S- AUTH
        S+ STARTTLS
        C: STARTTLS
        S: 220
        -- tls
        C: EHLO client.example
        S: 250
        S+ AUTH SCRAM-SHA-256 PLAIN LOGIN
        S- STARTTLS
        """),
    ("std_03_a_second_login_is_refused", "465", LOGGED_IN + """
        C: AUTH PLAIN {alice}
        S: 503 5.5.1
        C: MAIL FROM:<alice@postern.test>
        S: 250
        """),
    ("std_04_auth_in_a_transaction_changes_nothing", "465", """
        S: 220
        C: EHLO client.example
        S: 250
        C: AUTH PLAIN {alice}
        S: 235
        C: MAIL FROM:<alice@postern.test>
        S: 250
        C: AUTH PLAIN {alice}
        S: 503 5.5.1
        C: RCPT TO:<bob@postern.test>
        S: 250
        """),
    ("std_05_an_unknown_mechanism_is_504", "465", """
        S: 220
        C: EHLO client.example
        S: 250
        C: AUTH FOO
        S: 504 5.5.4
        C: AUTH
        S: 501 5.5.4
        C: AUTH PLAIN {alice}
        S: 235
        """),
    ("std_06_no_initial_response_and_an_empty_one_differ", "465", """
        S: 220
        C: EHLO client.example
        S: 250
        C: AUTH PLAIN
        S: 334 
        C: {alice}
        S: 235 2.7.0
        """),
    ("std_06_an_equals_sign_is_an_empty_response", "465", """
        S: 220
        C: EHLO client.example
        S: 250
        C: AUTH PLAIN =
        S: 501 5.5.2
        C: AUTH PLAIN {alice}
        S: 235
        """),
    ("std_07_login_takes_the_user_name_at_once", "465", """
        S: 220
        C: EHLO client.example
        S: 250
        C: AUTH LOGIN {alice_name}
        S: 334 UGFzc3dvcmQ6
        C: {alice_password}
        S: 235 2.7.0
        """),
    ("std_08_bad_base64_is_501", "465", """
        S: 220
        C: EHLO client.example
        S: 250
        C: AUTH PLAIN !!!
        S: 501 5.5.2
        C: AUTH PLAIN AA=A
        S: 501 5.5.2
        C: AUTH PLAIN AGE=b
        S: 501 5.5.2
        C: AUTH PLAIN AB==
        S: 501 5.5.2
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: Zm9v!
        S: 501 5.5.2
        C: AUTH PLAIN {alice}
        S: 235
        """),
    ("std_09_a_star_cancels", "465", """
        S: 220
        C: EHLO client.example
        S: 250
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: *
        S: 501 5.7.0
        C: AUTH PLAIN
        S: 334
        C: *
        S: 501 5.7.0
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: {alice_name}
        S: 334 UGFzc3dvcmQ6
        C: *
        S: 501 5.7.0
        C: AUTH PLAIN {alice}
        S: 235
        """),
    ("std_12_after_a_wrong_password_another_mechanism_works", "465", """
        S: 220
        C: EHLO client.example
        S: 250
        C: AUTH PLAIN {wrong}
        S: 535 5.7.8
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: {alice_name}
        S: 334 UGFzc3dvcmQ6
        C: {alice_password}
        S: 235
        """),
    ("std_16_a_login_is_asked_for_at_mail_only", "465", """
        S: 220
        C: EHLO client.example
        S: 250
        C: NOOP
        S: 250 2.0.0
        C: RSET
        S: 250 2.0.0
        C: HELO client.example
        S: 250
        C: EHLO client.example
        S: 250
        C: VRFY bob
        S: 252 2.
        C: MAIL FROM:<alice@postern.test>
        S: 530 5.7.0
        C: QUIT
        S: 221 2.0.0
        -- closed
        """),
    ("std_17_auth_before_tls_is_538", "587", """
        S: 220
        C: EHLO client.example
        S: 250
        S- AUTH
        C: AUTH PLAIN {alice}
        S: 538 5.7.11
        C: AUTH LOGIN
        S: 538 5.7.11
        C: STARTTLS
        S: 220
        -- tls
        C: EHLO client.example
        S: 250
        C: AUTH PLAIN {alice}
        S: 235
        """),
    ("std_20_the_auth_parameter_of_mail_is_parsed", "465", LOGGED_IN + """
        C: MAIL FROM:<alice@postern.test> AUTH=<>
        S: 250
        C: RSET
        S: 250
        C: MAIL FROM:<alice@postern.test> AUTH=e+3Dmc2@example.com
        S: 250
        C: RSET
        S: 250
        C: MAIL FROM:<alice@postern.test> AUTH=e+3xmc2@example.com
        S: 501 5.5.4
        C: MAIL FROM:<alice@postern.test> AUTH=e=mc2@example.com
        S: 501 5.5.4
        """),
    ("std_24_what_follows_auth_in_one_write_is_not_taken_as_its_answer", "465", """
        S: 220
        C: EHLO client.example
        S: 250
        R: AUTH PLAIN {alice}\\r\\nMAIL FROM:<alice@postern.test>\\r\\nNOOP\\r\\n
        S: 235
        S: 250
        S: 250 2.0.0
        """),
    ("std_25_to_act_for_somebody_else_is_refused", "465", """
        S: 220
        C: EHLO client.example
        S: 250
        C: AUTH PLAIN {alice_for_bob}
        S: 535 5.7.8
        C: AUTH PLAIN {alice_for_alice}
        S: 235
        """),
    ("std_26_plain_is_strict", "465", """
        S: 220
        C: EHLO client.example
        S: 250
        C: AUTH PLAIN AGFsaWNl
        S: 501 5.5.2
        C: AUTH PLAIN AAB4
        S: 501 5.5.2
        C: AUTH PLAIN AHgA
        S: 501 5.5.2
        C: AUTH PLAIN AHgAeQB6
        S: 501 5.5.2
        """),
    ("std_43_nothing_said_in_the_clear_survives_the_handshake", "25", """
        S: 220
        C: EHLO clear.example
        S: 250
        C: MAIL FROM:<somebody@remote.test>
        S: 250
        C: STARTTLS
        S: 220
        -- tls
        C: RCPT TO:<bob@postern.test>
        S: 503 5.5.1
        C: MAIL FROM:<somebody@remote.test>
        S: 503 5.5.1
        C: EHLO client.example
        S: 250
        C: MAIL FROM:<somebody@remote.test>
        S: 250
        """),
    ("std_44_starttls_once", "587", """
        S: 220
        C: EHLO client.example
        S: 250
        C: STARTTLS
        S: 220
        -- tls
        C: EHLO client.example
        S: 250
        S- STARTTLS
        C: STARTTLS
        S: 503 5.5.1
        """),
    ("std_45_port_25_takes_local_mail_without_tls", "25", """
        S: 220
        C: EHLO stranger.example
        S: 250
        S+ STARTTLS
        C: MAIL FROM:<somebody@remote.test>
        S: 250
        C: RCPT TO:<bob@postern.test>
        S: 250
        """),
    ("std_46_starttls_takes_no_parameter", "587", """
        S: 220
        C: EHLO client.example
        S: 250
        C: STARTTLS now
        S: 501 5.5.4
        C: MAIL FROM:<alice@postern.test>
        S: 530 5.7.0
        C: NOOP
        S: 250
        C: STARTTLS
        S: 220
        -- tls
        """),
    ("std_52_submission_needs_a_login", "465", """
        S: 220
        C: EHLO client.example
        S: 250
        C: MAIL FROM:<somebody@remote.test>
        S: 530 5.7.0
        C: RCPT TO:<bob@postern.test>
        S: 503 5.5.1
        C: DATA
        S: 503 5.5.1
        """),
    ("std_53_addresses_have_a_full_domain", "465", LOGGED_IN + """
        C: MAIL FROM:<alice@postern.test>
        S: 250
        C: RCPT TO:<bob@localonly>
        S: 553 5.1.3
        C: RCPT TO:<bob>
        S: 5
        C: RCPT TO:<bob@postern.test>
        S: 250
        """),
    ("std_55_an_envelope_sender_of_somebody_else_is_refused", "465", LOGGED_IN + """
        C: MAIL FROM:<bob@postern.test>
        S: 550 5.7.1
        C: MAIL FROM:<alice@elsewhere.test>
        S: 550 5.7.1
        C: MAIL FROM:<alice@postern.test>
        S: 250
        """),
    ("std_55_a_header_from_of_somebody_else_is_refused", "465", TRANSACTION + """
        C: DATA
        S: 354
        R: From: Bob <bob@postern.test>\\r\\nSubject: x\\r\\n\\r\\nx\\r\\n.\\r\\n
        S: 550 5.7.1
        C: MAIL FROM:<alice@postern.test>
        S: 250
        C: RCPT TO:<bob@postern.test>
        S: 250
        C: DATA
        S: 354
        R: From: alice@postern.test, bob@postern.test\\r\\nSubject: x\\r\\n\\r\\nx\\r\\n.\\r\\n
        S: 550 5.7.1
        """),
    ("std_58_what_submission_offers", "465", LOGGED_IN + """
        C: EHLO client.example
        S: 250
        S+ PIPELINING
        S+ SIZE
        S+ 8BITMIME
        S+ SMTPUTF8
        S+ ENHANCEDSTATUSCODES
        S+ DSN
        S+ CHUNKING
        S+ BINARYMIME
        S+ REQUIRETLS
        S+ LIMITS
        S+ HELP
        """),
    ("std_61_postmaster_without_a_domain", "25", """
        S: 220
        C: EHLO stranger.example
        S: 250
        C: MAIL FROM:<>
        S: 250
        C: RCPT TO:<postmaster>
        S: 250
        C: RCPT TO:<PostMaster@postern.test>
        S: 250
        """),
    ("std_62_relaying_is_refused_for_good", "25", """
        S: 220
        C: EHLO stranger.example
        S: 250
        C: MAIL FROM:<somebody@remote.test>
        S: 250
        C: RCPT TO:<victim@elsewhere.test>
        S: 550 5.7.1
        C: RCPT TO:<"victim@elsewhere.test"@postern.test>
        S: 550 5.1.1
        C: RCPT TO:<victim%elsewhere.test@postern.test>
        S: 550 5.
        C: RCPT TO:<@postern.test:victim@elsewhere.test>
        S: 55
        C: RCPT TO:<nobody@postern.test>
        S: 550 5.1.1
        C: DATA
        S: 554 5.5.1
        """),
    ("std_70_a_pipelined_group_is_answered_in_order", "465", LOGGED_IN + """
        R: MAIL FROM:<alice@postern.test>\\r\\nRCPT TO:<bob@postern.test>\\r\\nRCPT TO:<x@y>\\r\\nRCPT TO:<alice@postern.test>\\r\\nDATA\\r\\n
        S: 250
        S: 250
        S: 553
        S: 250
        S: 354
        R: From: alice@postern.test\\r\\n\\r\\nx\\r\\n.\\r\\nNOOP\\r\\nQUIT\\r\\n
        S: 250 2.0.0
        S: 250 2.0.0
        S: 221 2.0.0
        -- closed
        """),
    ("std_70_lines_behind_a_refused_data_are_commands", "465", LOGGED_IN + """
        R: MAIL FROM:<alice@postern.test>\\r\\nRCPT TO:<x@y>\\r\\nDATA\\r\\nNOOP\\r\\nRSET\\r\\n
        S: 250
        S: 553
        S: 5
        S: 250 2.0.0
        S: 250 2.0.0
        """),
    ("std_71_a_declared_size_over_the_limit_is_refused_at_mail", "465", LOGGED_IN + """
        C: MAIL FROM:<alice@postern.test> SIZE=99999999999
        S: 552 5.3.4
        C: MAIL FROM:<alice@postern.test> SIZE=-1
        S: 501 5.5.4
        C: MAIL FROM:<alice@postern.test> SIZE=18446744073709551617
        S: 5
        C: MAIL FROM:<alice@postern.test> SIZE=1 SIZE=1
        S: 501 5.5.4
        C: MAIL FROM:<alice@postern.test> SIZE=1000
        S: 250
        """),
    ("std_72_bdat_without_a_transaction_is_swallowed", "465", LOGGED_IN + """
        R: BDAT 10\\r\\nQUIT\\r\\nQU\\r\\nNOOP\\r\\n
        S: 503 5.5.1
        S: 250 2.0.0
        R: BDAT 6 LAST\\r\\nQUIT\\r\\nNOOP\\r\\n
        S: 503 5.5.1
        S: 250 2.0.0
        """),
    ("std_72_an_empty_last_chunk_ends_the_message", "465", TRANSACTION + """
        R: BDAT 34\\r\\nFrom: alice@postern.test\\r\\n\\r\\nHello\\r
        S: 250 2.
        R: BDAT 1\\r\\n\\n
        S: 250 2.
        C: BDAT 0 LAST
        S: 250 2.0.0
        C: NOOP
        S: 250
        """),
    ("std_72_data_and_bdat_are_not_mixed", "465", TRANSACTION + """
        R: BDAT 6\\r\\nX: y\\r\\n
        S: 250
        C: DATA
        S: 503 5.5.1
        """),
    # How much would follow is not known then, and must not be run as commands.
    *((f"std_72_a_bad_chunk_size_ends_the_session_{number}", "465", TRANSACTION + f"""
        C: BDAT {size}
        S: 501 5.5.4
        -- closed
        """) for number, size in enumerate(("-1", "0x10", "+5", "99999999999999999999999", "x"))),
    ("std_73_letters_outside_ascii_need_smtputf8", "465", LOGGED_IN + """
        C: MAIL FROM:<alice@postern.test>
        S: 250
        C: RCPT TO:<zoë@remote.test>
        S: 553 5.6.7
        C: RSET
        S: 250
        C: MAIL FROM:<alice@postern.test> SMTPUTF8
        S: 250
        C: RCPT TO:<zoë@remote.test>
        S: 250
        """),
    ("std_74_the_parameters_of_dsn", "465", LOGGED_IN + """
        C: MAIL FROM:<alice@postern.test> RET=HDRS ENVID=QQ314159
        S: 250
        C: RCPT TO:<bob@postern.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;bob@postern.test
        S: 250
        C: RCPT TO:<bob@postern.test> NOTIFY=NEVER,FAILURE
        S: 501 5.5.4
        C: RCPT TO:<bob@postern.test> NOTIFY=SOMETIMES
        S: 501 5.5.4
        C: RCPT TO:<bob@postern.test> ORCPT=rfc822;bob+0D+0A@postern.test
        S: 501 5.5.4
        C: RSET
        S: 250
        C: MAIL FROM:<alice@postern.test> RET=SOME
        S: 501 5.5.4
        C: MAIL FROM:<alice@postern.test> ENVID=a+zz
        S: 501 5.5.4
        """),
    ("std_75_requiretls_is_offered_under_tls_only", "587", """
        S: 220
        C: EHLO client.example
        S: 250
        S- REQUIRETLS
        C: STARTTLS
        S: 220
        -- tls
        C: EHLO client.example
        S: 250
        S+ REQUIRETLS
        C: AUTH PLAIN {alice}
        S: 235
        C: MAIL FROM:<alice@postern.test> REQUIRETLS
        S: 250
        """),
    ("std_75_requiretls_without_tls_is_refused", "25", """
        S: 220
        C: EHLO stranger.example
        S: 250
        C: MAIL FROM:<somebody@remote.test> REQUIRETLS
        S: 530 5.7.10
        """),
    ("help_vrfy_expn_and_nonsense", "465", """
        S: 220
        C: EHLO client.example
        S: 250
        C: HELP
        S: 214 2.
        C: VRFY bob@postern.test
        S: 252 2.
        C: EXPN staff
        S: 502 5.5.1
        C: FROBNICATE
        S: 500 5.5.2
        C: TURN
        S: 50
        C: NOOP whatever it is
        S: 250 2.0.0
        C: RSET now
        S: 501 5.5.4
        C: EHLO
        S: 501 5.5.2
        """),
    ("commands_before_ehlo", "465", """
        S: 220
        C: AUTH PLAIN {alice}
        S: 503 5.5.1
        C: MAIL FROM:<alice@postern.test>
        S: 5
        C: NOOP
        S: 250
        C: QUIT
        S: 221
        -- closed
        """),
    ("verbs_are_read_in_any_case_and_spaces_forgiven_nowhere_odd", "465", """
        S: 220
        C: ehlo client.example
        S: 250
        C: auth plain {alice}
        S: 235
        C: mail from:<alice@postern.test>
        S: 250
        C: rcpt to:<BOB@Postern.TEST>
        S: 250
        C: data
        S: 354
        R: From: alice@postern.test\\r\\n\\r\\nx\\r\\n.\\r\\n
        S: 250 2.0.0
        """),
    ("a_bare_line_feed_in_a_command_is_refused", "465", """
        S: 220
        R: EHLO client.example\\n
        S: 5
        """),
    ("nul_in_a_command", "465", """
        S: 220
        C: EHLO client.example
        S: 250
        R: NOOP \\0\\r\\n
        S: 50
        """),
    ("octets_that_are_no_utf8", "465", LOGGED_IN + """
        R: MAIL FROM:<al\\xff\\xfe@postern.test> SMTPUTF8\\r\\n
        S: 5
        R: MAIL FROM:<al\\xc0\\xafice@postern.test> SMTPUTF8\\r\\n
        S: 5
        R: EHLO \\xff\\xfe\\r\\n
        S: 501
        C: NOOP
        S: 250
        """),
    ("too_many_errors_end_the_session", "465", """
        S: 220
        """ + "C: FOO\nS: 500 5.5.2\n" * 19 + """
        C: FOO
        S: 500 5.5.2
        S: 421 4.7.0
        -- closed
        """),
]


class Dialogs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sink = Sink()
        cls.addClassCleanup(cls.sink.close)
        cls.server = Postern({"delivery": {"smart_host": f"{HOST}:{cls.sink.port}"},
                              "limits": {"connections_per_address": 500}, "auth": {"failure_delay": "20 ms"}})
        cls.addClassCleanup(cls.server.__exit__, None, None, None)

    def words(self):
        alice, password = ALICE, PASSWORDS[ALICE]
        return {"alice": b64(f"\0{alice}\0{password}"), "wrong": b64(f"\0{alice}\0not the password"),
                "alice_name": b64(alice), "alice_password": b64(password),
                "alice_for_bob": b64(f"{BOB}\0{alice}\0{password}"),
                "alice_for_alice": b64(f"{alice}\0{alice}\0{password}")}

    def wire(self, where):
        if where == "465":
            return self.server.wire(tls=True)
        return self.server.wire(self.server.submission if where == "587" else self.server.mx)

    # what a script can't say

    def test_std_10_long_responses(self):
        with self.server.session() as wire:
            wire.say("AUTH PLAIN", 334)
            fits = b64(b"\0" + ALICE.encode() + b"\0" + b"x" * 8900)
            self.assertLessEqual(len(fits), 12288 - 2)
            # Too long for a password, and said to be just that: the line itself is taken.
            self.assertIn(wire.say(fits).code, (535, 501))
            wire.say("AUTH PLAIN", 334)
            wire.say(b64(b"\0" + b"x" * 9800), 500, "5.5.6")
            wire.auth_plain(ALICE, PASSWORDS[ALICE])

    def test_std_11_long_initial_response(self):
        with self.server.session() as wire:
            reply = wire.say("AUTH PLAIN " + b64(b"\0" + ALICE.encode() + b"\0" + b"x" * 8000))
            self.assertIn(reply.code, (535, 501))
            wire.auth_plain(ALICE, PASSWORDS[ALICE])

    def test_std_18_the_default_configuration_forbids_clear_text_logins(self):
        shown = self.server.cli("config", "default", check=True).stdout
        auth = tomllib.loads(shown)["auth"]
        self.assertIs(auth["require_tls"], True)
        self.assertEqual(auth.get("plaintext_networks", []), [])

    def test_std_21_received_says_how(self):
        for port, clause in ((None, "ESMTPSA"), (self.server.submission, "ESMTPSA")):
            word = token()
            with self.server.session(port, login=ALICE) as wire:
                wire.mail(ALICE, BOB)
                wire.data(message(ALICE, BOB, word))
            header = self.server.wait_mail(BOB, word)
            self.assertRegex(header.decode(), rf"Received: [^:]*(?s:.){{0,400}}with {clause}\b")
        for parameters, tls, clause in (("", False, "ESMTP"), ("", True, "ESMTPS"), (" SMTPUTF8", True, "UTF8SMTPS")):
            word = token()
            with self.server.session(self.server.mx, tls=tls) as wire:
                wire.mail("somebody@remote.test", BOB, parameters=parameters)
                wire.data(message("somebody@remote.test", BOB, word))
            self.assertRegex(self.server.wait_mail(BOB, word).decode(), rf"(?s)Received: .{{0,400}}with {clause}\b")

    def test_std_22_unknown_user_and_wrong_password_are_alike(self):
        users = (ALICE, "nobody@postern.test", "nobody@elsewhere.test", "nobody")
        texts, times = set(), {user: [] for user in users}
        for _ in range(15):
            for user in users:
                with self.server.session() as wire:
                    # The same wrong password again is remembered and quick: so a new one each time.
                    password = token()
                    began = time.monotonic()
                    reply = wire.auth_plain(user, password, 535, "5.7.8")
                    times[user].append(time.monotonic() - began)
                    again = wire.auth_plain(user, password, 535, "5.7.8")
                texts |= {re.sub(r" \([^()]*\)$", "", r.text) for r in (reply, again)}
        self.assertEqual(len(texts), 1, texts)
        if not SANITIZED:
            medians = {user: statistics.median(t) for user, t in times.items()}
            self.assertLess(max(medians.values()), 1.5 * min(medians.values()) + 0.02, medians)

    def test_std_22_failures_end_the_session(self):
        with self.server.session() as wire:
            codes = []
            for _ in range(12):
                wire.send("AUTH PLAIN " + b64(f"\0{ALICE}\0wrong") + "\r\n")
                codes.append(wire.reply().code)
                if codes[-1] == 421:
                    break
                if len(codes) == 5:
                    codes.append(wire.reply().code)
                    break
            self.assertEqual(codes[-1], 421, codes)
            self.assertEqual(set(codes[:-1]), {535})
            self.assertTrue(wire.closed())

    def test_std_28_the_challenges_of_login(self):
        with self.server.session() as wire:
            wire.auth_login(ALICE, PASSWORDS[ALICE])

    def scram(self, wire, scram, first="SCRAM-SHA-256"):
        """Up to the reply to the client's proof."""
        challenge = wire.say(f"AUTH {first} {scram.first()}", 334).text
        return wire.say(scram.final(challenge))

    def test_std_38_scram_ends_with_an_empty_answer(self):
        for user in (ALICE, ALICE.upper().replace("POSTERN.TEST", "Postern.test")):
            with self.server.session() as wire:
                scram = Scram(ALICE, PASSWORDS[ALICE])
                last = self.scram(wire, scram)
                self.assertEqual(last.code, 334, last)
                self.assertTrue(scram.check(last.text))
                wire.say("", 235, "2.7.0")
                wire.say(f"MAIL FROM:<{ALICE}>", 250)

    def test_scram_without_initial_response(self):
        with self.server.session() as wire:
            scram = Scram(ALICE, PASSWORDS[ALICE])
            asked = wire.say("AUTH SCRAM-SHA-256", 334)
            self.assertEqual(asked.text, "")
            challenge = wire.say(scram.first(), 334).text
            last = wire.say(scram.final(challenge), 334)
            self.assertTrue(scram.check(last.text))
            wire.say("", 235)

    def test_scram_with_a_wrong_password(self):
        with self.server.session() as wire:
            self.assertEqual(self.scram(wire, Scram(ALICE, "wrong")).code, 535)
            wire.auth_plain(ALICE, PASSWORDS[ALICE])

    def test_std_29_a_changed_nonce_fails(self):
        with self.server.session() as wire:
            scram = Scram(ALICE, PASSWORDS[ALICE])
            challenge = wire.say(f"AUTH SCRAM-SHA-256 {scram.first()}", 334).text
            one = scram.final(challenge)
            self.assertTrue(scram.server["r"].startswith(scram.nonce))
            self.assertGreaterEqual(len(scram.server["r"]) - len(scram.nonce), 24)
            self.assertIn(wire.say(scram.final(challenge, nonce=scram.server["r"] + "x")).code, (535, 501))
            again = Scram(ALICE, PASSWORDS[ALICE], nonce=scram.nonce)
            wire.say(f"AUTH SCRAM-SHA-256 {again.first()}", 334)
            self.assertIn(wire.say(one).code, (535, 501), "a replay")

    def test_std_30_31_33_malformed_scram(self):
        def raw(text):
            return b64(text)
        with self.server.session() as wire:
            for first in ("n,,n=a=b,r=abcdefghijklmnop", "n,,n=a=2c,r=", "n,,m=x,n=a,r=abcdefghijklmnop",
                          "p=foo,,n=a,r=abcdefghijklmnop"):
                reply = wire.say(f"AUTH SCRAM-SHA-256 {raw(first)}")
                self.assertIn(reply.code, (535, 501), f"{first}: {reply}")
        with self.server.session() as wire:
            scram = Scram(ALICE, PASSWORDS[ALICE])
            challenge = wire.say(f"AUTH SCRAM-SHA-256 {scram.first()}", 334).text
            self.assertIn(wire.say(scram.final(challenge, binding=b"x")).code, (535, 501), "c= was changed")

    def test_std_32_y_is_fine_while_plus_is_not_offered(self):
        with self.server.session() as wire:
            self.assertEqual(self.scram(wire, Scram(ALICE, PASSWORDS[ALICE], header="y,,")).code, 334)
            wire.say("", 235)

    def test_std_36_37_unknown_users_have_a_salt_too(self):
        seen = {}
        for user in ("nobody@postern.test", "nobody@postern.test", "other@postern.test", ALICE):
            with self.server.session() as wire:
                scram = Scram(user, "wrong")
                self.assertEqual(self.scram(wire, scram).code, 535)
                seen.setdefault(user, set()).add((scram.server["s"], scram.server["i"]))
        self.assertEqual(len(seen["nobody@postern.test"]), 1)
        self.assertNotEqual(seen["nobody@postern.test"], seen["other@postern.test"])
        iterations = {i for values in seen.values() for _, i in values}
        self.assertEqual(len(iterations), 1)
        self.assertGreaterEqual(int(iterations.pop()), 4096)
        self.assertEqual(len({len(s) for values in seen.values() for s, _ in values}), 1)

    def test_std_43_octets_behind_starttls_are_thrown_away(self):
        """CVE-2011-0411 and its many relatives."""
        with self.server.wire(self.server.submission) as wire:
            wire.expect(220)
            wire.ehlo()
            wire.send("STARTTLS\r\nEHLO evil.example\r\nAUTH PLAIN " + self.words()["alice"] + "\r\n")
            reply = wire.reply()
            if reply.code == 220:
                wire.start_tls()
                wire.socket.settimeout(0.5 * SLOW)
                with self.assertRaises((TimeoutError, socket.timeout)):
                    wire.socket.recv(1)
                wire.socket.settimeout(15 * SLOW)
                self.assertIn("AUTH", wire.ehlo("good.example"))
                wire.say(f"MAIL FROM:<{ALICE}>", 530)
            else:
                self.assertEqual(reply.code // 100, 5, reply)
                self.assertNotIn(b"235", wire.everything(2))

    def test_std_47_48_tls_versions(self):
        import ssl
        import warnings
        warnings.simplefilter("ignore", DeprecationWarning)  # TLS 1.1 is the point
        for port, implicit in ((self.server.submissions, True), (self.server.submission, False)):
            for version, good in ((ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True),
                                  (ssl.TLSVersion.TLSv1_3, True)):
                context = client_context()
                context.set_ciphers("DEFAULT@SECLEVEL=0")
                context.minimum_version = context.maximum_version = version
                with Wire(port, context=context) as wire:
                    if not implicit:
                        wire.expect(220)
                        wire.ehlo()
                        wire.say("STARTTLS", 220)
                    if good:
                        wire.start_tls()
                        if implicit:
                            wire.expect(220)
                        self.assertIn("AUTH", wire.ehlo())
                        self.assertEqual(wire.socket.version(), "TLSv1.2" if "2" in version.name[-1] else "TLSv1.3")
                    else:
                        with self.assertRaises((ssl.SSLError, ConnectionError)):
                            wire.start_tls()

    def test_std_59_bcc_is_removed_and_the_order_kept(self):
        word = token()
        with self.server.session(login=ALICE) as wire:
            wire.mail(ALICE, BOB)
            wire.data(f"X-First: 1\nFrom: {ALICE}\nBCC: secret@remote.test,\n folded@remote.test\nTo: {BOB}\n"
                      f"Subject: {word}\nBcc : spaced@remote.test\nX-Last: 2\n\nBcc: in the body stays\n")
        got = self.server.wait_mail(BOB, word).decode().replace("\r\n", "\n")
        header, body = got.split("\n\n", 1)
        self.assertNotRegex(header, r"(?im)^bcc|secret@|folded@")
        self.assertIn("Bcc: in the body stays", body)
        places = [header.index(t) for t in ("X-First", "From: ", "\nTo: ", "Subject", "X-Last")]
        self.assertEqual(places, sorted(places))

    def test_std_56_what_is_there_is_not_touched(self):
        word = token()
        with self.server.session(login=ALICE) as wire:
            wire.mail(ALICE, BOB)
            wire.data(f"Date: Thu, 1 Jan 1998 00:00:00 +0000\nMessage-ID: <mine@client.example>\nFrom: {ALICE}\n"
                      f"Subject: {word}\n\nx\n")
        got = self.server.wait_mail(BOB, word).decode()
        self.assertEqual(len(re.findall(r"(?mi)^date:", got)), 1)
        self.assertEqual(re.findall(r"(?mi)^message-id: (\S+)", got), ["<mine@client.example>"])
        self.assertIn("Thu, 1 Jan 1998", got)

    def test_std_57_an_accepted_message_can_be_traced(self):
        word = token()
        with self.server.session(login=ALICE) as wire:
            wire.mail(ALICE, BOB)
            reply = wire.data(message(ALICE, BOB, word, extra=f"Message-ID: <{word}@client.example>\n"))
        self.server.wait_mail(BOB, word)
        queue_id = reply.text.split()[-1].strip(".()")
        told = self.server.cli("why", queue_id, "--json", check=True).stdout
        for fact in (ALICE, HOST, "TLS", f"<{word}@client.example>", queue_id):
            self.assertIn(fact, told)

    def test_std_63_a_hundred_recipients_and_then_452(self):
        with self.server.session(login=ALICE) as wire:
            wire.say(f"MAIL FROM:<{ALICE}>", 250)
            for i in range(1000):
                wire.send(f"RCPT TO:<r{i}@remote.test>\r\n")
            for _ in range(1000):
                wire.expect(250)
            wire.say("RCPT TO:<onemore@remote.test>", 452, "4.5.3")
            wire.say("RSET", 250)

    def test_std_63_long_lines(self):
        word = token()
        with self.server.session(login=ALICE) as wire:
            wire.say("NOOP " + "x" * 500, 250)
            wire.say("NOOP " + "x" * 5000, 500, "5.5.6")
            wire.say("NOOP", 250)
            wire.mail(ALICE, BOB)
            wire.data(message(ALICE, BOB, word, "y" * 998 + "\n" + "z" * 9000 + "\n"))
        self.assertIn(b"z" * 9000, self.server.wait_mail(BOB, word))

    def test_std_77_the_limits_are_true(self):
        with self.server.session(login=ALICE) as wire:
            limits = wire.ehlo()["LIMITS"]
            self.assertIn("RCPTMAX=1000", limits)

    def test_std_71_more_than_declared_and_more_than_allowed(self):
        with self.server.session(login=ALICE) as wire:
            size = int(wire.ehlo()["SIZE"][0])
            wire.say(f"MAIL FROM:<{ALICE}> SIZE={size}", 250)
            wire.say("RSET", 250)
            wire.say(f"MAIL FROM:<{ALICE}> SIZE={size + 1}", 552, "5.3.4")

    def test_refusals_end_in_an_id_that_why_knows(self):
        with self.server.session(login=ALICE) as wire:
            reply = wire.say(f"MAIL FROM:<{BOB}>", 550, "5.7.1")
        found = re.search(r"([A-Za-z0-9][A-Za-z0-9._-]{7,})[\])}.]*$", reply.text)
        self.assertTrue(found, reply)
        told = self.server.cli("why", found.group(1), check=True)
        self.assertIn(BOB, told.stdout)
        self.assertIn(ALICE, told.stdout)

    def test_a_tls_client_on_587_gets_tls(self):
        with self.server.wire(self.server.submission) as wire:
            wire.start_tls()
            wire.expect(220)
            self.assertIn("AUTH", wire.ehlo())
            wire.auth_plain(ALICE, PASSWORDS[ALICE])

    def test_http_on_587_is_told(self):
        with self.server.wire(self.server.submission) as wire:
            wire.send("GET / HTTP/1.1\r\nHost: mail.postern.test\r\n\r\n")
            text = wire.everything(3).decode()
            self.assertRegex(text, r"(?m)^(220|554)")
            self.assertRegex(text, r"(?m)^554 5\.\d")

    def test_the_name_of_the_server(self):
        with self.server.wire(tls=True) as wire:
            self.assertTrue(wire.expect(220).text.startswith(NAME))
            self.assertTrue(wire.say("EHLO client.example", 250).lines[0].startswith(NAME))


def _dialog(where, script):
    def test(self):
        with self.wire(where) as wire:
            play(wire, script, **self.words())
    return test


for _name, _where, _script in DIALOGS:
    setattr(Dialogs, f"test_{_name}", _dialog(_where, _script))

if __name__ == "__main__":
    unittest.main()
