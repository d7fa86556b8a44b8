"""DKIM: what Postern signs, other programs verify, and the manual's commands do what it says."""
import base64
import http.client
import json
import pathlib
import re
import shutil
import tempfile
import unittest

from harness import ALICE, BOB, HOST, PASSWORDS, ROOT, Postern, Sink, message, need, run, token, wait_for
from name_server import NameServer
from peers import Peer

HERE = pathlib.Path(__file__).resolve().parent
MANUAL = ROOT / "docs" / "dkim.md"


def crlf(octets):
    return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def signatures(content):
    """The tags of every DKIM-Signature of a message, from the top."""
    header = crlf(content).split(b"\r\n\r\n", 1)[0].decode(errors="surrogateescape")
    fields = re.findall(r"(?mi)^DKIM-Signature:((?:.*\r\n[ \t])*.*)", header + "\r\n")
    out = []
    for field in fields:
        tags = re.sub(r"\r\n[ \t]+", "", field).split(";")
        out.append({t.split("=", 1)[0].strip(): t.split("=", 1)[1].strip() for t in tags if "=" in t})
    return out


class Dkim(unittest.TestCase):
    """A server that sends everything to a sink, with a name server and keys of postern.test."""

    @classmethod
    def setUpClass(cls):
        need("opendkim", "swaks", "openssl")
        if run("/usr/bin/python3", "-c", "import dkim, nacl").returncode:
            raise unittest.SkipTest("python3-dkim is not installed")

    def serve(self, config=None, listeners=()):
        self.names = NameServer()
        self.addCleanup(self.names.close)
        self.sink = Sink({"RCPT nobody@remote.test": "550 5.1.1 No such user"},
                         extensions=("PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 104857600"))
        self.addCleanup(self.sink.close)
        self.server = Postern({"dns": {"servers": [self.names.address]},
                               "delivery": {"smart_host": f"{HOST}:{self.sink.port}"}, **(config or {})},
                              listeners=listeners)
        self.addCleanup(self.server.__exit__, None, None, None)
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="postern-dkim-"))
        self.addCleanup(shutil.rmtree, self.scratch, True)

    def dkim(self, *arguments, status=0):
        done = self.server.cli("dkim", *arguments, "--json")
        self.assertEqual(done.returncode, status, done.stderr)
        return json.loads(done.stdout) if done.stdout else done.stderr

    def publish(self, keys):
        for key in keys:
            self.names.texts[key["name"]] = [key["value"]]

    def sign_at_once(self, domain="postern.test", *options):
        keys = self.dkim("create", domain, *options)
        self.publish(keys)
        self.dkim("activate", domain)
        return keys

    def send(self, content, sender=ALICE, to="friend@remote.test", parameters=""):
        with self.server.session(login=ALICE) as wire:
            wire.mail(sender, to, parameters=parameters)
            wire.data(content)

    def known_names(self):
        return {name: texts[0] for name, texts in self.names.texts.items()}

    def verified_by_dkimpy(self, content):
        asked = {"names": self.known_names(), "message": base64.b64encode(crlf(content)).decode()}
        done = run("/usr/bin/python3", HERE / "dkim_verify.py", input=json.dumps(asked), check=True)
        return json.loads(done.stdout)

    def verified_by_opendkim(self, content):
        """What OpenDKIM's filter says of each signature: [("pass", "rsa-sha256"), ...]."""
        (self.scratch / "names").write_text("".join(f"{n} {t}\n" for n, t in self.known_names().items()))
        (self.scratch / "hosts").write_text("192.0.2.1\n")
        (self.scratch / "opendkim.conf").write_text(
            f"Mode v\nSyslog no\nTestDNSData {self.scratch}/names\nInternalHosts {self.scratch}/hosts\n")
        (self.scratch / "message").write_bytes(crlf(content))
        done = run("opendkim", "-vv", "-x", self.scratch / "opendkim.conf", "-t", self.scratch / "message")
        said = done.stdout + done.stderr
        found = re.findall(r"dkim=(\w+)[^;]*?header\.a=([\w-]+)", said)
        self.assertTrue(found, said)
        return found

    def check_signed(self, content, domain="postern.test", count=2):
        tags = signatures(content)
        self.assertEqual([t["d"] for t in tags], [domain] * count)
        self.assertEqual(self.verified_by_dkimpy(content), [True] * count)
        self.assertEqual({verdict for verdict, _ in self.verified_by_opendkim(content)}, {"pass"})
        self.assertNotIn(b"DKIM-Omitted", content)
        return tags


