"""Other people's mail programs send through the real server, on 587 and 465, each with every
mechanism it can do: one copy to a local mailbox, one to the next hop."""
import base64
import email
import email.policy
import functools
import json
import pathlib
import re
import smtplib
import subprocess
import unittest
import urllib.parse

from harness import (ALICE, BOB, CAROL, HERE, HOST, NAME, PASSWORDS, SLOW, Authority, Postern, Sink, client_context,
                     need, run, token)

OUTSIDE = "friend@remote.test"
PASSWORD = PASSWORDS[ALICE]


def each(*mechanisms):
    """Runs a test on both ports with each mechanism; gives it implicit, port, mechanism and a word."""
    def wrap(test):
        @functools.wraps(test)
        def loop(self):
            for implicit in (False, True):
                for mechanism in mechanisms:
                    port = self.server.submissions if implicit else self.server.submission
                    with self.subTest(port=465 if implicit else 587, mechanism=mechanism):
                        test(self, implicit, port, mechanism, token())
        return loop
    return wrap


class Clients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sink = Sink(tls=True)
        cls.addClassCleanup(cls.sink.close)
        cls.server = Postern({"delivery": {"smart_host": f"{HOST}:{cls.sink.port}"},
                              "limits": {"connections_per_address": 500}}, accounts=(ALICE, BOB, CAROL))
        cls.addClassCleanup(cls.server.__exit__, None, None, None)
        cls.ca = str(Authority.shared().ca)

    def arrived(self, word, mechanism=None, bcc=None, has_bcc_line=True):
        """The message is in Bob's mailbox and at the sink, with the header that it should have."""
        local = self.server.wait_mail(BOB, word)
        remote = self.sink.wait(word)
        self.assertEqual(remote["sender"], ALICE)
        self.assertEqual(remote["recipients"], [OUTSIDE])
        self.assertTrue(remote["tls"], "the sink offered STARTTLS")
        for content in (local, remote["content"]):
            mail = email.message_from_bytes(content, policy=email.policy.SMTP)
            received = mail.get_all("Received")
            first = re.sub(r"\s+", " ", received[0])
            self.assertRegex(first, rf"by {re.escape(NAME)}\b.* with (UTF8SMTPSA|ESMTPSA)\b")
            self.assertRegex(first, r"\btls TLS_\w+|\(TLSv1\.[23].*cipher|tls \S+")
            self.assertEqual(len(mail.get_all("Date")), 1, "Date")
            self.assertEqual(len(mail.get_all("Message-ID")), 1, "Message-ID")
            self.assertIsNone(mail["Bcc"], "Bcc")
            self.assertIn(ALICE, mail["From"])
        if bcc:
            hidden = self.server.wait_mail(bcc, word)
            self.assertNotRegex(re.split(rb"\r?\n\r?\n", hidden)[0], rb"(?im)^bcc\s*:")
        if mechanism:
            self.server.wait_log(rf"mechanism[\"=: ]+{mechanism}\b")

    @each("PLAIN", "LOGIN")
    def test_swaks(self, implicit, port, mechanism, word):
        need("swaks")
        done = run("swaks", "--server", HOST, "--port", port, "--tlsc" if implicit else "--tls", "--tls-verify",
                   "--tls-ca-path", self.ca, "--ehlo", "laptop.example",
                   "--auth", mechanism, "--auth-user", ALICE, "--auth-password", PASSWORD, "--from", ALICE, "--to",
                   f"{BOB},{OUTSIDE},{CAROL}", "--header", f"Subject: {word}", "--header", f"Bcc: {CAROL}",
                   "--body", "From swaks.")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertNotIn("** ", done.stdout.replace("*** ", ""))
        self.arrived(word, mechanism, bcc=CAROL)

    @each("PLAIN", "LOGIN", "")
    def test_curl(self, implicit, port, mechanism, word):
        need("curl")
        done = run("curl", "-sS", "--cacert", self.ca, "--crlf", "--ssl-reqd", "--resolve",
                   f"{NAME}:{port}:{HOST}", "--url",
                   f"{'smtps' if implicit else 'smtp'}://{NAME}:{port}/laptop.example",
                   *(["--login-options", f"AUTH={mechanism}"] if mechanism else []), "--user",
                   f"{ALICE}:{PASSWORD}", "--mail-from", ALICE, "--mail-rcpt", BOB, "--mail-rcpt", OUTSIDE,
                   "--upload-file", "-",
                   input=f"From: Alice <{ALICE}>\nTo: {BOB}\nBcc: {CAROL}\nSubject: {word}\n\nFrom curl.\n.dot\n")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.arrived(word, mechanism)
        self.assertIn(b"\r\n.dot\r\n", self.sink.wait(word)["content"])

    @each("plain", "login", "scram-sha-256", "on")
    def test_msmtp(self, implicit, port, mechanism, word):
        need("msmtp")
        secret = self.server.dir / "msmtp-password.client"
        secret.write_text(PASSWORD + "\n")
        settings = self.server.dir / "msmtprc.client"
        settings.write_text(f"""
            account default
            host {HOST}
            port {port}
            tls on
            tls_starttls {"off" if implicit else "on"}
            tls_trust_file {self.ca}
            tls_host_override {NAME}
            auth {mechanism}
            user {ALICE}
            from {ALICE}
            passwordeval cat {secret}
            """)
        settings.chmod(0o600)
        done = run("msmtp", "-C", settings, BOB, OUTSIDE,
                   input=f"From: {ALICE}\nTo: {BOB}\nSubject: {word}\n\nFrom msmtp.\n")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.arrived(word, None if mechanism == "on" else mechanism.upper())

    @each("PLAIN", "LOGIN", "SCRAM-SHA-256 PLAIN LOGIN")
    def test_smtplib(self, implicit, port, mechanism, word):
        context = client_context()
        context.check_hostname = False  # smtplib names the address that it connects to
        if implicit:
            client = smtplib.SMTP_SSL(HOST, port, context=context, timeout=20 * SLOW)
        else:
            client = smtplib.SMTP(HOST, port, timeout=20 * SLOW)
            client.starttls(context=context)
        with client:
            client.ehlo("laptop.example")
            self.assertIn("auth", client.esmtp_features)
            client.esmtp_features["auth"] = mechanism
            client.login(ALICE, PASSWORD)
            refused = client.sendmail(ALICE, [BOB, OUTSIDE],
                                      f"From: {ALICE}\r\nTo: {BOB}\r\nSubject: {word}\r\n\r\nsmtplib\r\n")
            self.assertEqual(refused, {})
        self.arrived(word, mechanism if " " not in mechanism else None)

    @each("PLAIN", "LOGIN", None)
    def test_nodemailer(self, implicit, port, mechanism, word):
        need("node")
        if not pathlib.Path("/usr/share/nodejs/nodemailer").is_dir():
            raise unittest.SkipTest("nodemailer is not installed")
        done = run("node", HERE / "node_send.js",
                   json.dumps({"host": HOST, "port": port, "implicit": implicit, "mechanism": mechanism,
                               "user": ALICE, "password": PASSWORD, "ca": self.ca, "name": NAME,
                               "to": [BOB, OUTSIDE], "bcc": CAROL, "subject": word, "body": "From Node.\n.\n..x\n"}),
                   env={"NODE_PATH": "/usr/share/nodejs"})  # where Debian puts libraries
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"^250 2\.0\.0 ")
        self.arrived(word, mechanism, bcc=CAROL)

    @each("PLAIN", "LOGIN", "", "CRAM-MD5")
    def test_phpmailer(self, implicit, port, mechanism, word):
        need("php")
        if not pathlib.Path("/usr/share/php/libphp-phpmailer/src/SMTP.php").exists():
            raise unittest.SkipTest("PHPMailer is not installed")
        # The library looks at the list and falls back when CRAM-MD5 is asked for and not there.
        done = run("php", HERE / "php_send.php",
                   json.dumps({"host": HOST, "port": port, "implicit": implicit,
                               "mechanism": mechanism, "user": ALICE, "password": PASSWORD, "ca": self.ca,
                               "name": NAME, "to": [BOB, OUTSIDE], "bcc": CAROL, "subject": word,
                               "body": "From PHP."}))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.arrived(word, mechanism if mechanism in ("PLAIN", "LOGIN") else None, bcc=CAROL)

    @each("LOGIN", "PLAIN")
    def test_cram_first_without_looking(self, implicit, port, mechanism, word):
        """Clients that try CRAM-MD5 whatever EHLO says get 504 and go on to the next."""
        with self.server.session(port if not implicit else None) as wire:
            wire.say("AUTH CRAM-MD5", 504, "5.5.4")
            (wire.auth_login if mechanism == "LOGIN" else wire.auth_plain)(ALICE, PASSWORD)
            wire.mail(ALICE, BOB, OUTSIDE)
            wire.data(f"From: {ALICE}\nSubject: {word}\n\nHello\n")
            wire.say("QUIT", 221)
        self.arrived(word, mechanism)

    @each("PLAIN", "LOGIN")
    def test_git_send_email(self, implicit, port, mechanism, word):
        need("git")
        if not pathlib.Path(run("git", "--exec-path").stdout.strip(), "git-send-email").exists() or \
                run("perl", "-MAuthen::SASL", "-MIO::Socket::SSL", "-e", "1").returncode:
            raise unittest.SkipTest("git send-email is not installed")
        repository = self.server.dir / "repository"
        identity = ["-c", f"user.email={ALICE}", "-c", "user.name=Alice"]
        run("git", "init", "-q", repository, check=True)
        (repository / "file").write_text("line\n")
        run("git", "-C", repository, "add", "file", check=True)
        run("git", "-C", repository, *identity, "commit", "-q", "--allow-empty", "-m", word, check=True)
        run("git", "-C", repository, "format-patch", "-q", "-1", "--always", "-o", "out", check=True)
        done = run("git", "-C", repository, *identity, "-c", "sendemail.smtpServer=localhost", "-c",
                   f"sendemail.smtpServerPort={port}", "-c", f"sendemail.smtpUser={ALICE}", "-c",
                   f"sendemail.smtpPass={PASSWORD}", "-c",
                   f"sendemail.smtpEncryption={'ssl' if implicit else 'tls'}", "-c",
                   f"sendemail.smtpSSLCertPath={self.ca}", "-c", f"sendemail.smtpAuth={mechanism}", "-c",
                   "sendemail.confirm=never", "-c", "sendemail.smtpDomain=laptop.example", "send-email", "--from",
                   f"Alice <{ALICE}>", "--to", BOB, "--cc", OUTSIDE, "--suppress-cc=all", "out",
                   env={"HOME": str(self.server.dir), "GIT_CONFIG_NOSYSTEM": "1"})
        for patch in (repository / "out").iterdir():
            patch.unlink()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.arrived(word, mechanism)

    @each("plain", "login")
    def test_s_nail(self, implicit, port, mechanism, word):
        need("s-nail")
        user, password = (urllib.parse.quote(t, safe="") for t in (ALICE, PASSWORD))
        done = run("s-nail", "-:/", "-S", "v15-compat", "-S", f"from={ALICE}", "-S", "hostname=laptop.example",
                   "-S", f"tls-ca-file={self.ca}", "-S", "tls-verify=strict", "-S", "sendwait", "-S",
                   f"smtp-auth={mechanism}", *([] if implicit else ["-S", "smtp-use-starttls"]), "-S",
                   f"mta={'smtps' if implicit else 'smtp'}://{user}:{password}@localhost:{port}", "-s", word, BOB,
                   OUTSIDE, input="From s-nail.\n", env={"HOME": str(self.server.dir)})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.arrived(word, mechanism.upper())

    @each("PLAIN", "LOGIN", "PLAIN without initial response")
    def test_openssl_by_hand(self, implicit, port, mechanism, word):
        """A person at `openssl s_client`, typing with LF line ends and waiting for each answer."""
        for version in ("-tls1_2", "-tls1_3"):
            plain = base64.b64encode(f"\0{ALICE}\0{PASSWORD}".encode()).decode()
            user, password = (base64.b64encode(t.encode()).decode() for t in (ALICE, PASSWORD))
            logins = {"PLAIN": [(f"AUTH PLAIN {plain}", "235")],
                      "LOGIN": [("AUTH LOGIN", "334"), (user, "334"), (password, "235")],
                      "PLAIN without initial response": [("AUTH PLAIN", "334 "), (plain, "235")]}
            lines = [("EHLO laptop.example", "250 "), *logins[mechanism], (f"MAIL FROM:<{ALICE}>", "250"),
                     (f"RCPT TO:<{BOB}>", "250"), (f"RCPT TO:<{OUTSIDE}>", "250"), ("DATA", "354"),
                     (f"From: {ALICE}\nSubject: {word}{version}\n\nBy hand.\n.", "250"), ("QUIT", "221")]
            typist = subprocess.Popen(
                ["openssl", "s_client", "-quiet", "-crlf", "-CAfile", self.ca, "-verify_return_error",
                 "-servername", NAME, version, "-connect", f"{HOST}:{port}",
                 *([] if implicit else ["-starttls", "smtp"])],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            with typist:
                if implicit:
                    self.assertRegex(typist.stdout.readline(), rb"^220 ")
                # Otherwise s_client has eaten the greeting and the answer to its own EHLO.
                for line, want in lines:
                    typist.stdin.write(line.encode() + b"\n")
                    typist.stdin.flush()
                    while True:
                        answer = typist.stdout.readline().decode()
                        if answer[3:4] != "-":
                            break
                    self.assertTrue(answer.startswith(want), f"{line.split()[0]}: {answer!r}")
                typist.stdin.close()
                typist.wait(20 * SLOW)
            self.arrived(word + version, mechanism.split()[0])


if __name__ == "__main__":
    unittest.main()
