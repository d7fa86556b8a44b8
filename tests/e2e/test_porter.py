"""What mail programs ask for their settings, as they ask it, over TLS and plain HTTP; the answers against the published
schemas. The requests are those of real programs: their paths, letter case, header fields and bodies."""
import base64
import hashlib
import http.client
import json
import pathlib
import plistlib
import tempfile
import unittest
import xml.etree.ElementTree as ET

from harness import ALICE, HOST, PASSWORDS, Authority, Postern, client_context, need, run, wait_for
from web import Pages

SCHEMAS = pathlib.Path(__file__).with_name("schemas")
DOMAIN = "postern.test"
SETTINGS = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
MOBILE = "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/responseschema/2006"
OUTLOOK = "{" + SETTINGS + "}"
ENVELOPE = "{http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006}"


def pox(address, schema=SETTINGS, namespace="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"):
    return (f'<?xml version="1.0" encoding="utf-8"?><Autodiscover xmlns="{namespace}"><Request>'
            f"<EMailAddress>{address}</EMailAddress><AcceptableResponseSchema>{schema}</AcceptableResponseSchema>"
            "</Request></Autodiscover>")


# Who asks, how, and what becomes of it: (name, method, path, fields, body, error code or None for settings).
OUTLOOKS = [
    ("Outlook 2007", "POST", "/Autodiscover/Autodiscover.xml",
     {"User-Agent": "Microsoft Office/12.0 (Windows NT 5.1; Microsoft Office Outlook 12.0.4518; Pro)", "Pragma": "no-cache",
      "Content-Type": "text/xml; charset=utf-8", "Accept": "*/*"}, pox(ALICE), None),
    ("Outlook 2010", "POST", "/autodiscover/autodiscover.xml",
     {"User-Agent": "Microsoft Office/14.0 (Windows NT 6.1; Microsoft Outlook 14.0.7113; Pro)", "Pragma": "no-cache",
      "X-MS-Office-Version": "14.0.7113", "Content-Type": "text/xml"}, pox(ALICE), None),
    ("Outlook 2016, with the password that it was given", "POST", "/autodiscover/autodiscover.xml",
     {"User-Agent": "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.5134; Pro)", "Depth": "0",
      "X-MS-CookieUri-Requested": "t", "X-FeatureVersion": "1", "X-MapiHttpCapability": "1", "X-User-Identity": ALICE,
      "Client-Request-Id": "{7C9B6E5C-2B1A-4E62-9E0D-5B0B6B9D1F11}", "Content-Type": "text/xml; charset=utf-8",
      "Authorization": "Basic " + base64.b64encode(f"{ALICE}:{PASSWORDS[ALICE]}".encode()).decode()}, pox(ALICE), None),
    ("Outlook for Mac", "POST", "/autodiscover/autodiscover.xml",
     {"User-Agent": "MacOutlook/16.89.24090815 (Intelx64 Mac OS X Version 14.6.1 (Build 23G93))",
      "Content-Type": "text/xml; charset=utf-8", "Accept-Language": "en-US"}, pox(ALICE), None),
    ("Outlook, another case", "POST", "/AutoDiscover/AutoDiscover.xml",
     {"User-Agent": "Microsoft Office/15.0 (Windows NT 6.1; Microsoft Outlook 15.0.4569; Pro)", "Content-Type": "text/xml"},
     pox("Alice@Postern.Test"), None),
    ("an iPhone that looks for Exchange", "POST", "/autodiscover/autodiscover.xml",
     {"User-Agent": "accountsd/2061.100.7 CFNetwork/1408.0.4 Darwin/22.5.0", "Content-Type": "text/xml", "Accept": "*/*",
      "Accept-Language": "de-DE,de;q=0.9",
      "Authorization": "Basic " + base64.b64encode(f"{ALICE}:{PASSWORDS[ALICE]}".encode()).decode()},
     pox(ALICE, MOBILE, "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/requestschema/2006"), 601),
    ("an older iPhone", "POST", "/Autodiscover/Autodiscover.xml",
     {"User-Agent": "Apple-iPhone10C2/1605.5000005198", "Content-Type": "text/xml", "Accept": "*/*"},
     pox(ALICE, MOBILE, "http://schemas.microsoft.com/exchange/autodiscover/mobilesync/requestschema/2006"), 601),
    ("a person with a browser", "GET", "/Autodiscover/Autodiscover.xml",
     {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"}, None, 600),
    ("somebody else's domain", "POST", "/autodiscover/autodiscover.xml", {"Content-Type": "text/xml"},
     pox("someone@elsewhere.test"), 500),
    ("nobody's mailbox", "POST", "/autodiscover/autodiscover.xml", {"Content-Type": "text/xml"},
     pox("no-such-mailbox@postern.test"), None),
    ("half a document", "POST", "/autodiscover/autodiscover.xml", {"Content-Type": "text/xml"}, pox(ALICE)[:150], 600),
    ("a document that wants to be read further", "POST", "/autodiscover/autodiscover.xml", {"Content-Type": "text/xml"},
     '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + pox("&e;@postern.test").split("?>", 1)[1], 600),
]

# What operators found in the logs of their web servers when real clients asked, and reported in public: (where, the
# request's line, its User-Agent). The addresses are ours.
RECORDED = [
    ("mjl-/mox, issue 200, August 2024",
     "GET /autodiscover/autodiscover.json/v1.0/alice@postern.test?Protocol=Autodiscoverv1&RedirectCount=1",
     "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17726; Pro)"),
    ("mailcow, issue 2653, May 2019",
     "GET /autodiscover/autodiscover.json?Email=alice%40postern.test&Protocol=Autodiscoverv1&RedirectCount=1",
     "Microsoft Office/16.0 (Windows NT 10.0; MAPI 16.0.10344; Pro)"),
    ("mailcow, issue 2653, a second later", "POST /autodiscover/autodiscover.xml",
     "Microsoft Office/16.0 (Windows NT 10.0; MAPI 16.0.10344; Pro)"),
    ("mailcow, issue 2653, without a question", "GET /autodiscover/autodiscover.xml",
     "Microsoft Office/16.0 (Windows NT 10.0; MAPI 16.0.10344; Pro)"),
    ("BlueMind's manual, May 2019", "POST /autodiscover/autodiscover.xml",
     "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.11601; Pro)"),
    ("automx2, issue 8, February 2022, from a network of Microsoft's", "POST /Autodiscover/Autodiscover.xml", None),
    ("gronke/email-autodiscover, issue 4, April 2018",
     "GET /autodiscover/autodiscover.json?Email=alice%40postern.test&Protocol=ActiveSync&RedirectCount=1",
     "OutlookMobileCloudService-Autodetect/1.0.0"),
    ("mail-in-a-box, issue 1811, August 2020, Outlook for Mac",
     "GET /autodiscover/autodiscover.json?Email=alice%40postern.test&Protocol=EWS&RedirectCount=1", None),
    ("a manual of a tool for autoconfig, the new Outlook on Windows 11, first",
     "GET /.well-known/autoconfig/mail/config-v1.1.xml", None),
    ("the same, after that", "POST /autodiscover/autodiscover.xml", "OutlookMobileCloudService-Autodetect/1.0.0"),
    ("the same, K-9", "GET /.well-known/autoconfig/mail/config-v1.1.xml", "okhttp/4.12.0"),
]


class Porter(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need("xmllint", "openssl")
        cls.server = Pages({"setup": {"imap": "imap.hoster.test:993", "name": "Test & Söhne"}}, start=False)
        cls.addClassCleanup(cls.server.__exit__, None, None, None)
        cls.https, cls.http = cls.server.https, cls.server.http
        cls.server.change("web", public_url=f"https://localhost:{cls.https}")
        cls.server.start()

    @classmethod
    def ask(cls, method, path, host, body=None, fields=None, secure=True):
        """Status, fields and body of the answer."""
        if secure:
            line = http.client.HTTPSConnection(HOST, cls.https, timeout=10, context=client_context(verify=False))
        else:
            line = http.client.HTTPConnection(HOST, cls.http, timeout=10)
        try:
            line.request(method, path, body=body.encode() if body else None, headers={"Host": host, **(fields or {})})
            answer = line.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            line.close()

    def notes(self, condition):
        def told():
            said = self.server.cli("discovery", "list", "--json", check=True)
            return [row for row in json.loads(said.stdout) if condition(row)]
        return wait_for(told, "a note of it")

    def valid(self, body):
        document = self.server.dir / "answer.xml"
        document.write_bytes(body)
        said = run("xmllint", "--noout", "--nonet", "--schema", SCHEMAS / "autodiscover.xsd", document)
        self.assertEqual(said.returncode, 0, said.stderr + body.decode())
        return ET.fromstring(body)

    def test_thunderbird_and_its_kin(self):
        queries = ["", "?emailaddress=alice%40postern.test", "?emailaddress=no-such-mailbox%40postern.test",
                   "?emailaddress=%25EMAILADDRESS%25"]
        bodies = set()
        for host, path in [(f"autoconfig.{DOMAIN}", "/mail/config-v1.1.xml"),
                           (DOMAIN, "/.well-known/autoconfig/mail/config-v1.1.xml"), (DOMAIN, "/.well-known/mail-v1.xml")]:
            for query in queries:
                for secure in (True, False):
                    with self.subTest(host=host, query=query, secure=secure):
                        status, fields, body = self.ask("GET", path + query, host, secure=secure,
                                                        fields={"Accept": "application/xml,text/xml,*/*"})
                        self.assertEqual(status, 200)
                        # Thunderbird takes no other type.
                        self.assertTrue(fields["content-type"].startswith("text/xml"), fields)
                        self.assertEqual(fields["access-control-allow-origin"], "*")
                        self.assertEqual(fields["cache-control"], "max-age=3600")
                        bodies.add(body)
        # The same for everybody, whether there is such a mailbox or not.
        self.assertEqual(len(bodies), 1)
        tree = ET.fromstring(bodies.pop())
        provider = tree.find("emailProvider")
        self.assertEqual(provider.get("id"), DOMAIN)
        ports = [(s.findtext("hostname"), int(s.findtext("port")), s.findtext("socketType"))
                 for s in provider.findall("outgoingServer")]
        self.assertEqual(ports, [("mail.postern.test", self.server.submissions, "SSL"),
                                 ("mail.postern.test", self.server.submission, "STARTTLS")])
        self.assertEqual(provider.findtext("incomingServer/hostname"), "imap.hoster.test")
        self.assertEqual(provider.findtext("displayName"), "Test & Söhne")

    def test_probes_are_never_a_bad_request(self):
        for host, path, status in [(f"autoconfig.{DOMAIN}", "/mail/config-v1.1.xml", 200),
                                   ("autoconfig.elsewhere.test", "/mail/config-v1.1.xml", 404),
                                   (f"autoconfig.{DOMAIN}", "/mail/config-v1.1.xml?emailaddress=", 200),
                                   (f"autoconfig.{DOMAIN}", "/mail/config-v1.1.xml?emailaddress=x%40elsewhere.test", 404),
                                   (f"autoconfig.{DOMAIN}", "/mail/config-v1.1.xml?emailaddress=%zz", 200),
                                   (f"autodiscover.{DOMAIN}", "/autodiscover/autodiscover.json", 200),
                                   (f"autodiscover.{DOMAIN}", "/autodiscover/autodiscover.json?Protocol=ActiveSync", 404),
                                   ("localhost", f"/v1.1/{DOMAIN}", 200), ("localhost", "/v1.1/elsewhere.test", 404)]:
            with self.subTest(host=host, path=path):
                self.assertEqual(self.ask("GET", path, host)[0], status)
                got, fields, body = self.ask("HEAD", path, host)
                self.assertEqual((got, body), (status, b""))
        status, fields, _ = self.ask("OPTIONS", "/mail/config-v1.1.xml", f"autoconfig.{DOMAIN}",
                                     fields={"Origin": "https://app.test", "Access-Control-Request-Method": "GET"})
        self.assertEqual((status, fields["access-control-allow-origin"]), (204, "*"))

    def test_a_domain_that_is_added_is_known_soon(self):
        self.assertEqual(self.ask("GET", "/mail/config-v1.1.xml", "autoconfig.new.test")[0], 404)
        self.server.cli("domain", "add", "new.test", check=True)
        self.addCleanup(self.server.cli, "domain", "remove", "new.test")
        wait_for(lambda: self.ask("GET", "/mail/config-v1.1.xml", "autoconfig.new.test")[0] == 200, "the new domain")

    def test_outlook(self):
        for name, method, path, fields, body, code in OUTLOOKS:
            with self.subTest(name):
                status, answered, text = self.ask(method, path, f"autodiscover.{DOMAIN}", body, fields)
                self.assertEqual(status, 200)
                self.assertNotIn("www-authenticate", answered)
                self.assertTrue(answered["content-type"].startswith("text/xml"))
                tree = self.valid(text)
                if code is not None:
                    self.assertEqual(tree.findtext(f"{ENVELOPE}Response/{ENVELOPE}Error/{ENVELOPE}ErrorCode"), str(code))
                    continue
                protocols = {p.findtext(OUTLOOK + "Type"): {e.tag.removeprefix(OUTLOOK): e.text for e in p}
                             for p in tree.iter(OUTLOOK + "Protocol")}
                self.assertEqual(set(protocols), {"IMAP", "SMTP"})
                smtp = protocols["SMTP"]
                self.assertEqual((smtp["Server"], smtp["Port"], smtp["SSL"], smtp["Encryption"], smtp["AuthRequired"],
                                  smtp["SPA"]),
                                 ("mail.postern.test", str(self.server.submissions), "on", "SSL", "on", "off"))
                self.assertIn("@", smtp["LoginName"])
                # An entity of the document's own is no file of ours.
                self.assertNotIn(b"root:", text)
        # In the clear Outlook is led to where there is TLS, and nothing that it said is looked at.
        for method, body in (("GET", None), ("POST", pox(ALICE))):
            status, fields, _ = self.ask(method, "/AutoDiscover/AutoDiscover.xml", f"autodiscover.{DOMAIN}", body, secure=False)
            self.assertEqual((status, fields["location"]), (302, f"https://localhost:{self.https}/autodiscover/autodiscover.xml"))
        # Passwords came along, and were heard by nobody.
        phone = "accountsd/2061.100.7 CFNetwork/1408.0.4 Darwin/22.5.0"
        self.notes(lambda row: row["user_agent"] == phone)
        rows = self.notes(lambda row: row["kind"] == "autodiscover" and "password" in row["answer"])
        everything = json.dumps(rows) + self.server.log()
        for secret in (PASSWORDS[ALICE], base64.b64encode(f"{ALICE}:{PASSWORDS[ALICE]}".encode()).decode()):
            self.assertNotIn(secret, everything)
        self.assertNotIn("alice@", json.dumps(rows).lower())
        self.assertIn(phone, [row["user_agent"] for row in rows])

    def test_requests_that_operators_recorded(self):
        for where, line, agent in RECORDED:
            with self.subTest(where):
                method, path = line.split(" ", 1)
                fields = {"User-Agent": agent} if agent else {}
                body = None
                if method == "POST":
                    body, fields["Content-Type"] = pox(ALICE), "text/xml"
                status, answered, text = self.ask(method, path, f"autodiscover.{DOMAIN}", body, fields)
                self.assertNotIn("www-authenticate", answered)
                if "autodiscover.json" in path:
                    told = json.loads(text)
                    if "Autodiscoverv1" in path:
                        # The client goes on to what it knows: the XML.
                        self.assertEqual((status, told["Url"]),
                                         (200, f"https://autodiscover.{DOMAIN}/autodiscover/autodiscover.xml"))
                    else:
                        # There is no Exchange here; Exchange's own refusal lets the client try the next way.
                        self.assertEqual((status, told["ErrorCode"]), (400, "InvalidProtocol"))
                    continue
                self.assertEqual(status, 200)
                if "autoconfig" in path:
                    self.assertEqual(ET.fromstring(text).find("emailProvider").get("id"), DOMAIN)
                    continue
                types = {p.findtext(OUTLOOK + "Type") for p in self.valid(text).iter(OUTLOOK + "Protocol")}
                self.assertEqual(types, {"IMAP", "SMTP"} if body else set())

    def test_outlook_by_json(self):
        host = f"autodiscover.{DOMAIN}"
        for path in (f"/autodiscover/autodiscover.json?Email={ALICE}&Protocol=Autodiscoverv1&RedirectCount=1",
                     f"/autodiscover/autodiscover.json/v1.0/{ALICE}?Protocol=AutodiscoverV1",
                     f"/AutoDiscover/autodiscover.json/v1.0/{ALICE}?Protocol=AUTODISCOVERV1&RedirectCount=1"):
            with self.subTest(path):
                status, fields, body = self.ask("GET", path, host)
                self.assertEqual((status, fields["content-type"]), (200, "application/json"))
                self.assertEqual(json.loads(body), {"Protocol": "AutodiscoverV1",
                                                    "Url": f"https://{host}/autodiscover/autodiscover.xml"})
        status, _, body = self.ask("GET", f"/autodiscover/autodiscover.json?Email={ALICE}&Protocol=ActiveSync", host)
        self.assertEqual((status, json.loads(body)["ErrorCode"]), (400, "InvalidProtocol"))

    def test_pacc_is_what_the_dns_vouches_for(self):
        if self.server.submissions != 465:
            # Its protocols are at their usual ports only; then there is nothing that it could say.
            self.assertEqual(self.ask("GET", "/.well-known/user-agent-configuration.json", f"ua-auto-config.{DOMAIN}")[0], 404)
        with Postern({"hostname": "mail.postern.test", "setup": {"imap": "imap.hoster.test:993"},
                      "listener": [{"address": "127.0.0.1:465", "role": "submission", "tls": "implicit"}]},
                     accounts=(), start=False) as server:
            told = json.loads(server.cli("domain", "records", DOMAIN, "--json", check=True).stdout)["records"]
            texts = [r["value"] for r in told if r["name"] == f"_ua-auto-config.{DOMAIN}"]
            document = json.dumps({"protocols": {"imap": {"host": "imap.hoster.test"}, "smtp": {"host": "mail.postern.test"}},
                                   "authentication": {"password": True},
                                   "info": {"provider": {"name": DOMAIN, "shortName": DOMAIN},
                                            "help": {"documentation": "https://mail.postern.test/setup",
                                                     "contact": [f"mailto:postmaster@{DOMAIN}"]}}},
                                  separators=(",", ":")) + "\n"
            digest = base64.b64encode(hashlib.sha256(document.encode()).digest()).decode()
            self.assertEqual(texts, [f"v=UAAC1; a=sha256; d={digest}"])
            # A change is announced beside what there is, until the operator says that it is published.
            server.change("setup", imap="imap2.hoster.test:993")
            told = json.loads(server.cli("domain", "records", DOMAIN, "--json", check=True).stdout)["records"]
            texts = [r["value"] for r in told if r["name"] == f"_ua-auto-config.{DOMAIN}"]
            self.assertEqual(len(texts), 2)
            self.assertIn(digest, texts[0])
            self.assertEqual(server.cli("discovery", "publish").returncode, 0)
            told = json.loads(server.cli("domain", "records", DOMAIN, "--json", check=True).stdout)["records"]
            self.assertEqual([r["value"] for r in told if r["name"] == f"_ua-auto-config.{DOMAIN}"], texts[1:])

    def profile_link(self, *arguments):
        made = json.loads(self.server.cli("profile", "make", ALICE, "--json", *arguments, check=True).stdout)
        self.assertTrue(made["url"].startswith(f"https://localhost:{self.https}/profile/"), made)
        self.assertTrue(made["qr"].startswith("<svg "), made["qr"][:100])
        return made["url"].removeprefix(f"https://localhost:{self.https}")

    def unwrapped(self, signed):
        """The profile, whose signature is the server's."""
        # Not in the server's folder, which is looked through for secrets.
        with tempfile.TemporaryDirectory(prefix="postern-profile-") as folder:
            file, out = pathlib.Path(folder, "signed"), pathlib.Path(folder, "profile")
            file.write_bytes(signed)
            said = run("openssl", "cms", "-verify", "-inform", "DER", "-in", file, "-CAfile", Authority.shared().ca,
                       "-purpose", "any", "-binary", "-out", out)
            self.assertEqual(said.returncode, 0, said.stderr)
            return out.read_bytes()

    def of_apples_types(self, payload, kind):
        table = json.loads((SCHEMAS / "apple_mail.json").read_text())[kind]
        types = {"string": str, "integer": int, "boolean": bool, "array": list, "dictionary": dict}
        for key in table["required"]:
            self.assertIn(key, payload)
        for key, value in payload.items():
            wanted = {**table["required"], **table["optional"]}.get(key)
            self.assertIsNotNone(wanted, f"{key} is no key of {kind}")
            self.assertIs(type(value), types[wanted], key)
            self.assertIn(value, table.get("values", {}).get(key, [value]), key)

    def test_profiles_for_iphones(self):
        safari = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
                                " Version/17.6 Mobile/15E148 Safari/604.1",
                  "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "Accept-Language": "en-GB"}
        path = self.profile_link("--label", "phone", "--name", "Alice <A> & Co")
        # Who only looks, as a messenger does for its preview, gets a page with a button and does not use it up.
        for method in ("HEAD", "GET", "GET"):
            status, fields, page = self.ask(method, path, "localhost", fields=safari)
            self.assertEqual((status, fields["content-type"]), (200, "text/html; charset=utf-8"))
            self.assertIn("form-action 'self'", fields["content-security-policy"])
        self.assertIn(b'<form method="post"><button ', page)
        self.assertNotIn("phone", self.server.cli("account", "app-password", "list", ALICE, check=True).stdout)
        status, fields, signed = self.ask("POST", path, "localhost", "", safari)
        self.assertEqual((status, fields["content-type"]), (200, "application/x-apple-aspen-config"))
        self.assertIn("no-store", fields["cache-control"])
        self.assertIn("mail.mobileconfig", fields["content-disposition"])
        profile = plistlib.loads(self.unwrapped(signed))
        self.of_apples_types(profile, "top")
        self.assertEqual(profile["PayloadType"], "Configuration")
        account, = profile["PayloadContent"]
        self.of_apples_types(account, "com.apple.mail.managed")
        self.assertEqual(account["EmailAccountName"], "Alice <A> & Co")
        self.assertEqual((account["OutgoingMailServerHostName"], account["OutgoingMailServerPortNumber"],
                          account["OutgoingMailServerUseSSL"]), ("mail.postern.test", self.server.submissions, True))
        # It is good once.
        again, _, page = self.ask("POST", path, "localhost", "", safari)
        self.assertIn(again, (400, 404, 410))
        self.assertNotIn(account["OutgoingPassword"].encode(), page)
        # The password in it is of this device, and logs in; the incoming server, which does not ask here, has another.
        self.assertNotIn("IncomingPassword", account)
        self.assertFalse(account["OutgoingPasswordSameAsIncomingPassword"])
        self.server.secrets.add((ALICE, account["OutgoingPassword"]))
        with self.server.session() as wire:
            wire.auth_plain(ALICE, account["OutgoingPassword"])
        listed = json.loads(self.server.cli("account", "app-password", "list", ALICE, "--json", check=True).stdout)
        self.assertEqual([(p["label"], p["created_by"]) for p in listed], [("phone", "profile")])
        # Without one; the identifier stays, so that the phone replaces what it had.
        status, _, signed = self.ask("POST", self.profile_link("--without-password"), "localhost", "", safari)
        other = plistlib.loads(self.unwrapped(signed))
        self.assertNotIn("IncomingPassword", other["PayloadContent"][0])
        self.assertEqual(other["PayloadIdentifier"], profile["PayloadIdentifier"])
        self.assertNotEqual(other["PayloadUUID"], profile["PayloadUUID"])
        # Over plain HTTP it is not to be had, and not used up.
        path = self.profile_link()
        self.assertEqual(self.ask("POST", path, "localhost", "", secure=False)[0], 308)
        self.assertEqual(self.ask("POST", "/profile/" + "0" * 40, "localhost", "")[0], again)
        self.assertEqual(self.ask("POST", path, "localhost", "")[0], 200)

    def test_records_to_publish(self):
        told = json.loads(self.server.cli("domain", "records", DOMAIN, "--json", check=True).stdout)["records"]
        lines = [r["line"] for r in told]
        for line in (f"autoconfig.{DOMAIN}. IN CNAME localhost.", f"autodiscover.{DOMAIN}. IN CNAME localhost.",
                     f"_autodiscover._tcp.{DOMAIN}. IN SRV 0 1 443 localhost.",
                     f"_submissions._tcp.{DOMAIN}. IN SRV 0 1 {self.server.submissions} mail.postern.test.",
                     f"_imaps._tcp.{DOMAIN}. IN SRV 0 1 993 imap.hoster.test.", f"_imap._tcp.{DOMAIN}. IN SRV 0 0 0 .",
                     f"_pop3s._tcp.{DOMAIN}. IN SRV 0 0 0 .", f"_pop3._tcp.{DOMAIN}. IN SRV 0 0 0 ."):
            self.assertIn(line, lines)


if __name__ == "__main__":
    unittest.main()
