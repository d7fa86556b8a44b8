"""The help centre: read without scripts, on a phone and at a desk; filled for the reader; what a refusal leads to; and that
strangers learn nothing of accounts by it. Pictures are left as test_pages_looks leaves its own."""
import gzip
import re
import tomllib
import unittest

from browser import PICTURES, Browser, Walk
from harness import ALICE, BOB, NAME, ROOT
from web import Pages

DESKTOP, PHONE, NARROW = 1280, 360, 320
PROGRAMS = sorted(set(tomllib.loads((ROOT / "src/setup/programs.toml").read_text())) - {"family"})
SHOWN = {"start": "/", "setup": "/setup", "outlook": f"/setup/outlook2010?address={ALICE}", "iphone": "/setup/iphone?lang=de",
            "mutt": "/setup/mutt", "failures": "/help?said=0x800CCC78", "failure": "/help/auth-failed?lang=de",
            "why": "/why/K7Q2M9TX4WZA.1", "explanation": "/what-is-smtp-auth"}


class Help(Pages):
    def write_config(self):
        self.config["web"]["public_url"] = f"https://{NAME}:{self.https}/"
        super().write_config()


def setUpModule():
    global server
    Walk.browser = unittest.enterModuleContext(Browser(resolve=[NAME]))
    server = unittest.enterModuleContext(Help({"setup": {"name": "Postern Mail", "contact": "help@postern.test"}}))
    PICTURES.mkdir(parents=True, exist_ok=True)


def url(path):
    return f"https://{NAME}:{server.https}{path}"


def page(path, fields=()):
    with server.talk() as talk:
        return talk.ask(path, fields=fields)


class Reading(Walk):
    """With the browser's scripts off, as it was asked for: everything is there without."""
    options = {"java_script_enabled": False}

    def test_every_guide_fits_a_narrow_window_and_shows_where_to_log_in(self):
        self.browser.show(NARROW)
        for language in ("en", "de"):
            for program in PROGRAMS:
                with self.subTest(program, language=language):
                    self.browser.open(url(f"/setup/{program}?lang={language}&address={ALICE}"))
                    self.browser.find("h1")
                    self.assertEqual(self.browser.cut_off(), [])
                    self.assertIn(NAME, self.browser.text())
                    self.assertEqual(self.browser.count("button.copy:not([hidden])"), 0)
                    if program not in ("swaks", "curl"):
                        self.assertGreater(self.browser.count("svg .mark, pre mark"), 0)

    def test_a_pasted_error_is_explained(self):
        self.browser.open(url("/setup/thunderbird"))
        self.browser.find("[name=said]").fill("Sending failed: 5.7.8 SEC_ERROR_UNKNOWN_ISSUER")
        self.browser.find(".ask button").click()
        self.browser.find("#found a[href^='/help/certificate-unknown-issuer']").click()
        self.browser.headline("What you can do")

    def test_an_address_is_filled_in_and_goes_along(self):
        self.browser.open(url("/setup"))
        self.browser.find("[name=address]").fill(BOB)
        self.browser.find(".address button").click()
        self.browser.find(".programs a", "Evolution").click()
        self.browser.find(".fields code", BOB)
        self.browser.link("Deutsch").click()
        self.browser.find(".fields code", BOB)
        self.browser.headline("anmelden")

    def test_paper_shows_all(self):
        self.browser.page.emulate_media(media="print")
        self.addCleanup(self.browser.page.emulate_media, media="screen")
        self.browser.open(url("/setup/python"))
        self.assertEqual(self.browser.run("getComputedStyle(document.getElementById('code')).whiteSpace"), "pre-wrap")
        self.assertTrue(self.browser.run("document.querySelector('.symptoms dt').checkVisibility()"))
        self.assertFalse(self.browser.run("document.querySelector('.asking h2').checkVisibility()"))

    def test_the_keyboard_goes_past_the_head(self):
        self.browser.open(url("/what-is-smtp-auth"))
        self.browser.page.keyboard.press("Tab")
        self.browser.find("a[href$='#text']:focus")
        self.browser.page.keyboard.press("Enter")
        self.browser.find("#text:focus")


class Packing(unittest.TestCase):
    def test_a_packed_page_is_the_same_page(self):
        packed = page("/setup/mutt", ["Accept-Encoding: gzip"])
        self.assertEqual(packed.fields["content-encoding"], "gzip")
        self.assertEqual(gzip.decompress(packed.body), page("/setup/mutt").body)


class Scripts(Walk):
    def test_a_value_is_copied(self):
        self.browser.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=url(""))
        self.browser.open(url(f"/setup/outlook2013?address={ALICE}"))
        self.browser.find(".fields button.copy").click()
        self.browser.find(".fields button.done", "✓")
        said = self.browser.find("[name=said]")
        said.press("Control+V")
        self.assertEqual(said.input_value(), NAME)

    def test_a_link_to_a_step_unfolds_it(self):
        self.browser.open(url("/help#login"))
        self.browser.find("details[open] a[href^='/help/auth-failed']")

    def test_pictures(self):
        for name, path in SHOWN.items():
            self.browser.open(url(path))
            for width, dark, form in ((DESKTOP, False, "desktop"), (PHONE, False, "phone"), (DESKTOP, True, "dark")):
                self.browser.show(width, dark=dark)
                self.browser.picture(PICTURES / f"help-{name}-{form}.png")
                self.assertEqual(self.browser.cut_off(), [], (name, form))

    def test_nothing_is_against_wcag(self):
        for path in (*SHOWN.values(), "/setup/printer", "/setup/claws?lang=de", "/setup?address=wrong", "/no-such-page"):
            self.browser.open(url(path))
            for dark in (False, True):
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
