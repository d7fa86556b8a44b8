"""The account page and the console, walked by a browser against the running server: each flow from the first click
to what it was for."""
import json
import re
import unittest

from harness import ALICE, BOB, HOST, NAME, PASSWORDS, need, run
from page_walk import OPERATOR, Site

ENTER, TAB = "\ue007", "\ue004"


def setUpModule():
    need("chromium", "chromedriver", "msmtp")
    Walk.site = unittest.enterModuleContext(Site())
    Walk.browser, Walk.server = Walk.site.browser, Walk.site.server


class Walk(unittest.TestCase):
    def tearDown(self):
        self.assertEqual(self.browser.problems(), [])


class AccountPage(Walk):
    def test_a_device_is_set_up_until_the_live_tick_appears(self):
        browser = self.browser
        self.site.sign_in(ALICE)
        browser.click("a.way", "Set up a device")
        browser.click("a.pick", "msmtp")
        browser.fill("label", "laptop <b>in the hall</b>")
        browser.click("form .button.primary")
        password = browser.find("[data-secret]").text
        self.assertGreaterEqual(len(password.replace(" ", "")), 16)
        browser.find(".watch h2", "Waiting for your device")
        browser.wait_text(str(self.server.submissions))  # the very values that mail programs are told

        # The person mistypes it: why it failed shows while they stand before the page.
        self.assertNotEqual(self.site.mail_program(ALICE, password[:-1] + "!"), "")
        browser.find(".watch .badge.bad", "refused")
        self.assertIn("password", browser.find(".watch .tries").text)
        self.assertEqual(browser.all(".watch.done"), [])

        self.assertEqual(self.site.mail_program(ALICE, password, "from the new device"), "")
        browser.find(".watch.done h2", "laptop <b>in the hall</b> has logged in")
        self.server.wait_mail(ALICE, "from the new device")

        # It stands in the list, and shows there once only what it is, never its password.
        browser.click(".watch a", "All devices")
        browser.find("th", "laptop <b>in the hall</b>")
        self.assertNotIn(password, browser.text())

    def test_a_phone_is_set_up_by_a_profile(self):
        self.site.sign_in(ALICE, "/account#/set-up/iphone")
        self.browser.fill("label", "phone")
        self.browser.click("button", "Make a profile")
        self.browser.find("svg.qr path")
        link = self.browser.find("a", "Install the mail profile").attribute("href")
        self.browser.find(".watch h2", "Waiting for your device")
        # The phone opens it, and its button is pressed.
        profile = run("curl", "-sk", "--data", "", "--resolve", f"{NAME}:{self.server.https}:{HOST}", link, check=True, input=b"").stdout
        password = re.search(rb"<key>OutgoingPassword</key>\s*<string>([^<]+)</string>", profile).group(1).decode()
        self.server.secrets.add((ALICE, password))
        self.assertEqual(self.site.mail_program(ALICE, password), "")
        self.browser.find(".watch.done h2", "phone has logged in")

    def test_a_wrong_password_shows_its_cause(self):
        self.server.set_password(BOB, "Builder's choice 100")
        self.assertNotEqual(self.site.mail_program(BOB, PASSWORDS[BOB]), "")
        self.site.sign_in(BOB, password="Builder's choice 100")
        self.browser.find(".hero.bad h2", "could not log in")
        self.browser.find(".hero.bad", "It is the password before the last change")
        self.browser.click("nav a", "Log-ins")
        self.browser.find(".logins .badge.bad", "refused")
        # Once it has got in, nothing is wrong any more, and the page says so by itself.
        self.browser.click("nav a", "Start")
        self.browser.find(".hero.bad")
        self.assertEqual(self.site.mail_program(BOB, "Builder's choice 100"), "")
        self.browser.find(".hero.good h2", "Sending works")

    def test_a_revoked_device_sends_no_more(self):
        made = self.server.cli("account", "app-password", "add", ALICE, "--label", "lost phone", "--json", check=True).stdout
        password = json.loads(made)["password"]
        self.assertEqual(self.site.mail_program(ALICE, password), "")
        self.site.sign_in(ALICE, "/account#/devices")
        row = "lost phone"
        self.browser.click("tr button", row)
        dialog = self.browser.find("dialog[open]", f"Revoke the password of {row}?")
        self.assertIn("can't send any more", dialog.text)
        self.browser.click("dialog[open] .button.danger")
        self.browser.find("tr", "revoked")
        self.browser.find(".notices", f"The password of {row} is revoked.")
        self.assertNotEqual(self.site.mail_program(ALICE, password), "")

    def test_a_test_mail_shows_each_step_until_it_has_arrived(self):
        self.site.sign_in(ALICE, "/account#/test-mail")
        self.browser.click(".button.primary", "Send a test mail")
        self.browser.find(".watch.done h2", "It has arrived")
        steps = [step.text for step in self.browser.all(".watch .steps .badge")]
        self.assertEqual([steps[0], steps[-1]], ["accepted", "delivered"])
        self.browser.click("a", "All that is known about it")
        self.browser.find(".story li", "Delivered")
        self.browser.click("nav a", "Sent mail")
        self.browser.find(".sent .badge.good", "delivered")

    def test_the_switch_and_the_password_are_the_persons_own(self):
        self.site.sign_in(ALICE, "/account#/settings")
        self.browser.click("[role=switch]")
        self.browser.find(".notices", "No device can send any more.")
        self.assertNotEqual(self.site.mail_program(ALICE, PASSWORDS[ALICE]), "")
        self.browser.click("[role=switch]")
        self.browser.find("[role=switch][aria-checked=true]")
        self.assertEqual(self.site.mail_program(ALICE, PASSWORDS[ALICE]), "")

        # Errors stand beside their fields, and the focus is in the first of them.
        self.browser.fill("old", "not it")
        self.browser.fill("new", "short")
        self.browser.fill("again", "other")
        self.browser.click("form .button.primary")
        field = self.browser.find("input[name=new][aria-invalid=true]")
        told = self.browser.find("#" + field.attribute("aria-describedby").split()[0])
        self.assertIn("At least", told.text)
        self.assertEqual(self.browser.run("return document.activeElement.name"), "new")
        for name in ("new", "again"):
            self.browser.fill(name, "wonder-Land/18=y")
        self.browser.click("form .button.primary")
        self.browser.find("input[name=old][aria-invalid=true]")
        self.browser.fill("old", PASSWORDS[ALICE])
        self.browser.click("form .button.primary")
        self.browser.find(".notices", "The password is changed.")
        self.server.secrets.add((ALICE, "wonder-Land/18=y"))
        self.assertEqual(self.site.mail_program(ALICE, "wonder-Land/18=y"), "")
        # The session goes on, and can change things still.
        self.browser.click("[role=switch]")
        self.browser.click("[role=switch][aria-checked=false]")
        self.browser.find("[role=switch][aria-checked=true]")
        self.server.set_password(ALICE, PASSWORDS[ALICE])

    def test_signing_in_says_what_is_wrong_and_needs_no_mouse(self):
        browser = self.browser
        browser.command("DELETE", "/cookie")
        self.site.go("/account")
        browser.find("[name=address]").click()
        browser.key(ENTER)
        browser.find("input[name=address][aria-invalid=true]")
        self.assertEqual(browser.run("return document.activeElement.name"), "address")
        browser.fill("address", ALICE)
        browser.fill("password", "not it")
        browser.key(ENTER)
        browser.find("[role=alert]")
        browser.fill("password", PASSWORDS[ALICE])
        browser.key(ENTER)
        browser.find(".ways")
        # The first thing that Tab leads to is the way past the head.
        self.site.go("/account#/logins")
        browser.find("h1", "Recent log-ins")
        browser.key(TAB)
        self.assertEqual(browser.run("return document.activeElement.className"), "skip")
        browser.key(ENTER)
        self.assertEqual(browser.run("return document.activeElement.id"), "page")
        # Whoever goes on finds the focus at the new page's headline.
        browser.click("nav a", "Devices")
        browser.find("h1", "Devices and their passwords")
        self.assertEqual(browser.run("return document.activeElement.tagName"), "H1")
        browser.click("button", "Sign out")
        browser.find("[name=password]")

    def test_a_page_in_german(self):
        self.site.sign_in(ALICE, "/account?lang=de#/devices")
        self.browser.find("h1", "Geräte und ihre Passwörter")
        self.assertEqual(self.browser.run("return document.documentElement.lang"), "de")
        self.browser.click("button", "English")
        self.browser.find("h1", "Devices and their passwords")

    def test_what_the_server_says_comes_in_the_language_of_the_page(self):
        self.assertNotEqual(self.site.mail_program(ALICE, "a guess that is wrong"), "")
        self.site.sign_in(ALICE, "/account?lang=de#/logins")
        self.browser.find(".logins li", "Das Passwort ist falsch.")
        # What is shown already is asked for anew.
        self.browser.click("button", "English")
        self.browser.find(".logins li", "The password is wrong.")

    def test_without_javascript_the_page_says_what_can_be_done_instead(self):
        self.browser.devtools("Emulation.setScriptExecutionDisabled", value=True)
        try:
            self.site.go("/account")
            self.browser.find("h1", "This page needs JavaScript")
            self.browser.click("a", "set up a mail program")
            self.assertIn("/setup", self.browser.url())
        finally:
            self.browser.devtools("Emulation.setScriptExecutionDisabled", value=False)


