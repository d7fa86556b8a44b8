"""Builds all cases, and runs the checker in each."""
import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

from harness import PROGRAM, SLOW

from .case import HEALTHY, letters
from .certificates import Forge
from .firewall import Firewall
from .middle import Interceptor
from .names import NameServers, Zone
from .network import BOXES, NOWHERE, Internet
from .real import Door, through
from .service import Services, server_context, talker
from .web import Page, Web, WebConversation

AT_ONCE = 24  # most of them wait for something most of the time

MACHINE_OF = ('mount -t tmpfs none /sys/class && mkdir -p /sys/class/dmi/id && echo "$0" >/sys/class/dmi/id/sys_vendor && '
              'exec "$@"')


class Outcome:
    """What the checker said in one case."""

    def __init__(self, case, report, seconds, output, problem=""):
        self.case, self.report, self.seconds, self.output, self.problem = case, report, seconds, output, problem
        verdict = (report or {}).get("verdict", {})
        self.severity = verdict.get("severity", "")
        self.steps = (report or {}).get("steps", [])
        self.found = verdict.get("id") or "none"
        if self.severity == "ok":
            # A note is what some step says beside a healthy verdict.
            self.found = case.row if any(f.get("id") == case.row for f in report.get("findings", [])) else HEALTHY

    def right(self):
        severity = self.case.severity or ("ok" if self.case.row == HEALTHY else "")
        return not self.problem and self.found == self.case.row and severity in ("", self.severity)

    def story(self):
        """For a person who has to find out why."""
        lines = [f"{self.case.row} {self.case.title}: found {self.found} after {self.seconds:.1f} s. {self.problem}"]
        if self.report:
            lines.append(f"    {self.report['verdict'].get('headline')}")
        lines += [f"    {s['step']:9} {s['status']:8} {s.get('id') or '-':6} {s.get('milliseconds')} ms  {str(s.get('evidence'))[:300]}"
                  for s in self.steps]
        return "\n".join(lines) + ("" if self.report else "\n" + self.output[-1500:])


