"""Boxes between the mail program and the server, which change what passes through. The firewall sends connections to
them, and they connect to the server that was meant."""
import re
import socket
import ssl
import threading


class Box:
    """Passes lines of the server through `edit`, which gives the line to pass on, or None for none."""

    def __init__(self, edit=lambda line: line, hears=lambda line: line):
        self.edit, self.hears = edit, hears

    def talker(self, address, port, certificate=None):
        def talk(peer):
            with socket.create_connection((address, port), 10) as server:
                server.settimeout(60)
                back = threading.Thread(target=self.copy, args=(peer, server, self.hears), daemon=True)
                back.start()
                self.copy(server, peer, self.edit)
                back.join()
        return talk

    @staticmethod
    def copy(source, to, edit):
        try:
            with source.makefile("rb") as lines:
                while line := lines.readline(65536):
                    changed = edit(line)
                    if changed is not None:
                        to.sendall(changed)
        except (OSError, ValueError):
            pass
        finally:
            for end in (source, to):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass


def strip(line):
    """STARTTLS is taken out of the answer to EHLO."""
    return b"250 XXXXXXXA\r\n" if line == b"250 STARTTLS\r\n" else None if line == b"250-STARTTLS\r\n" else line


def strip_quietly(line):
    """The same without a trace: the last line must still be one."""
    return b"250 8BITMIME\r\n" if line == b"250 STARTTLS\r\n" else strip(line)


def fixup(line):
    """An old firewall's "SMTP inspection": what it does not know becomes X, and the greeting becomes stars."""
    if line.startswith(b"220 "):
        return b"220 " + b"*" * (len(line) - 6) + b"\r\n"
    found = re.match(rb"250([- ])(?!mail)([A-Z0-9]+)(.*)\r\n", line)
    if found and found.group(2) not in (b"SIZE", b"PIPELINING"):
        word = found.group(2)
        return b"250" + found.group(1) + b"X" * (len(word) - 1) + b"A" + found.group(3) + b"\r\n"
    return line


class Interceptor(Box):
    """Speaks TLS on both sides, with a certificate of its own to the mail program: implicit TLS only."""

    def talker(self, address, port, certificate=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        onwards = ssl.create_default_context()
        onwards.check_hostname, onwards.verify_mode = False, ssl.CERT_NONE

        def talk(peer):
            with context.wrap_socket(peer, server_side=True) as inside, \
                    onwards.wrap_socket(socket.create_connection((address, port), 10)) as server:
                back = threading.Thread(target=self.copy, args=(inside, server, self.hears), daemon=True)
                back.start()
                self.copy(server, inside, self.edit)
                back.join()
        return talk