class Console(Walk):
    def test_the_operator_finds_the_refusal_and_flips_a_switch(self):
        self.server.set_password(BOB, PASSWORDS[BOB])
        self.server.cli("account", "smtp-auth", BOB, "off", check=True)
        self.assertNotEqual(self.site.mail_program(BOB, PASSWORDS[BOB]), "")
        self.site.sign_in(OPERATOR, "/console#/live")
        self.browser.find(".decisions li", BOB)
        self.browser.click(".decisions summary")
        self.browser.click(".decisions li a", "To the account")
        self.browser.find("h1", BOB)
        self.browser.click("[role=switch][aria-checked=false]")
        self.browser.find(".notices", "Done.")
        self.assertEqual(self.site.mail_program(BOB, PASSWORDS[BOB]), "")
        self.browser.click("nav a", "Audit log")
        row = self.browser.find("tr", "account smtp-auth")
        self.assertIn(OPERATOR, row.text)

    def test_what_happens_shows_without_a_reload(self):
        self.site.sign_in(OPERATOR, "/console#/live")
        self.browser.find("[role=status]", "Live")
        with self.server.session(login=ALICE, ehlo="watched.example"):
            self.browser.find("td", "watched.example")
        self.assertNotEqual(self.site.mail_program(ALICE, "not her password"), "")
        self.browser.find(".decisions li", ALICE)

    def test_a_decision_is_explained_by_a_form(self):
        self.site.sign_in(OPERATOR, "/console#/explain")
        self.browser.fill("as", ALICE)
        self.browser.fill("from", BOB)
        self.browser.fill("to", ALICE)
        self.browser.click("form .button.primary")
        self.browser.find("#verdict", "would be refused")
        self.browser.find(".notice.good", "This would turn it:")

    def test_plots_are_drawn_and_told_as_tables(self):
        self.site.sign_in(OPERATOR, "/console")
        self.browser.find(".plot canvas")
        self.assertEqual(len(self.browser.all(".plot")), 6)
        self.browser.click(".plot summary", "As a table")
        self.browser.find(".plot table th", "accepted")

    def test_who_has_no_role_sees_nothing_and_a_reader_changes_nothing(self):
        self.site.sign_in(ALICE, "/account")
        self.assertNotIn("Console", self.browser.find("header").text)
        self.site.go("/console")
        self.browser.find("h1", "may not use the console")
        self.server.cli("account", "role", ALICE, "reader", check=True)
        try:
            self.site.sign_in(ALICE, f"/console#/accounts/{BOB}")
            self.browser.find("[role=switch]")
            self.assertEqual([one.attribute("disabled") for one in self.browser.all("[role=switch]")], ["true", "true"])
            self.assertEqual(self.browser.all(".card .button.danger"), [])  # not those of closed dialogs
        finally:
            self.server.cli("account", "role", ALICE, "none", check=True)

    def test_domains_and_accounts_come_and_go(self):
        self.site.sign_in(OPERATOR, "/console#/domains")
        self.browser.fill("domain", "new.test")
        self.browser.click("form .button.primary")
        self.browser.find(".names a", "new.test")
        self.browser.click("nav a", "Accounts")
        self.browser.fill("address", "dora@new.test")
        self.browser.fill("password", "exploring Rivers 7")
        self.server.secrets.add(("dora@new.test", "exploring Rivers 7"))
        self.browser.click("form .button.primary")
        self.browser.click("tbody a", "dora@new.test")
        self.browser.find("h1", "dora@new.test")
        self.assertEqual(self.site.mail_program("dora@new.test", "exploring Rivers 7"), "")
        self.browser.click(".button.danger", "Remove the account")
        self.browser.click("dialog[open] .button.danger")
        self.browser.find("h1", "Accounts")
        self.assertNotEqual(self.site.mail_program("dora@new.test", "exploring Rivers 7"), "")


if __name__ == "__main__":
    unittest.main()
