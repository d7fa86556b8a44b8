"""A real Kerberos: MIT's KDC with two realms in a throw-away directory on a loopback port, and
the GSS-API library as a client, for exchanges that no well-behaved program would make."""
import ctypes
import ctypes.util
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from harness import HOST, free_ports, need, run, wait_for

REALM, FOREIGN = "EXAMPLE.COM", "FOREIGN.TEST"


class Kdc:
    """Principals, keytabs and tickets. The two realms trust each other one way: users of
    FOREIGN get tickets for services of REALM."""

    def __init__(self):
        os.environ["PATH"] += ":/usr/sbin"
        need("krb5kdc", "kdb5_util", "kadmin.local", "kinit")
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="postern-kdc-"))
        self.port, = free_ports(1)
        self.conf = self.dir / "krb5.conf"
        self.write_conf(self.conf)
        realms = "".join(f"""
  {realm} = {{
    database_module = {realm}
    key_stash_file = {self.dir}/{realm}.stash
    acl_file = {self.dir}/acl
    max_life = 1d
    max_renewable_life = 7d
  }}""" for realm in (REALM, FOREIGN))
        modules = "".join(f"""
  {realm} = {{
    db_library = db2
    database_name = {self.dir}/{realm}
  }}""" for realm in (REALM, FOREIGN))
        (self.dir / "kdc.conf").write_text(f"""[kdcdefaults]
  kdc_listen = {HOST}:{self.port}
  kdc_tcp_listen = {HOST}:{self.port}
[realms]{realms}
[dbmodules]{modules}
[logging]
  kdc = FILE:{self.dir}/kdc.log
""")
        self.environment = {"KRB5_CONFIG": str(self.conf), "KRB5_KDC_PROFILE": str(self.dir / "kdc.conf"),
                            "KRB5CCNAME": f"FILE:{self.dir}/none", "KRB5RCACHEDIR": str(self.dir)}
        self.process = None
        try:
            for realm in (REALM, FOREIGN):
                run("kdb5_util", "-r", realm, "create", "-s", "-P", "master", env=self.environment, check=True)
                self.admin(f"addprinc -pw between krbtgt/{REALM}@{FOREIGN}", realm=realm)
            self.start()
        except BaseException:
            self.close()
            raise

    def write_conf(self, file, more=""):
        realms = "".join(f"  {realm} = {{\n    kdc = {HOST}:{self.port}\n  }}\n" for realm in (REALM, FOREIGN))
        file.write_text(f"""[libdefaults]
  default_realm = {REALM}
  dns_lookup_realm = false
  dns_lookup_kdc = false
  dns_canonicalize_hostname = false
  rdns = false
  udp_preference_limit = 1
{more}
[realms]
{realms}[domain_realm]
  localhost = {REALM}
  postern.test = {REALM}
  .postern.test = {REALM}
""")
        return file

    def start(self):
        self.process = subprocess.Popen(["krb5kdc", "-n", "-r", REALM, "-r", FOREIGN], env={**os.environ, **self.environment},
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        log = self.dir / "kdc.log"
        wait_for(lambda: log.exists() and "commencing operation" in log.read_text(), "the KDC")

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            self.process = None

    def close(self):
        self.stop()
        shutil.rmtree(self.dir, True)

    def admin(self, *commands, realm=REALM):
        done = run("kadmin.local", "-r", realm, input="\n".join(commands) + "\n", env=self.environment, check=True)
        # It goes on after a command that failed, and ends well.
        for trouble in (" while ", "usage:", "unknown request"):
            if trouble in done.stderr.lower():
                raise AssertionError(f"{commands}: {done.stderr}")

    def add_users(self, *names, realm=REALM):
        self.admin(*(f"addprinc -pw secret {name}@{realm}" for name in names), realm=realm)

    def keytab(self, stem, *principals):
        """A keytab with the keys that these principals have now."""
        file = self.dir / f"{stem}.keytab"
        self.admin(*(f"ktadd -norandkey -q -k {file} {principal}" for principal in principals))
        return file

    def tickets(self, user, *options, realm=REALM):
        """Logs a user in; the environment with which a client finds the tickets."""
        cache = pathlib.Path(tempfile.mkstemp(prefix="cc-", dir=self.dir)[1])
        environment = {**self.environment, "KRB5CCNAME": f"FILE:{cache}"}
        run("kinit", *options, f"{user}@{realm}", input="secret\n", env=environment, check=True)
        return environment


class _Oid(ctypes.Structure):
    _fields_ = [("length", ctypes.c_uint32), ("elements", ctypes.c_char_p)]


class _Buffer(ctypes.Structure):
    _fields_ = [("length", ctypes.c_size_t), ("value", ctypes.c_void_p)]

    def octets(self):
        return ctypes.string_at(self.value, self.length) if self.length else b""


def _buffer(octets):
    keeper = ctypes.create_string_buffer(octets, len(octets))
    made = _Buffer(len(octets), ctypes.cast(keeper, ctypes.c_void_p))
    made.keeper = keeper
    return made


HOSTBASED = b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x04"
KRB5 = b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"
SPNEGO = b"\x2b\x06\x01\x05\x05\x02"
MUTUAL, REPLAY, SEQUENCE, INTEGRITY = 2, 4, 8, 32


class Client:
    """One security context of a client."""

    def __init__(self, environment, service="smtp@localhost", mechanism=KRB5, flags=MUTUAL | REPLAY | SEQUENCE | INTEGRITY):
        name = ctypes.util.find_library("gssapi_krb5")
        if not name:
            raise unittest.SkipTest("libgssapi_krb5 is not installed")
        self.gss, self.environment, self.flags = ctypes.CDLL(name), environment, flags
        self.mechanism = _Oid(len(mechanism), mechanism)
        self.minor, self.context, self.target = ctypes.c_uint32(), ctypes.c_void_p(), ctypes.c_void_p()
        kind = _Oid(len(HOSTBASED), HOSTBASED)
        self.check(self.gss.gss_import_name(ctypes.byref(self.minor), ctypes.byref(_buffer(service.encode())),
                                            ctypes.byref(kind), ctypes.byref(self.target)))

    def check(self, major):
        if major & 0xFFFF0000:
            raise RuntimeError(f"the GSS-API library gave {major:#x}, {ctypes.c_int32(self.minor.value).value}")
        return major

    def step(self, token=b""):
        """The next token for the server; takes the server's."""
        for key in ("KRB5_CONFIG", "KRB5CCNAME"):
            os.environ[key] = self.environment[key]
        out = _Buffer()
        self.check(self.gss.gss_init_sec_context(
            ctypes.byref(self.minor), None, ctypes.byref(self.context), self.target, ctypes.byref(self.mechanism),
            ctypes.c_uint32(self.flags), ctypes.c_uint32(0), None, ctypes.byref(_buffer(token)), None,
            ctypes.byref(out), None, None))
        return out.octets()

    def wrap(self, octets):
        out = _Buffer()
        self.check(self.gss.gss_wrap(ctypes.byref(self.minor), self.context, 0, 0, ctypes.byref(_buffer(octets)), None,
                                     ctypes.byref(out)))
        return out.octets()

    def unwrap(self, octets):
        out = _Buffer()
        self.check(self.gss.gss_unwrap(ctypes.byref(self.minor), self.context, ctypes.byref(_buffer(octets)),
                                       ctypes.byref(out), None, None))
        return out.octets()
