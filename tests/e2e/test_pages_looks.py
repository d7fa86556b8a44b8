"""How the pages look and to whom: axe-core finds nothing against WCAG 2.2 AA on any of them, by day and by night, also
where something is wrong or asked; nothing is cut off in a narrow window, what strangers wrote shows as text, and the first
page is small. Pictures of the main pages are left in pages/pictures beside the program, or in
$POSTERN_PICTURES, to be looked at."""
import unittest

from browser import PICTURES, Walk
from harness import ALICE, BOB, PASSWORDS, need
from page_walk import OPERATOR, Site

MARKUP = "<img/src=x/onerror=window.hit=1>"  # what a stranger would try
DESKTOP, PHONE = 1280, 390
LIGHTS = ((DESKTOP, False), (PHONE, True), (DESKTOP, True), (PHONE, False))
NARROW = (640, 320)  # a desk's window at 200 % and at 400 %

ACCOUNT = {"start": "", "set-up": "set-up", "devices": "devices", "logins": "logins", "sent": "sent", "test-mail": "test-mail",
           "settings": "settings"}
CONSOLE = {"overview": "", "live": "live", "queue": "queue", "accounts": "accounts", "account": f"accounts/{BOB}",
           "domains": "domains", "domain": "domains/postern.test", "guard": "guard", "explain": "explain",
           "discovery": "discovery", "certificates": "certificates", "audit": "audit"}
HELP = {"help-start": "/", "help-setup": "/setup", "help-outlook": "/setup/outlook2010", "help-iphone": "/setup/iphone",
        "help-list": "/help/", "help-failure": "/help/auth-failed", "help-what": "/what-is-smtp-auth",
        "help-german": "/setup/thunderbird?lang=de"}
# The ones that are looked at; the others are only judged by axe-core.
SHOWN = {"sign-in", "start", "set-up", "take", "profile", "devices", "logins", "test-mail", "overview", "live", "queue", "account", "domain",
         "guard", "help-setup", "help-outlook"}


def setUpModule():
    need("msmtp")
    PICTURES.mkdir(parents=True, exist_ok=True)
    Looks.site = site = unittest.enterModuleContext(Site())
    Looks.browser, Looks.server = site.browser, site.server
    site.something_to_see(MARKUP)
    site.endless_names()


