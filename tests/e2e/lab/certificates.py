"""Certificates: good ones, and each kind of bad one."""
import concurrent.futures
import itertools
import pathlib
import shutil
import tempfile
import threading

from harness import Authority, run

EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
CA = ("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
LEAF = ("-addext", "basicConstraints=critical,CA:FALSE", "-addext", "extendedKeyUsage=serverAuth")

# Where the issuer's own certificate can be had, as public authorities say.
PUBLISHED = ("-addext", "authorityInfoAccess=caIssuers;URI:http://r3.authority.example/r3.der")


class Issuer:
    """An authority: `pem` its certificate, `key` its key; `chain`: what a server has to send besides its own."""

    def __init__(self, pem, key, chain=()):
        self.pem, self.key, self.chain = pem, key, list(chain)


class Forge:
    """Makes what is asked for, each once. A kind is a method's name."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="postern-lab-ca-"))
        self.dir.chmod(0o755)
        shared = Authority.shared()
        self.trusted = Issuer(shared.ca, shared.dir / "ca.key")
        self.made, self.authorities, self.lock, self.count = {}, {}, threading.RLock(), itertools.count()
        self.ec_key = self.dir / "ec.key"
        run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", self.ec_key, check=True)

    def close(self):
        shutil.rmtree(self.dir, True)

    def get(self, kind, *names):
        """The certificate and key files of this kind for these names."""
        with self.lock:
            made = self.made.get((kind, names))
            mine = made is None
            if mine:
                made = self.made[kind, names] = concurrent.futures.Future()
        if mine:
            try:
                made.set_result(getattr(self, kind)(self.dir / f"{next(self.count)}-{kind}", names))
            except BaseException as e:
                made.set_exception(e)
        return made.result()

    # how they are made

    def authority(self, subject, by=None):
        """One that this machine does not know by itself: a root, or one below `by`."""
        with self.lock:
            if subject not in self.authorities:
                stem = self.dir / f"ca{next(self.count)}"
                pem, key = stem.with_suffix(".pem"), stem.with_suffix(".key")
                above = ("-CA", by.pem, "-CAkey", by.key) if by else ()
                run("openssl", "req", "-x509", *EC, "-nodes", "-days", "300", "-subj", subject, "-keyout", key, "-out", pem,
                    *above, *CA, check=True)
                self.authorities[subject] = Issuer(pem, key, [pem])
            return self.authorities[subject]

    def leaf(self, stem, names, issuer=None, key=None, days=60, alternative=True, more=(), chain=True, subject=None):
        pem = stem.with_suffix(".pem")
        key = key or self.ec_key
        above = ("-CA", issuer.pem, "-CAkey", issuer.key) if issuer else ()
        names_extension = ("-addext", "subjectAltName=" + ",".join(f"DNS:{n}" for n in names)) if alternative else ()
        run("openssl", "req", "-x509", "-new", "-key", key, "-days", str(days), "-subj", subject or f"/CN={names[0]}"[:67],
            *names_extension, *LEAF, *above, *more, "-out", pem, check=True)
        if issuer and chain:
            pem.write_text(pem.read_text() + "".join(p.read_text() for p in issuer.chain))
        return pem, key

    def dated(self, stem, names, start, end):
        """Valid between these two times only; `openssl req` can't say from when."""
        folder = stem.with_suffix(".d")
        folder.mkdir()
        (folder / "index").write_text("")
        (folder / "serial").write_text(f"{next(self.count) + 4096:x}\n")
        (folder / "conf").write_text(f"[ca]\ndefault_ca=d\n[d]\nnew_certs_dir={folder}\ndatabase={folder}/index\n"
                                     f"serial={folder}/serial\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n"
                                     f"[e]\nsubjectAltName={','.join('DNS:' + n for n in names)}\n"
                                     "basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\n")
        request, pem = folder / "csr", stem.with_suffix(".pem")
        run("openssl", "req", "-new", "-key", self.ec_key, "-subj", f"/CN={names[0]}", "-out", request, check=True)
        run("openssl", "ca", "-batch", "-notext", "-config", folder / "conf", "-extensions", "e", "-cert", self.trusted.pem,
            "-keyfile", self.trusted.key, "-startdate", start, "-enddate", end, "-in", request, "-out", pem, check=True)
        return pem, self.ec_key

    def rsa(self, stem, bits):
        key = stem.with_suffix(".key")
        run("openssl", "genrsa", "-out", key, str(bits), check=True)
        return key

    # the kinds

    def good(self, stem, names):
        return self.leaf(stem, names, self.trusted)

    def good_rsa(self, stem, names):
        return self.leaf(stem, names, self.trusted, key=self.rsa(stem, 2048))

    def chained(self, stem, names):
        """With the intermediate certificate that it needs."""
        return self.leaf(stem, names, self.authority("/O=Postern lab/CN=Intermediate R3", self.trusted), more=PUBLISHED)

    def unchained(self, stem, names):
        """Without it."""
        return self.leaf(stem, names, self.authority("/O=Postern lab/CN=Intermediate R3", self.trusted), chain=False,
                         more=PUBLISHED)

    def self_signed(self, stem, names):
        return self.leaf(stem, names)

    def unknown(self, stem, names):
        """By an authority that nobody trusts, which the server sends along."""
        root = self.authority("/O=Example Hosting/CN=Example Hosting private CA")
        return self.leaf(stem, names, root)

    def avast(self, stem, names):
        root = self.authority("/O=Avast Web\\/Mail Shield/OU=generated by Avast Antivirus for SSL\\/TLS scanning"
                              "/CN=Avast Web\\/Mail Shield Root")
        return self.leaf(stem, names, root)

    def company(self, stem, names):
        root = self.authority("/O=Zscaler Inc./OU=Zscaler Inc./CN=Zscaler Intermediate Root CA")
        return self.leaf(stem, names, root)

    def expired(self, stem, names):
        return self.dated(stem, names, "20240101000000Z", "20240401000000Z")

    def not_yet(self, stem, names):
        return self.dated(stem, names, "20380101000000Z", "20380301000000Z")

    def sha1(self, stem, names):
        return self.leaf(stem, names, self.trusted, key=self.rsa(stem, 2048), more=("-sha1",))

    def rsa_1024(self, stem, names):
        return self.leaf(stem, names, self.trusted, key=self.rsa(stem, 1024))

    def name_only(self, stem, names):
        """The name in the subject only, as twenty years ago."""
        return self.leaf(stem, names, self.trusted, alternative=False)
