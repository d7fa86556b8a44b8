"""Mutt as a client that logs in with Cyrus SASL."""
import pathlib
import unittest

from harness import Authority, need


def need_mutt_with_gssapi():
    need("mutt")
    if not list(pathlib.Path("/usr/lib").glob("*/sasl2/libgssapiv2.so*")):
        raise unittest.SkipTest("libsasl2-modules-gssapi-mit is not installed")


def mutt(folder, url, mechanism, sender, password=None):
    """The command, which wants a subject, "--" and recipients behind it, and what its environment needs."""
    settings = folder / "muttrc.client"
    secret = f'set smtp_pass = "{password}"\n' if password else ""
    settings.write_text(f"""set smtp_url = "{url}"
{secret}set smtp_authenticators = "{mechanism}"
set ssl_starttls = yes
set ssl_force_tls = yes
set ssl_verify_host = yes
set ssl_ca_certificates_file = "{Authority.shared().ca}"
set from = "{sender}"
set use_from = yes
set use_envelope_from = yes
unset record
""")
    settings.chmod(0o600)
    return ["mutt", "-n", "-F", settings, "-s"], {"HOME": str(folder), "TERM": "dumb"}
