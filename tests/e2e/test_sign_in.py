"""A person signs in at a provider for a smart host: the command, an issuer that runs here, and a browser's part played by the
test. What comes of it logs in at a second Postern."""
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.parse
import urllib.request

from harness import ALICE, BOB, HOST, PROGRAM, Authority, Postern, Sink, client_context
from issuer import Issuer, url64
from test_smart_hosts import Folder, documented

ENTRA = "/tenant/oauth2/v2.0"


class Provider:
    """The endpoints of an issuer at which people sign in. `pending`: what is still answered to who asks whether the code
    was entered."""

    def __init__(self, issuer):
        self.issuer, self.codes, self.asked, self.pending, self.given = issuer, {}, [], [], 0
        self.no, self.refresh = None, set()
        issuer.answers |= {f"{ENTRA}/devicecode": self.device, f"{ENTRA}/authorize": self.page, f"{ENTRA}/token": self.token}

    def device(self, request):
        self.asked.append(("device", request.form))
        if request.form.get("client_id") != "relay":
            return Issuer.json({"error": "unauthorized_client", "error_description": "AADSTS700016: who is that?"}, 400)
        return Issuer.json({"device_code": "the device's code", "user_code": "ABCD-EFGH", "expires_in": 60, "interval": 1,
                            "verification_uri": "https://id.example/device"})

    def page(self, request):
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(request.path).query))
        self.asked.append(("page", query))
        answer = {"state": query["state"], **({"error": self.no} if self.no else {"code": f"code-{len(self.codes)}"})}
        if not self.no:
            self.codes[answer["code"]] = query
        return 302, {"Location": query["redirect_uri"] + "?" + urllib.parse.urlencode(answer)}, b""

    def token(self, request):
        form = request.form
        self.asked.append((form["grant_type"], form))
        if form["grant_type"] == "refresh_token":
            if form["refresh_token"] not in self.refresh:
                return Issuer.json({"error": "invalid_grant"}, 400)
            return Issuer.json({"access_token": self.issuer.token("e"), "expires_in": 300})
        if form["grant_type"] == "authorization_code":
            query = self.codes.pop(form["code"], None)
            proof = url64(hashlib.sha256(form["code_verifier"].encode()).digest())
            if not query or (query["redirect_uri"], query["code_challenge"]) != (form["redirect_uri"], proof):
                return Issuer.json({"error": "invalid_grant"}, 400)
        elif form["device_code"] != "the device's code":
            return Issuer.json({"error": "invalid_grant"}, 400)
        elif self.pending:
            return Issuer.json({"error": self.pending.pop(0)}, 400)
        self.given += 1
        self.refresh.add(f"refresh-token-{self.given}")
        return Issuer.json({"access_token": self.issuer.token("e"), "expires_in": 300, "refresh_token": f"refresh-token-{self.given}"})


