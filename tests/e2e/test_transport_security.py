"""The security of mail to other servers: DANE with signed zones of Knot, MTA-STS from a web server,
Postfix at the other end, and the reports about it, read by other people's parsers."""
import email
import email.policy
import gzip
import json
import re
import signal
import time
import unittest

from harness import ALICE, ROOT, Authority, Postern, message, token, wait_for
from internet import NAMES, Knot, MailServers, WebServer, World, self_signed, tlsa

MANUAL = ROOT / "docs" / "transport-security.md"
WEB = "10.99.0.50"


def policy(mode, *mx, age=86400):
    return f"version: STSv1\r\nmode: {mode}\r\n" + "".join(f"mx: {m}\r\n" for m in mx) + f"max_age: {age}\r\n"


class Others(World):
    """All of the others."""

    def build(self):
        ca = Authority.shared()
        ca.dir.chmod(0o755)
        doors, signed, plain = {}, [], []

        def host(zone, domain, last, files, records=(), mx=None):
            zone.append(f"{domain} MX 10 {mx or 'mx.' + domain}\nmx.{domain} A 10.99.0.{last}\n")
            zone.extend(f"_25._tcp.mx.{domain} TLSA {r}\n" for r in records)
            doors[f"10.99.0.{last}"] = files
        own = {n: self_signed(self.dir, f"mx.{n}.example") for n in ("ee", "wrong", "unusable", "twohosts")}
        other = self_signed(self.dir, "other.example")[0]
        good = ca.issue("mx-ta", ("mx.ta.example",))
        chain = self.dir / "ta-chain.pem"
        chain.write_text(good[0].read_text() + ca.ca.read_text())

        host(signed, "ee", 10, own["ee"], [tlsa(3, 1, 1, other), tlsa(3, 1, 1, own["ee"][0])])
        host(signed, "whole", 11, own["ee"], [tlsa(3, 0, 0, own["ee"][0])])
        host(signed, "sha512", 12, own["ee"], [tlsa(3, 0, 2, own["ee"][0])])
        host(signed, "wrong", 13, own["wrong"], [tlsa(3, 1, 1, other)])
        host(signed, "ta", 14, (chain, good[1]), [tlsa(2, 0, 1, ca.ca)])
        host(signed, "ta-name", 15, (chain, good[1]), [tlsa(2, 0, 1, ca.ca)])
        host(signed, "unusable", 16, own["unusable"], [tlsa(1, 1, 1, own["unusable"][0]), "3 1 1 AABB"])
        host(signed, "clear", 17, None, [tlsa(3, 1, 1, own["ee"][0])])
        host(signed, "forged", 18, own["ee"], [tlsa(3, 1, 1, own["ee"][0])])
        host(signed, "none", 19, own["unusable"])
        host(signed, "twohosts", 20, own["twohosts"], [tlsa(3, 1, 1, other)])
        signed.append("twohosts MX 20 mx.ee\n")
        signed.append(f"alias MX 10 mx.alias\nmx.alias CNAME mx.ee\n")
        # The domain itself is an alias: of one with exchangers, of one with none, and across zones.
        signed.append("aliased CNAME ee\nbare A 10.99.0.19\nbarealias CNAME bare\nnowhere CNAME not-there\n")
        plain.append("away CNAME away2\naway2 CNAME enforce\nintosigned CNAME ee.example.\nround CNAME round2\nround2 CNAME round\n"
                     "viaalias MX 10 mx.viaalias\nmx.viaalias CNAME mx.noneplain\n")
        signed.append("forgedmx MX 10 mx.ee\n")
        signed.append("_smtp._tls.wrong TXT \"v=TLSRPTv1; rua=mailto:alice@postern.test,https://reports.plain/tls\"\n")

        for name, last in (("enforce", 30), ("testing", 31), ("othermx", 32), ("gone", 33), ("redirect", 37)):
            host(plain, name, last, ca.issue(f"mx-{name}", (f"mx.{name}.plain",)))
        host(plain, "untrusted", 34, self_signed(self.dir, "mx.untrusted.plain"))
        host(plain, "noneplain", 35, own["unusable"])
        host(plain, "clear", 36, None)
        # A name in the subject only is none (RFC 8461 section 4.1).
        host(plain, "common", 38, ca.issue("mx-common", (), subject="mx.common.plain"))
        # Both at once: DANE says yes, MTA-STS no; and the other way round.
        host(signed, "both", 21, own["ee"], [tlsa(3, 1, 1, own["ee"][0])])
        host(signed, "against", 22, ca.issue("mx-against", ("mx.against.example",)), [tlsa(3, 1, 1, other)])
        policies = {"enforce.plain": policy("enforce", "mx.enforce.plain"),
                    "testing.plain": policy("testing", "other.testing.plain"),
                    "othermx.plain": policy("enforce", "*.elsewhere.plain"),
                    "gone.plain": policy("enforce", "*.gone.plain"),
                    "untrusted.plain": policy("enforce", "mx.untrusted.plain"),
                    "noneplain.plain": policy("none"),
                    "clear.plain": policy("enforce", "mx.clear.plain"),
                    "common.plain": policy("enforce", "mx.common.plain"),
                    "redirect.plain": (302, "text/plain", "https://mta-sts.gone.plain/.well-known/mta-sts.txt"),
                    "both.example": policy("enforce", "elsewhere.example"),
                    "against.example": policy("enforce", "mx.against.example")}
        for domain in policies:
            name, zone = domain.split(".")
            (signed if zone == "example" else plain).append(
                f"_mta-sts.{name} TXT \"v=STSv1; id=1{name.replace('-', '')};\"\nmta-sts.{name} A {WEB}\n")
        plain.append(f"_smtp._tls.testing TXT \"v=TLSRPTv1; rua=mailto:alice@postern.test\"\nreports A {WEB}\n")

        self.knot = self.add(Knot(self.networks, "".join(signed), "".join(plain), broken=[
            (r"(?m)^(forgedmx\.example\.\s+\d+\sMX\s+10 )mx\.ee\.", r"\g<1>mx.wrong."),
            (r"(?m)^(_25\._tcp\.mx\.forged\.example\.\s+\d+\sTLSA\s+3 1 )1 ", r"\g<1>2 ")]))
        self.postfix = self.add(MailServers(self.networks, doors))
        self.web = self.add(WebServer(self.networks, WEB, [f"mta-sts.{d}" for d in policies] + ["reports.plain"]))
        for domain, page in policies.items():
            self.web.pages[f"mta-sts.{domain}", "/.well-known/mta-sts.txt"] = page


