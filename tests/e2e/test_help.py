"""The help centre: read without scripts, on a phone and at a desk; filled for the reader; what a refusal leads to; and that
strangers learn nothing of accounts by it. Pictures go to a throw-away folder, or to $POSTERN_PICTURES to be looked at."""
import os
import pathlib
import re
import shutil
import tempfile
import tomllib
import unittest

from browser import AXE, Browser
from harness import ALICE, BOB, NAME, ROOT, need
from web import Pages

DESKTOP, PHONE = 1280, 360
PROGRAMS = sorted(set(tomllib.loads((ROOT / "src/setup/programs.toml").read_text())) - {"family"})
PICTURES = {"start": "/", "setup": "/setup", "outlook": f"/setup/outlook2010?address={ALICE}", "iphone": "/setup/iphone?lang=de",
            "mutt": "/setup/mutt", "failures": "/help?said=0x800CCC78", "failure": "/help/auth-failed?lang=de",
            "why": "/why/K7Q2M9TX4WZA.1", "explanation": "/what-is-smtp-auth"}


class Help(Pages):
    def write_config(self):
        self.config["web"]["public_url"] = f"https://{NAME}:{self.https}/"
        super().write_config()


def setUpModule():
    need("chromium", "chromedriver")
    global server, pictures
    server = unittest.enterModuleContext(Help({"setup": {"name": "Postern Mail", "contact": "help@postern.test"}}))
    pictures = pathlib.Path(os.environ.get("POSTERN_PICTURES") or tempfile.mkdtemp(prefix="postern-pictures-"))
    pictures.mkdir(parents=True, exist_ok=True)
    if not os.environ.get("POSTERN_PICTURES"):
        unittest.addModuleCleanup(shutil.rmtree, pictures, True)


def url(path):
    return f"https://{NAME}:{server.https}{path}"


def page(path, fields=()):
    with server.talk() as talk:
        return talk.ask(path, fields=fields)


class Reading(unittest.TestCase):
    """With the browser's scripts off, as it was asked for: everything is there without."""

    @classmethod
    def setUpClass(cls):
        cls.browser = cls.enterClassContext(Browser(resolve=[NAME]))
        cls.browser.devtools("Emulation.setScriptExecutionDisabled", value=True)

    def test_every_guide_fits_a_phone_and_shows_where_to_log_in(self):
        self.browser.show(PHONE)
        for language in ("en", "de"):
            for program in PROGRAMS:
                with self.subTest(program, language=language):
                    self.browser.open(url(f"/setup/{program}?lang={language}&address={ALICE}"))
                    self.browser.find("h1")
                    self.assertLessEqual(self.browser.too_wide(), 0)
                    self.assertIn(NAME, self.browser.text())
                    self.assertEqual(self.browser.all("button.copy:not([hidden])"), [])
                    if program not in ("swaks", "curl"):
                        self.assertTrue(self.browser.all("svg .mark, pre mark"))
        self.browser.show(DESKTOP)

    def test_a_pasted_error_is_explained(self):
        self.browser.open(url("/setup/thunderbird"))
        self.browser.fill("said", "Sending failed: 5.7.8 SEC_ERROR_UNKNOWN_ISSUER")
        self.browser.click(".ask button")
        self.browser.find("#found a[href^='/help/certificate-unknown-issuer']").click()
        self.browser.wait_text("What you can do")

    def test_an_address_is_filled_in_and_goes_along(self):
        self.browser.open(url("/setup"))
        self.browser.fill("address", BOB)
        self.browser.click(".address button")
        self.browser.click(".programs a", "Evolution")
        self.browser.find(".fields code", BOB)
        self.browser.click(".languages a", "Deutsch")
        self.browser.find(".fields code", BOB)
        self.browser.find("h1", "anmelden")

    def test_paper_shows_all(self):
        self.browser.devtools("Emulation.setEmulatedMedia", media="print")
        self.addCleanup(self.browser.devtools, "Emulation.setEmulatedMedia", media="")
        self.browser.open(url("/setup/python"))
        self.assertEqual(self.browser.run("return getComputedStyle(document.getElementById('code')).whiteSpace"), "pre-wrap")
        self.assertTrue(self.browser.run("return document.querySelector('.symptoms dt').checkVisibility()"))
        self.assertFalse(self.browser.run("return document.querySelector('.asking h2').checkVisibility()"))

    def test_the_keyboard_goes_past_the_head(self):
        self.browser.open(url("/what-is-smtp-auth"))
        self.browser.key("\ue004")  # Tab
        self.assertIn("#text", self.browser.run("return document.activeElement.href"))
        self.browser.key("\ue007")  # Enter
        self.assertEqual(self.browser.run("return document.activeElement.id"), "text")


