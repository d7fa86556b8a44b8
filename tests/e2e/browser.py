"""Chromium without a window, driven by Playwright; playwright/drive.mjs is its other end.

Browser:  one browser, and what is asked of its page most; `page` and `context` are Playwright's own, by the names of
          their methods: browser.page.get_by_role("button", name="Add").click(). What is asked for is waited for.
Walk:     a test in a browser that has seen nothing yet. One that fails leaves its trace, and says where.

What a page's scripts did wrong, what the content security policy stopped, and who was asked in vain, is kept: see
problems(). No name but those that lead here is found, so nothing leaves this machine."""
import contextlib
import json
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

from harness import HERE, HOST, PROGRAM, ROOT, SLOW, need, run

DRIVER = HERE / "playwright" / "drive.mjs"
AXE = DRIVER.parent / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PICTURES = pathlib.Path(os.environ.get("POSTERN_PICTURES") or pathlib.Path(PROGRAM).resolve().parent / "pages" / "pictures")
CUT_OFF = """(() => {
    const wide = document.documentElement.scrollWidth - innerWidth, found = wide > 0 ? [`the page is ${wide} px too wide`] : [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), range = document.createRange();
    for (let text; (text = texts.nextNode());) {
        const of = text.parentElement;
        if (!text.data.trim() || !of.checkVisibility() || of.closest('.scrolls, pre, svg, select')) continue;
        let left = 0, right = innerWidth;
        for (let up = of; up !== document.body && up; up = up.parentElement) {
            if (getComputedStyle(up).overflowX === 'visible') continue;
            const box = up.getBoundingClientRect();
            [left, right] = [Math.max(left, box.left), Math.min(right, box.right)];
        }
        if (right - left <= 1) continue; // for those who hear the page
        range.selectNodeContents(text);
        if ([...range.getClientRects()].some((box) => box.left < left - 1 || box.right > right + 1)) found.push(text.data.trim());
    }
    return found;
})()"""
PATIENCE = 20 * SLOW  # seconds for a thing to come about
PLACES = re.compile(r"get_by_\w+|locator|filter|first|last|nth")


class BrowserError(AssertionError):
    """What was looked for in vain, and what was there."""


def camel(name):
    return re.sub(r"_(.)", lambda found: found.group(1).upper(), name)


class Playwright:
    """A thing of Playwright's, or a method of it; asked only when a method is called that doesn't just name a place."""

    def __init__(self, browser, steps):
        self._browser, self._steps = browser, steps

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return Playwright(self._browser, [*self._steps, [name]])

    def __call__(self, *values, **options):
        options = {camel(key): value for key, value in options.items() if value is not None}
        name = self._steps[-1][0]
        steps = [*self._steps[:-1], [name, *values, *([options] if options else [])]]
        if PLACES.fullmatch(name):
            return Playwright(self._browser, steps)
        return self._browser.ask("do", steps=[[camel(step[0]), *step[1:]] for step in steps])