def setUpModule():
    global world
    world = Others()


def tearDownModule():
    world.close()


class Security(unittest.TestCase):
    def serve(self, config=None):
        server = Postern({"dns": {"servers": [NAMES], "trust_anchor": world.knot.anchor},
                          "transport": {"authorities": Authority.shared().ca},
                          "tlsrpt": {"from": "tls-reports@reports.plain"}, **(config or {})})
        self.addCleanup(server.__exit__, None, None, None)
        return server

    def send(self, server, domain, extra="", parameters=""):
        """Sends a mail; the id that it has."""
        with server.session(login=ALICE) as wire:
            wire.mail(ALICE, f"friend@{domain}", parameters=parameters)
            reply = wire.data(message(ALICE, f"friend@{domain}", token(), extra=extra))
        return re.search(r"Q[0-9A-Z]{12}", reply.text).group(0)

    def fate(self, server, queue_id):
        """What became of it at the first attempt."""
        def look():
            done = server.cli("why", queue_id, "--json")
            events = json.loads(done.stdout)["events"] if done.returncode == 0 else []
            return [e for e in events if e["event"] in ("delivered", "deferred", "bounced")]
        return wait_for(look, f"the fate of {queue_id}\n{server.log()[-3000:]}")[0]

    def check(self, server, rows):
        sent = [(self.send(server, row[0], *row[3:]), row) for row in rows]
        for queue_id, (domain, event, expected, *_) in sent:
            with self.subTest(domain):
                fate = self.fate(server, queue_id)
                fate.pop("remedy", None)
                self.assertEqual(fate["event"], event, fate)
                for key, value in expected.items():
                    self.assertEqual(fate.get(key, ""), value, fate)


