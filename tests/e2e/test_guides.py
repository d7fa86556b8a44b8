"""What the guides give to copy, copied literally: each is taken out of the page that the server serves, only the password is
put in, and run until the mail is in the mailbox. Where the certificate is of an authority that the machine does not trust, no
password may go out."""
import html
import pathlib
import re
import shutil
import tempfile
import unittest

from harness import ALICE, Authority, need, run, wait_for
from web import Pages

PASSWORD = "violet-Harbour.29"  # nothing in it that a URL or a shell takes for its own
WAYS = {"implicit_tls": "", "starttls": "starttls"}


class Guides(Pages):
    def write_config(self):
        self.config["hostname"] = "localhost"  # a name that the programs find
        super().write_config()


def setUpModule():
    global server, stranger
    server = unittest.enterModuleContext(Guides())
    server.add_account("guest@postern.test", PASSWORD)
    stranger = Authority()
    unittest.addModuleCleanup(shutil.rmtree, stranger.dir, True)


USER = "guest@postern.test"


def page(program, way):
    with server.talk() as talk:
        return talk.ask(f"/setup/{program}?address={USER}&how={WAYS[way]}").text


def code_of(text, id):
    found = re.search(rf'(?s)<pre id="{id}"[^>]*>(.*?)</pre>', text)
    return html.unescape(re.sub("</?mark>", "", found[1])) if found else ""


class Copied(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="postern-guide-"))
        self.addCleanup(shutil.rmtree, self.dir, True)

    def run_here(self, command, ca):
        """As in a shell of a machine that trusts this authority alone; who asks for a password reads it from the input."""
        return run("setsid", "-w", "bash", "-c", command, cwd=self.dir, input=PASSWORD + "\n",
                   env={"HOME": str(self.dir), "SSL_CERT_FILE": ca, "NODE_EXTRA_CA_CERTS": ca, "CURL_CA_BUNDLE": ca,
                        "NODE_PATH": "/usr/share/nodejs", "GIT_ASKPASS": str(self.dir / "ask"), "MAILRC": str(self.dir / ".mailrc"),
                        "LC_ALL": "C.UTF-8"})

    def sends(self, program, file=None, trust=lambda code, ca: code, run_as=lambda command: command):
        """`file`: where its lines go; `trust`: what of them says whom to trust, where that is no setting of the machine."""
        for way in WAYS:
            with self.subTest(program, way=way):
                text = page(program, way)
                code, command = code_of(text, "code"), code_of(text, "run")
                self.assertIn("localhost", code)
                self.assertIn(str(server.submissions if way == "implicit_tls" else server.submission), code)

                def go(authority):
                    ca = str(authority.ca)
                    lines = trust(code.replace("PASSWORD", PASSWORD), ca)
                    if not file:
                        return self.run_here(lines, ca)
                    path = self.dir / file
                    path.write_text(lines)
                    path.chmod(0o600)
                    return self.run_here(run_as(command), ca)
                logins = self.logins()
                done = go(stranger)
                self.assertNotEqual(done.returncode, 0, f"it trusts whom it does not know:\n{done.stdout}{done.stderr}")
                self.assertEqual(self.logins(), logins, "the password went out to whom it does not know")
                mails = len(server.mailbox(USER))
                done = go(Authority.shared())
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                wait_for(lambda n=mails: len(server.mailbox(USER)) == n + 1, "the mail")
                self.assertIn(USER.encode(), server.mailbox(USER)[-1])

    @staticmethod
    def logins():
        return len(re.findall(r"\blogin\b.*mechanism", server.log()))

    def test_python(self):
        self.sends("python", "send.py")

    def test_nodejs(self):
        need("node")
        self.sends("nodejs", "send.cjs")

    def test_php(self):
        need("php")
        vendor = self.dir / "vendor"
        vendor.mkdir()
        (vendor / "autoload.php").write_text('<?php require "/usr/share/php/libphp-phpmailer/autoload.php";\n')
        self.sends("php", "send.php")

    def test_curl(self):
        need("curl")
        self.sends("curl")

    def test_swaks(self):
        need("swaks")
        self.sends("swaks")

    def test_git_send_email(self):
        need("git")
        if run("git", "send-email", "--help").returncode:
            self.skipTest("git send-email is not installed")
        (self.dir / "ask").write_text(f"#!/bin/sh\necho '{PASSWORD}'\n")
        (self.dir / "ask").chmod(0o700)
        self.run_here(f"git init -q && git config user.name Guest && git config user.email {USER} && git commit -q --allow-empty "
                      "-m Nothing && touch one && git add one && git commit -q -m One", "")
        self.sends("git", ".gitconfig", run_as=lambda command: command + " --confirm=never --quiet")

    def test_msmtp(self):
        need("msmtp")
        self.sends("msmtp", ".msmtprc", trust=lambda code, ca: code.replace("tls_trust_file system", f"tls_trust_file {ca}"))

    def test_cron(self):
        need("msmtp")
        (self.dir / "aliases").touch()
        self.sends("cron", "msmtprc", run_as=lambda command: command.replace("/usr/sbin/sendmail", "msmtp -C msmtprc"),
                   trust=lambda code, ca: code.replace("tls_trust_file system", f"tls_trust_file {ca}")
                   .replace("/etc/aliases", str(self.dir / "aliases")))

    def test_mutt(self):
        need("mutt")
        self.sends("mutt", ".muttrc", trust=lambda code, ca: f'{code}\nset ssl_ca_certificates_file = "{ca}"\n')

    def test_s_nail(self):
        need("s-nail")
        self.sends("s-nail", ".mailrc", trust=lambda code, ca: f"{code}\nset tls-ca-no-defaults tls-ca-file={ca}\n",
                   run_as=lambda command: command.replace("s-nail", "s-nail -Ssendwait"))


class Complete(unittest.TestCase):
    """Programs that can't be run here: what their lines name is there, and they send what they made."""

    def test_each_checks_the_certificate_and_sends(self):
        wanted = {"java": ("import jakarta.mail.Transport;", "setRecipients", "checkserveridentity", "Transport.send("),
                  "csharp": ("using MailKit.Net.Smtp;", "using MailKit.Security;", "using MimeKit;", "To.Add", "SendAsync"),
                  "go": ('"net/smtp"', "package main", "func main()", "smtp.SendMail(")}
        for program, parts in wanted.items():
            for way in WAYS:
                code = code_of(page(program, way), "code")
                for part in parts:
                    with self.subTest(program, way=way, part=part):
                        self.assertIn(part, code)
                self.assertNotRegex(code, r"\{[a-z_]+\}")
                self.assertEqual(code.count("("), code.count(")"))
                self.assertEqual(code.count("{"), code.count("}"))


if __name__ == "__main__":
    unittest.main()
