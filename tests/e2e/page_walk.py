"""A server with its web pages, a browser, and what people do with both: for test_pages*.py.

Site:  one Postern whose pages are at https://mail.postern.test:PORT, and one browser."""
import json

from browser import Browser
from harness import ALICE, BOB, CAROL, HOST, NAME, PASSWORDS, Authority, free_ports, run
from web import Pages

OPERATOR = CAROL


class Site:
    def __init__(self):
        self.browser = None
        self.server = Pages({"guard": {"allow": ["127.0.0.0/8"]}, "auth": {"failure_delay": "10 ms"},
                             "limits": {"sending": [{"per": "account", "messages_per_hour": 100}]},
                             "setup": {"imap": f"{NAME}:993"},
                             # Nobody listens there: what goes elsewhere waits.
                             "delivery": {"smart_host": f"{HOST}:{free_ports(1)[0]}"}}, accounts=(ALICE, BOB, CAROL), start=False)
        self.url = f"https://{NAME}:{self.server.https}"
        try:
            self.server.change("web", public_url=self.url)
            self.server.start()
            self.server.cli("account", "role", OPERATOR, "owner", check=True)
            self.browser = Browser(resolve=[NAME])
        except BaseException:
            self.close()
            raise

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
        self.browser.context.clear_cookies()
        self.go(page)
        self.browser.find("[name=address]").fill(who)
        self.browser.find("[name=password]").fill(password or PASSWORDS[who])
        self.browser.find("form .button.primary").click()
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

    def something_to_see(self, stranger):
        """Mail that went out, one that waits, log-ins of every kind; `stranger` is what somebody calls everything."""
        self.server.set_password(BOB, "Builder's choice 100")
        for password in (PASSWORDS[BOB], PASSWORDS[BOB], "Builder's choice 100"):
            self.mail_program(BOB, password)
        self.mail_program(ALICE, PASSWORDS[ALICE], f"Lunch {stranger}")
        self.mail_program(ALICE, "a guess that is wrong")
        wire = self.server.session(login=ALICE, ehlo="laptop.example")
        wire.say(f"MAIL FROM:<{BOB}>", 550)
        wire.close()
        wire = self.server.session()
        wire.say(f"EHLO {stranger}", 501)
        wire.say(f"MAIL FROM:<{ALICE}>", 530)
        wire.close()
        made = self.server.cli("account", "app-password", "add", ALICE, "--label", stranger, "--json", check=True).stdout
        self.mail_program(ALICE, json.loads(made)["password"])
        wire = self.server.session(login=ALICE)
        wire.mail(ALICE, f'"{stranger}"@unreachable.test')
        wire.data(f"From: {ALICE}\r\nTo: x@y.test\r\nSubject: {stranger}\r\n\r\nhello\r\n")
        wire.close()
        self.asks_for_settings(stranger)

    def asks_for_settings(self, agent):
        run("curl", "-sk", "--resolve", f"{NAME}:{self.server.https}:{HOST}", "-A", agent,
            f"{self.url}/.well-known/autoconfig/mail/config-v1.1.xml?emailaddress={ALICE}", check=True)

    def endless_names(self):
        """Without a place to break them."""
        wire = self.server.session(login=ALICE, ehlo=f"{'l' * 60}.{'o' * 60}.{'n' * 60}.example")
        wire.say(f"MAIL FROM:<{BOB}>", 550)
        wire.close()
        self.asks_for_settings("agent" * 80)