class Dane(Security):
    def test_what_records_say_and_what_becomes_of_mail(self):
        server = self.serve()
        self.check(server, [
            ("ee.example", "delivered", {"policy": "dane", "verified": "dane 3 1 1"}),
            ("whole.example", "delivered", {"policy": "dane", "verified": "dane 3 0 0"}),
            ("sha512.example", "delivered", {"policy": "dane", "verified": "dane 3 0 2"}),
            ("ta.example", "delivered", {"policy": "dane", "verified": "dane 2 0 1"}),
            # With DANE-TA the name counts, too.
            ("ta-name.example", "deferred", {"rule": "dane-mismatch"}),
            ("wrong.example", "deferred", {"rule": "dane-mismatch"}),
            ("clear.example", "deferred", {"rule": "dane-mismatch"}),
            ("unusable.example", "delivered", {"policy": "dane, no usable record", "verified": ""}),
            ("forged.example", "deferred", {"rule": "dane-lookup-failed"}),
            ("forgedmx.example", "deferred", {"rule": "route-dnssec-bogus"}),
            ("none.example", "delivered", {"policy": "", "verified": ""}),
            # The second server does what the first one doesn't; and the records are where the CNAME leads.
            ("twohosts.example", "delivered", {"policy": "dane", "verified": "dane 3 1 1"}),
            ("alias.example", "delivered", {"policy": "dane", "verified": "dane 3 1 1"}),
            # Before MTA-STS, whichever of them says no.
            ("both.example", "delivered", {"policy": "dane", "verified": "dane 3 1 1"}),
            ("against.example", "deferred", {"rule": "dane-mismatch"}),
            # The sender would rather have it arrive.
            ("wrong.example", "delivered", {"policy": "tls-required no", "verified": ""}, "TLS-Required: No\n"),
        ])
        self.assertRegex(server.log(), r"(?m) error dnssec_bogus name=_25\._tcp\.mx\.forged\.example ")
        fate = self.fate(server, self.send(server, "ee.example"))
        self.assertTrue(fate["tls"].startswith("TLSv1.3"), fate)
        self.assertTrue(fate["cipher"].startswith("TLS_"), fate)
        self.assertIn("_25._tcp.HOST", self.fate(server, self.send(server, "forged.example"))["remedy"]["operator"])

    def test_requiretls_needs_a_list_of_servers_that_somebody_vouches_for(self):
        server = self.serve()
        for domain, reply in (("ee.example", "does not offer"), ("none.example", "does not offer")):
            with self.subTest(domain):
                fate = self.fate(server, self.send(server, domain, parameters=" REQUIRETLS"))
                # Postfix 3.7 knows no REQUIRETLS; but the list was good.
                self.assertEqual(fate["event"], "bounced", fate)
                self.assertNotIn("vouches", fate["reply"])
        fate = self.fate(server, self.send(server, "noneplain.plain", parameters=" REQUIRETLS"))
        self.assertEqual(fate["event"], "bounced", fate)
        self.assertIn("neither DNSSEC nor MTA-STS vouches", fate["reply"])


class Aliases(Security):
    def test_a_domain_or_an_exchanger_that_is_an_alias(self):
        self.check(self.serve(), [
            # As secure as the whole chain is: the TLSA records count where all of it is signed.
            ("aliased.example", "delivered", {"policy": "dane", "verified": "dane 3 1 1"}),
            ("alias.example", "delivered", {"policy": "dane", "verified": "dane 3 1 1"}),
            ("intosigned.plain", "delivered", {"policy": ""}),
            ("barealias.example", "delivered", {}),
            ("away.plain", "delivered", {}),
            ("viaalias.plain", "delivered", {}),
            # An alias of nothing is no domain; a circle says nothing at all.
            ("nowhere.example", "bounced", {"rule": "route-no-such-domain"}),
            ("round.plain", "deferred", {"rule": "route-dns-failure"}),
        ])


class MtaSts(Security):
    def test_what_policies_say_and_what_becomes_of_mail(self):
        server = self.serve()
        self.check(server, [
            ("enforce.plain", "delivered", {"policy": "mta-sts enforce", "verified": "certificate"}),
            ("testing.plain", "delivered", {"policy": "mta-sts testing"}),
            ("othermx.plain", "deferred", {"rule": "sts-unknown-host"}),
            ("untrusted.plain", "deferred", {"rule": "sts-untrusted"}),
            ("clear.plain", "deferred", {"rule": "sts-untrusted"}),
            ("common.plain", "deferred", {"rule": "sts-untrusted"}),
            ("noneplain.plain", "delivered", {"policy": "", "verified": ""}),
            # A redirection is not followed, so there is no policy.
            ("redirect.plain", "delivered", {"policy": ""}),
            ("untrusted.plain", "delivered", {"policy": "tls-required no"}, "TLS-Required: No\n"),
            ("clear.plain", "delivered", {"policy": "tls-required no", "tls": ""}, "tls-required: no\n"),
        ])
        asked = [host for host, _ in world.web.asked]
        self.send(server, "enforce.plain")
        self.assertEqual([host for host, _ in world.web.asked].count("mta-sts.enforce.plain"),
                         asked.count("mta-sts.enforce.plain"), "the policy was not remembered")

    def test_a_policy_outlives_its_web_server_and_a_restart(self):
        server = self.serve()
        page = ("mta-sts.gone.plain", "/.well-known/mta-sts.txt")
        self.check(server, [("gone.plain", "delivered", {"policy": "mta-sts enforce", "verified": "certificate"})])
        # Somebody puts another server and another policy in the way.
        world.web.pages[page] = (503, "text/plain", "")
        world.knot.change("gone MX 10 mx.gone\n", "gone MX 10 mx.noneplain\n")
        world.knot.change("id=1gone;", "id=2gone;")
        server.stop()
        server.start()
        self.check(server, [("gone.plain", "deferred", {"rule": "sts-unknown-host"})])
        server.wait_log(r"mta_sts_fetch_failed.*503")


