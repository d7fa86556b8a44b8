"""A server with its web pages, a browser, and what people do with both: for test_pages*.py.

Site:  one Postern whose pages are at https://mail.postern.test:PORT, and one browser."""
import contextlib
import socket

from browser import Browser
from harness import ALICE, BOB, CAROL, HOST, NAME, PASSWORDS, Authority, Postern, free_ports, run, wait_for

OPERATOR = CAROL


class Site:
    def __init__(self, config=None):
        self.port = free_ports(1)[0]
        certificate, key = Authority.shared().issue("server")
        self.url = f"https://{NAME}:{self.port}"
        web = {"address": f"{HOST}:{self.port}", "http_address": "", "public_url": self.url, "certificate": certificate,
               "private_key": key}
        self.browser = None
        self.server = Postern({"web": web, "setup": {"imap": f"{NAME}:993"}, **(config or {})},
                              accounts=(ALICE, BOB, CAROL))
        try:
            self.server.cli("account", "role", OPERATOR, "owner", check=True)
            wait_for(self._listens, lambda: f"the web pages\n{self.server.log()[-3000:]}", 30)
            self.browser = Browser(resolve=[NAME])
        except BaseException:
            self.close()
            raise

    def _listens(self):
        with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), 1):
            return True
        return False

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close(*error)

    def close(self, kind=None, value=None, trace=None):
        if self.browser:
            self.browser.close()
        self.server.__exit__(kind, value, trace)

    # what people do

    def go(self, path):
        """A page, fresh, also when only what stands after # is another."""
        self.browser.open("about:blank")
        self.browser.open(self.url + path)

    def sign_in(self, who, page="/account", password=None):
        self.browser.command("DELETE", "/cookie")
        self.go(page)
        self.browser.fill("address", who)
        self.browser.fill("password", password or PASSWORDS[who])
        self.browser.click("form .button.primary")
        self.browser.find(".ways")

    def mail_program(self, who, password, word="a mail"):
        """What msmtp says when it sends a mail to oneself with this password; "" when all went well."""
        secret = self.server.dir / "password.client"
        secret.write_text(password + "\n")
        settings = self.server.dir / "msmtprc.client"
        settings.write_text(f"""
            account default
            host {HOST}
            port {self.server.submissions}
            tls on
            tls_starttls off
            tls_trust_file {Authority.shared().ca}
            tls_host_override {NAME}
            domain laptop.example
            auth plain
            user {who}
            from {who}
            passwordeval cat {secret}
            """)
        settings.chmod(0o600)
        done = run("msmtp", "-C", settings, who, input=f"From: {who}\nTo: {who}\nSubject: {word}\n\nFrom msmtp.\n")
        return "" if done.returncode == 0 else done.stdout + done.stderr or "failed"
