"""Thunderbird against the real server, with each way of logging in that it has for SMTP: normal
password, encrypted password (CRAM-MD5), Kerberos, OAuth2. EXTERNAL ("TLS certificate") it only
knows for incoming mail."""
import http.server
import json
import pathlib
import re
import shutil
import ssl
import tempfile
import threading
import unittest

from harness import ALICE, BOB, HOST, NAME, PASSWORDS, Authority, Postern, free_ports, message, need, wait_for
from kerberos import REALM, Kdc
from test_mechanisms import Issuer
from thunderbird import Thunderbird

STARTTLS, TLS = 2, 3
NORMAL, ENCRYPTED, KERBEROS, OAUTH2 = 3, 4, 5, 10

TRUST = """
const text = authority.replace(/-----[^-]*-----|\\s/g, "");
Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB).addCertFromBase64(text, "CT,CT,CT");
"""

# What "Send" does once the message is written. A question to the user ends with "Cancel".
SEND = """
const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const { SmtpAuthenticator } = ChromeUtils.importESModule("resource:///modules/MailAuthenticator.sys.mjs");
let asked = 0;
SmtpAuthenticator.prototype.promptAuthFailed = () => { ++asked; return 1; };
const server = MailServices.outgoingServer.createServer("smtp");
const own = server.wrappedJSObject ?? server;
own.hostname = host;
own.port = port;
own.socketType = socket;
own.authMethod = method;
own.username = user;
const identity = MailServices.accounts.createIdentity();
identity.email = from;
const message = Cc["@mozilla.org/file/local;1"].createInstance(Ci.nsIFile);
message.initWithPath(file);
const ended = await new Promise(resolve => own.sendMailMessage(
    message, MailServices.headerParser.makeFromDisplayAddress(to), [], identity, from, password, null, false, "",
    { onSendStart() {}, onSendStop(uri, status, security, text) { resolve({ status, text: String(text) }); } }));
own.closeCachedConnections();
return { ...ended, asked };
"""

PROVIDER = """
const { OAuth2Providers } = ChromeUtils.importESModule("resource:///modules/OAuth2Providers.sys.mjs");
OAuth2Providers.registerProvider({ name: "id.test", clientId: "thunderbird", authorizationEndpoint: where + "/authorize",
    tokenEndpoint: where + "/token", redirectionEndpoint: "https://localhost", usePKCE: true }, [host], "smtp");
const login = Cc["@mozilla.org/login-manager/loginInfo;1"].createInstance(Ci.nsILoginInfo);
login.init("oauth://id.test", null, "smtp", user, "a-refresh-token", "", "");
await Services.logins.addLoginAsync(login);
"""


class TokenEndpoint:
    """Where a mail program trades its refresh token for an access token."""

    def __init__(self, issuer):
        self.port, = free_ports(1)
        self.asked = []
        endpoint = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                endpoint.asked.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
                body = json.dumps({"access_token": issuer.token("e"), "token_type": "Bearer", "expires_in": 600}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer((HOST, self.port), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*Authority.shared().issue("server"))
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Sending(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need("thunderbird")
        environment, config = {}, {}
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-tb-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        try:
            cls.kdc = Kdc()
        except unittest.SkipTest:
            cls.kdc = None
        if cls.kdc:
            cls.addClassCleanup(cls.kdc.close)
            cls.kdc.add_users("alice")
            cls.kdc.admin("addprinc -randkey smtp/localhost")
            environment = cls.kdc.tickets("alice")
            config["kerberos"] = {"keytab": cls.kdc.keytab("postern", "smtp/localhost"),
                                  "realms": [{"realm": REALM, "domain": "postern.test"}]}
        cls.issuer = Issuer(cls.folder)
        cls.addClassCleanup(cls.issuer.close)
        cls.issuer.add("e", "ES256")
        cls.tokens = TokenEndpoint(cls.issuer)
        cls.addClassCleanup(cls.tokens.close)
        config["oauth"] = {"issuer": cls.issuer.name, "keys": f"{cls.issuer.name}/keys", "audience": ["postern"],
                           "authorities": Authority.shared().ca}
        config["auth"] = {"failure_delay": "0s", "mechanisms": ["SCRAM-SHA-256", "GSSAPI", "XOAUTH2", "PLAIN", "LOGIN"]}
        cls.old, cls.login = free_ports(2)
        listeners = [{"address": f"{HOST}:{port}", "role": "submission", "tls": "starttls", "mechanisms": mechanisms}
                     for port, mechanisms in ((cls.old, ["CRAM-MD5"]), (cls.login, ["LOGIN"]))]
        cls.thunderbird = Thunderbird(environment, {"network.dns.localDomains": NAME})
        cls.addClassCleanup(cls.thunderbird.close)
        cls.thunderbird.run(TRUST, authority=Authority.shared().ca.read_text())
        cls.server = Postern(config, listeners=listeners)
        cls.addClassCleanup(cls.server.__exit__, None, None, None)

    def send(self, subject, method, port=None, socket=STARTTLS, user=ALICE, password="", host="localhost"):
        file = self.folder / "message.eml"
        file.write_bytes(message(ALICE, BOB, subject).replace("\n", "\r\n").encode())
        return self.thunderbird.run(SEND, host=host, port=port or self.server.submission, socket=socket, method=method,
                                    user=user, password=password, to=BOB, file=file, **{"from": ALICE})

    def arrives(self, subject, method, mechanism, **how):
        seen = len(self.server.log())
        said = self.send(subject, method, **how)
        self.assertEqual((said["status"], said["asked"]), (0, 0), f"{said}\n{self.server.log()[seen:]}")
        self.server.wait_mail(BOB, subject)
        used = wait_for(lambda: re.findall(r" login .*?mechanism=([\w-]+)", self.server.log()[seen:]), "the login's line")
        self.assertEqual(used, [mechanism])

    def test_normal_password(self):
        self.arrives("normal, STARTTLS", NORMAL, "PLAIN", password=PASSWORDS[ALICE])
        self.arrives("normal, TLS", NORMAL, "PLAIN", port=self.server.submissions, socket=TLS, password=PASSWORDS[ALICE])
        self.arrives("normal, LOGIN", NORMAL, "LOGIN", port=self.login, password=PASSWORDS[ALICE])

    def test_a_wrong_password_is_asked_for_again(self):
        said = self.send("wrong", NORMAL, password="not the password")
        self.assertNotEqual(said["status"], 0)
        self.assertEqual(said["asked"], 1, said)

    def test_encrypted_password(self):
        self.server.cli("account", "password", "--cram-md5", "--password-stdin", ALICE, input=PASSWORDS[ALICE] + "\n",
                        check=True)
        self.arrives("encrypted", ENCRYPTED, "CRAM-MD5", port=self.old, password=PASSWORDS[ALICE])

    def test_kerberos(self):
        if not self.kdc:
            self.skipTest("krb5-kdc is not installed")
        self.arrives("with a ticket", KERBEROS, "GSSAPI")
        self.arrives("with the short name", KERBEROS, "GSSAPI", user="alice")
        said = self.send("as somebody else", KERBEROS, user=BOB)
        self.assertNotEqual(said["status"], 0)

    def test_oauth2(self):
        # It takes no name without a dot for that of a provider.
        self.thunderbird.run(PROVIDER, where=f"https://localhost:{self.tokens.port}", host=NAME, user=ALICE)
        self.arrives("with a token", OAUTH2, "XOAUTH2", host=NAME)
        self.assertIn("a-refresh-token", self.tokens.asked[0])


if __name__ == "__main__":
    unittest.main()