class Operator(Security):
    def test_rows_of_the_manual(self):
        block = re.search(r"```toml\n# What mail to some domains needs\n(.*?)```", MANUAL.read_text(), re.S).group(1)
        for old, new in (("partner.example.com", "none.example"), ("old.example.net", "wrong.example"),
                         ("mail.example.org", "enforce.plain")):
            self.assertIn(old, block)
            block = block.replace(old, new)
        server = self.serve()
        server.stop()
        server.file.write_text(server.file.read_text() + block)
        server.start()
        self.check(server, [
            ("none.example", "deferred", {"rule": "tls-policy-unmet"}),
            ("wrong.example", "delivered", {"policy": "operator opportunistic"}),
            ("clear.plain", "deferred", {"rule": "sts-untrusted"}),
            ("enforce.plain", "delivered", {"verified": "certificate"}),
        ])


    def test_the_other_examples_of_the_manual_are_taken(self):
        server = Postern(start=False)
        self.addCleanup(server.__exit__, None, None, None)
        blocks = re.findall(r"(?ms)^```toml\n(.*?)^```", MANUAL.read_text())
        self.assertEqual(len(blocks), 3)
        server.file.write_text(server.file.read_text() + "\n".join(blocks))
        done = server.cli("config", "check")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class SmartHosts(Security):
    def test_records_and_rows_hold_for_them_too(self):
        def row(domain, name=None, **more):
            return {"name": name or domain.replace(".", "-"), "address": f"mx.{domain}:25", **more}
        hosts = [row("ee.example"), row("both.example"), row("wrong.example"), row("untrusted.plain"), row("testing.plain"),
                 row("wrong.example", "mine", authorities=Authority.shared().ca), row("clear.plain", tls="none")]
        bare = ["enforce.plain", "against.example", "none.example"]
        server = self.serve({
            "delivery": {"require_tls": True}, "smart_host": hosts,
            "route": [{"recipients": [f"{h['name']}.test"], "to": f"smart_host:{h['name']}"} for h in hosts] +
                     [{"recipients": [f"{d}.test"], "to": f"smtp:mx.{d}:25"} for d in bare],
            "tls_policy": [{"domain": "mx.testing.plain", "level": "dane"},
                           {"domain": "mx.against.example", "level": "opportunistic"},
                           {"domain": "mx.enforce.plain", "level": "none", "minimum": "1.3"}]})
        self.check(server, [
            # Its own certificate, which only the records vouch for.
            ("ee-example.test", "delivered", {"policy": "dane", "verified": "dane 3 1 1"}),
            ("both-example.test", "delivered", {"policy": "dane", "verified": "dane 3 1 1"}),
            ("wrong-example.test", "deferred", {"rule": "dane-mismatch"}),
            # The settings name an authority, which has the last word.
            ("mine.test", "deferred", {"rule": "route-tls-failure"}),
            ("untrusted-plain.test", "deferred", {"rule": "route-tls-failure"}),
            ("none.example.test", "deferred", {"rule": "route-tls-failure"}),
            ("testing-plain.test", "deferred", {"rule": "dane-missing"}),
            # "none" takes back nothing of what a smart host has to prove.
            ("enforce.plain.test", "delivered", {"policy": "operator opportunistic", "verified": "certificate"}),
            # A good certificate, and records that are wrong: the row says that these don't count.
            ("against.example.test", "delivered", {"policy": "operator opportunistic", "verified": "certificate"}),
            ("clear-plain.test", "delivered", {"policy": "", "tls": ""}),
        ])
        server.config["delivery"]["require_tls"] = False
        server.write_config()
        server.signal(signal.SIGHUP)
        server.wait_log(r"\breloaded\b")
        self.check(server, [("none.example.test", "delivered", {"policy": "", "verified": ""})])
        # Not by a connection from before.
        server.stop()
        server.config["tls_policy"].append({"domain": "*", "level": "verify"})
        server.write_config()
        server.start()
        self.check(server, [("none.example.test", "deferred", {"rule": "tls-policy-unmet"}),
                            ("clear-plain.test", "delivered", {"policy": "", "tls": ""})])
        listed = json.loads(server.cli("tls-report", "list", "--json", check=True).stdout)
        self.assertEqual(listed, [], "no reports about smart hosts")


