#!/usr/bin/env python3
"""How many requests a second the web pages answer, over TLS with connections that stay open, beside mail traffic:

    bench/web_load.py [--postern build/release/postern] [--path PATH] [--seconds 10] [--connections 32] [--no-mail]

Needs wrk (Debian). Prints the rate, the times of answers, and the times of mails that were sent meanwhile."""
import argparse
import os
import pathlib
import re
import statistics
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def send_mails(server, stop, times):
    from harness import ALICE, BOB
    wire = server.session(login=ALICE)
    while not stop.is_set():
        began = time.monotonic()
        wire.say(f"MAIL FROM:<{ALICE}>", 250)
        wire.say(f"RCPT TO:<{BOB}>", 250)
        wire.say("DATA", 354)
        wire.say(f"From: {ALICE}\r\nTo: {BOB}\r\nSubject: load\r\n\r\n" + "x" * 70 + "\r\n.", 250)
        times.append(time.monotonic() - began)
        time.sleep(0.02)
    wire.close()


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--postern", default=str(ROOT / "build" / "release" / "postern"))
    parser.add_argument("--path", default="/.well-known/autoconfig/mail/config-v1.1.xml?emailaddress=alice@postern.test")
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--no-mail", action="store_true")
    options = parser.parse_args()
    os.environ["POSTERN"] = options.postern
    sys.path.insert(0, str(ROOT / "tests" / "e2e"))
    from harness import HOST
    from web import Pages

    with Pages(config={"setup": {"imap": "imap.postern.test:993"}}) as server:
        with server.talk() as talk:
            first = talk.ask(options.path)
        print(f"{options.path}: {first.status}, {len(first.body)} octets")
        stop, times = threading.Event(), []
        mails = threading.Thread(target=send_mails, args=(server, stop, times))
        if not options.no_mail:
            mails.start()
        pid = server.web_process()
        before = cpu_seconds(pid)
        out = subprocess.run(["wrk", "-t1", f"-c{options.connections}", f"-d{options.seconds}s", "--latency",
                              f"https://{HOST}:{server.https}{options.path}"], capture_output=True, text=True,
                             check=True).stdout
        spent = cpu_seconds(pid) - before
        stop.set()
        if not options.no_mail:
            mails.join()
        rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))
        count = int(re.search(r"(\d+) requests in", out).group(1))
        print(f"{rate:.0f} requests a second, {spent / count * 1e6:.0f} us of the web process's CPU each")
        print("answers: " + ", ".join(" ".join(m) for m in re.findall(r"(50%|99%)\s+(\S+)", out)))
        if "Non-2xx" in out or "Socket errors" in out:
            print(out)
        if times:
            times.sort()
            print(f"{len(times)} mails meanwhile: p50 {statistics.median(times) * 1000:.1f} ms, "
                  f"p99 {times[int(len(times) * 0.99)] * 1000:.1f} ms")


if __name__ == "__main__":
    main()