class Messages(Dkim):
    def test_all_kinds_of_messages_hold_at_opendkim_and_dkimpy(self):
        self.serve()
        self.sign_at_once()
        noise = base64.encodebytes(bytes(range(256)) * 3000).decode()
        mime = ('MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\n'
                "List-Unsubscribe: <https://example.org/u>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\n")
        bodies = {
            "plain": ("", "Hello.\n"),
            "empty": ("", ""),
            "blank lines at the end": ("", "Hello.\n\n \n\t\n\n"),
            "white space": ("X-Folded: a\n\t b  c \n", "  two  blanks \t here\t\n\n\n .dot\n..dots\n \n"),
            "eight bits": ("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n",
                           "Gr\u00fc\u00dfe  \u2014 \u4f60\u597d\n"),
            "long lines": ("", "x" * 990 + "\n" + "y " * 490 + "\n"),
            "attachment": (mime, f"--b\n\ntext\n--b\nContent-Type: application/octet-stream\n"
                                 f"Content-Transfer-Encoding: base64\n\n{noise}\n--b--\n"),
        }
        for name, (extra, body) in bodies.items():
            with self.subTest(name):
                word = token()
                self.send(message(ALICE, "friend@remote.test", word, body, extra))
                content = self.sink.wait(word)["content"]
                tags = self.check_signed(content)
                self.assertEqual([t["a"] for t in tags], ["rsa-sha256", "ed25519-sha256"])
                self.assertEqual([a for _, a in self.verified_by_opendkim(content)][0], "rsa-sha256")
                for t in tags:
                    self.assertEqual((t["v"], t["c"]), ("1", "relaxed/relaxed"))
                    self.assertFalse({"l", "i", "x"} & set(t), t)
                    signed = t["h"].split(":")
                    for field in ("From", "To", "Subject", "Date", "Message-ID"):
                        self.assertEqual(signed.count(field), 2, t["h"])
                    self.assertEqual(signed.count("Cc"), 1, t["h"])
                    self.assertEqual("List-Unsubscribe-Post" in signed, name == "attachment")
        # What was signed can't be changed, and nothing sealed can be added.
        last = self.sink.messages[0]["content"]
        for changed in (last.replace(b"Hello.", b"Hallo."), last.replace(b"Subject: ", b"Subject: Re: "),
                        b"From: <eve@example.org>\r\n" + last, b"Cc: <eve@example.org>\r\n" + last):
            self.assertEqual(self.verified_by_dkimpy(changed), [False, False])
        # White space may change on the way.
        self.assertEqual(self.verified_by_dkimpy(last.replace(b"Subject: ", b"Subject:  ") + b"\r\n"), [True, True])

    def test_chunks_internationalised_addresses_and_swaks(self):
        self.serve()
        self.sign_at_once()
        word = token()
        content = crlf(message(ALICE, "friend@remote.test", word, "a  b \n\n\n").encode())
        with self.server.session(login=ALICE) as wire:
            wire.mail(ALICE, "friend@remote.test")
            for at in range(0, len(content), 7):
                piece = content[at:at + 7]
                wire.send(f"BDAT {len(piece)}\r\n".encode() + piece)
                wire.expect(250)
            wire.say("BDAT 0 LAST", 250)
        self.check_signed(self.sink.wait(word)["content"])

        # The signature has the A-label, the message stays as it was written.
        self.sign_at_once("xn--bcher-kva.test")
        self.server.cli("account", "send-as", "add", ALICE, "@xn--bcher-kva.test", check=True)
        word = token()
        self.send(f"From: J\u00f6rg <j\u00f6rg@b\u00fccher.test>\nTo: <friend@remote.test>\nSubject: {word} \u00fc\n\n\u00e4\n",
                  sender="j\u00f6rg@b\u00fccher.test", parameters=" SMTPUTF8 BODY=8BITMIME")
        self.check_signed(self.sink.wait(word)["content"], "xn--bcher-kva.test")

        word = token()
        attached = self.scratch / "attached.bin"
        attached.write_bytes(bytes(range(256)) * 4000)
        done = run("swaks", "--server", f"{HOST}:{self.server.submission}", "--tls", "--auth", "PLAIN", "--auth-user",
                   ALICE, "--auth-password", PASSWORDS[ALICE], "--from", ALICE, "--to", "friend@remote.test",
                   "--header", f"Subject: {word}", "--attach", f"@{attached}", "--body", "See attached.")
        self.assertEqual(done.returncode, 0, done.stdout)
        content = self.sink.wait(word)["content"]
        self.assertGreater(len(content), 1_000_000)
        self.check_signed(content)

    def test_what_a_server_without_8bitmime_gets_is_signed_anew(self):
        seven = Sink(extensions=("PIPELINING",))
        self.addCleanup(seven.close)
        self.serve({"route": [{"recipients": ["seven.test"], "to": f"smtp:{HOST}:{seven.port}"}]})
        self.sign_at_once()
        text = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n"
        foreign = "DKIM-Signature: v=1; a=rsa-sha256; d=other.test; s=x; h=from; bh=AA==; b=AA==\n"
        for extra, lines in ((text, 1), (foreign + text, 20_000)):
            word = token()
            self.send(message(ALICE, "friend@seven.test", word, "Gr\u00fc\u00dfe an alle meine Freunde \n" * lines, extra),
                      to="friend@seven.test", parameters=" BODY=8BITMIME")
            content = seven.wait(word)["content"]
            self.assertTrue(content.isascii())
            self.assertIn(b"Gr=C3=BC=C3=9Fe an alle meine Freunde=20", content)
            self.server.wait_log(rf"\bconverted\b.*signed_anew[\"=: ]+postern\.test")
            if lines == 1:
                self.check_signed(content)
            else:
                self.assertEqual([t["d"] for t in signatures(content)], ["postern.test"] * 2 + ["other.test"])
                self.assertEqual(self.verified_by_dkimpy(content)[:2], [True, True])
                self.server.wait_log(r"\bconverted\b.*breaks_signature_of[\"=: ]+other\.test")

    def test_whose_mail_is_signed(self):
        self.serve({"relay": {"networks": ["127.0.9.9"]}})
        self.sign_at_once("postern.test", "--algorithm", "ed25519")

        def at_mx(source, sender, to, author):
            word = token()
            with self.server.wire(self.server.mx, source=(source, 0)) as wire:
                wire.expect(220)
                wire.ehlo()
                wire.mail(sender, to)
                wire.data(message(author, to, word))
            return word
        word = at_mx("127.0.9.9", "printer@postern.test", "friend@remote.test", "printer@postern.test")
        self.check_signed(self.sink.wait(word)["content"], count=1)
        # An author of another domain, and a stranger who writes in our name.
        word = at_mx("127.0.9.9", "printer@other.test", "friend@remote.test", "printer@other.test")
        self.assertEqual(signatures(self.sink.wait(word)["content"]), [])
        word = at_mx("127.0.8.8", "eve@remote.test", BOB, ALICE)
        self.assertEqual(signatures(self.server.wait_mail(BOB, word)), [])
        # Our own report, from a name below the domain.
        self.send(message(ALICE, "nobody@remote.test", token()), to="nobody@remote.test")
        report = self.server.wait_mail(ALICE, "No such user")
        self.assertIn(b"MAILER-DAEMON@mail.postern.test", report)
        self.check_signed(report, count=1)

    def test_notices_of_our_own_are_signed(self):
        self.serve({"limits": {"sending": [{"per": "account", "messages_per_day": 5}]},
                    "guard": {"operator_address": "admin@elsewhere.test", "suspicious_new_recipients": 3}})
        self.sign_at_once("postern.test", "--algorithm", "ed25519")
        for to in (f"{n}@remote.test" for n in range(4)):
            self.send(message(ALICE, to, token()), to=to)
        for subject in ("Subject: Most of a sending limit is used", "Subject: Your mail account sends unusually much"):
            self.check_signed(self.server.wait_mail(ALICE, subject), count=1)
        # Elsewhere nobody would believe that their own postmaster wrote it.
        content = self.sink.wait("Subject: A mail account sends unusually much")["content"]
        self.assertIn(b"From: Postern <postmaster@postern.test>", content)
        self.check_signed(content, count=1)


