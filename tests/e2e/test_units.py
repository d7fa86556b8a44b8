"""The systemd units: what systemd says of them, and a life under it. systemd is booted as the first process of a copy-on-write
copy of this system, with processes, a network and control groups of its own; where that can't be, why stands in the skip."""
import os
import pathlib
import re
import shutil
import tempfile
import unittest

from harness import PROGRAM, ROOT, SANITIZED, need, run

UNITS = [ROOT / "packaging" / name for name in ("postern.service", "postern-web.service")]
# Of 100; more is worse.
EXPOSURE = "20"

CONFIG = """
hostname = "mail.example.test"
domains.local = ["pam.test"]
dns.trust_anchor = "none"
[[listener]]
address = "127.0.0.1:465"
tls = "implicit"
[web]
address = "127.0.0.1:443"
http_address = "127.0.0.1:80"
user = "postern-web"
[[backend]]
name = "machine"
type = "pam"
service = "postern"
domain = "pam.test"
"""

# Ends with 77 where this machine does not let us.
BOOT = r"""
top=$1 program=$2 packaging=$3
refuse() { echo "$1" >"$top/refused"; exit 77; }
mkdir "$top/disk" && mount -t tmpfs none "$top/disk" || refuse "nothing can be mounted"
mkdir "$top/disk/upper" "$top/disk/work" "$top/disk/root"
root=$top/disk/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$top/disk/upper,workdir=$top/disk/work" "$root" || refuse "no overlay"
mount -t proc proc "$root/proc" && mount -t sysfs sysfs "$root/sys" || refuse "no /proc or /sys of its own"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup" || refuse "no control groups of its own"
mount -t tmpfs -o mode=755 none "$root/run" && mount --rbind /dev "$root/dev" || refuse "no /run or /dev"
ip link set lo up
mkdir "$root/srv/out" && mount --bind "$top/out" "$root/srv/out" || refuse "nothing can be mounted"
touch "$root/usr/bin/postern" && mount --bind "$program" "$root/usr/bin/postern" || refuse "nothing can be mounted"
cp "$packaging"/*.service "$root/etc/systemd/system/"
cp "$packaging/postern.sysusers" "$root/usr/lib/sysusers.d/postern.conf"
mkdir -p "$root/etc/postern" && cp "$top/postern.toml" "$root/etc/postern/"
cp "$top/steps" "$top/names.py" "$root/srv/"
echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"
: >"$root/etc/fstab"
cat >"$root/etc/systemd/system/steps.service" <<'UNIT'
[Unit]
DefaultDependencies=no
After=basic.target
[Service]
Type=oneshot
ExecStart=/bin/bash /srv/steps
StandardOutput=append:/srv/out/steps
StandardError=append:/srv/out/steps
ExecStopPost=/bin/systemctl exit 0 --force
UNIT
printf '[Unit]\nRequires=basic.target\nWants=steps.service\n' >"$root/etc/systemd/system/steps.target"
export container=postern-test
exec chroot "$root" /lib/systemd/systemd --system --unit=steps.target --show-status=0 >"$top/console" 2>&1 </dev/null
"""