class SignIn(Folder):
    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-sign-in-"))
        cls.addClassCleanup(shutil.rmtree, folder, True)
        cls.issuer = Issuer(folder)
        cls.addClassCleanup(cls.issuer.close)
        cls.issuer.add("e", "ES256")
        cls.sink = Sink()
        cls.addClassCleanup(cls.sink.close)
        cls.up = Postern({"auth": {"mechanisms": ["XOAUTH2", "OAUTHBEARER"]},
                          "oauth": {"issuer": cls.issuer.name, "keys": f"{cls.issuer.name}/keys", "audience": ["postern"],
                                    "authorities": Authority.shared().ca},
                          "delivery": {"smart_host": f"{HOST}:{cls.sink.port}"}})
        cls.addClassCleanup(cls.up.__exit__, None, None, None)

    def setUp(self):
        self.provider = Provider(self.issuer)
        self.dir = self.folder()
        self.file = self.dir / "refresh"
        host = documented("Microsoft 365, as a person")
        host |= {"name": "up", "address": f"{HOST}:{self.up.submission}", "authorities": Authority.shared().ca, "user": ALICE,
                 "client_id": "relay", "token_url": f"{self.issuer.name}{ENTRA}/token", "refresh_token_file": self.file}
        self.server = self.serve({"smart_host": [host], "route": [{"to": "smart_host:up"}]})

    def begin(self, *arguments):
        """The command, while it waits for the person; and all that it has said until it matches."""
        process = subprocess.Popen([PROGRAM, "--config", self.server.file, "smart-host", "sign-in", *arguments],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: (process.kill(), process.communicate()))
        return process

    def read_until(self, process, pattern):
        said = ""
        while not re.search(pattern, said):
            line = process.stderr.readline()
            if not line:
                self.fail(f"it ended, and said {said}")
            said += line
        return re.search(pattern, said).group(0)

    def browse(self, url):
        """Opens the page, and goes where it leads, as a browser does."""
        return urllib.request.urlopen(url, context=client_context(), timeout=20).read().decode()

    def end(self, process, code=0, **more):
        out, err = process.communicate(timeout=60, **more)
        self.assertEqual(process.returncode, code, out + err)
        return out + err

    def arrives(self):
        self.sink.wait(self.send(self.server))
        self.server.wait_log(r"smart_host_login.*mechanism[\"=: ]+XOAUTH2\b")

    def test_with_a_code_that_is_entered_elsewhere(self):
        self.provider.pending = ["authorization_pending"]
        process = self.begin("up")
        said = self.read_until(process, r"(?s)https://id\.example/device.*ABCD-EFGH")
        self.assertNotIn("the device's code", said)
        out = self.end(process)
        self.assertIn(str(self.file), out)
        self.assertNotIn("refresh-token", out)
        self.assertEqual(self.file.read_text(), "refresh-token-1\n")
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.provider.asked[0][1]["scope"], "https://outlook.office.com/SMTP.Send offline_access")
        self.assertEqual([kind.split(":")[-1] for kind, _ in self.provider.asked], ["device", "device_code", "device_code"])
        self.arrives()

    def test_with_a_page_that_leads_back(self):
        process = self.begin("up", "--browser", "--json")
        url = self.read_until(process, re.escape(self.issuer.name) + r"\S+")
        # Others who come to the port are sent away, and the sign-in goes on.
        back = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)["redirect_uri"][0]
        with self.assertRaises(urllib.error.HTTPError):
            self.browse(back + "?code=forged&state=guessed")
        self.assertIn("Done", self.browse(url))
        out, err = process.communicate(timeout=60)
        self.assertEqual((process.returncode, json.loads(out)),
                         (0, {"smart_host": "up", "user": ALICE, "file": str(self.file)}), err)
        self.assertEqual(self.file.read_text(), "refresh-token-1\n")
        self.arrives()

    def test_with_the_address_that_another_machine_s_browser_ended_at(self):
        self.file.write_text("an old one\n")
        process = self.begin("up", "--page-url", f"{self.issuer.name}{ENTRA}/authorize")
        url = self.read_until(process, re.escape(self.issuer.name) + r"\S+")

        class Stay(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *_):
                return None
        opener = urllib.request.build_opener(Stay, urllib.request.HTTPSHandler(context=client_context()))
        with self.assertRaises(urllib.error.HTTPError) as led:
            opener.open(url, timeout=20)
        there = led.exception.headers["Location"]
        self.end(process, input=f"what?\n{there}\n")
        self.assertEqual(self.file.read_text(), "refresh-token-1\n")

    def test_what_goes_wrong_leaves_the_file(self):
        self.file.write_text("an old one\n")
        self.provider.pending = ["authorization_pending", "access_denied"]
        self.assertIn("access_denied", self.end(self.begin("up"), 1))
        self.provider.no = "consent_required"
        process = self.begin("up", "--browser")
        self.browse(self.read_until(process, re.escape(self.issuer.name) + r"\S+"))
        self.assertIn("consent_required", self.end(process, 1))
        for arguments, words in ((["down"], "no [[smart_host]] with the name down"), (["up", "--user", BOB], "no log-in with the user")):
            self.assertIn(words, self.end(self.begin(*arguments), 2))
        self.server.config["smart_host"][0]["client_id"] = "stranger"
        self.server.write_config()
        self.assertIn("AADSTS700016: who is that?", self.end(self.begin("up"), 1))
        self.server.config["smart_host"][0]["token_url"] = f"{self.issuer.name}/token"
        self.server.write_config()
        self.assertIn("--device-url", self.end(self.begin("up"), 1))
        self.assertEqual(self.file.read_text(), "an old one\n")


if __name__ == "__main__":
    unittest.main()
