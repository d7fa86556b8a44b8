"""What other people's programs see of a server: swaks, sslscan and openssl. The checker has to see the same."""
import re
import xml.etree.ElementTree

from harness import need, run


def ehlo_lines(address, port, implicit, name):
    """What EHLO announces, as swaks sees it: before TLS and inside it; None where there was none."""
    need("swaks")
    how = ["--tlsc"] if implicit else ["--tlso"]
    said = run("swaks", "--server", address, "--port", port, *how, "--tls-sni", name, "--quit-after", "EHLO", "--ehlo",
               "laptop.example").stdout
    blocks = {"-": [], "~": []}
    for line in said.splitlines():
        found = re.match(r"<([-~])\*?\s+250[- ](.*)", line)
        if found:
            blocks[found.group(1)].append(found.group(2))
    # The first line is the server's name.
    return [words(block[1:]) if block else None for block in (blocks["-"], blocks["~"])]


def words(lines):
    """Extensions in a form that can be compared: without what changes by the minute."""
    return {re.sub(r"^(FUTURERELEASE \d+) .*", r"\1", line).strip() for line in lines}


def login(address, port, implicit, user, password):
    """The reply to AUTH PLAIN, as swaks gets it."""
    how = ["--tlsc"] if implicit else ["--tls"]
    said = run("swaks", "--server", address, "--port", port, *how, "--auth", "PLAIN", "--auth-user", user, "--auth-password",
               password, "--quit-after", "AUTH").stdout
    found = re.search(r"> AUTH PLAIN .*\n<~\*?\s+(\d{3})", said)
    return int(found.group(1)) if found else None


def relays(address, port, implicit, sender, recipient):
    """Whether it takes mail to a stranger without a login, as swaks finds."""
    how = ["--tlsc"] if implicit else ["--tlso"]
    said = run("swaks", "--server", address, "--port", port, *how, "--from", sender, "--to", recipient, "--quit-after",
               "RCPT").stdout
    found = re.search(r"> RCPT TO:.*\n<[-~]\*?\*?\s+(\d{3})", said)
    return bool(found) and found.group(1).startswith("2")


def versions(address, port, implicit, name):
    """The versions of TLS that it speaks, as sslscan finds."""
    need("sslscan")
    how = [] if implicit else ["--starttls-smtp"]
    report = run("sslscan", "--xml=-", "--no-ciphersuites", "--no-groups", "--no-heartbleed", "--no-fallback",
                 "--no-renegotiation", "--no-compression", *how, f"--sni-name={name}", f"{address}:{port}").stdout
    found = xml.etree.ElementTree.fromstring(report[report.index("<?xml"):])
    return {p.get("version") for p in found.iter("protocol") if p.get("type") == "tls" and p.get("enabled") == "1"}


def certificate(address, port, implicit, name, authorities):
    """The certificate and what is thought of it, as openssl sees them."""
    how = [] if implicit else ["-starttls", "smtp"]
    said = run("openssl", "s_client", "-connect", f"{address}:{port}", *how, "-servername", name, "-verify_hostname", name,
               "-CAfile", authorities, input="").stdout
    pem = re.search("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", said, re.S).group(0)
    shown = run("openssl", "x509", "-noout", "-fingerprint", "-sha256", "-enddate", "-dateopt", "iso_8601", input=pem, check=True).stdout
    return {"sha256": re.search("Fingerprint=(.*)", shown).group(1).replace(":", "").lower(),
            "not_after": re.search("notAfter=(.*)", shown).group(1).strip().replace(" ", "T"),
            "trusted": "Verify return code: 0 (ok)" in said,
            "version": re.search(r"(?m)^New, (TLSv[\d.]+),", said).group(1).replace("TLSv", "TLS ")}