STEPS = r"""
until_so() { for n in $(seq 200); do "$@" >/dev/null 2>&1 && return; sleep 0.1; done; echo "never: $*"; }
main() { systemctl show -P MainPID "$1"; }
state() { systemctl show -P "$2" "$1"; }
pages() { curl -sSk -m 5 -o /dev/null -w '%{http_code}\n' https://127.0.0.1/robots.txt; }
mail() {
    printf 'From: %s\nTo: %s\nSubject: x\n\nThrough the unit.\n' "$1" "$3" |
        curl -sSk -m 20 --crlf --url smtps://127.0.0.1:465 --user "$1:$2" --mail-from "$1" --mail-rcpt "$3" --upload-file -
    echo "$?"
}
cd /
systemd-sysusers postern.conf
mkdir -p /etc/systemd/system/postern.service.d
# What docs/backends.md says of PAM.
printf '[Service]\nSupplementaryGroups=shadow\n' >/etc/systemd/system/postern.service.d/pam.conf
printf 'auth required pam_unix.so\naccount required pam_unix.so\n' >/etc/pam.d/postern
useradd ben && echo 'ben:a-Secret-for-ben' | chpasswd
echo 'nameserver 127.0.0.1' >/etc/resolv.conf
python3 /srv/names.py &
postern domain add example.test >/dev/null
systemctl daemon-reload
echo === verify
systemd-analyze verify --man=no postern.service postern-web.service
echo $?
echo === start
systemctl start postern postern-web
echo $?
state postern StatusText
state postern-web StatusText
echo a-Secret-for-ann | postern account add ann@example.test --password-stdin
echo === rights
for unit in postern postern-web; do grep -E '^(CapEff|CapPrm|NoNewPrivs|Seccomp):' "/proc/$(main $unit)/status"; done
stat -c '%U %G %a' /run/postern/web.sock
echo === pages
until_so curl -fsSk -m 5 https://127.0.0.1/robots.txt
pages
curl -sSk -m 5 -o /dev/null -w '%{http_code}\n' https://127.0.0.1/api/v1/session
echo === mail
mail ann@example.test a-Secret-for-ann ann@example.test
until_so grep -rq Through /var/mail/example.test/ann/new
grep -rh Through /var/mail/example.test/ann/new
echo === pam
mail ben@pam.test a-Secret-for-ben nobody@no.such.test
until_so grep -rq 'no.such.test' /var/mail/pam.test/ben/new
grep -rhom1 'There is no domain no.such.test' /var/mail/pam.test/ben/new
echo === reload
systemctl reload postern
echo $?
until_so sh -c 'journalctl -u postern | grep reloaded'
systemctl reload postern-web
echo $?
systemctl is-active postern postern-web
echo === killed
kill -9 "$(main postern)" "$(main postern-web)"
for unit in postern postern-web; do until_so sh -c "systemctl show -P NRestarts $unit | grep -x 1"; done
for unit in postern postern-web; do until_so systemctl is-active $unit; done
until_so curl -fsSk -m 5 https://127.0.0.1/robots.txt
pages
echo === watchdog
printf '[Service]\nWatchdogSec=2s\n' >/etc/systemd/system/postern.service.d/watchdog.conf
systemctl daemon-reload
systemctl restart postern
hangs=$(main postern)
kill -STOP "$hangs"
until_so sh -c 'journalctl -u postern | grep -i "watchdog timeout"'
until_so sh -c "systemctl show -P MainPID postern | grep -vx -e 0 -e $hangs"
until_so systemctl is-active postern
systemctl is-active postern
echo === stop
systemctl stop postern postern-web
for unit in postern postern-web; do state $unit Result; done
journalctl -u postern -u postern-web | grep -cE ' error (stopped|web_ended)'
echo === wrong
echo 'nonsense = 1' >>/etc/postern/postern.toml
for unit in postern postern-web; do
    systemctl start $unit 2>/dev/null
    state $unit ExecMainStatus
    state $unit ActiveState
done
echo === done
"""

# Says of every name that there is none.
NAMES = r"""
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 53))
while True:
    asked, peer = s.recvfrom(4096)
    at = 12
    while asked[at]:
        at += asked[at] + 1
    s.sendto(asked[:2] + b"\x85\x83" + b"\0\1\0\0\0\0\0\0" + asked[12:at + 5], peer)
"""


def mount_of_groups():
    """Where control groups of version 2 are mounted and may be made; or nothing."""
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        for line in mounts:
            _, place, kind, *_ = line.split()
            if kind == "cgroup2" and os.access(place, os.W_OK):
                return pathlib.Path(place)
    return None


