"""What tests of certificates ask: `postern certificate list`, and what ports show."""
import contextlib
import json
import socket
import ssl

from harness import HOST, NAME, wait_for


def rows(server):
    listed = server.cli("certificate", "list", "--json", check=True).stdout
    return {row["id"]: row for row in json.loads(listed)}


def wait_row(server, name, good=lambda row: row["until"]):
    """The row of a certificate when it is as it should be."""
    def look():
        row = rows(server).get(name)
        return row if row and good(row) else None
    return wait_for(look, f"the certificate {name}\n{server.log()[-3000:]}")


def shown(port, context, name=NAME):
    """What a port shows to a client that trusts the context's authorities: its names and serial number."""
    with socket.create_connection((HOST, port), 10) as plain, context.wrap_socket(plain, server_hostname=name) as stream:
        found = stream.getpeercert()
        return {value for kind, value in found["subjectAltName"] if kind == "DNS"}, found["serialNumber"]


def shown_at_last(port, context, name=NAME):
    """The names of the first certificate there that the context's authorities vouch for."""
    def look():
        with contextlib.suppress(ssl.SSLError, OSError):
            return shown(port, context, name)[0]
        return None
    return wait_for(look, f"a certificate for {name}")


def in_acme(server, name):
    return server.dir / "data" / "acme" / name


def account_of(server):
    [file] = in_acme(server, "").glob("account-*.json")
    return json.loads(file.read_text())
