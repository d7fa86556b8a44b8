"""Other people's servers as smart hosts that want a login: Postfix with Dovecot's SASL, Exim and OpenSMTPD, each from
a configuration of its own in a throw-away directory."""
import contextlib
import os
import pathlib
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
import unittest

from harness import ALICE, HOST, SLOW, Authority, Postern, Sink, free_ports, message, need, run, token, wait_for
from peers import Postfix, need_root, unpacked
from test_auth_socket import Exim

USER, PASSWORD = "relay", "a relay's, password=1"


class Relays(unittest.TestCase):
    def folder(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-relay-"))
        self.addCleanup(shutil.rmtree, folder, True)
        folder.chmod(0o755)
        return folder

    def front(self, port, folder, **more):
        """Postern that sends everything to that server, logged in."""
        secret = folder / "password"
        secret.write_text(PASSWORD + "\n")
        host = {"name": "up", "address": f"{HOST}:{port}", "authorities": Authority.shared().ca, "user": USER,
                "password_file": secret, **more}
        server = Postern({"smart_host": [host], "route": [{"to": "smart_host:up"}], "delivery": {"retry": ["1 s"]}})
        self.addCleanup(server.__exit__, None, None, None)
        server.secrets.add((USER, PASSWORD))
        self.secret = secret
        return server

    def send(self, server):
        word = token()
        with server.session(login=ALICE) as wire:
            wire.mail(ALICE, "friend@remote.test")
            wire.data(message(ALICE, "friend@remote.test", word))
        return word


class DovecotSasl:
    """Dovecot's auth process at a socket, with one user in clear text: SCRAM, CRAM-MD5, PLAIN and LOGIN."""

    def __init__(self, folder, socket_path):
        need("dovecot")
        self.dir = folder
        (folder / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
        (folder / "users").chmod(0o644)
        (folder / "dovecot.conf").write_text(f"""
            base_dir = {folder}/run
            log_path = {folder}/dovecot.log
            protocols =
            ssl = no
            default_login_user = dovenull
            default_internal_user = dovecot
            auth_mechanisms = plain login cram-md5 scram-sha-1 scram-sha-256
            passdb {{
              driver = passwd-file
              args = {folder}/users
            }}
            userdb {{
              driver = static
              args = uid=nobody gid=nogroup home=/nonexistent
            }}
            service auth {{
              unix_listener {socket_path} {{
                mode = 0660
                user = postfix
                group = postfix
              }}
            }}
            service stats {{
              unix_listener stats-writer {{
                mode = 0666
              }}
            }}
            """)
        self.process = subprocess.Popen(["dovecot", "-F", "-c", str(folder / "dovecot.conf")], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        wait_for(lambda: os.path.exists(socket_path), "Dovecot's auth socket")

    def close(self):
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(20)
        self.process.kill()
        self.process.wait()


class AtPostfix(Relays):
    def test_postfix_with_dovecot_s_sasl(self):
        need_root()
        need("postfix")
        folder = self.folder()
        certificate, key = Authority.shared().issue("server")
        with Sink() as sink:
            def settings(postfix):
                postfix_socket = postfix.dir / "spool" / "private-auth"
                dovecot = DovecotSasl(folder, postfix_socket)
                self.addCleanup(dovecot.close)
                return {"smtpd_sasl_auth_enable": "yes", "smtpd_sasl_type": "dovecot", "smtpd_sasl_path": postfix_socket,
                        "smtpd_tls_auth_only": "yes", "smtpd_tls_security_level": "may", "smtpd_tls_cert_file": certificate,
                        "smtpd_tls_key_file": key, "mynetworks": "192.0.2.1/32", "relayhost": f"[{HOST}]:{sink.port}",
                        "smtpd_relay_restrictions": "permit_sasl_authenticated, reject", "smtputf8_enable": "yes"}
            with Postfix(settings) as postfix:
                server = self.front(postfix.port, folder)
                try:
                    sink.wait(self.send(server), 30)
                except AssertionError as e:
                    raise AssertionError(f"{e}\n{postfix.log()}\n{server.log()[-3000:]}") from None
                server.wait_log(r"smart_host_login.*mechanism[\"=: ]+SCRAM-SHA-256\b")
                self.assertRegex(postfix.log(), rf"sasl_method=SCRAM-SHA-256, sasl_username={USER}")
                reloads = 0
                for mechanism in ("SCRAM-SHA-1", "CRAM-MD5", "PLAIN", "LOGIN"):
                    server.config["smart_host"][0]["mechanisms"] = [mechanism]
                    server.write_config()
                    server.signal(1)
                    reloads += 1
                    wait_for(lambda: server.log().count(" reloaded") == reloads, "the reload")
                    sink.wait(self.send(server), 30)
                    wait_for(lambda: f"sasl_method={mechanism}, sasl_username={USER}" in postfix.log(),
                             f"{mechanism} at Postfix\n{postfix.log()[-2000:]}\n{server.log()[-2000:]}")
                self.secret.write_text("a wrong one\n")
                server.signal(1)
                wait_for(lambda: server.log().count(" reloaded") == reloads + 1, "the reload")
                self.send(server)
                server.wait_log(r"smart_host_paused.*LOGIN: 535 5\.7\.8", 30)


class AtExim(Relays):
    def test_exim(self):
        folder = self.folder()
        where = folder / "exim"
        where.mkdir()
        authenticators = f"""
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{USER}}}}}{{eq{{$auth3}}{{{PASSWORD}}}}}}}}}
  server_set_id = $auth2
  server_advertise_condition = ${{if def:tls_in_cipher}}
cram:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = ${{if eq{{$auth1}}{{{USER}}}{{{PASSWORD}}}fail}}
  server_set_id = $auth1
  server_advertise_condition = ${{if def:tls_in_cipher}}
"""
        with Exim(authenticators, where) as exim:
            server = self.front(exim.port, folder)
            self.send(server)
            wait_for(lambda: re.search(rf"<= {ALICE} .* A=cram:{USER}", exim.log()), f"the mail at Exim\n{exim.log()}\n{server.log()[-2000:]}", 30)
            server.config["smart_host"][0]["mechanisms"] = ["PLAIN"]
            server.write_config()
            server.signal(1)
            server.wait_log(r"\breloaded\b")
            self.send(server)
            wait_for(lambda: re.search(rf"<= {ALICE} .* A=plain:{USER}", exim.log()), f"the mail at Exim\n{exim.log()}", 30)


class OpenSmtpd:
    """OpenSMTPD's program from Debian's package, unpacked since it can't be installed beside Postfix. Its users and
    folders are compiled in, so it runs where there are such. It takes log-ins under TLS only, and OpenSSL 3 has to be
    made to leave its keys to it for that: see opensmtpd_keys.c."""

    def __init__(self, folder, sink, names=()):
        need_root()
        need("clang-16")
        program = unpacked("opensmtpd")
        certificate, key = Authority.shared().issue("opensmtpd", *([names] if names else []), kind="rsa")
        keys = folder / "keys.so"
        made = run("clang-16", "-shared", "-fPIC", pathlib.Path(__file__).with_name("opensmtpd_keys.c"), "-o", keys, "-lcrypto")
        if made.returncode:
            raise AssertionError(made.stderr)
        (folder / "users").write_text(f"{USER} {run('openssl', 'passwd', '-6', PASSWORD, check=True).stdout.strip()}\n")
        self.dir = folder
        self.port = free_ports(1)[0]
        for name, lines in (("passwd", "opensmtpd:x:64901:64901::/var/lib/opensmtpd/empty:/bin/false\n"
                                       "opensmtpq:x:64902:64902::/var/lib/opensmtpd/empty:/bin/false\n"),
                            ("group", "opensmtpd:x:64901:\nopensmtpq:x:64902:\n")):
            (folder / name).write_text(pathlib.Path("/etc", name).read_text() + lines)
        (folder / "smtpd.conf").write_text(f"""
pki here cert "{certificate}"
pki here key "{key}"
table users file:{folder}/users
listen on {HOST} port {self.port} tls-require pki here auth <users> hostname opensmtpd.example
action "out" relay host smtp://{HOST}:{sink}
match auth from any for any action "out"
""")
        inside = ('mount --bind "$0/passwd" /etc/passwd && mount --bind "$0/group" /etc/group && '
                  'for d in /var/spool /var/lib /run; do mount -t tmpfs -o mode=755 none $d || exit 1; done && '
                  'mkdir -p /var/lib/opensmtpd/empty && mkdir -m 711 /var/spool/smtpd && '
                  'LD_PRELOAD="$0/keys.so" exec setpriv --pdeathsig KILL "$1" -d -f "$0/smtpd.conf"')
        self.output = open(folder / "output", "wb")
        # In a group of its own: it has seven processes.
        self.process = subprocess.Popen(["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", inside, folder, program],
                                        stdout=self.output, stderr=self.output, stdin=subprocess.DEVNULL)

    def log(self):
        return (self.dir / "output").read_text(errors="replace")

    def __enter__(self):
        def up():
            if self.process.poll() is not None:
                raise AssertionError(f"OpenSMTPD ended:\n{self.log()}")
            with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), 1):
                return True
        try:
            wait_for(up, f"OpenSMTPD's port\n{self.log()}")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10 * SLOW)
        self.process.kill()
        self.process.wait()
        self.output.close()