class Files(unittest.TestCase):
    def setUp(self):
        need("systemd-analyze")
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="postern-units-"))
        self.addCleanup(shutil.rmtree, self.dir, True)
        # Where there is such a program.
        for unit in UNITS:
            (self.dir / unit.name).write_text(unit.read_text().replace("/usr/bin/postern ", f"{PROGRAM} "))
        self.files = [self.dir / unit.name for unit in UNITS]

    def test_systemd_understands_every_line(self):
        done = run("systemd-analyze", "verify", "--man=no", *self.files)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_little_can_be_done_from_inside(self):
        for file in self.files:
            done = run("systemd-analyze", "security", "--no-pager", "--offline=true", f"--threshold={EXPOSURE}", file)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Life(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        need("unshare", "systemctl", "journalctl", "systemd-sysusers", "curl", "ip")
        if SANITIZED:
            raise unittest.SkipTest("the hardening of the units leaves sanitizers no room")
        groups = mount_of_groups()
        if os.geteuid() != 0 or groups is None:
            raise unittest.SkipTest("only root can boot a systemd, and where control groups of version 2 are mounted")
        cls.dir = pathlib.Path(tempfile.mkdtemp(prefix="postern-boot-"))
        cls.addClassCleanup(shutil.rmtree, cls.dir, True)
        for name, text in (("postern.toml", CONFIG), ("steps", STEPS), ("names.py", NAMES), ("boot", BOOT)):
            (cls.dir / name).write_text(text)
        (cls.dir / "out").mkdir()
        # A group of its own, below which systemd makes its groups.
        group = groups / f"postern-test-{os.getpid()}"
        try:
            group.mkdir()
        except OSError as e:
            raise unittest.SkipTest(f"no control group can be made: {e}") from e
        cls.addClassCleanup(cls.remove, group)
        done = run("sh", "-c", 'echo $$ >"$0" && exec "$@"', group / "cgroup.procs",
                   "unshare", "--mount", "--pid", "--fork", "--kill-child", "--cgroup", "--net", "--uts", "--ipc",
                   "bash", cls.dir / "boot", cls.dir, PROGRAM, ROOT / "packaging", seconds=180)
        if done.returncode == 77:
            raise unittest.SkipTest((cls.dir / "refused").read_text().strip())
        file = cls.dir / "out" / "steps"
        if not file.exists():
            raise unittest.SkipTest("systemd does not start here: " + (cls.dir / "console").read_text()[-300:])
        cls.text = file.read_text()
        parts = re.split(r"(?m)^=== (\w+)\n", cls.text)
        cls.said = {name: text.split("\n")[:-1] for name, text in zip(parts[1::2], parts[2::2])}

    @staticmethod
    def remove(group):
        for folder, _, _ in os.walk(group, topdown=False):
            os.rmdir(folder)

    def expect(self, part, lines):
        self.assertEqual(self.said.get(part), lines, self.text)

    def test_all_of_it_was_done(self):
        self.expect("done", [])
        self.expect("verify", ["0"])

    def test_it_is_ready_when_it_serves(self):
        self.expect("start", ["0", "Listens on 127.0.0.1:465 unix:/run/postern/sendmail", "Serves the pages",
                              "ann@example.test added"])

    def test_rights(self):
        """None are left; and the pages, which run as another user, may ask the mail process."""
        self.expect("rights", ["CapPrm:\t0000000000000000", "CapEff:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"] * 2
                    + ["postern postern-web 660"])

    def test_pages(self):
        """With a certificate, and answers, that came from the mail process."""
        self.expect("pages", ["200", "401"])

    def test_mail(self):
        self.expect("mail", ["0", "Through the unit."])

    def test_pam_and_names(self):
        self.expect("pam", ["0", "There is no domain no.such.test"])

    def test_reload(self):
        self.expect("reload", ["0", "0", "active", "active"])

    def test_who_is_killed_comes_back(self):
        self.expect("killed", ["200"])

    def test_who_hangs_is_started_again(self):
        self.expect("watchdog", ["active"])

    def test_stop(self):
        self.expect("stop", ["success", "success", "0"])

    def test_a_wrong_configuration_is_not_tried_again(self):
        self.expect("wrong", ["2", "failed"] * 2)


if __name__ == "__main__":
    unittest.main()
