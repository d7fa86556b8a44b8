#!/usr/bin/env python3
"""How large the first pages are over the wire, and when they show, in a browser that has seen nothing yet:

    bench/first_page.py [--postern build/release/postern] [--times 9]

Needs Chromium and what the tests drive it with. Prints for each page the octets of all that it asks for, and the median
and the worst of the times until its first text was painted."""
import argparse
import os
import pathlib
import statistics
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
OCTETS = """[...performance.getEntriesByType('resource'), ...performance.getEntriesByType('navigation')]
    .reduce((sum, one) => sum + one.transferSize, 0)"""
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--postern", default=str(ROOT / "build" / "release" / "postern"))
    parser.add_argument("--times", type=int, default=9)
    options = parser.parse_args()
    os.environ["POSTERN"] = options.postern
    sys.path.insert(0, str(ROOT / "tests" / "e2e"))
    from browser import Browser
    from harness import NAME, wait_for
    from web import Pages

    with Pages(config={"setup": {"imap": "imap.postern.test:993"}}) as server, Browser(resolve=[NAME]) as browser:
        for path in ("/", "/setup/thunderbird", "/account"):
            octets, times = 0, []
            for _ in range(options.times):
                browser.begin()
                browser.open(f"https://{NAME}:{server.https}{path}")
                times.append(wait_for(lambda: browser.run(PAINTED), "the first paint"))
                octets = browser.run(OCTETS)
            print(f"{path:20} {octets / 1024:6.1f} KiB  painted after {statistics.median(times):4.0f} ms, "
                  f"at worst {max(times):4.0f} ms")


if __name__ == "__main__":
    main()
