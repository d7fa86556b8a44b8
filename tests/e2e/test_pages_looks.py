"""How the pages look and to whom: axe-core finds nothing against WCAG 2.2 AA on any of them, none is wider than a
phone, what strangers wrote shows as text, and the first page is small and quick. Pictures of the main pages are left in
pages/pictures beside the program, to be looked at."""
import pathlib
import unittest

from browser import AXE
from harness import ALICE, BOB, PROGRAM, need
from page_walk import OPERATOR, Site

PICTURES = pathlib.Path(PROGRAM).resolve().parent / "pages" / "pictures"
MARKUP = "<img/src=x/onerror=window.hit=1>"  # what a stranger would try
DESKTOP, PHONE = 1280, 390

ACCOUNT = {"start": "", "set-up": "set-up", "devices": "devices", "logins": "logins", "sent": "sent", "test-mail": "test-mail",
           "settings": "settings"}
CONSOLE = {"overview": "", "live": "live", "queue": "queue", "accounts": "accounts", "account": f"accounts/{BOB}",
           "domains": "domains", "domain": "domains/postern.test", "guard": "guard", "explain": "explain",
           "discovery": "discovery", "certificates": "certificates", "audit": "audit"}
HELP = {"help-start": "/", "help-setup": "/setup", "help-outlook": "/setup/outlook2010", "help-iphone": "/setup/iphone",
        "help-list": "/help/", "help-failure": "/help/auth-failed", "help-what": "/what-is-smtp-auth",
        "help-german": "/setup/thunderbird?lang=de"}
# The ones that are looked at; the others are only judged by axe-core.
SHOWN = {"sign-in", "start", "set-up", "take", "devices", "logins", "test-mail", "overview", "live", "queue", "account", "domain",
         "guard", "help-setup", "help-outlook"}


def setUpModule():
    need("chromium", "chromedriver", "msmtp")
    if not AXE.exists():
        raise unittest.SkipTest("pages/node_modules is not there: scripts/build-pages makes it")
    PICTURES.mkdir(parents=True, exist_ok=True)
    Looks.site = site = unittest.enterModuleContext(Site())
    Looks.browser, Looks.server = site.browser, site.server
    site.something_to_see(MARKUP)


class Looks(unittest.TestCase):
    def judge(self, name):
        """By day and by night, at a desk and on a phone."""
        browser = self.browser
        for width in (DESKTOP, PHONE):
            for dark in (False, True):
                if name in SHOWN:
                    browser.picture(PICTURES / f"{name}-{'phone' if width == PHONE else 'desktop'}-{'dark' if dark else 'light'}.png",
                                    width, dark)
                elif dark:
                    continue
                browser.show(width, dark=dark)
                with self.subTest(name, width=width, dark=dark):
                    self.assertLessEqual(browser.too_wide(), 0)
                    self.assertEqual(browser.violations(), [])
                    self.assertEqual(browser.problems(), [])
                    self.assertIsNone(browser.run("return window.hit ?? null"))
        browser.show(DESKTOP)

    def ready(self):
        self.browser.find("main h1")
        self.browser.run("""return new Promise((done) => {
            const look = () => document.querySelector('.waiting') ? setTimeout(look, 20) : done();
            look();
        })""")

    def test_account_pages(self):
        self.browser.command("DELETE", "/cookie")
        self.site.go("/account")
        self.browser.find("[name=address]")
        self.judge("sign-in")
        self.site.sign_in(ALICE)
        for name, page in ACCOUNT.items():
            self.site.go(f"/account#/{page}")
            self.ready()
            self.judge(name)
        self.site.go("/account#/set-up/iphone")
        self.browser.click("form .button.primary")
        self.browser.find("[data-secret]")
        self.judge("take")

    def test_console_pages(self):
        self.site.sign_in(OPERATOR, "/console")
        self.browser.find(".plot canvas")
        for name, page in CONSOLE.items():
            self.site.go(f"/console#/{page}")
            self.ready()
            self.judge(name)

    def test_help_pages(self):
        for name, page in HELP.items():
            self.site.go(page)
            self.browser.find("h1")
            self.judge(name)

    def test_what_strangers_wrote_shows_as_text(self):
        for who, page, where in ((ALICE, "/account#/logins", ".logins"), (ALICE, "/account#/devices", ".table"),
                                 (OPERATOR, "/console#/live", ".decisions"), (OPERATOR, "/console#/queue", ".table"),
                                 (OPERATOR, "/console#/discovery", ".table"),
                                 (OPERATOR, f"/console#/accounts/{ALICE}", ".logins")):
            with self.subTest(page):
                self.site.sign_in(who, page)
                self.browser.find(where, MARKUP)
                self.assertEqual(self.browser.run("return document.querySelectorAll('main img, main script').length"), 0)
                self.assertIsNone(self.browser.run("return window.hit ?? null"))
        # The message itself: its header, and its story.
        self.site.go("/console#/queue")
        self.browser.click("tbody th a")
        self.browser.find("pre", MARKUP)
        self.browser.click("a", "All that happened")
        self.browser.find(".story")
        self.assertIsNone(self.browser.run("return window.hit ?? null"))

    def test_the_first_page_is_small_and_quick(self):
        self.browser.command("DELETE", "/cookie")
        self.browser.devtools("Network.clearBrowserCache")
        self.site.go("/account")
        self.browser.find("[name=address]")
        octets = self.browser.run("""return [...performance.getEntriesByType('resource'), ...performance.getEntriesByType('navigation')]
            .reduce((sum, one) => sum + one.transferSize, 0)""")
        self.assertGreater(octets, 1000)
        self.assertLess(octets, 100 * 1024)
        shown = []
        for _ in range(3):
            self.site.go("/account")
            self.browser.find("[name=address]")
            shown.append(self.browser.run("return performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 1e6"))
        self.assertLess(min(shown), 500)


if __name__ == "__main__":
    unittest.main()
