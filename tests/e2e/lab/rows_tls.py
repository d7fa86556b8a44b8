"""Encryption and certificates."""
import ssl
import warnings

from harness import Authority

from .case import Case, Host, both
from .middle import Box, Interceptor, strip, strip_quietly
from .script import Script


def certificate(row, title, kind, **more):
    return Case(row, title, [Host(both(certificate=kind, names=more.pop("names_in", ())))], **more)


def versions(lowest, highest):
    def change(context):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version, context.maximum_version = lowest, highest
    return change


def ciphers(names):
    def change(context):
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(names)
    return change


def wants_certificate(context):
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(Authority.shared().ca)


def only_with_name(context):
    """Refuses a client that does not say which server it wants."""
    def check(connection, name, _):
        return None if name else ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE
    context.sni_callback = check


def only_without_name(context):
    def check(connection, name, _):
        return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME if name else None
    context.sni_callback = check


CASES = [
    Case("D-41", "a server without STARTTLS", [Host({587: Script(tls="none", auth_in_clear=True)})], who="{host}:587"),
    Case("D-41", "STARTTLS taken out by a box", [Host({587: Script()}, boxed=((Box(strip_quietly), 587),))], who="{host}:587"),
    Case("P-222", "STARTTLS taken out by a box, here and on the way to a server of one's own",
         [Host({587: Script()}, boxed=((Box(strip_quietly), 587),)),
          Host(both(), name="control.{domain}", boxed=((Box(strip_quietly), 587),))], who="{host}:587", options=("--control", "{host_b}")),
    Case("D-34", "STARTTLS overwritten by a box", [Host({587: Script()}, boxed=((Box(strip), 587),))], who="{host}:587"),
    Case("D-42", "TLS is not available just now", [Host({587: Script(replies={
        "STARTTLS": "454 4.7.0 TLS not available due to local problem"})})], who="{host}:587"),
    Case("D-43", "only TLS 1.0 and 1.1", [Host(both(context=versions(ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)))]),
    Case("D-44", "no cipher in common", [Host(both(context=ciphers("PSK-AES128-GCM-SHA256")))]),
    certificate("D-45", "a self-signed certificate", "self_signed"),
    certificate("D-46", "the intermediate certificate is missing", "unchained"),
    certificate("D-47", "an authority of the company", "company"),
    certificate("P-223", "an authority that nobody knows", "unknown"),
    Case("D-29", "a mail shield between us and a healthy server", [Host({465: Script(tls="implicit")}, boxed=((Interceptor(), 465),))],
         who="{host}:465"),
    certificate("D-48", "it has expired", "expired"),
    certificate("P-224", "it is not yet valid", "not_yet"),
    certificate("D-49", "it has the name of the hoster", "good", names_in=("smtp.hoster-{domain}",),
                names=(("smtp.hoster-{domain}", "A", "{v4}"),)),
    certificate("D-49", "it has the hoster's wildcard", "good", names_in=("*.hoster-{domain}", "hoster-{domain}"),
                names=(("mail.hoster-{domain}", "A", "{v4}"),)),
    Case("D-50", "it is that of another server", [Host(both(names=("www.another-{domain}",))), Host({}, name="www.another-{domain}")]),
    certificate("D-51", "signed with SHA-1", "sha1"),
    certificate("D-51", "a key of 1024 bits", "rsa_1024"),
    certificate("D-51", "no name but in its subject", "name_only"),
    Case("D-53", "nothing for those that don't name the server", [Host(both(context=only_with_name))], severity="warning"),
    Case("D-53", "nothing for those that name the server", [Host(both(context=only_without_name))]),
    Case("D-54", "it wants a certificate of the client", [Host(both(context=wants_certificate))]),
    Case("D-55", "large packets get lost", [Host({587: Script()}, small=500)], who="{host}:587"),
]