class Lab:
    """`servers`: gives the real ones, of real_servers, for a lab that has doors to them."""

    def __init__(self, cases, servers=None):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="postern-lab-"))
        self.dir.chmod(0o755)
        self.forge, self.parts = None, []
        try:
            self.internet = Internet()
            self.parts.append(self.internet)
            self.forge = Forge()
            self.parts.append(self.forge)
            self.firewall = Firewall(self.internet)
            self.names = self.add(NameServers(self.internet))
            self.services = self.add(Services(self.internet))
            self.firewall.silence(NOWHERE)
            self.real = self.add(servers(self.internet)) if servers else None
            self.cases = [case for case in cases if not self.lacks(case)]
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                list(pool.map(self.build, range(len(self.cases)), self.cases))
            self.firewall.load()
            self.names.start()
            self.services.start()
        except BaseException:
            self.close()
            raise

    def add(self, part):
        self.parts.append(part)
        return part

    def close(self):
        for part in reversed(self.parts):
            part.close()
        shutil.rmtree(self.dir, True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # building

    def lacks(self, case):
        """A real server of it is not to be had on this machine."""
        doors = [script for host in case.hosts for script in host.services.values() if isinstance(script, Door)]
        return any(door.server not in self.real.ports for door in doors)

    def build(self, number, case):
        place = case.place
        place["domain"] = case.domain or f"{case.row.replace('-', '').lower()}-{number}.example"
        place["dir"] = self.dir / str(number)
        place["dir"].mkdir()
        for index, host in enumerate(case.hosts):
            after = letters(index)
            place["v4" + after], place["v6" + after] = self.internet.address()
            place["host" + after] = case.text(host.name)
        place["zone"] = zone = Zone()
        zone.broken = {case.text(name) for name in case.broken}
        for name, kind, value in case.names:
            zone.add(case.text(name), kind, case.text(value))
        place["user"] = case.text(case.user)
        accounts = {case.text(u): p for u, p in case.accounts.items()} if case.accounts is not None else {place["user"]: case.password}
        for index, host in enumerate(case.hosts):
            self.build_host(case, host, letters(index), zone, accounts)
        place["dns"] = case.dns or self.names.serve_zone(zone)

    def build_host(self, case, host, after, zone, accounts):
        name, v4, v6 = (case.place[key + after] for key in ("host", "v4", "v6"))
        if host.known:
            zone.add(name, "A", v4)
            if host.v6:
                zone.add(name, "AAAA", v6)
        for port, script in host.services.items():
            self.serve(case, name, v4, port, script, accounts)
        for port, script in (host.services if host.services6 is None else host.services6).items() if host.v6 else ():
            self.serve(case, name, v6, port, script, accounts)
        for how, *ports in host.stopped:
            self.firewall.stop(v6 if how.endswith("6") else v4, how.rstrip("6"), *ports)
        for box, *ports in host.boxed:
            for port in ports:
                files = self.forge.get("avast", name) if isinstance(box, Interceptor) else None
                self.firewall.redirect(v4, BOXES, self.services.listen(BOXES, 0, box.talker(v4, port, files)), port)
        if host.small:
            self.firewall.only_small(v4, host.small)

    def serve(self, case, name, address, port, script, accounts):
        if getattr(script, "on_message", None):
            take = script.on_message
            script = script.but(on_message=lambda envelope, content: take(case.place, envelope, content))
        if isinstance(script, Door):
            self.services.listen(address, port, through(self.real.ports[script.server]))
            return
        context = None
        if script.tls != "none":
            names = tuple(case.text(n) for n in script.names) or (name,)
            context = server_context(self.forge.get(script.certificate, *names), script.context)
        if isinstance(script, Web):
            pages = {case.text(where): Page(case.text(page.body), page.type, page.status,
                                            case.text(page.headers)) for where, page in script.pages.items()}
            web = Web(pages, script.tls, catch_all=script.catch_all)
            self.services.listen(address, port, lambda peer: WebConversation(peer, web, name, context, {}, self.services.closing).talk())
        else:
            self.services.listen(address, port, talker(script, name, context, accounts, self.services.closing))

    # running

    def command(self, case):
        words = ["unshare", "--mount", "sh", "-c", MACHINE_OF, case.vendor] if case.vendor else []
        words += [PROGRAM, "check", case.text(case.who), "--json", "--dns", case.place["dns"], "--ca", self.forge.trusted.pem]
        if case.user:
            words += ["--user", case.place["user"]]
        if case.token:
            token = case.place["dir"] / "token"
            token.write_text(case.password + "\n")
            words += ["--token-file", token]
        elif case.password is not None:
            words += ["--password-stdin"]
        if case.to:
            words += ["--to", case.text(case.to)]
        if case.send:
            words += ["--send"]
        return [str(word) for word in words] + [case.text(word) for word in case.options]

    def check(self, case):
        if case.prepare:
            case.prepare(self, case)
        began = time.monotonic()
        try:
            done = subprocess.run(self.command(case), input=(case.password or "") + "\n", capture_output=True, text=True,
                                  errors="replace", timeout=50 * SLOW,
                                  env={**os.environ, "POSTERN_CONFIG": str(case.place.get("config", "/nonexistent"))})
        except subprocess.TimeoutExpired as late:
            return Outcome(case, None, time.monotonic() - began, str(late.stdout), "it did not end")
        seconds, output = time.monotonic() - began, done.stdout + done.stderr
        try:
            outcome = Outcome(case, json.loads(done.stdout), seconds, output)
        except ValueError:
            return Outcome(case, None, seconds, output, f"no JSON; exit status {done.returncode}")
        if done.returncode != (1 if outcome.severity == "failure" else 0):
            outcome.problem = f"exit status {done.returncode} for {outcome.severity}"
        if case.password and case.password in output:
            outcome.problem = "it shows the password"
        return outcome

    def run(self):
        """The outcome of each case; many at once."""
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(self.check, self.cases))
