"""The account page and the console, walked by a browser against the running server: each flow from the first click
to what it was for."""
import json
import re
import unittest

from browser import Walk
from harness import ALICE, BOB, HOST, NAME, PASSWORDS, need, run
from page_walk import OPERATOR, Site

CHANGED = "Builder's choice 100"


def setUpModule():
    need("msmtp")
    PageWalk.site = unittest.enterModuleContext(Site())
    PageWalk.browser, PageWalk.server = PageWalk.site.browser, PageWalk.site.server


class PageWalk(Walk):
    def sends(self, who, password, word="a mail"):
        self.assertEqual(self.site.mail_program(who, password, word), "")

    def sends_nothing(self, who, password):
        self.assertNotEqual(self.site.mail_program(who, password), "")

    def says(self, text):
        """A notice tells what was done."""
        self.browser.find(".notices", text)

    def confirm(self, question, button):
        """A dialog asks; this is pressed in it."""
        dialog = self.browser.page.get_by_role("dialog", name=question)
        dialog.get_by_role("button", name=button, exact=True).click()
        dialog.wait_for(state="hidden")

    def every_page(self, names):
        """Each is one press away, and the focus is at its headline."""
        ways = self.browser.page.get_by_role("navigation", name="Pages")
        self.assertEqual(ways.get_by_role("link").all_inner_texts(), names)
        for name in [*names[1:], names[0]]:
            ways.get_by_role("link", name=name, exact=True).click()
            ways.locator("a[aria-current=page]").filter(has_text=name).wait_for()
            self.browser.page.locator("h1:focus").wait_for()