class Reports(Security):
    def test_a_report_is_what_others_can_read(self):
        server = self.serve()
        keys = json.loads(server.cli("dkim", "create", "reports.plain", "--json", check=True).stdout)
        for key in keys:
            strings = " ".join(f'"{part}"' for part in key["strings"])
            world.knot.publish(f"{key['name']}. TXT {strings}\n")
        server.cli("dkim", "activate", "reports.plain", check=True)
        self.check(server, [("wrong.example", "deferred", {}), ("testing.plain", "delivered", {}),
                            ("wrong.example", "delivered", {}, "TLS-Required: No\n")])
        listed = json.loads(server.cli("tls-report", "list", "--json", check=True).stdout)
        rows = {r["domain"]: r for r in listed}
        self.assertEqual((rows["wrong.example"]["good"], rows["wrong.example"]["bad"]), (0, 1))
        self.assertEqual((rows["testing.plain"]["good"], rows["testing.plain"]["bad"]), (0, 1))
        shown = json.loads(server.cli("tls-report", "show", "wrong.example", check=True).stdout)[0]
        sent = {r["domain"]: r for r in json.loads(server.cli("tls-report", "send", "--today", "--json", check=True).stdout)}
        self.assertEqual(sent["wrong.example"]["to"], ["mailto:alice@postern.test", "https://reports.plain/tls"])
        self.assertEqual(json.loads(server.cli("tls-report", "list", "--json", check=True).stdout), [])

        raw = server.wait_mail(ALICE, "TLS-Report-Domain: wrong.example")
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        self.assertEqual(mail["TLS-Report-Submitter"], "mail.postern.test")
        self.assertEqual(mail["TLS-Required"], "No")
        self.assertEqual(mail["From"], "tls-reports@reports.plain")
        self.assertIn("d=reports.plain", mail["DKIM-Signature"])
        self.assertEqual(mail.get_content_type(), "multipart/report")
        self.assertEqual(mail.get_param("report-type"), "tlsrpt")
        self.assertIn(f"Report-ID: <{shown['report-id']}>", mail["Subject"])
        words, data = mail.iter_parts()
        self.assertEqual(data.get_content_type(), "application/tlsrpt+gzip")
        self.assertRegex(data.get_filename(), r"^mail\.postern\.test!wrong\.example!\d+!\d+\.json\.gz$")
        report = json.loads(gzip.decompress(data.get_payload(decode=True)))
        self.assertEqual(report, shown)
        host, path, kind, body = world.web.posted[-1]
        self.assertEqual((host, path, kind), ("reports.plain", "/tls", "application/tlsrpt+gzip"))
        self.assertEqual(json.loads(gzip.decompress(body)), report)

        day = time.strftime("%Y-%m-%d", time.gmtime())
        self.assertEqual(report["date-range"], {"start-datetime": f"{day}T00:00:00Z", "end-datetime": f"{day}T23:59:59Z"})
        self.assertEqual(report["contact-info"], "postmaster@mail.postern.test")
        (about,) = report["policies"]
        self.assertEqual(about["policy"]["policy-type"], "tlsa")
        self.assertEqual(about["policy"]["policy-domain"], "mx.wrong.example")
        self.assertRegex(about["policy"]["policy-string"][0], "^3 1 1 [0-9a-f]{64}$")
        self.assertEqual(about["summary"], {"total-successful-session-count": 0, "total-failure-session-count": 1})
        (detail,) = about["failure-details"]
        self.assertEqual((detail["result-type"], detail["receiving-mx-hostname"], detail["receiving-ip"],
                          detail["failed-session-count"]), ("validation-failure", "mx.wrong.example", "10.99.0.13", 1))
        testing = email.message_from_bytes(server.wait_mail(ALICE, "TLS-Report-Domain: testing.plain"),
                                           policy=email.policy.default)
        report = json.loads(gzip.decompress(list(testing.iter_parts())[1].get_payload(decode=True)))
        (about,) = report["policies"]
        self.assertEqual(about["policy"]["policy-type"], "sts")
        self.assertEqual(about["policy"]["mx-host"], ["other.testing.plain"])
        self.assertIn("mode: testing", about["policy"]["policy-string"])


if __name__ == "__main__":
    unittest.main()
