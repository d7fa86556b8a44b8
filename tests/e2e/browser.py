"""Chromium without a window, driven over the WebDriver protocol (W3C) by Debian's chromedriver.

Browser:  one browser with a profile of its own; finds things as a person does: by their role's
          visible text or by a selector, and waits until they are there.

What a page wrote to the console, and what the content security policy stopped, is kept: see problems()."""
import base64
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request

from harness import HOST, ROOT, SLOW, free_ports, need, wait_for

AXE = ROOT / "pages" / "node_modules" / "axe-core" / "axe.min.js"
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class WebDriverError(Exception):
    """What the driver said went wrong."""


class Element:
    def __init__(self, browser, identity):
        self.browser, self.identity = browser, identity

    def _do(self, method, path, body=None):
        return self.browser.command(method, f"/element/{self.identity}/{path}", body)

    @property
    def text(self):
        return self._do("GET", "text")

    def click(self):
        self._do("POST", "click", {})

    def type(self, text):
        self._do("POST", "clear", {})
        self._do("POST", "value", {"text": text})

    def attribute(self, name):
        return self._do("GET", f"attribute/{name}")


class Browser:
    def __init__(self, resolve=(), size=(1280, 900), languages="en"):
        """`resolve`: names that lead to this machine."""
        need("chromium", "chromedriver")
        self.profile = pathlib.Path(tempfile.mkdtemp(prefix="postern-browser-"))
        self.port = free_ports(1)[0]
        tied = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        self.process = subprocess.Popen([*tied, "chromedriver", f"--port={self.port}"], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, start_new_session=True)
        self.session = ""
        try:
            wait_for(self._listens, "chromedriver to answer")
            # Without a sandbox of its own, since the tests run as root; nothing but our own pages is shown.
            arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage",
                         "--disable-background-networking", "--disable-component-update", "--no-first-run",
                         "--host-resolver-rules=" + ",".join([*(f"MAP {name} {HOST}" for name in resolve),
                                                              "MAP * ~NOTFOUND", f"EXCLUDE {HOST}"]),
                         "--ignore-certificate-errors", f"--user-data-dir={self.profile}", f"--lang={languages}",
                         f"--window-size={size[0]},{size[1]}"]
            wanted = {"browserName": "chrome", "acceptInsecureCerts": True, "goog:loggingPrefs": {"browser": "ALL"},
                      "goog:chromeOptions": {"binary": shutil.which("chromium"), "args": arguments,
                                             "prefs": {"intl.accept_languages": languages}}}
            made = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
            self.session = f"/session/{made['sessionId']}"
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.session:
            self._ask("DELETE", self.session)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)  # the browser as well, if it is still there
        self.process.wait()
        shutil.rmtree(self.profile, True)

    def _listens(self):
        try:
            return self._ask("GET", "/status")["ready"]
        except OSError:
            return False

    def _ask(self, method, path, body=None):
        request = urllib.request.Request(f"http://{HOST}:{self.port}{path}", method=method,
                                         data=None if body is None else json.dumps(body).encode(),
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60 * SLOW) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as failed:
            told = json.load(failed)["value"]
            raise WebDriverError(f"{told['error']}: {told['message'][:500]}") from None

    def command(self, method, path, body=None):
        return self._ask(method, self.session + path, body)

    def devtools(self, name, **parameters):
        return self.command("POST", "/goog/cdp/execute", {"cmd": name, "params": parameters})

    # going and looking

    def open(self, url):
        self.command("POST", "/url", {"url": url})

    def url(self):
        return self.command("GET", "/url")

    def run(self, script, *arguments):
        return self.command("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def all(self, selector):
        found = self.command("POST", "/elements", {"using": "css selector", "value": selector})
        return [Element(self, one[ELEMENT]) for one in found]

    def find(self, selector, text=None, seconds=15):
        """The first element that the selector and its text (a part of it) fit, as soon as it is there."""
        def look():
            for one in self.all(selector):
                try:
                    if text is None or text in one.text:
                        return one
                except WebDriverError:
                    continue  # gone meanwhile
            return None
        return wait_for(look, lambda: f"{selector} with {text!r} at {self.url()}:\n{self.text()[:3000]}", seconds)

    def click(self, selector, text=None):
        def press():
            try:
                found = self.find(selector, text)
                # Not behind what is shown at the edges.
                self.run("arguments[0].scrollIntoView({block: 'center'})", {ELEMENT: found.identity})
                found.click()
                return True
            except WebDriverError:
                return False  # drawn anew meanwhile, or something stands before it
        wait_for(press, f"to click {selector} with {text!r}")

    def fill(self, name, value):
        self.find(f"[name={name}]").type(value)

    def text(self):
        return self.run("return document.body.innerText")

    def wait_text(self, text, seconds=15):
        wait_for(lambda: text in self.text(), lambda: f"{text!r} at {self.url()}:\n{self.text()[:3000]}", seconds)

    def key(self, value):
        """A key by its WebDriver code, pressed wherever the focus is."""
        self.command("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": [
            {"type": "keyDown", "value": value}, {"type": "keyUp", "value": value}]}]})

    # how it looks

    def show(self, width, height=900, dark=False):
        """A window of this size; colours for the day or the night; nothing moves."""
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                      mobile=width < 600)
        self.devtools("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce"}])

    def picture(self, file, width, dark=False, most=2600):
        """A PNG of the whole page, down to `most`."""
        self.show(width, dark=dark)
        self.show(width, min(max(self.run("return document.documentElement.scrollHeight"), 600), most), dark)
        self.run("return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        pathlib.Path(file).write_bytes(base64.b64decode(self.command("GET", "/screenshot")))

    def too_wide(self):
        """By how much the page is wider than the window."""
        return self.run("return document.documentElement.scrollWidth - innerWidth")

    # what is wrong with it

    def violations(self):
        """What axe-core finds against WCAG 2.2 AA and good practice: a line each."""
        self.run(AXE.read_text())
        found = self.command("POST", "/execute/async", {"script": """
            const done = arguments[arguments.length - 1];
            axe.run(document, {runOnly: arguments[0], resultTypes: ['violations']}).then(
                (found) => done(found.violations.map((one) => [one.id, one.help, one.nodes.map((node) => node.html)])),
                (failure) => done([['axe', String(failure), []]]));""", "args": [RULES]})
        return [f"{rule}: {told}: {' | '.join(html[:200] for html in where[:3])}" for rule, told, where in found]

    def problems(self):
        """Errors of scripts, and what the content security policy stopped, since this was last asked."""
        entries = self.command("POST", "/se/log", {"type": "browser"})
        return [one["message"] for one in entries if one["level"] == "SEVERE" and one["source"] != "network"]
