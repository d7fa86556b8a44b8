"""From an address to its server: a name server and web servers with all the places where a domain may have published
its settings, well and badly, and what `postern check` makes of them."""
import base64
import hashlib
import http.server
import json
import pathlib
import shutil
import ssl
import tempfile
import threading
import unittest

from harness import PROGRAM, Authority, run
from internet import NAMES, Knot, Networks, self_signed

WEB, STRANGER, MAIL = "10.99.0.50", "10.99.0.51", "10.99.0.52"

# What an operator would write by hand: MX, and what is special about the domain.
ZONE = f"""
mail A {MAIL}
autoconf MX 10 mail
autoconfig.autoconf A {WEB}
wellknown MX 10 mail
wellknown A {WEB}
text MX 10 mail
autoconfig.text A {WEB}
html MX 10 mail
autoconfig.html A {WEB}
http MX 10 mail
autoconfig.http A {WEB}
untrusted MX 10 mail
autoconfig.untrusted A {STRANGER}
moved MX 10 mail
autoconfig.moved A {WEB}
downgrade MX 10 mail
autoconfig.downgrade A {WEB}
srv MX 10 mail
_submissions._tcp.srv SRV 0 1 465 smtp.srv
_submission._tcp.srv SRV 10 1 587 smtp.srv
smtp.srv A {MAIL}
off MX 10 mail
_submissions._tcp.off SRV 0 0 0 .
_submission._tcp.off SRV 0 1 587 smtp.off
smtp.off A {MAIL}
foreign MX 10 mail
_submissions._tcp.foreign SRV 0 1 465 mail
pacc MX 10 mail
ua-auto-config.pacc A {WEB}
changed MX 10 mail
ua-auto-config.changed A {WEB}
pox MX 10 mail
autodiscover.pox A {WEB}
exchange MX 10 mail
autodiscover.exchange A {WEB}
poxsrv MX 10 mail
_autodiscover._tcp.poxsrv SRV 0 1 443 autodiscover.pox
hosted MX 10 mx.hoster
mx.hoster A {MAIL}
autoconfig.hoster A {WEB}
microsoft MX 0 microsoft-plain.mail.protection.outlook.com.
disagree MX 10 mail
autoconfig.disagree A {WEB}
_submissions._tcp.disagree SRV 0 1 465 smtp.disagree
smtp.disagree A {MAIL}
null MX 0 .
nothing MX 10 mail
guess MX 10 mail
smtp.guess A {MAIL}
"""
PACC = json.dumps({"protocols": {"smtp": {"host": "mail.plain"}}, "authentication": {"password": True}})


def autoconfig(host, port, socket):
    return (f'<?xml version="1.0"?><clientConfig version="1.1"><emailProvider id="plain"><displayName>X</displayName>'
            f'<outgoingServer type="smtp"><hostname>{host}</hostname><port>{port}</port><socketType>{socket}</socketType>'
            f"<authentication>password-cleartext</authentication><username>%EMAILLOCALPART%</username></outgoingServer>"
            f"</emailProvider></clientConfig>")


def autodiscover(host, port, encryption):
    return (f'<Autodiscover><Response xmlns="x"><Account><Protocol><Type>SMTP</Type><Server>{host}</Server><Port>{port}</Port>'
            f"<Encryption>{encryption}</Encryption></Protocol></Account></Response></Autodiscover>")


def pacc_record(body):
    digest = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
    return f'TXT "v=UAAC1; a=sha256; d={digest}"\n'


class Web:
    """Web servers; `pages`: (scheme, host, path without its query) to (status, type, body)."""

    def __init__(self, networks, pages):
        self.pages, self.asked, self.servers, self.threads = pages, [], [], []
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="postern-web-"))
        names = sorted({host for _, host, _ in pages})
        self.listen(networks, WEB, 443, Authority.shared().issue("discovery", names))
        self.listen(networks, WEB, 80, None)
        self.listen(networks, STRANGER, 443, self_signed(self.dir, "autoconfig.untrusted.plain"))

    def listen(self, networks, address, port, files):
        outer, scheme = self, "https" if files else "http"

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                size = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(size)
                outer.asked.append((scheme, self.command, self.headers.get("Host"), self.path, dict(self.headers), body))
                key = scheme, self.headers.get("Host"), self.path.split("?")[0]
                status, kind, text = outer.pages.get(key, (404, "text/html", "<html></html>"))
                self.send_response(status)
                self.send_header("Content-Type", kind)
                if status == 302:
                    self.send_header("Location", text)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_POST = answer

            def log_message(self, *_):
                pass

        with networks.outside():
            server = http.server.ThreadingHTTPServer((address, port), Handler)
        server.daemon_threads = True
        if files:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*files)
            # Each handshake in its connection's thread.
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        self.servers.append(server)
        self.threads.append(thread)

    def close(self):
        for server, thread in zip(self.servers, self.threads):
            server.shutdown()
            server.server_close()
            thread.join()
        shutil.rmtree(self.dir, True)