class AccountPage(PageWalk):
    def test_every_page_is_one_press_away(self):
        self.site.sign_in(ALICE)
        self.every_page(["Start", "Set up a device", "Devices", "Log-ins", "Sent mail", "Test mail", "Settings"])

    def test_a_device_is_set_up_until_the_live_tick_appears(self):
        browser = self.browser
        self.site.sign_in(ALICE)
        browser.link("Set up a device").click()
        browser.link("msmtp").click()
        browser.field("What do you call this device?").fill("laptop <b>in the hall</b>")
        browser.button("Make a password").click()
        password = browser.find("[data-secret]").inner_text()
        self.assertGreaterEqual(len(password.replace(" ", "")), 16)
        browser.headline("Waiting for your device")
        browser.find(".values", str(self.server.submissions))  # the very values that mail programs are told

        # The person mistypes it: why it failed shows while they stand before the page.
        self.sends_nothing(ALICE, password[:-1] + "!")
        browser.find(".watch .badge.bad", "refused")
        browser.find(".watch .tries", "password")
        self.assertEqual(browser.count(".watch.done"), 0)

        self.sends(ALICE, password, "from the new device")
        browser.find(".watch.done h2", "laptop <b>in the hall</b> has logged in")
        self.server.wait_mail(ALICE, "from the new device")

        # It stands in the list, and shows there only what it is, never its password.
        browser.find(".watch a", "All devices").click()
        browser.page.get_by_role("rowheader", name="laptop <b>in the hall</b>").wait_for()
        self.assertNotIn(password, browser.text())

    def test_a_phone_is_set_up_by_a_profile(self):
        self.site.sign_in(ALICE, "/account#/set-up/iphone")
        self.browser.field("What do you call this device?").fill("phone")
        self.browser.field("Put a new password for this device in").check()
        self.browser.button("Make a profile").click()
        self.browser.button("Show the code").click()
        self.browser.page.get_by_role("img", name="QR code that opens the profile").wait_for()
        link = self.browser.link("Install the mail profile").get_attribute("href")
        self.browser.headline("Waiting for your device")
        # The phone opens it, and its button is pressed.
        profile = run("curl", "-sk", "--data", "", "--resolve", f"{NAME}:{self.server.https}:{HOST}", link, check=True, input=b"").stdout
        password = re.search(rb"<key>OutgoingPassword</key>\s*<string>([^<]+)</string>", profile).group(1).decode()
        self.server.secrets.add((ALICE, password))
        self.sends(ALICE, password)
        self.browser.find(".watch.done h2", "phone has logged in")

    def test_a_box_that_is_not_ticked_shows_as_such(self):
        self.site.sign_in(ALICE, "/account#/set-up/outlook2010")
        self.browser.button("Make a password").click()
        self.browser.headline("Waiting for your device")
        with self.server.session(ehlo="PC-Anna") as wire:
            wire.say(f"MAIL FROM:<{ALICE}>", 530)
        self.browser.find(".watch .tries", "PC-Anna sent mail without logging in")
        self.assertIn("/setup/outlook2010?", self.browser.link("the step in the guide").get_attribute("href"))
        self.browser.find("nav a", "Start").click()
        self.browser.find(".hero.bad h2", "PC-Anna sent mail without logging in")
        # Once it logs in, nothing is wrong any more.
        self.server.session(login=ALICE, ehlo="PC-Anna").close()
        self.browser.find(".hero.good h2", "Sending works")

    def test_a_wrong_password_shows_its_cause(self):
        self.server.set_password(BOB, CHANGED)
        self.sends_nothing(BOB, PASSWORDS[BOB])
        self.site.sign_in(BOB, password=CHANGED)
        self.browser.find(".hero.bad h2", "could not log in")
        self.browser.find(".hero.bad", "It is the password before the last change")
        self.browser.link("Log-ins").click()
        self.browser.find(".logins .badge.bad", "refused")
        # Once it has got in, nothing is wrong any more, and the page says so by itself.
        self.browser.link("Start").click()
        self.browser.find(".hero.bad")
        self.sends(BOB, CHANGED)
        self.browser.find(".hero.good h2", "Sending works")
        # What was sent counts.
        self.browser.page.get_by_role("meter", name="Messages an hour").wait_for()
        self.browser.find(".limits", "1 of 100")
        self.browser.find(".sent .recipients", BOB)

    def test_a_revoked_device_sends_no_more(self):
        made = self.server.cli("account", "app-password", "add", ALICE, "--label", "lost phone", "--json", check=True).stdout
        password = json.loads(made)["password"]
        self.sends(ALICE, password)
        self.site.sign_in(ALICE, "/account#/devices")
        self.browser.button("Revoke lost phone").click()
        self.browser.find("dialog[open]", "can't send any more")
        self.confirm("Revoke the password of lost phone?", "Revoke")
        self.browser.find("tr", "lost phone").get_by_text("revoked").wait_for()
        self.says("The password of lost phone is revoked.")
        self.sends_nothing(ALICE, password)

    def test_a_test_mail_shows_each_step_until_it_has_arrived(self):
        self.site.sign_in(ALICE, "/account#/test-mail")
        self.browser.button("Send a test mail").click()
        self.browser.headline("It has arrived")
        steps = self.browser.page.locator(".watch .steps .badge").all_inner_texts()
        self.assertEqual([steps[0], steps[-1]], ["accepted", "delivered"])
        self.browser.link("All that is known about it").click()
        self.browser.find(".story li", "Delivered")
        self.browser.link("Sent mail").click()
        self.browser.find(".sent .badge.good", "delivered")

    def test_the_switch_and_the_password_are_the_persons_own(self):
        browser, switch = self.browser, self.browser.page.get_by_role("switch", name="Devices may log in to send mail")
        self.site.sign_in(ALICE, "/account#/settings")
        switch.click()
        self.says("No device can send any more.")
        self.sends_nothing(ALICE, PASSWORDS[ALICE])
        switch.click()
        browser.find("[role=switch][aria-checked=true]")
        self.sends(ALICE, PASSWORDS[ALICE])

        # Errors stand beside their fields, and the focus is in the first of them.
        old, new, again = (browser.field(label) for label in ("Your password so far", "New password", "New password, once more"))
        old.fill("not it")
        new.fill("short")
        again.fill("other")
        browser.button("Change the password").click()
        field = browser.find("input[name=new][aria-invalid=true]:focus")
        browser.find("#" + field.get_attribute("aria-describedby").split()[0], "At least")
        new.fill("wonder-Land/18=y")
        again.fill("wonder-Land/18=y")
        browser.button("Change the password").click()
        browser.find("input[name=old][aria-invalid=true]")
        old.fill(PASSWORDS[ALICE])
        browser.button("Change the password").click()
        self.says("The password is changed.")
        self.server.secrets.add((ALICE, "wonder-Land/18=y"))
        self.sends(ALICE, "wonder-Land/18=y")
        # The session goes on, and can change things still.
        switch.click()
        browser.find("[role=switch][aria-checked=false]").click()
        browser.find("[role=switch][aria-checked=true]")
        self.server.set_password(ALICE, PASSWORDS[ALICE])

    def test_a_device_is_set_up_and_revoked_without_a_mouse(self):
        browser = self.browser
        self.site.go("/account")
        browser.find("[name=address]")
        # What is wrong is said, and the focus is where it is.
        self.tab_to("E-mail address", "Enter")
        browser.find("input[name=address][aria-invalid=true]:focus")
        self.type(ALICE)
        self.tab_to("Password")
        self.type("not it", "Enter")
        browser.page.get_by_role("alert").wait_for()
        browser.find("[name=password]:focus")
        self.type(PASSWORDS[ALICE], "Enter")
        browser.find(".ways")
        # The first thing that Tab leads to is the way past the head.
        self.site.go("/account#/logins")
        browser.headline("Recent log-ins")
        self.press("Tab")
        browser.find(".skip:focus")
        self.press("Enter")
        browser.find("main:focus")
        # Whoever goes on finds the focus at the new page's headline.
        self.site.go("/account")
        browser.find(".hero")
        self.tab_to("Set up a device", "Enter")
        browser.find("h1:focus", "Which device?")
        self.tab_to("mutt", "Enter")
        browser.find("h1:focus", "Set up: mutt")
        self.tab_to("What do you call this device?")
        self.press("Control+A")
        self.type("without a mouse", "Enter")
        browser.find("h2:focus", "Take these along")
        password = browser.find("[data-secret]").inner_text()
        self.sends(ALICE, password)
        browser.find(".watch.done")
        self.tab_to("All devices", "Enter")
        # A dialog holds the focus, Escape leaves it, and the focus is back where it was.
        browser.find("h1:focus", "Devices and their passwords")
        self.tab_to("Revoke without a mouse", "Enter")
        browser.find("dialog[open] button:focus", "Revoke")
        self.press("Escape")
        browser.find("tr button:focus", "without a mouse")
        self.press("Enter")
        self.tab_to("Cancel")
        self.press("Shift+Tab")
        browser.find("dialog[open] button:focus", "Revoke")
        self.press("Enter")
        self.says("The password of without a mouse is revoked.")
        self.sends_nothing(ALICE, password)
        self.tab_to("Sign out", "Enter")
        browser.find("[name=password]")

    def press(self, key):
        self.browser.page.keyboard.press(key)

    def type(self, text, *keys):
        self.browser.page.keyboard.type(text)
        for key in keys:
            self.press(key)

    def tab_to(self, name, *keys):
        """Until the focus is there; wherever it is on the way, it shows, and nothing stands before it."""
        for _ in range(80):
            self.press("Tab")
            at, seen = self.browser.run("""(() => {
                const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
                const above = document.elementFromPoint(box.x + box.width / 2, box.y + Math.min(box.height, innerHeight) / 2);
                return [(one.labels?.[0] ?? one).innerText.replace(/\\s+/g, ' ').trim(),
                        one === document.body || style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 && one.contains(above)];
            })()""")
            self.assertTrue(seen, f"the focus at {at!r}")
            if at == name or at.startswith(name + " "):
                break
        self.assertIn(name, at)
        self.type("", *keys)

    def test_a_session_that_was_ended_elsewhere(self):
        self.site.sign_in(ALICE, "/account#/settings")
        self.server.cli("account", "session", "end", ALICE, "--all", check=True)
        self.browser.page.get_by_role("switch").click()
        self.browser.page.get_by_text("Your session has ended.").wait_for()
        self.browser.field("Password").wait_for()

    def test_a_page_in_german(self):
        self.site.sign_in(ALICE, "/account?lang=de#/devices")
        self.browser.headline("Geräte und ihre Passwörter")
        self.browser.find("html[lang=de]")
        self.browser.button("English").click()
        self.browser.headline("Devices and their passwords")

    def test_what_the_server_says_comes_in_the_language_of_the_page(self):
        self.assertNotEqual(self.site.mail_program(ALICE, "a guess that is wrong"), "")
        self.site.sign_in(ALICE, "/account?lang=de#/logins")
        self.browser.find(".logins li", "Das Passwort ist falsch.")
        # What is shown already is asked for anew.
        self.browser.button("English").click()
        self.browser.find(".logins li", "The password is wrong.")

    def test_without_javascript_the_page_says_what_can_be_done_instead(self):
        self.browser.begin(java_script_enabled=False)
        self.site.go("/account")
        self.browser.headline("This page needs JavaScript")
        self.browser.page.get_by_role("link", name="set up a mail program").click()
        self.browser.find("[name=address]")
        self.assertIn("/setup", self.browser.page.url())