class Looks(Walk):
    def judge(self, name):
        """By day at a desk and by night on a phone, what is looked at also the other way round, and in narrow windows."""
        browser = self.browser
        for width, dark in LIGHTS if name in SHOWN else LIGHTS[:2]:
            browser.show(width, dark=dark)
            if name in SHOWN:
                form = f"{'phone' if width == PHONE else 'desktop'}-{'dark' if dark else 'light'}"
                browser.picture(PICTURES / f"{name}-{form}.png")
            with self.subTest(name, width=width, dark=dark):
                self.assertEqual(browser.violations(), [])
                self.assertEqual(browser.problems(), [])
                self.nothing_was_run()
        for width in NARROW:
            browser.show(width)
            with self.subTest(name, width=width):
                self.assertEqual(browser.cut_off(), [])
        browser.show(DESKTOP)

    def nothing_was_run(self):
        self.assertIsNone(self.browser.run("window.hit ?? null"))

    def at(self, page):
        self.site.go(page)
        self.browser.find("main h1")
        self.browser.page.locator(".waiting").first().wait_for(state="hidden")

    def test_account_pages(self):
        self.at("/account")
        self.judge("sign-in")
        self.site.sign_in(ALICE)
        for name, page in ACCOUNT.items():
            self.at(f"/account#/{page}")
            self.judge(name)
        for name, program, shows in (("take", "k9", "[data-secret]"), ("profile", "iphone", "svg.qr")):
            self.at(f"/account#/set-up/{program}")
            self.browser.find("form .button.primary").click()
            if name == "profile":
                self.browser.button("Show the code").click()
            self.browser.find(shows)
            self.judge(name)

    def test_console_pages(self):
        self.site.sign_in(OPERATOR, "/console")
        self.browser.find(".plot canvas")
        for name, page in CONSOLE.items():
            self.at(f"/console#/{page}")
            self.judge(name)

    def test_help_pages(self):
        for name, page in HELP.items():
            self.site.go(page)
            self.browser.find("h1")
            self.judge(name)

    def test_account_pages_where_something_is_wrong_or_asked(self):
        browser = self.browser
        self.at("/account")
        browser.button("Sign in").click()
        browser.find("[aria-invalid=true]")
        self.judge("sign-in-missing")
        browser.field("E-mail address").fill(ALICE)
        browser.field("Password").fill("not it")
        browser.button("Sign in").click()
        browser.find("[role=alert]")
        self.judge("sign-in-refused")
        self.site.sign_in(ALICE)
        self.at("/account#/set-up/mutt")
        label = browser.field("What do you call this device?")
        label.fill("")
        browser.button("Make a password").click()
        browser.find("[aria-invalid=true]")
        self.judge("set-up-missing")
        label.fill("a device")
        browser.button("Make a password").click()
        password = browser.find("[data-secret]").inner_text()
        self.site.mail_program(ALICE, "mistyped")
        browser.find(".watch .badge.bad")
        self.judge("set-up-refused")
        self.site.mail_program(ALICE, password)
        browser.find(".watch.done")
        self.judge("set-up-done")
        self.at("/account#/devices")
        browser.button("Revoke a device").click()
        browser.find("dialog[open]")
        self.judge("devices-dialog")
        self.at("/account#/settings")
        browser.field("New password").fill("short")
        browser.button("Change the password").click()
        browser.find("[aria-invalid=true]")
        browser.page.get_by_role("switch").click()
        browser.find(".notices .notice")
        self.judge("settings-wrong")
        self.at("/account")
        browser.find(".hero.warn")
        self.judge("start-off")
        self.server.cli("account", "smtp-auth", ALICE, "on", check=True)
        self.at("/account#/test-mail")
        browser.button("Send a test mail").click()
        browser.find(".watch.done")
        self.judge("test-mail-arrived")

    def test_console_pages_where_something_is_wrong_or_asked(self):
        browser = self.browser
        self.site.sign_in(OPERATOR, "/console")
        browser.find(".plot summary").click()
        browser.find(".plot table")
        self.judge("plot-table")
        self.at("/console#/live")
        browser.find(".decisions summary").click()
        self.judge("refusal")
        for page, filled in (("accounts", {"Address": BOB, "Password": PASSWORDS[BOB]}), ("domains", {"Domain": "no domain"}),
                             (f"accounts/{ALICE}", {"One more address": "no address"})):
            self.at(f"/console#/{page}")
            for label, value in filled.items():
                browser.field(label).fill(value)
            browser.field(label).press("Enter")
            browser.find("[role=alert]")
            self.judge(f"{page}-refused")
        browser.button("Remove the account").click()
        browser.find("dialog[open]")
        self.judge("account-dialog")
        self.at(f"/console#/explain?as={ALICE}&from={BOB}")
        browser.button("Explain").click()
        browser.find("#verdict")
        browser.field("Our port").fill("none")
        browser.find("[aria-invalid=true]")
        self.judge("explained")
        self.at("/console#/queue")
        browser.find("tbody th a").click()
        browser.button("Remove").click()
        browser.find("dialog[open]")
        self.judge("message-dialog")
        self.site.sign_in(BOB, password="Builder's choice 100")
        self.at("/console")
        self.judge("not-for-you")

    def test_what_strangers_wrote_shows_as_text(self):
        for who, page, where in ((ALICE, "/account#/logins", ".logins"), (ALICE, "/account#/devices", ".table"),
                                 (OPERATOR, "/console#/live", ".decisions"), (OPERATOR, "/console#/queue", ".table"),
                                 (OPERATOR, "/console#/discovery", ".table"),
                                 (OPERATOR, f"/console#/accounts/{ALICE}", ".logins")):
            with self.subTest(page):
                self.site.sign_in(who, page)
                self.browser.find(where, MARKUP)
                self.assertEqual(self.browser.count("main img, main script"), 0)
                self.nothing_was_run()
        # The message itself: its header, and its story.
        self.site.go("/console#/queue")
        self.browser.find("tbody th a").click()
        self.browser.find("pre", MARKUP)
        self.browser.link("All that happened").click()
        self.browser.find(".story")
        self.nothing_was_run()

    def test_the_first_page_is_small(self):
        self.at("/account")
        octets = self.browser.run("""[...performance.getEntriesByType('resource'), ...performance.getEntriesByType('navigation')]
            .reduce((sum, one) => sum + one.transferSize, 0)""")
        self.assertGreater(octets, 1000)
        self.assertLess(octets, 100 * 1024)


if __name__ == "__main__":
    unittest.main()
