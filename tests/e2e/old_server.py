"""A Postfix and a Dovecot as an operator of Debian has them, in a throw-away directory: /etc, /run and
/var of theirs below it, on free ports, and commands (sudo, systemctl, postconf, ...) that know of them."""
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

from harness import HOST, PROGRAM, Authority, free_ports, need, run, wait_for

MAIN = """
smtpd_banner = $myhostname ESMTP $mail_name (Debian/GNU)
biff = no
append_dot_mydomain = no
readme_directory = no
compatibility_level = 3.6

# TLS parameters
smtpd_tls_cert_file=/etc/ssl/certs/mail.example.com.pem
smtpd_tls_key_file=/etc/ssl/private/mail.example.com.key
smtpd_tls_security_level=may
smtpd_tls_mandatory_protocols = !SSLv2, !SSLv3, !TLSv1, !TLSv1.1
smtp_tls_security_level=may
smtp_tls_session_cache_database = btree:${data_directory}/smtp_scache

smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated
    defer_unauth_destination
# who may not
smtpd_recipient_restrictions =
    permit_mynetworks,
    permit_sasl_authenticated,
    reject_unauth_destination,
    reject_unknown_sender_domain
myhostname = mail.example.com
myorigin = $mydomain
mydestination = localhost.$mydomain, localhost
relayhost =
mynetworks = 127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128
mailbox_size_limit = 0
recipient_delimiter = +
inet_interfaces = all
inet_protocols = ipv4
message_size_limit = 26214400
maximal_queue_lifetime = 3d
alias_maps =
alias_database =

virtual_mailbox_domains = example.com
virtual_transport = lmtp:unix:private/dovecot-lmtp
virtual_alias_maps = texthash:/etc/postfix/virtual
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
smtpd_sender_login_maps = texthash:/etc/postfix/senders
milter_default_action = accept
"""

DOVECOT_LOCAL = """
protocols = lmtp
base_dir = /run/dovecot
log_path = /var/log/dovecot.log
listen = 127.0.0.1
ssl = required
ssl_cert = </etc/ssl/certs/mail.example.com.pem
ssl_key = </etc/ssl/private/mail.example.com.key
first_valid_uid = 1
mail_location = maildir:/var/vmail/%d/%n
postmaster_address = postmaster@example.com
auth_mechanisms = plain login

service auth {
  unix_listener /var/spool/postfix/private/auth {
    mode = 0660
    user = postfix
    group = postfix
  }
}
service lmtp {
  unix_listener /var/spool/postfix/private/dovecot-lmtp {
    mode = 0600
    user = postfix
    group = postfix
  }
}
service stats {
  unix_listener stats-writer {
    mode = 0666
  }
}
"""

SHIMS = {
    "sudo": 'exec "$@"',
    # A machine of the tests has no user postern, and its /var is its own.
    "postern": """
case "$1 $2 $3" in "import postfix --"*) shift 2; set -- import postfix {root}/etc/postfix "$@" ;; esac
{program} --config {root}/etc/postern/postern.toml "$@" || exit
file={root}/etc/postern/postern.toml
grep -q ^data_dir $file || sed -i '1i user = "nobody"\\ndata_dir = "{root}/var/lib/postern"' $file
""",
    "postconf": 'exec /usr/sbin/postconf -c {root}/etc/postfix "$@"',
    "postqueue": 'exec /usr/sbin/postqueue -c {root}/etc/postfix "$@"',
    "doveconf": 'exec /usr/bin/doveconf -c {root}/etc/dovecot/dovecot.conf "$@"',
    # People type more slowly than mail travels.
    "doveadm": """
i=0
until out=$(/usr/bin/doveadm -c {root}/etc/dovecot/dovecot.conf "$@") && [ -n "$out" ]; do
    i=$((i + 1)); [ $i -lt 200 ] || exit 1
    sleep 0.1
done
echo "$out"
""",
    # What systemd would do with the two units.
    "systemctl": """
start_postern() {{
    setsid {program} --config {root}/etc/postern/postern.toml serve >>{root}/postern.log 2>&1 </dev/null &
    echo $! >{root}/postern.pid
    i=0
    until {program} --config {root}/etc/postern/postern.toml status >/dev/null 2>&1; do
        i=$((i + 1)); [ $i -lt 300 ] || {{ tail -5 {root}/postern.log; exit 1; }}
        kill -0 "$(cat {root}/postern.pid)" || {{ tail -5 {root}/postern.log; exit 1; }}
        sleep 0.1
    done
}}
stop_postern() {{
    [ -e {root}/postern.pid ] || return 0
    pid=$(cat {root}/postern.pid)
    kill "$pid"
    while [ -e /proc/$pid ] && ! grep -q '^State:.Z' /proc/$pid/status; do sleep 0.05; done
    rm {root}/postern.pid
}}
case "$*" in
    "enable --now postern") start_postern ;;
    "restart postern") stop_postern; start_postern ;;
    "disable --now postern") stop_postern ;;
    "restart postfix") /usr/sbin/postfix -c {root}/etc/postfix stop >/dev/null 2>&1
        exec /usr/sbin/postfix -c {root}/etc/postfix start ;;
    *) echo "systemctl $*: not known here" >&2; exit 1 ;;
esac
""",
}


