"""Thunderbird sets itself up. It is given a name, an address and a password, in its own account hub; it finds out the rest
from Postern's web process, logs in at the IMAP server and sends a mail through Postern.

Everything is at its usual port, in a network of the test's own with a name server: one domain has its autoconfig name, one
has nothing but an MX record that leads to us, one has nothing but Autodiscover."""
import contextlib
import json
import pathlib
import shutil
import tempfile
import unittest

from harness import Authority, Postern, need, wait_for
from internet import NAMES, US, Knot, Networks
from peers import Dovecot, need_root
from thunderbird import Thunderbird
from web import Talk

PASSWORD = "correct-horse-battery"
HOSTER = "hoster.plain"
ZONE = f"""
mail.hoster A {US}
imap.hoster A {US}
autoconfig.hoster A {US}
autodiscover.hoster A {US}
hoster MX 10 mail.hoster
one MX 10 mail.hoster
autoconfig.one CNAME mail.hoster
two MX 10 mail.hoster
autodiscover.three A {US}
"""
NAMES_OF_CERTIFICATE = [f"{n}.{HOSTER}" for n in ("mail", "imap", "autoconfig", "autodiscover")] + [
    "autoconfig.one.plain", "autodiscover.three.plain"]

TRUST = """
const text = authority.replace(/-----[^-]*-----|\\s/g, "");
Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB).addCertFromBase64(text, "CT,CT,CT");
"""

# What a person does: types into the fields of the hub, presses its button, waits for the next step.
SET_UP = """
const window = Services.wm.getMostRecentWindow("mail:3pane");
const inside = what => window.document.querySelector("account-hub-container")?.shadowRoot?.querySelector(what);
const wait = async (what, condition) => {
    for (let i = 0; i < 1500; ++i) {
        const got = condition();
        if (got) return got;
        await new Promise(resolve => window.setTimeout(resolve, 20));
    }
    const hub = inside("account-hub-email");
    const shown = [...(hub?.querySelectorAll(".account-hub-step:not([hidden]), [id$=Subview]:not([hidden])") ?? [])];
    throw new Error(`waited for ${what}; there is ` + shown.map(e => e.id + ": " + e.textContent.replace(/\\s+/g, " ")
        .slice(0, 400)).join(" | "));
};
const type = (field, text) => {
    field.value = text;
    field.dispatchEvent(new window.Event("input", { bubbles: true }));
};
await window.openAccountHub("MAIL");
const hub = await wait("the hub", () => inside("account-hub-email"));
await hub.ready;
const part = id => hub.querySelector("#" + id);
const shown = id => part(id) && !part(id).hidden;
const go = async () => {
    const button = hub.querySelector("#emailFooter #forward");
    await wait("the button", () => !button.disabled);
    button.click();
};
const before = new Set(MailServices.accounts.accounts.map(a => a.key));
await wait("the first step", () => shown("emailAutoConfigSubview"));
type(part("realName"), name);
type(part("email"), address);
await go();
await wait("settings", () => shown("emailConfigFoundSubview"));
await go();
await wait("the question for the password", () => shown("emailPasswordSubview"));
type(part("emailPasswordSubview").querySelector("#password"), password);
await go();
await wait("the account", () => shown("emailAddedSuccessSubview") || shown("emailSyncAccountsSubview"));
if (shown("emailSyncAccountsSubview")) {
    await go();
    await wait("the end", () => shown("emailAddedSuccessSubview"));
}
await go();
const account = MailServices.accounts.accounts.find(a => !before.has(a.key) && a.defaultIdentity?.email == address);
const outgoing = MailServices.outgoingServer.getServerByIdentity(account.defaultIdentity);
const own = outgoing.wrappedJSObject ?? outgoing;
const i = account.incomingServer;
return { identity: account.defaultIdentity.key, name: account.defaultIdentity.fullName,
         incoming: [i.type, i.hostName, i.port, i.socketType, i.username],
         outgoing: [own.hostname, own.port, own.socketType, own.authMethod, own.username] };
"""

# With what the account has now; the password is the one that it keeps.
SEND = """
const identity = MailServices.accounts.getIdentity(key);
const server = MailServices.outgoingServer.getServerByIdentity(identity);
const own = server.wrappedJSObject ?? server;
const message = Cc["@mozilla.org/file/local;1"].createInstance(Ci.nsIFile);
message.initWithPath(file);
return await new Promise(resolve => own.sendMailMessage(
    message, MailServices.headerParser.makeFromDisplayAddress(to), [], identity, identity.email, "", null, false, "",
    { onSendStart() {}, onSendStop(uri, status, security, text) { resolve({ status, text: String(text) }); } }));
"""

SERVICES = """const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");"""
TLS = 3
NORMAL_PASSWORD = 3