def all_pages():
    xml, config, well = "text/xml", "/mail/config-v1.1.xml", "/.well-known/autoconfig/mail/config-v1.1.xml"
    place = "/autodiscover/autodiscover.xml"
    good = autoconfig("mail.plain", 465, "SSL")
    return {
        ("https", "autoconfig.autoconf.plain", config): (200, xml, good),
        ("https", "wellknown.plain", well): (200, "application/xml", autoconfig("mail.plain", 587, "STARTTLS")),
        ("https", "autoconfig.text.plain", config): (200, "text/plain", good),
        ("https", "autoconfig.html.plain", config): (200, "text/html", "<!DOCTYPE html><html>Welcome</html>"),
        ("http", "autoconfig.http.plain", config): (200, xml, good),
        ("https", "autoconfig.untrusted.plain", config): (200, xml, good),
        ("https", "autoconfig.moved.plain", config): (302, xml, "https://autoconfig.autoconf.plain" + config),
        ("https", "autoconfig.downgrade.plain", config): (302, xml, "http://autoconfig.http.plain" + config),
        ("https", "ua-auto-config.pacc.plain", "/.well-known/user-agent-configuration.json"):
            (200, "application/json", PACC),
        ("https", "ua-auto-config.changed.plain", "/.well-known/user-agent-configuration.json"):
            (200, "application/json", PACC + " "),
        ("https", "autodiscover.pox.plain", place): (200, xml, autodiscover("mail.plain", 587, "TLS")),
        ("https", "autodiscover.exchange.plain", place): (401, "text/plain", "who are you?"),
        ("https", "autoconfig.hoster.plain", config): (200, xml, autoconfig("mx.hoster.plain", 465, "SSL")),
        ("https", "autoconfig.disagree.plain", config): (200, xml, autoconfig("mail.plain", 587, "STARTTLS")),
    }


class Discovery(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.networks = Networks()
        cls.addClassCleanup(cls.networks.close)
        cls.web = Web(cls.networks, all_pages())
        cls.addClassCleanup(cls.web.close)
        records = "".join(f"_ua-auto-config.{name} {pacc_record(PACC)}" for name in ("pacc", "changed"))
        cls.names = Knot(cls.networks, "@ MX 10 mx\n", ZONE + records)
        cls.addClassCleanup(cls.names.close)

    def check(self, domain):
        done = run(PROGRAM, "check", f"anna@{domain}", "--dns", NAMES, "--ca", Authority.shared().ca, "--timeout", "10",
                   "--json")
        self.assertNotEqual(done.stdout, "", done.stderr)
        return json.loads(done.stdout)

    def found(self, report):
        return [(s["host"], s["port"], s["security"], s["source"].split(" (")[0]) for s in report["settings"]["found"]]

    def rules(self, report):
        return {f["rule"] for f in report["findings"]}

    def test_each_place_is_found_and_named(self):
        autoconfig_of = "autoconfig of the domain"
        for domain, wanted in {
                "autoconf.plain": [("mail.plain", 465, "SSL/TLS", autoconfig_of)],
                "wellknown.plain": [("mail.plain", 587, "STARTTLS", autoconfig_of)],
                "moved.plain": [("mail.plain", 465, "SSL/TLS", autoconfig_of)],
                "srv.plain": [("smtp.srv.plain", 465, "SSL/TLS", "SRV records"),
                              ("smtp.srv.plain", 587, "STARTTLS", "SRV records")],
                "pacc.plain": [("mail.plain", 465, "SSL/TLS", "PACC of the domain")],
                "pox.plain": [("mail.plain", 587, "STARTTLS", "Autodiscover of the domain")],
                "poxsrv.plain": [("mail.plain", 587, "STARTTLS", "Autodiscover of the domain")],
                "hosted.plain": [("mx.hoster.plain", 465, "SSL/TLS", "autoconfig of the mail exchanger's domain")],
                "guess.plain": [("smtp.guess.plain", 465, "SSL/TLS", "usual names"),
                                ("smtp.guess.plain", 587, "STARTTLS", "usual names")]}.items():
            with self.subTest(domain):
                self.assertEqual(self.found(self.check(domain)), wanted)

    def test_the_user_name_is_the_one_that_the_domain_wants(self):
        self.assertEqual(self.check("autoconf.plain")["settings"]["found"][0]["user"], "anna")
        self.assertEqual(self.check("srv.plain")["settings"]["found"][0]["user"], "anna@srv.plain")

    def test_a_mail_exchanger_names_the_provider(self):
        report = self.check("microsoft.plain")
        self.assertEqual(self.found(report)[0], ("smtp.office365.com", 587, "STARTTLS", "mail exchangers"))
        self.assertEqual(report["settings"]["provider"], "office365")
        self.assertIn("settings-by-mx", self.rules(report))

    def test_what_is_wrong_with_a_place_is_said(self):
        for domain, rule, servers in [
                ("text.plain", "settings-file-broken", 1), ("html.plain", "settings-file-broken", 0),
                ("http.plain", "settings-forgeable", 1), ("foreign.plain", "settings-forgeable", 1),
                ("off.plain", "service-switched-off", 1), ("changed.plain", "settings-digest-mismatch", 0),
                ("exchange.plain", "settings-behind-login", 0), ("disagree.plain", "settings-disagree", 2),
                ("null.plain", "domain-takes-no-mail", 0), ("nothing.plain", "settings-not-found", 0),
                ("missing.plain", "route-no-such-domain", 0)]:
            with self.subTest(domain):
                report = self.check(domain)
                self.assertEqual(len(self.found(report)), servers, report["settings"])
                self.assertIn(rule, self.rules(report))

    def test_what_nobody_vouches_for_is_not_used(self):
        report = self.check("untrusted.plain")
        self.assertEqual(self.found(report), [])
        self.assertIn("certificate", " ".join(report["settings"]["notes"]))
        self.assertEqual(self.found(self.check("downgrade.plain")), [])

    def test_nobody_gets_a_password_and_autodiscover_gets_the_address_alone(self):
        self.check("exchange.plain")
        self.assertEqual([h for *_, h, _ in self.web.asked if "Authorization" in h], [])
        bodies = [body for _, method, host, _, _, body in self.web.asked
                  if method == "POST" and host == "autodiscover.exchange.plain"]
        self.assertTrue(bodies and all(b"<EMailAddress>anna@exchange.plain</EMailAddress>" in b for b in bodies))


if __name__ == "__main__":
    unittest.main()