class Scripts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.browser = cls.enterClassContext(Browser(resolve=[NAME]))

    def test_a_value_is_copied(self):
        self.browser.devtools("Browser.grantPermissions", origin=url(""),
                              permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
        self.browser.open(url(f"/setup/outlook2013?address={ALICE}"))
        self.browser.click(".fields button.copy")
        self.browser.find(".fields button.done", "✓")
        self.browser.fill("said", "\ue009v")  # Ctrl and V
        self.assertEqual(self.browser.run("return document.getElementById('said').value"), NAME)
        self.assertEqual(self.browser.problems(), [])

    def test_a_link_to_a_step_unfolds_it(self):
        self.browser.open(url("/help#login"))
        self.browser.find("details[open] a[href^='/help/auth-failed']")

    def test_pictures(self):
        for name, path in PICTURES.items():
            self.browser.open(url(path))
            for width, form in ((DESKTOP, "desktop"), (PHONE, "phone")):
                self.browser.picture(pictures / f"{name}-{form}.png", width)
                self.assertLessEqual(self.browser.too_wide(), 0, (name, form))
            self.browser.picture(pictures / f"{name}-dark.png", DESKTOP, dark=True)

    def test_nothing_is_against_wcag(self):
        if not AXE.exists():
            self.skipTest("pages/node_modules is not there: scripts/build-pages makes it")
        for path in (*PICTURES.values(), "/setup/printer", "/setup/claws?lang=de", "/setup?address=wrong", "/no-such-page"):
            self.browser.open(url(path))
            for dark in (False, True) if path in (PICTURES["outlook"], PICTURES["failures"]) else (False,):
                with self.subTest(path, dark=dark):
                    self.browser.show(DESKTOP, dark=dark)
                    self.assertEqual(self.browser.violations(), [])


class Refusals(unittest.TestCase):
    def id_in(self, reply):
        """The id of a refusal, which leads to its page."""
        found = re.search(r"\(([0-9A-Z]{12}\.\d+), see (\S+)\)$", reply.text)
        self.assertTrue(found, reply)
        self.assertEqual(found.group(2), url(f"/why/{found.group(1)}"))
        return found.group(1)

    def refused(self, *lines, code):
        with server.session(login=ALICE) as wire:
            for line in lines[:-1]:
                wire.say(line, 250)
            return self.id_in(wire.say(lines[-1], code))

    def page_without_id(self, id):
        answer = page(f"/why/{id}")
        fields = {name: value for name, value in answer.fields.items() if name not in ("date", "content-length", "etag")}
        return answer.status, answer.text.replace(id, "ID"), fields

    def test_a_refusal_leads_to_its_page(self):
        id = self.refused("MAIL FROM:<nobody>", code=501)
        text = page(f"/why/{id}").text
        self.assertIn("The sender is not a full mail address", text)
        self.assertIn("What you can do", text)
        self.assertIn("Der Absender ist keine", page(f"/why/{id}", ["Accept-Language: de"]).text)

    def test_strangers_learn_nothing_of_accounts(self):
        there_is_none = self.refused(f"MAIL FROM:<{ALICE}>", "RCPT TO:<nobody-at-all@postern.test>", code=550)
        not_yours = self.refused(f"MAIL FROM:<{BOB}>", code=550)
        wrong, no_account = (self.id_in(self.guess(*login)) for login in
                             ((ALICE, "a guess"), ("nobody-at-all@postern.test", "a guess")))
        unknown = self.page_without_id("K7Q2M9TX4WZA.1")
        self.assertEqual(unknown[0], 200)
        for id in (there_is_none, not_yours, wrong, no_account, "K7Q2M9TX4WZB.77", "nonsense", "chk-k7q2m9tx4wza"):
            with self.subTest(id):
                self.assertEqual(self.page_without_id(id), unknown)

    def guess(self, user, password):
        with server.session() as wire:
            return wire.auth_plain(user, password, 535)

    def test_whether_a_mailbox_exists_is_not_told(self):
        one, other = (page(f"/setup/thunderbird?address={who}%40postern.test").text for who in ("alice", "nobod"))
        self.assertEqual(one.replace("alice", "nobod"), other)


if __name__ == "__main__":
    unittest.main()
