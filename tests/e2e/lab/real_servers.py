"""The real servers: Postfix with Dovecot's passwords, Exim, Dovecot's submission, OpenSMTPD, Haraka and Postern, with
right and wrong settings."""
import concurrent.futures
import contextlib
import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile
import unittest

import test_auth_socket
import test_relay_peers
from harness import ALICE, BOB, CAROL, HOST, PASSWORDS, ROOT, Authority, Postern, Sink, free_ports, need, run, wait_for
from peers import Dovecot, Peer, need_root, unpacked

NAME = "mail.real.example"
USER, PASSWORD = "anna@real.example", "Under the 3 hazel trees"


def folder():
    path = pathlib.Path(tempfile.mkdtemp(prefix="postern-lab-real-"))
    path.chmod(0o755)
    return path


class Passwords:
    """Dovecot's auth process for Postfix: one user; LOGIN and PLAIN."""

    def __init__(self):
        need("dovecot")
        self.dir = folder()
        self.socket = self.dir / "auth"
        (self.dir / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
        (self.dir / "users").chmod(0o644)
        (self.dir / "conf").write_text(f"""
            base_dir = {self.dir}/run
            log_path = {self.dir}/log
            protocols =
            ssl = no
            default_login_user = dovenull
            default_internal_user = dovecot
            auth_mechanisms = plain login
            auth_failure_delay = 0
            passdb {{
              driver = passwd-file
              args = {self.dir}/users
            }}
            userdb {{
              driver = static
              args = uid=nobody gid=nogroup home=/nonexistent
            }}
            service auth {{
              unix_listener {self.socket} {{
                mode = 0666
              }}
            }}
            service stats {{
              unix_listener stats-writer {{
                mode = 0666
              }}
            }}
            """)
        self.process = subprocess.Popen(["dovecot", "-F", "-c", str(self.dir / "conf")], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        wait_for(self.socket.exists, "Dovecot's auth socket")

    def close(self):
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(20)
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.dir, True)


class Postfix:
    """One instance with a smtpd for each of `doors`: name to its settings, as for -o."""

    def __init__(self, doors, settings):
        need_root()
        need("postfix", "postconf")
        self.dir = folder()
        etc, spool, data = (self.dir / n for n in ("etc", "spool", "data"))
        for part in (etc, spool, data):
            part.mkdir()
        owner = pwd.getpwnam("postfix")
        os.chown(data, owner.pw_uid, owner.pw_gid)
        main = {"compatibility_level": "3.6", "queue_directory": spool, "data_directory": data, "mail_owner": "postfix",
                "setgid_group": "postdrop", "command_directory": "/usr/sbin", "daemon_directory": "/usr/lib/postfix/sbin",
                "myhostname": NAME, "maillog_file": self.dir / "log", "maillog_file_prefixes": self.dir,
                "inet_interfaces": HOST, "inet_protocols": "ipv4", "mynetworks": "192.0.2.1/32", "mydestination": "",
                "alias_maps": "", "alias_database": "", "import_environment": "MAIL_CONFIG TZ", "default_transport": "discard",
                "relay_transport": "discard", "smtpd_peername_lookup": "no", "virtual_mailbox_domains": "real.example",
                "virtual_mailbox_maps": "inline:{ { anna@real.example = x } }", "virtual_transport": "discard",
                "smtpd_error_sleep_time": "0", **settings}
        (etc / "main.cf").write_text("".join(f"{k} = {v}\n" for k, v in main.items()))
        self.ports = dict(zip(doors, free_ports(len(doors))))
        services = [" ".join([f"{HOST}:{self.ports[name]} inet n - n - - smtpd",
                              *(f"-o {{ {k} = {v} }}" for k, v in options.items())]) for name, options in doors.items()]
        services += ["postlog unix-dgram n - n - 1 postlogd", "tlsmgr unix - - n 1000? 1 tlsmgr", "anvil unix - - n - 1 anvil",
                     "discard unix - - n - - discard", "proxymap unix - - n - - proxymap"]
        services += [f"{n} unix {'n' if n in ('cleanup', 'qmgr') else '-'} - n {wake} {limit} {program}" for n, wake, limit, program in [
            ("cleanup", "-", "0", "cleanup"), ("qmgr", "300", "1", "qmgr"), ("rewrite", "-", "-", "trivial-rewrite"),
            ("bounce", "-", "0", "bounce"), ("defer", "-", "0", "bounce"), ("error", "-", "-", "error")]]
        (etc / "master.cf").write_text("\n".join(services) + "\n")
        started = run("postfix", "-c", etc, "start", seconds=60)
        if started.returncode:
            log = self.log()
            self.close()
            raise AssertionError(f"Postfix did not start:\n{started.stdout}{started.stderr}{log}")

    def log(self):
        return (self.dir / "log").read_text(errors="replace") if (self.dir / "log").exists() else ""

    def close(self):
        with contextlib.suppress(Exception):
            run("postfix", "-c", self.dir / "etc", "stop", seconds=60)
        shutil.rmtree(self.dir, True)


class Haraka(Peer):
    """From npm: STARTTLS and SSL/TLS, one user, what comes in is thrown away."""
    name = "Haraka"

    def __init__(self):
        self.program = haraka_program()
        super().__init__()
        self.submissions, = free_ports(1)
        certificate, key = Authority.shared().issue("real", (NAME,))
        run("node", self.program, "-i", self.dir / "haraka", check=True)
        config = self.dir / "haraka" / "config"
        for name, text in {
            "smtp.ini": f"listen={HOST}:{self.port},{HOST}:{self.submissions}\nsmtps_port={self.submissions}\nnodes=0\n",
            "tls.ini": "key=key.pem\ncert=cert.pem\n", "key.pem": key.read_text(), "cert.pem": certificate.read_text(),
            "plugins": "tls\nauth/flat_file\nthrow_away\n", "me": NAME + "\n", "databytes": "30000000\n",
            "auth_flat_file.ini": f"[core]\nmethods=PLAIN,LOGIN,CRAM-MD5\n\n[users]\n{USER}={PASSWORD}\n",
        }.items():
            (config / name).write_text(text)
        for part in ("plugins", "queue"):
            (config.parent / part).mkdir(exist_ok=True)
        (config.parent / "plugins" / "throw_away.js").write_text("exports.hook_queue_outbound = (next) => next(OK)\n")
        self.start("node", self.program, "-c", config.parent)


def fetch():
    """Gets what can't be installed beside the others, while this machine's own network can be seen."""
    for get in (lambda: unpacked("exim"), lambda: unpacked("opensmtpd"), haraka_program):
        with contextlib.suppress(unittest.SkipTest):
            get()


def haraka_program():
    need("node", "npm")
    got = run(ROOT / "scripts" / "unpack-haraka", ROOT / "build" / "haraka", seconds=120)
    if got.returncode:
        raise unittest.SkipTest(f"Haraka can't be had from npm here: {got.stderr.strip()[-200:]}")
    return got.stdout.strip()


class Stapler(Peer):
    """A server whose certificate was revoked, and which says so itself: its authority's answer is stapled."""
    name = "the stapler"

    def __init__(self):
        need("node")
        super().__init__()
        ca = Authority.shared()
        pem, key = ca.issue("revoked", (NAME,))
        serial = run("openssl", "x509", "-noout", "-serial", "-in", pem, check=True).stdout.strip().partition("=")[2]
        index, answer, chain = (self.dir / n for n in ("index", "answer", "chain"))
        chain.write_text(pem.read_text() + ca.ca.read_text())
        index.write_text(f"R\t401231000000Z\t260101000000Z,keyCompromise\t{serial}\tunknown\t/CN={NAME}\n")
        run("openssl", "ocsp", "-index", index, "-CA", ca.ca, "-rsigner", ca.ca, "-rkey", ca.dir / "ca.key", "-issuer", ca.ca,
            "-cert", pem, "-ndays", "7", "-respout", answer, check=True)
        self.start("node", ROOT / "tests" / "e2e" / "lab" / "stapler.js", self.port, chain, key, answer)


class Servers:
    """All of them, in the lab's Internet. `ports`: by name; `missing`: why one is not there."""

    def __init__(self, internet):
        self.internet = internet
        self.stack, self.ports, self.missing = contextlib.ExitStack(), {}, {}
        try:
            certificate, key = Authority.shared().issue("real", (NAME, "localhost"))
            Authority.shared().issue("server")
            Authority.shared().dir.chmod(0o755)
            # Some of them end with the thread that has started them.
            pool = self.stack.enter_context(concurrent.futures.ThreadPoolExecutor(7))
            for done in [pool.submit(self.start, make, certificate, key) for make in (
                    self.postfix, self.exim, self.stapler, self.dovecot, self.opensmtpd, self.haraka, self.postern)]:
                done.result()
        except BaseException:
            self.close()
            raise

    def start(self, make, certificate, key):
        try:
            with self.internet.outside():
                make(certificate, key)
        except unittest.SkipTest as why:
            self.missing[make.__name__] = str(why)

    def close(self):
        self.stack.close()

    def keep(self, server):
        self.stack.callback(server.close)
        return server

    def postfix(self, certificate, key):
        passwords = self.keep(Passwords())
        login = {"smtpd_sasl_auth_enable": "yes", "smtpd_relay_restrictions": "permit_sasl_authenticated, reject_unauth_destination"}
        tls = {"smtpd_tls_security_level": "may", "smtpd_tls_auth_only": "yes"}
        doors = {
            "postfix": {**login, **tls}, "postfix tls": {**login, "smtpd_tls_wrappermode": "yes"},
            "postfix mx": {"smtpd_tls_security_level": "may"},
            "postfix in clear": {**login, "smtpd_tls_security_level": "none"},
            "postfix senders": {**login, **tls, "smtpd_sender_restrictions": "reject_sender_login_mismatch",
                                "smtpd_sender_login_maps": "inline:{ { boss@real.example = boss }, { anna@real.example = anna@real.example } }"},
            "postfix small": {**login, **tls, "message_size_limit": "200"},
            "postfix without certificate": {**login, **tls, "smtpd_tls_cert_file": "/nonexistent/cert.pem"},
            "postfix closed": {**login, **tls, "smtpd_client_restrictions": "check_client_access inline:{ { 127.0.0.1 = 554 5.7.1 "
                               "Your address is on our list } }", "smtpd_delay_reject": "no"},
            "postfix client certificates": {**login, "smtpd_tls_wrappermode": "yes", "smtpd_tls_req_ccert": "yes",
                                            "smtpd_tls_security_level": "encrypt", "smtpd_tls_CAfile": Authority.shared().ca},
            "postfix login only": {**login, **tls, "smtpd_sasl_mechanism_filter": "login"},
            "postfix greylisting": {**login, **tls, "smtpd_recipient_restrictions": "check_recipient_access inline:{ { anna@real.example = "
                                    "450 4.2.0 Greylisted, see http://postgrey.example/ } }"},
        }
        server = self.keep(Postfix(doors, {"smtpd_sasl_type": "dovecot", "smtpd_sasl_path": passwords.socket,
                                           "smtpd_tls_cert_file": certificate, "smtpd_tls_key_file": key}))
        self.ports.update(server.ports)

    def exim(self, *_):
        authenticators = f"""
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if eq{{$auth2}}{{down@real.example}}{{${{lookup{{x}}lsearch{{/nonexistent/users}}}}}}{{${{if and{{{{eq{{$auth2}}{{{USER}}}}}{{eq{{$auth3}}{{{PASSWORD}}}}}}}}}}}}}
  server_set_id = $auth2
  server_advertise_condition = ${{if def:tls_in_cipher}}
"""
        where = folder()
        self.stack.callback(shutil.rmtree, where, True)
        self.ports["exim"] = self.stack.enter_context(test_auth_socket.Exim(authenticators, where, "relay not permitted", "real")).port

    def dovecot(self, certificate, key):
        sink = self.stack.enter_context(Sink())

        def config(server):
            (server.dir / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n")
            (server.dir / "locked").write_text("Dovecot may not read this.\n")
            (server.dir / "locked").chmod(0)
            return f"""
            ssl = required
            ssl_cert = <{certificate}
            ssl_key = <{key}
            auth_mechanisms = plain login
            hostname = {NAME}
            submission_relay_host = {HOST}
            submission_relay_port = {sink.port}
            mail_location = maildir:{server.dir}/mail
            first_valid_uid = 1
            service submission-login {{
              inet_listener submission {{
                address = {HOST}
                port = {server.port}
              }}
            }}
            passdb {{
              driver = passwd-file
              args = {server.dir}/locked
              username_filter = down@real.example
            }}
            passdb {{
              driver = passwd-file
              args = {server.dir}/users
            }}
            userdb {{
              driver = static
              args = uid=dovecot gid=dovecot home={server.dir}
            }}
            """
        self.ports["dovecot"] = self.stack.enter_context(Dovecot(config, "submission", "submission")).port

    def opensmtpd(self, *_):
        where = folder()
        self.stack.callback(shutil.rmtree, where, True)
        self.ports["opensmtpd"] = self.stack.enter_context(test_relay_peers.OpenSmtpd(where, 1, (NAME, "localhost"))).port

    def stapler(self, *_):
        self.ports["stapler"] = self.keep(Stapler()).port

    def haraka(self, *_):
        server = self.keep(Haraka())
        self.ports["haraka"], self.ports["haraka tls"] = server.port, server.submissions

    def postern(self, certificate, key):
        def mailboxes(server):
            """Those of Postern, which gives its mail to LMTP. Anna's password is another one there."""
            (server.dir / "users").write_text(f"{ALICE}:{{PLAIN}}{PASSWORDS[ALICE]}\n{USER}:{{PLAIN}}another one\n")
            (server.dir / "mail").mkdir()
            shutil.chown(server.dir / "mail", "dovecot")
            return f"""
            ssl = required
            ssl_cert = <{certificate}
            ssl_key = <{key}
            mail_location = maildir:{server.dir}/mail/%u
            first_valid_uid = 1
            service imap-login {{
              inet_listener imap {{
                port = 0
              }}
              inet_listener imaps {{
                address = {HOST}
                port = {server.port}
              }}
            }}
            service lmtp {{
              inet_listener lmtp {{
                address = {HOST}
                port = {lmtp}
              }}
            }}
            passdb {{
              driver = passwd-file
              args = {server.dir}/users
            }}
            userdb {{
              driver = static
              args = uid=dovecot gid=dovecot home={server.dir}/mail/%u allow_all_users=yes
            }}
            """
        lmtp, = free_ports(1)
        self.ports["imap"] = self.stack.enter_context(Dovecot(mailboxes, "imap lmtp", "lmtp")).port
        server = self.stack.enter_context(Postern(
            {"hostname": NAME, "tls": {"certificate": certificate, "private_key": key}, "guard": {"allow": [f"{HOST}/32"]},
             "limits": {"message_size": "1 MiB"}, "delivery": {"local": f"lmtp:{HOST}:{lmtp}"}}, accounts=(ALICE, BOB, CAROL)))
        self.own = server
        server.cli("account", "smtp-auth", CAROL, "off", check=True)
        server.cli("account", "disable", BOB, check=True)
        self.ports.update({"postern": server.submission, "postern tls": server.submissions, "postern mx": server.mx})
