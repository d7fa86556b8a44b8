"""Real servers behind the lab's addresses: they listen at ports of 127.0.0.1 in the lab's Internet, and what connects
to a host of the lab is handed on to them."""
import contextlib
import socket
import threading

from harness import HOST


class Door:
    """Stands for a script: the real server of this name, as World.ports of real_servers has it."""
    tls = "none"

    def __init__(self, server):
        self.server = server


def through(port):
    """What `Services.listen` wants: everything, both ways, to that port."""
    def talk(peer):
        with socket.create_connection((HOST, port), 10) as server:
            server.settimeout(60)
            back = threading.Thread(target=pump, args=(peer, server), daemon=True)
            back.start()
            pump(server, peer)
            back.join()
    return talk


def pump(source, to):
    with contextlib.suppress(OSError):
        while octets := source.recv(65536):
            to.sendall(octets)
    for end in (source, to):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
