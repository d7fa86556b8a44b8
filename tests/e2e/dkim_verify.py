"""Verifies DKIM signatures with dkimpy, which Debian has for its own Python only: so this is a
program of its own. Standard input: {"names": {NAME: TXT, ...}, "message": BASE64}. Standard
output: for each signature of the message, from the top, whether it holds."""
import base64
import json
import sys

import dkim

asked = json.load(sys.stdin)
message = base64.b64decode(asked["message"])
names = {name.rstrip(".").encode(): text.encode() for name, text in asked["names"].items()}


def look_up(name, timeout=5):
    return names.get(name.rstrip(b"."))


def holds(number):
    try:
        return dkim.DKIM(message, minkey=1024).verify(idx=number, dnsfunc=look_up)
    except dkim.DKIMException:
        return False


count = sum(1 for name, _ in dkim.DKIM(message).headers if name.lower() == b"dkim-signature")
print(json.dumps([holds(i) for i in range(count)]))
