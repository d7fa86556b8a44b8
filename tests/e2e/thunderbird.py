"""Thunderbird without a screen, in a throw-away profile, told what to do through its own remote
control (Marionette): messages of `length:[type, id, ...]` in JSON over a loopback port."""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from harness import HOST, SLOW, free_ports, need

PREFERENCES = {
    "app.update.enabled": False,
    "datareporting.policy.dataSubmissionPolicyBypassNotification": True,
    "mail.provider.suppress_dialog_on_startup": True,
    "mail.rights.version": 1,
    "mail.shell.checkDefaultClient": False,
    "mailnews.start_page.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.dns.native_https_query": False,
    "network.negotiate-auth.allow-non-fqdn": True,
    "network.proxy.type": 0,
    "toolkit.telemetry.enabled": False,
}


class Thunderbird:
    """`launcher`: what starts it, a command that ends in `exec`ing its arguments."""

    def __init__(self, environment, preferences=None, seconds=60, launcher=()):
        need("thunderbird")
        self.launcher = list(launcher)
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="postern-thunderbird-"))
        self.process = self.socket = None
        self.number = 0
        try:
            self.start(environment, preferences or {}, seconds * SLOW)
        except BaseException:
            self.close()
            raise

    def start(self, environment, preferences, seconds):
        port, = free_ports(1)
        profile, home = self.dir / "profile", self.dir / "home"
        profile.mkdir()
        home.mkdir()
        lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});\n"
                 for k, v in {**PREFERENCES, **preferences, "marionette.port": port}.items()]
        (profile / "user.js").write_text("".join(lines))
        with open(self.dir / "out", "wb") as out:
            self.process = subprocess.Popen(
                [*self.launcher, "thunderbird", "--headless", "--no-remote", "--marionette", "--remote-allow-system-access", "--profile",
                 str(profile)], stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True,
                env={**os.environ, "HOME": str(home), "XDG_RUNTIME_DIR": str(home), "MOZ_CRASHREPORTER_DISABLE": "1",
                     "DBUS_SESSION_BUS_ADDRESS": "disabled:", **environment})
        end = time.monotonic() + seconds
        while self.socket is None:
            try:
                self.socket = socket.create_connection((HOST, port), seconds)
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise AssertionError(f"Thunderbird does not start:\n{(self.dir / 'out').read_text()[-3000:]}")
                time.sleep(0.1)
        self.input = self.socket.makefile("rb")
        self.receive()
        self.command("WebDriver:NewSession", capabilities={})
        self.command("Marionette:SetContext", value="chrome")
        self.command("WebDriver:SetTimeouts", script=seconds * 1000)

    def receive(self):
        length = b""
        while not length.endswith(b":"):
            octet = self.input.read(1)
            if not octet:
                raise AssertionError(f"Thunderbird is gone:\n{(self.dir / 'out').read_text()[-3000:]}")
            length += octet
        return json.loads(self.input.read(int(length[:-1])))

    def command(self, name, **parameters):
        self.number += 1
        text = json.dumps([0, self.number, name, parameters]).encode()
        self.socket.sendall(b"%d:%b" % (len(text), text))
        _, _, failure, answer = self.receive()
        if failure:
            raise AssertionError(f"{name}: {failure}")
        return answer

    def run(self, script, **values):
        """What an asynchronous function with this body returns; `values` are its variables."""
        names = "".join(f"const {name} = {json.dumps(str(v) if isinstance(v, pathlib.Path) else v)};"
                        for name, v in values.items())
        whole = ("const answer = arguments[arguments.length - 1];"
                 f"(async () => {{ {names} {script} }})().then(v => answer({{value: v}}), e => answer({{failed: String(e)}}));")
        said = self.command("WebDriver:ExecuteAsyncScript", script=whole, args=[], newSandbox=True)["value"]
        if "failed" in said:
            raise AssertionError(f"Thunderbird: {said['failed']}")
        return said.get("value")

    def close(self):
        if self.socket is not None:
            self.socket.close()
            self.socket = None
        if self.process is not None:
            # It has children; they are its group.
            for number in (signal.SIGTERM, signal.SIGKILL):
                try:
                    os.killpg(self.process.pid, number)
                    self.process.wait(10)
                except ProcessLookupError:
                    break
                except subprocess.TimeoutExpired:
                    continue
            self.process = None
        shutil.rmtree(self.dir, True)
