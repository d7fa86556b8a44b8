"""Plays a written conversation against a real server.

    C: line            the client says it, with CRLF
    S: 250 2.1.0       the server's reply begins so (its last line, when it has several)
    S+ SIZE            one of the lines of the reply before is, or begins with, this word
    S- AUTH            and none begins with that one
    R: octets          sent as they are; \\r \\n \\0 \\x.. are escapes, no line end is added
    -- tls             the TLS handshake
    -- closed          the server closes and says nothing more

{alice} and the like are filled in from the words given."""
import re


def play(wire, script, **words):
    last, verb, kind_before = None, "", ""
    for number, line in enumerate(script.strip().splitlines(), 1):
        line = re.sub(r"\{(\w+)\}", lambda m: words[m.group(1)], line.strip())
        if not line or line.startswith("#"):
            continue
        kind, _, rest = line.partition(" ")
        where = f"line {number}: {line}"
        try:
            if kind == "C:":
                said = rest.encode()
                verb = rest.split()[0].upper() if rest.split() else ""
                wire.send(said + b"\r\n")
            elif kind == "R:":
                verb = ""
                wire.send(rest.encode().decode("unicode_escape").encode("latin-1"))
            elif kind == "S:":
                last = wire.reply(verb if kind_before != "S:" else "")
                shown = f"{last.code} {last.lines[-1]}"
                if not shown.startswith(rest):
                    raise AssertionError(f"got {last}")
            elif kind == "S+":
                if not any(t == rest or t.startswith(rest + " ") for t in last.lines):
                    raise AssertionError(f"not in {last}")
            elif kind == "S-":
                if any(t == rest or t.startswith(rest + " ") for t in last.lines):
                    raise AssertionError(f"stands in {last}")
            elif line == "-- tls":
                wire.start_tls()
            elif line == "-- closed":
                if not wire.closed():
                    raise AssertionError("the connection is still open, or there was more to read")
            else:
                raise AssertionError("not a line of a dialog")
        except (AssertionError, EOFError, OSError) as e:
            raise AssertionError(f"{where}: {e}") from None
        if kind in ("C:", "R:", "S:"):
            kind_before = kind