class OldServer:
    PORTS = {"25": 0, "465": 1, "587": 2}

    def __init__(self):
        if os.geteuid() != 0:
            raise unittest.SkipTest("needs root: these servers insist on users of their own")
        need("postfix", "postconf", "dovecot", "doveadm", "swaks", "setfacl")
        if not os.path.exists("/usr/lib/dovecot/lmtp"):
            raise unittest.SkipTest("dovecot-lmtpd is not installed")
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="postern-moving-"))
        self.root.chmod(0o755)
        self.dovecot = None
        self.ports = self.choose_ports()
        try:
            self.make()
            self.start()
        except BaseException:
            self.__exit__()
            raise

    @staticmethod
    def choose_ports():
        """Three ports of Postfix, for which those 2000 higher are free, too."""
        while True:
            ports = free_ports(3)
            with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
                for port in ports:
                    stack.enter_context(socket.socket()).bind((HOST, port + 2000))
                return ports

    def here(self, text):
        """The page's and Debian's paths and ports, as they are in this directory."""
        for folder in ("etc/postfix", "etc/dovecot", "etc/postern", "etc/ssl", "var/spool/postfix", "run/dovecot",
                       "var/vmail", "var/log/dovecot.log"):
            text = re.sub(rf"(?<![\w/]){'/' + folder}", f"{self.root}/{folder}", text)
        for usual, index in self.PORTS.items():
            port = self.ports[index]
            text = re.sub(rf"(:|--port )(2?){usual.zfill(3)}\b",
                          lambda m, p=port: m.group(1) + str(p + (2000 if m.group(2) else 0)), text)
            text = re.sub(rf"(:|--port ){usual}\b", lambda m, p=port: m.group(1) + str(p), text)
        text = re.sub(r"\b(smtp|submissions|submission)/inet",
                      lambda m: f"{HOST}:{self.ports[{'smtp': 0, 'submissions': 1, 'submission': 2}[m.group(1)]]}/inet", text)
        return text.replace("--server mail.example.com", f"--server {HOST}").replace("u:postern:", "u:nobody:")

    def write(self, name, text, mode=0o644):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    def make(self):
        postfix, dovecot = pwd.getpwnam("postfix"), pwd.getpwnam("dovecot")
        for folder in ("var/spool/postfix", "var/lib/postfix", "var/vmail", "var/log", "run", "etc/postern", "home"):
            (self.root / folder).mkdir(parents=True)
        os.chown(self.root / "var/lib/postfix", postfix.pw_uid, postfix.pw_gid)
        os.chown(self.root / "var/vmail", dovecot.pw_uid, dovecot.pw_gid)
        certificate, key = Authority.shared().issue("moving", ("mail.example.com", "localhost"))
        self.write("etc/ssl/certs/mail.example.com.pem", certificate.read_text())
        self.write("etc/ssl/private/mail.example.com.key", key.read_text(), 0o600)
        (self.root / "etc/ssl/private").chmod(0o710)
        # Postfix: the main.cf above, and Debian's master.cf with its services for mail programs switched on.
        own = (f"queue_directory = {self.root}/var/spool/postfix\ndata_directory = {self.root}/var/lib/postfix\n"
               f"maillog_file = {self.root}/var/log/postfix.log\nmaillog_file_prefixes = {self.root}\n"
               "import_environment = MAIL_CONFIG TZ\ncommand_directory = /usr/sbin\n"
               "daemon_directory = /usr/lib/postfix/sbin\n")
        self.write("etc/postfix/main.cf", self.here(MAIN) + own)
        self.write("etc/postfix/master.cf", self.master())
        self.write("etc/postfix/virtual", "postmaster@example.com ann@example.com\ninfo@example.com ann@example.com\n"
                                          "team@example.com ann@example.com, bob@example.com\n")
        self.write("etc/postfix/senders", "ann@example.com ann@example.com\noffice@example.com bob@example.com\n")
        # Dovecot: what its Debian packages install, users from auth-passwdfile.conf.ext, and a local.conf.
        shutil.copytree("/usr/share/dovecot/conf.d", self.root / "etc/dovecot/conf.d")
        shutil.copy("/usr/share/dovecot/dovecot.conf", self.root / "etc/dovecot/dovecot.conf")
        auth = self.root / "etc/dovecot/conf.d/10-auth.conf"
        auth.write_text(auth.read_text().replace("!include auth-system.conf.ext", "#!include auth-system.conf.ext")
                        .replace("#!include auth-passwdfile.conf.ext", "!include auth-passwdfile.conf.ext"))
        passwd = self.root / "etc/dovecot/conf.d/auth-passwdfile.conf.ext"
        passwd.write_text(self.here(passwd.read_text()))
        for name in ("10-ssl.conf", "10-mail.conf"):
            path = self.root / "etc/dovecot/conf.d" / name
            path.write_text(re.sub(r"(?m)^(ssl_|mail_location)", r"#\1", path.read_text()))
        self.write("etc/dovecot/local.conf", self.here(DOVECOT_LOCAL))
        self.passwords = {"ann@example.com": "Ann's old password 1", "bob@example.com": "B0b, who reads"}
        lines = []
        for address, password in self.passwords.items():
            hashed = run("/usr/bin/doveadm", "pw", "-s", "SHA512-CRYPT", "-p", password, check=True).stdout.strip()
            lines.append(f"{address}:{hashed}:{dovecot.pw_uid}:{dovecot.pw_gid}::/var/vmail/{address}::")
        self.write("etc/dovecot/users", "\n".join(lines) + "\n", 0o640)
        shutil.chown(self.root / "etc/dovecot/users", 0, "dovecot")
        self.write("etc/postern/postern.toml", "# Everything is commented out.\n", 0o640)
        self.write("home/ann-password", self.passwords["ann@example.com"])
        for name, script in SHIMS.items():
            self.write(f"bin/{name}", "#!/bin/sh\n" + script.format(root=self.root, program=PROGRAM) + "\n", 0o755)

    def master(self):
        """Debian's, with submission and submissions as its comments offer them."""
        text = pathlib.Path("/usr/share/postfix/master.cf.dist").read_text()
        lines, on = [], False
        for line in text.splitlines():
            if re.match(r"#(submission|submissions)\s+inet", line):
                on = True
            elif not line.startswith("#  -o") and not line.startswith("#    "):
                on = False
            if on and re.match(r"#(submission|  -o (syslog|smtpd_(tls|sasl|relay|recipient)))", line):
                line = line[1:]
            # Chroots would need a copy of the system's files.
            line = re.sub(r"^(\S+\s+(?:inet|unix)\s+\S+\s+\S+\s+)y", r"\1n", line)
            lines.append(line)
        text = "\n".join(lines) + "\n"
        for name, port in zip(("smtp", "submissions", "submission"), self.ports):
            text = re.sub(rf"(?m)^{name}(\s+inet)", rf"{HOST}:{port}\1", text)
        return text

    def start(self):
        # First, since it makes the folder in its queue that Dovecot's sockets are in.
        started = run("/usr/sbin/postfix", "-c", self.root / "etc/postfix", "start", seconds=60)
        if started.returncode:
            raise AssertionError(f"Postfix did not start:\n{started.stdout}{started.stderr}{self.log('postfix')}")
        with open(self.root / "var/log/dovecot.start", "w") as said:
            self.dovecot = subprocess.Popen(["/usr/sbin/dovecot", "-F", "-c", self.root / "etc/dovecot/dovecot.conf"],
                                            stdout=subprocess.DEVNULL, stderr=said)
        wait_for(lambda: (self.root / "var/spool/postfix/private/auth").exists()
                 and (self.root / "run/dovecot/lmtp").exists() or self.ended(), "Dovecot's sockets")

    def ended(self):
        if self.dovecot.poll() is not None:
            raise AssertionError("Dovecot ended:\n" + self.log("dovecot") + (self.root / "var/log/dovecot.start").read_text())
        return False

    def log(self, name):
        path = self.root / "var/log" / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def paste(self, block, cwd=None):
        """What the page says, pasted into a shell of this server."""
        path = f"{self.root}/bin:{os.environ['PATH']}"
        return run("bash", "-ec", self.here(block), cwd=cwd or self.root / "home", env={"PATH": path}, seconds=90)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(Exception):
            run("/usr/sbin/postfix", "-c", self.root / "etc/postfix", "stop", seconds=60)
        with contextlib.suppress(Exception):
            os.kill(int((self.root / "postern.pid").read_text()), 15)
        if self.dovecot is not None:
            self.dovecot.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.dovecot.wait(20)
            self.dovecot.kill()
        shutil.rmtree(self.root, True)