class Rspamd(Peer):
    """rspamd with its DKIM module alone."""
    name = "rspamd"
    patience = 60

    def __init__(self, name_server):
        super().__init__()
        # A short list of top-level domains and one language: the real ones take seconds to compile.
        (self.dir / "tld").write_text("test\n")
        (self.dir / "rspamd.conf").write_text(f"""
            options {{ pidfile = "{self.dir}/pid"; hs_cache_dir = "{self.dir}"; tempdir = "{self.dir}";
                cache_file = "{self.dir}/cache"; history_file = "{self.dir}/history"; stats_file = "{self.dir}/stats";
                dynamic_conf = "{self.dir}/dynamic"; control_socket = "{self.dir}/control mode=0600";
                url_tld = "{self.dir}/tld"; local_addrs = []; filters = "dkim";
                dns {{ nameserver = ["{name_server.address}:1"]; timeout = 5s; retransmits = 2; }} }}
            lang_detection {{ languages = ["en"]; }}
            logging {{ type = "console"; level = "info"; }}
            worker "normal" {{ bind_socket = "{HOST}:{self.port}"; count = 1; }}
            dkim {{ check_local = true; check_authed = true; }}
            """)
        self.start("rspamd", "-f", "-i", "-c", self.dir / "rspamd.conf")

    def symbols(self, content):
        connection = http.client.HTTPConnection(HOST, self.port, timeout=30)
        connection.request("POST", "/checkv2", crlf(content))
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return {name: s.get("options", []) for name, s in answer["symbols"].items()}


