"""The web process: TLS by name, requests and answers, and how it lives and ends with the server."""
import gzip
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import unittest

from harness import ALICE, HOST, NAME, PROGRAM, Authority, client_context, need, run, wait_for
from web import Pages, children_of, parent_of


class Answers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Pages(environment={"KEY_OF_THE_SUPERVISOR": "secret", "TZ": "UTC"})

    @classmethod
    def tearDownClass(cls):
        cls.server.stop()
        cls.server.__exit__(None, None, None)

    def test_start_page_and_what_is_not_there(self):
        with self.server.talk() as talk:
            page = talk.ask("/")
            self.assertEqual((page.status, page.fields["content-type"]), (200, "text/html; charset=utf-8"))
            self.assertLess(len(page.body), 100 * 1024)
            gone = talk.ask("/nothing/here")
            self.assertEqual(gone.status, 404)
            self.assertIn("<h1>", gone.text)
            for_programs = talk.ask("/api/v1/nothing")
            self.assertEqual((for_programs.status, for_programs.fields["content-type"]), (404, "application/json"))
            self.assertIn('"rule":"web-not-found"', for_programs.text)

    def test_refusals_speak_the_readers_language(self):
        german = ["Accept-Language: de-AT, en;q=0.5"]
        with self.server.talk() as talk:
            gone = talk.ask("/planted/here", fields=german)
            self.assertEqual((gone.status, gone.fields["content-language"]), (404, "de"))
            self.assertIn('<html lang="de">', gone.text)
            self.assertIn("<h1>Unter dieser Adresse gibt es nichts</h1>", gone.text)
            self.assertIn('href="/help/web-not-found?lang=de"', gone.text)
            self.assertNotIn("planted", gone.text)
            explained = talk.ask("/help/web-not-found?lang=de")
            self.assertIn("<h1>Unter dieser Adresse gibt es nichts</h1>", explained.text)
            self.assertIn("Das geht hier nicht", talk.ask("/robots.txt", method="DELETE", fields=german).text)
            self.assertIn("Sie sind nicht oder nicht mehr angemeldet", talk.ask("/api/v1/account", fields=german).text)
            large = talk.ask("/nothing", method="POST", body=b"a" * 70000, fields=german)
            self.assertEqual(large.status, 413)
            self.assertIn("Das ist zu viel", large.text)
        with self.server.talk() as talk:
            talk.say("GET /planted HTTP/1.1\r\nHost: planted.example\r\nAccept-Language : planted\r\n\r\n")
            unclear = talk.answer()
            self.assertEqual(unclear.status, 400)
            self.assertIn("<h1>This request makes no sense</h1>", unclear.text)
            self.assertNotIn("planted", unclear.text)

    def test_methods(self):
        with self.server.talk() as talk:
            self.assertEqual(talk.ask("/", method="HEAD").status, 200)
            self.assertEqual(talk.ask("/robots.txt").status, 200)  # so HEAD had no body
            refused = talk.ask("/robots.txt", method="DELETE")
            self.assertEqual((refused.status, refused.fields["allow"]), (405, "GET, HEAD"))
            self.assertEqual(talk.ask("/", method="OPTIONS").status, 204)
            self.assertEqual(talk.ask("/", method="BREW").status, 405)

    def test_files_are_compressed_and_kept_by_browsers(self):
        with self.server.talk() as talk:
            plain = talk.ask("/favicon.svg")
            packed = talk.ask("/favicon.svg", fields=["Accept-Encoding: gzip"])
            self.assertEqual(packed.fields["content-encoding"], "gzip")
            self.assertEqual(gzip.decompress(packed.body), plain.body)
            brotli = talk.ask("/favicon.svg", fields=["Accept-Encoding: gzip, br;q=0.9, zstd"])
            self.assertEqual(brotli.fields["content-encoding"], "gzip")
            brotli = talk.ask("/favicon.svg", fields=["Accept-Encoding: gzip, br"])
            self.assertEqual(brotli.fields["content-encoding"], "br")
            if shutil.which("brotli"):
                self.assertEqual(run("brotli", "-dc", input=brotli.body).stdout, plain.body)
            known = talk.ask("/favicon.svg", fields=[f"If-None-Match: {plain.fields['etag']}"])
            self.assertEqual((known.status, known.body), (304, b""))
            self.assertEqual(known.fields["etag"], plain.fields["etag"])

    def test_connections_stay_open(self):
        with self.server.talk() as talk:
            for _ in range(50):
                self.assertEqual(talk.ask("/robots.txt").status, 200)
            self.assertEqual(talk.ask("/robots.txt", fields=["Connection: close"]).fields["connection"], "close")
            self.assertTrue(talk.is_over())
        with self.server.talk() as talk:  # HTTP/1.0
            self.assertEqual(talk.ask("/", version="1.0", fields=["Connection: keep-alive"]).fields["connection"],
                             "keep-alive")
            self.assertEqual(talk.ask("/", version="1.0").fields["connection"], "close")
            self.assertTrue(talk.is_over())

    def test_a_connection_ends_after_a_thousand_requests(self):
        with self.server.talk(tls=False) as talk:
            count = 0
            while "connection" not in talk.ask("/.well-known/acme-challenge/none").fields:
                count += 1
                self.assertLess(count, 1001)
            self.assertEqual(count, 999)
            self.assertTrue(talk.is_over())

    def test_requests_in_one_go_are_answered_in_order(self):
        with self.server.talk() as talk:
            one = f"GET /robots.txt HTTP/1.1\r\nHost: {NAME}\r\n\r\n"
            two = f"POST /nothing HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 5\r\n\r\nabcde"
            talk.say((one + two) * 20)
            for _ in range(20):
                self.assertEqual(talk.answer().status, 200)
                self.assertEqual(talk.answer().status, 404)

    def test_octet_by_octet(self):
        with self.server.talk() as talk:
            for octet in f"GET /robots.txt HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode():
                talk.say(bytes([octet]))
            self.assertEqual(talk.answer().status, 200)

    def test_a_body_that_waits_to_be_asked_for(self):
        with self.server.talk() as talk:
            talk.say(f"POST /x HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
            self.assertEqual(talk.answer().status, 100)
            talk.say("abc")
            self.assertEqual(talk.answer().status, 404)

    def test_curl(self):
        need("curl")
        out = run("curl", "-sS", "--cacert", Authority.shared().ca, "--resolve", f"{NAME}:{self.server.https}:{HOST}",
                  "--compressed", "-D", "-", f"https://{NAME}:{self.server.https}/", check=True).stdout
        self.assertIn("HTTP/1.1 200 OK", out)
        self.assertIn("<h1>", out)

    def test_plain_http_leads_to_https(self):
        with self.server.talk(tls=False) as talk:
            led = talk.ask("/setup/thunderbird?lang=de&a=%20b", host="Autoconfig.example.com:80")
            self.assertEqual(led.status, 308)
            self.assertEqual(led.fields["location"],
                             f"https://autoconfig.example.com:{self.server.https}/setup/thunderbird?lang=de&a=%20b")
        with self.server.talk(tls=False) as talk:
            posted = talk.ask("/api/v1/session", method="POST", body=b'{"password":"x"}')
            self.assertEqual((posted.status, posted.body), (308, b""))
        with self.server.talk(tls=False) as talk:
            led = talk.ask("/a%40b%20c//d", host="[::1]")
            self.assertEqual(led.fields["location"], f"https://[::1]:{self.server.https}/a%40b%20c/d")

    def test_a_challenge_is_answered_at_plain_http(self):
        with self.server.talk(tls=False) as talk:
            # Nothing is being proven: but it is answered here, not led elsewhere.
            self.assertIn(talk.ask("/.well-known/acme-challenge/none").status, (404, 503))

    def test_protocols_behind_tls(self):
        need("openssl")
        def offer(*protocols):
            return run("openssl", "s_client", "-connect", f"{HOST}:{self.server.https}", "-servername", NAME, "-alpn",
                       ",".join(protocols), input="").stdout
        self.assertIn("ALPN protocol: http/1.1", offer("h2", "http/1.1"))
        self.assertNotIn("ALPN protocol", offer("h2"))
        self.assertNotIn("ALPN protocol", offer("acme-tls/1"))  # nothing is being proven
        with self.server.talk() as talk:  # none at all
            self.assertEqual(talk.ask("/").status, 200)

    def test_old_tls_is_refused(self):
        context = client_context()
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            self.server.talk(context=context)

    def test_nothing_is_held_of_the_mail_server(self):
        """The web process has none of the mail server's sockets or files, and runs behind it."""
        pid = self.server.web_process()
        sockets = {os.readlink(p) for p in pathlib.Path(f"/proc/{pid}/fd").iterdir()}
        mail = {os.readlink(p) for p in pathlib.Path(f"/proc/{self.server.process.pid}/fd").iterdir()}
        shared = {s for s in sockets & mail if s.startswith("socket:")}
        self.assertEqual(shared, set())
        self.assertFalse([s for s in sockets if str(self.server.dir / "data") in s])
        self.assertEqual(os.getpriority(os.PRIO_PROCESS, pid), 10)
        environment = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        self.assertIn(b"TZ=UTC", environment)
        self.assertFalse([e for e in environment if e.startswith(b"KEY_OF_THE_SUPERVISOR")])


class Names(unittest.TestCase):
    def test_certificates_change_while_connections_go_on(self):
        authority = Authority.shared()
        first, second = authority.issue("web-first"), authority.issue("web-second")
        with Pages() as server:
            chain, key = server.dir / "web.pem", server.dir / "web.key"
            # With a pair of its own, and a new one in its place.
            shutil.copy(first[0], chain), shutil.copy(first[1], key)
            server.change("web", certificate=chain, private_key=key)
            server.stop()
            server.start()
            with server.talk() as before:
                shown = before.socket.getpeercert(True)
                shutil.copy(second[1], server.dir / "new.key"), shutil.copy(second[0], server.dir / "new.pem")
                os.replace(server.dir / "new.key", key), os.replace(server.dir / "new.pem", chain)
                server.signal(signal.SIGHUP)

                def changed():
                    with server.talk() as talk:
                        return talk.socket.getpeercert(True) != shown
                wait_for(changed, "the new certificate")
                self.assertEqual(before.ask("/").status, 200)
            chain.write_text("broken")
            server.wait_log("web_certificates_not_read|certificate_file_not_taken")
            with server.talk() as talk:  # the good one stays in force
                self.assertEqual(talk.ask("/").status, 200)


class Life(unittest.TestCase):
    def test_a_killed_process_comes_back_and_mail_does_not_notice(self):
        with Pages() as server:
            wire = server.session(login=ALICE)
            pid = server.web_process()
            os.kill(pid, signal.SIGKILL)
            server.wait_log(r"web_ended .*Killed")
            server.wait_pages()
            self.assertNotEqual(server.web_process(), pid)
            wire.say("NOOP", 250)
            wire.close()

    def test_a_killed_keeper_has_a_successor(self):
        """The pages' own process takes its place, says so once, and goes on as the keeper did; mail does not notice."""
        with Pages() as server:
            wire = server.session(login=ALICE)
            pid = server.web_process()
            os.kill(parent_of(pid), signal.SIGKILL)
            server.wait_log("web_keeper_ended")
            server.wait_pages()
            [pages] = wait_for(lambda: children_of(pid), "a process for the pages")
            os.kill(pages, signal.SIGKILL)
            server.wait_log(r"web_ended .*Killed")
            server.wait_pages()
            [pages] = wait_for(lambda: children_of(pid), "another one")
            # And once more, of the next generation; politely, too.
            os.kill(pid, signal.SIGKILL)
            wait_for(lambda: children_of(pages), "a process for the pages")
            server.wait_pages()
            os.kill(pages, signal.SIGTERM)
            wait_for(lambda: server.log().count("web_ended") == 2, "the pages to be ended")
            server.wait_pages()
            self.assertEqual(server.log().count("web_keeper_ended"), 2)
            self.assertNotIn("web_gone", server.log())
            wire.say("NOOP", 250)
            wire.close()
            server.stop()
            wait_for(lambda: not pathlib.Path(f"/proc/{pages}").exists(), "the pages to end with the server")

    def test_when_nobody_is_left_it_is_told(self):
        with Pages() as server:
            pid = server.web_process()
            os.kill(pid, signal.SIGSTOP)  # or it would take the keeper's place
            os.kill(parent_of(pid), signal.SIGKILL)
            os.kill(pid, signal.SIGKILL)
            server.wait_log("web_gone")
            server.session(login=ALICE).close()

    def test_pages_that_end_again_and_again_are_started_less_often(self):
        with Pages() as server:
            for wait in (500, 1000, 2000):
                os.kill(server.web_process(), signal.SIGKILL)
                server.wait_log(f"web_ended how=.*Killed.* again_in_ms={wait}")

    def test_both_end_together(self):
        server = Pages()
        try:
            pid = server.web_process()
            keeper = parent_of(pid)
            server.stop()
            for ended in (pid, keeper):
                self.assertFalse(pathlib.Path(f"/proc/{ended}").exists())
            server.start()
            pid = server.web_process()
            keeper = parent_of(pid)
            server.kill()  # without a chance to say so
            for ended in (pid, keeper):
                wait_for(lambda e=ended: not pathlib.Path(f"/proc/{e}").exists(), "the pages to end with the server")
        finally:
            server.kill()
            shutil.rmtree(server.dir, True)

    def test_a_taken_port_leaves_the_mail_server_alone(self):
        with Pages() as first, Pages(config={"web": {"address": "", "http_address": ""}}, start=False) as second:
            second.change("web", address=f"{HOST}:{first.https}")
            second.start(wait=False)
            second.wait_log(r"\bstarted\b")
            second.wait_log("web_not_started .*the port is taken")
            second.session(login=ALICE).close()

    def test_off(self):
        with Pages(config={"web": {"address": ""}}) as server:
            self.assertNotIn("web_listening", server.log())
            server.session(login=ALICE).close()

    def test_as_a_service_of_its_own(self):
        with Pages(config={"web": {"address": ""}}) as server:
            server.change("web", address=f"{HOST}:{server.https}")
            log = open(server.dir / "web-log", "ab")
            web = subprocess.Popen([PROGRAM, "--config", str(server.file), "web"], stdout=log, stderr=log)
            try:
                server.wait_pages()
                wait_for(lambda: "web_listening" in (server.dir / "web-log").read_text(), "the log to say where it listens")
                web.send_signal(signal.SIGTERM)
                self.assertEqual(web.wait(20), 0)
            finally:
                web.kill()
                web.wait()
                log.close()


if __name__ == "__main__":
    unittest.main()