class SetsItselfUp(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need_root()
        need("thunderbird", "unshare")
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-hub-"))
        cls.folder.chmod(0o755)
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.networks = Networks()
        cls.addClassCleanup(cls.networks.close)
        cls.names = Knot(cls.networks, "", ZONE)
        cls.addClassCleanup(cls.names.close)
        certificate, key = Authority.shared().issue("hoster", NAMES_OF_CERTIFICATE)
        cls.imap = Dovecot(lambda d: f"""
            ssl = required
            ssl_cert = <{certificate}
            ssl_key = <{key}
            service imap-login {{
              inet_listener imap {{
                port = 0
              }}
              inet_listener imaps {{
                port = 993
              }}
            }}
            passdb {{
              driver = static
              args = password={PASSWORD}
            }}
            userdb {{
              driver = static
              args = uid=mail gid=mail home={d.dir}/mail/%u
            }}
            mail_location = maildir:~/mail
            """, "imap", "imap-login")
        cls.imap.port = 993
        (cls.imap.dir / "mail").mkdir(mode=0o777)
        (cls.imap.dir / "mail").chmod(0o777)
        cls.imap.__enter__()
        cls.addClassCleanup(cls.imap.__exit__, None, None, None)
        cls.server = Postern(
            {"hostname": f"mail.{HOSTER}",
             "listener": [{"address": "0.0.0.0:465", "role": "submission", "tls": "implicit"},
                          {"address": "0.0.0.0:587", "role": "submission", "tls": "starttls"}],
             "tls": {"certificate": certificate, "private_key": key},
             "domains": {"local": ["one.plain", "two.plain", "three.plain"]},
             "setup": {"imap": f"imap.{HOSTER}:993", "name": "Hoster's mail"},
             "web": {"address": "0.0.0.0:443", "http_address": "0.0.0.0:80"}}, accounts=())
        cls.addClassCleanup(cls.server.__exit__, None, None, None)
        def answers():
            with contextlib.suppress(OSError), Talk(443, verify=False, name=f"mail.{HOSTER}") as talk:
                return talk.ask("/robots.txt").status == 200
        wait_for(answers, "the pages to be served", 30)
        for domain in ("one", "two", "three"):
            cls.server.add_account(f"anna@{domain}.plain", PASSWORD)
        (cls.folder / "resolv.conf").write_text(f"nameserver {NAMES}\noptions timeout:1 attempts:2\n")
        (cls.folder / "hosts").write_text("127.0.0.1 localhost\n")
        # Only this program has these names.
        mounted = (f"mount --bind {cls.folder}/resolv.conf $(readlink -f /etc/resolv.conf) && "
                   f"mount --bind {cls.folder}/hosts /etc/hosts && exec \"$@\"")
        cls.thunderbird = Thunderbird({}, {"mailnews.auto_config_url": "http://127.0.0.1:9/"},
                                      launcher=["unshare", "--mount", "sh", "-c", mounted, "sh"])
        cls.addClassCleanup(cls.thunderbird.close)
        cls.thunderbird.run(TRUST, authority=Authority.shared().ca.read_text())

    def sets_itself_up(self, address, port, socket):
        found = self.thunderbird.run(SERVICES + SET_UP, name="Anna Example", address=address,
                                     password=PASSWORD)
        self.assertEqual(found["name"], "Anna Example")
        self.assertEqual(found["incoming"], ["imap", f"imap.{HOSTER}", 993, TLS, address])
        self.assertEqual(found["outgoing"], [f"mail.{HOSTER}", port, socket, NORMAL_PASSWORD, address])
        subject = f"found by itself, {address}"
        file = self.folder / "message.eml"
        file.write_bytes(f"From: Anna Example <{address}>\r\nTo: <anna@one.plain>\r\nSubject: {subject}\r\n"
                         "Date: Thu, 26 Nov 2026 12:00:00 +0000\r\nMessage-ID: <x@one.plain>\r\n\r\nHello.\r\n".encode())
        said = self.thunderbird.run(SERVICES + SEND, key=found["identity"], file=file, to="anna@one.plain")
        self.assertEqual(said["status"], 0, f"{said}\n{self.server.log()[-2000:]}")
        self.server.wait_mail("anna@one.plain", subject)

    def asked(self, domain):
        """What the operator reads of it."""
        def told():
            said = self.server.cli("discovery", "list", "--json")
            self.assertEqual(said.returncode, 0, said.stderr)
            return [row for row in json.loads(said.stdout) if row["domain"] == domain and row["answer"].startswith("settings")]
        return wait_for(told, f"a note of what was asked about {domain}")

    def test_by_autoconfig(self):
        self.sets_itself_up("anna@one.plain", 465, TLS)
        self.assertIn("autoconfig.one.plain", [row["host"] for row in self.asked("one.plain")])

    def test_by_the_mail_exchanger_alone(self):
        self.sets_itself_up("anna@two.plain", 465, TLS)
        self.assertIn("autoconfig.hoster.plain", [row["host"] for row in self.asked("two.plain")])

    def test_by_autodiscover_alone(self):
        self.sets_itself_up("anna@three.plain", 465, TLS)
        rows = self.asked("three.plain")
        self.assertEqual({row["kind"] for row in rows}, {"autodiscover"})
        # It sends the password along; nobody here looks at it, and it is in no log (the harness looks).
        self.assertNotIn(PASSWORD, json.dumps(rows))


if __name__ == "__main__":
    unittest.main()