class AtRspamd(Dkim):
    def test_signatures_hold_at_rspamd(self):
        need("rspamd")
        self.serve()
        keys = self.sign_at_once()
        rspamd = Rspamd(self.names)
        self.addCleanup(rspamd.close)
        word = token()
        self.send(message(ALICE, "friend@remote.test", word, "Gr\u00fc\u00dfe  \n .\n\n\n",
                          "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n"))
        content = self.sink.wait(word)["content"]
        found = rspamd.symbols(content)
        self.assertEqual(sorted(found.get("R_DKIM_ALLOW", [])), sorted(f"postern.test:s={k['selector']}" for k in keys),
                         found)
        self.assertIn("R_DKIM_REJECT", rspamd.symbols(content + b"more\r\n"))


class Keys(Dkim):
    def test_a_key_that_cannot_be_read_costs_the_signature_or_time_never_mail(self):
        self.serve()
        self.sign_at_once("postern.test", "--algorithm", "ed25519", "--selector", "s")
        file = self.server.dir / "data" / "dkim" / "postern.test" / "s.pem"
        self.assertEqual((file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777), (0o600, 0o700))
        good = file.read_text()
        file.write_text("nonsense")
        self.server.stop()
        self.server.start()
        self.server.wait_log("dkim_key_unusable.*postern.test")
        word = token()
        self.send(message(ALICE, "friend@remote.test", word))
        self.assertEqual(signatures(self.sink.wait(word)["content"]), [])
        self.server.wait_log("dkim_unsigned.*send")
        self.assertIn("s.pem", self.dkim("list")[0]["problem"])

        self.server.change("dkim", on_failure="defer")
        self.server.signal(1)
        wait_for(lambda: len(re.findall(r"\breloaded\b", self.server.log())) == 1, "the reload")
        with self.server.session(login=ALICE) as wire:
            wire.mail(ALICE, "friend@remote.test")
            reply = wire.data(message(ALICE, "friend@remote.test", token()), 451, "4.3.5")
            found = re.search(r"\(([A-Z0-9]{12,13})", reply.text).group(1)
            self.assertIn("dkim-not-signed", self.server.cli("why", found, "--json", check=True).stdout)
            # It mends: the same message goes through.
            file.write_text(good)
            self.server.signal(1)
            wait_for(lambda: len(re.findall(r"\breloaded\b", self.server.log())) == 2, "the second reload")
        word = token()
        self.send(message(ALICE, "friend@remote.test", word))
        self.check_signed(self.sink.wait(word)["content"], count=1)

    def test_keys_of_opendkim_simple_forms_and_an_expiry(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-dkim-keys-"))
        self.addCleanup(shutil.rmtree, folder, True)
        need("opendkim-genkey")
        run("opendkim-genkey", "-b", "2048", "-d", "postern.test", "-s", "mail", "-D", folder, check=True)
        self.serve({"dkim": {"canonicalization": "simple/simple", "lifetime": "14 days",
                             "unsigned_headers": ["Message-ID", "date", "From"],
                             "keys": [{"domain": "postern.test", "selector": "mail",
                                       "private_key": folder / "mail.private"}]}})
        row = self.dkim("list")[0]
        self.assertEqual((row["configured"], row["state"], row["bits"]), (True, "active", 2048))
        # The record that Postern shows has the key that OpenDKIM shows.
        published = re.sub(r'[\s"]|\).*', "", (folder / "mail.txt").read_text().split("(", 1)[1])
        self.assertIn(row["value"].split("p=")[1], published)
        self.publish([row])
        word = token()
        self.send(message(ALICE, "friend@remote.test", word, "a  b \n\n\n"))
        content = self.sink.wait(word)["content"]
        tags = self.check_signed(content, count=1)[0]
        self.assertEqual(tags["c"], "simple/simple")
        signed = tags["h"].split(":")
        self.assertEqual([signed.count(f) for f in ("From", "Subject", "Message-ID", "Date")], [2, 2, 0, 0])
        self.assertEqual(int(tags["x"]) - int(tags["t"]), 14 * 86400)
        self.assertEqual(self.verified_by_dkimpy(content.replace(b"Subject: ", b"Subject:  ")), [False])

    def test_commands_work_on_the_files_when_no_server_runs(self):
        self.serve()
        self.server.stop()
        made = self.dkim("create", "postern.test", "--algorithm", "ed25519")
        self.assertIn("already", self.dkim("create", "postern.test", status=2))
        self.assertIn("not a domain", self.dkim("create", "nonsense!", status=2))
        self.assertIn("dkim create", self.dkim("show", "other.test", status=2))
        for _ in range(2):  # the second time it is so already
            active = self.dkim("activate", "postern.test")
            self.assertEqual([(k["selector"], k["state"]) for k in active], [(made[0]["selector"], "active")])
        self.assertIn("--force", self.dkim("remove", "postern.test", made[0]["selector"], status=2))
        checked = self.dkim("check", "postern.test", status=1)
        self.assertEqual((checked["well"], checked["keys"][0]["dns"]), (False, "missing"))
        self.server.start()
        word = token()
        self.publish(made)
        self.send(message(ALICE, "friend@remote.test", word))
        self.check_signed(self.sink.wait(word)["content"], count=1)


class Manual(Dkim):
    def test_every_command_of_the_manual(self):
        self.serve({"domains": {"local": ["postern.test", "example.com"]}})
        self.server.cli("account", "send-as", "add", ALICE, "@example.com", check=True)
        commands = [line for block in re.findall(r"(?ms)^```sh\n(.*?)^```", MANUAL.read_text())
                    for line in block.splitlines()]
        self.assertEqual([c.split()[2] for c in commands],
                         ["create", "check", "show", "rotate", "list", "activate", "remove"])
        said = []
        for command in commands:
            words = command.split()
            name = words[2]
            if name == "remove":
                words = [w.replace("20261126-rsa", first_selector) for w in words] + ["--force"]
            done = self.server.cli(*words[1:])
            self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}{done.stderr}")
            said.append(done.stdout)
            if name in ("create", "rotate"):
                # As somebody does who copies it into a web form.
                names = re.findall(r"name:  (\S+)", done.stdout)
                values = re.findall(r"value: (.+)", done.stdout)
                self.assertEqual(len(names), 2)
                if name == "create":
                    first_selector = names[0].split(".")[0]
                    self.names.texts.update({n: [v] for n, v in zip(names, values)})
                    wait_for(lambda: self.server.log().count("dkim_key_active") == 2, "both keys to be seen in the DNS")
                    word = token()
                    self.send(message("ann@example.com", "friend@remote.test", word), sender="ann@example.com")
                    self.check_signed(self.sink.wait(word)["content"], "example.com")
                else:
                    self.assertEqual(self.server.log().count("dkim_key_active"), 2)
                    new = names
                # The zone file's strings are the same value.
                strings = re.findall(r'(?m)^    "(.{1,255})"', done.stdout)
                self.assertEqual("".join(strings), "".join(values))
            if name == "activate":
                word = token()
                self.send(message("ann@example.com", "friend@remote.test", word), sender="ann@example.com")
                used = {t["s"] for t in signatures(self.sink.wait(word)["content"])}
                self.assertEqual(used, {n.split(".")[0] for n in new})
                self.assertIn("Leave its record in the DNS until", done.stdout)
        self.assertIn("the DNS has the right record", said[1])
        self.assertEqual(self.dkim("check", "example.com", status=1)["well"], False)


    def test_every_configuration_of_the_manual(self):
        blocks = re.findall(r"(?ms)^```toml\n(.*?)^```", MANUAL.read_text())
        self.assertEqual(len(blocks), 2)
        self.serve()
        own = self.server.file.read_text()
        for block in blocks:
            with self.subTest(block):
                self.server.file.write_text(own + block)
                done = self.server.cli("config", "check")
                self.assertEqual(done.returncode, 0, done.stderr)
                # A key that is not there is named.
                self.assertEqual("can't be signed" in done.stderr, "mail.private" in block, done.stderr)


if __name__ == "__main__":
    unittest.main()
