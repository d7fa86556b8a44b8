"""The Debian package: what is in it, and that it installs, serves and goes again. It is
installed on a copy-on-write copy of this system, with a network of its own."""
import os
import pathlib
import re
import shutil
import tempfile
import unittest

from harness import PROGRAM, ROOT, SANITIZED, need, run

IN_THE_COPY = r"""
set -e
mount -t tmpfs none "$1/top"
mkdir "$1/top/upper" "$1/top/work" "$1/top/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/top/upper,workdir=$1/top/work" "$1/top/root"
root=$1/top/root
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
mount -t tmpfs none "$root/tmp"
cp "$2" "$root/tmp/postern.deb"
ip link set lo up
cat >"$root/tmp/steps" <<'STEPS'
set -e
echo === install
dpkg -i /tmp/postern.deb
echo === look
id postern
stat -c '%n %U %a' /var/lib/postern /etc/postern/postern.toml
postern config check
test -s /usr/share/man/man1/postern.1.gz -a -s /lib/systemd/system/postern.service
sed -i 's/^address = ":/address = "127.0.0.1:/' /etc/postern/postern.toml
postern domain add example.test
echo a-Secret-for-ann | postern account add ann@example.test --password-stdin
echo === serve
postern serve 2>/tmp/log &
server=$!
for n in $(seq 100); do grep -q started /tmp/log && break; sleep 0.1; done
grep -E '^(Uid|CapEff|CapPrm|NoNewPrivs)' /proc/$server/status
printf 'From: ann@example.test\nSubject: x\n\nThrough the package.\n' |
    curl -sSk --crlf --url smtps://127.0.0.1:465 --user ann@example.test:a-Secret-for-ann \
        --mail-from ann@example.test --mail-rcpt ann@example.test --upload-file -
for n in $(seq 100); do ls /var/mail/example.test/ann/new/* >/dev/null 2>&1 && break; sleep 0.1; done
grep -h Through /var/mail/example.test/ann/new/*
find /var/lib/postern ! -user postern
kill $server
wait $server
echo === remove
dpkg -r postern
test ! -e /usr/bin/postern -a -e /etc/postern/postern.toml
dpkg -P postern
test ! -e /etc/postern/postern.toml -a -e /var/lib/postern/accounts.db
echo === done
STEPS
chroot "$root" bash /tmp/steps
"""


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need("cpack", "dpkg-deb", "dpkg-shlibdeps")
        if SANITIZED:
            raise unittest.SkipTest("only what is shipped is packaged")
        build = next((p for p in pathlib.Path(PROGRAM).resolve().parents if (p / "CPackConfig.cmake").exists()), None)
        if build is None:
            raise unittest.SkipTest("the program stands in no build folder")
        if not (build / "generated" / "postern.toml").exists():
            raise unittest.SkipTest("only the program was built, not what is installed with it")
        cls.dir = pathlib.Path(tempfile.mkdtemp(prefix="postern-package-"))
        cls.addClassCleanup(shutil.rmtree, cls.dir, True)
        run("cpack", "--config", build / "CPackConfig.cmake", "-G", "DEB", "-B", cls.dir, check=True, seconds=180)
        cls.package, = cls.dir.glob("postern_*.deb")

    def test_what_is_in_it(self):
        listed = run("dpkg-deb", "-c", self.package, check=True).stdout
        for path in ("/usr/bin/postern", "/etc/postern/postern.toml", "/usr/lib/systemd/system/postern.service",
                     "/usr/lib/sysusers.d/postern.conf", "/usr/share/man/man1/postern.1.gz",
                     "/usr/share/doc/postern/copyright", "/usr/share/doc/postern/docs/getting-started.md"):
            self.assertRegex(listed, rf"(?m) root/root .* \.{re.escape(path)}$")
        control = run("dpkg-deb", "-f", self.package, check=True).stdout
        for library in ("libssl3", "libsqlite3-0", "libunbound8", "libargon2-1", "libcrypt1"):
            self.assertIn(library, control)
        self.assertIn("/etc/postern/postern.toml", run("dpkg-deb", "--ctrl-tarfile", self.package).stdout)

    def test_the_unit(self):
        need("systemd-analyze")
        unit = self.dir / "postern.service"
        unit.write_text((ROOT / "packaging" / "postern.service").read_text().replace("/usr/bin/postern", "/bin/true"))
        done = run("systemd-analyze", "verify", "--man=no", unit)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_the_man_page(self):
        need("man")
        page = run("man", "-l", "--warnings", ROOT / "packaging" / "postern.1", check=True)
        self.assertEqual(page.stderr, "")
        self.assertIn("why", page.stdout)

    def test_it_installs_serves_and_goes(self):
        need("unshare", "ip", "curl")
        if os.geteuid() != 0:
            raise unittest.SkipTest("needs root")
        if shutil.which("postern"):
            raise unittest.SkipTest("a postern is installed on this system")
        alone = ["unshare", "--mount", "--net", "--pid", "--fork"]
        mounts = "mkdir {0}/try && mount -t tmpfs none {0}/try && mkdir {0}/try/a {0}/try/b {0}/try/c && mount -t overlay x " \
                 "-o lowerdir=/,upperdir={0}/try/a,workdir={0}/try/b {0}/try/c && ip link set lo up".format(self.dir)
        if run(*alone, "sh", "-c", mounts).returncode:
            raise unittest.SkipTest("this system can't be copied here")
        (self.dir / "top").mkdir()
        done = run(*alone, "bash", "-c", IN_THE_COPY, "copy", self.dir, self.package, seconds=120)
        told = done.stdout + done.stderr
        self.assertEqual(done.returncode, 0, told)
        self.assertIn("=== done", told)
        self.assertRegex(told, r"uid=\d+\(postern\).*\(mail\)")
        self.assertIn("/var/lib/postern postern 700", told)
        self.assertRegex(told, r"Uid:\s+([1-9]\d*)\s+\1\s+\1\s+\1\b")
        self.assertRegex(told, r"CapPrm:\s+0+\n")
        self.assertRegex(told, r"CapEff:\s+0+\n")
        self.assertRegex(told, r"NoNewPrivs:\s+1\n")
        self.assertIn("Through the package.", told)
        # Every file of the server is its own, also those that root's commands made.
        self.assertNotRegex(told, r"(?m)^/var/lib/postern/")


if __name__ == "__main__":
    unittest.main()