class AtOpenSmtpd(Relays):
    def test_opensmtpd(self):
        folder = self.folder()
        where = folder / "opensmtpd"
        where.mkdir()
        with Sink() as sink, OpenSmtpd(where, sink.port) as opensmtpd:
            server = self.front(opensmtpd.port, folder)
            for reloads, mechanism in enumerate(("PLAIN", "LOGIN")):
                if reloads:
                    server.config["smart_host"][0]["mechanisms"] = [mechanism]
                    server.write_config()
                    server.signal(1)
                    server.wait_log(r"\breloaded\b")
                for word in [self.send(server) for _ in range(3)]:
                    try:
                        self.assertIn(b"opensmtpd.example (OpenSMTPD) with ESMTPSA", sink.wait(word, 30)["content"])
                    except AssertionError as e:
                        raise AssertionError(f"{e}\n{opensmtpd.log()[-3000:]}\n{server.log()[-3000:]}") from None
                server.wait_log(rf"smart_host_login.*user[\"=: ]+{USER}.*mechanism[\"=: ]+{mechanism}\b")
            self.secret.write_text("a wrong one\n")
            server.signal(1)
            wait_for(lambda: server.log().count(" reloaded") == 2, "the reload")
            self.send(server)
            server.wait_log(r"smart_host_paused.*LOGIN: 535", 30)


if __name__ == "__main__":
    unittest.main()