class Console(PageWalk):
    def test_every_page_is_one_press_away(self):
        self.site.sign_in(OPERATOR, "/console")
        self.every_page(["Overview", "Live", "Queue", "Accounts", "Domains", "Guard", "Explain", "Discovery", "Certificates",
                         "Audit log"])

    def test_the_operator_finds_the_refusal_and_flips_a_switch(self):
        self.server.set_password(BOB, PASSWORDS[BOB])
        self.server.cli("account", "smtp-auth", BOB, "off", check=True)
        self.sends_nothing(BOB, PASSWORDS[BOB])
        self.site.sign_in(OPERATOR, "/console#/live")
        refusal = self.browser.find(".decisions li", BOB)
        refusal.locator("summary").click()
        refusal.get_by_role("link", name="To the account").click()
        self.browser.headline(BOB)
        self.browser.page.get_by_role("switch", name="Devices may log in to send mail", checked=False).click()
        self.says("Done.")
        self.sends(BOB, PASSWORDS[BOB])
        self.browser.link("Audit log").click()
        self.browser.page.get_by_role("row").filter(has_text="account smtp-auth").filter(has_text=OPERATOR).first().wait_for()

    def test_what_happens_shows_without_a_reload(self):
        self.site.sign_in(OPERATOR, "/console#/live")
        self.browser.find("[role=status]", "Live")
        with self.server.session(login=ALICE, ehlo="watched.example"):
            self.browser.page.get_by_role("cell", name="watched.example").wait_for()
        self.sends_nothing(ALICE, "not her password")
        self.browser.find(".decisions li", ALICE)

    def test_a_decision_is_explained_by_a_form(self):
        self.site.sign_in(OPERATOR, "/console#/explain")
        for label, value in (("Logged in as", ALICE), ("Sender", BOB), ("Recipient", ALICE)):
            self.browser.field(label).fill(value)
        self.browser.button("Explain").click()
        self.browser.headline("would be refused")
        self.browser.page.get_by_text("This would turn it:").wait_for()

    def test_plots_are_drawn_and_told_as_tables(self):
        self.site.sign_in(OPERATOR, "/console")
        self.browser.find(".plot canvas")
        self.assertEqual(self.browser.count(".plot"), 6)
        self.browser.find(".plot summary", "As a table").click()
        self.browser.page.get_by_role("columnheader", name="accepted").wait_for()

    def test_who_has_no_role_sees_nothing_and_a_reader_changes_nothing(self):
        self.site.sign_in(ALICE, "/account")
        self.assertEqual(self.browser.link("Console").count(), 0)
        self.site.go("/console")
        self.browser.headline("may not use the console")
        self.server.cli("account", "role", ALICE, "reader", check=True)
        try:
            self.site.sign_in(ALICE, f"/console#/accounts/{BOB}")
            self.browser.find("[role=switch]")
            switches = self.browser.page.get_by_role("switch")
            self.assertEqual([switches.count(), self.browser.page.get_by_role("switch", disabled=True).count()], [2, 2])
            self.assertEqual(self.browser.count(".card .button.danger"), 0)  # not those of closed dialogs
        finally:
            self.server.cli("account", "role", ALICE, "none", check=True)

    def test_domains_and_accounts_come_and_go(self):
        browser = self.browser
        self.site.sign_in(OPERATOR, "/console#/domains")
        browser.field("Domain").fill("new.test")
        browser.button("Add").click()
        browser.link("new.test").click()
        browser.find(".records .badge", "MX")  # what to publish for it
        browser.link("Accounts").click()
        browser.field("Address").fill("dora@new.test")
        browser.field("Password").fill("exploring Rivers 7")
        self.server.secrets.add(("dora@new.test", "exploring Rivers 7"))
        browser.button("New account").click()
        browser.link("dora@new.test").click()
        browser.headline("dora@new.test")
        self.sends("dora@new.test", "exploring Rivers 7")
        browser.button("Remove the account").click()
        self.confirm("Remove dora@new.test?", "Remove the account")
        browser.headline("Accounts")
        self.sends_nothing("dora@new.test", "exploring Rivers 7")
        browser.link("Domains").click()
        browser.button("Remove new.test").click()
        self.confirm("Remove new.test?", "Remove")
        self.says("new.test is removed.")
        browser.link("new.test").wait_for(state="detached")

    def test_an_account_gets_an_address_a_password_and_loses_a_device(self):
        browser = self.browser
        made = self.server.cli("account", "app-password", "add", BOB, "--label", "old scanner", "--json", check=True).stdout
        self.site.sign_in(OPERATOR, f"/console#/accounts/{BOB}")
        aliases = browser.page.get_by_role("region", name="Further addresses")
        aliases.get_by_label("One more address").fill("builder@postern.test")
        aliases.get_by_role("button", name="Add").click()
        aliases.get_by_role("listitem").filter(has_text="builder@postern.test").wait_for()
        with self.server.session(login=ALICE) as wire:
            wire.mail(ALICE, "builder@postern.test")
        aliases.get_by_role("button", name="Remove builder@postern.test").click()
        aliases.get_by_text("None.").wait_for()
        browser.button("Revoke old scanner").click()
        self.confirm("Revoke the password of old scanner?", "Revoke")
        self.says("The password of old scanner is revoked.")
        self.sends_nothing(BOB, json.loads(made)["password"])
        self.server.secrets.add((BOB, CHANGED))
        browser.field("Password").fill(CHANGED)
        browser.button("Change the password").click()
        self.says("The password is changed.")
        self.sends(BOB, CHANGED)

    def test_a_message_that_waits_is_held_released_and_removed(self):
        browser = self.browser
        with self.server.session(login=ALICE) as wire:
            wire.mail(ALICE, "waits@unreachable.test")
            wire.data(f"From: {ALICE}\r\nTo: waits@unreachable.test\r\nSubject: waits\r\n\r\nhello\r\n")
        self.site.sign_in(OPERATOR, "/console#/queue")
        browser.find(".records", "The last words there:")
        browser.page.get_by_role("row").filter(has_text="waits@unreachable.test").get_by_role("link").click()
        browser.find("pre", "Subject: waits")
        browser.button("Hold").click()
        browser.button("Release").click()
        browser.button("Hold").wait_for()
        browser.button("Remove").click()
        self.confirm("Remove this message?", "Cancel")
        browser.button("Remove").click()
        self.confirm("Remove this message?", "Remove")
        browser.headline("Queue")
        browser.find("section", "Nothing waits.")

    def test_a_network_is_refused_and_forgiven(self):
        self.site.sign_in(OPERATOR, "/console#/guard")
        denied = self.browser.page.get_by_role("region", name="Always refused")
        denied.get_by_label("Address or network").fill("192.0.2.0/24")
        denied.get_by_role("button", name="Add").click()
        denied.get_by_role("listitem").filter(has_text="192.0.2.0/24").wait_for()
        self.assertIn("192.0.2.0/24", self.server.cli("guard", "list", check=True).stdout)
        denied.get_by_role("button", name="Remove 192.0.2.0/24").click()
        denied.get_by_text("None.").wait_for()


if __name__ == "__main__":
    unittest.main()