class Browser:
    def __init__(self, resolve=()):
        """`resolve`: names that lead to this machine."""
        need("chromium", "node")
        run(ROOT / "scripts" / "npm-install", DRIVER.parent, seconds=200, check=True)
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="postern-browser-"))
        rules = [*(f"MAP {name} {HOST}" for name in resolve), "MAP * ~NOTFOUND", f"EXCLUDE {HOST}"]
        settings = {"executable": shutil.which("chromium"), "patience": 1000 * PATIENCE,
                    "arguments": [f"--host-resolver-rules={','.join(rules)}"]}
        tied = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        with open(self.dir / "log", "wb") as log:
            self.process = subprocess.Popen([*tied, "node", DRIVER, json.dumps(settings)], stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=log, bufsize=0, start_new_session=True,
                                            env={**os.environ, "TMPDIR": str(self.dir), "FORCE_COLOR": "0"})
        self.page, self.context = Playwright(self, [["page"]]), Playwright(self, [["context"]])
        try:
            self.begin()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(10 * SLOW)
        except subprocess.TimeoutExpired:
            self.kill()
        self.process.stdout.close()
        shutil.rmtree(self.dir, True)

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def ask(self, what, **given):
        end = time.monotonic() + 3 * PATIENCE
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps({"ask": what, **given}).encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            if not select.select([self.process.stdout], [], [], max(end - time.monotonic(), 0))[0]:
                self.kill()
                raise BrowserError(f"no answer in {3 * PATIENCE} s to {what} {given}")
            octets = os.read(self.process.stdout.fileno(), 1 << 16)
            if not octets:
                raise BrowserError(f"the browser has ended: {(self.dir / 'log').read_text()[-3000:]}")
            answer += octets
        answer = json.loads(answer)
        if "error" in answer:
            raise BrowserError(answer["error"])
        return answer.get("value")

    # going and looking

    def begin(self, **options):
        """As a browser that has seen nothing yet, with these options of Playwright's contexts."""
        self.ask("begin", options={"viewport": {"width": 1280, "height": 900},
                                   **{camel(key): value for key, value in options.items()}})

    def open(self, url):
        self.page.goto(url)

    def run(self, expression):
        """What this expression of JavaScript gives, or promises."""
        return self.page.evaluate(expression)

    def find(self, selector, text=None):
        """The first thing to be seen that the selector and its text (a part of it) fit, as soon as it is there."""
        found = self.page.locator(selector).filter(has_text=text, visible=True).first()
        found.wait_for()
        return found

    def count(self, selector):
        return self.page.locator(selector).count()

    def text(self):
        return self.page.locator("body").inner_text()

    # as a person calls things

    def button(self, name):
        return self.page.get_by_role("button", name=name, exact=True)

    def link(self, name):
        return self.page.get_by_role("link", name=name, exact=True)

    def field(self, label):
        return self.page.get_by_label(label, exact=True)

    def headline(self, text):
        """Waits for it."""
        self.page.get_by_role("heading", name=text).wait_for()

    # how it looks

    def show(self, width, height=900, dark=False):
        """A window of this size; colours for the day or the night."""
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.emulate_media(color_scheme="dark" if dark else "light")

    def picture(self, file, most=2600):
        """A PNG of the whole page, down to `most`."""
        self.page.screenshot(path=str(file), full_page=True, clip={"x": 0, "y": 0, "width": 10_000, "height": most})

    # what is wrong with it

    def cut_off(self):
        """Texts that end at an edge behind which nobody can look (WCAG 1.4.10); what scrolls by itself may."""
        return self.run(CUT_OFF)

    def violations(self):
        """What axe-core finds against WCAG 2.2 AA and good practice: a line each."""
        if not self.run("'axe' in window"):
            self.run(AXE.read_text())
        found = self.run(f"axe.run(document, {{runOnly: {json.dumps(RULES)}, resultTypes: ['violations']}}).then((found) =>"
                         " found.violations.map((one) => [one.id, one.help, one.nodes.map((node) => node.html)]))")
        return [f"{rule}: {told}: {' | '.join(html[:200] for html in where[:3])}" for rule, told, where in found]

    def problems(self):
        """What went wrong behind the page since this was last asked."""
        return self.ask("problems")


class Walk(unittest.TestCase):
    options = {}  # of the browser

    def setUp(self):
        self.browser.begin(**self.options)

    def tearDown(self):
        self.assertEqual(self.browser.problems(), [])

    def run(self, result=None):
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before:
            PICTURES.mkdir(parents=True, exist_ok=True)
            kept = PICTURES / f"failed-{self.id()}"
            with contextlib.suppress(BrowserError):  # it has ended itself
                self.browser.ask("keep", file=str(kept))
                print(f"What the browser did: npx playwright-core show-trace {kept}.zip (in {DRIVER.parent}), and its end: "
                      f"{kept}.png", flush=True)
        return result
